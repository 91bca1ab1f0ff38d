"""The pages of the roster: the board of a week, postings, attendance, own half-days."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.jobs import begin_job
from kangqiao.base.pages import came_from, undo_tag
from kangqiao.base.sheets import sheet
from kangqiao.domain.roster import actions, forms, queries
from kangqiao.domain.roster.permissions import BOARD_ROLES, HOSPITAL_ROLES
from kangqiao.domain.roster.rules import kinds_of_work
from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.period import week, working_week

PLANNERS = ("dispatcher",)
ATTENDANCE_ROLES = ("centre_manager", "guidance_office", "hospital_director", "bureau_officer", "expert")


def _board_url(day: object, cell: str = "") -> str:
    wanted = {"week": str(day), "cell": cell} if cell else {"week": str(day)}
    return f"{reverse('roster-board')}?{urlencode(wanted)}"


def _checked(form: Any) -> dict[str, Any]:
    """The cleaned values of a small form whose page offers only valid ones; else a sentence for the person."""
    if not form.is_valid():
        raise RuleBroken(" ".join(error for errors in form.errors.values() for error in errors))
    cleaned: dict[str, Any] = form.cleaned_data
    return cleaned


@require_safe
@access("role", roles=BOARD_ROLES)
def board(request: HttpRequest) -> HttpResponse:
    """The week of the seat's place: who sits where, what is owed, what is unmet and why."""
    seat = request.seat  # type: ignore[attr-defined]
    today = working_week(timezone.localdate()).start
    day, cell, mode = forms.Week(request.GET).asked(today)
    place = queries.board_place(seat)
    context = {
        "board": queries.board(seat, place, day, cell, mode),
        "run": queries.planning_run(place.pk, week(day).start),
        "this_week": today,
        "address": reverse("roster-board"),
    }
    response = render(request, "roster/board.html", context)
    if request.headers.get("HX-Boosted"):
        # After a refused step the address stays as it was; after a good one it is this page's.
        response.headers["HX-Push-Url"] = request.get_full_path()
    return response


@require_safe
@access("role", roles=BOARD_ROLES, step_up=True)
def export(request: HttpRequest) -> HttpResponse:
    """The week as a workbook, row by row as on the board."""
    seat = request.seat  # type: ignore[attr-defined]
    day, _cell, _mode = forms.Week(request.GET).asked(working_week(timezone.localdate()).start)
    found = queries.board(seat, queries.board_place(seat), day)
    heads, rows = queries.as_table(found)
    title = _("专家排班 第 %(number)s 周") % {"number": found.number}
    return sheet(title, heads, rows, file_name=f"roster-{found.span.start:%Y%m%d}.xlsx")


@require_POST
@access("role", roles=PLANNERS)
@idempotent
def plan(request: HttpRequest) -> HttpResponse:
    """Begins a planning run in the background; the board shows when it is done."""
    seat = request.seat  # type: ignore[attr-defined]
    asked = _checked(forms.Plan(request.POST))
    place = queries.board_place(seat)
    actions.check_run(place_id=place.pk, **asked, by=seat.actor, at=timezone.now())
    lock = f"roster.plan:{place.pk}"
    url, first = _board_url(asked["starts_on"]), str(asked["starts_on"])
    label = _("排班 %(place)s %(first)s 起 %(weeks)s 周") % {"place": place.zh, "first": first, "weeks": asked["weeks"]}
    bar = begin_job(kind="roster.plan", label=label, url=url, by=seat.actor, at=timezone.now())
    try:
        jobs.configure_task("roster.plan", lock=lock, queueing_lock=lock).defer(
            place_id=place.pk, starts_on=first, weeks=asked["weeks"], by=asdict(seat.actor), job_id=bar.pk
        )
    except AlreadyEnqueued:  # a run that waits already will read the same rows
        bar.delete()
    return redirect(url)


