"""The way from an amount back to figures, rules and clauses, and what a settlement's appraisals release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any

from kangqiao import policy
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.appraisal.parameters import AppraisalParameters
from kangqiao.domain.finance import rules
from kangqiao.domain.finance.models import SettlementLine
from kangqiao.domain.finance.parameters import FundParameters
from kangqiao.domain.finance.queries.settlements import LineRow, or_none
from kangqiao.policy import Clause


@dataclass(frozen=True, slots=True)
class ReleasedLine:
    """One held line and what closing the appraisal would release of it."""

    centre: str
    payer: str
    base_fen: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Release:
    """What closing an appraisal would release."""

    lines: list[ReleasedLine]
    total_fen: int


def would_release(appraisal: Appraisal) -> Release:
    """The held lines of the hospital in the current settlement of the year, at the appraisal's pay share."""
    share = Fraction(appraisal.pay_percent or 0)
    held = SettlementLine.objects.filter(
        settlement__year=appraisal.year, hospital_id=appraisal.subject_id, status="held"
    ).exclude(settlement__status="superseded")
    found = [
        ReleasedLine(line.centre.zh, line.payer.zh, line.base_fen, rules.released(line.base_fen, share))
        for line in held.select_related("centre", "payer").order_by("centre__code")
    ]
    return Release(found, sum(row.amount_fen for row in found))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything one amount stands on: its rules on the day, the clauses quoted, the appraisal that releases it."""

    line: SettlementLine
    inputs: dict[str, Any]
    fund: FundParameters | None
    scale: AppraisalParameters | None
    appraisal: Appraisal | None
    clauses: list[Clause]

    @property
    def is_city(self) -> bool:
        """Whether the city's rate of the area's fund applies; else the district's amount per person."""
        return self.line.rule == rules.CITY


def explain(line: SettlementLine) -> Explanation:
    """The way from an amount back to figures, rules and clauses, from what was frozen with the line."""
    day = date(line.settlement.year, 12, 31)
    here = policy.at(place=line.settlement.place.code, date=day)
    quoted = dict.fromkeys([line.inputs["amount_clause"], line.inputs["payer_clause"], "ZH-4.7a"])
    appraisal = Appraisal.objects.filter(subject_id=line.hospital_id, year=line.settlement.year).first()
    return Explanation(
        line=line,
        inputs=line.inputs,
        fund=or_none(lambda: FundParameters.read(here)),
        scale=or_none(lambda: AppraisalParameters.read(here)),
        appraisal=appraisal,
        clauses=[policy.default().clause(clause) for clause in quoted],
    )


@dataclass(frozen=True, slots=True)
class Branch:
    """The lines of a settlement that one payer owes by one rule, from what was frozen with them.

    `inputs` are what they have in common: the city's sum that is shared, or the amount per person.
    """

    payer: str
    inputs: dict[str, Any]
    rows: list[LineRow]
    is_city: bool

    @property
    def base_fen(self) -> int:
        """What they add up to."""
        return sum(row.line.base_fen for row in self.rows)

    @property
    def population(self) -> int:
        """How many the centres shown serve together."""
        return sum(row.line.inputs.get("population", 0) for row in self.rows)


def branches(rows: Sequence[LineRow]) -> list[Branch]:
    """How the sum of a settlement came about: by payer and rule, each with its lines in the order of the page."""

    def common(row: LineRow) -> tuple[str, str, str]:
        return row.line.payer.code, row.line.rule, row.line.inputs.get("rate_yuan", "")

    groups = [list(found) for _key, found in groupby(sorted(rows, key=common), key=common)]
    return [
        Branch(found[0].line.payer.zh, found[0].line.inputs, found, found[0].line.rule == rules.CITY)
        for found in groups
    ]
