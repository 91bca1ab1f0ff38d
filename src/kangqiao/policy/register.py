"""The clause register: for every clause of the papers where it is in the product, its tests, and whether they hold.

`verified` cannot be written down by anyone: it is the outcome of a marked test in the last full run, and that run
counts only while the sources are still the ones it ran on (compared by a digest of their content).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kangqiao.kernel.errors import PolicyError
from kangqiao.policy.marks import Mark, collect, source_folders
from kangqiao.policy.nodes import Problem, Table, read
from kangqiao.policy.packs import PackSet
from kangqiao.policy.values import Clause

VERIFIED, BUILT, OPEN = "verified", "built", "open"
_SOURCE_SUFFIXES = {".py", ".yaml", ".html", ".css", ".js", ".sql", ".po", ".toml", ".json"}
_NOT_SOURCE = {"__pycache__", "vendor", "node_modules"}


@dataclass(frozen=True, slots=True)
class ClausePlace:
    """Where in the product a clause is carried out: what people call the place, its address, its module."""

    zh: str
    url: str
    module: str


@dataclass(frozen=True)
class Results:
    """The last full test run: the sources it ran on and the outcome of each marked test."""

    sources: str = ""
    commit: str = ""
    dirty: bool = False
    outcomes: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Row:
    """One clause in the register. `passed` counts the marked tests that passed on these very sources."""

    clause: Clause
    state: str
    place: ClausePlace | None
    tests: tuple[str, ...]
    passed: int


@dataclass(frozen=True)
class Register:
    """Every clause with its state, and whether the last full run still speaks of these sources."""

    rows: tuple[Row, ...]
    results: Results
    current: bool

    def of_pack(self, pack: str) -> tuple[Row, ...]:
        """The rows of one pack, named by id or by code."""
        return tuple(row for row in self.rows if pack in (row.clause.pack, row.clause.id.split("-")[0]))

    def counts(self, rows: Iterable[Row] | None = None) -> dict[str, int]:
        """How many rows are verified, built and open."""
        found = Counter(row.state for row in (self.rows if rows is None else rows))
        return {state: found[state] for state in (VERIFIED, BUILT, OPEN)}


def build(
    packs: PackSet, marks: Iterable[Mark], places: Mapping[str, ClausePlace], results: Results, sources: str
) -> Register:
    """The register from what is known; pure. `sources` is the digest of the sources as they are now."""
    tests: dict[str, list[str]] = defaultdict(list)
    for mark in marks:
        tests[mark.clause].append(mark.test)
    current = bool(results.sources) and results.sources == sources
    rows = []
    for clause in packs.clauses():
        own = tuple(tests.get(clause.id, ()))
        place = places.get(clause.id)
        outcomes = results.outcomes.get(clause.id, {}) if current else {}
        passed = [test for test in own if outcomes.get(test) == "passed"]
        failed = any(outcomes.get(test) in ("failed", "error") for test in own)
        state = VERIFIED if passed and not failed else BUILT if own or place else OPEN
        rows.append(Row(clause, state, place, own, len(passed)))
    return Register(tuple(rows), results, current)


def read_tree(root: Path, packs: PackSet, results_path: Path | None = None) -> Register:
    """The register of a source tree: marks and places from its files, outcomes from its last full run.

    Raises PolicyError when a mark or a place names a clause that does not exist.
    """
    marks = collect(root)
    known = {clause.id for clause in packs.clauses()}
    for mark in marks:
        if mark.clause not in known:
            raise PolicyError(f"{mark.file}:{mark.line}: there is no clause '{mark.clause}' in the catalogue")
    package = source_folders(root)[0]
    package = package / "kangqiao" if package.name == "src" else package
    places, problems = read_places(package / "config/clause_places.yaml", known)
    if problems:
        raise PolicyError("\n".join(str(problem) for problem in problems))
    results = read_results(results_path or results_file(root))
    return build(packs, marks, places, results, source_digest(root))


def source_root() -> Path:
    """The source tree this product runs from, or the folder its wheel is installed in."""
    package = Path(__file__).resolve().parents[1]
    tree = package.parents[1]
    return tree if (tree / "packs").is_dir() else package.parent


def results_file(root: Path) -> Path:
    """Where the test run leaves its outcomes."""
    return root / "var/clauses/results.json"


def read_places(path: Path, known: set[str]) -> tuple[dict[str, ClausePlace], list[Problem]]:
    """The declared places by clause id, and what is wrong with the file; a missing file declares nothing."""
    problems: list[Problem] = []
    shown = "/".join(path.parts[-2:])
    if not path.exists():
        return {}, problems
    content = read(path, shown, problems)
    places: dict[str, ClausePlace] = {}
    for clause, place in (content if isinstance(content, Table) else {}).items():
        line = content.line_of(clause)
        if clause not in known:
            problems.append(Problem(shown, line, f"there is no clause '{clause}' in the catalogue"))
        elif not isinstance(place, Table) or set(place) != {"zh", "url", "module"}:
            problems.append(Problem(shown, line, f"{clause} needs exactly zh, url and module"))
        else:
            places[clause] = ClausePlace(str(place["zh"]), str(place["url"]), str(place["module"]))
    return places, problems


def read_results(path: Path) -> Results:
    """The outcomes of the last full run; nothing when there was none or the file is unreadable."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Results(content["sources"], content["commit"], content["dirty"], content["clauses"])
    except (OSError, ValueError, KeyError, TypeError):
        return Results()


