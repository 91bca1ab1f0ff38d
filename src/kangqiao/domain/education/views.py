"""The library of health education as centres see it, and what a resident was sent."""

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
from kangqiao.base.pages import number_in, undo_tag
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.education import actions, forms, queries
from kangqiao.domain.education.models import Material
from kangqiao.domain.education.permissions import READERS, can_write
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.permissions import can_decide
from kangqiao.kernel.errors import RuleBroken, Taken

PAGE = 40


@require_safe
@access("role", roles=READERS)
@exports
def desk(request: SeatedRequest) -> HttpResponse:
    """The library of all centres, and how much of it is read: by the own residents, and by all."""
    wanted = request.GET.get("q", "").strip()[:40]
    page = page_of(request, queries.library(wanted), PAGE)
    rows = _with_readings(request, list(page))
    context = {"rows": rows, "page_obj": page, "wanted": wanted, "may_write": request.seat.role in CENTRE}
    return render(request, "education/desk.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def write(request: SeatedRequest) -> HttpResponse:
    """Something new for residents."""
    seat, now = request.seat, timezone.now()
    form = forms.MaterialForm(request.POST or None, subjects=queries.subjects_of(seat.place_code, now))
    if request.method == "POST" and form.is_valid():
        try:
            one = actions.write_material(
                organization_id=seat.organization_id, by=request.actor, at=now, **form.cleaned_data
            )
        except (RuleBroken, Taken) as error:
            form.add_error("title" if isinstance(error, Taken) else None, str(error))
        else:
            messages.success(request, _("已发布，下一个早上起推送给适合的签约居民。"))
            return redirect("education-material", one.pk)
    return render(request, "education/new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@access("role", roles=READERS)
def material(request: SeatedRequest, material_id: int) -> HttpResponse:
    """One material as residents read it, and how much it is read."""
    one = queries.get_material(material_id)
    [row] = _with_readings(request, [one])
    page = {"one": one, "row": row, "may_write": can_write(request.actor, one.organization_id)}
    return render(request, "education/material.html", page)


@require_POST
@access("role", roles=CENTRE)
@idempotent
def retire(request: SeatedRequest, material_id: int) -> HttpResponse:
    """It is not sent any more; for some seconds that can be taken back."""
    one = actions.retire_material(material_id=material_id, by=request.actor, at=timezone.now())
    back = reverse("education-material", args=(one.pk,))
    messages.success(
        request,
        _("已停止推送：%(title)s") % {"title": one.title},
        extra_tags=undo_tag("education-resume", one.pk, back=back),
    )
    return redirect(back)


@require_POST
@access("role", roles=CENTRE)
@idempotent
def resume(request: SeatedRequest, material_id: int) -> HttpResponse:
    """It is sent again."""
    one = actions.resume_material(material_id=material_id, by=request.actor, at=timezone.now())
    messages.success(request, _("又在推送了：%(title)s") % {"title": one.title})
    return redirect("education-material", one.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def mine(request: SeatedRequest) -> HttpResponse:
    """What I was sent, or my child; posting says whether more is wanted."""
    wanted, now = request.GET.get("resident", ""), timezone.now()
    person = residents.person_for(request.seat, number_in(wanted))
    if request.method == "POST":
        is_wanted = request.POST.get("wanted") == "yes"
        actions.choose_education(resident_id=person.pk, is_wanted=is_wanted, by=request.actor, at=now)
        messages.success(request, _("以后会推送给您。") if is_wanted else _("不再推送。想看时可以再打开。"))
        return redirect(request.get_full_path())
    page = page_of(request, queries.received(request.seat, person.pk), PAGE)
    may_choose = can_decide(request.seat.user_id, person, now)
    is_refused = bool(may_choose) and queries.has_refused(person.pk, now)
    context = {"person": person, "page_obj": page, "may_choose": may_choose, "is_refused": is_refused}
    return render(request, "education/mine.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def read(request: SeatedRequest, sending_id: int) -> HttpResponse:
    """The text; posting says that it was read."""
    one = queries.get_sending(request.seat, sending_id)
    if request.method == "POST":
        actions.open_sending(sending=one, by=request.actor, at=timezone.now())
        messages.success(request, _("已记下，谢谢您读完。"))
        return redirect(request.path)
    return render(request, "education/read.html", {"one": one.material, "sending": one})


def _with_readings(request: SeatedRequest, found: list[Material]) -> list[dict[str, Any]]:
    ids, seat = [one.pk for one in found], request.seat
    house = seat.organization_id if seat.role in CENTRE else None
    subjects = queries.subjects_of(seat.place_code, timezone.now())
    ours = queries.readings(ids, house) if house else {}
    everywhere, none = queries.readings(ids, None), queries.Reading()
    return [
        {
            "one": one, "ours": ours.get(one.pk, none), "all": everywhere.get(one.pk, none),
            "audience": queries.audience_named(one, subjects),
        }
        for one in found
    ]  # fmt: skip
