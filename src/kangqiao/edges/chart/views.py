"""The resident's page, the visit of the consulting room, and vaccinations."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import number_in
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.records import forms, queries
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.records.parameters import programme
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.forms import DeathForm
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import TREATING, can_register, is_child
from kangqiao.edges.chart.queries import events_of
from kangqiao.kernel.errors import RuleBroken, Taken
from kangqiao.pathways.record_death import record_death
from kangqiao.pathways.record_visit import record_visit
from kangqiao.pathways.vaccinate import vaccinate

DOCTORS = (Role.GP, Role.CENTRE_MANAGER)
LOOKS_SHOWN = 3


@require_safe
@access("role", roles=tuple(TREATING))
def resident(request: HttpRequest, resident_id: int) -> HttpResponse:
    """Timeline, trends, what is due and lived with, and why this seat may look; the look itself is written down."""
    seat = request.seat  # type: ignore[attr-defined]
    page = queries.chart(seat, resident_id, events_of)
    one = page["resident"]
    page |= {
        "bases": residents.bases_shown(seat, one),
        "looks": residents.own_looks(seat, one, timezone.now())[:LOOKS_SHOWN],
        "is_grown": not is_child(one, timezone.now()),
        "days": [(day, list(rows)) for day, rows in groupby(page["events"], key=_day)],
        "may_write": seat.role in DOCTORS,
        "may_register": bool(can_register(seat.actor, one.centre_id)),
        "may_name_guardian": can_register(seat.actor, one.centre_id) and is_child(one, timezone.now()),
    }
    return render(request, "chart/resident.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=DOCTORS)
@idempotent
def visit(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """A visit on one page; one act saves it, and what it measured is everywhere it is needed (XH23-4.1a)."""
    page = queries.chart(request.seat, resident_id)
    one = page["resident"]
    form = _form(request, page)
    if request.method == "POST" and form.is_valid():
        told = form.told(page["age"], timezone.localdate())
        try:
            made, services = record_visit(resident_id=one.pk, told=told, by=request.actor, at=timezone.now())
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, queries.synced(made, services))
            return redirect(_onward(made, one))
    page |= forms.pick_lists() | {"form": form}
    return render(request, "chart/visit.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=DOCTORS)
@idempotent
def death(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """The day a resident died; contracts end and places are given back with it."""
    one = residents.get_resident(request.seat, resident_id)
    form = DeathForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _row, ended = record_death(resident_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已登记去世，%(n)s 项签约和预约随之结束。") % {"n": ended})
            return redirect("records-resident", one.pk)
    page = {"form": form, "resident": one}
    return render(request, "chart/death.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=DOCTORS)
@idempotent
def immunizations(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """Every vaccination of a resident by series, what comes next, and a form for one more."""
    one = residents.get_resident(request.seat, resident_id)
    today = timezone.localdate()
    first = {"given_on": today, "performer": request.actor.name, **_due_now(request)}
    form = forms.JabForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        form.ask(queries.judged(one, form.jab(), today)[1])
        try:
            made, services = vaccinate(
                resident_id=one.pk, told=form.jab(), sure=form.sure(), by=request.actor, at=timezone.now()
            )
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            said = queries.synced(made.encounter, services) if made.encounter else _("已照接种证补记。")
            messages.success(request, said)
            return redirect("records-immunizations", one.pk)
    rows = list(queries.immunizations_of(request.seat, one))
    page = {"resident": one, "form": form, "courses": queries.courses(one, rows, today), "today": today}
    page |= {"others": queries.others_given(one, rows), "allergies": queries.allergies_of(request.seat, one)}
    return render(request, "chart/immunizations.html", page, status=422 if form.errors else 200)


def _due_now(request: SeatedRequest) -> dict[str, Any]:
    """The vaccine and dose a link of the page names, with its usual way of giving."""
    vaccine = programme().vaccines.get(request.GET.get("vaccine", ""))
    if vaccine is None:
        return {}
    return {"vaccine": vaccine.key, "route": vaccine.route, "dose": number_in(request.GET.get("dose", ""))}


def _form(request: SeatedRequest, page: dict[str, Any]) -> forms.VisitForm:
    known = page["conditions"]
    first = {"diagnosis": known[0].code if known else ""}
    return forms.VisitForm(request.POST or None, initial=first, diagnoses=queries.diagnosis_choices(known))


def _onward(made: Encounter, one: Resident) -> str:
    """Who is referred goes on to the letter, which takes over what was written; the others are back at the page."""
    if made.outcome == Encounter.Outcome.REFERRED:
        return f"{reverse('referral-new')}?resident={one.pk}&encounter={made.pk}"
    return reverse("records-resident", args=(one.pk,))


def _day(event: queries.Event) -> Any:
    return timezone.localtime(event.at).date()
