"""What a centre offers, questions to the team as both sides see them, and how satisfied people are."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import PART, WHOLE, came_from, number_in, wants_part
from kangqiao.base.transition import told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.portal import actions, forms, queries
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.portal.states import ENQUIRY
from kangqiao.domain.residents import queries as residents
from kangqiao.kernel.errors import RuleBroken, Taken

PAGE = 40
BOTH = (*CENTRE, Role.RESIDENT)


@require_safe
@access("role", roles=CENTRE)
@exports
def desk(request: SeatedRequest) -> HttpResponse:
    """The questions to the teams of the house: urgent ones first, then what is due longest."""
    seat, now = request.seat, timezone.now()
    tab = request.GET.get("tab", "asked")
    tab = tab if tab in queries.TABS else "asked"
    page = page_of(request, queries.listed(seat, tab), PAGE)
    residents.note_read(seat, [one.resident_id for one in page], listed=True)
    lines = [(one, queries.sentence(one, now), queries.waited(one)) for one in page]
    context = {"tabs": queries.tab_counts(seat), "tab": tab, "page_obj": page, "lines": lines}
    return render(request, "portal/desk.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def mine(request: SeatedRequest) -> HttpResponse:
    """A field to ask the team, and what was asked before; for oneself or whom one acts for."""
    wanted = request.GET.get("resident", "")
    asked = number_in(wanted)
    person, form = residents.person_for(request.seat, asked), forms.AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = actions.ask_team(resident_id=person.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已送到团队，回复会通知您。"))
            return redirect("portal-enquiry", row.pk)
    page = _mine(request, person) | {"form": form, "asked": asked}
    return render(request, "portal/mine.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=BOTH)
@idempotent
def enquiry(request: SeatedRequest, enquiry_id: int) -> HttpResponse:
    """One question with all that was written, and a field for the next words of one's own side."""
    one = queries.get_enquiry(request.seat, enquiry_id)
    form = forms.WriteForm(request.POST or None)
    is_resident = request.seat.role == Role.RESIDENT
    if request.method == "POST" and form.is_valid():
        try:
            _write(request, one, **form.cleaned_data)
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
            one = queries.get_enquiry(request.seat, enquiry_id)
        else:
            messages.success(request, _("已送到团队。") if is_resident else _("已回复，也写进了健康档案。"))
            return redirect(came_from(request) or reverse("portal-enquiry", args=(one.pk,)))
    page = _thread(request, one) | {"form": form}
    form.shows(page["messages_"][-1].pk)
    return render(request, "portal/enquiry.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def hand_over(request: SeatedRequest, enquiry_id: int) -> HttpResponse:
    """Another member of the team takes the question."""
    one = queries.get_enquiry(request.seat, enquiry_id)
    form = forms.HandOverForm(request.POST or None, members=queries.may_hold(one, timezone.localdate()))
    if request.method == "POST" and form.is_valid():
        try:
            actions.hand_over(enquiry_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已转给同事，时限不变。"))
            return redirect("portal-enquiry", one.pk)
    page = {"one": one, "form": form}
    return render(request, "portal/hand_over.html", page, status=422 if form.errors else 200)


@require_POST
@access("role", roles=BOTH)
@idempotent
def close(request: SeatedRequest, enquiry_id: int) -> HttpResponse:
    """The matter is settled."""
    one = queries.get_enquiry(request.seat, enquiry_id)
    actions.close_enquiry(enquiry_id=one.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("这个问题已结束，需要时可以再问。"))
    return redirect("portal-enquiry", one.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def rate(request: SeatedRequest, service_id: int) -> HttpResponse:
    """How satisfied one was with one service."""
    service = queries.get_service(request.seat, service_id)
    form = forms.RatingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.rate_service(service_id=service.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("谢谢，您的评价团队会看到。"))
            return redirect(_about("portal-mine", request, service.contract.resident))
    page = {"service": service, "form": form, "rating": queries.rating_of(service)}
    return render(request, "portal/rate.html", page, status=422 if form.errors else 200)


@require_safe
@access("role", roles=CENTRE)
@exports
def ratings(request: SeatedRequest) -> HttpResponse:
    """How satisfied residents are with each team of the house."""
    teams = contracting.open_teams(request.seat.organization_id)
    return render(request, "portal/ratings.html", {"teams": queries.ratings_by_team(request.seat, teams)})


@require_safe
@access("role", roles=(Role.RESIDENT,))
def centre(request: SeatedRequest) -> HttpResponse:
    """What the centre of the resident, or of whom they act for, offers when; what is featured and how it is used."""
    wanted = request.GET.get("resident", "")
    person = residents.person_for(request.seat, number_in(wanted))
    found = queries.offered(person.centre_id, timezone.localdate())
    page = {"centre": person.centre, "services": found, "featured": [one for one in found if one.supporter_id]}
    return render(request, "portal/centre.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.CENTRE_MANAGER,))
@idempotent
@exports
def services(request: SeatedRequest) -> HttpResponse:
    """Everything the centre offers and offered; posting offers more."""
    house, today = request.seat.organization_id, timezone.localdate()
    choices: dict[str, Any] = {"supporters": queries.supporters(house, today), "specialties": queries.specialties()}
    form = forms.OfferForm(request.POST or None, initial={"since": today}, **choices)
    if request.method == "POST" and form.is_valid():
        try:
            actions.offer_service(organization_id=house, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已登记，居民的页面上看得到了。"))
            return redirect("portal-services")
    page = {"services": queries.offered(house), "form": form, "today": today}
    return render(request, "portal/services.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.CENTRE_MANAGER,))
@idempotent
def service(request: SeatedRequest, offer_id: int) -> HttpResponse:
    """Other times of a service, or the day it ends."""
    one = queries.get_service_offered(request.seat, offer_id)
    form = forms.ChangeForm(request.POST or None, initial={"times": one.times})
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_service(offer_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error("until", str(error))
        else:
            messages.success(request, _("已改好。"))
            return redirect("portal-services")
    return render(request, "portal/service.html", {"one": one, "form": form}, status=422 if form.errors else 200)


def _write(request: SeatedRequest, one: Enquiry, *, text: str, seen: int | None) -> None:
    about: dict[str, Any] = {"enquiry_id": one.pk, "text": text, "by": request.actor, "at": timezone.now()}
    if request.seat.role == Role.RESIDENT:
        actions.write_more(**about)
    else:
        actions.answer_enquiry(seen=seen, **about)


def _mine(request: SeatedRequest, person: Any) -> dict[str, Any]:
    now = timezone.now()
    contract = contracting.running_of([person.pk]).get(person.pk)
    team = contract.team if contract else None
    page = page_of(request, queries.of_resident(request.seat, person.pk), PAGE)
    return {
        "resident": person,
        "team": team,
        "terms": queries.terms_of(team, timezone.localdate(now)) if team else None,
        "page_obj": page,
        "enquiries": [(one, queries.sentence(one, now)) for one in page],
        "to_rate": queries.to_rate(request.seat, person, timezone.localdate(now)),
        "acted_for": residents.acted_for(request.seat, now),
    }


def _thread(request: SeatedRequest, one: Enquiry) -> dict[str, Any]:
    now, layout = timezone.now(), PART if wants_part(request) else WHOLE
    is_resident = request.seat.role == Role.RESIDENT
    return {
        "one": one,
        "is_resident": is_resident,
        "back": came_from(request),
        "messages_": queries.messages_of(one),
        "call": queries.whom_to_call(one, now),
        "sentence": queries.sentence(one, now),
        "steps": {step.action for step in queries.available_steps(request.seat, one, now)},
        "may_write": queries.may_write(request.seat, one, now),
        "history": [] if is_resident else told(one, ENQUIRY),
        "frame_template": layout.resident if is_resident else layout.staff,
    }


def _about(name: str, request: SeatedRequest, person: Any) -> str:
    other = "" if person.user_id == request.seat.user_id else f"?resident={person.pk}"
    return reverse(name) + other
