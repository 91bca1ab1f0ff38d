"""Where somebody is in, and what they prove it with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.forms import PasswordForm
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.parameters import LIMITS
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.accounts.views.parts import STAMPS, begin, user_of
from kangqiao.kernel.errors import RuleBroken


@require_safe
@never_cache
@access("signed_in")
def sign_ins(request: SeatedRequest) -> HttpResponse:
    """Where the person is signed in now, with device and time; factors, password and single sign-on below."""
    user = user_of(request)
    context = {
        "open": queries.open_sign_ins(user.pk),
        "current": request.session[STAMPS]["id"],
        "factors": queries.factors_of(user.pk),
        "codes_left": queries.recovery_codes_left(user.pk),
        "identities": queries.identities_of(user.pk),
        "is_demo": user.is_demo,
        "has_sso": bool(settings.SSO["issuer"]),
    }
    return render(request, "own/sign_ins.html", context | _frame(request))


@require_POST
@access("signed_in")
# twice is once: what has ended has ended
def end_one(request: SeatedRequest, sign_in_id: int) -> HttpResponse:
    """One of the person's sign-ins ends, on whatever device it is."""
    row = actions.end_sign_in(sign_in_id=sign_in_id, why="own", by=request.actor, at=timezone.now())
    messages.success(request, _("%(device)s 上的登录已经结束。") % {"device": row.device or _("那台设备")})
    return redirect("own-sign-ins")


@require_POST
@access("signed_in")
# twice is once: what has ended has ended
def end_everywhere(request: SeatedRequest) -> HttpResponse:
    """The person leaves every device but this one."""
    here, now = request.session[STAMPS]["id"], timezone.now()
    count = actions.end_own_sign_ins(user_id=request.seat.user_id, but=here, by=request.actor, at=now)
    said = ngettext("已在另外 %(n)s 处退出登录。", "已在另外 %(n)s 处退出登录。", count)
    messages.success(request, said % {"n": count})
    return redirect("own-sign-ins")


@require_POST
@access("signed_in", step_up=True)
# twice is once: what is gone is gone
def remove_factor(request: SeatedRequest, factor_id: int) -> HttpResponse:
    """An app or a key is given up."""
    actions.remove_factor(factor_id=factor_id, by=request.actor, at=timezone.now())
    messages.success(request, _("这种验证方式已删除。"))
    return redirect("own-sign-ins")


@never_cache
@require_POST
@access("signed_in", step_up=True)
# twice is once: the codes shown last are the ones that hold
def recovery_codes(request: SeatedRequest) -> HttpResponse:
    """New recovery codes, shown once; the former ones are worth nothing."""
    codes = actions.renew_recovery_codes(user=user_of(request), by=request.actor, at=timezone.now())
    page = {"codes": codes, "onward": resolve_url("own-sign-ins")}
    return render(request, "accounts/recovery_codes.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("signed_in")
# twice is once: the old password is asked for, and it is old by then
def password(request: SeatedRequest) -> HttpResponse:
    """Another password; wherever the old one was used the person is out, and here goes on in a new session."""
    form, user = PasswordForm(request.POST or None), user_of(request)
    if request.method == "POST" and form.is_valid():
        told, now = form.cleaned_data, timezone.now()
        try:
            user = actions.change_password(user_id=user.pk, old=told["old"], new=told["new"], by=request.actor, at=now)
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            update_session_auth_hash(request, user)
            begin(request, user, "password", now)
            messages.success(request, _("密码已改，其他设备上的登录都已结束。"))
            return redirect("own-sign-ins")
    page = {"form": form} | _frame(request)
    return render(request, "own/password.html", page, status=422 if form.errors else 200)


def _frame(request: HttpRequest) -> dict[str, Any]:
    """The frame of a resident or of staff, and the limits that hold for them."""
    is_resident = request.seat.role == Role.RESIDENT  # type: ignore[attr-defined]
    layout = PART if wants_part(request) else WHOLE
    return {
        "frame_template": layout.resident if is_resident else layout.staff,
        "is_resident": is_resident,
        "idle": LIMITS.idle_minutes_resident if is_resident else LIMITS.idle_minutes_staff,
        "longest": LIMITS.longest_hours,
        "least": LIMITS.shortest_password_resident if is_resident else LIMITS.shortest_password_staff,
    }
