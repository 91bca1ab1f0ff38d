"""Figures as pages show them, within what a seat may see, and the frozen reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.trends import Point, Trend, drawn, drawn_in_bands
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.indicators import rules
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.indicators.parameters import IndicatorParameters
from kangqiao.domain.indicators.permissions import organizations_visible_to, serving, visible_to
from kangqiao.domain.indicators.queries.facts import FactRows, Measured, measure_all, measure_many, measure_rows
from kangqiao.domain.indicators.rules import Card
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import Period, quarters, years_after
from kangqiao.kernel.period import year as calendar_year
from kangqiao.policy import Value

YEARS_BACK, QUARTERS, ON_CARD = 3, 8, 6
BY_NAME = "name"


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator as a page shows it. `small` hides value and counts; `before` is the value a year earlier.

    `curve` are the quarters up to now, with the target as a band without height.
    """

    card: Card
    numerator: Decimal
    denominator: Decimal | None
    value: Decimal | None
    target: Value | None
    small: bool
    organization: Organization | None = None
    before: Decimal | None = None
    curve: Trend | None = None

    @property
    def unit(self) -> str:
        """The unit beside the value."""
        return "%" if self.card.unit == "percent" else _("人次")

    @property
    def goal(self) -> Decimal | None:
        """The target as a number."""
        if self.target is None:
            return None
        exact = self.target.fraction()
        return Decimal(exact.numerator) / Decimal(exact.denominator)

    @property
    def gap(self) -> Decimal | None:
        """How much is missing to the target; nothing when it is reached."""
        if self.goal is None or self.value is None:
            return None
        return max(self.goal - self.value, Decimal(0))

    @property
    def look(self) -> str:
        """Reached, not reached, or not to be judged."""
        if self.gap is None:
            return "gone"
        return "wait" if self.gap else "done"

    @property
    def change(self) -> Decimal | None:
        """The difference to the year before."""
        return None if self.value is None or self.before is None else self.value - self.before

    @property
    def trend(self) -> str:
        """Up, down or flat against the year before, empty when there is nothing to compare."""
        if self.change is None:
            return ""
        return "up" if self.change > 0 else "down" if self.change < 0 else "flat"

    @property
    def share(self) -> float:
        """The bar of the figure: of a hundred for a percentage, else of the target."""
        whole = Decimal(100) if self.card.unit == "percent" else self.goal
        return float(self.value / whole) if self.value is not None and whole else 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One indicator for all organisations together and for each."""

    total: Figure
    rows: list[Figure]
    # Hospitals from elsewhere that serve the place: no facts behind their figures, not in the total.
    beyond: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """One organisation's figures beside one another, in the order of the columns; None where it has no such facts."""

    organization: Organization
    figures: list[Figure | None]

    @property
    def missing(self) -> Decimal:
        """All its gaps together, each as a share of its target: zero where every target is reached."""
        return sum((one.gap / one.goal for one in self.figures if one is not None and one.gap and one.goal), Decimal(0))


@dataclass(frozen=True, slots=True)
class Sheet:
    """The organisations of one kind side by side: `totals` heads each column, `lines` are the organisations."""

    kind: str
    totals: list[Figure]
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Board:
    """Every indicator summed over the seat's own, and the same by organisation."""

    figures: list[Figure]
    sheets: list[Sheet]
    # Hospitals from elsewhere that serve the place: no facts behind their figures.
    beyond: frozenset[int]

    @property
    def quarters(self) -> tuple[Point, ...]:
        """The quarters of the curves, the same for every indicator."""
        return self.figures[0].curve.points if self.figures and self.figures[0].curve else ()


def years(today: date) -> list[int]:
    """The years a reader may choose, the running one first; on its first day there is nothing to count yet."""
    return [year for year in range(today.year, today.year - YEARS_BACK - 1, -1) if today > date(year, 1, 1)]


def period_of(year: int, today: date) -> Period:
    """The year up to yesterday, or the whole year when it is over."""
    whole = calendar_year(year)
    return Period(whole.start, min(whole.end or today, today))