@require_POST
@access("role", roles=PLANNERS)
@idempotent
def publish(request: HttpRequest, roster_id: int) -> HttpResponse:
    """Publishes the roster; confirmed half-days become bookable."""
    roster = actions.publish_roster(roster_id=roster_id, by=request.actor, at=timezone.now())  # type: ignore[attr-defined]
    messages.success(
        request,
        _("排班已发布，%(count)s 个半天可以预约。") % {"count": queries.opened_in(roster.pk)},
    )
    return redirect(_board_url(request.POST.get("week") or roster.starts_on))


@require_POST
@access("role", roles=PLANNERS)
@idempotent
def add(request: HttpRequest) -> HttpResponse:
    """Puts an expert into a free cell."""
    asked = _checked(forms.Place(request.POST))
    target = asked["target"]
    row = actions.add_half_day(
        posting_id=asked["posting"] or 0, **target,
        by=request.actor, at=timezone.now(),  # type: ignore[attr-defined]
    )  # fmt: skip
    messages.success(request, _("%(who)s排到了%(where)s。") % queries.where_of(row))
    return redirect(_board_url(row.day, queries.cell_of(row)))


@require_POST
@access("role", roles=PLANNERS)
@idempotent
def move(request: HttpRequest, half_day_id: int) -> HttpResponse:
    """Moves a half-day to another cell, or gives it to another expert."""
    asked = _checked(forms.Place(request.POST if "target" in request.POST else request.GET))
    seen = queries.get_half_day(request.seat, half_day_id)  # type: ignore[attr-defined]
    was: dict[str, str | int] = {"target": queries.cell_of(seen), "practitioner": seen.practitioner_id}
    row = actions.move_half_day(
        half_day_id=half_day_id, **asked["target"], practitioner_id=asked["practitioner"],
        by=request.actor, at=timezone.now(),  # type: ignore[attr-defined]
    )  # fmt: skip
    # A half-day that was public is not moved but called off and planned anew: people were told, nothing is taken back.
    undo = undo_tag("roster-move", row.pk, **was) if row.pk == half_day_id else ""
    messages.success(request, _("%(who)s排到了%(where)s。") % queries.where_of(row), extra_tags=undo)
    return redirect(_board_url(row.day, queries.cell_of(row)))


STEPS = {"confirm": actions.confirm_half_day}
REASONED_STEPS = {"cancel": actions.cancel_half_day, "miss": actions.miss_half_day}
PLAIN_STEPS = {**STEPS, "complete": actions.complete_half_day, "undo": actions.undo_attendance}


@require_POST
@access("role", roles=(*BOARD_ROLES, "expert"))
@idempotent
def step(request: HttpRequest, half_day_id: int) -> HttpResponse:
    """Confirms, cancels, completes or writes off a half-day."""
    asked = _checked(forms.Reason(request.POST))
    seat, at = request.seat, timezone.now()  # type: ignore[attr-defined]
    seen = queries.get_half_day(seat, half_day_id)
    if asked["step"] in REASONED_STEPS:
        row = REASONED_STEPS[asked["step"]](half_day_id=seen.pk, reason=asked["reason"], by=seat.actor, at=at)
    elif asked["step"] in PLAIN_STEPS:
        row = PLAIN_STEPS[asked["step"]](half_day_id=seen.pk, by=seat.actor, at=at)
    else:
        raise RuleBroken(_("没有这一步。"))
    undo = undo_tag("roster-step", row.pk, back=came_from(request)) if asked["step"] == "complete" else ""
    messages.success(request, queries.outcome(row), extra_tags=undo)
    return redirect(came_from(request) or _board_url(row.day, queries.cell_of(row)))


@require_safe
@access("role", roles=(*HOSPITAL_ROLES, "dispatcher", "bureau_officer", "centre_manager"))
@exports
def postings(request: HttpRequest) -> HttpResponse:
    """Who is posted where: the running postings and the archive."""
    return _postings(request, None)


def _postings(request: HttpRequest, form: forms.Nomination | None) -> HttpResponse:
    seat = request.seat  # type: ignore[attr-defined]
    may_nominate = seat.role in HOSPITAL_ROLES
    if form is None and may_nominate:
        form = forms.Nomination(seat=seat, on=timezone.localdate())
    context = {
        "running": queries.postings_of(seat, is_open=True),
        "archive": queries.postings_of(seat, is_open=False),
        "form": form,
        "rule": queries.title_rule(seat, timezone.localdate()),
    }
    return render(request, "roster/postings.html", context, status=422 if form and form.errors else 200)


