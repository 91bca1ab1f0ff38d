"""The definitions: one Ibis expression per indicator over the fact tables, and the card that explains it.

Each expression yields the columns `organization_id`, `numerator`, `denominator` for a period given as first day and
first day after. The same expression runs on PostgreSQL, DuckDB and any other engine Ibis knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import yaml
from ibis.expr.types import Table

Facts = Mapping[str, Table]
Definition = Callable[[Facts, date, date], Table]
CARDS = Path(__file__).parent / "cards"
DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class Card:
    """What a reader is told about an indicator, in both languages; `clause` is the row of the catalogue it serves.

    `is_summed_only` marks a figure of the region that says nothing about one organisation.
    """

    key: str
    name: dict[str, str]
    formula: dict[str, str]
    numerator: dict[str, str]
    denominator: dict[str, str]
    attribution: dict[str, str]
    unit: str
    direction: str
    clause: str
    facts: tuple[str, ...]
    is_summed_only: bool = False


@cache
def cards() -> dict[str, Card]:
    """Every card by key. Raises TypeError when a card lacks a field or has one too many."""
    found = {}
    for path in sorted(CARDS.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.stem] = Card(key=path.stem, **{**data, "facts": tuple(data["facts"])})
    return found


def unbound(facts: Mapping[str, Mapping[str, str]]) -> dict[str, Table]:
    """Ibis tables without a database for fact tables given as column name to type."""
    return {name: ibis.table(dict(columns), name=f"fact_{name}") for name, columns in facts.items()}


def duty_compliance(facts: Facts, start: date, end: date) -> Table:
    """Half-days done, counted per centre and week up to the duty, against half-days owed (ZH-3.2.1a)."""
    duty = facts["duty"].filter(ibis._.measure == "half_days_per_week")
    duty = duty.mutate(
        first=ibis.greatest(duty.starts_on, ibis.literal(start)), after=ibis.least(duty.ends_on, ibis.literal(end))
    )
    duty = duty.filter(duty.after > duty.first)
    duty = duty.mutate(owed=(duty.after.delta(duty.first, unit="day") // DAYS_PER_WEEK) * duty.target)
    done = facts["half_day"].filter(ibis._.status == "done")
    pair = ["hospital_id", "centre_id"]
    joined = duty.join(done, pair).filter(ibis._.day >= ibis._.first, ibis._.day < ibis._.after)
    weekly = joined.group_by([*pair, "week"]).agg(count=ibis._.count(), target=ibis._.target.max())
    weekly = weekly.mutate(kept=ibis.least(weekly["count"].cast("float64"), weekly.target))
    kept = weekly.group_by(pair).agg(kept=ibis._.kept.sum())
    owed = duty.group_by(pair).agg(owed=ibis._.owed.sum())
    both = owed.left_join(kept, pair)
    both = both.mutate(kept=ibis.least(both.kept.fill_null(0.0), both.owed))
    return both.group_by(organization_id=both.hospital_id).agg(numerator=both.kept.sum(), denominator=both.owed.sum())


def visits_per_half_day(facts: Facts, start: date, end: date) -> Table:
    """Visits with posted experts at centres against half-days done, by the hospital that sends them."""
    visits = _within(facts["encounter"], "day", start, end)
    visits = visits.filter(visits.is_posted_expert, visits.employer_id.notnull())
    counted = visits.group_by(organization_id=visits.employer_id).agg(numerator=ibis._.count())
    done = _within(facts["half_day"], "day", start, end).filter(ibis._.status == "done")
    half_days = done.group_by(organization_id=done.hospital_id).agg(denominator=ibis._.count())
    return _ratio(counted, half_days)


def up_referral_in_time(facts: Facts, start: date, end: date) -> Table:
    """Up-referrals answered before their clock ran out against all sent (ZH-4.4c)."""
    sent = _within(facts["referral"], "sent_on", start, end).filter(ibis._.direction == "up")
    return sent.group_by(organization_id=sent.hospital_id).agg(
        numerator=sent.count(where=sent.is_in_time), denominator=sent.count()
    )


def down_referral_ratio(facts: Facts, start: date, end: date) -> Table:
    """Down-referrals against up-referrals of a hospital (ZH-3.2.4a)."""
    sent = _within(facts["referral"], "sent_on", start, end)
    return sent.group_by(organization_id=sent.hospital_id).agg(
        numerator=sent.count(where=sent.direction == "down"),
        denominator=sent.count(where=sent.direction == "up"),
    )


def community_visit_share(facts: Facts, start: date, end: date) -> Table:
    """Visits at the organisation, when it is a centre, against all its visits (summed over a region by the reader)."""
    visits = _within(facts["encounter"], "day", start, end)
    return visits.group_by("organization_id").agg(
        numerator=visits.count(where=visits.organization_kind == "centre"), denominator=visits.count()
    )


def visits_by_appointment(facts: Facts, start: date, end: date) -> Table:
    """Visits at a hospital with a place against all that were no emergency (XH23-5.1.2a)."""
    return _hospital_share(facts, start, end, "organization_id", lambda visits: visits.is_by_appointment)


def visits_through_centre(facts: Facts, start: date, end: date) -> Table:
    """Visits at a hospital referred or booked by primary care against all that were no emergency (XH23-5.1.2a)."""
    return _hospital_share(facts, start, end, "organization_id", lambda visits: visits.is_by_centre)


def visits_past_centre(facts: Facts, start: date, end: date) -> Table:
    """Hospital visits of a centre's residents without its referral, against all that were no emergency (ZH-4.4a)."""
    return _hospital_share(facts, start, end, "centre_id", lambda visits: ~visits.is_by_centre)


