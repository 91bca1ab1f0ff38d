"""Which test shows which clause, read from the source of the tests without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kangqiao.kernel.errors import PolicyError


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One `@pytest.mark.clause("…")` on one test: the clause, and the test as pytest names it, without parameters."""

    clause: str
    test: str
    file: str
    line: int


def collect(root: Path) -> list[Mark]:
    """Every clause mark of the test files below a source tree, in order of file and line.

    Reads the syntax tree, so the answer depends on the files alone and not on what is installed or run. Raises
    PolicyError for a test file that is no Python.
    """
    marks: list[Mark] = []
    for path in test_files(root):
        shown = path.relative_to(root).as_posix()
        source = path.read_text(encoding="utf-8")
        if ".clause(" in source:
            marks.extend(marks_in(source, shown))
    return marks


def source_folders(root: Path) -> list[Path]:
    """The folders that make the product: of a source tree, or of the folder a wheel is installed in."""
    names = ("src", "packs", "tests") if (root / "src").is_dir() else ("kangqiao",)
    return [root / name for name in names]


def test_files(root: Path) -> Iterator[Path]:
    """The test files of a source tree, sorted: `tests/` at the top and the `tests/` folder of every module."""
    for folder in source_folders(root):
        for path in sorted(folder.rglob("test_*.py")):
            if "tests" in path.relative_to(root).parts[:-1] and "__pycache__" not in path.parts:
                yield path


def marks_in(source: str, file: str) -> Iterator[Mark]:
    """The clause marks of one test file, those of its classes and of `pytestmark` handed down to each test."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise PolicyError(f"{file}:{error.lineno or 1}: is no Python: {error.msg}") from error
    yield from _in_body(tree.body, file, "", ())


def _in_body(body: list[ast.stmt], file: str, prefix: str, inherited: tuple[str, ...]) -> Iterator[Mark]:
    for statement in body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets
        ):
            inherited += tuple(_clauses([statement.value], file))
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
            own = inherited + tuple(_clauses(statement.decorator_list, file))
            yield from _in_body(statement.body, file, f"{prefix}{statement.name}::", own)
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name.startswith("test"):
            own = inherited + tuple(_clauses(statement.decorator_list, file))
            for clause in dict.fromkeys(own):
                yield Mark(clause, f"{file}::{prefix}{statement.name}", file, statement.lineno)


def _clauses(nodes: Iterable[ast.expr], file: str) -> Iterator[str]:
    for node in nodes:
        for inner in ast.walk(node):
            if not (isinstance(inner, ast.Call) and ast.unparse(inner.func) in ("pytest.mark.clause", "mark.clause")):
                continue
            for argument in inner.args:
                if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                    raise PolicyError(f"{file}:{inner.lineno}: a clause mark takes clause ids written out in quotes")
                yield argument.value
