"""The numbers of a clause: what is in force today at the reader's place, and whether paper or region says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.edges.clauses.units import UNITS
from kangqiao.kernel.errors import NoPolicyInForce
from kangqiao.policy import Clause, Pack, Policy, Value

PAPER, SETTING, OTHER, PRINTED = "paper", "setting", "other", "printed"
SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}


@dataclass(frozen=True, slots=True)
class Number:
    """One figure of a clause.

    `source` is PAPER, a SETTING of the region, OTHER (another clause now answers, named by `clause`), or PRINTED: it
    stands in the paper and the product does not use it as a parameter.
    """

    key: str
    shown: str
    unit: str
    source: str
    clause: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The figures of a clause with the place and day they were asked for; `missing` says why there are none."""

    place: str
    day: date
    rows: list[Number]
    missing: str = ""


def numbers(clause: Clause, pack: Pack, place_code: str, day: date) -> Numbers:
    """The figures at the reader's place when the paper holds there, else at the place of the paper itself."""
    code = place_code if place_code and pack.specificity(place_code) else pack.places[0].code
    place = next((own.zh for own in pack.places if policy.covers(own.code, code)), code)
    try:
        here = policy.at(place=code, date=day)
    except NoPolicyInForce:
        return Numbers(place, day, [], _("这份文件今天在%(place)s没有生效。") % {"place": place})
    values = [value for value in (here.get(*names) for names in _names(here, clause.id)) if value is not None]
    rows = [_of_value(value, clause.id) for value in values]
    carried = {value.parameter or value.key for value in values}
    rows += [
        Number(key, plain(parameter.get("value")), unit(str(parameter.get("unit", ""))), PRINTED, clause.id)
        for key, parameter in clause.parameters.items()
        if key not in carried
    ]
    return Numbers(place, day, rows)


def _names(here: Policy, clause_id: str) -> list[tuple[str, str]]:
    return sorted(
        {
            names
            for pack in here.looked_at
            for names, values in pack.entries.items()
            if any(value.clause == clause_id for value in values)
        }
    )


def _of_value(value: Value, clause_id: str) -> Number:
    source = SETTING if value.setting else PAPER if value.clause == clause_id else OTHER
    shown = f"{SIGNS.get(value.op, '')}{plain(value.value)}"
    return Number(value.key, shown, unit(value.unit), source, value.clause, value.reason or value.note)


def unit(name: str) -> str:
    """The unit as a reader says it."""
    return str(UNITS.get(name, name))


def plain(value: Any) -> str:
    """A value of a pack in one line: lists by 、, tables by their keys, numbers as printed."""
    match value:
        case None:
            return "—"
        case bool():
            return _("是") if value else _("否")
        case Mapping():
            return "，".join(f"{key} {plain(part)}" for key, part in value.items())
        case list() | tuple():
            return "、".join(plain(part) for part in value)
        case _:
            return str(value)
