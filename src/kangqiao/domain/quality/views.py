"""Samples of contract service: drawn and checked by the bureau, put right by the centre (XH23-5.2.4a)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from
from kangqiao.base.transition import told
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.quality import actions, forms, permissions, queries
from kangqiao.domain.quality.models import SampledItem
from kangqiao.domain.quality.parameters import terms_at
from kangqiao.domain.quality.states import SAMPLED
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken

PAGE = 50
# The steps that have a form of their own.
CHECKS = ("pass", "find")


@require_safe
@access("role", roles=permissions.READERS)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """Every sample of the own house, with what still waits for whom."""
    context = {
        "page_obj": page_of(request, queries.samplings(request.seat), PAGE),
        "may_draw": request.seat.role in permissions.BUREAU,
    }
    return render(request, "quality/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.BUREAU)
@idempotent
def new(request: SeatedRequest) -> HttpResponse:
    """A sample is drawn; offered is the month before, the last that is whole."""
    on = timezone.localdate()
    terms = terms_at(request.seat.place_code, on)
    last = on.replace(day=1) - timedelta(days=1)
    first = {"size": terms.items_per_team.integer(), "starts_on": last.replace(day=1), "ends_on": last}
    form = forms.DrawForm(request.POST or None, initial=first, centres=queries.centres_to_draw(request.seat))
    if form.is_valid():
        try:
            made = actions.draw_sampling(**form.cleaned_data, by=request.actor, at=timezone.now())
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已抽好，种子是 %(seed)s。") % {"seed": made.seed})
            return redirect("quality-sampling", made.pk)
    return render(request, "quality/new.html", {"form": form, "terms": terms}, status=422 if form.errors else 200)


@require_safe
@access("role", roles=permissions.READERS)
@exports
def sampling(request: SeatedRequest, sampling_id: int) -> HttpResponse:
    """A sample: how each team came out, and every item in it."""
    one = queries.get_sampling(request.seat, sampling_id)
    named = {each.key: each for each in queries.finding_kinds(one)}
    items = [(each, [named.get(key, key) for key in each.findings]) for each in queries.items_of(one)]
    context = {
        "one": one, "results": queries.results(one), "items": items, "terms": queries.terms_of(one),
        "today": timezone.localdate(),
    }  # fmt: skip
    return render(request, "quality/sampling.html", context)


@require_safe
@access("role", roles=permissions.READERS)
def item(request: SeatedRequest, sampled_item_id: int) -> HttpResponse:
    """One item with what was found and how it was put right, and the moves open to the reader."""
    return _page(request, queries.get_item(request.seat, sampled_item_id), None)


@require_POST
@access("role", roles=permissions.BUREAU)
@idempotent
def check(request: SeatedRequest, sampled_item_id: int) -> HttpResponse:
    """The bureau says how it was checked and what was found."""
    one = queries.get_item(request.seat, sampled_item_id)
    form = forms.CheckForm(request.POST, kinds=queries.finding_kinds(one.sampling, one.kind))
    if form.is_valid():
        try:
            made = actions.check_item(item_id=one.pk, **form.cleaned_data, by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已交中心整改。") if made.findings else _("已记下，没有问题。"))
            return redirect("quality-sampling", one.sampling_id)
    return _page(request, one, form)


@require_POST
@access("role", roles=permissions.READERS)
@idempotent
def step(request: SeatedRequest, sampled_item_id: int) -> HttpResponse:
    """The centre answers; the bureau closes it or sends it back."""
    one, by, at = queries.get_item(request.seat, sampled_item_id), request.actor, timezone.now()
    reason = request.POST.get("reason", "")
    match request.POST.get("step"):
        case "correct":
            actions.correct_item(item_id=one.pk, answer=reason, by=by, at=at)
            messages.success(request, _("已交质控中心复核。"))
        case "close":
            actions.close_item(item_id=one.pk, by=by, at=at)
            messages.success(request, _("已销案。"))
        case "send_back":
            actions.send_back_item(item_id=one.pk, reason=reason, by=by, at=at)
            messages.success(request, _("已退回，中心会看到您写的原因。"))
        case _:
            raise NotVisible(_("没有这一步。"), next_step=_("请从页面上的按钮操作。"))
    back = came_from(request)
    return redirect(back) if back else redirect("quality-sampling", one.sampling_id)


@require_POST
@access("role", roles=permissions.BUREAU)
# twice is once: nothing changes, each look is written down, and the number must not be kept as an answer
def contact(request: SeatedRequest, sampled_item_id: int) -> HttpResponse:
    """Whom to call, for once; who asked for it is written down and the resident sees it."""
    found = queries.contact_of(request.seat, queries.get_item(request.seat, sampled_item_id))
    return render(request, "quality/_contact.html", {"contact": found})


def _page(request: SeatedRequest, one: SampledItem, form: forms.CheckForm | None) -> HttpResponse:
    steps = queries.steps_of(request.seat, one)
    may_check = any(each.action in CHECKS for each in steps)
    context: dict[str, Any] = {
        "one": one,
        "findings": queries.findings_named(one.sampling, one.findings),
        "steps": [each for each in steps if each.action not in CHECKS],
        "form": (form or forms.CheckForm(kinds=queries.finding_kinds(one.sampling, one.kind))) if may_check else None,
        "may_call": request.seat.role in permissions.BUREAU and not one.state.final,
        "history": told(one, SAMPLED),
        "is_late": queries.is_late(one, timezone.localdate()),
    }
    return render(request, "quality/item.html", context, status=422 if form and form.errors else 200)
