"""Two tiers on a form: the impossible is refused, the unusual is asked about once (T-VAL)."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from kangqiao.domain.accounts.models import Role
from kangqiao.kernel.bounds import Bounds, Verdict, terms
from tests.access_matrix.world import two_sides


@pytest.mark.trust("T-VAL")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("starts_on", "said", "is_asked"),
    [
        ("1890-05-01", "这一天不可能。", False),
        ("2190-05-01", "这一天不可能。", False),
        ("2026-02-31", "", False),
        ("2015-05-01", "请核对", True),
        ("2039-05-01", "请核对", True),
    ],
)
def test_day_of_an_agreement(starts_on: str, said: str, is_asked: bool) -> None:
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.GUIDANCE_OFFICE])
    form = {"kind": "joint_building", "hospital": ours.hospital.pk, "centre": ours.centre.pk, "starts_on": starts_on}

    asked = client.post("/agreements/new/", form)
    sure = client.post("/agreements/new/", form | {"is_sure": "on"})

    page = asked.content.decode()
    assert asked.status_code == 422
    assert said in page
    assert ('type="checkbox" name="is_sure"' in page) is is_asked
    assert ("请核对" in sure.content.decode()) is False
    assert is_asked or sure.status_code == 422


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (-1, "impossible"),
        (0, "unusual"),
        (9, "unusual"),
        (10, "fine"),
        (90, "fine"),
        (91, "unusual"),
        (100, "unusual"),
        (101, "impossible"),
    ],
)
def test_ends_of_bounds_are_inside(value: int, verdict: str) -> None:
    assert Bounds(0, 100, 10, 90).judge(value) is Verdict(verdict)


def test_bounds_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="must lie within"):
        Bounds(0, 10, 5, 11)


def test_terms_begin_on_a_leap_day_too() -> None:
    assert terms(date(2024, 2, 29)).judge(date(2024, 2, 29)) is Verdict.FINE
