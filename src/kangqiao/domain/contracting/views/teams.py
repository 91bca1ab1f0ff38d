"""Teams: the list, one with its members and streets, whom it has to reach and whom it did not serve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.transition import told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat, SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.domain.contracting.models import Group, Team
from kangqiao.domain.contracting.states import TEAM
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.residents import queries as residents
from kangqiao.kernel.errors import KangqiaoError, NotVisible

PAGE = 40


@require_safe
@access("role", roles=permissions.READERS)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """The teams by centre: who leads them, how full they are, what they lack; and how many a centre needs."""
    context = {
        "centres": queries.centre_teams(request.seat, timezone.localdate()),
        "may_form": request.seat.role in permissions.KEEPERS,
        "asks_approval": _asks_approval(request.seat),
        "may_cover": request.seat.role in permissions.PACKERS,
    }
    return render(request, "contracting/teams.html", context)


@require_safe
@access("role", roles=permissions.PACKERS)
@exports
def coverage(request: SeatedRequest) -> HttpResponse:
    """How much of the register is signed against the target, by centre, and how many people are short."""
    found = queries.coverage(request.seat, timezone.localdate())
    return render(request, "contracting/coverage.html", {"found": found})


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.KEEPERS)
@idempotent
def form_team(request: SeatedRequest) -> HttpResponse:
    """A new team of the own centre."""
    form = forms.TeamForm(request.POST or None)
    if form.is_valid():
        by, at = request.actor, timezone.now()
        try:
            made = actions.form_team(organization_id=request.seat.organization_id, **form.cleaned_data, by=by, at=at)
        except KangqiaoError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("团队已组建。请加上成员，配齐后公布。"))
            return redirect("contracting-team", made.pk)
    return render(request, "contracting/team_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@access("role", roles=permissions.READERS)
def detail(request: SeatedRequest, team_id: int) -> HttpResponse:
    """One team: who serves in it, for which streets, how full it is and how it stands with its residents."""
    return _page(request, queries.get_team(request.seat, team_id))


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def step(request: SeatedRequest, team_id: int) -> HttpResponse:
    """The team is published, or given up with a reason."""
    team, by, at = queries.get_team(request.seat, team_id), request.actor, timezone.now()
    match request.POST.get("step"):
        case "open":
            actions.open_team(team_id=team.pk, by=by, at=at)
            messages.success(request, _("团队已公布，居民可以申请签约。"))
        case "close":
            actions.close_team(team_id=team.pk, reason=request.POST.get("reason", ""), by=by, at=at)
            messages.success(request, _("团队已撤销，它的片区等别的团队接手。"))
        case _:
            raise NotVisible(_("没有这一步。"), next_step=_("请从团队页上的按钮操作。"))
    return redirect("contracting-team", team.pk)


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def add_member(request: SeatedRequest, team_id: int) -> HttpResponse:
    """Somebody joins, also from a hospital or another house."""
    team = queries.get_team(request.seat, team_id)
    form = forms.MemberForm(request.POST, people=queries.may_join(team), prefix="member")
    return _apply(request, team, form, "member", actions.add_member, _("成员已加入，职责按本地规定抄入，可以改写。"))


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def add_zone(request: SeatedRequest, team_id: int) -> HttpResponse:
    """The team answers for more house numbers."""
    team, form = queries.get_team(request.seat, team_id), forms.ZoneForm(request.POST, prefix="zone")
    return _apply(request, team, form, "zone", actions.add_zone, _("片区已划给这个团队。"))


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def duty(request: SeatedRequest, team_id: int) -> HttpResponse:
    """What one kind of member does is worded anew."""
    team, form = queries.get_team(request.seat, team_id), forms.DutyForm(request.POST)
    return _apply(request, team, form, "duty", actions.word_duty, _("职责已写好，居民也看得到。"))


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def end_member(request: SeatedRequest, member_id: int) -> HttpResponse:
    """Somebody leaves the team."""
    member = queries.get_member(request.seat, member_id)
    actions.end_member(member_id=member.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("成员已离开团队，以后看不到团队的居民。"))
    return redirect("contracting-team", member.team_id)


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def add_helper(request: SeatedRequest, team_id: int) -> HttpResponse:
    """Somebody without a licence helps the team."""
    team, on = queries.get_team(request.seat, team_id), timezone.localdate()
    form = forms.HelperForm(request.POST, people=queries.may_help(team, on), prefix="helper")
    return _apply(request, team, form, "helper", actions.add_helper, _("已加入，看不到病情。"))


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def end_helper(request: SeatedRequest, helper_id: int) -> HttpResponse:
    """Somebody helps the team no more."""
    team = queries.get_team(request.seat, queries.get_helper(helper_id).team_id)
    actions.end_helper(helper_id=helper_id, by=request.actor, at=timezone.now())
    messages.success(request, _("已离开团队，以后看不到团队的居民。"))
    return redirect("contracting-team", team.pk)


@require_POST
@access("role", roles=permissions.KEEPERS)
@idempotent
def drop_zone(request: SeatedRequest, zone_id: int) -> HttpResponse:
    """The team no longer answers for these numbers."""
    zone = queries.get_zone(request.seat, zone_id)
    actions.drop_zone(zone_id=zone.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("片区已移出，请划给别的团队。"))
    return redirect("contracting-team", zone.team_id)


@require_safe
@access("role", roles=permissions.CENTRE)
@exports
def unserved(request: SeatedRequest, team_id: int) -> HttpResponse:
    """Signed and not served: whom the team has to see."""
    team, on = queries.get_team(request.seat, team_id), timezone.localdate()
    panel = queries.panel_of(request.seat, team, on)
    page = page_of(request, panel.unserved, PAGE)
    page.object_list = queries.unserved(request.seat, list(page.object_list))
    residents.note_read(request.seat, [one.resident_id for one in page], listed=True)
    context = {"team": team, "page_obj": page, "settled": panel.settled, "served": panel.served}
    return render(request, "contracting/unserved.html", context)


@require_safe
@access("role", roles=permissions.CENTRE)
@exports
def campaign(request: SeatedRequest, team_id: int) -> HttpResponse:
    """Key groups without a contract in the team's zones: whom to call."""
    team, group = queries.get_team(request.seat, team_id), request.GET.get("group", "")
    page = page_of(request, queries.campaign(request.seat, team, group=group if group in Group else ""), PAGE)
    residents.note_read(request.seat, [one.pk for one in page], listed=True)
    held = queries.groups_held([one.pk for one in page])
    lines = [(one, [str(Group(key).label) for key in sorted(held[one.pk])]) for one in page]
    counts = queries.key_counts(request.seat, team.organization_id)
    context = {"team": team, "page_obj": page, "lines": lines, "counts": counts, "chosen": group}
    return render(request, "contracting/campaign.html", context)


