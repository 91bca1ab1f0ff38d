"""Views are thin: declared access, twenty lines, no query of their own, no decision by a status."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repository.sources import PRODUCT, functions, name, none, product, text

LINES = 20
MANAGERS = {"objects", "_default_manager", "_base_manager"}


def thick(source: str, path: str) -> Iterator[str]:
    """Views that are too long, declare no access, or decide by a status. A view takes a `request` first."""
    for function in functions(ast.parse(source)):
        first = function.args.args[0].arg if function.args.args else ""
        if first != "request":
            continue
        said = f"{path}:{function.lineno}: {function.name}"
        declared = any(ast.unparse(d).startswith("access(") for d in function.decorator_list)
        long = _lines(function)
        if long > LINES:
            yield f"{said} has {long} lines, {LINES} are a view"
        if not declared and not function.name.startswith("_"):
            yield f"{said} declares no access"
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and any(
                isinstance(side, ast.Attribute) and side.attr == "status" for side in (node.left, *node.comparators)
            ):
                yield f"{said} decides by a status; that belongs into states or rules"


def _lines(function: ast.FunctionDef) -> int:
    """Lines of the body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def reads(source: str, path: str) -> Iterator[str]:
    """Queries of a model's own, which belong into `queries.py`."""
    for node in ast.walk(ast.parse(source)):
        empty = isinstance(node, ast.Attribute) and node.attr == "none"  # an empty choice, filled by a query later
        for inner in () if empty else ast.iter_child_nodes(node):
            if isinstance(inner, ast.Attribute) and inner.attr in MANAGERS:
                yield f"{path}:{inner.lineno}: {ast.unparse(inner)} reads a table; ask a query"


def edge_files() -> Iterator[Path]:
    """Files that may not read a table themselves: views and forms of every module, and the edges."""
    for path in product():
        in_edges = path.is_relative_to(PRODUCT / "edges") and path.name != "queries.py"
        if path.name in {"views.py", "forms.py"} or path.parent.name in {"views", "forms"} or in_edges:
            yield path


def view_files() -> list[Path]:
    """Files of views; a folder of them keeps what its views share in `parts.py`."""
    paths = (path for path in edge_files() if path.name == "views.py" or path.parent.name == "views")
    return [path for path in paths if path.name not in {"parts.py", "__init__.py"}]


def test_views_are_thin() -> None:
    paths = view_files()

    assert paths
    none(fault for path in paths for fault in thick(text(path), name(path)))


def test_edges_read_no_table() -> None:
    none(fault for path in edge_files() for fault in reads(text(path), name(path)))


def test_thick_finds_planted_ones() -> None:
    body = "\n".join("    x = 1" for _ in range(21))
    planted = (
        f'@access("public")\ndef long(request):\n    """Page."""\n{body}\n'
        "def open_to_all(request):\n    return x\n"
        '@access("signed_in")\ndef decides(request):\n    if referral.status == "sent":\n        return x\n'
        '@access("signed_in")\ndef right(request):\n    return x\n'
        "def _part(request):\n    return x\n"
    )

    assert [fault.split(": ", 1)[1] for fault in thick(planted, "views.py")] == [
        "long has 21 lines, 20 are a view",
        "open_to_all declares no access",
        "decides decides by a status; that belongs into states or rules",
    ]


def test_reads_finds_a_planted_one() -> None:
    found = list(
        reads("rows = Referral.objects.all()\nField(Referral.objects.none())\nqueries.board(seat)", "views.py")
    )

    assert found == ["views.py:1: Referral.objects reads a table; ask a query"]
