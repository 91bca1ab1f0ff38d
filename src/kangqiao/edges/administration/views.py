"""Accounts, roles and who agrees to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.actor import Actor
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from
from kangqiao.base.transition import told
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.models import ROLE_DESCRIPTIONS, Role, User
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.accounts.states import ROLE_CHANGE
from kangqiao.edges.administration.forms import AccountForm, EndForm, RoleForm
from kangqiao.kernel.errors import NotVisible, RuleBroken

PER_PAGE = 30
SYSTEM, SECURITY = (Role.SYSTEM_ADMIN.value,), (Role.SECURITY_ADMIN.value,)
KEEPERS = SYSTEM + SECURITY


@require_safe
@access("role", roles=KEEPERS)
@exports
def people(request: SeatedRequest) -> HttpResponse:
    """The accounts of staff where this administrator answers; those that must wait are marked."""
    asked, now = request.GET.get("q", ""), timezone.now()
    rows = queries.search_accounts(request.actor, asked, now)
    context = {
        "page_obj": page_of(request, rows, PER_PAGE),
        "asked": asked,
        "may_open": request.seat.role in SYSTEM,
        "locked": queries.braked_accounts(request.actor, now)[0],
        "waiting": queries.role_changes_waiting(request.actor)[0],
    }
    return render(request, "administration/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("role", roles=SYSTEM, step_up=True)
# twice is once: a user name is given once
def open_account(request: SeatedRequest) -> HttpResponse:
    """A new account with a first password, shown this once, and its role proposed."""
    form = AccountForm(request.POST or None, by=request.actor, initial={"since": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            user, password = actions.open_account(**form.cleaned_data, by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            return render(request, "administration/first_password.html", {"person": user, "password": password})
    context = {"form": form, "descriptions": _descriptions()}
    return render(request, "administration/new.html", context, status=422 if form.errors else 200)


@require_safe
@access("role", roles=KEEPERS)
def person(request: SeatedRequest, user_id: int) -> HttpResponse:
    """One account: roles, changes that wait, and for the security administrator where it is signed in."""
    user = queries.account(request.actor, user_id)
    return render(request, "administration/person.html", _person_page(request, user))


@require_POST
@access("role", roles=KEEPERS, step_up=True)
@idempotent
def step(request: SeatedRequest, user_id: int) -> HttpResponse:
    """One step on an account: closed, opened, unlocked, made to leave, second factor reset."""
    queries.account(request.actor, user_id)
    do = STEPS.get(request.POST.get("step", ""))
    if do is None:
        raise NotVisible(_("没有这一步。"))
    messages.success(request, do(user_id, request.actor, timezone.now()))
    return redirect("people-detail", user_id)


@never_cache
@require_POST
@access("role", roles=SYSTEM, step_up=True)
# twice is once: the password shown last is the one that holds
def first_password(request: SeatedRequest, user_id: int) -> HttpResponse:
    """Somebody who forgot the password gets a first one again, shown this once."""
    password = actions.reset_password(user_id=user_id, by=request.actor, at=timezone.now())
    user = queries.account(request.actor, user_id)
    return render(request, "administration/first_password.html", {"person": user, "password": password})


@require_POST
@access("role", roles=SYSTEM, step_up=True)
@idempotent
def propose(request: SeatedRequest, user_id: int) -> HttpResponse:
    """A role for somebody is proposed to the security administrator."""
    user, form = queries.account(request.actor, user_id), RoleForm(request.POST, by=request.actor)
    if form.is_valid():
        try:
            actions.propose_role(user=user, **form.cleaned_data, by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已提出，安全管理员同意后生效。"))
            return redirect("people-detail", user_id)
    page = _person_page(request, user) | {"form": form}
    return render(request, "administration/person.html", page, status=422)


@require_POST
@access("role", roles=SYSTEM, step_up=True)
@idempotent
def end_role(request: SeatedRequest, membership_id: int) -> HttpResponse:
    """A role ends on a day; today takes it away at once."""
    form = EndForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("请写明到哪天止。"))
    until = form.cleaned_data["until"]
    row = actions.end_membership(membership_id=membership_id, until=until, by=request.actor, at=timezone.now())
    messages.success(request, _("岗位已结束，本人的登录也已退出。"))
    return redirect("people-detail", row.user_id)


@require_safe
@access("role", roles=KEEPERS)
@exports
def role_changes(request: SeatedRequest) -> HttpResponse:
    """Changes of role, those that wait first."""
    page = page_of(request, queries.role_changes(request.actor), PER_PAGE)
    rows = [
        {
            "change": row,
            "steps": ROLE_CHANGE.steps_from(row.status, {request.seat.role}),
            "told": told(row, ROLE_CHANGE),
        }
        for row in page
    ]
    return render(request, "administration/role_changes.html", {"page_obj": page, "rows": rows})


@require_POST
@access("role", roles=KEEPERS, step_up=True)
@idempotent
def decide(request: SeatedRequest, role_change_id: int) -> HttpResponse:
    """The security administrator approves or refuses; the system administrator withdraws."""
    queries.role_change(request.actor, role_change_id)
    given: dict[str, Any] = {"role_change_id": role_change_id, "by": request.actor, "at": timezone.now()}
    match request.POST.get("step"):
        case "approve":
            actions.approve_role(**given)
            messages.success(request, _("已生效；本人要重新登录。"))
        case "refuse":
            actions.refuse_role(**given, reason=request.POST.get("reason", ""))
            messages.success(request, _("未同意，原因已记下。"))
        case "withdraw":
            actions.withdraw_role(**given)
            messages.success(request, _("已撤回。"))
        case _:
            raise NotVisible(_("没有这一步。"))
    return redirect(came_from(request) or reverse("people-role-changes"))


def _close(user_id: int, by: Actor, at: datetime) -> str:
    actions.set_active(user_id=user_id, is_active=False, by=by, at=at)
    return _("账号已停用，所有登录已退出。")


def _open(user_id: int, by: Actor, at: datetime) -> str:
    actions.set_active(user_id=user_id, is_active=True, by=by, at=at)
    return _("账号已重新启用。")


def _unlock(user_id: int, by: Actor, at: datetime) -> str:
    actions.unlock(user_id=user_id, by=by, at=at)
    return _("已解锁，本人可以马上再试。")


def _leave(user_id: int, by: Actor, at: datetime) -> str:
    count = actions.end_sign_ins_of(user_id=user_id, by=by, at=at)
    return _("已退出 %(n)s 处登录。") % {"n": count}


def _reset(user_id: int, by: Actor, at: datetime) -> str:
    actions.reset_factors(user_id=user_id, by=by, at=at)
    return _("第二重验证已重置，本人下次登录时重新设置。")


STEPS: dict[str, Callable[[int, Actor, datetime], str]] = {
    "close": _close,
    "open": _open,
    "unlock": _unlock,
    "leave": _leave,
    "reset": _reset,
}


def _person_page(request: SeatedRequest, user: User) -> dict[str, Any]:
    today, now = timezone.localdate(), timezone.now()
    return {
        "person": user,
        "today": today,
        "is_system": request.seat.role in SYSTEM,
        "memberships": queries.memberships_of(user.pk),
        "changes": queries.role_changes(request.actor).filter(user=user, status=ROLE_CHANGE.initial),
        "open": queries.open_sign_ins(user.pk),
        "factors": queries.factors_of(user.pk),
        "locked_until": queries.braked_until(user.pk, now),
        "form": RoleForm(by=request.actor, initial={"since": today}),
    }


def _descriptions() -> list[tuple[str, str]]:
    return [(str(role.label), str(words)) for role, words in ROLE_DESCRIPTIONS.items()]
