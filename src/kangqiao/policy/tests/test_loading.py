"""A faulty pack is refused with file and line; a good one is read exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from kangqiao import policy

HEAD = """\
id: testland
code: T
version: 1.0.0
title: {zh: 试行办法, en: Trial rules}
places:
  - {code: "9901", zh: 某市, en: Some city}
in_force: {from: 2016-01-01}
"""
CLAUSES = """\
clauses:
  - id: T-1a
    section: "一"
    zh: "每家至少派驻2名"
    requirement: At least two.
    actors: [chc]
    module: roster
    parameters:
      experts: {value: 2, unit: person}
    acceptance: Given one, when checked, then refused.
    priority: core
    force: in_principle
"""
ROSTER = """\
roster:
  experts_per_centre_min:
    - {from: 2016-01-01, value: 2, unit: person, clause: T-1a}
    - {from: 2018-01-01, value: 3, unit: person, clause: T-1a}
"""
PackMaker = Callable[..., Path]


@pytest.fixture
def make_pack(tmp_path: Path) -> PackMaker:
    def make(**files: str) -> Path:
        folder = tmp_path / "packs" / "testland"
        folder.mkdir(parents=True, exist_ok=True)
        contents = {"pack": HEAD, "clauses": CLAUSES, "roster": ROSTER, **files}
        for name, content in contents.items():
            (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
        return tmp_path / "packs"

    return make


def faults(path: Path) -> list[str]:
    return [str(problem) for problem in policy.check(path)]


def test_good_pack_has_no_faults(make_pack: PackMaker) -> None:
    path = make_pack()

    assert faults(path) == []
    assert policy.at("9901", date(2017, 6, 1), policy.load(path)).integer("roster", "experts_per_centre_min") == 2


def test_force_comes_from_the_cited_clause(make_pack: PackMaker) -> None:
    value = policy.at("9901", date(2017, 6, 1), policy.load(make_pack())).value("roster", "experts_per_centre_min")

    assert (value.force, value.clause, value.setting) == ("in_principle", "T-1a", False)


def entry(text: str) -> str:
    return f"roster:\n  experts_per_centre_min:\n    - {text}\n"


@pytest.mark.parametrize(
    ("roster", "line", "message"),
    [
        (entry("{from: 2016-01-01, value: 2, unit: person, clause: T-1a, colour: red}"), 3, "unknown key 'colour'"),
        (entry("{from: 2016-01-01, value: 2, unit: person}"), 3, "is uncited"),
        (entry("{from: 2016-01-01, value: 2, unit: person, setting: true}"), 3, "setting without a reason"),
        (entry("{from: 2016-01-01, value: 2, unit: person, clause: T-9z}"), 3, "unknown clause 'T-9z'"),
        (entry("{from: 2016-01-01, value: 2, clause: T-1a}"), 3, "lacks unit"),
        (entry("{from: 2016, value: 2, unit: person, clause: T-1a}"), 3, "'from' must be a date"),
        (entry("{from: 2016-02-30, value: 2, unit: person, clause: T-1a}"), 3, "there is no date 2016-02-30"),
        (entry("{from: 2015-12-31, value: 2, unit: person, clause: T-1a}"), 3, "before the pack is in force"),
        (entry("{from: 2016-01-01, value: null, unit: person, clause: T-1a}"), 3, "has no value"),
        (entry("{from: 2016-01-01, value: 14:00, unit: time, clause: T-1a}"), 3, "write '14:00' in quotes"),
        (entry("{from: 2016-01-01, value: yes, unit: rule, clause: T-1a}"), 3, "write 'yes' in quotes"),
        (entry("{from: 2016-01-01, value: 2, unit: person, clause: T-1a, force: binding}"), 3, "is in_principle"),
        (entry("{from: 2016-01-01, value: 2, unit: person, clause: T-1a, setting: maybe}"), 3, "true or false"),
        (entry("{from: 2016-01-01, value: 2, unit: person, clause: T-1a, until: 2015-01-01}"), 3, "before it starts"),
        (entry("two"), 3, "must be a table"),
        ("roster:\n  experts_per_centre_min: 2\n", 2, "must be a list of dated values"),
        ("roster:\n  Experts:\n    - {from: 2016-01-01, value: 2, unit: person, clause: T-1a}\n", 2, "lower-case"),
        ("rooster:\n  a_b: []\n", 1, "must hold one table, 'roster'"),
        ("roster: [\n", 2, "not valid YAML"),
        ("", 1, "is empty"),
        (ROSTER + "    - {from: 2018-01-01, value: 4, unit: person, clause: T-1a}\n", 5, "duplicate date 2018-01-01"),
        (ROSTER + "    - {from: 2017-01-01, value: 4, unit: person, clause: T-1a}\n", 5, "dates of experts"),
        (ROSTER + "  experts_per_centre_min: []\n", 5, "duplicate key 'experts_per_centre_min', first on line 2"),
        (
            entry("{from: 2016-01-01, value: 2, unit: person, clause: T-1a, until: 2018-06-30}")
            + "    - {from: 2018-01-01, value: 3, unit: person, clause: T-1a}\n",
            4,
            "overlaps",
        ),
        ("roster:\n  a_b: &x\n    - {from: 2016-01-01, value: 1, unit: n, clause: T-1a}\n  c_d: *x\n", 2, "aliases"),
    ],
)
def test_faulty_topic_names_file_and_line(make_pack: PackMaker, roster: str, line: int, message: str) -> None:
    found = faults(make_pack(roster=roster))

    assert any(text.startswith(f"packs/testland/roster.yaml:{line}: ") and message in text for text in found), found


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("pack", HEAD + "colour: red\n", 8, "unknown key 'colour'"),
        ("pack", HEAD.replace("version: 1.0.0", "version: one"), 3, "version must read like"),
        ("pack", HEAD.replace("id: testland", "id: other"), 1, "differs from the folder"),
        ("pack", HEAD.replace('"9901"', "9901"), 6, "no quoted GB/T 2260 code"),
        ("pack", HEAD.replace("in_force: {from: 2016-01-01}", "in_force: soon"), 7, "in_force must be a table"),
        ("pack", HEAD + "extends: nowhere\n", 8, "there is no such pack"),
        ("pack", HEAD + "data: {network: data/network.yaml}\n", 8, "data file 'data/network.yaml' does not exist"),
        ("pack", HEAD + "data: network.yaml\n", 8, "data must be a table"),
        ("pack", HEAD + "notes: one\n", 8, "notes must be a list"),
        ("pack", "- a\n", 1, "must be a table of keys"),
        ("clauses", CLAUSES.replace("force: in_principle", "force: strong"), 12, "force must be one of"),
        ("clauses", CLAUSES.replace("id: T-1a", "id: X-1a"), 2, "must start with the pack's code 'T-'"),
        ("clauses", CLAUSES + CLAUSES.removeprefix("clauses:\n"), 13, "clause T-1a stands twice"),
        ("clauses", CLAUSES.replace("    module: roster\n", ""), 2, "lacks module"),
        ("clauses", CLAUSES.replace("actors: [chc]", "actors: chc"), 6, "must be a list"),
        ("clauses", CLAUSES.replace("unit: person}", "units: person}"), 9, "unknown key 'units'"),
    ],
)
def test_faulty_pack_names_file_and_line(
    make_pack: PackMaker, name: str, content: str, line: int, message: str
) -> None:
    found = faults(make_pack(**{name: content}))

    assert any(text.startswith(f"packs/testland/{name}.yaml:{line}: ") and message in text for text in found), found


def test_stray_file_is_a_fault(make_pack: PackMaker) -> None:
    path = make_pack()
    (path / "testland" / "notes.txt").write_text("hello")

    assert faults(path) == [
        "packs/testland/notes.txt:1: does not belong into a pack: not a topic, not declared under 'data'"
    ]


def test_file_that_is_no_utf8_is_a_fault(make_pack: PackMaker) -> None:
    path = make_pack()
    (path / "testland" / "roster.yaml").write_bytes("roster: 名册".encode("gbk"))

    assert "packs/testland/roster.yaml:1: is not UTF-8" in faults(path)


def test_folder_without_packs_is_a_fault(tmp_path: Path) -> None:
    assert "no policy packs here" in faults(tmp_path)[0]


def test_load_refuses_a_faulty_folder_and_lists_every_fault(make_pack: PackMaker) -> None:
    path = make_pack(
        roster=entry("{from: 2016-01-01, value: 2, unit: person}"), slots="slots:\n  a_b: 1\n", pack=HEAD + "x: 1\n"
    )

    with pytest.raises(policy.PolicyError) as caught:
        policy.load(path)

    for where in ("roster.yaml:3:", "slots.yaml:2:", "pack.yaml:8:"):
        assert where in str(caught.value)


def test_decimals_stay_exact(make_pack: PackMaker) -> None:
    path = make_pack(roster=entry("{from: 2016-01-01, value: 0.1, unit: share, clause: T-1a}"))

    value = policy.at("9901", date(2016, 1, 1), policy.load(path)).value("roster", "experts_per_centre_min")

    assert value.value == Decimal("0.1")
    assert value.fraction() * 10 == 1
