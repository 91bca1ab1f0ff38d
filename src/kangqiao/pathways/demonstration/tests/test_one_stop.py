"""The pilot of the demonstration: two months with results, some of them incomplete, and people who come today."""

from datetime import date

import pytest

from kangqiao.domain.contracting import queries
from kangqiao.domain.contracting.models import OneStop, Pilot
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import load

TODAY = date(2026, 5, 14)
STEPS = (
    "concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-residents", "zhuhai-teams", "zhuhai-contracts",
    "zhuhai-one-stop",
)  # fmt: skip


@pytest.mark.django_db
def test_pilot_has_results_by_month_and_visits_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STEPS", [step for step in load.STEPS if step.key in STEPS])

    demonstration.load_region("zhuhai", today=TODAY, residents=4_000)

    pilot = Pilot.objects.get()
    months = queries.pilot_months([pilot.pk], TODAY)[pilot.pk]
    assert pilot.is_demo
    assert {one.month.month for one in months} >= {3, 4, 5}
    assert 0 < sum(one.whole for one in months) < sum(one.visits for one in months)
    assert OneStop.objects.filter(on=TODAY, status="planned").count() == 3
