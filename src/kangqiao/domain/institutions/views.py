"""The network as staff see it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.sheets import sheet
from kangqiao.base.uploads import read_table
from kangqiao.domain.institutions import actions, queries
from kangqiao.domain.institutions.forms import SAID, ListForm
from kangqiao.domain.institutions.rules import COLUMNS
from kangqiao.kernel.errors import RuleBroken

STAFF = (
    "gp", "expert", "centre_manager", "referral_desk", "guidance_office", "dispatcher", "hospital_director",
    "pharmacist", "bureau_officer", "finance_officer", "insurer", "system_admin",
    "security_admin", "audit_admin",
)  # fmt: skip

# Faults shown at once; who has more has them of one kind.
SHOWN = 100


@require_safe
@access("role", roles=STAFF)
@exports
def network(request: HttpRequest) -> HttpResponse:
    """Hospitals with level, ownership and guidance office; a hospital without its office is named (ZH-4.1a)."""
    seat = request.seat  # type: ignore[attr-defined]
    place = queries.place_chain(seat.place_id)[-1]
    context = {
        "place": place,
        "hospitals": queries.hospitals_with_office(place.code),
        "without_office": list(queries.hospitals_without_guidance_office(place.code)),
        "centres": queries.centres_in(place.code),
    }
    return render(request, "institutions/network.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=("system_admin",))
@idempotent
def read_list(request: HttpRequest) -> HttpResponse:
    """A list of institutions is uploaded, checked line by line, and entered whole or not at all."""
    form = ListForm(request.POST or None, request.FILES or None)
    context = {"form": form, "count": 0, "findings": []}
    if form.is_valid():
        by, is_sure = request.actor, form.cleaned_data["is_sure"]  # type: ignore[attr-defined]
        try:
            rows = read_table(form.cleaned_data["table"], COLUMNS)
        except RuleBroken as refused:
            form.add_error("table", str(refused))
        else:
            count, found = actions.import_organizations(rows=rows, is_sure=is_sure, by=by, at=timezone.now())
            shown = [(one, SAID[one.fault]) for one in found[:SHOWN]]
            context |= {"count": count, "findings": shown, "more": max(0, len(found) - SHOWN), "is_read": True}
    is_refused = form.errors or (context["findings"] and not context["count"])
    return render(request, "institutions/list.html", context, status=422 if is_refused else 200)


@require_safe
@access("role", roles=("system_admin",))
def empty_list(request: HttpRequest) -> HttpResponse:
    """The table to fill in: the heads alone."""
    return sheet(str(ListForm.base_fields["table"].label), COLUMNS, [], file_name="institutions.xlsx")


@require_POST
@access("role", roles=("hospital_director", "guidance_office", "bureau_officer", "system_admin"))
@idempotent
def register_office(request: HttpRequest, hospital_id: int) -> HttpResponse:
    """The hospital's guidance office is registered."""
    actor = request.actor  # type: ignore[attr-defined]
    actions.register_guidance_office(hospital_id=hospital_id, by=actor, at=timezone.now())
    return HttpResponseRedirect(resolve_url("institutions-network"))
