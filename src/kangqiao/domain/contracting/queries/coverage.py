"""How many of the people registered are signed, against the target of the year (XH23-5.2.1f, XH23-5.2.1g)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q

from kangqiao.base.acting import beyond
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.parameters import coverage_target_at
from kangqiao.domain.contracting.rules import people_short
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organization_by_id, organizations_in
from kangqiao.domain.residents.models import Merge, Resident
from kangqiao.kernel.errors import NoPolicyInForce
from kangqiao.policy import Value

# Houses that register people and may have teams.
REGISTERING = (Organization.Kind.CENTRE, Organization.Kind.STATION, Organization.Kind.CLINIC)


@dataclass(frozen=True, slots=True)
class Coverage:
    """A centre, or a whole place without `centre`: people registered and signed, the target, how many are short.

    `target` and `short` are None where no paper and no setting says one for that day.
    """

    centre: Organization | None
    people: int
    signed: int
    target: Value | None

    @property
    def share(self) -> float | None:
        """The signed part, from 0 to 1; None where nobody is registered."""
        return self.signed / self.people if self.people else None

    @property
    def short(self) -> int | None:
        """How many more have to sign until the target is reached."""
        return None if self.target is None else people_short(self.people, self.signed, self.target.number())

    @property
    def look(self) -> str:
        """The colour of the whole: short, reached, or without a target."""
        return "go" if self.short is None else "wait" if self.short else "done"


@dataclass(frozen=True, slots=True)
class Covered:
    """The coverage of a seat's place or own centre, and of each centre, the widest gap first."""

    whole: Coverage
    lines: list[Coverage]


def coverage(seat: Seat, on: date) -> Covered:
    """Who is registered and signed on a day: a bureau's for its place, a centre's for itself; each person counts once.

    A person counts where registered, whichever team holds the contract. A target holds for the place of the house.
    """
    is_bureau = seat.role == Role.BUREAU_OFFICER
    houses = (
        list(organizations_in(seat.place_code).filter(kind__in=REGISTERING))
        if is_bureau
        else [organization_by_id(seat.organization_id)]
    )
    counted = _counted([one.pk for one in houses], on)
    targets = {code: _target(code, on) for code in {seat.place_code, *(one.place.code for one in houses)}}
    # A station or a clinic is told of once it registers people itself.
    told = [one for one in houses if one.kind == Organization.Kind.CENTRE or one.pk in counted or not is_bureau]
    lines = [Coverage(one, *counted.get(one.pk, (0, 0)), targets[one.place.code]) for one in told]
    whole = Coverage(None, sum(one.people for one in lines), sum(one.signed for one in lines), targets[seat.place_code])
    return Covered(whole, sorted(lines, key=lambda one: (not one.people, -(one.short or 0), one.share or 0)))


@beyond("contracting.coverage")
def _counted(house_ids: list[int], on: date) -> dict[int, tuple[int, int]]:
    """House → people of its register who live on that day, and those of them with a contract that covers it."""
    gone = Merge.objects.filter(gone=OuterRef("pk"), undone_at__isnull=True)
    people = Resident.objects.filter(Q(deceased_on__isnull=True) | Q(deceased_on__gt=on), ~Exists(gone))
    held = Contract.objects.filter(starts_on__lte=on, ends_on__gt=on).order_by().values("resident_id")
    rows = people.filter(centre__in=house_ids).order_by().values_list("centre")
    counted = rows.annotate(people=Count("pk"), signed=Count("pk", filter=Q(pk__in=held)))
    return {house: (number, signed) for house, number, signed in counted}


def _target(place_code: str, on: date) -> Value | None:
    try:
        return coverage_target_at(place_code, on)
    except NoPolicyInForce:
        return None
