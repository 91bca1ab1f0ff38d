"""Tying one's WeChat to one's account: to WeChat, back with a code, and parted again."""

from __future__ import annotations

import logging
import secrets

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base import wechat
from kangqiao.base.access import access
from kangqiao.base.carriers import NotCarried
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.messaging import actions
from kangqiao.kernel.errors import RuleBroken

REMEMBERED = "wechat"
log = logging.getLogger(__name__)


@require_safe
@never_cache
@access("role", roles=(Role.RESIDENT.value,), step_up=True)
def start(request: SeatedRequest) -> HttpResponse:
    """Sends the browser to WeChat, with a state this session alone knows."""
    if not wechat.can_link():
        raise RuleBroken(_("本站还没有接通微信。"), next_step=_("可以打开短信提醒，或在康桥里看消息。"))
    there, state = wechat.ask(_here(request))
    request.session[REMEMBERED] = {"state": state, "user": request.seat.user_id}
    return HttpResponseRedirect(there)


@require_safe
@never_cache
@access("role", roles=(Role.RESIDENT.value,))
def back(request: SeatedRequest) -> HttpResponse:
    """The browser is back: tied, or the sentence why not and the way to begin anew."""
    try:
        openid = _verified(request)
        actions.link_wechat(user_id=request.seat.user_id, openid=openid, by=request.actor, at=timezone.now())
    except RuleBroken as refused:
        layout = (PART if wants_part(request) else WHOLE).resident
        context = {"refused": refused, "frame_template": layout}
        return render(request, "own/wechat_refused.html", context, status=422)
    messages.success(request, _("微信已关联，微信提醒已打开。"))
    return redirect("own-notices")


def _verified(request: SeatedRequest) -> str:
    """The id of whoever came back, asked of WeChat from here. Raises RuleBroken."""
    remembered = request.session.pop(REMEMBERED, {})
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    known = str(remembered.get("state", ""))
    is_asked = bool(known) and secrets.compare_digest(state.encode(), known.encode())
    if not (is_asked and code and remembered.get("user") == request.seat.user_id):
        raise RuleBroken(
            _("没有关联：这不是您刚才开始的那一次关联，或它已经用过了。"),
            next_step=_("请再点一次“关联微信”。"),
        )
    try:
        return wechat.openid_of(code)
    except NotCarried as error:
        log.warning("WeChat: %s", error)
        raise RuleBroken(
            _("没有关联：微信没有认这一次，可能过了时间或已经用过。"),
            next_step=_("请再点一次“关联微信”。"),
        ) from error


@require_POST
@access("role", roles=(Role.RESIDENT.value,))
# twice is once: what is parted is parted
def unlink(request: SeatedRequest) -> HttpResponse:
    """The tie is taken off."""
    actions.unlink_wechat(user_id=request.seat.user_id, by=request.actor, at=timezone.now())
    messages.success(request, _("微信已解除关联，不再发微信提醒。"))
    return redirect("own-notices")


def _here(request: SeatedRequest) -> str:
    return request.build_absolute_uri(resolve_url("own-wechat-back"))
