"""Emergencies at schools: the school's pages on the telephone, and the centre's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.contracting.permissions import SCHOOL
from kangqiao.domain.referral import actions, forms, permissions, queries
from kangqiao.domain.referral.models import SchoolCase
from kangqiao.domain.referral.views.letters import Request
from kangqiao.kernel.errors import RuleBroken, Taken

PAGE = 30
# Students are children first; the centre chooses another specialty where it knows better.
CHILDREN = "paediatrics"
BOTH = (*SCHOOL, *permissions.CENTRE_ROLES)


@require_safe
@access("role", roles=BOTH)
def index(request: Request) -> HttpResponse:
    """A school's own cases, or those of the schools a centre serves, the latest first."""
    now = timezone.now()
    page = page_of(request, queries.school_cases(request.seat), PAGE)
    context = _page(request) | {"page_obj": page, "lines": queries.school_lines(request.seat, page, now)}
    return render(request, "referral/schools.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=SCHOOL)
@idempotent
def new(request: Request) -> HttpResponse:
    """A student's emergency is reported."""
    schools, now = contracting.schools_of(request.actor), timezone.now()
    start = {"happened_at": timezone.localtime(now), "contact": request.seat.user_name}
    start |= {"contact_phone": schools[0].phone} if len(schools) == 1 else {}
    form = forms.SchoolCaseForm(request.POST or None, schools=schools, initial=start)
    status = 422 if form.errors else 200
    if form.is_valid():
        try:
            made = actions.open_school_case(**form.cleaned_data, by=request.actor, at=now)
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
            status = 409 if isinstance(refused, Taken) else 422
        else:
            messages.success(request, _("已报给%(centre)s，请守着学生、留意电话。") % {"centre": made.organization.zh})
            return redirect("referral-school-case", made.pk)
    return render(request, "referral/school_new.html", _page(request) | {"form": form}, status=status)


@require_safe
@access("role", roles=BOTH)
def case(request: Request, case_id: int) -> HttpResponse:
    """One case: where it stands, what the school saw, and the moves of the reader's side."""
    return _case(request, queries.get_school_case(request.seat, case_id), forms.SchoolAnswerForm())


@require_POST
@access("role", roles=permissions.CENTRE_ROLES)
@idempotent
def answer(request: Request, case_id: int) -> HttpResponse:
    """The centre tells the school what to do."""
    one, form = queries.get_school_case(request.seat, case_id), forms.SchoolAnswerForm(request.POST)
    if form.is_valid():
        actions.answer_school_case(case_id=one.pk, **form.cleaned_data, by=request.actor, at=timezone.now())
        messages.success(request, _("已答复，学校马上看得到。"))
        return redirect("referral-school-case", one.pk)
    return _case(request, one, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE_ROLES)
@idempotent
def forward(request: Request, case_id: int) -> HttpResponse:
    """The centre sends the student to a hospital at once."""
    one, now = queries.get_school_case(request.seat, case_id), timezone.now()
    start = {
        "student": one.student, "identifier": one.identifier, "diagnosis": one.what[:100].rstrip("。."),
        "specialty": CHILDREN, "is_ambulance_called": one.is_ambulance_called,
    }  # fmt: skip
    form = forms.SchoolForwardForm(
        request.POST or None, initial=start, hospitals=queries.hospitals_for(request.seat, now),
        specialties=queries.specialty_choices(),
    )  # fmt: skip
    if form.is_valid():
        try:
            sent = actions.forward_school_case(case_id=one.pk, **form.cleaned_data, by=request.actor, at=now)
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已按急诊转出 %(number)s，医院和学校都已收到消息。") % {"number": sent.number})
            return redirect("referral-school-case", one.pk)
    page = _about(request, one) | {"form": form, "is_paired": queries.is_paired(request.seat, now)}
    return render(request, "referral/school_forward.html", page, status=422 if form.errors else 200)


@require_POST
@access("role", roles=SCHOOL)
@idempotent
def withdraw(request: Request, case_id: int) -> HttpResponse:
    """The school takes its report back."""
    one = queries.get_school_case(request.seat, case_id)
    reason = request.POST.get("reason", "")[:500]
    actions.withdraw_school_case(case_id=one.pk, reason=reason, by=request.actor, at=timezone.now())
    messages.success(request, _("已撤回，中心会看到原因。"))
    return redirect("referral-school")


def _case(request: Request, one: SchoolCase, form: forms.SchoolAnswerForm, status: int = 200) -> HttpResponse:
    page = _about(request, one) | {"form": form, "history": queries.school_case_history(one)}
    return render(request, "referral/school_case.html", page, status=status)


def _about(request: Request, one: SchoolCase) -> dict[str, Any]:
    (line,) = queries.school_lines(request.seat, [one], timezone.now())
    steps = {step.action: step for step in queries.school_case_steps(request.seat, one)}
    return _page(request) | {"case": one, "line": line, "steps": steps, "findings": queries.findings_in_words(one)}


def _page(request: Request) -> dict[str, Any]:
    """What all of these pages show: the number that calls an ambulance, and which side reads."""
    is_school = request.seat.role in SCHOOL
    return {
        "number": queries.emergency_number(request.seat.place_code, timezone.localdate()),
        "is_school": is_school,
        "schools": contracting.schools_of(request.actor),
    }