def parameters_for(seat: Seat, period: Period) -> IndicatorParameters:
    """Targets and the smallest denominator for the seat's place on the last day counted. Raises NoPolicyInForce."""
    last = (period.end or period.start) - timedelta(days=1)
    return IndicatorParameters.read(policy.at(place=seat.place_code, date=last))


def scope(seat: Seat) -> dict[int, Organization]:
    """The hospitals and centres whose figures the seat may see, by id."""
    found = Organization.objects.filter(organizations_visible_to(seat)).select_related("place").distinct()
    return {row.pk: row for row in found.order_by("place__code", "kind", "code")}


def scope_beyond(seat: Seat) -> dict[int, Organization]:
    """The hospitals from elsewhere that serve the seat's place, by id: their figures are seen, the facts are not."""
    found = Organization.objects.filter(serving(seat)).select_related("place").distinct()
    return {row.pk: row for row in found.order_by("place__code", "kind", "code")}


def board(seat: Seat, period: Period, by: str = "") -> Board:
    """Each indicator, summed over the seat's own with the same stretch of the year before, and by organisation.

    Where the place has nobody an indicator speaks of, it is summed over the hospitals that serve the place. Lines stand
    by all their gaps together; `by` an indicator, the widest gap first; `by` "name" as the register has them.
    """
    parameters, known, beyond = parameters_for(seat, period), scope(seat), scope_beyond(seat)
    assert period.end is not None
    before = Period(years_after(period.start, -1), years_after(period.end, -1))
    past = [(quarter.start, min(quarter.end or period.end, period.end)) for quarter in quarters(period.end, ON_CARD)]
    spans = [(period.start, period.end), (before.start, before.end or before.start), *past]
    counted_all = measure_many(list(rules.cards()), spans)
    figures, measured = [], {}
    for key, card in rules.cards().items():
        counted = counted_all[key]
        measured[key] = counted[0]
        now, then, *quarterly = (_summed(card, one, known, beyond, parameters) for one in counted)
        values = [(_quarter(start), one.value) for (start, _end), one in zip(past, quarterly, strict=True)]
        goals = [(now.goal, now.goal)] if now.goal is not None else []
        figures.append(replace(now, before=then.value, curve=drawn_in_bands(values, bands=goals)))
    shown = known | beyond
    by_kind: dict[str, list[Organization]] = {}
    for one in shown.values():
        by_kind.setdefault(one.kind, []).append(one)
    sheets = [_sheet(kind, houses, figures, measured, parameters, by) for kind, houses in sorted(by_kind.items())]
    return Board(figures, [sheet for sheet in sheets if sheet.lines], frozenset(beyond))


def _sheet(
    kind: str, houses: list[Organization], figures: list[Figure], measured: Mapping[str, Mapping[int, Measured]],
    parameters: IndicatorParameters, by: str,
) -> Sheet:  # fmt: skip
    ids = {house.pk for house in houses}
    totals = [one for one in figures if not one.card.is_summed_only and ids & measured[one.card.key].keys()]
    lines = []
    for house in houses:
        rows = [(one.card, measured[one.card.key].get(house.pk)) for one in totals]
        cells = [
            _figure(card, parameters, row.numerator, row.denominator, house) if row else None for card, row in rows
        ]
        if any(cells):
            lines.append(Line(house, cells))
    chosen = next((index for index, one in enumerate(totals) if one.card.key == by), None)
    if chosen is not None:
        lines.sort(key=lambda line: _pressing(line.figures[chosen]))
    elif by != BY_NAME:
        lines.sort(key=lambda line: -line.missing)
    return Sheet(kind, totals, lines)


def _pressing(figure: Figure | None) -> tuple[bool, Decimal]:
    """The widest gap first, then the lowest value, then who has none."""
    if figure is None or figure.value is None:
        return True, Decimal(0)
    return False, figure.value if figure.gap is None else min(-figure.gap, figure.value)


def by_organization(seat: Seat, card: Card, period: Period) -> Compared:
    """An indicator for each organisation the seat may see, the widest gap first, and for its own together."""
    parameters, known, beyond = parameters_for(seat, period), scope(seat), scope_beyond(seat)
    shown = known | beyond
    assert period.end is not None
    measured = measure_all(card.key, period.start, period.end)
    rows = [
        _figure(card, parameters, row.numerator, row.denominator, shown[row.organization_id])
        for row in measured.values()
        if row.organization_id in shown
    ]
    rows.sort(key=lambda row: (row.value is None, row.value or 0, row.organization.code if row.organization else ""))
    return Compared(_summed(card, measured, known, beyond, parameters), rows, frozenset(beyond))


