"""One row or many by one step: each with its history, or none moved."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import transaction

from kangqiao.base.actor import Actor
from kangqiao.base.models import StatusChange
from kangqiao.base.transition import begin_all, history, transition, transition_all
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.roster.models import Roster
from kangqiao.domain.roster.states import ROSTER
from kangqiao.kernel.errors import AlreadyMoved

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BY = Actor.system("test")


@pytest.fixture
def rosters(db: None) -> list[Roster]:
    place = Place.objects.create(code="9901", zh="演示市")
    return [
        Roster.objects.create(
            place=place, starts_on=date(2026, 3, day), ends_on=date(2026, 3, day + 7), policy_ref="x", planned_at=AT
        )
        for day in (2, 9, 16)
    ]


def test_a_row_that_moved_meanwhile_leaves_the_work_around_it_whole(rosters: list[Roster]) -> None:
    begin_all(rosters, ROSTER, by=BY, at=AT)
    Roster.objects.filter(pk=rosters[0].pk).update(status="superseded")

    with transaction.atomic():
        with pytest.raises(AlreadyMoved):
            transition(rosters[0], ROSTER, "publish", by=BY, at=AT)
        transition(rosters[1], ROSTER, "publish", by=BY, at=AT)

    assert rosters[0].status == "draft"
    assert list(Roster.objects.filter(status="published")) == [rosters[1]]
    assert [row.to_status for row in history(rosters[0])] == ["draft"]


def test_transition_all_moves_every_row_with_its_history(rosters: list[Roster]) -> None:
    begin_all(rosters, ROSTER, by=BY, at=AT)

    transition_all(rosters, ROSTER, "publish", by=BY, at=AT)

    assert {row.status for row in rosters} == {"published"}
    assert set(Roster.objects.values_list("status", flat=True)) == {"published"}
    steps = [(row.from_status, row.to_status, row.by_id) for row in history(rosters[1])]
    assert steps == [("", "draft", BY.id), ("draft", "published", BY.id)]


def test_transition_all_moves_none_when_one_moved_meanwhile(rosters: list[Roster]) -> None:
    Roster.objects.filter(pk=rosters[2].pk).update(status="superseded")

    with pytest.raises(AlreadyMoved):
        transition_all(rosters, ROSTER, "publish", by=BY, at=AT)

    assert not Roster.objects.filter(status="published").exists()
    assert not StatusChange.objects.exists()


def test_transition_all_of_nothing_does_nothing(db: None) -> None:
    transition_all([], ROSTER, "publish", by=BY, at=AT)

    assert not StatusChange.objects.exists()
