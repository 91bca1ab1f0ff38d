"""Who looks after health at the school of a side, and a student's case that waits for its centre."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import SchoolHealthWorker
from kangqiao.domain.referral.models import SchoolCase
from kangqiao.domain.residents.permissions import visible_to

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_schools(side: Side) -> None:
    """The school account reports for the school of the side; one case waits for the centre."""
    user = side.users[Role.SCHOOL_HEALTH]
    side.add("health_worker", SchoolHealthWorker, community=side.community, user=user)
    said = {"consciousness": "awake", "breathing": "normal", "due_at": side.at + timedelta(minutes=5)}
    said |= {"identifier": "", "answer_kind": "", "answer": ""}
    side.add(
        "school_case", SchoolCase, community=side.community, organization=side.centre, opened_by=user, **said
    )  # fmt: skip


def reported(seat: Seat) -> Q:
    """The cases of one's own school, of one's own centre, and those whose letter one sees."""
    own = Q(pk__in=())
    if seat.role == Role.SCHOOL_HEALTH:
        held = SchoolHealthWorker.objects.filter(user=seat.user_id, until=None)
        own = Q(community__in=held.values("community"))
    if seat.role in (Role.GP, Role.CENTRE_MANAGER):
        own = Q(organization=seat.organization_id)
    return own | visible_to(seat, field="referral__resident_id")
