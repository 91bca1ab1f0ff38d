"""The places of one letter: its visit, its examinations, its bed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.states import State

# What a list reads along, so that no line asks for its own.
WITH_PARTS = ("parts__booking__slot", "parts__booking__session__practitioner")


@dataclass(frozen=True, slots=True)
class Stay:
    """One place of a letter: the visit (no kind), an examination or a bed, and how far it is."""

    kind: str
    label: str
    booking: Booking
    state: State
    is_today: bool

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done today."""
        return self.is_today and self.booking.status in ("booked", "arrived")


def parts_of(referral: Referral) -> list[Part]:
    """The examinations and the bed kept with a letter, also those given back."""
    return _parts.models(referral=referral.pk)


@Prepared
def _parts() -> QuerySet[Part]:
    rows = Part.objects.filter(referral_id=Told("referral", BigIntegerField()))
    return rows.select_related("booking__slot", "booking__session__practitioner")


def parts_given_back(referral: Referral, since: datetime) -> list[Part]:
    """The examinations and the bed that were missed or went back in one step, at its moment."""
    parts = {part.booking_id: part for part in parts_of(referral)}
    changes = StatusChange.objects.filter(
        subject_type="scheduling.booking", subject_id__in=list(parts), action__in=("cancel", "miss"), at=since
    )
    return [parts[pk] for pk in changes.order_by("subject_id").values_list("subject_id", flat=True)]


def parts_lost(referral: Referral) -> list[str]:
    """What was kept with a letter that still waits for the visit and went back, by name."""
    if referral.status not in ("sent", "unplaced", "returned", "accepted"):
        return []
    return [str(part.get_kind_display()) for part in parts_of(referral) if part.booking.status == "cancelled"]


def stays_of(referral: Referral, now: datetime, parts: Iterable[Part] | None = None) -> list[Stay]:
    """Visit, examinations and bed of a letter in the order of their times; what was given back stays out."""
    every: list[tuple[str, str, Booking]] = [("", _("门诊"), referral.booking)] if referral.booking else []
    own = parts_of(referral) if parts is None else parts
    every += [(part.kind, str(part.get_kind_display()), part.booking) for part in own]
    today = localtime(now).date()
    found = [
        Stay(kind, label, one, BOOKING.state(one.status), localtime(one.slot.starts_at).date() == today)
        for kind, label, one in every
        if one.status != "cancelled"
    ]
    return sorted(found, key=lambda stay: stay.booking.slot.starts_at)
