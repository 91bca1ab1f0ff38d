"""The week of the demonstration's hospital: what is open came from templates, and nothing is opened twice."""

from datetime import date, datetime

import pytest
from django.utils.timezone import get_default_timezone

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.queries import organization
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import ClinicTemplate, Session
from kangqiao.domain.scheduling.rules import Skip
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import load
from kangqiao.pathways.demonstration.weekly import HOSPITAL

TODAY = date(2026, 5, 14)
STEPS = ("concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-clinics")


@pytest.mark.django_db
def test_the_night_finds_every_clinic_of_the_templates_open_and_adds_only_later_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "STEPS", [step for step in load.STEPS if step.key in STEPS])

    demonstration.load_region("zhuhai", today=TODAY, residents=100)

    house, at = organization(HOSPITAL), datetime(2026, 5, 14, 20, tzinfo=get_default_timezone())
    kept = list(ClinicTemplate.objects.select_related("practitioner"))
    before = Session.objects.filter(organization=house)
    last = max(one.planned_for for one in before if one.planned_for is not None)
    assert len(kept) > 2
    assert all(one.practitioner.is_demo and one.room for one in kept)
    assert all(queries.differing(one, queries.weekly_of(one), at) == [] for one in kept)
    shown = queries.plan_of(house, TODAY, last, at)
    assert shown.opens == []
    assert {one.skip for _day, rows in shown.days for one in rows} <= {Skip.OPENED, Skip.BEGUN, Skip.CLOSED}
    count = before.count()
    note = actions.keep_weeks_open(organization_id=house.pk, by=Actor.system("night"), at=at)
    assert note is not None
    assert Session.objects.filter(organization=house).count() == count + note.opened
    assert all(
        day > last for day in Session.objects.order_by("-pk")[: note.opened].values_list("planned_for", flat=True)
    )
    assert Skip.CONFLICT not in {one["skip"] for one in note.skipped if "skip" in one}
