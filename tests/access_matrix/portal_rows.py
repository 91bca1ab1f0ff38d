"""Questions to the team of a side's resident, and a rating."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.contracting.models import Service, TeamMember
from kangqiao.domain.portal.models import CentreService, Enquiry, EnquiryMessage, Rating
from kangqiao.domain.workforce.models import Practitioner

if TYPE_CHECKING:
    from tests.access_matrix.world import Side

SERVICE = "unrated"


def add_portal(side: Side) -> None:
    """A question that waits, with its words; a service that was rated and one that was not."""
    nurse = side.add("nurse", Practitioner, organization=side.centre)
    side.add("colleague", TeamMember, team=side.team, practitioner=nurse, kind="nurse", since=side.today)
    asked = {"resident": side.resident, "asked_by": side.users["resident"], "holder": side.member}
    due = side.at + timedelta(hours=1)
    red = {"red_flags": [f"{side.mark('resident')}red"[:40]], "is_urgent": True}
    side.add("enquiry", Enquiry, contract=side.contract, asked_at=side.at, due_at=due, **asked, **red)
    side.add("enquiry_message", EnquiryMessage, enquiry=side.enquiry, side="resident")
    side.add("rating", Rating, resident=side.resident, service=side.service, stars=4)
    more = {"contract": side.contract, "item": side.item_of_package, "on": side.today}
    side.add("offer", CentreService, organization=side.centre, since=side.today)
    side.rows["service"], rated = side.add(SERVICE, Service, **more), side.service
    side.rows["rated"] = rated
