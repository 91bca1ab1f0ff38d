"""A school's emergency pressed twice, and two doctors who send it on at once: one case, one letter."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from kangqiao.domain.referral import actions
from kangqiao.domain.referral.models import Referral, SchoolCase
from kangqiao.domain.referral.tests import factories as f
from kangqiao.domain.referral.tests.test_schools import TEN, School, made
from kangqiao.domain.residents.models import Resident
from tests.races.test_booking import together
from tests.races.test_contracts import refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
MANY = 8
GUARD = "school_case_open_once_by_name"


def said(s: School) -> dict[str, Any]:
    """A report by name alone."""
    return {
        "community_id": s.place.pk, "student": "演示小红", "contact": "演示王", "contact_phone": "13800001111",
        "happened_at": TEN, "what": "摔倒", "consciousness": "awake", "breathing": "normal", "by": s.seat.actor,
        "at": TEN,
    }  # fmt: skip


def test_without_the_guard_one_student_is_reported_four_times() -> None:
    s = made(f.cast())
    row = {"community": s.place, "organization": s.c.centre, "opened_by_id": s.seat.user_id, "student": "演示小红"}
    row |= {"contact": "演示王", "contact_phone": "1", "happened_at": TEN, "what": "摔倒", "opened_at": TEN}
    row |= {"consciousness": "awake", "breathing": "normal"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [GUARD])
        (guard,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {GUARD}")
    all_have_read = threading.Barrier(4)

    def naive(number: int) -> str:
        with transaction.atomic():
            is_there = SchoolCase.objects.filter(community=s.place, student="演示小红", status="open").exists()
            all_have_read.wait(timeout=30)
            if is_there:
                return "there"
            SchoolCase.objects.create(**row)
        return "won"

    try:
        assert together(4, naive) == ["won"] * 4
    finally:
        SchoolCase.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(guard)


def test_the_same_report_from_many_at_once_is_one_case() -> None:
    s = made(f.cast())

    told = together(MANY, lambda number: refused(lambda: actions.open_school_case(**said(s))))

    assert told == ["won"] * MANY
    assert SchoolCase.objects.count() == 1


def test_two_doctors_who_send_it_on_at_once_write_one_letter() -> None:
    s = made(f.cast())
    case = actions.open_school_case(**said(s))
    to = {
        "case_id": case.pk, "to_organization_id": s.c.hospital.pk, "specialty": "paediatrics", "diagnosis": "外伤",
        "student": "演示小红", "sex": "female", "birth_date": TEN.date().replace(year=2017), "by": s.c.gp.actor,
        "at": TEN,
    }  # fmt: skip

    told = together(MANY, lambda number: refused(lambda: actions.forward_school_case(**to)))

    assert sorted(told) == ["AlreadyMoved"] * (MANY - 1) + ["won"]
    assert Referral.objects.count() == 1
    assert Resident.objects.filter(name="演示小红").count() == 1
