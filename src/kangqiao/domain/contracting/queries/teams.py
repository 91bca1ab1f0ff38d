"""Teams: who is in them, how full they are, what they lack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import BigIntegerField, Count, Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.contracting.models import Contract, Team, TeamMember, Zone
from kangqiao.domain.contracting.parameters import ContractingParameters, contracting_at
from kangqiao.domain.contracting.permissions import CENTRE, can_keep_teams, teams_visible_to, visible_to
from kangqiao.domain.contracting.rules import PROFESSION_NAMES, missing_professions, team_is_whole, teams_needed
from kangqiao.domain.contracting.states import CONTRACT, TEAM
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import place_chain, place_ids_under
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NotVisible


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team as the list shows it: its lead, how many serve in it and from how many houses, what it still lacks."""

    team: Team
    lead: TeamMember | None
    members: int
    houses: int
    missing: tuple[str, ...]
    is_nearly_full: bool
    zones: int


@dataclass(frozen=True, slots=True)
class CentreTeams:
    """A centre with its teams, and how many it needs for the people it serves (ZH-4.5a)."""

    centre: Organization
    lines: list[TeamLine]
    people: int | None
    needed: int | None
    terms: ContractingParameters

    @property
    def standing(self) -> int:
        """Teams that take contracts."""
        return sum(1 for line in self.lines if line.team.status == "open")


def teams(seat: Seat) -> QuerySet[Team]:
    """The teams a seat may see."""
    return Team.objects.select_related("organization__place").filter(teams_visible_to(seat))


def get_team(seat: Seat, team_id: int) -> Team:
    """One team. Raises NotVisible."""
    if seat.role in CENTRE:  # the places of a bureau's seat change the words of the question
        own = _own_team.models(seat.role, team=team_id, **told_of(seat))
        found: Team | None = own[0] if own else None
    else:
        found = teams(seat).filter(pk=team_id).first()
    if found is None:
        raise NotVisible(_("没有这个团队，或不在您的范围内。"), next_step=_("请从团队清单打开。"))
    return found


@Prepared
def _own_team(role: str) -> QuerySet[Team]:
    return teams(any_seat(role)).filter(pk=Told("team", BigIntegerField())).order_by()


def get_member(seat: Seat, member_id: int) -> TeamMember:
    """One member of a team the seat sees. Raises NotVisible."""
    found = TeamMember.objects.select_related("team").filter(pk=member_id, team__in=teams(seat)).first()
    if found is None:
        raise NotVisible(_("没有这位成员，或不在您的范围内。"), next_step=_("请从团队页操作。"))
    return found


def get_zone(seat: Seat, zone_id: int) -> Zone:
    """One zone of a team the seat sees. Raises NotVisible."""
    found = Zone.objects.select_related("team").filter(pk=zone_id, team__in=teams(seat)).first()
    if found is None:
        raise NotVisible(_("没有这个片区，或不在您的范围内。"), next_step=_("请从团队页操作。"))
    return found


def members_of(team_ids: Iterable[int], on: date) -> list[TeamMember]:
    """Those who serve in these teams on a day, the lead first."""
    serving = Q(until__isnull=True) | Q(until__gt=on)
    rows = TeamMember.objects.select_related("practitioner__organization", "practitioner__specialty")
    return list(rows.filter(serving, team__in=list(team_ids), since__lte=on).order_by("-is_lead", "kind", "pk"))


def team_verdict(team: Team, on: date) -> Decision:
    """Whether a team is complete on a day, and what it lacks (ZH-4.5b). Raises NoPolicyInForce."""
    terms, members = contracting_at(team.organization.place.code, on), members_of([team.pk], on)
    wanted = terms.member_kinds
    lead = any(one.is_lead for one in members)
    kinds = [one.kind for one in members]
    return team_is_whole(kinds, wanted.list_(), has_lead=lead, clause=wanted.clause)


