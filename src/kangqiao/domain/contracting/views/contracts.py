"""Contracts: the desk, one contract and its steps, and the resident's own page."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from, number_in, wants_drawer
from kangqiao.base.transition import told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.domain.contracting.models import CommunityVisit, Contract
from kangqiao.domain.contracting.states import CONTRACT
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken

PAGE = 40
MOST_FOUND = 8
STAFF = permissions.CENTRE
BOTH = (*STAFF, Role.RESIDENT)
# Each step: its action, what a person fills in at the desk, and what to say afterwards.
STEPS: dict[str, tuple[Any, type[forms.StepForm], Any]] = {
    "accept": (actions.accept_contract, forms.StepForm, gettext_lazy("已接受，名额已留好，等居民签署。")),
    "refuse": (actions.refuse_contract, forms.ReasonForm, gettext_lazy("已答复，居民会看到您写的原因。")),
    "sign": (actions.sign_contract, forms.SignForm, gettext_lazy("已签约，今天起生效。")),
    "withdraw": (actions.withdraw_contract, forms.StepForm, gettext_lazy("已撤回。")),
    "renew": (actions.renew_contract, forms.RenewForm, gettext_lazy("已续约，接着上一期生效。")),
    "suspend": (actions.suspend_contract, forms.ReasonForm, gettext_lazy("已暂停服务，名额保留。")),
    "resume": (actions.resume_contract, forms.StepForm, gettext_lazy("已恢复服务。")),
    "end": (actions.end_contract, forms.EndForm, gettext_lazy("已解约，名额已放出。")),
}
# Where a way of asking for a service leads to, and what stands on its button.
WAYS: dict[str, tuple[str, Any]] = {
    "book": ("slots-find", gettext_lazy("去预约")),
    "ask": ("portal-mine", gettext_lazy("问团队")),
    "plan": ("followup-mine", gettext_lazy("看方案")),
    "centre": ("portal-centre", gettext_lazy("看中心的服务")),
    "record": ("records-mine", gettext_lazy("看档案")),
}
# A resident signs on the own screen: nothing to fill in.
ON_SCREEN = {"way": Contract.Way.SCREEN.value, "where": Contract.Where.ONLINE.value}


@require_safe
@access("role", roles=STAFF)
@exports
def desk(request: SeatedRequest) -> HttpResponse:
    """The contracts of the house by where they stand; what waits longest comes first."""
    seat, on = request.seat, timezone.localdate()
    tabs = queries.tab_counts(seat, on)
    first = next((key for key, _label, count in tabs if count), "applied")
    tab = request.GET.get("tab", first)
    tab = tab if tab in queries.TABS else first
    narrow = forms.Narrow(request.GET, teams=queries.open_teams(seat.organization_id))
    page = page_of(request, queries.listed(seat, tab, on, **narrow.wanted()), PAGE)
    residents.note_read(seat, [one.resident_id for one in page], listed=True)
    lines = [(one, queries.sentence(one, on)) for one in page]
    context = {"tabs": tabs, "tab": tab, "page_obj": page, "lines": lines, "narrow": narrow}
    context["pilot"] = queries.pilot_on(seat.organization_id, on)
    return render(request, "contracting/desk.html", context)


@require_safe
@access("role", roles=BOTH)
def detail(request: SeatedRequest, contract_id: int) -> HttpResponse:
    """One contract, as a page or in the drawer of a worklist; residents read it on their own page."""
    if request.seat.role == Role.RESIDENT:
        return redirect("contracting-mine")
    one = queries.get_contract(request.seat, contract_id)
    context = _contract(request, one) | {"back": came_from(request) or reverse("home")}
    page = "contracting/glance.html" if wants_drawer(request) else "contracting/detail.html"
    return render(request, page, context)


@require_http_methods(["GET", "POST"])
@access("role", roles=BOTH)
@idempotent
def step(request: SeatedRequest, contract_id: int, action: str) -> HttpResponse:
    """One step of the table: a page where more than a press is needed, and the step itself."""
    one = queries.get_contract(request.seat, contract_id)
    if action not in STEPS:
        raise NotVisible(_("没有这一步。"), next_step=_("请从签约页上的按钮操作。"))
    act, form_class, words = STEPS[action]
    is_own = request.seat.role == Role.RESIDENT
    fixed = ON_SCREEN if is_own and action in ("sign", "renew") else {}
    form = (forms.OwnSignForm if fixed else form_class)(request.POST or None, initial=_signer(request, one))
    if isinstance(form, forms.SignForm):
        form.offer(queries.places_to_sign_at(one.team.organization_id))
    if request.method == "POST" and form.is_valid():
        try:
            act(contract_id=one.pk, by=request.actor, at=timezone.now(), **fixed, **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, words)
            return redirect(came_from(request) or _after(request, one))
    context = _contract(request, one) | {"form": form, "step": CONTRACT.step(action)}
    page = "contracting/own_step.html" if is_own else "contracting/step.html"
    return render(request, page, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@access("role", roles=STAFF)
@idempotent
def new(request: SeatedRequest) -> HttpResponse:
    """An application at the desk: first the resident, then team, packages and who of the family signs with them."""
    seat, patient = request.seat, _patient(request)
    if patient is None:
        text = request.GET.get("q", "")
        found = residents.search_residents(seat, text, MOST_FOUND)
        return render(request, "contracting/find.html", {"found": found, "text": text})
    teams = queries.open_teams(seat.organization_id)
    form = _form(request, patient, teams, queries.family_of(seat, patient))
    if request.method == "POST" and (made := _applied(request, form)):
        messages.success(request, _("申请已登记，请接受后签署。"))
        return redirect("contracting-detail", made[0].pk)
    context = _applying(request, patient, form)
    return render(request, "contracting/new.html", context, status=_status(form))


@require_safe
@access("role", roles=(Role.RESIDENT,))
def mine(request: SeatedRequest) -> HttpResponse:
    """The resident's team: who they are, what was promised and done, and what to do next."""
    own, now = _own(request), timezone.now()
    page = queries.mine(request.seat, own, now)
    shown = page.current or page.renewed or page.pending
    on = timezone.localdate(now)
    is_other = own.user_id != request.seat.user_id
    context = {
        "mine": page,
        "resident": own,
        "is_other": is_other,
        "team": shown.team if shown else queries.responsible_team(own),
        "members": queries.members_of([shown.team_id], on) if shown else [],
        "promised": _ways(page.current, on, is_other=is_other) if page.current else [],
        "sentence": queries.sentence(shown, on) if shown else "",
        "stops": queries.one_stops_of(request.seat, own.pk, on),
        "told": queries.sentence(page.pending, on) if page.pending else "",
        "acted_for": residents.acted_for(request.seat, now),
    }
    return render(request, "contracting/mine.html", context)


