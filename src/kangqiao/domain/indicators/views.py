"""Figures as pages: the board, one indicator by organisation, the facts behind it, a frozen report."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.domain.indicators import forms, permissions, queries


@require_safe
@access("role", roles=permissions.READERS)
@exports
def board(request: HttpRequest) -> HttpResponse:
    """One card per indicator for the seat's region or own organisation, and every organisation side by side."""
    seat, today = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    narrow = forms.BoardOrder(request.GET, today=today)
    period = queries.period_of(narrow.chosen, today)
    context = {"board": queries.board(seat, period, narrow.by_chosen), "narrow": narrow, "period": period}
    return render(request, "indicators/board.html", context)


@require_safe
@access("role", roles=permissions.READERS)
@exports
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One indicator: formula in words, by organisation, statement, frozen reports."""
    seat, today = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    card, narrow = queries.get_card(key), forms.Year(request.GET, today=today)
    period = queries.period_of(narrow.chosen, today)
    context = {
        "card": card,
        "found": queries.by_organization(seat, card, period),
        "narrow": narrow,
        "period": period,
        "statement": queries.sql_of(key, period.start, period.end or period.start),
        "reports": queries.frozen(seat, key),
        "trend": queries.trend(seat, card, period),
        "smallest": queries.parameters_for(seat, period).small_denominator,
    }
    return render(request, "indicators/detail.html", context)


@require_safe
@access("role", roles=permissions.READERS)
@exports
def rows(request: HttpRequest, key: str, organization_id: int) -> HttpResponse:
    """The facts behind one organisation's figure; none where the figure itself is not shown."""
    seat, today = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    card, organization = queries.get_card(key), queries.get_organization(seat, organization_id)
    narrow = forms.Year(request.GET, today=today)
    period = queries.period_of(narrow.chosen, today)
    figure = queries.figure_of(seat, card, organization, period)
    context = {
        "card": card,
        "organization": organization,
        "period": period,
        "narrow": narrow,
        "figure": figure,
        "sides": queries.sides_of(figure, period),
    }
    return render(request, "indicators/rows.html", context)


@require_safe
@access("role", roles=permissions.READERS)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """A frozen report with its inputs and digest."""
    found = queries.get_report(request.seat, pk)  # type: ignore[attr-defined]
    return render(request, "indicators/report.html", {"report": found, "card": queries.get_card(found.indicator)})
