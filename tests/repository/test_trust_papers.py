"""The papers about trust claim nothing that is not there: every test they name exists, every table is whole."""

from __future__ import annotations

import ast
import csv
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.repository.sources import PRODUCT, ROOT, none, text, tree

# A test by its file, from the root or from src/kangqiao, or a promise of tests/trust.toml.
NAMED = re.compile(r"([\w/.-]+\.py)::((?:\w+::)?\w+)")
PROMISE = re.compile(r"\bT-[A-Z]+(?:-\d+)?\b")
PAPERS = (
    "SECURITY.md", "docs/hazard-log.md", "docs/dengbao.md", "docs/pipl.md", "docs/asvs.csv",
    "docs/howto/attack-diary.md",
)  # fmt: skip
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


@pytest.mark.parametrize("paper", PAPERS)
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


def asvs() -> list[dict[str, str]]:
    """The rows of docs/asvs.csv."""
    with (ROOT / "docs" / "asvs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def asvs_faults(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    """Rows taken twice or out of order, verdicts that are no verdict or stand without a test and a reason."""
    before: tuple[int, ...] = ()
    for row in rows:
        number = tuple(int(part) for part in row["id"].split("."))
        if number <= before:
            yield f"{row['id']} stands out of order"
        before = number
        if row["verdict"] not in VERDICTS:
            yield f"{row['id']}: {row['verdict']} is no verdict"
        if not row["subject"]:
            yield f"{row['id']} says nothing of its subject"
        if not (row["shown_by"] or row["reason"]):
            yield f"{row['id']} is {row['verdict']} without a test or a reason"
        if row["verdict"] != "met" and not row["reason"]:
            yield f"{row['id']} is {row['verdict']} and does not say why"


def test_asvs_table_has_every_row_of_level_two_and_the_chapters_of_level_three() -> None:
    rows = asvs()
    levels = [row["level"] for row in rows]
    third = {row["id"] for row in rows if row["level"] == "3"}

    # ASVS 5.0.0 has 70 requirements of level 1 and 183 of level 2.
    assert (levels.count("1"), levels.count("2")) == (70, 183)
    assert {"5.2.4", "5.2.5", "5.2.6", "5.3.3", "7.5.3"} <= third
    assert {"8.1.3", "8.1.4", "8.2.4", "8.3.2", "8.3.3", "8.4.2", "16.5.4"} <= third
    none(asvs_faults(rows))


def test_asvs_faults_finds_planted_ones() -> None:
    row = {"id": "1.2.10", "level": "3", "subject": "s", "verdict": "met", "shown_by": "T-DEP", "reason": ""}
    rows = [
        row,
        row | {"id": "1.2.9"},
        row | {"id": "1.3.1", "shown_by": ""},
        row | {"id": "1.3.2", "verdict": "partly"},
    ]

    assert list(asvs_faults(rows)) == [
        "1.2.9 stands out of order",
        "1.3.1 is met without a test or a reason",
        "1.3.2 is partly and does not say why",
    ]


@pytest.mark.parametrize("paper", ["docs/dengbao.md", "docs/pipl.md"])
def test_each_group_of_a_law_is_answered_in_full(paper: str) -> None:
    parts = ("要求大意", "康桥做到的", "测试或页面", "运维单位要做的", "还没有的", "EN")
    groups = re.split(r"^## ", text(ROOT / paper), flags=re.MULTILINE)[1:]

    assert groups
    none(
        f"{paper}, {group.splitlines()[0]}: {part}"
        for group in groups
        for part in parts
        if not re.search(rf"^- {part}[：:]\s*\S", group, re.MULTILINE)
    )
