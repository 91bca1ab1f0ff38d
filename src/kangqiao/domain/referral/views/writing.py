"""Writing a letter, up or down: the patient first, then one page that says what is still missing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kangqiao.base.access import access
from kangqiao.base.idempotency import attempt_of, idempotent
from kangqiao.base.pages import number_in, wants_part
from kangqiao.base.uploads import looked_into
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral import actions, forms, permissions, queries
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.views.letters import Request, _address, _go, _number, _patient, _person
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import RuleBroken, Taken

SENDERS = (*permissions.CENTRE_ROLES, Role.EXPERT)
MOST_FOUND = 8


@access("role", roles=SENDERS)
@require_http_methods(["GET", "POST"])
@idempotent
def new(request: Request) -> HttpResponse:
    """A letter up with a place: first the patient, then one page that says what is still missing."""
    patient = _patient(request)
    if patient is None:
        return _finding(request)
    form, status = _up_form(request, patient), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                joins = number_in(request.POST.get("join", ""))
                sent = _send(request, patient, form) if joins is None else _join(request, patient, form, joins)
                words = _("已发出转诊单 %(number)s，等医院接收。") if joins is None else _("已补到 %(number)s。")
                messages.success(request, words % {"number": sent.number})
                return _go(request, _address(sent))
            except (RuleBroken, Taken) as error:
                form.add_error(None, str(error))
                status = 409 if isinstance(error, Taken) else 422
    return render(request, "referral/new.html", _writing(request, patient, form), status=status)


@access("role", roles=SENDERS)
@require_GET
def slots(request: Request) -> HttpResponse:
    """The free places of the hospital and specialty chosen in the letter, for the letter's page.

    With another hospital the list of specialties comes too: those with places there first.
    """
    page: dict[str, Any] = _offered(request, request.GET)
    if "specialties" in request.GET:
        form = forms.UpForm(initial={"specialty": request.GET.get("specialty")}, **_choices(request))
        form.fields["specialty"].widget.attrs["hx-swap-oob"] = "true"
        page["specialties"] = form["specialty"]
    return render(request, "referral/_slots.html", page)


@access("role", roles=SENDERS)
@require_POST
def whole(request: Request) -> HttpResponse:
    """How much of the data set is filled, while the letter is written."""
    return render(request, "referral/_whole.html", {"items": forms.items_given(request.POST, has_identity=True)})


@access("role", roles=permissions.HOSPITAL_ROLES)
@require_http_methods(["GET", "POST"])
@idempotent
def down(request: Request) -> HttpResponse:
    """A hand-over to a centre: criterion, medicines, plan."""
    patient = _patient(request)
    if patient is None:
        return _finding(request, is_down=True)
    form = _down_form(request, patient)
    if request.method == "POST" and form.is_valid():
        try:
            sent = _hand_down(request, patient, form)
            messages.success(request, _("已下转 %(number)s，等中心接收。") % {"number": sent.number})
            return _go(request, _address(sent))
        except RuleBroken as error:
            form.add_error(None, str(error))
    page = _person(patient) | {"form": form}
    return render(request, "referral/down.html", page, status=422 if form.errors else 200)


def _finding(request: Request, *, is_down: bool = False) -> HttpResponse:
    """The first step of a letter: which patient; while somebody types, the list alone."""
    text = request.GET.get("q", "")[:100]
    page = {"found": residents.search_residents(request.seat, text, MOST_FOUND), "text": text, "down": is_down}
    return render(request, "referral/_found.html" if wants_part(request) else "referral/find.html", page)


def _up_form(request: Request, patient: Resident) -> forms.UpForm:
    encounter = _number(request, "encounter")
    draft = queries.draft_of(request.seat, patient, encounter)
    return forms.UpForm(
        request.POST or None,
        request.FILES or None,
        initial={
            **draft,
            **_proposed(request, patient),
            "origin_encounter": encounter,
            "specialty": request.GET.get("specialty"),
        },
        **_choices(request),
    )


def _proposed(request: Request, patient: Resident, *, down: bool = False) -> dict[str, Any]:
    """What the record speaks for, and the first of it chosen."""
    found = queries.proposed(request.seat, patient, timezone.now(), down=down)
    return {"proposed": found, **({"reason_code": found[0].code} if found else {})}


def _choices(request: Request) -> dict[str, Any]:
    """What a letter up chooses from; the specialties of the hospital chosen, else of the first."""
    now, wanted = timezone.now(), request.POST.get("to_organization") or request.GET.get("to_organization", "")
    hospitals = queries.hospitals_for(request.seat, now)
    known = next((one for one in hospitals if str(one.value) == wanted), next(iter(hospitals), None))
    return {
        "hospitals": hospitals,
        "specialties": queries.specialties_at(int(known.value) if known else None, _centre(request), now),
        "reasons": queries.reason_choices(down=False),
    }


def _down_form(request: Request, patient: Resident) -> forms.DownForm:
    origin_id = _number(request, "origin")
    origin = None if origin_id is None else queries.get_referral(request.seat, origin_id)
    centre_id = patient.centre_id
    start: dict[str, Any] = {"origin": origin_id, "to_organization": centre_id}
    if origin is not None:
        start |= {"specialty": origin.specialty, "diagnosis": origin.diagnosis, "medicines": origin.medicines}
    start |= _proposed(request, patient, down=True)
    return forms.DownForm(
        request.POST or None,
        request.FILES or None,
        initial=start,
        centres=queries.centres_for(request.seat, centre_id),
        specialties=queries.specialty_choices(),
        reasons=queries.reason_choices(down=True),
    )


@transaction.atomic
def _send(request: Request, patient: Resident, form: forms.UpForm) -> Referral:
    """The letter with its file, or neither."""
    sent = actions.send_up(
        resident_id=patient.pk,
        attempt=attempt_of(request),
        summary=queries.summary_of(request.seat, patient, timezone.now(), form.cleaned_data["to_organization"]),
        by=request.actor,
        at=timezone.now(),
        **form.letter(),
    )
    return _with_file(request, sent, form)


@transaction.atomic
def _join(request: Request, patient: Resident, form: forms.UpForm, letter_id: int) -> Referral:
    """What was written and its file go into the letter that is open already, or neither."""
    letter, told = queries.get_referral(request.seat, letter_id), form.cleaned_data
    if letter.resident_id != patient.pk:
        raise queries.not_found()
    joined = actions.join_letter(
        referral_id=letter.pk, words=told, diagnosis=told["diagnosis"], urgency=told["urgency"], by=request.actor,
        at=timezone.now(),
    )  # fmt: skip
    return _with_file(request, joined, form)


@transaction.atomic
def _hand_down(request: Request, patient: Resident, form: forms.DownForm) -> Referral:
    """The hand-over with its file, or neither."""
    sent = actions.propose_down(resident_id=patient.pk, by=request.actor, at=timezone.now(), **form.letter())
    return _with_file(request, sent, form)


def _with_file(request: Request, sent: Referral, form: Form) -> Referral:
    if file := form.cleaned_data["attachment"]:
        at = timezone.now()
        looked = looked_into(file, queries.most_bytes(sent, at))
        actions.attach_file(referral_id=sent.pk, file=looked, by=request.actor, at=at)
    return sent


def _writing(request: Request, patient: Resident, form: Form) -> dict[str, Any]:
    data = request.POST.dict() or {name: str(value or "") for name, value in form.initial.items()}
    hospitals = form.fields["to_organization"].choices  # type: ignore[attr-defined]
    chosen = {"to_organization": str(hospitals[0][0]) if hospitals else "", **data}
    return _person(patient) | {
        "form": form,
        "items": forms.items_given(data, has_identity=True),
        **_offered(request, chosen),
        "chart": queries.chart(request.seat, patient),
        "under_way": queries.lines(queries.under_way(request.seat, patient.pk), timezone.now()),
        "own_house": request.seat.organization_id,
    }


def _free(request: Request, data: Any) -> queries.Places | None:
    hospital, specialty = number_in(str(data.get("to_organization", ""))), str(data.get("specialty", ""))
    slot, now = number_in(str(data.get("slot", ""))), timezone.now()
    # A house that is none of the region's hospitals has no places to show, and perhaps no paper to read them by.
    if not specialty or hospital not in {one.value for one in queries.hospitals_for(request.seat, now)}:
        return None
    assert hospital is not None
    return queries.places(queries.hospital_choice(hospital), _centre(request), specialty, now, slot)


def _offered(request: Request, data: Any) -> dict[str, Any]:
    """The places of the visit, and what may be kept beside it through the green channel."""
    free = _free(request, data)
    if free is None:
        return {"places": None}
    named = {kind: number_in(data.get(f"part_{kind}", "")) for kind in Part.Kind.values}
    chosen = {kind: pk for kind, pk in named.items() if pk is not None}
    hospital = queries.hospital_choice(int(str(data["to_organization"])))
    found = queries.offers(hospital, _centre(request), timezone.now(), chosen, free.chosen)
    return {"places": free, "offers": found}


def _centre(request: Request) -> Organization:
    return Organization(pk=request.seat.organization_id)
