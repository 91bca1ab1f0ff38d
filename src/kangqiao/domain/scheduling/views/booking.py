"""Pages of scheduling: finding and booking for residents (phone first), the day of a place for its desk."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kangqiao import policy
from kangqiao.base.access import access
from kangqiao.base.actor import Actor
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import attempt_of, idempotent
from kangqiao.base.pages import came_from, undo_tag
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.forms import (
    BookForm,
    CancelForm,
    DayForm,
    MoveForm,
    ScanForm,
    SearchForm,
    StepForm,
    VisitForm,
)
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.parameters import SlotParameters, first_visit_cut
from kangqiao.kernel.errors import RuleBroken, Taken
from kangqiao.policy import Value

BOOKERS = (Role.RESIDENT, *permissions.DESK)


class Request(HttpRequest):
    """A request past the seat middleware."""

    seat: Seat
    actor: Actor


STEPS = {
    "check_in": actions.check_in,
    "miss": actions.miss_booking,
    "cancel": actions.cancel_booking,
    "undo": actions.undo_arrival,
}
# What the desk is told after a step; `undo` takes back a check-in, or an absence, pressed by mistake.
UNDOABLE = ("check_in", "miss")
TOLD = {
    "check_in": gettext_lazy("%(name)s已签到。"),
    "miss": gettext_lazy("%(name)s已记为未到。"),
    "cancel": gettext_lazy("%(name)s的预约已取消。"),
    "undo": gettext_lazy("%(name)s的签到已撤销。"),
}


@access("role", roles=BOOKERS)
@require_GET
def find(request: Request) -> HttpResponse:
    """Who can be booked where, by specialty or name."""
    form, now = SearchForm(request.GET), timezone.now()
    wanted = form.cleaned_data if form.is_valid() else {}
    resident = _for_whom(request, wanted.get("resident"))
    offers = queries.offers(
        request.seat,
        home_id=resident.centre_id if resident else request.seat.organization_id,
        now=now,
        specialty=wanted.get("specialty", ""),
        text=wanted.get("q", ""),
        resident_id=resident.pk if resident else None,
    )
    page = {
        "offers": offers,
        "specialties": queries.specialties_offered(request.seat, now),
        "chosen": wanted,
        "resident": resident,
        "kinds": Session.Kind,
        "first_visit": _first_visit(resident),
    }
    return render(request, "scheduling/find.html", page)


def _first_visit(resident: Resident | None) -> Value | None:
    """What it costs a resident to go to a hospital past their centre, where that is ruled."""
    if resident is None:
        return None
    return first_visit_cut(policy.at(resident.centre.place.code, timezone.localdate()))


@access("role", roles=(Role.RESIDENT,))
@require_GET
def mine(request: Request) -> HttpResponse:
    """The resident's next appointment and the ones before."""
    resident = _for_whom(request, _asked(request))
    if resident is None:
        raise RuleBroken(_("您的账号还没有绑定居民档案。"), next_step=_("请带身份证到社区卫生服务中心办理。"))
    ahead, past = queries.own_bookings(request.seat, resident.pk, timezone.now())
    waits, _further = queries.waits_of(request.seat, timezone.now(), resident.pk)
    page = {
        "next": ahead[0] if ahead else None,
        "later": ahead[1:],
        "past": past,
        "resident": resident,
        "waits": waits,
        "displaced": queries.own_displaced(request.seat, resident.pk),
        "has_missed": any(own.state.key == "no_show" for own in past),
    }
    return render(request, "scheduling/mine.html", page)


@access("role", roles=BOOKERS)
@require_GET
def expert(request: Request, practitioner_id: int) -> HttpResponse:
    """A doctor's profile and coming sessions."""
    doctor = queries.get_practitioner(practitioner_id)
    sessions = queries.next_sessions_of(practitioner_id, timezone.now())
    resident = _for_whom(request, _asked(request))
    return render(request, "scheduling/expert.html", {"doctor": doctor, "sessions": sessions, "resident": resident})


@access("role", roles=BOOKERS)
@require_GET
def session(request: Request, session_id: int) -> HttpResponse:
    """The times of one session, with the strip of the doctor's other days there."""
    shown, now = queries.get_session(session_id), timezone.now()
    resident = _for_whom(request, _asked(request))
    resident_id = resident.pk if resident else None
    standing = queries.standing_of(request.seat, now, resident_id)
    cells = queries.slots_of(shown, now, standing, resident_id=resident_id)
    page = {
        "session": shown,
        "resident": resident,
        "cells": cells,
        "free": sum(cell.left for cell in cells),
        "days": queries.sessions_beside(shown, now, standing),
        "is_posted": _is_posted(shown),
        "line": queries.line_for(resident_id, shown, now),
        "has_reserved": any(cell.refusal == "not_released" for cell in cells),
    }
    return render(request, "scheduling/session.html", page)