def signed_share(facts: Facts, start: date, end: date) -> Table:
    """Residents with a contract on the last day against all registered at the centre (XH23-5.2.1f)."""
    return _signed(facts["person"], facts, end)


def key_group_signed_share(facts: Facts, start: date, end: date) -> Table:
    """The same of those who belong to a key group (XH23-5.2.1c)."""
    return _signed(facts["person"].filter(ibis._.is_key), facts, end)


def contract_served_share(facts: Facts, start: date, end: date) -> Table:
    """Contracts of the last day whose resident had a service in the period, against all of them (SZ17-B9.a)."""
    held = _held_on_last_day(facts["contract"], end)
    done = _within(facts["service"], "day", start, end).select("resident_id").distinct()
    both = held.left_join(done, "resident_id")
    return both.group_by(organization_id=both.centre_id).agg(
        numerator=both.resident_id_right.count(), denominator=both.count()
    )


def contract_renewal_rate(facts: Facts, start: date, end: date) -> Table:
    """Contracts renewed with their team, against those whose term ran out in the period (XH23-5.2.1b)."""
    over = _within(facts["contract"], "ends_on", start, end).filter(ibis._.ran_out)
    return over.group_by(organization_id=over.centre_id).agg(
        numerator=over.count(where=over.is_renewed), denominator=over.count()
    )


DEFINITIONS: dict[str, Definition] = {
    "duty_compliance": duty_compliance,
    "visits_per_half_day": visits_per_half_day,
    "up_referral_in_time": up_referral_in_time,
    "down_referral_ratio": down_referral_ratio,
    "community_visit_share": community_visit_share,
    "visits_by_appointment": visits_by_appointment,
    "visits_through_centre": visits_through_centre,
    "visits_past_centre": visits_past_centre,
    "signed_share": signed_share,
    "key_group_signed_share": key_group_signed_share,
    "contract_served_share": contract_served_share,
    "contract_renewal_rate": contract_renewal_rate,
}


@dataclass(frozen=True, slots=True)
class RowSet:
    """The facts counted on one side of an indicator: table, who they are attributed to, when, and which of them.

    `until` names the column of the first day after, for facts that last; others happen on the day `since`.
    """

    side: str
    table: str
    organization: str
    since: str
    until: str = ""
    where: tuple[tuple[str, str | bool], ...] = ()


