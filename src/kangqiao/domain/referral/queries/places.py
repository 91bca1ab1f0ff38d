"""What a letter chooses from: hospitals, specialties, and the places that are free there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Min, Q, Sum
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.templatetags.kq import is_english
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.queries import paired_hospitals
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral import rules
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.queries.cases import moment, relation_between
from kangqiao.domain.referral.queries.letters import FEW
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce.models import Practitioner


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    value: int | str
    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """A free time, how many places are left in it, and where it stands in the list."""

    slot: Slot
    left: int
    number: int


@dataclass(frozen=True, slots=True)
class Places:
    """The free places of a hospital for one specialty, by doctor; the one chosen, and the next one after it."""

    doctors: list[tuple[Practitioner, list[Place]]]
    chosen: Slot | None
    following: Slot | None
    is_other: bool
    release_hours: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How far ahead a centre may take places at a hospital, and whether the reserved ones are for it too."""

    ends: datetime
    standing: scheduling.Standing
    release_hours: int


def places(
    hospital: Organization, centre: Organization, specialty: str, now: datetime, slot_id: int | None = None,
    held: Booking | None = None,
) -> Places:  # fmt: skip
    """What is free for a patient of this centre at this hospital, the first few of each doctor, and the one chosen.

    The place the GP took counts as chosen until another is named; without one it is the first free.
    """
    reach = reach_of(hospital, centre, now)
    free = scheduling.free_slots(
        [hospital.pk], specialty, starts=now, ends=reach.ends, now=now, standing=reach.standing
    )
    doctors: dict[int, tuple[Practitioner, list[Slot]]] = {}
    for slot in free:
        _doctor, own = doctors.setdefault(slot.session.practitioner_id, (slot.session.practitioner, []))
        if len(own) < FEW:
            own.append(slot)
    numbers = count(1)
    listed = [
        (doctor, [Place(slot, slot.left, next(numbers)) for slot in own])  # type: ignore[attr-defined] # from free_slots
        for doctor, own in doctors.values()
    ]
    shown = sorted((slot for _doctor, own in doctors.values() for slot in own), key=lambda slot: slot.starts_at)
    taken = held.slot if held and held.status == "booked" and held.slot.starts_at > now else None
    named = next((slot for slot in free if slot.pk == slot_id), None)
    chosen = named or taken or (shown[0] if shown else None)
    later = [slot for slot in shown if chosen is not None and slot.starts_at > chosen.starts_at]
    following = next(iter(later or [slot for slot in shown if slot != chosen]), None)
    is_other = chosen is not None and chosen != taken
    return Places(listed, chosen, following, is_other, reach.release_hours)


def reach_of(hospital: Organization, centre: Organization, now: datetime) -> Reach:
    """How far a centre reaches at a hospital now."""
    day = localtime(now).date()
    parameters = SlotParameters.read(policy.at(hospital.place.code, day))
    is_paired = relation_between(hospital.pk, centre.pk, day) is not None
    ends = now + timedelta(days=parameters.booking_horizon_days)
    standing = scheduling.Standing(partner=frozenset({hospital.pk} if is_paired else ()), centre_id=centre.pk)
    return Reach(ends, standing, parameters.release_hours_before)


def _free_by_specialty(hospital_id: int, reach: Reach, now: datetime) -> dict[str, tuple[int, datetime]]:
    """How many places a centre can take in each specialty of a hospital, and when the first one is."""
    free = Slot.objects.filter(
        scheduling.is_free(now, reach.standing), session__organization_id=hospital_id, starts_at__lt=reach.ends
    )
    sums = {"left": Sum(scheduling.places_left(now)), "first": Min("starts_at")}
    rows = free.order_by().values_list("session__specialty").annotate(**sums)
    return {specialty: (left, first) for specialty, left, first in rows}


def specialties_at(hospital_id: int | None, centre: Organization, now: datetime) -> list[tuple[str, list[Choice]]]:
    """Every specialty in two groups: where this centre can take a place, with how many and from when; the others."""
    every = specialty_choices()
    if hospital_id is None:
        return [("", every)]
    hospital = hospital_choice(hospital_id)
    reach = reach_of(hospital, centre, now)
    free = _free_by_specialty(hospital_id, reach, now)
    words = _("%(name)s · %(n)s 个号，最早 %(when)s")
    told = [
        Choice(one.value, words % {"name": one.label, "n": left, "when": moment(first)})
        for one in every if one.value in free for left, first in [free[str(one.value)]]
    ]  # fmt: skip
    return [(_("有能占的号"), told), (_("近期没有号"), [one for one in every if one.value not in free])]