@access("role", roles=BOOKERS)
@require_GET
def confirm(request: Request, slot_id: int) -> HttpResponse:
    """One time, for whom, where, and the button that takes it."""
    slot, resident = queries.get_slot(slot_id), _for_whom(request, _asked(request))
    page = {
        "slot": slot,
        "resident": resident,
        "hold": queries.hold_of(resident.pk if resident else None, slot_id, timezone.now()),
        "parameters": _parameters(slot.session),
        "is_posted": _is_posted(slot.session),
    }
    return render(request, "scheduling/confirm.html", page)


@access("role", roles=BOOKERS)
@require_POST
@idempotent
def hold(request: Request, slot_id: int) -> HttpResponse:
    """Keeps the place while the person reads on, or shows what is still free to whom was slower."""
    resident = _named(request)
    try:
        actions.hold_slot(
            slot_id=slot_id,
            resident_id=resident.pk,
            channel=permissions.channel_of(request.seat),
            as_partner_centre_id=permissions.partner_centre(request.seat),
            by=request.actor,
            at=timezone.now(),
        )
    except Taken as taken:
        return _taken(request, slot_id, resident, taken)
    return redirect(_about(request, "slots-confirm", slot_id, resident))


@access("role", roles=BOOKERS)
@require_POST
@idempotent
def release(request: Request, slot_id: int) -> HttpResponse:
    """Back to the times of the session; the place that was kept is free again."""
    resident, slot = _named(request), queries.get_slot(slot_id)
    actions.release_slot(
        slot_id=slot_id, resident_id=resident.pk, channel=permissions.channel_of(request.seat),
        by=request.actor, at=timezone.now(),
    )  # fmt: skip
    return redirect(_about(request, "slots-session", slot.session_id, resident))


@access("role", roles=BOOKERS)
@require_POST
@idempotent
def book(request: Request, slot_id: int) -> HttpResponse:
    """Takes the place, or shows what is still free to whom was slower."""
    resident, now = _named(request), timezone.now()
    try:
        booked = actions.book(
            slot_id=slot_id,
            resident_id=resident.pk,
            channel=permissions.channel_of(request.seat),
            attempt=attempt_of(request),
            as_partner_centre_id=permissions.partner_centre(request.seat),
            by=request.actor,
            at=now,
        )
    except Taken as taken:
        return _taken(request, slot_id, resident, taken)
    messages.success(request, _("已预约，到时见。"), extra_tags=undo_tag("slots-cancel", booked.pk))
    return redirect("slots-booking", booked.pk)


@access("role", roles=(*BOOKERS, Role.EXPERT))
@require_GET
def booking(request: Request, booking_id: int) -> HttpResponse:
    """One booking: when, where, what to bring, how to give it back."""
    shown, now = queries.get_booking(request.seat, booking_id), timezone.now()
    steps = queries.available_steps(request.actor, shown, now)
    page = {
        "booking": shown,
        "number": queries.queue_numbers([shown.session_id]).get(shown.pk),
        "state": queries.state_of(shown),
        "steps": {one.action for one in steps},
        "parameters": _parameters(shown.session),
        "history": queries.history_of(shown),
        "is_posted": _is_posted(shown.session),
    }
    return render(request, "scheduling/booking.html", page)


@access("role", roles=BOOKERS)
@require_http_methods(["GET", "POST"])
@idempotent
def cancel(request: Request, booking_id: int) -> HttpResponse:
    """Asks once more, then gives the place back."""
    shown = queries.get_booking(request.seat, booking_id)
    form = CancelForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        page = {
            "booking": shown,
            "form": form,
            "parameters": _parameters(shown.session),
            "is_posted": _is_posted(shown.session),
        }
        return render(request, "scheduling/cancel.html", page, status=200 if request.method == "GET" else 422)
    actions.cancel_booking(booking_id=shown.pk, reason=form.cleaned_data["reason"], by=request.actor, at=timezone.now())
    messages.success(request, _("已取消，这个号已让给别人。想换时间，可以马上再约。"))
    return redirect("slots-session", shown.session_id)


@access("role", roles=BOOKERS)
@require_http_methods(["GET", "POST"])
@idempotent
def move(request: Request, booking_id: int) -> HttpResponse:
    """The nearest other times; one tap takes the new one and gives the old one back."""
    shown, form = queries.get_booking(request.seat, booking_id), MoveForm(request.POST or None)
    error: RuleBroken | Taken | None = None
    if request.method == "POST" and form.is_valid():
        try:
            booked = actions.move_booking(
                booking_id=shown.pk, slot_id=form.cleaned_data["slot"], attempt=attempt_of(request),
                as_partner_centre_id=permissions.partner_centre(request.seat), by=request.actor, at=timezone.now(),
            )  # fmt: skip
        except Taken as taken:
            error = taken
        else:
            messages.success(request, _("已改好时间，原来的号已还回去。"))
            return redirect("slots-booking", booked.pk)
    page = {"booking": shown, "days": queries.other_times(request.seat, shown, timezone.now()), "error": error}
    return render(request, "scheduling/move.html", page, status=200 if request.method == "GET" else 409)


