"""Withdrawal and substitution: whom it concerns before it is done, and who still waits for another place after."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from kangqiao.base.access import access
from kangqiao.base.actor import Actor
from kangqiao.base.idempotency import attempt_of, idempotent
from kangqiao.base.pages import came_from, undo_tag
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.roster.queries import described
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.models import Session
from kangqiao.edges.withdrawing.forms import AnswerForm, SubstituteForm, WithdrawForm
from kangqiao.kernel.errors import AlreadyMoved, Taken
from kangqiao.pathways import withdraw_sitting


class Request(HttpRequest):
    """A request past the seat middleware."""

    seat: Seat
    actor: Actor


@access("role", roles=permissions.PLANNERS)
@require_http_methods(["GET", "POST"])
@idempotent
def withdraw(request: Request, session_id: int) -> HttpResponse:
    """Lists whom it concerns, asks why, calls the session off; then the same page says what became of each."""
    shown, now = queries.get_own_session(request.actor, session_id), timezone.now()
    if request.POST.get("step") == "undo":
        withdraw_sitting.undo(session_id=session_id, by=request.actor, at=now)
        messages.success(request, _("停诊已撤销，大家的号照旧，并已通知。"))
        return redirect("slots-withdraw", session_id)
    if request.method == "GET" and queries.is_called_off(shown):
        page = {"session": shown, "owed": queries.owed_of_session(request.seat, shown, now)}
        return render(request, "withdrawing/withdrawn.html", page | {"day": _day_of(request, shown)})
    form = WithdrawForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        page = {"session": shown, "form": form, "concern": queries.concern_of(request.seat, shown, now)}
        page |= {"has_begun": shown.starts_at <= now, "day": _day_of(request, shown)}
        return render(request, "withdrawing/withdraw.html", page, status=200 if request.method == "GET" else 422)
    withdraw_sitting.withdraw(session_id=session_id, **form.cleaned_data, by=request.actor, at=now)
    messages.success(request, _("已停诊，有号的人都已通知。"), extra_tags=undo_tag("slots-withdraw", session_id))
    # Not shown here: the answer to a form is kept for its repeats, and may not keep names.
    return redirect("slots-withdraw", session_id)


@access("role", roles=permissions.PLANNERS)
@require_http_methods(["GET", "POST"])
@idempotent
def substitute(request: Request, session_id: int) -> HttpResponse:
    """Who could take the session over; one of them does, and everybody keeps the place."""
    shown = queries.get_own_session(request.actor, session_id)
    doctors = [(one.pk, described(one)) for one in queries.free_substitutes(shown)]
    form = SubstituteForm(request.POST or None, doctors=doctors)
    if request.method != "POST" or not form.is_valid():
        page = {"session": shown, "form": form, "doctors": doctors, "day": _day_of(request, shown)}
        return render(request, "withdrawing/substitute.html", page, status=200 if request.method == "GET" else 422)
    withdraw_sitting.substitute(
        session_id=session_id, practitioner_id=form.cleaned_data["practitioner"], reason=form.cleaned_data["reason"],
        by=request.actor, at=timezone.now(),
    )  # fmt: skip
    messages.success(request, _("已换医生，号和时间不变，约了的人都已通知。"))
    return redirect(_day_of(request, shown))


@access("role", roles=permissions.ANSWERING)
@require_GET
def displaced(request: Request) -> HttpResponse:
    """Everybody whom this house owes another place."""
    owed, further = queries.owed_places(request.seat, timezone.now())
    return render(request, "withdrawing/displaced.html", {"owed": owed, "further": further})


@access("role", roles=(Role.RESIDENT, *permissions.DESK))
@require_http_methods(["GET", "POST"])
@idempotent
def displaced_of(request: Request, displaced_id: int) -> HttpResponse:
    """What was lost and why, with equal places: one tap takes one of them, or lets it be."""
    now, error = timezone.now(), None
    one, form = queries.get_owed(request.seat, displaced_id, now), AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {"displaced_id": displaced_id, "by": request.actor, "at": now}
        if form.cleaned_data["step"] == "let_go":
            actions.let_go(reason=form.cleaned_data["reason"], **given)  # type: ignore[arg-type]
            messages.success(request, _("已记下不用另约。"))
            return redirect(_back(request, one))
        try:
            new = actions.place_again(slot_id=form.cleaned_data["slot"], attempt=attempt_of(request), **given)  # type: ignore[arg-type]
        except AlreadyMoved:
            raise  # settled by somebody else: told like every step that came second
        except Taken as taken:
            error, one = taken, queries.get_owed(request.seat, displaced_id, now)
        else:
            messages.success(request, _("已改好时间，到时见。"))
            return redirect(_back(request, one) if request.seat.role != Role.RESIDENT else _booking(new.pk))
    page = {"one": one, "error": error, "form": form}
    status = 409 if error else 200 if request.method == "GET" else 422
    return render(request, "withdrawing/displaced_of.html", page, status=status)


def _booking(pk: int) -> str:
    return reverse("slots-booking", args=(pk,))


def _back(request: Request, one: queries.Owed) -> str:
    """Where whoever answered goes on: their worklist, the house's, or the resident's appointments."""
    if request.seat.role == Role.RESIDENT:
        own = one.row.resident.user_id == request.seat.user_id
        return reverse("slots-mine") + ("" if own else f"?resident={one.row.resident_id}")
    is_house = request.seat.role in permissions.ANSWERING and one.row.organization_id == request.seat.organization_id
    return came_from(request) or reverse("slots-displaced" if is_house else "home")


def _day_of(request: Request, shown: Session) -> str:
    """The day of the session where somebody has that page, else the home page."""
    if request.seat.role not in (*permissions.DESK, Role.EXPERT):
        return reverse("home")
    return f"{reverse('slots-day')}?day={timezone.localtime(shown.starts_at):%Y-%m-%d}"
