"""The inbox, and for the system administrator what went out of the product."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import PART, WHOLE, came_from, undo_tag, wants_part
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.messaging import actions, queries
from kangqiao.domain.messaging.states import DELIVERY

PER_PAGE = 30


@require_safe
@access("signed_in")
def inbox(request: HttpRequest) -> HttpResponse:
    """The seat's notices, unread first."""
    seat = request.seat  # type: ignore[attr-defined]
    page = Paginator(queries.inbox(seat), PER_PAGE).get_page(request.GET.get("page"))
    layout = PART if wants_part(request) else WHOLE
    context = {
        "page_obj": page,
        "unread": queries.unread_count(seat),
        "frame_template": layout.resident if seat.role == Role.RESIDENT else layout.staff,
    }
    return render(request, "messaging/inbox.html", context)


@require_POST
@access("signed_in")
# twice is once: read is read
def open_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """The notice counts as read, and the page it speaks of opens."""
    seat = request.seat  # type: ignore[attr-defined]
    notice = actions.mark_read(notice_id=notice_id, seat=seat, by=seat.actor, at=timezone.now())
    is_ours = notice.url.startswith("/") and not notice.url.startswith("//")
    return HttpResponseRedirect(notice.url if is_ours else resolve_url("messaging-inbox"))


@require_POST
@access("signed_in")
# twice is once: read is read
def read_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """The notice counts as read where it stands in a list; for some seconds that can be taken back."""
    seat, back = request.seat, came_from(request)  # type: ignore[attr-defined]
    notice = actions.mark_read(notice_id=notice_id, seat=seat, by=seat.actor, at=timezone.now())
    messages.success(
        request,
        _("已读：%(what)s") % {"what": notice.subject},
        extra_tags=undo_tag("messaging-unread", notice_id, back=back),
    )
    return HttpResponseRedirect(back or resolve_url("messaging-inbox"))


@require_POST
@access("signed_in")
# twice is once: unread is unread
def unread_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Reading is taken back: the notice waits again for whoever sits there."""
    seat = request.seat  # type: ignore[attr-defined]
    actions.mark_unread(notice_id=notice_id, seat=seat, by=seat.actor, at=timezone.now())
    return HttpResponseRedirect(came_from(request) or resolve_url("messaging-inbox"))


@require_POST
@access("signed_in")
# twice is once: read is read
def read_all(request: HttpRequest) -> HttpResponse:
    """Every notice of the seat counts as read."""
    seat = request.seat  # type: ignore[attr-defined]
    actions.mark_all_read(seat=seat, by=seat.actor, at=timezone.now())
    return HttpResponseRedirect(resolve_url("messaging-inbox"))


@require_safe
@access("role", roles=(Role.SYSTEM_ADMIN.value,))
@exports
def deliveries(request: SeatedRequest) -> HttpResponse:
    """What went out and what did not, with why; neither words nor numbers nor names."""
    asked, channel = request.GET.get("state", ""), request.GET.get("channel", "")
    rows = queries.deliveries(request.actor)
    shown = queries.narrowed(rows, channel=channel, status=asked)
    context = {
        "page_obj": page_of(request, shown, PER_PAGE),
        "asked": asked,
        "channel": channel,
        "tallies": queries.tallies(rows),
        "again": DELIVERY.step("again"),
    }
    return render(request, "messaging/deliveries.html", context)


@require_POST
@access("role", roles=(Role.SYSTEM_ADMIN.value,))
@idempotent
def again(request: SeatedRequest, delivery_id: int) -> HttpResponse:
    """What did not arrive is queued anew."""
    row = actions.send_again(delivery_id=delivery_id, by=request.actor, at=timezone.now())
    when = date_format(timezone.localtime(row.due_at), "m-d H:i")
    messages.success(request, _("第 %(number)s 号已重新排队，%(when)s 起发送。") % {"number": row.pk, "when": when})
    return HttpResponseRedirect(came_from(request) or resolve_url("messaging-deliveries"))
