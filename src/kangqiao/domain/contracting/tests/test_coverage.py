from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import actions, queries, rules
from kangqiao.domain.contracting.parameters import coverage_target_at
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents.models import Merge, Resident
from kangqiao.kernel.errors import NoPolicyInForce

Asks = Callable[[int], AbstractContextManager[list[str]]]
XUHUI = "310104"
IN_2025 = datetime(2025, 6, 2, 1, 0, tzinfo=UTC)


@pytest.mark.clause("XH23-5.2.1g")
def test_district_of_a_million_is_eleven_thousand_short_in_2025() -> None:
    goal = coverage_target_at(XUHUI, date(2025, 6, 2))

    assert (goal.value, goal.clause) == (45, "XH23-5.2.1g")
    assert rules.people_short(1_100_000, 484_000, goal.number()) == 11_000
    assert rules.people_short(1_100_000, 484_000, coverage_target_at(XUHUI, date(2023, 12, 31)).number()) == 0
    assert rules.people_short(101, 45, 45) == 1  # whole people: 45.45 is 46
    with pytest.raises(NoPolicyInForce):
        coverage_target_at(XUHUI, date(2011, 12, 31))


def xuhui(w: f.World) -> tuple[Organization, Organization]:
    """The bureau of the district and one of its centres."""
    city = Place.objects.create(code="31", zh="上海市")
    district = Place.objects.create(code=XUHUI, zh="徐汇区", part_of=city)
    made = [
        Organization.objects.create(
            code=f"xh-{kind.replace('_', '-')}", kind=kind, zh=f"演示徐汇{kind}", short_zh=kind, place=district,
            is_demo=True,
        )
        for kind in ("health_bureau", "centre")
    ]  # fmt: skip
    return made[0], made[1]


@pytest.mark.django_db
@pytest.mark.clause("XH23-5.2.1g")
def test_bureau_reads_how_many_people_are_short() -> None:
    w = f.world()
    bureau, centre = xuhui(w)
    team = w.team(house=centre)
    people = [w.resident(house=centre) for _number in range(25)]
    for one in people[:11]:
        w.signed(team, one, at=IN_2025)
    officer = Client()
    officer.force_login(w.user("演示科员", Role.BUREAU_OFFICER, bureau))

    with time_machine.travel(IN_2025 + timedelta(days=1), tick=False):
        page = officer.get(reverse("contracting-coverage")).content.decode()

    assert "44.0%" in page
    assert "目标 45%，还差 1 人" in page
    assert "XH23-5.2.1g" in page


@pytest.mark.django_db
def test_each_person_counts_once_where_registered() -> None:
    w = f.world()
    people = [w.resident() for _number in range(5)]
    w.signed(w.team(), people[0])
    w.signed(w.team(house=w.other), people[1])
    ended = w.signed(w.team(), people[2])[0]
    actions.end_contract(contract_id=ended.pk, why="wish", reason="演示", by=f.JOB, at=f.AT)
    Resident.objects.filter(pk=people[3].pk).update(deceased_on=f.ON)
    Merge.objects.create(kept=people[0], gone=people[4], reason="演示", merged_by="演示", merged_at=f.AT)
    on = f.ON + timedelta(days=1)

    own = queries.coverage(w.seat(Role.CENTRE_MANAGER), on)
    district = queries.coverage(w.seat(Role.BUREAU_OFFICER, w.bureau), on)

    assert [(one.people, one.signed) for one in own.lines] == [(3, 2)]
    assert (district.whole.people, district.whole.signed) == (3, 2)
    assert {one.centre: one.people for one in district.lines} == {w.centre: 3, w.other: 0}
    assert district.lines[-1].share is None


@pytest.mark.django_db
def test_without_a_target_the_numbers_stand_alone() -> None:
    w = f.world()

    found = queries.coverage(w.seat(Role.BUREAU_OFFICER, w.bureau), date(2011, 1, 1))

    assert (found.whole.target, found.whole.short) == (None, None)


@pytest.mark.django_db
def test_coverage_asks_the_same_for_one_centre_and_for_many(asks_at_most: Asks) -> None:
    w = f.world()
    bureau = w.seat(Role.BUREAU_OFFICER, w.bureau)
    with asks_at_most(8) as few:
        queries.coverage(bureau, f.ON)
    for number in range(20):
        Organization.objects.create(
            code=f"more-{number}", kind="centre", zh="演示", short_zh="演示", place=w.centre.place
        )

    with asks_at_most(len(few)):
        assert len(queries.coverage(bureau, f.ON).lines) == 22