@access("role", roles=(*permissions.DESK, Role.EXPERT))
@require_GET
@exports
def day(request: Request) -> HttpResponse:
    """The sessions of a day at this place, who is booked, who has come, who has not."""
    form = DayForm(request.GET)
    shown = (form.cleaned_data["day"] if form.is_valid() else None) or timezone.localdate()
    return render(request, "scheduling/day.html", _day_page(request, shown, ScanForm(is_awaited="scan" in request.GET)))


def _day_page(request: Request, shown: date, scan: ScanForm) -> dict[str, Any]:
    """What stands on the page of a day, with the field for the codes on phones."""
    starts = timezone.make_aware(datetime.combine(shown, time()))
    sessions = queries.day_sessions(request.seat, starts, starts + timedelta(days=1))
    sheet = queries.day_sheet(request.actor, sessions, timezone.now())
    return {
        "day": shown,
        "before": shown - timedelta(days=1),
        "after": shown + timedelta(days=1),
        "today": timezone.localdate(),
        "sheet": sheet,
        "tiles": [(_("号源"), sheet.places), *((called(state), sheet.counts[state.key]) for state in sheet.states)],
        "scan": scan,
        "may_add": queries.right_of(request.seat, request.seat.organization_id, timezone.localdate()) is not None,
    }


@access("role", roles=(*permissions.DESK, Role.EXPERT))
@require_POST
@idempotent
def step(request: Request, booking_id: int) -> HttpResponse:
    """The desk checks somebody in, or writes them down as missing."""
    shown = queries.get_booking(request.seat, booking_id)
    form = StepForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("没有这一步。"), next_step=_("请回到日视图重新选择。"))
    taken = form.cleaned_data["step"]
    STEPS[taken](booking_id=shown.pk, by=request.actor, at=timezone.now())
    undo = undo_tag("slots-step", shown.pk, back=came_from(request)) if taken in UNDOABLE else ""
    messages.success(request, TOLD[taken] % {"name": shown.resident.name}, extra_tags=undo)
    return redirect(came_from(request) or _day_of(shown.session))


@access("role", roles=(*permissions.DESK, Role.EXPERT))
@require_http_methods(["GET", "POST"])
@idempotent
def visit(request: Request, booking_id: int) -> HttpResponse:
    """The visit is written into the record and the booking is fulfilled."""
    shown = queries.get_booking(request.seat, booking_id)
    form = VisitForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        return render(request, "scheduling/visit.html", {"booking": shown, "form": form}, status=status)
    actions.fulfil_booking(booking_id=shown.pk, **form.cleaned_data, by=request.actor, at=timezone.now())
    messages.success(request, _("%(name)s的就诊已记入健康档案。") % {"name": shown.resident.name})
    return redirect(_day_of(shown.session))


def _for_whom(request: Request, resident_id: int | None) -> Resident | None:
    """The resident at the screen or whom they act for, or the one a doctor named."""
    if request.seat.role == Role.RESIDENT and not resident_id:
        return residents.resident_of(request.seat.user_id)
    return residents.get_resident(request.seat, resident_id) if resident_id else None


def _named(request: Request) -> Resident:
    """For whom the form takes a place. Raises RuleBroken when it names nobody."""
    form = BookForm(request.POST)
    resident = _for_whom(request, form.cleaned_data["resident"]) if form.is_valid() else None
    if resident is None:
        raise RuleBroken(_("还没有选给谁预约。"), next_step=_("请先选定居民，再选时间。"))
    return resident


def _about(request: Request, name: str, pk: int, resident: Resident) -> str:
    """A page of booking that goes on for the same resident."""
    own = resident.user_id == request.seat.user_id
    return reverse(name, args=(pk,)) + ("" if own else f"?resident={resident.pk}")


def _asked(request: Request) -> int | None:
    form = SearchForm(request.GET)
    return form.cleaned_data["resident"] if form.is_valid() else None


def _taken(request: Request, slot_id: int, resident: Resident, taken: Taken) -> HttpResponse:
    slot = queries.get_slot(slot_id)
    now = timezone.now()
    nearest = queries.nearest_free(slot, now, standing=queries.standing_of(request.seat, now, resident.pk))
    page: dict[str, Any] = {"slot": slot, "resident": resident, "error": taken, "nearest": nearest}
    return render(request, "scheduling/taken.html", page, status=409)


def _parameters(shown: Session) -> SlotParameters:
    return SlotParameters.read(policy.at(shown.organization.place.code, timezone.localtime(shown.starts_at).date()))


def _is_posted(shown: Session) -> bool:
    return shown.kind == Session.Kind.POSTED_EXPERT


def _day_of(shown: Session) -> str:
    return f"{reverse('slots-day')}?day={timezone.localtime(shown.starts_at):%Y-%m-%d}"
