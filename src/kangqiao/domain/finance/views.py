"""The pages of the joint-building fund."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import Verb, came_from, verb_of, wants_drawer
from kangqiao.base.templatetags.kq import money
from kangqiao.domain.finance import actions, forms, permissions, queries
from kangqiao.domain.finance.models import Settlement
from kangqiao.kernel.errors import NoPolicyInForce, RuleBroken
from kangqiao.kernel.states import Step


@require_safe
@access("role", roles=permissions.READERS)
@exports
def finance_list(request: HttpRequest) -> HttpResponse:
    """The settlements with what each payer owes."""
    return _list(request, forms.Compute(None, today=timezone.localdate()))


def _list(request: HttpRequest, form: forms.Compute) -> HttpResponse:
    seat = request.seat  # type: ignore[attr-defined]
    context = {
        "rows": queries.listed(seat),
        "form": form,
        "may": queries.computes(seat, timezone.localdate()),
        "records": permissions.may_record(seat.actor, {seat.place_id}, seat.place_id),
    }
    return render(request, "finance/list.html", context, status=422 if form.errors else 200)


@require_POST
@access("role", roles=("finance_officer",))
@idempotent
def compute(request: HttpRequest) -> HttpResponse:
    """Computes the fund of a year; a missing or unverified figure is named and the page stays."""
    seat, form = request.seat, forms.Compute(request.POST, today=timezone.localdate())  # type: ignore[attr-defined]
    if form.is_valid():
        try:
            done = actions.compute_settlement(
                place_id=seat.place_id, **form.cleaned_data, by=seat.actor, at=timezone.now()
            )
        except (RuleBroken, NoPolicyInForce) as refused:
            form.add_error(None, str(refused))
        else:
            told = _("已测算，合计 %(total)s。每一笔都能点开看公式、数据和条款。")
            messages.success(request, told % {"total": money(done.total_fen)})
            return redirect("finance-settlement", pk=done.pk)
    return _list(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=("finance_officer",))
@idempotent
def inputs(request: HttpRequest) -> HttpResponse:
    """The figures a year needs, with their sources; posting records one."""
    seat = request.seat  # type: ignore[attr-defined]
    narrow = forms.Year(request.GET, today=timezone.localdate())
    needed = queries.needed_inputs(seat, narrow.chosen)
    form = forms.Figure(request.POST or None, needed=needed)
    if form.is_valid():
        actions.record_figure(**form.keywords(), year=narrow.chosen, by=seat.actor, at=timezone.now())
        messages.success(request, _("已记下，来源和录入人一并留存。"))
        return redirect(f"{reverse('finance-inputs')}?year={narrow.chosen}")
    context = {"narrow": narrow, "rows": needed, "form": form}
    return render(request, "finance/inputs.html", context, status=422 if form.errors else 200)


@require_POST
@access("role", roles=("finance_officer",))
@idempotent
def verify(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts the person's name to a figure."""
    row = actions.verify_figure(figure_id=pk, by=request.actor, at=timezone.now())  # type: ignore[attr-defined]
    messages.success(request, _("已核实，可以用来测算。"))
    return redirect(f"{reverse('finance-inputs')}?year={row.year}")


@require_safe
@access("role", roles=permissions.READERS)
@exports
def settlement(request: HttpRequest, pk: int) -> HttpResponse:
    """One settlement: total, payers, lines, next step, frozen digest."""
    seat = request.seat  # type: ignore[attr-defined]
    found = queries.get_settlement(seat, pk)
    payers = queries.payer_totals(seat, found)
    own = next((payer for payer in payers if payer.payer_id == seat.place_id), None)
    context: dict[str, Any] = {
        "settlement": found,
        "state": queries.state_of(found),
        "steps": {step.action: step for step in queries.available_steps(seat, found)},
        "payers": payers,
        "shown_fen": sum(payer.base_fen for payer in payers),
        "own": own if own and own.payable_fen and permissions.can_pay(seat, found) else None,
        "lines": (lines := queries.line_rows(seat, found)),
        "branches": queries.branches(lines),
        "history": queries.history_of(found),
    }
    if wants_drawer(request):
        context |= {"moves": _moves(found, context["steps"], is_payer=bool(context["own"])), "back": came_from(request)}
        return render(request, "finance/glance.html", context)
    return render(request, "finance/settlement.html", context)


def _moves(found: Settlement, steps: dict[str, Step], *, is_payer: bool) -> list[Verb]:
    """What can be done about a settlement from a worklist."""
    moves = [verb_of(steps["submit"], reverse("finance-submit", args=(found.pk,)))] if "submit" in steps else []
    paying = Verb(_("确认已拨付"), reverse("finance-pay", args=(found.pk,)), primary=True)
    return [*moves, paying] if is_payer else moves


@require_POST
@access("role", roles=("finance_officer",))
@idempotent
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Submits a computed settlement for payment."""
    found = queries.get_settlement(request.seat, pk)  # type: ignore[attr-defined]
    actions.submit_settlement(settlement_id=found.pk, by=request.actor, at=timezone.now())  # type: ignore[attr-defined]
    messages.success(request, _("已提交，市、区财政可以拨付各自的部分。"))
    return redirect(came_from(request) or reverse("finance-settlement", args=(pk,)))


@require_POST
@access("role", roles=("finance_officer",), step_up=True)
@idempotent
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """Records that the seat's finance paid all its payable lines."""
    seat = request.seat  # type: ignore[attr-defined]
    found = queries.get_settlement(seat, pk)
    paid = actions.pay_lines(settlement_id=found.pk, payer_id=seat.place_id, by=seat.actor, at=timezone.now())
    total = sum(row.amount_fen or 0 for row in paid)
    messages.success(request, _("已登记拨付 %(n)s 笔，共 %(sum)s。") % {"n": len(paid), "sum": money(total)})
    return redirect(came_from(request) or reverse("finance-settlement", args=(pk,)))


@require_safe
@access("role", roles=permissions.READERS)
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """One amount, opened: formula with its own numbers, inputs with sources, clauses, appraisal."""
    found = queries.get_line(request.seat, pk)  # type: ignore[attr-defined]
    context = {
        "line": found,
        "state": queries.state_of_line(found),
        "why": queries.explain(found),
        "history": queries.history_of_line(found),
    }
    return render(request, "finance/line.html", context)
