"""Everything the record keeps about one person, gathered for a file: visits to referrals, and who looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.records import queries as records
from kangqiao.domain.records.models import (
    Allergy,
    Condition,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
)
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.permissions import visible_to as referrals_visible_to
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.domain.residents.queries.oversight import Look
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.scheduling.permissions import visible_to as bookings_visible_to


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept about `resident` at `at`, as far as the reader may take it along; `is_whole` unless a part stays."""

    resident: Resident
    at: datetime
    is_whole: bool
    encounters: list[Encounter]
    conditions: list[Condition]
    observations: list[Observation]
    allergies: list[Allergy]
    medications: list[Medication]
    immunizations: list[Immunization]
    documents: list[Document]
    bookings: list[Booking]
    referrals: list[Referral]
    looks: list[tuple[date, list[Look]]]

    @property
    def count(self) -> int:
        """How many rows it is."""
        rows = (
            self.encounters, self.conditions, self.observations, self.allergies, self.medications, self.immunizations,
            self.documents, self.bookings, self.referrals,
        )  # fmt: skip
        return sum(len(one) for one in rows) + sum(len(of_day) for _day, of_day in self.looks)


def seat_still_held(by: Actor, membership_id: int) -> Seat:
    """The seat somebody asked from, as long as it is theirs. Raises NotVisible."""
    user = User.objects.filter(pk=user_id_of(by) or 0).first()
    seat = seat_of(user, membership_id) if user is not None else None
    if seat is None or seat.actor != by:
        raise residents.not_found()
    return seat


def everything_kept(seat: Seat, resident_id: int | None, now: datetime) -> Kept:
    """The whole record of the person at the screen or their child, also what is over, ended or was corrected.

    Raises NotVisible to who only books for somebody.
    """
    one = records.own_record(seat, resident_id)
    rest = records.protection_of_file(seat, one)
    bookings = Booking.objects.select_related("slot", "session__practitioner", "session__organization")
    referrals = Referral.objects.filter(referrals_visible_to(seat), resident=one)
    return Kept(
        resident=one,
        at=now,
        is_whole=not rest.hides,
        encounters=list(records.encounters_of(seat, one, rest)),
        conditions=list(records.conditions_of(seat, one, rest, past=True)),
        observations=list(records.observations_of(seat, one, rest, past=True)),
        allergies=records.allergies_of(seat, one, rest, past=True),
        medications=list(records.medications_of(seat, one, rest, past=True)),
        immunizations=list(records.immunizations_of(seat, one, rest, past=True)),
        documents=list(records.documents_of(seat, one, rest)),
        bookings=list(
            bookings.filter(bookings_visible_to(seat), resident=one).order_by("-slot__starts_at")
        ),
        referrals=[] if rest.hides else list(
            referrals.select_related("from_organization", "to_organization", "from_practitioner").order_by("-sent_at")
        ),
        looks=residents.looks(seat, one, now),
    )  # fmt: skip
