"""A pilot of the one-stop service, a visit of today and its one step."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.timezone import make_aware

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import OneStop, OneStopStep, Pilot, TeamMember
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.workforce.models import Practitioner

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_one_stop(side: Side) -> None:
    """The centre tries it since ten days; the resident comes today to the doctor."""
    for name, kind in (("nurse", "nurse"), ("officer", "public_health")):
        who = side.add(name, Practitioner, organization=side.centre)
        side.add(f"member_{name}", TeamMember, team=side.team, practitioner=who, kind=kind)
    side.add("pilot", Pilot, organization=side.centre, starts_on=side.today - timedelta(days=10))
    held = {"pilot": side.pilot, "contract": side.contract, "resident": side.resident}
    side.add("one_stop", OneStop, flow="elderly", on=side.today, **held)
    starts = make_aware(datetime.combine(side.today, time(9)))
    span = {"starts_at": starts, "ends_at": starts + timedelta(minutes=15)}
    done = {"done_at": side.at, "by_name": "演示医生"}
    side.add(
        "one_stop_step", OneStopStep, visit=side.one_stop, number=1, kind="gp", practitioner=side.gp, **span, **done
    )


def of_one_stop(seat: Seat) -> Q:
    """Steps are seen with their visit."""
    return residents.visible_to(seat, field="visit__resident_id")
