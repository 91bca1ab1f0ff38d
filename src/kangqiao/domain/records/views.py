"""Parts of the record that stand by themselves: one value, what is lived with, letters; and the resident's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import number_in
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.records import actions, forms, queries
from kangqiao.domain.records.models import Immunization
from kangqiao.domain.records.permissions import can_correct, can_correct_immunization
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.permissions import TREATING
from kangqiao.kernel.errors import RuleBroken, Taken

KEEPERS = (Role.GP, Role.CENTRE_MANAGER, Role.EXPERT)


@require_POST
@access("role", roles=tuple(TREATING))
# twice is once: nothing changes, each look is written down, and the number must not be kept as an answer
def identifier(request: HttpRequest, resident_id: int) -> HttpResponse:
    """The whole identity number, for once; who asked for it is written down."""
    seat = request.seat  # type: ignore[attr-defined]
    one = residents.get_resident(seat, resident_id)
    return HttpResponse(format_html('<span class="masked">{}</span>', one.identifier))


@require_safe
@access("role", roles=tuple(TREATING))
def document(request: HttpRequest, document_id: int) -> HttpResponse:
    """One signed letter."""
    seat = request.seat  # type: ignore[attr-defined]
    letter = queries.document(seat, document_id)
    return render(request, "records/document.html", {"letter": letter, "resident": letter.resident})


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=tuple(TREATING))
@idempotent
def value(request: SeatedRequest, observation_id: int) -> HttpResponse:
    """One value with what stood there before; posting corrects it."""
    row = queries.observation(request.seat, observation_id)
    now = timezone.now()
    form = forms.CorrectionForm(request.POST or None, measure=queries.measure_of(row))
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.correct_observation(observation_id=row.pk, by=request.actor, at=now, **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已更正，原来的值和原因一起留着。"))
            return redirect("records-value", made.pk)
    may_correct = queries.is_current(row) and bool(can_correct(request.actor, row, now))
    page = {"row": queries.shown([row])[0], "form": form, "may_correct": may_correct}
    page |= {"former": queries.shown(queries.former_values(row)), "resident": row.resident}
    return render(request, "records/value.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=tuple(TREATING))
@idempotent
def immunization(request: SeatedRequest, immunization_id: int) -> HttpResponse:
    """One vaccination with what stood there before; posting corrects it."""
    row, now = queries.immunization(request.seat, immunization_id), timezone.now()
    told = queries.as_told(row)
    first = {name: getattr(told, name) for name in told.__dataclass_fields__}
    first["given"] = forms.JabForm.OWN if row.is_here else forms.JabForm.ELSEWHERE
    form = forms.JabCorrectionForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            made = _jab_corrected(request, row, form)
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已更正，原来的记录和原因一起留着。"))
            return redirect("records-immunization", made.pk)
    page = {"row": queries.shown_jabs([row])[0], "form": form, "resident": row.resident}
    page["former"] = queries.shown_jabs(queries.former_immunizations(row))
    page["may_correct"] = row.is_current and not row.is_void and bool(can_correct_immunization(request.actor, row, now))
    return render(request, "records/immunization.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=KEEPERS)
@idempotent
def keep(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """Problems, allergies and medicines: what is added, and what ends with its reason."""
    one = residents.get_resident(request.seat, resident_id)
    form = forms.KeepForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _kept(request, one.pk, form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已写进档案。"))
            return redirect("records-keep", one.pk)
    page = queries.kept(request.seat, one) | forms.pick_lists() | {"resident": one, "form": form}
    return render(request, "records/keep.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def mine(request: SeatedRequest) -> HttpResponse:
    """My record in plain words, what is due, and a form for what I measured at home."""
    now = timezone.now()
    first = {"taken_at": timezone.localtime(now), "resident": _asked(request)}
    form = forms.HomeForm(request.POST or None, initial=first)
    told = form.cleaned_data if request.method == "POST" and form.is_valid() else {}
    person = queries.own_record(request.seat, told.get("resident") or _asked(request))
    if told:
        new = actions.record_observations(
            resident_id=person.pk, found=form.measured(), taken_at=told["taken_at"], source="home", by=request.actor,
            at=now,
        )  # fmt: skip
        messages.success(request, queries.home_words(new, form.measured()))
        asked = told.get("resident")
        return redirect(reverse("records-mine") + (f"?resident={asked}" if asked else ""))
    page = queries.chart(request.seat, person.pk) | {
        "form": form, "asked": _asked(request),
    }  # fmt: skip
    return render(request, "records/mine.html", page, status=422 if form.errors else 200)


def _jab_corrected(request: SeatedRequest, row: Immunization, form: forms.JabCorrectionForm) -> Immunization:
    """The correction a form tells; what is odd about it becomes its questions."""
    at, told = timezone.now(), None if form.cleaned_data["is_void"] else form.jab()
    if told is not None:
        form.ask(queries.judged(row.resident, told, timezone.localdate(at), row)[1])
    reason = form.cleaned_data["reason"]
    return actions.correct_immunization(
        immunization_id=row.pk, told=told, reason=reason, sure=form.sure(), by=request.actor, at=at
    )


def _asked(request: HttpRequest) -> int | None:
    wanted = request.GET.get("resident", "") or request.POST.get("resident", "")
    return number_in(wanted)


def _kept(request: SeatedRequest, resident_id: int, told: dict[str, Any]) -> None:
    """One act of the page of what is lived with."""
    acts: dict[str, Any] = {"by": request.actor, "at": timezone.now()}
    row = queries.own_row(resident_id, told["step"], told["row"]) if told["step"] in queries.ENDS else 0
    match told["step"]:
        case "problem":
            zh = queries.problem_name(told["name"])
            actions.record_condition(resident_id=resident_id, code=told["name"], zh=zh, since=told["since"], **acts)
        case "allergy" | "none_known":
            name = told["name"] if told["step"] == "allergy" else ""
            more = {"reaction": told["words"], "severity": told["severity"] or "unknown"} if name else {}
            actions.record_allergy(resident_id=resident_id, name=name, **more, **acts)
        case "medicine":
            actions.start_medication(
                resident_id=resident_id, name=told["name"], dose=told["words"], is_sure=told["is_sure"], **acts
            )
        case "end":
            actions.end_condition(condition_id=row, on=told["since"] or timezone.localdate(), why=told["words"], **acts)
        case "refute":
            actions.refute_allergy(allergy_id=row, why=told["words"], **acts)
        case _:
            actions.stop_medication(medication_id=row, why=told["words"], **acts)
