"""The stations of the demonstration: half a year of reports, and one that is missing last month."""

from datetime import date

import pytest

from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.stations import queries
from kangqiao.domain.stations.models import StationReport
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import load
from kangqiao.pathways.demonstration.stations import NAMES

TODAY = date(2026, 5, 14)
STEPS = ("concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-stations")


@pytest.mark.django_db
def test_last_month_lacks_one_station_and_the_others_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STEPS", [step for step in load.STEPS if step.key in STEPS])

    demonstration.load_region("zhuhai", today=TODAY, residents=100)

    where = Membership.objects.get(role=Role.CENTRE_MANAGER, organization__code="c_xiangwan")
    seat = seat_of(where.user, None)
    assert seat is not None
    [april] = queries.centre_months(seat, date(2026, 4, 1), TODAY)
    [march] = queries.centre_months(seat, date(2026, 3, 1), TODAY)
    assert [one.zh for one in april.missing] == [NAMES[-1]]
    assert march.is_whole
    assert {line.standing for line in march.lines} == {"in_time", "late"}
    assert not StationReport.objects.filter(is_demo=False).exists()
