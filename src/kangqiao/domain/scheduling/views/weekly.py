"""A hospital's week: its templates, one of them with what a change would do, and the coming weeks opened from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.forms import ExceptForm, OpeningForm, RestoreForm, SeenForm, TemplateForm
from kangqiao.domain.scheduling.models import ClinicTemplate
from kangqiao.domain.scheduling.rules import Weekly
from kangqiao.domain.scheduling.views.booking import Request
from kangqiao.domain.scheduling.views.pools import READERS, SHARERS
from kangqiao.kernel.errors import RuleBroken


@access("role", roles=READERS)
@require_safe
def own(request: Request) -> HttpResponse:
    """One's own hospital, or the list of those of the region."""
    houses = queries.pool_houses(request.actor)
    if len(houses) == 1:
        return redirect("slots-templates-of", houses[0].pk)
    return render(request, "scheduling/template_houses.html", {"houses": houses})


@access("role", roles=READERS)
@require_safe
@exports
def templates(request: Request, hospital_id: int) -> HttpResponse:
    """The week as a grid and as a list, and the closed days on which clinics still stand."""
    house, now = queries.get_pool_house(request.actor, hospital_id), timezone.now()
    today = timezone.localdate()
    terms, rows = queries.weekly_terms(house, today), queries.templates_of(house, today)
    page = {
        "house": house,
        "rows": rows,
        "week": queries.by_weekday(rows),
        "night": queries.opening_note(house),
        "weeks_kept": terms.weeks_kept,
        "closed": queries.closed_with_clinics(house, now, terms.weeks_most * 7),
        "may_plan": bool(permissions.can_plan_week(request.actor, house)),
    }
    return render(request, "scheduling/templates.html", page)


@access("role", roles=SHARERS)
@require_http_methods(["GET", "HEAD", "POST"])
@idempotent
def new(request: Request, hospital_id: int) -> HttpResponse:
    """A doctor holds a clinic every week from now on."""
    house = queries.get_pool_house(request.actor, hospital_id)
    form = _form(house, request.POST or None, {"since": timezone.localdate(), "walk_in_percent": 0})
    if form.is_valid():
        try:
            actions.add_template(
                organization_id=house.pk, weekly=_weekly(house, form), by=request.actor, at=timezone.now()
            )
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("模板已保存。要马上开号，请到“开放号源”里看过再发布。"))
            return redirect("slots-templates-of", house.pk)
    return render(
        request, "scheduling/template_new.html", {"form": form, "house": house}, status=422 if form.errors else 200
    )


@access("role", roles=READERS)
@require_http_methods(["GET", "HEAD", "POST"])
@idempotent
def template(request: Request, template_id: int) -> HttpResponse:
    """One template: changed, once somebody has seen which clinics follow and which stay because people are booked."""
    shown = queries.get_template(request.actor, template_id)
    form = _form(shown.organization, request.POST or None, _initial(shown))
    if form.is_valid():
        weekly, back = _weekly(shown.organization, form), reverse("slots-template", args=(shown.pk,))
        try:
            if (told := _told(request, shown, weekly, back)) is not None:
                return told
            done = actions.mend_template(
                template_id=shown.pk, weekly=weekly, seen=_seen(request), by=request.actor, at=timezone.now()
            )
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            return _done(request, done)
    return _template_page(request, shown, form, ExceptForm(), status=422 if form.errors else 200)


@access("role", roles=SHARERS)
@require_POST
@idempotent
def end(request: Request, template_id: int) -> HttpResponse:
    """The clinic is given up from tomorrow, once somebody has seen which days it touches."""
    shown = queries.get_template(request.actor, template_id)
    weekly = queries.given_up(shown, timezone.localdate())
    told = _told(request, shown, weekly, reverse("slots-template-end", args=(shown.pk,)))
    if told is not None:
        return told
    done = actions.end_template(template_id=shown.pk, seen=_seen(request), by=request.actor, at=timezone.now())
    return _done(request, done)


@access("role", roles=SHARERS)
@require_POST
@idempotent
def except_day(request: Request, template_id: int) -> HttpResponse:
    """On a single day the clinic is not held; whoever is booked on it is answered on the page of calling it off."""
    shown, form = queries.get_template(request.actor, template_id), ExceptForm(request.POST)
    if form.is_valid():
        try:
            standing = actions.except_day(
                template_id=shown.pk, **form.cleaned_data, by=request.actor, at=timezone.now()
            )
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            if standing is None:
                messages.success(request, _("已记下，这一天不出诊。"))
                return redirect("slots-template", shown.pk)
            messages.warning(request, _("这一天已经有人约了，请在这里停诊，并安置每一位。"))
            return redirect("slots-withdraw", standing.pk)
    return _template_page(request, shown, _form(shown.organization, None, _initial(shown)), form, status=422)


