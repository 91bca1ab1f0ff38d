"""The last place of a panel and one resident's two contracts: first the race, then that one of many wins."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from kangqiao.base import acting
from kangqiao.domain.contracting import actions
from kangqiao.domain.contracting.models import Contract, Team
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.kernel.errors import KangqiaoError
from tests.races.test_booking import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
MANY = 8


def refused(work: object) -> str:
    """The kind of answer: `won`, or the name of the refusal."""
    try:
        with acting.as_system("test"):
            work()  # type: ignore[operator]
    except KangqiaoError as error:
        return type(error).__name__
    return "won"


def test_without_the_guard_the_last_place_is_given_twice() -> None:
    """Reading, judging in Python and writing afterwards overfills: the race is real on this database."""
    team = f.world().team(ceiling=1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contracting_team DROP CONSTRAINT team_never_overfull")
    all_have_read = threading.Barrier(4)

    def naive(number: int) -> str:
        with transaction.atomic():
            seen = Team.objects.get(pk=team.pk)
            all_have_read.wait(timeout=30)
            if seen.taken >= seen.ceiling:
                return "full"
            Team.objects.filter(pk=team.pk).update(taken=seen.taken + 1)
        return "won"

    try:
        assert together(4, naive) == ["won"] * 4
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE contracting_team ADD CONSTRAINT team_never_overfull CHECK (taken <= ceiling)")


def test_the_last_place_goes_to_one() -> None:
    w = f.world()
    team = w.team(ceiling=1)
    rows = [w.applied(team, w.resident())[0] for _ in range(MANY)]

    told = together(
        MANY, lambda number: refused(lambda: actions.accept_contract(contract_id=rows[number].pk, by=f.JOB, at=f.AT))
    )

    assert sorted(told) == ["Taken"] * (MANY - 1) + ["won"]
    assert Team.objects.get(pk=team.pk).taken == 1
    assert Contract.objects.filter(team=team, status="accepted").count() == 1


def test_two_applications_at_once_are_one() -> None:
    w = f.world()
    team, resident = w.team(), w.resident()

    told = together(MANY, lambda number: refused(lambda: w.applied(team, resident)))

    assert sorted(told) == ["RuleBroken"] * (MANY - 1) + ["won"]
    assert Contract.objects.filter(resident=resident).count() == 1
