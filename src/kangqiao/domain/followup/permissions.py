"""Who sees assessments, plans, surveys and channels, and who writes them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Team
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.followup.models import Survey
from kangqiao.domain.residents import permissions as residents
from kangqiao.kernel.decision import YES, Decision, no


def visible_to(seat: Seat) -> Q:
    """Plans of one's own and of one's children; a centre's, those of its teams as long as it may see the person."""
    seen = residents.visible_to(seat, field="resident_id")
    if seat.role == Role.RESIDENT:
        own = residents.bases_of(seat).filter(kind__in=residents.DECIDING)
        return Q(resident__in=own.values("resident_id"))
    return seen & Q(contract__team__organization=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def invited_visible_to(seat: Seat) -> Q:
    """Invitations by the teams of one's centre, of residents it may see."""
    seen = residents.visible_to(seat, field="resident_id")
    return seen & Q(team__organization=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def can_plan(by: Actor, team: Team, resident_id: int, at: datetime) -> Decision:
    """The team's house assesses, plans and invites whom it may see."""
    if by.is_system:
        return YES
    if by.role in CENTRE and by.organization_id == team.organization_id and residents.sees(by, resident_id, at):
        return YES
    return no(_("健康评估和方案由签约团队所在的中心做。"))


def can_keep_channels(by: Actor, team: Team) -> Decision:
    """The team's house keeps the register of its groups."""
    mine = by.role in CENTRE and by.organization_id == team.organization_id
    return YES if mine else no(_("服务群由团队所在的中心登记。"))


READERS = (*CENTRE, Role.EXPERT)


def surveys_visible_to(seat: Seat) -> Q:
    """Surveys about oneself and one's children; those a centre looks after, and those about one's own visits.

    At work always as far as the ledger lets one see the resident.
    """
    if seat.role == Role.RESIDENT:
        own = residents.bases_of(seat).filter(kind__in=residents.DECIDING)
        return Q(resident__in=own.values("resident_id"))
    if seat.role not in READERS:
        return Q(pk__in=())
    own_visits = Q(practitioner__user=seat.user_id)
    ours = Q(desk=seat.organization_id) | own_visits if seat.role in CENTRE else own_visits
    return residents.visible_to(seat, field="resident_id") & ours


def survey_parties(by: Actor, survey: Survey, at: datetime) -> set[str]:
    """Which parties of the table the actor is; `survey` with its practitioner."""
    if by.is_system:
        return {"system"}
    me = residents.user_id_of(by) or 0
    if by.role == Role.RESIDENT:
        held = residents.valid_at(at).filter(resident=survey.resident_id, user=me, kind__in=residents.DECIDING)
        return {"resident"} if held.exists() else set()
    is_desk = by.role in CENTRE and by.organization_id == survey.desk_id
    is_own = by.role in READERS and survey.practitioner is not None and survey.practitioner.user_id == me
    return {"team"} if (is_desk or is_own) and residents.sees(by, survey.resident_id, at) else set()


def can_step(by: Actor, survey: Survey, wanted: tuple[str, ...], at: datetime) -> Decision:
    """Whether the actor is one of the parties of a step."""
    return YES if survey_parties(by, survey, at) & set(wanted) else no(_("这份问卷不由您办理。"))