def is_slot_of(slot_id: int, hospital_id: int) -> bool:
    """Whether a place is one of this hospital's own, for a visit; examinations and beds are none."""
    own = Slot.objects.filter(pk=slot_id, session__organization_id=hospital_id)
    return own.exclude(session__specialty__in=ORDERED).exists()


def hospitals_for(seat: Seat, now: datetime) -> list[Choice]:
    """The hospitals of the region, those bound to the seat's centre first."""
    paired = set(paired_hospitals(seat.organization_id, localtime(now).date()).values_list("pk", flat=True))
    found = list(institutions.hospitals_in(seat.place_code[:4]))
    found.sort(key=lambda one: (one.pk not in paired, one.pk))
    green = _("绿色通道")
    return [Choice(one.pk, f"{one.zh} · {green}" if one.pk in paired else one.zh) for one in found]


def is_paired(seat: Seat, now: datetime) -> bool:
    """Whether the seat's centre has an agreement with any hospital today."""
    return paired_hospitals(seat.organization_id, localtime(now).date()).exists()


def other_hospitals(referral: Referral, now: datetime) -> list[Choice]:
    """Where a letter may go on to: every hospital of the region with its free places in the specialty, soonest first.

    Its own comes last: there another specialty may help.
    """
    centre, day, within = referral.from_organization, localtime(now).date(), Q(pk__in=())
    hospitals = list(institutions.hospitals_in(centre.place.code[:4]).select_related("place"))
    for hospital in hospitals:
        days = SlotParameters.read(policy.at(hospital.place.code, day)).booking_horizon_days
        within |= Q(session__organization=hospital, starts_at__lt=now + timedelta(days=days))
    standing = scheduling.Standing(
        partner=frozenset(paired_hospitals(centre.pk, day).values_list("pk", flat=True)), centre_id=centre.pk
    )
    free = Slot.objects.filter(scheduling.is_free(now, standing), within, session__specialty=referral.specialty)
    sums = {"left": Sum(scheduling.places_left(now)), "first": Min("starts_at")}
    rows = free.order_by().values_list("session__organization").annotate(**sums)
    places_at = {hospital_id: (left, first) for hospital_id, left, first in rows}
    found: list[tuple[bool, datetime, Choice]] = []
    for hospital in hospitals:
        left, first = places_at.get(hospital.pk, (0, datetime.max.replace(tzinfo=now.tzinfo)))
        words = _("%(name)s · %(n)s 个号，最早 %(when)s") if left else _("%(name)s · 近期没有号")
        label = words % {"name": hospital.zh, "n": left, "when": moment(first) if left else ""}
        found.append((hospital.pk == referral.to_organization_id, first, Choice(hospital.pk, label)))
    return [choice for _is_own, _first, choice in sorted(found, key=lambda one: one[:2])]


def centres_for(seat: Seat, first: int | None) -> list[Choice]:
    """The centres of the region, the patient's own first."""
    found = list(institutions.centres_in(seat.place_code[:4]))
    found.sort(key=lambda one: (one.pk != first, one.pk))
    return [Choice(one.pk, one.zh) for one in found]


def specialty_choices() -> list[Choice]:
    """Every specialty a letter may ask, by its name; examinations and beds are parts of a letter."""
    return [one for one in _concepts("specialty") if one.value not in ORDERED]


def reason_choices(*, down: bool) -> list[Choice]:
    """The criteria of one direction (ZH-4.4b)."""
    return [one for one in _concepts("referral_reason") if (one.value in rules.DOWN_CRITERIA) == down]


def hospital_choice(organization_id: int) -> Organization:
    """The hospital of that id with its place. Raises NotVisible."""
    return institutions.organization_by_id(organization_id)


def _concepts(system: str) -> list[Choice]:
    return [Choice(one.code, one.en if is_english() and one.en else one.zh) for one in terminology.concepts(system)]
