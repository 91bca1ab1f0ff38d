"""The pages of agreements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import Difference, Verb, came_from, verb_of, wants_drawer
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.agreements import actions, forms, permissions, queries, rules
from kangqiao.domain.agreements.models import Agreement
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible, RuleBroken
from kangqiao.kernel.states import Step

PAGE = 40
# The moves of the page: what each posts to, and what the person is told afterwards.
STEPS: dict[str, tuple[Callable[..., Any], tuple[str, ...], Any]] = {
    "propose": (actions.propose_agreement, (), gettext_lazy("已送各方签署，每一方都收到了通知。")),
    "discard": (actions.discard_agreement, (), gettext_lazy("草稿已作废。")),
    "request_end": (actions.request_end, ("reason",), gettext_lazy("申请已送审批，批准之前协议继续有效。")),
    "refuse_end": (actions.refuse_end, ("reason",), gettext_lazy("已答复不同意，协议继续有效。")),
    "end": (actions.end_agreement, ("reason", "handover"), gettext_lazy("协议已终止，各方收到了通知。")),
}


@require_safe
@access("role", roles=permissions.READERS)
@exports
def agreement_list(request: HttpRequest) -> HttpResponse:
    """The seat's agreements with filters and counts."""
    seat, on = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    narrow = forms.Filter(request.GET, seat=seat, on=on)
    wanted = narrow.wanted()
    rows = queries.agreement_list(seat, **wanted)
    context = {
        "narrow": narrow,
        "page_obj": page_of(request, rows, PAGE),
        "counts": queries.status_counts(queries.agreement_list(seat, **{**wanted, "status": ""})),
        "chosen": wanted["status"],
        "may_draft": seat.role in permissions.DRAFTERS,
        "address": request.GET.urlencode(),
    }
    return render(request, "agreements/list.html", context)


@require_safe
@access("role", roles=permissions.READERS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One agreement: state and next step, facts, parties, duties, history."""
    seat, on = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    agreement = queries.get_agreement(seat, pk)
    steps = queries.available_steps(seat, agreement)
    context = {
        "agreement": agreement,
        "sentence": queries.sentence(agreement, on),
        "steps": [step for step in steps if step.action != "end"],
        "ending": [step for step in steps if step.action == "end"],
        "can_sign": queries.can_sign_now(seat, agreement),
        "may_justify": queries.may_justify(seat, agreement),
        "sides": queries.duties_by_side(agreement),
        "form_names": [forms.FORM_NAMES.get(name, name) for name in agreement.forms],
        "history": queries.history_rows(agreement),
        "differences": _differences(agreement),
    }
    if wants_drawer(request):
        moves = _moves(agreement, queries.can_sign_now(seat, agreement), steps)
        context |= {"moves": moves, "back": came_from(request)}
        return render(request, "agreements/glance.html", context)
    return render(request, "agreements/detail.html", context)


def _differences(agreement: Agreement) -> list[Difference]:
    """What this agreement promises otherwise than the one before."""
    if agreement.previous is None:
        return []
    before, after = (
        {(one.side, one.measure): rules.Promise(called(one), one.target) for one in queries.duties_of(each)}
        for each in (agreement.previous, agreement)
    )
    return [
        Difference(
            kind, (new or old).words, "" if new or old.target is None else f"{old.target:f}", fields=_figures(old, new)
        )
        for kind, old, new in rules.changed_promises(before, after)
    ]


def _figures(old: rules.Promise, new: rules.Promise | None) -> tuple[tuple[str, str, str], ...]:
    shown = [("" if one is None or one.target is None else f"{one.target.normalize():f}") for one in (old, new)]
    return ((_("要求"), *shown),) if new is not None and shown[0] != shown[1] else ()  # type: ignore[return-value]


def _moves(agreement: Agreement, can_sign: bool, steps: list[Step]) -> list[Verb]:
    """What can be done about an agreement from a worklist; ending one asks for more and has its page."""
    to, page = reverse("agreements-step", args=(agreement.pk,)), reverse("agreements-detail", args=(agreement.pk,))
    signing = [Verb(_("签署"), reverse("agreements-sign", args=(agreement.pk,)), primary=True)] if can_sign else []
    return signing + [
        Verb(called(step), page, opens=True) if step.action == "end" else verb_of(step, to) for step in steps
    ]


@require_safe
@access("role", roles=permissions.READERS)
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The agreement as it is printed and filed."""
    agreement = queries.get_agreement(request.seat, pk)  # type: ignore[attr-defined]
    context = {
        "agreement": agreement,
        "sides": queries.duties_by_side(agreement),
        "form_names": [forms.FORM_NAMES.get(name, name) for name in agreement.forms],
    }
    return render(request, "agreements/paper.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.DRAFTERS)
@idempotent
def draft(request: HttpRequest) -> HttpResponse:
    """A new agreement; parties and duties come from the pack."""
    seat, on = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    form = forms.Draft(request.POST or None, seat=seat, on=on, initial={"starts_on": on})
    if form.is_valid():
        try:
            made = actions.draft_agreement(**form.keywords(), by=seat.actor, at=timezone.now())
        except (RuleBroken, NoPolicyInForce) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("草稿已写好，各方和责任已从文件抄入。请核对后送各方签署。"))
            return redirect("agreements-detail", pk=made.pk)
    return render(request, "agreements/draft.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@access("role", roles=permissions.READERS)
@idempotent
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """One move of the agreement, with its reason where one is needed."""
    agreement = queries.get_agreement(request.seat, pk)  # type: ignore[attr-defined]
    if request.POST.get("step") not in STEPS:
        raise NotVisible(_("没有这一步。"), next_step=_("请从协议页上的按钮操作。"))
    action, names, told = STEPS[request.POST["step"]]
    typed = {name: request.POST.get(name, "") for name in names}
    action(agreement_id=agreement.pk, by=request.actor, at=timezone.now(), **typed)  # type: ignore[attr-defined]
    messages.success(request, told)
    return redirect(came_from(request) or reverse("agreements-detail", args=(pk,)))


@require_POST
@access("role", roles=permissions.READERS)
@idempotent
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """The seat's organisation signs."""
    agreement = queries.get_agreement(request.seat, pk)  # type: ignore[attr-defined]
    moved = actions.sign_agreement(agreement_id=agreement.pk, by=request.actor, at=timezone.now())  # type: ignore[attr-defined]
    messages.success(request, _("已签署。%(sentence)s") % {"sentence": queries.sentence(moved, timezone.localdate())})
    return redirect(came_from(request) or reverse("agreements-detail", args=(pk,)))


@require_POST
@access("role", roles=permissions.DRAFTERS)
@idempotent
def justify(request: HttpRequest, pk: int) -> HttpResponse:
    """The hospital writes why it stays below an in-principle figure."""
    agreement = queries.get_agreement(request.seat, pk)  # type: ignore[attr-defined]
    reason, by = request.POST.get("reason", ""), request.actor  # type: ignore[attr-defined]
    actions.justify_shortfall(agreement_id=agreement.pk, justification=reason, by=by, at=timezone.now())
    messages.success(request, _("说明已记下，和责任一起显示。"))
    return redirect("agreements-detail", pk=pk)
