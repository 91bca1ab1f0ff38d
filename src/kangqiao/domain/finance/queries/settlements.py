"""Settlements and the way from a yuan back to its clause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.base.transition import Told, told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.finance.models import BudgetFigure, Settlement, SettlementLine
from kangqiao.domain.finance.parameters import FundParameters
from kangqiao.domain.finance.permissions import can_compute, lines_visible_to, parties, visible_to
from kangqiao.domain.finance.states import LINE, SETTLEMENT
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible
from kangqiao.kernel.states import State, Step

NOT_IN_EFFECT = ("draft", "signing", "discarded", "signed")
YEARS_BACK = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PayerTotal:
    """What one payer owes in a settlement: computed, payable now, held for an appraisal, paid; all in fen."""

    payer_id: int
    payer: str
    lines: int
    base_fen: int
    payable_fen: int
    held_base_fen: int
    paid_fen: int


def settlements(seat: Seat | None) -> QuerySet[Settlement]:
    """The settlements the seat may see, newest first."""
    return Settlement.objects.filter(visible_to(seat)).select_related("place").distinct()


def get_settlement(seat: Seat | None, settlement_id: int) -> Settlement:
    """One settlement. Raises NotVisible."""
    found = settlements(seat).filter(pk=settlement_id).first()
    if found is None:
        raise NotVisible(_("没有这份测算，或不在您的服务范围。"), next_step=_("请回到经费一览里选择。"))
    return found


def lines(seat: Seat | None, settlement: Settlement) -> QuerySet[SettlementLine]:
    """The lines of a settlement that the seat may see, by payer and hospital."""
    found = SettlementLine.objects.filter(lines_visible_to(seat), settlement=settlement)
    return found.select_related("payer", "hospital", "centre", "agreement").distinct()


def visible_lines(seat: Seat | None) -> QuerySet[SettlementLine]:
    """Every current line the seat may see, whatever settlement it stands in."""
    found = SettlementLine.objects.filter(lines_visible_to(seat)).exclude(settlement__status="superseded")
    return found.select_related("hospital", "centre", "settlement").distinct()


def get_line(seat: Seat | None, line_id: int) -> SettlementLine:
    """One line with its settlement. Raises NotVisible."""
    found = (
        SettlementLine.objects.filter(lines_visible_to(seat), pk=line_id)
        .select_related("settlement__place", "payer", "hospital", "centre", "agreement")
        .first()
    )
    if found is None:
        raise NotVisible(_("没有这笔经费，或不在您的服务范围。"), next_step=_("请回到经费一览里选择。"))
    return found


def payer_totals(seat: Seat | None, settlement: Settlement) -> list[PayerTotal]:
    """The lines summed by who pays."""
    visible = SettlementLine.objects.filter(pk__in=lines(seat, settlement).values("pk"))
    rows = (
        visible.values("payer_id", "payer__zh")
        .annotate(
            count=Count("id"),
            base=Sum("base_fen"),
            payable=Sum("amount_fen", filter=Q(status="payable")),
            held=Sum("base_fen", filter=Q(status="held")),
            paid=Sum("amount_fen", filter=Q(status="paid")),
        )
        .order_by("payer__code")
    )
    return [
        PayerTotal(
            payer_id=row["payer_id"],
            payer=row["payer__zh"],
            lines=row["count"],
            base_fen=row["base"],
            payable_fen=row["payable"] or 0,
            held_base_fen=row["held"] or 0,
            paid_fen=row["paid"] or 0,
        )
        for row in rows
    ]


def available_steps(seat: Seat | None, settlement: Settlement) -> list[Step]:
    """The buttons of the settlement page; paying is done payer by payer."""
    steps = SETTLEMENT.steps_from(settlement.status, parties(seat, settlement))
    return [step for step in steps if step.action != "pay"]


def figure(kind: str, year: int, **where: Any) -> BudgetFigure | None:
    """One input of the money rules, if recorded."""
    return BudgetFigure.objects.filter(kind=kind, year=year, **where).first()


def pairings(place: Place, year: int) -> list[Agreement]:
    """The joint-building agreements that stand at the end of the year in a place and the places under it."""
    last = date(year, 12, 31)
    found = Agreement.objects.filter(
        kind=Agreement.Kind.JOINT_BUILDING,
        starts_on__lte=last,
        ends_on__gt=last,
        centre__place__in=institutions.place_ids_under(place.code),
    ).exclude(status__in=NOT_IN_EFFECT)
    return list(found.select_related("hospital__place", "centre__place").order_by("number"))


def place_of_actor(by: Actor) -> int | None:
    """The place of the organisation the actor sits in."""
    return Organization.objects.filter(pk=by.organization_id or 0).values_list("place_id", flat=True).first()


def places_of_actor(by: Actor) -> set[int]:
    """The place of the actor's organisation and every place under it."""
    code = Organization.objects.filter(pk=by.organization_id or 0).values_list("place__code", flat=True).first()
    return institutions.place_ids_under(code) if code else set()


def years(today: date) -> list[int]:
    """The years a reader may choose, the running one first."""
    return list(range(today.year, today.year - YEARS_BACK - 1, -1))


@dataclass(frozen=True, slots=True)
class ListRow:
    """One settlement with its state and what the reader's own lines in it add up to."""

    settlement: Settlement
    state: State
    payers: list[PayerTotal]

    @property
    def shown_fen(self) -> int:
        """What the payers shown owe together; a district is not shown the whole city's sum above its own lines."""
        return sum(payer.base_fen for payer in self.payers)


