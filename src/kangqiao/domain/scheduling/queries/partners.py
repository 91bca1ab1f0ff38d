"""What each paired centre gets of a hospital at least and at most, and what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, F, Sum
from django.utils.timezone import localtime

from kangqiao.base.acting import beyond
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models import Booking, PartnerCount, PartnerRule, Session, Slot
from kangqiao.domain.terminology.models import Concept


def partner_rules_of(organization_ids: Iterable[int]) -> list[PartnerRule]:
    """Every rule these hospitals set for single centres."""
    return list(PartnerRule.objects.filter(organization__in=list(organization_ids)))


def partner_rules_for(
    rules: Iterable[PartnerRule], organization_id: int, specialty: str, day: date
) -> dict[int, PartnerRule]:
    """The rule that counts for each centre in a session: its department's, else its hospital's; of each the latest."""
    found: dict[int, PartnerRule] = {}
    fitting = [
        one
        for one in rules
        if one.organization_id == organization_id and one.since <= day and one.specialty in ("", specialty)
    ]
    for one in sorted(fitting, key=lambda rule: (rule.specialty != "", rule.since, rule.pk)):
        found[one.centre_id] = one
    return found


def limited_sessions(rule: PartnerRule, now: datetime) -> list[Session]:
    """The coming clinics a rule speaks of, locked in one order: nobody books in them meanwhile."""
    rows = Session.objects.select_for_update(of=("self",)).filter(
        organization_id=rule.organization_id, kind=Session.Kind.HOSPITAL_CLINIC, status="open", starts_at__gt=now
    )
    rows = rows.filter(specialty=rule.specialty) if rule.specialty else rows
    return [one for one in rows.order_by("pk") if localtime(one.starts_at).date() >= rule.since]


def lock_sessions(sessions: Iterable[Session]) -> None:
    """Locks sessions in one order: nobody takes a place in them or gives one back meanwhile."""
    rows = Session.objects.select_for_update().filter(pk__in=[one.pk for one in sessions])
    list(rows.order_by("pk").values_list("pk"))


def lock_shares(booking: Booking, slot_id: int, centre_id: int | None) -> None:
    """Locks what a move of a booking to another slot counts, in one order, after the slots themselves."""
    sessions = Slot.objects.filter(pk__in=(booking.slot_id, slot_id)).values("session")
    rows = PartnerCount.objects.select_for_update().filter(
        session__in=sessions, centre__in=[one for one in (booking.centre_id, centre_id) if one]
    )
    list(rows.order_by("pk").values_list("pk"))


@beyond("scheduling.counts")
def taken_by_centres(sessions: Sequence[Session]) -> dict[tuple[int, int], int]:
    """How many reserved places each centre has taken in these sessions, by session and centre."""
    rows = Booking.objects.filter(session__in=sessions, centre__isnull=False).exclude(status="cancelled").order_by()
    counted = rows.values_list("session_id", "centre_id").annotate(n=Count("pk"))
    return {(session_id, centre_id): n for session_id, centre_id, n in counted if centre_id is not None}


def paired_centres(house: Organization, on: date) -> list[Organization]:
    """The centres paired with a hospital."""
    held = agreements.in_force(on, kinds=agreements.RELATIONS).filter(hospital=house).values("centre")
    return list(Organization.objects.filter(pk__in=held).order_by("zh", "pk"))


@dataclass(frozen=True, slots=True)
class Partner:
    """One rule as the page of a hospital shows it: department, kept and taken in the clinics to come."""

    rule: PartnerRule
    department: Concept | None
    kept: int
    taken: int


def partners_of(house: Organization, now: datetime) -> list[Partner]:
    """The rules that count today or will, by centre, with what they keep and what was taken in the clinics to come."""
    today = localtime(now).date()
    rules = list(
        PartnerRule.objects.select_related("centre").filter(organization=house).order_by("centre__zh", "since", "pk")
    )
    counting = {(one.centre_id, one.specialty): one for one in rules if one.since <= today}
    shown = [one for one in rules if one.since > today or counting[one.centre_id, one.specialty].pk == one.pk]
    codes = {one.specialty for one in shown if one.specialty}
    names = {one.code: one for one in Concept.objects.filter(system=Concept.System.SPECIALTY, code__in=codes)}
    ahead = {"session__organization": house, "session__starts_at__gt": now, "session__status": "open"}
    of = ("session__specialty", "session__starts_at")
    slots = Slot.objects.filter(**ahead, kept_for__isnull=False).order_by()
    kept = _by_rule(rules, slots.values_list("kept_for", *of).annotate(n=Sum(F("capacity") - F("taken"))))
    counts = PartnerCount.objects.filter(**ahead).order_by()
    taken = _by_rule(rules, counts.values_list("centre", *of).annotate(n=Sum("taken")))
    return [Partner(one, names.get(one.specialty), kept[one.pk], taken[one.pk]) for one in shown]


def _by_rule(rules: Sequence[PartnerRule], rows: Iterable[tuple[int, str, datetime, int]]) -> Counter[int]:
    """How many places each rule has to answer for: those of the clinics in which it is the one that counts.

    A department's rule has its department's; the hospital's has none of a department with an own rule.
    """
    found, counting = Counter[int](), dict[tuple[str, date], dict[int, PartnerRule]]()
    for centre_id, specialty, starts_at, places in rows:
        key = specialty, localtime(starts_at).date()
        if key not in counting:
            counting[key] = partner_rules_for(rules, rules[0].organization_id, *key) if rules else {}
        if (rule := counting[key].get(centre_id)) is not None:
            found[rule.pk] += places
    return found
