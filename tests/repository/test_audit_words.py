"""What a person typed stays in the row it belongs to: an audit event names that row, it does not repeat the words."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.repository.sources import PRODUCT, name, none, product, tree

# Keywords that carry what somebody wrote, or what names a person.
WORDS = frozenset(
    {
        "reason", "note", "text", "summary", "body", "justification", "diagnosis", "comment", "question", "message",
        "answer", "handover", "identifier", "phone", "password", "token", "secret",
    }
)  # fmt: skip
WRITERS = frozenset({"record", "saw", "refused", "Trace"})


def faults(source: ast.AST, path: str) -> Iterator[str]:
    """Calls of an audit writer that hand over words."""
    for node in ast.walk(source):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in WRITERS:
            for keyword in node.keywords:
                if keyword.arg in WORDS:
                    yield f"{path}:{node.lineno}: the audit is told {keyword.arg}; the row it names holds it"


def test_no_event_repeats_what_was_typed() -> None:
    paths = [path for path in product() if not path.is_relative_to(PRODUCT / "base")]

    none(fault for path in paths for fault in faults(tree(path), name(path)))


def test_faults_finds_planted_ones() -> None:
    planted = ast.parse("audit.record('x', row, by=by, at=at, reason=reason)\nrecord('x', row, kind=kind)\nf(note=1)")

    assert [fault.split(": ")[0] for fault in faults(planted, "a.py")] == ["a.py:1"]
