"""Whoever looks beyond the scope of who acts says why: every step of `beyond` stands in the how-to, with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.repository.sources import ROOT, functions, name, none, product, text, tree

PAPER = ROOT / "docs" / "howto" / "row-security.md"
ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def steps(source: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each step that looks beyond; a name that is not written out is empty."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("beyond", "acting.beyond"):
            first = node.args[0] if node.args else None
            yield node.lineno, str(first.value) if isinstance(first, ast.Constant) else ""


def test_every_step_beyond_is_named_with_its_reason() -> None:
    used = {step for path in product() for _line, step in steps(tree(path))}
    told = {step: reason for step, _where, reason in ROW.findall(text(PAPER))}

    assert used - set(told) == set(), "steps of the source that the how-to does not name"
    assert set(told) - used == set(), "steps of the how-to that the source does not know"
    assert all(len(reason.split()) > 4 for reason in told.values())


def test_no_public_list_looks_beyond() -> None:
    """Beyond a seat only the door opens to nobody; a view that anybody may call and that looks beyond is a door."""
    none(
        f"{name(path)}:{function.lineno}: {function.name} is public and looks beyond"
        for path in product()
        for function in functions(tree(path))
        if (marks := [ast.unparse(mark) for mark in function.decorator_list])
        and any(mark.startswith("access('public'") for mark in marks)
        and any(mark.startswith("beyond(") and "accounts.door" not in mark for mark in marks)
    )


def test_steps_finds_planted_ones() -> None:
    planted = ast.parse("with beyond('a.b'):\n    pass\n@acting.beyond('c.d')\ndef f(): ...\nbeyond(what)\n")

    assert sorted(steps(planted)) == [(1, "a.b"), (3, "c.d"), (5, "")]
