"""The papers about trust claim nothing that is not there: every test they name exists, every table is whole."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.repository.sources import PRODUCT, ROOT, none, text, tree

# A test by its file, from the root or from src/kangqiao, or a promise of tests/trust.toml.
NAMED = re.compile(r"([\w/.-]+\.py)::((?:\w+::)?\w+)")
PROMISE = re.compile(r"\bT-[A-Z]+(?:-\d+)?\b")
PAPERS = ("SECURITY.md", "docs/hazard-log.md", "docs/dengbao.md", "docs/pipl.md", "docs/asvs.csv")
VERDICTS = ("met", "partly", "not met", "not applicable")


@cache
def cases_of(path: Path) -> frozenset[str]:
    """The tests of a file as pytest names them: `test_x`, or `TestY::test_x`."""
    found = set()
    for node in tree(path).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + part.name for part in inner if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(found)


@cache
def kept_promises() -> frozenset[str]:
    """The promises of trust.toml that at least one test measures."""
    known = tomllib.loads(text(ROOT / "tests" / "trust.toml"))
    files = [*(ROOT / "tests").rglob("test_*.py"), *PRODUCT.rglob("tests/test_*.py")]
    marked = {found for file in files for found in re.findall(r"mark\.trust\(\s*\"(T-[A-Z]+(?:-\d+)?)\"", text(file))}
    return frozenset(known) & marked


def missing(paper: str) -> Iterator[str]:
    """Tests and promises a text names that do not exist."""
    for file, test in NAMED.findall(paper):
        places = [path for path in (ROOT / file, PRODUCT / file) if path.is_file()]
        if not places:
            yield f"{file}: no such file"
        elif test not in cases_of(places[0]):
            yield f"{file}::{test}: no such test"
    for promise in sorted(set(PROMISE.findall(paper))):
        if promise not in kept_promises():
            yield f"{promise}: no test measures it"


@pytest.mark.parametrize("paper", [paper for paper in PAPERS if (ROOT / paper).exists()])
def test_every_test_a_paper_names_exists(paper: str) -> None:
    none(f"{paper}: {fault}" for fault in missing(text(ROOT / paper)))


def test_missing_finds_planted_names() -> None:
    here = "tests/repository/test_trust_papers.py"

    assert list(missing(f"{here}::test_missing_finds_planted_names, T-DEP")) == []
    assert list(missing(f"{here}::test_gone, gone.py::test_x, T-GONE-1")) == [
        f"{here}::test_gone: no such test", "gone.py: no such file", "T-GONE-1: no test measures it",
    ]  # fmt: skip


def hazard_faults(log: str) -> Iterator[str]:
    """Hazards out of order, sums that do not add up, risks that must not be released, entries without a part."""
    for count, entry in enumerate(re.split(r"^### ", log, flags=re.MULTILINE)[1:], start=1):
        number = entry[:4]
        if number != f"H-{count:02}":
            yield f"{number} stands where H-{count:02} is expected"
        for part in ("Cause", "Effect", "Before", "Control", "Shown by", "Left"):
            if f"\n- {part}:" not in entry:
                yield f"{number} says nothing of: {part}"
        if not NAMED.search(entry):
            yield f"{number} names no test"
        risks = re.findall(r"- (Before|Left): (\d) × (\d) = (\d+)", entry)
        for when, severity, likelihood, product in risks:
            if int(severity) * int(likelihood) != int(product):
                yield f"{number}: {severity} × {likelihood} is not {product}"
            if when == "Left" and int(product) > 9:
                yield f"{number}: what is left is too much to release"
        if [when for when, *_ in risks] != ["Before", "Left"]:
            yield f"{number} does not weigh before and left"


def test_hazard_log_is_whole() -> None:
    none(hazard_faults(text(ROOT / "docs" / "hazard-log.md")))


def test_hazard_faults_finds_planted_ones() -> None:
    parts = ("Cause: c", "Effect: e", "Before: 4 × 3 = 12", "Control: c", "Shown by: a.py::test_x", "Left: 4 × 1 = 4")
    good = "### H-01. X\n" + "".join(f"- {part}\n" for part in parts)
    bad = good.replace("H-01", "H-03").replace("a.py::test_x", "-").replace("4 × 1 = 4", "4 × 3 = 13")

    assert list(hazard_faults(good)) == []
    assert list(hazard_faults(good + bad)) == [
        "H-03 stands where H-02 is expected",
        "H-03 names no test",
        "H-03: 4 × 3 is not 13",
        "H-03: what is left is too much to release",
    ]
