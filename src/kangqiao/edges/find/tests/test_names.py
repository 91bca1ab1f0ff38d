"""U-6: awkward names are found, each in the first five, however their bearer is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice, product
from pathlib import Path

import pytest

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre
from kangqiao.domain.residents import actions
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.edges.find import queries

NAMES = Path(__file__).with_name("awkward_names.txt")
ORDINARY = 800
BORN = date(1960, 1, 1)


def awkward() -> list[tuple[str, list[str]]]:
    """Every name of the list, with the syllables its bearer says."""
    lines = [line.split() for line in NAMES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [(line[0], line[1:]) for line in lines]


def ordinary() -> Iterator[str]:
    """Everyday names among whom the awkward ones are looked for."""
    yield from ("".join(parts) for parts in product("王李张刘陈杨赵黄周吴", "建国秀淑志玉桂文", "华英明珍平兰军芳强红"))


def person(number: int, name: str, home: Organization) -> Resident:
    """An invented person whose number stands at the end of id and phone."""
    return Resident(
        name=name, sex="male", birth_date=BORN, identifier=f"47040419600101{number:04d}", phone=f"1540000{number:04d}",
        address="", centre=home, insurance="employee", is_demo=True,
    )  # fmt: skip


@pytest.fixture
def doctor(db: None) -> Seat:
    """A family doctor of a centre where all of them are registered."""
    home = centre()
    names = [name for name, _said in awkward()] + list(islice(ordinary(), ORDINARY))
    people = [person(number, name, home) for number, name in enumerate(names, start=1000)]
    actions.import_residents(residents=people, since=NOW, by=TESTER, at=NOW)
    return seat("gp", home)


def ways(number: int, name: str, said: list[str]) -> dict[str, str]:
    """How the same person may be asked for."""
    return {
        "initials": "".join(one[0] for one in said),
        "pinyin": "".join(said),
        "spaced pinyin": " ".join(said).upper(),
        "characters": name,
        "another dot": name.replace("·", "•"),
        "no dot": name.replace("·", ""),
        "id": f"{number:04d}",
        "phone": f"1540000{number:04d}",
    }


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_awkward_names_are_in_the_first_five(doctor: Seat, every: int) -> None:
    """Each ninth of them, and with the slow tests all."""
    missed = []
    for number, (name, said) in list(enumerate(awkward(), start=1000))[::every]:
        for way, text in ways(number, name, said).items():
            hits = [one.name for one in residents.search_residents(doctor, text, queries.MOST_OF_A_KIND)]
            assert len(hits) <= 5
            if name not in hits:
                missed.append(f"{name} by {way} {text}: {hits}")

    assert not missed, "\n".join(("", f"{len(missed)} missed", *missed[:40]))


def test_the_list_holds_two_hundred_different_names() -> None:
    assert len({name for name, _said in awkward()}) >= 200


@pytest.mark.parametrize("typed", ["jitian", "吉田丰", "𠮷田"])
def test_a_rare_character_is_found_by_the_common_one(doctor: Seat, typed: str) -> None:
    found = queries.find(doctor, typed, NOW)

    assert [hit.title for hit in found.groups[0].hits] == ["𠮷田丰"]


def test_a_usual_reading_comes_before_a_rare_one(db: None) -> None:
    home = centre()
    people = [person(1, "李楷之", home), person(2, "林惊蛰", home)]
    actions.import_residents(residents=people, since=NOW, by=TESTER, at=NOW)

    found = queries.find(seat("gp", home), "ljz", NOW)

    assert [hit.title for hit in found.groups[0].hits] == ["林惊蛰", "李楷之"]
