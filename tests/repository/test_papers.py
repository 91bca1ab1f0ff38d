"""The papers of the project: decisions numbered and short, modules that introduce themselves, versions that agree."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from kangqiao import __version__
from tests.repository.sources import DOMAIN, ROOT, files, ladder, name, none, project, text, tree

ADR_LINES = 40
ADR_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
ROOT_PAPERS = (
    "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "TESTING.md", "SECURITY.md", "GLOSSARY.md", "CHANGELOG.md",
)  # fmt: skip
# The five questions a module's page answers.
QUESTIONS = ("For:", "Nouns:", "States:", "Policies:", "Stands on:")
# Written without end; each such word must have become work or be gone.
UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK|W[I]P)\b")
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def adr_faults(pages: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Decisions with a wrong name, a number taken twice, a heading of another number, or too many lines."""
    taken: dict[int, str] = {}
    for file, page in pages:
        matched = ADR_NAME.fullmatch(file)
        if not matched:
            yield f"{file}: a decision is called 0001-what-it-says.md"
            continue
        number = int(matched[1])
        if number in taken:
            yield f"{file}: number {number} is taken by {taken[number]}"
        taken[number] = file
        if not page.startswith(f"# {number}. "):
            yield f"{file}: the heading does not begin with '# {number}. '"
        if len(page.splitlines()) > ADR_LINES:
            yield f"{file}: {len(page.splitlines())} lines, {ADR_LINES} are a decision"
        if not re.search(r"[Ss]tatus", page):
            yield f"{file}: no status"


def test_decisions_are_numbered_and_short() -> None:
    pages = [(path.name, text(path)) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]

    assert pages
    none(adr_faults(pages))


def test_adr_faults_finds_planted_ones() -> None:
    good = "# 1. One\nStatus: accepted\n"
    pages = [
        ("0001-one.md", good),
        ("0001-another.md", good),
        ("0002-two.md", "# 3. Two\nStatus: accepted\n"),
        ("0004-long.md", "# 4. Long\nStatus: accepted\n" + "x\n" * ADR_LINES),
        ("5-short-name.md", good),
        ("0006-silent.md", "# 6. Silent\n"),
    ]

    assert [fault.split(":")[0] for fault in adr_faults(pages)] == [
        "0001-another.md", "0002-two.md", "0004-long.md", "5-short-name.md", "0006-silent.md",
    ]  # fmt: skip


def test_papers_stand_at_the_root() -> None:
    none(paper for paper in (*ROOT_PAPERS, "LICENSE") if not (ROOT / paper).is_file())


def test_links_between_papers_lead_somewhere() -> None:
    papers = [path for path in files() if path.suffix == ".md" and "src" not in path.relative_to(ROOT).parts]
    dead = [
        f"{name(path)}: {target}"
        for path in papers
        for target in LINK.findall(text(path))
        if not (path.parent / target).exists()
    ]

    none(dead)


@pytest.mark.parametrize("module", sorted(ladder()))
def test_module_answers_the_five_questions(module: str) -> None:
    page = ast.get_docstring(tree(DOMAIN / module / "__init__.py")) or ""

    assert [question for question in QUESTIONS if question not in page] == []


def test_ladder_names_the_modules_there_are() -> None:
    there = {path.parent.name for path in DOMAIN.glob("*/__init__.py")}

    assert there == set(ladder())


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{name(path)}:{number}"
        for path in files()
        if path.suffix in {".py", ".html", ".js", ".css", ".md", ".toml", ".yaml", ".po"} and "vendor" not in path.parts
        for number, line in enumerate(text(path).splitlines(), start=1)
        if UNFINISHED.search(line)
    ]

    none(found)


def test_unfinished_finds_a_planted_word() -> None:
    assert UNFINISHED.search("# TO" + "DO later")
    assert not UNFINISHED.search("mastodon")


def test_versions_agree() -> None:
    settings, floor = project(), ">=3.11"
    short = floor.removeprefix(">=")
    pinned = {
        "pyproject requires-python": settings["project"]["requires-python"].removeprefix(">="),
        "ruff": settings["tool"]["ruff"]["target-version"].replace("py3", "3."),
        "mypy": settings["tool"]["mypy"]["python_version"],
        "Makefile": _found(ROOT / "Makefile", r"needs Python (\d\.\d+)"),
        "Makefile search": ".".join(_found(ROOT / "Makefile", r"version_info < \((\d, \d+)\)").split(", ")),
        "install.py": ".".join(_found(ROOT / "requirements" / "install.py", r"OLDEST = \((\d, \d+)\)").split(", ")),
        ".ci/run": _found(ROOT / ".ci" / "run", r"Python (\d\.\d+)"),
        "TESTING.md": _found(ROOT / "TESTING.md", r"Python (\d\.\d+)"),
        "README.md": _found(ROOT / "README.md", r"Python (\d\.\d+)"),
    }

    assert {place: version for place, version in pinned.items() if version != short} == {}


def test_product_version_is_told_once_and_in_the_changelog() -> None:
    told = re.findall(r"^## (\d+\.\d+\.\d+)", text(ROOT / "CHANGELOG.md"), re.MULTILINE)

    assert tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["version"] == __version__
    assert told[:1] == [__version__]


def _found(path: Path, pattern: str) -> str:
    found = re.search(pattern, text(path))
    assert found, f"{path.name} says no longer {pattern}"
    return found[1]
