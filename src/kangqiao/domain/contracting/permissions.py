"""Who sees a team or a contract, and for which side one may act."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.rows import Contribution
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat, quoted
from kangqiao.domain.contracting.models import Act, Approval, Contract, Helper, HomeVisit, SchoolHealthWorker, Team
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.permissions import keeps_place
from kangqiao.domain.institutions.queries import place_chain, place_ids_under
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Consent, Resident
from kangqiao.kernel.decision import YES, Decision, no

CENTRE = (Role.GP, Role.CENTRE_MANAGER)
HELPERS = (Role.HELPER,)
SCHOOL = (Role.SCHOOL_HEALTH,)
VISITORS = (*CENTRE, *HELPERS)
READERS = (*CENTRE, Role.BUREAU_OFFICER)
KEEPERS = (Role.CENTRE_MANAGER,)
PACKERS = (Role.CENTRE_MANAGER, Role.BUREAU_OFFICER)


def teams_visible_to(seat: Seat) -> Q:
    """A centre's own teams; a bureau's, those of its place; residents choose among the published ones."""
    if seat.role in CENTRE:
        return Q(organization_id=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        return Q(organization__place__in=place_ids_under(seat.place_code))
    return Q(status="open") if seat.role == Role.RESIDENT else Q(pk__in=())


def visible_to(seat: Seat) -> Q:
    """Contracts of one's own and of whom one acts for; a centre's, those of its teams as long as it may see the person.

    A bureau sees counts alone.
    """
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    if seat.role in CENTRE:
        return Q(team__organization_id=seat.organization_id) & residents.visible_to(seat, field="resident_id")
    return Q(pk__in=())


def running_in_house(seat: Seat) -> Q:
    """The running contracts of a centre's teams, asked of thousands at once: `visible_to` for counts and panels.

    A running contract gives the house of its team a basis, so only whoever keeps the house out is looked for.
    """
    if seat.role not in CENTRE:
        return Q(pk__in=())
    of_house = Q(team__organization_id=seat.organization_id, status__in=RUNNING)
    return of_house & residents.not_refusing(seat, field="resident_id")


def communities_visible_to(seat: Seat) -> Q:
    """The places a centre serves; a bureau's, those of its place, with counts alone."""
    if seat.role in CENTRE:
        return Q(organization_id=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        return Q(organization__place__in=place_ids_under(seat.place_code))
    return Q(pk__in=())


def can_keep_communities(by: Actor, organization_id: int) -> Decision:
    """Who works at a centre keeps the places it serves and their lists."""
    if by.is_system or (by.role in CENTRE and by.organization_id == organization_id):
        return YES
    return no(_("单位和名册由服务它的中心维护。"))


def approvals_visible_to(seat: Seat) -> Q:
    """A house's own, for its manager; a bureau's, those of its place."""
    if seat.role in KEEPERS:
        return Q(organization_id=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        return Q(organization__place__in=place_ids_under(seat.place_code))
    return Q(pk__in=())


def can_ask_approval(by: Actor, organization_id: int) -> Decision:
    """The manager of a house asks whether it may contract."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == organization_id):
        return YES
    return no(_("签约服务的批准由本机构负责人申请。"))


def approval_parties(by: Actor, approval: Approval) -> set[str]:
    """Which parties of the table the actor is: the house that asks, the bureau of its place."""
    if by.is_system:
        return {"house", "bureau"}
    if by.role in KEEPERS and by.organization_id == approval.organization_id:
        return {"house"}
    is_bureau = by.role == Role.BUREAU_OFFICER and keeps_place(by, approval.organization.place_id)
    return {"bureau"} if is_bureau else set()


def can_step_approval(by: Actor, approval: Approval, parties_of_step: tuple[str, ...]) -> Decision:
    """Whether the actor is one of the parties of a step."""
    if approval_parties(by, approval) & set(parties_of_step):
        return YES
    return no(_("申请由机构撤回，批准由它所在区的卫生行政部门决定。"), "XH23-5.2.3c")


def pilots_visible_to(seat: Seat) -> Q:
    """A centre's own pilot; a bureau's, those of its place, with counts alone."""
    if seat.role in CENTRE:
        return Q(organization_id=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        return Q(organization__place__in=place_ids_under(seat.place_code))
    return Q(pk__in=())


def can_keep_pilot(by: Actor, house: Organization) -> Decision:
    """A centre's manager begins and ends its pilot, or the bureau of its place."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == house.pk):
        return YES
    if by.role == Role.BUREAU_OFFICER and keeps_place(by, house.place_id):
        return YES
    return no(_("试点由本中心负责人，或本地区的卫生局科员开始和结束。"), "FT18-3.1a")


def one_stops_visible_to(seat: Seat) -> Q:
    """One's own and of whom one acts for; a centre's, those of its teams as long as it may see the person."""
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    if seat.role in CENTRE:
        return Q(pilot__organization_id=seat.organization_id) & residents.visible_to(seat, field="resident_id")
    return Q(pk__in=())


def can_serve_at_one_stop(by: Actor, organization_id: int, resident_id: int, at: datetime) -> Decision:
    """Who works at the centre of the pilot arranges and does the steps for residents it may see."""
    if by.is_system:
        return YES
    if by.role in CENTRE and by.organization_id == organization_id:
        return YES if residents.sees(by, resident_id, at) else no(_("这位居民不在您的服务范围。"))
    return no(_("一站式由团队所在的中心安排和记录。"))


def can_keep_health_workers(by: Actor, organization_id: int) -> Decision:
    """A centre's manager says whose account reports for a school the centre serves."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == organization_id):
        return YES
    return no(_("学校的账号由服务它的中心的负责人维护。"))


def works_at(by: Actor, community_id: int) -> bool:
    """Whether somebody looks after health at this school now."""
    rows = SchoolHealthWorker.objects.filter(community=community_id, until__isnull=True)
    return by.role in SCHOOL and rows.filter(user_id=residents.user_id_of(by) or 0).exists()


def packages_offered_at(centre: Organization) -> Q:
    """The packages a centre offers: its own, and those of the bureaus of its place and the places above."""
    places = [place.pk for place in place_chain(centre.place_id)]
    bureaus = Q(organization__kind=Organization.Kind.HEALTH_BUREAU, organization__place__in=places)
    return Q(organization_id=centre.pk) | bureaus


def can_keep_teams(by: Actor, organization_id: int) -> Decision:
    """A centre's manager forms, publishes and closes its teams."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == organization_id):
        return YES
    return no(_("团队由本中心负责人管理。"))


def can_keep_packages(by: Actor, organization: Organization) -> Decision:
    """A centre's manager keeps its own packages, an officer those for all centres of the place."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == organization.pk):
        return YES
    is_bureau = organization.kind == Organization.Kind.HEALTH_BUREAU
    if by.role == Role.BUREAU_OFFICER and is_bureau and by.organization_id == organization.pk:
        return YES
    return no(_("服务包由中心负责人或卫生局科员维护各自的。"))


def can_import(by: Actor) -> Decision:
    """Contracts of the past are read in by a job of the system."""
    return YES if by.is_system else no(_("批量导入由系统任务做。"))


def parties(by: Actor, contract: Contract) -> set[str]:
    """Which parties of the table the actor is: the team's house, the resident's side, the system."""
    if by.is_system:
        return {"system", "team"}
    if by.role in CENTRE and contract.team.organization_id == by.organization_id:
        return {"team"}
    return {"resident"} if by.role == Role.RESIDENT else set()


def can_step(by: Actor, contract: Contract, parties_of_step: tuple[str, ...], at: datetime) -> Decision:
    """Whether the actor is one of the parties of a step; a resident's side means the person who decides."""
    mine = parties(by, contract) & set(parties_of_step)
    if mine - {"resident"}:
        return YES
    if "resident" in mine:
        return decides(by, contract.resident, at)
    return no(_("这一步不由您办理。"))


def decides(by: Actor, resident: Resident, at: datetime) -> Decision:
    """Who signs and ends for a resident: that person, for a child the guardian."""
    return residents.can_decide(residents.user_id_of(by), resident, at)


def can_apply(by: Actor, team: Team, resident: Resident, at: datetime) -> Decision:
    """Residents apply for themselves and whom they act for; a team's house for people it may see."""
    if by.is_system:
        return YES
    if by.role == Role.RESIDENT:
        mine = residents.may_act_for(residents.user_id_of(by), resident.pk, at)
        return YES if mine else no(_("只能替自己、孩子或托您代办的人申请。"))
    if by.role in CENTRE and by.organization_id == team.organization_id:
        seen = residents.sees(by, resident.pk, at)
        return YES if seen else no(_("这位居民不在您的服务范围。"))
    return no(_("签约由居民本人或团队所在的中心办理。"))


def helps(seat: Seat) -> Q:
    """The places in teams that a helper holds now, wherever the team is."""
    return Q(user_id=seat.user_id, until__isnull=True) if seat.role in HELPERS else Q(pk__in=())


def visits_visible_to(seat: Seat) -> Q:
    """A helper's own visits; a centre's, those its teams' helpers go on, as long as it may see the person."""
    if seat.role in HELPERS:
        return Q(helper__user_id=seat.user_id, helper__until__isnull=True)
    if seat.role in CENTRE:
        return Q(helper__team__organization_id=seat.organization_id) & residents.visible_to(seat, field="resident_id")
    return Q(pk__in=())


def can_send(by: Actor, helper: Helper, resident_id: int, at: datetime) -> Decision:
    """The house of a team sends its helpers to residents it may see."""
    if by.is_system:
        return YES
    if by.role in CENTRE and by.organization_id == helper.team.organization_id:
        return YES if residents.sees(by, resident_id, at) else no(_("这位居民不在您的服务范围。"))
    return no(_("上门由团队所在的中心安排。"))


def visit_parties(by: Actor, visit: HomeVisit) -> set[str]:
    """Which parties of the table the actor is: the helper who goes, the team's house."""
    if by.is_system or (by.role in CENTRE and visit.helper.team.organization_id == by.organization_id):
        return {"team"}
    goes = by.role in HELPERS and visit.helper.until is None and visit.helper.user_id == residents.user_id_of(by)
    return {"helper"} if goes else set()


def can_step_visit(by: Actor, visit: HomeVisit, parties_of_step: tuple[str, ...], at: datetime) -> Decision:
    """Whether the actor is one of the parties of a step; the house as long as it may see the person."""
    mine = visit_parties(by, visit) & set(parties_of_step)
    if not mine:
        return no(_("这一步不由您办理。"))
    if "helper" in mine or by.is_system or residents.sees(by, visit.resident_id, at):
        return YES
    return no(_("这位居民不在您的服务范围。"))


# What a helper sees of residents is these columns and no row: no policy opens a record, a contract or a booking to
# them. Contact, where the written scope of their kind holds it; and whom they have to visit. A house that is refused
# has no helpers who see the person.
_HELPED = f"""
CREATE OR REPLACE FUNCTION kangqiao_helped() RETURNS TABLE (resident_id bigint, team_id bigint, name text, phone text,
  address text, is_demo boolean) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
#variable_conflict use_column
BEGIN
  IF kangqiao_me() IS NULL OR kangqiao_role() <> '{Role.HELPER.value}' THEN RETURN; END IF;
  RETURN QUERY
    SELECT DISTINCT r.id, h.team_id, r.name::text, r.phone::text, r.address::text, r.is_demo
      FROM contracting_helper h
      JOIN contracting_team t ON t.id = h.team_id
      JOIN contracting_contract c ON c.team_id = h.team_id AND c.status IN ({quoted(RUNNING)})
      JOIN residents_resident r ON r.id = c.resident_id AND r.deceased_on IS NULL
     WHERE h.user_id = kangqiao_me() AND h.until IS NULL
       AND (EXISTS (SELECT FROM contracting_teamduty d WHERE d.team_id = h.team_id AND d.kind = h.kind
                     AND '{Act.CONTACT.value}' = ANY (d.scope))
            OR EXISTS (SELECT FROM contracting_homevisit v WHERE v.helper_id = h.id AND v.resident_id = r.id
                        AND v.status = 'planned'))
       AND NOT EXISTS (
         SELECT FROM residents_consent f
          WHERE f.resident_id = r.id AND f.organization_id = t.organization_id
            AND f.decision = '{Consent.Decision.REFUSE.value}' AND f.purpose = '{Consent.Purpose.RECORD.value}'
            AND (f.until IS NULL OR f.until > kangqiao_moment())
            AND (f.withdrawn_at IS NULL OR f.withdrawn_at > kangqiao_moment()));
END $body$"""  # noqa: S608 (constant text)
# When and where somebody is awaited; the specialty would say what for.
_AWAITED = """
CREATE OR REPLACE FUNCTION kangqiao_awaited(wanted bigint[], since timestamptz) RETURNS TABLE (resident_id bigint,
  starts_at timestamptz, house text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
  SELECT b.resident_id, s.starts_at, o.short_zh::text
    FROM scheduling_booking b
    JOIN scheduling_slot s ON s.id = b.slot_id
    JOIN scheduling_session e ON e.id = b.session_id
    JOIN institutions_organization o ON o.id = e.organization_id
   WHERE b.status = 'booked' AND b.resident_id = ANY (wanted) AND s.starts_at >= since
     AND b.resident_id IN (SELECT h.resident_id FROM kangqiao_helped() h)
   ORDER BY s.starts_at, b.id
$body$"""
# A school asks for one number of its own list and reads the name; nobody else's list, and nothing of a record.
_STUDENT = f"""
CREATE OR REPLACE FUNCTION kangqiao_student(school bigint, wanted text, day date) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
  IF kangqiao_role() <> '{Role.SCHOOL_HEALTH.value}' OR NOT EXISTS (
    SELECT FROM contracting_schoolhealthworker w
     WHERE w.community_id = school AND w.user_id = kangqiao_me() AND w.until IS NULL) THEN RETURN NULL; END IF;
  RETURN (SELECT a.name FROM contracting_affiliation a
           WHERE a.community_id = school AND a.identifier = wanted AND a.starts_on <= day
             AND (a.ends_on IS NULL OR a.ends_on > day) LIMIT 1);
END $body$"""  # noqa: S608 (constant text)
ROWS = Contribution((_HELPED, _AWAITED, _STUDENT))
