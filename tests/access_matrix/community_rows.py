"""A place people belong to, one line of its list, and a day the team comes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Affiliation, Community, CommunityVisit

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_communities(side: Side) -> None:
    """A school the centre serves: its list names the resident's neighbour, and the team is awaited today."""
    name = f"{side.house}school"
    told = {"head_count": 9, "counted_on": side.today, "counted_by": "名单"}
    side.add("community", Community, organization=side.centre, kind="school", zh=name, **told)
    number = f"{side.place_code}-listed"
    side.add("affiliation", Affiliation, community=side.community, identifier=number)
    Affiliation.objects.filter(pk=side.affiliation.pk).update(name=side.mark("resident"))
    side.add("community_visit", CommunityVisit, community=side.community, team=side.team, on=side.today)


def on_lists(seat: Seat) -> Q:
    """The lists of the places one's own centre serves."""
    treats = seat.role in (Role.GP, Role.CENTRE_MANAGER)
    return Q(community__organization=seat.organization_id) if treats else Q(pk__in=())