def trend(seat: Seat, card: Card, period: Period) -> Trend:
    """An indicator of the seat's own by quarter, up to the end of the period, the last two years of them."""
    parameters, known, beyond = parameters_for(seat, period), scope(seat), scope_beyond(seat)
    end = period.end or period.start
    spans = [(quarter.start, min(quarter.end or end, end)) for quarter in quarters(end, QUARTERS)]
    found = [_summed(card, one, known, beyond, parameters).value for one in measure_many([card.key], spans)[card.key]]
    return drawn([(_quarter(start), value) for (start, _end), value in zip(spans, found, strict=True)])


def _quarter(start: date) -> str:
    return f"{start.year} Q{start.month // 3 + 1}"


def figure_of(seat: Seat, card: Card, organization: Organization, period: Period) -> Figure:
    """One organisation's figure of an indicator."""
    assert period.end is not None
    found = measure_all(card.key, period.start, period.end).get(organization.pk)
    numerator, denominator = (found.numerator, found.denominator) if found else (Decimal(0), None)
    return _figure(card, parameters_for(seat, period), numerator, denominator, organization)


def sides_of(figure: Figure, period: Period) -> list[FactRows]:
    """The facts in numerator and denominator of a figure; none when the figure is too small to show."""
    if figure.small or figure.organization is None or period.end is None:
        return []
    return [
        measure_rows(counted, figure.organization.pk, period.start, period.end)
        for counted in rules.ROWS[figure.card.key]
    ]


def get_card(key: str) -> Card:
    """The card of an indicator. Raises NotVisible."""
    if key not in rules.cards():
        raise NotVisible(_("没有这个指标。"), next_step=_("请从指标一览里打开。"))
    return rules.cards()[key]


def get_organization(seat: Seat, organization_id: int) -> Organization:
    """One organisation whose figures the seat may see. Raises NotVisible."""
    found = scope(seat).get(organization_id)
    if found is None:
        raise NotVisible(_("没有这家机构的数据，或不在您的服务范围。"), next_step=_("请回到指标页选择。"))
    return found


def _summed(
    card: Card, measured: Mapping[int, Measured], known: Mapping[int, Organization],
    beyond: Mapping[int, Organization], parameters: IndicatorParameters,
) -> Figure:  # fmt: skip
    own = [row for row in measured.values() if row.organization_id in known]
    own = own or [row for row in measured.values() if row.organization_id in beyond]
    denominators = [row.denominator for row in own if row.denominator is not None]
    bottom = sum(denominators, Decimal(0)) if denominators else None
    return _figure(card, parameters, sum((row.numerator for row in own), Decimal(0)), bottom, None)


def _figure(
    card: Card,
    parameters: IndicatorParameters,
    numerator: Decimal,
    denominator: Decimal | None,
    organization: Organization | None,
) -> Figure:
    small = rules.is_small(denominator, parameters.small_denominator.integer())
    value = None if small else rules.value_of(numerator, denominator, card.unit)
    target = parameters.targets.get(card.key)
    return Figure(card, numerator, denominator, value, target, small, organization)


def frozen(seat: Seat, indicator: str, limit: int = 20) -> list[MeasureReport]:
    """The newest frozen reports of an indicator that the seat may see."""
    return reports(seat, indicator)[:limit]


def reports(seat: Any, indicator: str | None = None) -> list[MeasureReport]:
    """Frozen reports the seat may see, newest first."""
    found = MeasureReport.objects.filter(visible_to(seat)).select_related("organization").order_by("-as_of", "-id")
    return list(found.filter(indicator=indicator) if indicator else found)


def get_report(seat: Any, report_id: int) -> MeasureReport:
    """One frozen report. Raises NotVisible."""
    found = MeasureReport.objects.filter(visible_to(seat), pk=report_id).select_related("organization").first()
    if found is None:
        raise NotVisible(_("没有这份指标报告，或不在您的服务范围。"))
    return found