@access("role", roles=SHARERS)
@require_POST
@idempotent
def restore(request: Request, template_id: int) -> HttpResponse:
    """The clinic is held on that day after all."""
    shown, form = queries.get_template(request.actor, template_id), RestoreForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("没有这一天。"), next_step=_("请回到模板重新选择。"))
    actions.restore_day(template_id=shown.pk, day=form.cleaned_data["day"], by=request.actor, at=timezone.now())
    messages.success(request, _("这一天照常出诊，下次开放号源时会开。"))
    return redirect("slots-template", shown.pk)


@access("role", roles=SHARERS)
@require_http_methods(["GET", "HEAD", "POST"])
@idempotent
def opening(request: Request, hospital_id: int) -> HttpResponse:
    """What would be opened in the coming weeks, what not and why; then it is published as it was seen."""
    house, today = queries.get_pool_house(request.actor, hospital_id), timezone.localdate()
    terms = queries.weekly_terms(house, today)
    given = request.POST if request.method == "POST" else request.GET
    form = OpeningForm({"weeks": terms.weeks, **given.dict()})
    weeks, is_all = form.wanted(terms.weeks)
    if request.method == "POST" and form.is_valid():
        made = actions.open_weeks(
            organization_id=house.pk, weeks=weeks, is_unannounced_open=is_all,
            seen=_seen(request), by=request.actor, at=timezone.now(),
        )  # fmt: skip
        messages.success(request, _("已开放%(count)s场门诊。") % {"count": len(made)})
        return redirect("slots-templates-of", house.pk)
    last = today + timedelta(weeks=min(weeks, terms.weeks_most), days=-1)
    plan = queries.plan_of(house, today, last, timezone.now(), is_unannounced_open=is_all)
    page = {"house": house, "plan": plan, "form": form, "weeks": weeks, "most": terms.weeks_most, "is_all": is_all}
    return render(request, "scheduling/opening.html", page, status=422 if request.method == "POST" else 200)


def _told(request: Request, shown: ClinicTemplate, weekly: Weekly, address: str) -> HttpResponse | None:
    """The page that says what a change touches, unless it touches nothing or was said yes to."""
    differing = queries.differing(shown, weekly, timezone.now())
    if not differing or SeenForm(request.POST).data.get("seen"):
        return None
    kept = [(name, value) for name, value in request.POST.items() if name in TemplateForm.base_fields]
    page = {
        "template": shown,
        "address": address,
        "kept": kept,
        "count": len(differing),
        "follow": [one for one in differing if one.can_follow],
        "stay": [one for one in differing if not one.can_follow],
    }
    return render(request, "scheduling/template_change.html", page)


def _seen(request: Request) -> int:
    form = SeenForm(request.POST)
    return (form.cleaned_data["seen"] or 0) if form.is_valid() else 0


def _done(request: Request, done: actions.Mended) -> HttpResponse:
    words = {"followed": done.followed, "stayed": done.stayed}
    messages.success(request, _("已保存：%(followed)s场跟着改了，%(stayed)s场有人约，没有动。") % words)
    return redirect("slots-templates-of", done.template.organization_id)


def _template_page(
    request: Request, shown: ClinicTemplate, form: TemplateForm, except_form: ExceptForm, status: int = 200
) -> HttpResponse:
    page = {
        "template": shown,
        "form": form,
        "except_form": except_form,
        "exceptions": queries.exceptions_of(shown, timezone.localdate()),
        "sessions": queries.open_of(shown, timezone.now())[:20],
        "may_plan": bool(permissions.can_plan_week(request.actor, shown.organization)),
    }
    return render(request, "scheduling/template.html", page, status=status)


def _form(house: Organization, given: Any, initial: dict[str, Any]) -> TemplateForm:
    doctors = [
        (one.pk, f"{one.name} {called(one.specialty) if one.specialty else ''}".strip())
        for one in queries.doctors_to_plan(house)
    ]
    departments = [(one.code, called(one)) for one in queries.specialties_to_plan()]
    return TemplateForm(given, initial=initial, doctors=doctors, specialties=departments)


def _initial(shown: ClinicTemplate) -> dict[str, Any]:
    names = ("specialty", "weekday", "room", "starts", "ends", "slot_minutes", "capacity", "walk_in_percent", "since")
    last = shown.until - timedelta(days=1) if shown.until else None
    return {name: getattr(shown, name) for name in names} | {"practitioner": shown.practitioner_id, "last_day": last}


def _weekly(house: Organization, form: TemplateForm) -> Weekly:
    """The values of a form; the department is the doctor's own where none was chosen."""
    doctor = next(one for one in queries.doctors_to_plan(house) if one.pk == form.cleaned_data["practitioner"])
    return form.weekly(doctor.specialty.code if doctor.specialty else "")
