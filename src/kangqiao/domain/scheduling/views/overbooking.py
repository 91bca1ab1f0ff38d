"""Who may add patients beyond the places, and the page on which one is added."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import attempt_of, idempotent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.forms import BeyondForm, PickForm, RightForm
from kangqiao.domain.scheduling.views.booking import Request, _day_of
from kangqiao.domain.scheduling.views.pools import READERS
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

LEADERS = (Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR)
MOST_FOUND = 20


@access("role", roles=READERS)
@require_safe
def own(request: Request) -> HttpResponse:
    """One's own hospital, or the list of those of the region."""
    houses = queries.pool_houses(request.actor)
    if len(houses) == 1:
        return redirect("slots-rights-of", houses[0].pk)
    return render(request, "scheduling/right_houses.html", {"houses": houses})


@access("role", roles=READERS)
@require_http_methods(["GET", "HEAD", "POST"])
@exports
@idempotent
def rights(request: Request, hospital_id: int) -> HttpResponse:
    """Who may add patients, from when until when and why; the hospital names one more."""
    house, today = queries.get_pool_house(request.actor, hospital_id), timezone.localdate()
    people = [(one.pk, one.name) for one in queries.people_to_name(house, today)]
    form = RightForm(request.POST or None, initial={"since": today}, people=people)
    if form.is_valid():
        try:
            actions.name_right(organization_id=house.pk, **form.signed(), by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已定下，从那天起可以在日视图里加号。"))
            return redirect("slots-rights-of", house.pk)
    page = {"house": house, "rights": queries.rights_of(house, today), "form": form, "today": today}
    page["may_name"] = bool(permissions.can_name_right(request.actor, house))
    return render(request, "scheduling/rights.html", page, status=422 if form.errors else 200)


@access("role", roles=LEADERS)
@require_POST
@idempotent
def end(request: Request, right_id: int) -> HttpResponse:
    """Nobody is added by this right any more."""
    ended = actions.end_right(right_id=right_id, by=request.actor, at=timezone.now())
    messages.success(request, _("已结束；加过的号照旧。"))
    return redirect("slots-rights-of", ended.organization_id)


@access("role", roles=permissions.ADDING)
@require_http_methods(["GET", "HEAD", "POST"])
@idempotent
def beyond(request: Request, session_id: int) -> HttpResponse:
    """Finds somebody, asks why, adds them after everybody else of the session."""
    shown = queries.beyond_of(request.seat, session_id, timezone.now())
    picked = PickForm(request.GET if request.method != "POST" else request.POST)
    text, asked = picked.wanted()
    resident = residents.get_resident(request.seat, asked) if asked else None
    form = BeyondForm(request.POST or None)
    if form.is_valid():
        try:
            actions.overbook(
                session_id=session_id, resident_id=form.cleaned_data["resident"], reason=form.cleaned_data["reason"],
                attempt=attempt_of(request), by=request.actor, at=timezone.now(),
            )  # fmt: skip
        except (RuleBroken, Taken, Denied) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已加号，排在这一场所有人之后。"))
            return redirect(_day_of(shown.session))
    found = residents.search_residents(request.seat, text, MOST_FOUND) if text and not resident else []
    page = {"shown": shown, "form": form, "resident": resident, "picked": picked, "found": found}
    page |= {"back": _day_of(shown.session)}
    return render(request, "scheduling/beyond.html", page, status=422 if form.errors else 200)
