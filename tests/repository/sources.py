"""What the rules look at: the files of the project, read and parsed once."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "src" / "kangqiao"
DOMAIN = PRODUCT / "domain"
# Where there is no git (an unpacked archive): folders that belong to nobody's work.
FOREIGN = {".git", ".venv", "var", "build", "dist", "node_modules", "vendor", "__pycache__", ".mypy_cache"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, new ones too; what git ignores is not of the project."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = {ROOT / name for name in listed.split("\0") if name}
    else:
        found = {path for path in ROOT.rglob("*") if not FOREIGN.intersection(path.relative_to(ROOT).parts)}
    return tuple(sorted(path for path in found if path.is_file()))


def product(*names: str) -> Iterator[Path]:
    """Python files of the product that run in it: no tests, no migrations; `names`: only files or folders so called."""
    for path in files():
        inside = path.is_relative_to(PRODUCT) and path.suffix == ".py"
        if (
            inside
            and not {"tests", "migrations"}.intersection(path.parts)
            and (not names or path.name in names or f"{path.parent.name}.py" in names)
        ):
            yield path


@cache
def text(path: Path) -> str:
    """The file's text."""
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(text(path))


def name(path: Path) -> str:
    """The file's name from the root of the project, as messages say it."""
    return str(path.relative_to(ROOT))


@cache
def project() -> dict[str, Any]:
    """`pyproject.toml`."""
    return tomllib.loads(text(ROOT / "pyproject.toml"))


@cache
def ladder() -> dict[str, int]:
    """Each domain module and how high it stands, read from the one place where the ladder is written."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "modules")
    return {
        module.strip(): height
        for height, line in enumerate(reversed(layers))
        for module in re.split(r"[|:]", line)
    }  # fmt: skip


def functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions at the top of a module."""
    return (node for node in module.body if isinstance(node, ast.FunctionDef))


def is_marked(lines: list[str], node: ast.AST, mark: str) -> bool:
    """Whether the statement carries the mark and a reason, on its first line or the comment line above."""
    first = node.lineno  # type: ignore[attr-defined]
    near = [lines[first - 1], lines[first - 2] if first > 1 and lines[first - 2].lstrip().startswith("#") else ""]
    return any(re.search(rf"#.*{re.escape(mark)}:\s*\S", line) for line in near)


def none(found: Iterable[object], then: str = "") -> None:
    """Fails with every fault on a line of its own, and with what to do."""
    lines = [str(fault) for fault in found]
    assert not lines, "\n".join(("", *lines, then))
