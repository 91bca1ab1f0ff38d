"""What the packs say about the monthly reports of stations."""

from __future__ import annotations

from datetime import date

from kangqiao.domain.contracting.parameters import ActKind, act_kinds_at
from kangqiao.policy import Value, at

TOPIC = "records"


def due_day_at(place_code: str, on: date) -> Value:
    """On which day of the month after a station's report is due (ZH-4.3d). Raises NoPolicyInForce."""
    return at(place_code, on).value(TOPIC, "station_report_due_day")


def kinds_at(place_code: str, on: date) -> list[ActKind]:
    """The kinds of service a report counts: those of a team's month (ZH-4.5d). Raises NoPolicyInForce."""
    return act_kinds_at(place_code, on)
