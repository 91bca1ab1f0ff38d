"""Whether private houses and in-house clinics may contract: what they ask, what the bureau decides (XH23-5.2.3c)."""

from __future__ import annotations

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
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.domain.contracting.models import Approval
from kangqiao.domain.contracting.states import APPROVAL
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken

PAGE = 50
# Steps that need no more than a press or a reason; approving has a form of its own.
GRANT = "grant"


@require_safe
@access("role", roles=permissions.PACKERS)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """What was asked and decided: a house's own, or those of a bureau's place, what is to be decided first."""
    seat, on = request.seat, timezone.localdate()
    house = organization_by_id(seat.organization_id)
    is_bureau = seat.role == Role.BUREAU_OFFICER
    asked = [one for one in queries.terms_of_places(seat, on).values() if one is not None] if is_bureau else []
    context = {
        "page_obj": page_of(request, queries.approvals(seat), PAGE),
        "is_bureau": is_bureau,
        "terms": next(iter(asked), None) if is_bureau else queries.approval_terms(house, on),
        "verdict": queries.may_contract(house, on),
        "may_ask": queries.may_ask(seat, house, on),
        "today": on,
    }
    return render(request, "contracting/approvals.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.KEEPERS)
@idempotent
def ask(request: SeatedRequest) -> HttpResponse:
    """The own house asks whether it may contract."""
    form = forms.ApprovalForm(request.POST or None)
    if form.is_valid():
        by, at, house = request.actor, timezone.now(), request.seat.organization_id
        try:
            made = actions.ask_approval(organization_id=house, **form.cleaned_data, by=by, at=at)
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已提交，区卫生行政部门会收到消息。"))
            return redirect("contracting-approval", made.pk)
    return render(request, "contracting/approval_ask.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@access("role", roles=permissions.PACKERS)
def detail(request: SeatedRequest, approval_id: int) -> HttpResponse:
    """One application with its decision, and the moves open to the reader."""
    return _page(request, queries.get_approval(request.seat, approval_id), None)


@require_POST
@access("role", roles=(Role.BUREAU_OFFICER,))
@idempotent
def grant(request: SeatedRequest, approval_id: int) -> HttpResponse:
    """The bureau approves, from a day on and in words."""
    one, form = queries.get_approval(request.seat, approval_id), forms.GrantForm(request.POST)
    if form.is_valid():
        try:
            actions.grant_approval(approval_id=one.pk, **form.cleaned_data, by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已批准，机构会收到消息。"))
            return redirect("contracting-approval", one.pk)
    return _page(request, one, form)


@require_POST
@access("role", roles=permissions.PACKERS)
@idempotent
def step(request: SeatedRequest, approval_id: int) -> HttpResponse:
    """The house takes its application back; the bureau refuses it, or withdraws what it approved, with a reason."""
    one, by, at = queries.get_approval(request.seat, approval_id), request.actor, timezone.now()
    reason = request.POST.get("reason", "")
    match request.POST.get("step"):
        case "take_back":
            actions.take_back_approval(approval_id=one.pk, by=by, at=at)
            messages.success(request, _("申请已撤回。"))
        case "refuse":
            actions.refuse_approval(approval_id=one.pk, reason=reason, by=by, at=at)
            messages.success(request, _("已答复，机构会看到您写的原因。"))
        case "withdraw":
            actions.withdraw_approval(approval_id=one.pk, reason=reason, by=by, at=at)
            messages.success(request, _("批准已收回，从今天起不能再签约。"))
        case _:
            raise NotVisible(_("没有这一步。"), next_step=_("请从页面上的按钮操作。"))
    return redirect(came_from(request) or "contracting-approvals")


def _page(request: SeatedRequest, one: Approval, form: forms.GrantForm | None) -> HttpResponse:
    on, steps = timezone.localdate(), queries.approval_steps(request.seat, one)
    may_grant = any(step.action == GRANT for step in steps)
    context: dict[str, Any] = {
        "one": one,
        "terms": queries.approval_terms(one.organization, on),
        "steps": [step for step in steps if step.action != GRANT],
        "form": (form or forms.GrantForm(initial={"starts_on": on})) if may_grant else None,
        "history": told(one, APPROVAL),
        "today": on,
    }
    return render(request, "contracting/approval.html", context, status=422 if form and form.errors else 200)
