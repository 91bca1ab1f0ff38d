"""Three invented stations of the centre of the reference story: half a year of reports, one late, one missing."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils.timezone import make_aware

from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.actions import register_station
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.stations import actions, queries, rules
from kangqiao.pathways.demonstration.contracts import WAITING_AT
from kangqiao.pathways.demonstration.run import Run

NAMES = ("演示湾畔社区卫生服务站", "演示梅溪社区卫生服务站", "演示山场社区卫生服务站")
MONTHS = 6
# On which day of the month after each station reports; the second is late every other month.
DAYS, LATE_DAY = (2, 4, 3), 9
# What a station does of each kind in a month, about.
SIZES = (240, 130, 60, 40, 25, 15)


def load_stations(run: Run) -> int:
    """The last station has not reported last month."""
    centre = institutions.organization(WAITING_AT)
    made = [register_station(centre_id=centre.pk, zh=zh, opened_on=run.start, by=run.by, at=run.at) for zh in NAMES]
    months, month = [], run.today
    for _number in range(MONTHS):
        month = queries.last_month(month)
        months.append(month)
    return len(made) + sum(_report(run, one, place, month) for month in months for place, one in enumerate(made))


def _report(run: Run, station: Organization, place: int, month: date) -> bool:
    is_last = month == queries.last_month(run.today)
    if is_last and place == len(NAMES) - 1:
        return False
    day = LATE_DAY if place == 1 and month.month % 2 else DAYS[place]
    came = rules.month_after(month) + timedelta(days=day - 1)
    kinds = queries.kinds_of(station, month)
    numbers = {
        kind.key: size - size * place // 8 + (month.month * (number + 3 + place)) % 11
        for number, (kind, size) in enumerate(zip(kinds, SIZES, strict=True))
    }
    at = min(make_aware(datetime.combine(came, time(10))), run.at)
    actions.report_month(station_id=station.pk, month=month, numbers=numbers, by=run.by, at=at)
    return True
