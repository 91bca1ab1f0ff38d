"""Files stay under 400 lines and functions under 40; the older and longer ones are counted down in ratchet.toml."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.repository.sources import files, name, none, text, tree

FILE_LINES, FUNCTION_LINES = 400, 40
SLACK = 50  # so that not every small edit has to count again
RATCHET = Path(__file__).with_name("ratchet.toml")


def faults(measured: Mapping[str, int], allowed: Mapping[str, int], limit: int) -> Iterator[str]:
    """What grew beyond its mark, and marks that are higher than what is left."""
    for place, lines in measured.items():
        mark = max(allowed.get(place, 0), limit)
        if lines > mark:
            yield f"{place} has {lines} lines, {mark} are allowed: divide it by its subjects"
    for place, mark in allowed.items():
        lines = measured.get(place, 0)
        if lines <= limit:
            yield f"{place} fits now ({lines}): take its line out of ratchet.toml"
        elif lines < mark - SLACK:
            yield f"{place} has {lines} lines: lower its mark in ratchet.toml from {mark}"


def _python() -> Iterator[Path]:
    return (path for path in files() if path.suffix == ".py" and "migrations" not in path.parts)


def _functions() -> Iterator[tuple[str, int]]:
    for path in _python():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                yield f"{name(path)}::{node.name}", (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_are_short() -> None:
    measured = {name(path): len(text(path).splitlines()) for path in _python()}

    none(faults(measured, tomllib.loads(text(RATCHET))["lines"], FILE_LINES))


def test_functions_are_short() -> None:
    measured: dict[str, int] = {}
    for place, lines in _functions():
        measured[place] = max(lines, measured.get(place, 0))

    none(faults(measured, tomllib.loads(text(RATCHET))["functions"], FUNCTION_LINES))


def test_faults_finds_planted_ones() -> None:
    measured = {"new.py": 401, "known.py": 450, "grown.py": 460, "shrunk.py": 405, "fits.py": 10}
    allowed = {"known.py": 450, "grown.py": 450, "shrunk.py": 500, "fits.py": 450, "gone.py": 450}

    assert [fault.split()[0] for fault in faults(measured, allowed, 400)] == [
        "new.py", "grown.py", "shrunk.py", "fits.py", "gone.py",
    ]  # fmt: skip
