"""Below the edges time is an argument: nobody asks a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.repository.sources import PRODUCT, is_marked, name, none, product, text

# Written on the line or above it, with the reason: a right to see is a right now.
READS = "reads the clock"
ASKING = {"now", "utcnow", "today", "localdate", "localtime"}
# The edges: they hand the time down. The launcher watches processes, not patients.
EDGES = ("config", "edges", "base/server")
EDGE_FILES = {"views.py"}


def faults(source: str, path: str) -> Iterator[str]:
    """Lines that ask a clock; `localtime(moment)` only turns a moment and is none."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        asks = called in ASKING and not (called in {"localdate", "localtime"} and (node.args or node.keywords))
        asks = asks or (called == "time" and isinstance(owner, ast.Name) and owner.id == "time")
        asks = asks or (called == "Now" and not node.args)
        if asks and not is_marked(lines, node, READS):
            yield f"{path}:{node.lineno}: {ast.unparse(node)} asks a clock; take `at`"


def test_nobody_below_the_edges_asks_a_clock() -> None:
    found = [
        fault
        for path in product()
        if path.name not in EDGE_FILES
        and path.parent.name != "views"
        and not any(path.is_relative_to(PRODUCT / edge) for edge in EDGES)
        for fault in faults(text(path), name(path))
    ]  # fmt: skip

    none(found)


def test_faults_finds_planted_ones() -> None:
    planted = (
        "timezone.now()\n"
        "date.today()\n"
        "time.time()\n"
        "timezone.localtime()\n"
        "Now()\n"
        "timezone.localtime(at)\n"
        "time.monotonic()\n"
        "timezone.now()  # reads the clock: a right to see is a right now\n"
        "timezone.now()  # reads the clock:\n"
    )

    assert [int(fault.split(":")[1]) for fault in faults(planted, "x.py")] == [1, 2, 3, 4, 5, 9]