def _asks_approval(seat: Seat) -> bool:
    """Whether approvals concern the seat: the manager of a house that needs one, a bureau that gives them."""
    if seat.role not in permissions.PACKERS:
        return False
    on = timezone.localdate()
    if seat.role == Role.BUREAU_OFFICER:
        return queries.gives_approvals(seat, on)
    return queries.approval_terms(organization_by_id(seat.organization_id), on) is not None


def _apply(
    request: SeatedRequest, team: Team, form: Form, name: str, act: Callable[..., Any], words: str
) -> HttpResponse:
    """One of the small forms of the team's page; what is wrong with it stands above it, and what was typed stays."""
    if form.is_valid():
        keywords = form.keywords() if hasattr(form, "keywords") else form.cleaned_data
        try:
            act(team_id=team.pk, **keywords, by=request.actor, at=timezone.now())
        except KangqiaoError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, words)
            return redirect("contracting-team", team.pk)
    return _page(request, team, **{f"{name}_form": form})


def _page(request: SeatedRequest, team: Team, **typed: Form) -> HttpResponse:
    seat, on = request.seat, timezone.localdate()
    verdict = queries.team_verdict(team, on)
    context: dict[str, Any] = {
        "team": team,
        "members": queries.members_of([team.pk], on),
        "helpers": queries.helpers_of(team),
        "duties": [(one, forms.DutyForm(initial=_said(one))) for one in team.duties.all()],
        "zones": team.zones.all(),
        "verdict": verdict,
        "steps": queries.team_steps(seat, team, verdict),
        "history": told(team, TEAM),
        "terms": queries.terms_of(team, on),
    }
    context |= _figures(seat, team, on) if seat.role in permissions.CENTRE else {}
    context |= _small_forms(team, on) if queries.may_change(seat, team) else {}
    return render(request, "contracting/team.html", context | typed, status=422 if typed else 200)


def _figures(seat: Seat, team: Team, on: date) -> dict[str, Any]:
    return {
        "counts": queries.team_counts(seat, team),
        "panel": queries.panel_of(seat, team, on),
        "key_counts": queries.key_counts(seat, team.organization_id),
    }


def _small_forms(team: Team, on: date) -> dict[str, Any]:
    return {
        "may_keep": True,
        "member_form": forms.MemberForm(people=queries.may_join(team), prefix="member"),
        "helper_form": forms.HelperForm(people=queries.may_help(team, on), prefix="helper"),
        "zone_form": forms.ZoneForm(prefix="zone"),
    }


def _said(row: Any) -> dict[str, Any]:
    return {"kind": row.kind, "duties": row.duties, "standard": row.standard, "scope": row.scope}