@require_http_methods(["GET", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def apply(request: SeatedRequest) -> HttpResponse:
    """A resident chooses a team of the own centre, for themselves, for a child, or for the family together."""
    own, seat = _own(request), request.seat
    family = [one.resident for one in residents.acted_for(seat, timezone.now()) if one.resident.pk != own.pk]
    teams = queries.teams_to_choose(own)
    form = _form(request, own, teams, family)
    if request.method == "POST" and _applied(request, form):
        messages.success(request, _("申请已送给团队，有答复会通知您。"))
        return redirect(_mine(request, own))
    context = _applying(request, own, form) | {"members": queries.members_by_team(teams, timezone.localdate())}
    return render(request, "contracting/apply.html", context, status=_status(form))


@require_safe
@access("role", roles=STAFF)
def of_resident(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """The contract of one resident, for a card on the page of the record."""
    one = residents.get_resident(request.seat, resident_id)
    found = queries.of_resident(request.seat, one.pk)
    shown = next((row for row in found if not row.state.final), None)
    context = {
        "resident": one,
        "shown": shown,
        "sentence": queries.sentence(shown, timezone.localdate()) if shown else "",
        "responsible": queries.responsible_team(one),
        "groups": queries.groups_named(one.pk),
        "places": queries.belongs_to(request.seat, one, timezone.localdate()),
    }
    return render(request, "contracting/of.html", context)


@require_safe
@access("role", roles=STAFF)
def groups(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """The key groups of one resident: since when, by what evidence, and until when."""
    one = residents.get_resident(request.seat, resident_id)
    page = {"resident": one, "flags": queries.flags_of(request.seat, one, timezone.localdate())}
    return render(request, "contracting/groups.html", page)


def _contract(request: SeatedRequest, one: Contract) -> dict[str, Any]:
    on = timezone.localdate()
    return {
        "contract": one,
        "resident": one.resident,
        "age": residents.age(one.resident, on),
        "sentence": queries.sentence(one, on),
        "steps": queries.available_steps(request.seat, one),
        "may_renew": queries.due_to_renew(one, on),
        "promised": queries.promised(one, on),
        "members": queries.members_of([one.team_id], on),
        "pilot": queries.pilot_on(one.team.organization_id, on),
        "household": queries.household_of(one) if one.household_id else [],
        "history": told(one, CONTRACT),
    }


def _ways(one: Contract, on: date, *, is_other: bool) -> list[tuple[queries.PromisedItem, str, str]]:
    """Each item with the address at which it is asked for and the words of the button; without a page the telephone."""
    phone, who = one.team.phone or one.team.organization.phone, f"?resident={one.resident_id}" if is_other else ""
    call, found = (f"tel:{phone}" if phone else "", phone), []
    for item in queries.promised(one, on):
        address, words = WAYS.get(item.way.link, ("", "")) if item.way else ("", "")
        found.append((item, reverse(address) + who, str(words)) if address else (item, *call))
    return found


def _signer(request: SeatedRequest, one: Contract) -> dict[str, Any]:
    """Whose name is awaited, and the place the team is at today, where the resident belongs to it."""
    name, is_for_child = queries.signer_of(one, timezone.now())
    visit = None if request.seat.role == Role.RESIDENT else _visit(request, one.resident)
    there = {"community_id": visit.community_id} if visit and visit.team_id == one.team_id else {}
    return {"signed_by": "" if is_for_child else name, **there}


def _visit(request: SeatedRequest, resident: Resident) -> CommunityVisit | None:
    return queries.visited_today(request.seat, resident, timezone.localdate())


def _after(request: SeatedRequest, one: Contract) -> str:
    if request.seat.role == Role.RESIDENT:
        return _mine(request, one.resident)
    return reverse("contracting-detail", args=(one.pk,))


def _mine(request: SeatedRequest, own: Resident) -> str:
    other = "" if own.user_id == request.seat.user_id else f"?resident={own.pk}"
    return reverse("contracting-mine") + other


def _number(request: SeatedRequest) -> int | None:
    wanted = request.GET.get("resident", "")
    return number_in(wanted)


def _patient(request: SeatedRequest) -> Resident | None:
    wanted = _number(request)
    return None if wanted is None else residents.get_resident(request.seat, wanted)


def _own(request: SeatedRequest) -> Resident:
    own = _patient(request) or residents.resident_of(request.seat.user_id)
    if own is None:
        raise RuleBroken(_("您的账号还没有绑定居民档案。"), next_step=_("请带身份证到社区卫生服务中心办理。"))
    return own


def _form(request: SeatedRequest, patient: Resident, teams: list[Any], family: list[Resident]) -> forms.ApplyForm:
    offered = list(queries.offered(patient.centre, timezone.localdate()))
    suited = queries.suited(offered, patient.pk)
    visit = None if request.seat.role == Role.RESIDENT else _visit(request, patient)
    first = visit.team if visit else queries.responsible_team(patient)
    return forms.ApplyForm(
        request.POST or None, resident=patient, teams=teams, packages=suited, family=family,
        initial={
            "team": first.pk if first else None,
            "packages": [one.pk for one in suited if not one.year_fen and not queries.is_declared(one)],
        },
    )  # fmt: skip


def _applied(request: SeatedRequest, form: forms.ApplyForm) -> list[Contract]:
    """What the action made; nothing when the form says why not."""
    if not form.is_valid():
        return []
    try:
        return actions.apply_for_contract(**form.keywords(), by=request.actor, at=timezone.now())
    except (RuleBroken, Taken) as error:
        form.add_error(None, str(error))
        return []


def _applying(request: SeatedRequest, patient: Resident, form: forms.ApplyForm) -> dict[str, Any]:
    return {
        "form": form,
        "resident": patient,
        "age": residents.age(patient, timezone.localdate()),
        "groups": queries.groups_named(patient.pk),
        "responsible": queries.responsible_team(patient),
        "present": queries.running_of([patient.pk]).get(patient.pk),
    }


def _status(form: forms.ApplyForm) -> int:
    return 422 if form.errors else 200