def listed(seat: Seat) -> list[ListRow]:
    """The current settlements the seat may see, newest year first, each with its payers."""
    rows = settlements(seat).exclude(status="superseded")
    return [ListRow(row, SETTLEMENT.state(row.status), payer_totals(seat, row)) for row in rows]


@dataclass(frozen=True, slots=True)
class InputRow:
    """One figure the computation of a year needs, and whether it is recorded and verified."""

    kind: str
    label: str
    place: Place
    organization: Organization | None
    figure: BudgetFigure | None
    clause: str

    @property
    def key(self) -> str:
        """How a form names this figure."""
        return f"{self.kind}:{self.place.pk}:{self.organization.pk if self.organization else ''}"

    @property
    def is_money(self) -> bool:
        """Whether the figure is an amount; else it counts people."""
        return self.kind == BudgetFigure.Kind.BASIC_PUBLIC_HEALTH_FUND

    @property
    def look(self) -> str:
        """Verified, waiting to be verified, or missing."""
        if self.figure is None:
            return "back"
        return "done" if self.figure.verified_at else "wait"


def needed_inputs(seat: Seat, year: int) -> list[InputRow]:
    """Every figure the year's computation needs of the seat's place, missing and unverified ones first.

    Raises NoPolicyInForce where no paper sets up the fund.
    """
    place = institutions.place(seat.place_code)
    parameters = fund_parameters(place, year)
    bound = pairings(place, year)
    known = {
        (row.kind, row.place_id, row.organization_id): row
        for row in BudgetFigure.objects.filter(year=year, place__in=institutions.place_ids_under(place.code))
    }
    by_organization = {row.organization_id: row for row in known.values() if row.organization_id}
    division = parameters.city_paid_division.text()
    city_class = frozenset(parameters.city_class_ownerships.list_())
    kind, people = BudgetFigure.Kind.BASIC_PUBLIC_HEALTH_FUND, BudgetFigure.Kind.POPULATION_SERVED
    rows: list[InputRow] = []
    if any(a.hospital.ownership in city_class and a.centre.place.code == division for a in bound):
        area = institutions.place(division)
        name = _("%(place)s基本公共卫生服务经费总额") % {"place": area.zh}
        rows.append(
            InputRow(kind, name, area, None, known.get((kind, area.pk, None)), parameters.city_rate_percent.clause)
        )
    for agreement in bound:
        centre = agreement.centre
        name = _("%(centre)s的服务人口") % {"centre": centre.zh}
        found = by_organization.get(centre.pk)
        clause = parameters.district_rate_yuan_per_person.clause
        rows.append(InputRow(people, name, centre.place, centre, found, clause))
    order = {"back": 0, "wait": 1, "done": 2}
    return sorted(rows, key=lambda row: order[row.look])


def fund_parameters(place: Place, year: int) -> FundParameters:
    """The rules of the fund in a place for a year. Raises NoPolicyInForce."""
    return FundParameters.read(policy.at(place=place.code, date=date(year, 12, 31)))


def fund_place(place: Place, year: int) -> Place:
    """The place whose finance computes the fund that a place belongs to: the highest above it with rules of a fund.

    A pairing is counted once; a district that computed for itself would count it a second time (ZH-4.2d).
    """
    above = place.part_of
    if above is None or or_none(lambda: fund_parameters(above, year)) is None:
        return place
    return fund_place(above, year)


def computes(seat: Seat, today: date) -> Decision:
    """Whether the seat may compute a fund: only where its place is not part of a city that does."""
    return can_compute(seat, fund_place(institutions.place(seat.place_code), today.year).pk)


def state_of(settlement: Settlement) -> State:
    """The state of the settlement as a page draws it."""
    return SETTLEMENT.state(settlement.status)


def state_of_line(line: SettlementLine) -> State:
    """The state of a line as a page draws it."""
    return LINE.state(line.status)


def history_of(settlement: Settlement) -> list[Told]:
    """Every step the settlement took."""
    return told(settlement, SETTLEMENT)


def history_of_line(line: SettlementLine) -> list[Told]:
    """Every step the line took."""
    return told(line, LINE)


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line with its state."""

    line: SettlementLine
    state: State


def line_rows(seat: Seat, settlement: Settlement) -> list[LineRow]:
    """The lines the seat may see, each with its state."""
    return [LineRow(line, LINE.state(line.status)) for line in lines(seat, settlement)]


def to_submit(seat: Seat) -> tuple[int, datetime | None]:
    """How many computed settlements wait for the seat to submit them, and since when the oldest."""
    if seat.role != Role.FINANCE_OFFICER:
        return 0, None
    found = Settlement.objects.filter(place_id=seat.place_id, status="computed")
    return _counted(found, "computed_at")


def to_pay(seat: Seat) -> tuple[int, datetime | None]:
    """How many submitted settlements hold lines the seat's finance owes, and since when the oldest."""
    if seat.role != Role.FINANCE_OFFICER:
        return 0, None
    found = SettlementLine.objects.filter(payer_id=seat.place_id, status="payable", settlement__status="submitted")
    told = found.aggregate(n=Count("settlement", distinct=True), oldest=Min("settlement__computed_at"))
    return told["n"], told["oldest"]


def _counted(rows: QuerySet[Any], since: str) -> tuple[int, datetime | None]:
    found = rows.aggregate(n=Count("pk"), oldest=Min(since))
    return found["n"], found["oldest"]


def or_none(read: Callable[[], T]) -> T | None:
    """What is read, or nothing where no policy is in force any more: the frozen figures still explain themselves."""
    try:
        return read()
    except NoPolicyInForce:
        return None
