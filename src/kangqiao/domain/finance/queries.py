"""Settlements and the way from a yuan back to its clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.finance.models import BudgetFigure, Settlement, SettlementLine
from kangqiao.domain.finance.permissions import lines_visible_to, parties, visible_to
from kangqiao.domain.finance.states import SETTLEMENT
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step


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
        raise NotVisible("")
    return found


def lines(seat: Seat | None, settlement: Settlement) -> QuerySet[SettlementLine]:
    """The lines of a settlement that the seat may see, by payer and hospital."""
    return (
        SettlementLine.objects.filter(lines_visible_to(seat), settlement=settlement)
        .select_related("payer", "hospital", "centre", "agreement")
        .distinct()
    )


def get_line(seat: Seat | None, line_id: int) -> SettlementLine:
    """One line with its settlement. Raises NotVisible."""
    found = (
        SettlementLine.objects.filter(lines_visible_to(seat), pk=line_id)
        .select_related("settlement__place", "payer", "hospital", "centre", "agreement")
        .first()
    )
    if found is None:
        raise NotVisible("")
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
