"""One person put on the list of a place by many at once: first the race, then that one of many wins."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from kangqiao.domain.contracting import actions
from kangqiao.domain.contracting.models import Affiliation, Community
from kangqiao.domain.contracting.tests import factories as f
from tests.races.test_booking import together
from tests.races.test_contracts import refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
MANY = 8


def place() -> Community:
    house = f.world().centre
    return actions.add_community(organization_id=house.pk, kind="school", zh="演示小学", by=f.JOB, at=f.AT)


def test_without_the_guard_one_person_is_counted_four_times() -> None:
    school = place()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'affiliation_once_at_a_time'"
        )
        (guard,) = cursor.fetchone()
        cursor.execute("ALTER TABLE contracting_affiliation DROP CONSTRAINT affiliation_once_at_a_time")
    all_have_read = threading.Barrier(4)

    def naive(number: int) -> str:
        with transaction.atomic():
            is_there = Affiliation.objects.filter(community=school, identifier="P1").exists()
            all_have_read.wait(timeout=30)
            if is_there:
                return "there"
            Affiliation.objects.create(community=school, name="演示", identifier="P1", starts_on=f.ON)
        return "won"

    try:
        assert together(4, naive) == ["won"] * 4
    finally:
        Affiliation.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE contracting_affiliation ADD CONSTRAINT affiliation_once_at_a_time {guard}")


def test_one_person_comes_onto_a_list_once() -> None:
    school = place()
    said = {"community_id": school.pk, "name": "演示", "identifier": "P1", "by": f.JOB, "at": f.AT}

    told = together(MANY, lambda number: refused(lambda: actions.join_community(**said)))

    assert sorted(told) == ["Taken"] * (MANY - 1) + ["won"]
    assert school.people.count() == 1
