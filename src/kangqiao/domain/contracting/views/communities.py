"""Places people belong to: the list, one with its people and the team's days, and everything that changes them."""

from __future__ import annotations

from datetime import date
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
from kangqiao.base.pages import came_from
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.domain.contracting.models import Community
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.forms import RegisterForm
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken
from kangqiao.kernel.identifiers import is_citizen_id

PAGE = 50
MOST_VISITS = 12


@require_safe
@access("role", roles=permissions.READERS)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """The places of the house, or of a bureau's area, with how many have a record and a contract."""
    narrow, on = forms.NarrowPlaces(request.GET), timezone.localdate()
    page = page_of(request, queries.communities(request.seat, **narrow.wanted()), PAGE)
    context = {
        "page_obj": page,
        "lines": queries.reached(page, on),
        "narrow": narrow,
        "may_add": request.seat.role in permissions.CENTRE,
        "may_upload": request.seat.role in permissions.KEEPERS,
    }
    return render(request, "contracting/communities.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def new(request: SeatedRequest) -> HttpResponse:
    """A place the centre serves from now on."""
    form = forms.CommunityForm(request.POST or None)
    if form.is_valid():
        by, at, house = request.actor, timezone.now(), request.seat.organization_id
        try:
            made = actions.add_community(organization_id=house, **form.cleaned_data, by=by, at=at)
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("单位已登记。请加名册，再安排团队去。"))
            return redirect("contracting-community", made.pk)
    return render(request, "contracting/community_form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def mend(request: SeatedRequest, community_id: int) -> HttpResponse:
    """What is known of a place is corrected."""
    place = queries.get_community(request.seat, community_id)
    now = {name: getattr(place, name) for name in forms.CommunityForm.base_fields}
    form = forms.CommunityForm(request.POST or None, initial=now)
    if form.is_valid():
        try:
            by, at = request.actor, timezone.now()
            actions.mend_community(community_id=place.pk, **form.cleaned_data, by=by, at=at)
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已改好。"))
            return redirect("contracting-community", place.pk)
    page = {"form": form, "place": place}
    return render(request, "contracting/community_form.html", page, status=422 if form.errors else 200)


@require_safe
@access("role", roles=permissions.READERS)
@exports
def detail(request: SeatedRequest, community_id: int) -> HttpResponse:
    """One place: its figures, who has no record or no contract, and the team's days; a bureau sees no names."""
    seat, on = request.seat, timezone.localdate()
    place = queries.get_community(seat, community_id)
    (found,) = queries.reached([place], on)
    narrow = forms.NarrowPeople(request.GET, first="unrecorded" if found.unrecorded else "unsigned")
    shown, text = narrow.wanted()
    page = page_of(request, queries.listed_people(seat, place, on, shown, text), PAGE)
    context = {
        "place": place,
        "found": found,
        "page_obj": page,
        "lines": queries.belongings(seat, place, page, on),
        "shown": shown,
        "text": text,
        "narrow": narrow,
        "tabs": _tabs(found),
        "visits": queries.community_visits(seat, place, on, MOST_VISITS),
        "may_keep": queries.may_keep(seat, place),
        "may_upload": seat.role in permissions.KEEPERS,
    } | _reporting(place, on)
    return render(request, "contracting/community.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def join(request: SeatedRequest, community_id: int) -> HttpResponse:
    """Somebody is put on the list of a place by name and number."""
    place = queries.get_community(request.seat, community_id)
    form = forms.JoinForm(request.POST or None)
    if form.is_valid() and _joined(request, form, place, form.cleaned_data):
        return redirect("contracting-community", place.pk)
    page = {"form": form, "place": place}
    return render(request, "contracting/community_join.html", page, status=422 if form.errors else 200)


@require_POST
@access("role", roles=permissions.CENTRE)
@idempotent
def leave(request: SeatedRequest, affiliation_id: int) -> HttpResponse:
    """Somebody belongs to the place no more."""
    row = queries.get_affiliation(request.seat, affiliation_id)
    actions.leave_community(affiliation_id=row.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("%(name)s已移出名册，今天起不再计入。") % {"name": row.name})
    return redirect(came_from(request) or reverse("contracting-community", args=(row.community_id,)))


@require_safe
@access("role", roles=permissions.CENTRE)
def register(request: SeatedRequest, affiliation_id: int) -> HttpResponse:
    """The form of registering, begun with what the list says of somebody without a record."""
    row = queries.get_affiliation(request.seat, affiliation_id)
    kinds = Resident.IdentifierKind
    kind = kinds.CITIZEN if is_citizen_id(row.identifier) else kinds.OTHER
    form = RegisterForm(initial={"name": row.name, "identifier": row.identifier, "identifier_kind": kind})
    return render(request, "residents/register.html", {"form": form, "found": None})


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def of_resident(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """Where a resident works, studies or lives, among the places the centre serves; another one is added."""
    one, seat, on = residents.get_resident(request.seat, resident_id), request.seat, timezone.localdate()
    places = queries.places_to_sign_at(seat.organization_id)
    form = forms.BelongForm(request.POST or None, places=places)
    if form.is_valid():
        place = next(place for place in places if place.pk == form.cleaned_data["community_id"])
        if _joined(request, form, place, {"name": one.name, "identifier": one.identifier}):
            return redirect("contracting-belongs", one.pk)
    page = {"form": form, "resident": one, "lines": queries.belongs_to(seat, one, on), "places": places}
    return render(request, "contracting/belongs.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def plan(request: SeatedRequest, community_id: int) -> HttpResponse:
    """A team comes to the place on a day."""
    place, seat = queries.get_community(request.seat, community_id), request.seat
    teams = queries.open_teams(seat.organization_id)
    form = forms.CommunityVisitForm(request.POST or None, teams=teams, initial={"on": timezone.localdate()})
    if form.is_valid():
        try:
            by, at = request.actor, timezone.now()
            actions.plan_community_visit(community_id=place.pk, **form.cleaned_data, by=by, at=at)
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已安排。"))
            return redirect("contracting-community", place.pk)
    page = {"form": form, "place": place, "teams": teams}
    return render(request, "contracting/community_visit.html", page, status=422 if form.errors else 200)


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def add_worker(request: SeatedRequest, community_id: int) -> HttpResponse:
    """Somebody's account reports for the school from now on."""
    place, on = queries.get_community(request.seat, community_id), timezone.localdate()
    form = forms.HealthWorkerForm(request.POST, people=queries.may_report(place, on))
    if not form.is_valid():
        raise RuleBroken(_("请选一个学校账号。"), next_step=_("先请系统管理员在本中心开通“校医或保健老师”账号。"))
    actions.add_health_worker(community_id=place.pk, **form.cleaned_data, by=request.actor, at=timezone.now())
    messages.success(request, _("已加上，可以报急诊了；看不到任何档案。"))
    return redirect("contracting-community", place.pk)


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def end_worker(request: SeatedRequest, worker_id: int) -> HttpResponse:
    """Somebody reports for the school no more."""
    place = queries.get_community(request.seat, queries.get_health_worker(worker_id).community_id)
    actions.end_health_worker(worker_id=worker_id, by=request.actor, at=timezone.now())
    messages.success(request, _("已停用，以后看不到学校的急诊。"))
    return redirect("contracting-community", place.pk)


@require_POST
@access("role", roles=permissions.CENTRE)
@idempotent
def step(request: SeatedRequest, community_visit_id: int) -> HttpResponse:
    """The team was there, or does not come, with a reason."""
    one, by, at = queries.get_community_visit(request.seat, community_visit_id), request.actor, timezone.now()
    match request.POST.get("step"):
        case "finish":
            actions.finish_community_visit(visit_id=one.pk, by=by, at=at)
            messages.success(request, _("已记下。"))
        case "cancel":
            reason = request.POST.get("reason", "")
            actions.cancel_community_visit(visit_id=one.pk, reason=reason, by=by, at=at)
            messages.success(request, _("已取消。"))
        case _:
            raise NotVisible(_("没有这一步。"), next_step=_("请从单位页上的按钮操作。"))
    return redirect("contracting-community", one.community_id)


def _reporting(place: Community, on: date) -> dict[str, Any]:
    """Who reports emergencies for a school, and who may be added."""
    if place.kind not in queries.SCHOOLS:
        return {"is_school": False}
    form = forms.HealthWorkerForm(people=queries.may_report(place, on))
    return {"is_school": True, "workers": queries.health_workers_of(place), "worker_form": form}


def _joined(request: SeatedRequest, form: Any, place: Community, who: dict[str, Any]) -> bool:
    """Whether they are on the list now; the form says why not."""
    try:
        row = actions.join_community(community_id=place.pk, **who, by=request.actor, at=timezone.now())
    except (RuleBroken, Taken) as refused:
        form.add_error(None, str(refused))
        return False
    messages.success(request, _("%(name)s已加进“%(place)s”的名册。") % {"name": row.name, "place": place.zh})
    return True


def _tabs(found: queries.Reached) -> list[tuple[str, object, int]]:
    counts = {"unrecorded": found.unrecorded, "unsigned": found.unsigned, "all": found.listed}
    return [(key, label, counts[key]) for key, label in queries.SHOWN.items()]