def write_results(path: Path, root: Path, outcomes: Mapping[str, Mapping[str, str]], *, merge: bool) -> None:
    """Keep the outcomes of a run with the digest of the sources it ran on.

    `merge` adds to an earlier part of the same full run: outcomes on other sources are dropped first.
    """
    sources = source_digest(root)
    commit, dirty = git_state(root)
    merged: dict[str, dict[str, str]] = {}
    earlier = read_results(path)
    if merge and earlier.sources == sources:
        merged = {clause: dict(tests) for clause, tests in earlier.outcomes.items()}
    for clause, tests in outcomes.items():
        merged.setdefault(clause, {}).update(tests)
    content = {"sources": sources, "commit": commit, "dirty": dirty, "clauses": merged}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def source_digest(root: Path) -> str:
    """A digest of everything whose change could change what a test shows: code, pages, packs and tests."""
    digest = hashlib.sha256()
    for folder in source_folders(root):
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(root)
            if path.suffix in _SOURCE_SUFFIXES and not _NOT_SOURCE.intersection(relative.parts) and path.is_file():
                digest.update(relative.as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def git_state(root: Path) -> tuple[str, bool]:
    """The commit checked out and whether files differ from it; empty where there is no git."""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return "", False


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - fixed words


def docs_page(packs: PackSet, register: Register) -> str:
    """The page `docs/clauses.md`: every clause with its place and tests; outcomes are left to `kangqiao clauses`.

    It holds only what the files say, so the same sources always give the same page.
    """
    lines = [
        "# Clauses of the policy papers",
        "",
        "Generated by `kangqiao clauses --write-docs`; do not edit. A clause is *built* when the product names its",
        "place or a test is marked with it, else *open*. Whether its tests pass on these sources: `kangqiao clauses`.",
        "",
        "| Paper | Clauses | Built | Open | Marked tests |",
        "|---|---|---|---|---|",
    ]
    for pack in packs.packs.values():
        rows = register.of_pack(pack.id)
        if rows:
            built = sum(bool(row.tests or row.place) for row in rows)
            tests = sum(len(row.tests) for row in rows)
            lines.append(f"| [{pack.code}](#{pack.code.lower()}) {pack.title_zh} | {len(rows)} | {built} "
                         f"| {len(rows) - built} | {tests} |")  # fmt: skip
    for pack in packs.packs.values():
        rows = register.of_pack(pack.id)
        if rows:
            lines += ["", f"## {pack.code}", "", f"{pack.title_zh} · {pack.title_en}", ""]
            lines += ["| Clause | Text | Module | Priority | Force | Place | Tests |", "|---|---|---|---|---|---|---|"]
            lines += [_docs_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _docs_row(row: Row) -> str:
    place = f"{row.place.zh} `{row.place.url}`" if row.place else ("—" if not row.tests else "tests only")
    tests = "<br>".join(f"`{test}`" for test in row.tests) or "—"
    cells = (row.clause.id, row.clause.zh, row.clause.module, row.clause.priority, row.clause.force, place, tests)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