# A visit at a hospital that was no emergency.
PLANNED = (("organization_kind", "hospital"), ("is_emergency", False))
ROWS: dict[str, tuple[RowSet, ...]] = {
    "duty_compliance": (
        RowSet("numerator", "half_day", "hospital_id", "day", where=(("status", "done"),)),
        RowSet(
            "denominator", "duty", "hospital_id", "starts_on", "ends_on", where=(("measure", "half_days_per_week"),)
        ),
    ),
    "visits_per_half_day": (
        RowSet("numerator", "encounter", "employer_id", "day", where=(("is_posted_expert", True),)),
        RowSet("denominator", "half_day", "hospital_id", "day", where=(("status", "done"),)),
    ),
    "up_referral_in_time": (
        RowSet("numerator", "referral", "hospital_id", "sent_on", where=(("direction", "up"), ("is_in_time", True))),
        RowSet("denominator", "referral", "hospital_id", "sent_on", where=(("direction", "up"),)),
    ),
    "down_referral_ratio": (
        RowSet("numerator", "referral", "hospital_id", "sent_on", where=(("direction", "down"),)),
        RowSet("denominator", "referral", "hospital_id", "sent_on", where=(("direction", "up"),)),
    ),
    "community_visit_share": (
        RowSet("numerator", "encounter", "organization_id", "day", where=(("organization_kind", "centre"),)),
        RowSet("denominator", "encounter", "organization_id", "day"),
    ),
    "visits_by_appointment": (
        RowSet("numerator", "encounter", "organization_id", "day", where=(*PLANNED, ("is_by_appointment", True))),
        RowSet("denominator", "encounter", "organization_id", "day", where=PLANNED),
    ),
    "visits_through_centre": (
        RowSet("numerator", "encounter", "organization_id", "day", where=(*PLANNED, ("is_by_centre", True))),
        RowSet("denominator", "encounter", "organization_id", "day", where=PLANNED),
    ),
    "visits_past_centre": (
        RowSet("numerator", "encounter", "centre_id", "day", where=(*PLANNED, ("is_by_centre", False))),
        RowSet("denominator", "encounter", "centre_id", "day", where=PLANNED),
    ),
    "signed_share": (
        RowSet("numerator", "contract", "centre_id", "starts_on", "ends_on"),
        RowSet("denominator", "person", "centre_id", "since", "until"),
    ),
    "key_group_signed_share": (
        RowSet("numerator", "contract", "centre_id", "starts_on", "ends_on", where=(("is_key", True),)),
        RowSet("denominator", "person", "centre_id", "since", "until", where=(("is_key", True),)),
    ),
    "contract_served_share": (
        RowSet("numerator", "service", "centre_id", "day"),
        RowSet("denominator", "contract", "centre_id", "starts_on", "ends_on"),
    ),
    "contract_renewal_rate": (
        RowSet("numerator", "contract", "centre_id", "ends_on", where=(("ran_out", True), ("is_renewed", True))),
        RowSet("denominator", "contract", "centre_id", "ends_on", where=(("ran_out", True),)),
    ),
}
# A reader of figures has no basis to know which resident a row is about.
NEVER_SHOWN = ("resident_id",)


def rows(facts: Facts, counted: RowSet, organization_id: int, start: date, end: date) -> Table:
    """The facts of one organisation on one side of an indicator in a period, newest first, without any resident."""
    table = facts[counted.table]
    found = table.filter(table[counted.organization] == organization_id, table[counted.since] < ibis.literal(end))
    last = counted.until or counted.since
    lower = ibis.literal(start)
    found = found.filter(found[last] > lower if counted.until else found[last] >= lower)
    for column, wanted in counted.where:
        found = found.filter(found[column] == wanted)
    shown = [column for column in found.columns if column not in NEVER_SHOWN]
    return found.select(shown).order_by(ibis.desc(counted.since), ibis.desc(shown[0]))


def is_small(denominator: Decimal | None, smallest: int) -> bool:
    """Whether there is something to divide by, but too little to show a share without misleading or giving away."""
    return denominator is not None and 0 < denominator < smallest


def value_of(numerator: Decimal, denominator: Decimal | None, unit: str) -> Decimal | None:
    """The indicator's value in its unit; none when there is nothing to divide by. Percent is out of a hundred."""
    if denominator is None or denominator == 0:
        return None
    exact = Fraction(numerator) / Fraction(denominator) * (100 if unit == "percent" else 1)
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.000001"))


def _hospital_share(
    facts: Facts, start: date, end: date, organization: str, counted: Callable[[Table], ibis.expr.types.BooleanValue]
) -> Table:
    visits = _within(facts["encounter"], "day", start, end)
    for column, wanted in PLANNED:
        visits = visits.filter(visits[column] == wanted)
    return visits.group_by(organization_id=visits[organization]).agg(
        numerator=visits.count(where=counted(visits)), denominator=visits.count()
    )


def _held_on_last_day(contracts: Table, end: date) -> Table:
    """Contracts that cover the last day of a period; of one resident never two."""
    last = ibis.literal(end)
    return contracts.filter(contracts.starts_on < last, contracts.ends_on >= last)


def _signed(people: Table, facts: Facts, end: date) -> Table:
    last = ibis.literal(end)
    there = people.filter(people.since < last, people.until >= last)
    held = _held_on_last_day(facts["contract"], end).select("resident_id")
    both = there.left_join(held, "resident_id")
    return both.group_by(organization_id=both.centre_id).agg(
        numerator=both.resident_id_right.count(), denominator=both.count()
    )


def _within(table: Table, column: str, start: date, end: date) -> Table:
    return table.filter(table[column] >= ibis.literal(start), table[column] < ibis.literal(end))


def _ratio(numerators: Table, denominators: Table) -> Table:
    both = denominators.left_join(numerators, "organization_id")
    return both.select(
        organization_id=both.organization_id,
        numerator=both.numerator.fill_null(0),
        denominator=both.denominator,
    )


def text(words: dict[str, Any], language: str | None) -> str:
    """One language of a card's text; Chinese unless English is asked for."""
    return str(words["en" if (language or "").startswith("en") else "zh"])