@require_POST
@access("role", roles=HOSPITAL_ROLES)
@idempotent
def nominate(request: HttpRequest) -> HttpResponse:
    """Names an expert for a centre; a refusal of the title rule stands beside the name."""
    seat = request.seat  # type: ignore[attr-defined]
    form = forms.Nomination(request.POST, seat=seat, on=timezone.localdate())
    if form.is_valid():
        asked = form.cleaned_data
        try:
            row = actions.nominate_expert(
                practitioner_id=asked["practitioner"], centre_id=asked["centre"], starts_on=asked["starts_on"],
                ends_on=asked["ends_on"], by=seat.actor, at=timezone.now(),
            )  # fmt: skip
        except RuleBroken as refusal:
            form.add_error("practitioner", str(refusal))
        else:
            messages.success(request, _("已提名%(who)s，等待批准。") % {"who": row.practitioner.name})
            return redirect("roster-postings")
    return _postings(request, form)


POSTING_STEPS = {"approve": actions.approve_posting, "post": actions.post_expert, "undo": actions.undo_approval}


@require_POST
@access("role", roles=HOSPITAL_ROLES)
@idempotent
def posting_step(request: HttpRequest, posting_id: int) -> HttpResponse:
    """Approves, refuses, sends or ends a posting."""
    asked = _checked(forms.Reason(request.POST))
    by, at = request.actor, timezone.now()  # type: ignore[attr-defined]
    if asked["step"] == "end":
        row = actions.end_posting(posting_id=posting_id, reason=asked["reason"], ends_on=asked["ends_on"], by=by, at=at)
    elif asked["step"] == "refuse":
        row = actions.refuse_posting(posting_id=posting_id, reason=asked["reason"], by=by, at=at)
    elif asked["step"] in POSTING_STEPS:
        row = POSTING_STEPS[asked["step"]](posting_id=posting_id, by=by, at=at)
    else:
        raise RuleBroken(_("没有这一步。"))
    undo = undo_tag("roster-posting-step", row.pk, back=came_from(request)) if asked["step"] == "approve" else ""
    messages.success(request, queries.posting_outcome(row), extra_tags=undo)
    return redirect(came_from(request) or "roster-postings")


@require_safe
@access("role", roles=ATTENDANCE_ROLES)
@exports
def attendance(request: HttpRequest) -> HttpResponse:
    """The half-days of a week at the seat's centre: confirm, attest, write down the work."""
    return _sittings(request, "roster/attendance.html")


@require_safe
@access("role", roles=("expert",))
def mine(request: HttpRequest) -> HttpResponse:
    """An expert's own half-days of a week."""
    return _sittings(request, "roster/mine.html")


def _sittings(request: HttpRequest, template: str) -> HttpResponse:
    seat, now = request.seat, timezone.now()  # type: ignore[attr-defined]
    span = week(forms.Span(request.GET).monday(working_week(timezone.localdate()).start))
    context = {
        "sittings": queries.sittings(seat, span, now),
        "span": queries.Around(span),
        "work": queries.work_done(seat, seat.organization_id, queries.month_of(span.start)),
        "form": forms.Work(),
        "here": request.get_full_path(),
    }
    return render(request, template, context)


@require_POST
@access("role", roles=("centre_manager", "expert"))
@idempotent
def record(request: HttpRequest, half_day_id: int) -> HttpResponse:
    """Writes down what the expert did in a half-day."""
    seat = request.seat  # type: ignore[attr-defined]
    seen = queries.get_half_day(seat, half_day_id)
    asked = _checked(forms.Work(request.POST))
    row = actions.record_activity(half_day_id=seen.pk, **asked, by=seat.actor, at=timezone.now())
    messages.success(
        request, _("已登记：%(kind)s，%(people)s 人。") % {"kind": kinds_of_work()[row.kind], "people": row.people}
    )
    return redirect(came_from(request) or "roster-attendance")
