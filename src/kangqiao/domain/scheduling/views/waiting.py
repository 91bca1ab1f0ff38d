"""Pages of waiting in line: where one stands, what is offered, joining and leaving."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kangqiao.base.access import access
from kangqiao.base.idempotency import attempt_of, idempotent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.forms import JoinForm, LineForm
from kangqiao.domain.scheduling.views.booking import BOOKERS, Request, _asked, _for_whom, _named
from kangqiao.kernel.errors import RuleBroken

# Who acts in a line: the resident and the centre, as `can_step_in_line` has it.
LINE = (Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER)


@access("role", roles=BOOKERS)
@require_GET
def waits(request: Request) -> HttpResponse:
    """The lines of a resident, or of all whom the centre put in line; what is offered stands first."""
    resident = _for_whom(request, _asked(request))
    if resident is None and request.seat.role == Role.RESIDENT:
        raise RuleBroken(_("您的账号还没有绑定居民档案。"), next_step=_("请带身份证到社区卫生服务中心办理。"))
    found, further = queries.waits_of(request.seat, timezone.now(), resident.pk if resident else None)
    return render(request, "scheduling/waits.html", {"waits": found, "further": further, "resident": resident})


@access("role", roles=BOOKERS)
@require_POST
@idempotent
def join(request: Request, session_id: int) -> HttpResponse:
    """Puts a resident in line for this session, or for its specialty at its house."""
    resident, form = _named(request), JoinForm(request.POST)
    is_for_all = form.is_valid() and form.cleaned_data["scope"] == "all"
    actions.join_line(
        session_id=session_id, resident_id=resident.pk, is_for_all=is_for_all,
        channel=permissions.channel_of(request.seat), as_partner_centre_id=permissions.partner_centre(request.seat),
        by=request.actor, at=timezone.now(),
    )  # fmt: skip
    messages.success(request, _("已排进候补，有人退号就通知。"))
    return redirect(_waits_of(request, resident.pk, resident.user_id))


@access("role", roles=LINE)
@require_POST
@idempotent
def step(request: Request, waiting_id: int) -> HttpResponse:
    """What is offered is taken or passed on, or the line is left."""
    shown, form, now = queries.get_wait(request.seat, waiting_id), LineForm(request.POST), timezone.now()
    if not form.is_valid():
        raise RuleBroken(_("没有这一步。"), next_step=_("请回到候补页重新选择。"))
    taken = form.cleaned_data["step"]
    if taken == "accept":
        booked = actions.accept_offer(waiting_id=shown.pk, attempt=attempt_of(request), by=request.actor, at=now)
        messages.success(request, _("已预约，到时见。"))
        return redirect("slots-booking", booked.pk)
    act = actions.pass_offer if taken == "pass" else actions.leave_line
    act(waiting_id=shown.pk, by=request.actor, at=now)
    told = _("这个号已让给下一位，您还在候补。") if taken == "pass" else _("已不再候补。")
    messages.success(request, told)
    return redirect(_waits_of(request, shown.resident_id, shown.resident.user_id))


def _waits_of(request: Request, resident_id: int, user_id: int | None) -> str:
    return reverse("slots-waits") + ("" if user_id == request.seat.user_id else f"?resident={resident_id}")
