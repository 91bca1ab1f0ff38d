"""Who hears what becomes of a resident's places: whoever acts for them, else their family doctors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.messaging.rules import Visit
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling.models import Booking


def _tell(
    resident: Resident, *, cause: str, kind: str, subject: str, body: str, address: str, staff_address: str = "",
    centre_id: int | None = None, visit: Visit | None = None, by: Actor, at: datetime,
) -> None:  # fmt: skip
    """Told once per cause and person, in words that name the resident; the address leads to that resident's page.

    Time and house of `visit` may be said on a telephone too.
    """
    words: dict[str, Any] = {"kind": kind, "subject": subject, "body": body, "visit": visit, "by": by, "at": at}
    about, users = f"?resident={resident.pk}", residents.who_acts(resident, at)
    for user_id in users:
        url = address if user_id == resident.user_id else address + about
        messaging.notify(cause=f"{cause}:{user_id}", url=url, user_id=user_id, **words)
    if not users:
        messaging.notify(
            cause=cause, url=(staff_address or address) + about, organization_id=centre_id or resident.centre_id,
            role=Role.GP, **words,
        )  # fmt: skip


def _visit(booking: Booking) -> Visit:
    """When and where the place is."""
    return Visit(booking.slot.starts_at, booking.session.organization_id)
