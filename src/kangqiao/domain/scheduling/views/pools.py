"""How a hospital shares its places out: what became of each pool, another share tried on it, and the rule set."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.forms import PartnerRuleForm, PoolRuleForm, ReplayForm
from kangqiao.domain.scheduling.views.booking import Request
from kangqiao.kernel.errors import RuleBroken

SHARERS = (Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR, Role.DISPATCHER)
READERS = (*SHARERS, Role.BUREAU_OFFICER)


@access("role", roles=READERS)
@require_GET
def own(request: Request) -> HttpResponse:
    """One's own hospital, or the list of those of the region."""
    houses = queries.pool_houses(request.actor)
    if len(houses) == 1:
        return redirect("slots-pools-of", houses[0].pk)
    return render(request, "scheduling/pool_houses.html", {"houses": houses})


@access("role", roles=READERS)
@require_GET
def pools(request: Request, hospital_id: int) -> HttpResponse:
    """What became of the places of the weeks past, what another share would have made of them, and the rules."""
    house = queries.get_pool_house(request.actor, hospital_id)
    return _page(request, house, None)


@access("role", roles=SHARERS)
@require_POST
@idempotent
def share(request: Request, hospital_id: int) -> HttpResponse:
    """The hospital, a department or one session shares out anew; coming clinics follow."""
    house = queries.get_pool_house(request.actor, hospital_id)
    form = _form(house, request.POST)
    if not form.is_valid():
        return _page(request, house, form, status=422)
    given = form.cleaned_data
    _rule, count = actions.set_pool_rule(
        organization_id=house.pk, session_id=given.pop("session"), **given, by=request.actor, at=timezone.now()
    )
    messages.success(request, _("已定下，%(count)s场还没开始的门诊已按它放号。") % {"count": count})
    return redirect("slots-pools-of", house.pk)


@access("role", roles=SHARERS)
@require_POST
@idempotent
def partner(request: Request, hospital_id: int) -> HttpResponse:
    """One paired centre gets so many places of each session at least and at most; coming clinics follow."""
    house = queries.get_pool_house(request.actor, hospital_id)
    form = _partner_form(house, request.POST)
    if form.is_valid():
        try:
            _rule, count = actions.set_partner_rule(
                organization_id=house.pk, **form.signed(), by=request.actor, at=timezone.now()
            )
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已定下，%(count)s场还没开始的门诊已按它放号。") % {"count": count})
            return redirect("slots-pools-of", house.pk)
    return _page(request, house, None, form, status=422)


def _page(
    request: Request, house: Organization, form: PoolRuleForm | None, partner_form: PartnerRuleForm | None = None,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    asked = ReplayForm(request.GET)
    wanted = asked.cleaned_data if asked.is_valid() else {}
    sheet = queries.pool_sheet(house, timezone.now(), wanted.get("share"), wanted.get("session"))
    page = {
        "sheet": sheet,
        "form": form or _form(house, None, sheet),
        "partners": queries.partners_of(house, timezone.now()),
        "partner_form": partner_form or _partner_form(house, None),
        "may_share": bool(permissions.can_share_out(request.actor, house)),
    }
    return render(request, "scheduling/pools.html", page, status=status)


def _partner_form(house: Organization, given: Any) -> PartnerRuleForm:
    today = timezone.localdate()
    centres = [(one.pk, called(one)) for one in queries.paired_centres(house, today)]
    departments = [(one.code, called(one)) for one in queries.specialties_at(house.pk)]
    return PartnerRuleForm(given, initial={"since": today, "least": 0}, centres=centres, specialties=departments)


def _form(house: Organization, given: Any, sheet: queries.PoolSheet | None = None) -> PoolRuleForm:
    """The form as sent, or filled with what counts now."""
    departments = [(one.code, called(one)) for one in queries.specialties_at(house.pk)]
    if sheet is None:
        return PoolRuleForm(given, specialties=departments)
    calendar, session = sheet.calendar, sheet.session
    partner, team, contracted = (round(100 * share) for share in calendar.shares)
    now = {
        "partner_percent": partner, "team_percent": team, "contracted_percent": contracted,
        "team_hours": calendar.team_hours, "contracted_hours": calendar.contracted_hours,
        "release_hours": calendar.release_hours, "since": timezone.localdate(),
        "session": session.pk if session else None, "specialty": session.specialty if session else "",
    }  # fmt: skip
    return PoolRuleForm(initial=now, specialties=departments)
