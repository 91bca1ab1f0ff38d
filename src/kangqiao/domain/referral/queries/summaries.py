"""What the record tells with a letter: criteria it meets, the summary that travels, who in a bed may go down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.models import StatusChange
from kangqiao.base.templatetags.kq import is_english
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records import queries as records
from kangqiao.domain.records.models import Observation
from kangqiao.domain.records.queries import Protection
from kangqiao.domain.referral import parameters, rules
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.permissions import at_end
from kangqiao.domain.referral.queries.cases import referrals
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import age, note_read
from kangqiao.domain.terminology import queries as terminology

MOST_VALUES = 12  # of the latest, so many travel


@dataclass(frozen=True, slots=True)
class Proposal:
    """A criterion the record meets, in words, and the values that meet it."""

    code: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class InBed:
    """A patient in a bed who is fit to go down: since when, on which day, under which criterion, to which centre."""

    referral: Referral
    age: int
    day: int
    label: str


def proposed(
    seat: Seat, resident: Resident, now: datetime, *, down: bool = False, protection: Protection | None = None
) -> list[Proposal]:
    """The criteria of a direction that the record meets, with the values (ZH-4.4b)."""
    found = protection or records.protection_of(seat, resident)
    values = _values(seat, resident, now, found)
    known = rules.Known(
        {one.code: one.since for one in records.conditions_of(seat, resident, found)},
        tuple(
            rules.Reading(one.code, one.value, localtime(one.taken_at).date(), one.pk)
            for one in values
            if one.value is not None
        ),
        len(records.medications_of(seat, resident, found)),
        resident.birth_date,
    )  # fmt: skip
    named = terminology.labels("referral_reason", "en" if is_english() else "zh")
    said = {one.row.pk: one for one in records.shown(values)}
    return [
        Proposal(one.code, named.get(one.code, one.code), _evidence(one.by, said))
        for one in rules.met(parameters.criteria("down" if down else "up"), known)
    ]


def summary_of(seat: Seat, resident: Resident, now: datetime, receiver_id: int) -> dict[str, Any]:
    """What travels with a letter, as far as both its sender and its receiver may see it; it is frozen at sending."""
    protection = records.protection_towards(seat, resident, receiver_id)
    latest: dict[str, Any] = {}
    for one in records.shown(_values(seat, resident, now, protection), age(resident, localtime(now).date())):
        latest.setdefault(one.row.code, one)
    return {
        "as_of": localtime(now).isoformat(timespec="minutes"),
        "problems": [
            {"code": one.code, "zh": one.zh, "since": one.since.isoformat() if one.since else ""}
            for one in records.conditions_of(seat, resident, protection)
        ],
        "allergies": [
            {"zh": one.zh, "reaction": one.reaction} for one in records.allergies_of(seat, resident, protection)
        ],
        "medicines": [
            {"zh": one.zh, "dose": one.dose} for one in records.medications_of(seat, resident, protection)
        ],
        "values": [
            {"name": one.name, "said": one.said, "on": localtime(one.row.taken_at).date().isoformat()}
            for one in list(latest.values())[:MOST_VALUES]
        ],
        "criteria": [
            {"code": one.code, "why": one.why} for one in proposed(seat, resident, now, protection=protection)
        ],
        "withheld": protection.hides,
    }  # fmt: skip


def is_intact(referral: Referral) -> bool:
    """Whether the summary is still what was sent."""
    return rules.digest(referral.summary) == referral.summary_sha256


def fit_to_go_down(seat: Seat, now: datetime) -> list[InBed]:
    """Patients in a bed of the house who may go back to their centre, the longest there first (XH23-5.1.2h).

    By diagnosis and day, without a danger value lately; whom the house handed down since then is left out.
    """
    figures = _figures(seat, now)
    recent = now - timedelta(days=figures.discharge_look_back_days.integer())
    lying = Part.objects.filter(kind=Part.Kind.WARD, booking__status="fulfilled").values("referral")
    handed = Referral.objects.filter(
        direction="down", from_organization=OuterRef("to_organization"), resident=OuterRef("resident"),
        sent_at__gte=OuterRef("sent_at"),
    ).exclude(status="withdrawn")  # fmt: skip
    found = referrals(seat).filter(
        ~Exists(handed), at_end("to_organization", seat), pk__in=lying, direction="up", sent_at__gte=recent
    )
    rows = list(found.prefetch_related("parts"))
    note_read(seat, [one.resident_id for one in rows], listed=True)
    since = _admitted(rows)
    stable, dangers = figures.stable_days.integer(), _danger_days(rows, now, figures.stable_days.integer())
    named = terminology.labels("referral_reason", "en" if is_english() else "zh")
    today = localtime(now).date()
    beds = []
    for one in rows:
        rule = _rule_for(one.diagnosis)
        day = (today - localtime(since[one.pk]).date()).days + 1 if one.pk in since else 0
        if rule and rules.fits_discharge(day, rule.from_day, dangers.get(one.resident_id, []), stable):
            beds.append(InBed(one, age(one.resident, today), day, named.get(rule.code, rule.code)))
    return sorted(beds, key=lambda bed: (-bed.day, bed.referral.pk))


def _rule_for(diagnosis: str) -> parameters.Stay | None:
    """The rule of the first diagnosis in the text that has one, by its category or by its name."""
    known = parameters.stays()
    coded = next((known[code] for code in rules.icd_categories(diagnosis) if code in known), None)
    if coded is not None:
        return coded
    named = terminology.labels("diagnosis")
    return next((rule for code, rule in known.items() if named.get(code) and named[code] in diagnosis), None)


def _figures(seat: Seat, now: datetime) -> parameters.ReferralParameters:
    return parameters.ReferralParameters.read(policy.at(place=seat.place_code, date=localtime(now).date()))


def _values(seat: Seat, resident: Resident, now: datetime, protection: Protection) -> list[Observation]:
    since = now - timedelta(days=_figures(seat, now).summary_look_back_days.integer())
    rows = records.observations_of(seat, resident, protection).filter(value__isnull=False, taken_at__gte=since)
    return list(rows.order_by("-taken_at", "code"))


def _evidence(by: Iterable[rules.Reading], said: dict[int, Any]) -> str:
    words = []
    for reading in by:
        one = said.get(reading.source)
        if one is not None:
            words.append(f"{one.name} {one.said}（{date_format(reading.day, 'm-d')}）")
    return "；".join(words) or _("档案里的起病年龄")


def _admitted(rows: list[Referral]) -> dict[int, datetime]:
    """When each lay down: the moment the bed of the letter was taken."""
    beds = {part.booking_id: one.pk for one in rows for part in one.parts.all() if part.kind == Part.Kind.WARD}
    changes = StatusChange.objects.filter(
        subject_type="scheduling.booking", action="fulfil", subject_id__in=list(beds)
    )  # fmt: skip
    return {beds[change.subject_id]: change.at for change in changes}


def _danger_days(rows: list[Referral], now: datetime, stable_days: int) -> dict[int, list[int]]:
    """For each patient how many days ago a danger value was measured."""
    recent = Observation.objects.filter(
        resident__in=[one.resident_id for one in rows], value__isnull=False, correction__isnull=True, is_void=False,
        taken_at__gte=now - timedelta(days=stable_days),
    )  # fmt: skip
    found: dict[int, list[int]] = {}
    for one in recent:
        measure = records.measure_of(one)
        if measure is not None and one.value is not None and measure.is_danger(one.value):
            found.setdefault(one.resident_id, []).append((now - one.taken_at).days)
    return found
