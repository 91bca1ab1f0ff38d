"""Somebody who helps the team of a side, and a visit they are sent on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Helper, HomeVisit, TeamDuty
from kangqiao.domain.residents.permissions import visible_to

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_helpers(side: Side) -> None:
    """A volunteer with a visit today; as workstation staff of nobody, they see whom they visit alone."""
    side.add("helper", Helper, team=side.team, user=side.users[Role.HELPER], kind="volunteer")
    scope = ["home_visit", "escort"]
    side.add("duty_of_helper", TeamDuty, team=side.team, kind="volunteer", duties="演示", scope=scope)
    side.add("visit", HomeVisit, resident=side.resident, helper=side.helper, act="home_visit", on=side.today)
    later = {"resident": side.resident, "helper": side.helper, "on": side.today + timedelta(days=9)}
    side.add("visit_done", HomeVisit, act="escort", status="done", **later)


def sent_on(seat: Seat) -> Q:
    """Visits at residents the seat may see, and those a helper was sent on."""
    own = Q(helper__user=seat.user_id, helper__until=None) if seat.role == Role.HELPER else Q(pk__in=())
    return visible_to(seat, field="resident_id") | own