def team_lines(rows: Iterable[Team], on: date) -> list[TeamLine]:
    """Teams as the list shows them, of however many centres, in two statements. Raises NoPolicyInForce."""
    found = list(rows)
    served: dict[int, list[TeamMember]] = {}
    for member in members_of([one.pk for one in found], on):
        served.setdefault(member.team_id, []).append(member)
    zones = dict(
        Zone.objects.filter(team__in=[one.pk for one in found])
        .order_by()
        .values_list("team")
        .annotate(n=Count("zh", distinct=True))
    )
    return [_line(one, served.get(one.pk, []), zones.get(one.pk, 0), terms_of(one, on)) for one in found]


def _line(team: Team, members: list[TeamMember], zones: int, terms: ContractingParameters) -> TeamLine:
    lacks = missing_professions([one.kind for one in members], terms.member_kinds.list_())
    return TeamLine(
        team=team,
        lead=next((one for one in members if one.is_lead), None),
        members=len(members),
        houses=len({one.practitioner.organization_id for one in members}),
        missing=tuple(str(PROFESSION_NAMES.get(one, one)) for one in lacks),
        is_nearly_full=team.share * 100 >= terms.alert_percent.number(),
        zones=zones,
    )


def centre_teams(seat: Seat, on: date) -> list[CentreTeams]:
    """The teams a seat sees, by centre, with the number each centre needs. Raises NoPolicyInForce."""
    rows = teams(seat).exclude(status="closed").order_by("organization__place__code", "organization", "pk")
    by_centre: dict[Organization, list[TeamLine]] = {}
    for line in team_lines(rows, on):
        by_centre.setdefault(line.team.organization, []).append(line)
    found = []
    for centre, lines in by_centre.items():
        terms, people = terms_of(lines[0].team, on), centre.population_served
        needed = teams_needed(people, terms.panel.integer()) if people else None
        found.append(CentreTeams(centre, lines, people, needed, terms))
    return found


def open_teams(centre_id: int) -> list[Team]:
    """The teams of a centre that take contracts, those with the most room first."""
    rows = Team.objects.select_related("organization__place").filter(organization=centre_id, status="open")
    return sorted(rows, key=lambda team: (-team.room, team.pk))


def outside_users(team: Team, on: date) -> list[int]:
    """The accounts of members whom another house employs: they see the team's residents in their own name."""
    return [
        one.practitioner.user_id
        for one in members_of([team.pk], on)
        if one.practitioner.user_id is not None and one.practitioner.organization_id != team.organization_id
    ]


def terms_of(team: Team, on: date) -> ContractingParameters:
    """What the packs say for a team's place on a day. Raises NoPolicyInForce."""
    return contracting_at(team.organization.place.code, on)


def team_steps(seat: Seat, team: Team, verdict: Decision) -> list[dict[str, object]]:
    """The moves of a team's page; publishing says why it is barred while somebody is missing."""
    if not can_keep_teams(seat.actor, team.organization_id):
        return []
    return [
        {
            "action": step.action, "zh": step.zh, "en": step.en, "primary": step.primary, "danger": step.danger,
            "needs_reason": step.needs_reason, "why": verdict.reason if step.action == "open" and not verdict else "",
        }
        for step in TEAM.steps_from(team.status, {"manager"})
    ]  # fmt: skip


def may_change(seat: Seat, team: Team) -> bool:
    """Whether the seat keeps this team and it has not been given up."""
    return bool(can_keep_teams(seat.actor, team.organization_id)) and not team.state.final


def team_counts(seat: Seat, team: Team) -> list[tuple[str, int]]:
    """How many contracts of a team stand where, as far as the seat sees them, in the order of the state table."""
    rows = Contract.objects.filter(visible_to(seat), team=team).order_by().values_list("status")
    found = dict(rows.annotate(n=Count("pk")))
    return [(state.zh, found[state.key]) for state in CONTRACT.states if state.key in found]


def may_join(team: Team) -> list[Practitioner]:
    """Who may be asked to join: staff of the team's house first, then of the houses of its city."""
    chain = place_chain(team.organization.place_id)
    places = place_ids_under(chain[-1].code)
    there = TeamMember.objects.filter(team=team, until__isnull=True).values("practitioner_id")
    rows = Practitioner.objects.select_related("organization").filter(organization__place__in=places, is_licensed=True)
    found = rows.exclude(pk__in=there).order_by("organization", "pk")
    return sorted(found, key=lambda one: one.organization_id != team.organization_id)
