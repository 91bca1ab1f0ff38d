"""What helpers of a team see: contact, when and where somebody is awaited, whom to visit (FT18-2.2c, XH23-5.2.3b)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.timezone import make_aware
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Act, Helper, HomeVisit, Team, TeamDuty
from kangqiao.domain.contracting.permissions import HELPERS, helps, visit_parties, visits_visible_to
from kangqiao.domain.contracting.states import HOME_VISIT
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.residents.queries import not_found, note_read, residents_of
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step


@dataclass(frozen=True, slots=True)
class Awaited:
    """When and where somebody is awaited; never by whom or what for."""

    starts_at: datetime
    house: str


@dataclass(frozen=True, slots=True)
class Helped:
    """A contracted resident as a helper knows them: how to reach them, and their appointments."""

    resident_id: int
    team_id: int
    name: str
    phone: str
    address: str
    is_demo: bool
    awaited: list[Awaited] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class VisitLine:
    """A visit with how to reach the resident, and the moves open to the reader."""

    visit: HomeVisit
    contact: Helped
    steps: tuple[Step, ...]


def places_of(seat: Seat) -> list[Helper]:
    """The teams a helper helps now, and as what."""
    return list(Helper.objects.select_related("team__organization").filter(helps(seat)))


def helpers_of(team: Team) -> list[Helper]:
    """Who helps a team now."""
    return list(Helper.objects.select_related("user").filter(team=team, until__isnull=True))


def get_helper(helper_id: int) -> Helper:
    """Somebody who helps a team now. Raises NotVisible."""
    rows = Helper.objects.select_related("user", "team__organization__place")
    found = rows.filter(pk=helper_id, until__isnull=True).first()
    if found is None:
        raise NotVisible(_("没有这位协助人员，或已经离开团队。"), next_step=_("请从团队页操作。"))
    return found


def may_help(team: Team, on: date) -> list[tuple[int, str]]:
    """The helpers' accounts of the team's house that do not help it yet: id and name."""
    there = Helper.objects.filter(team=team, until__isnull=True).values("user_id")
    in_force = Q(until__isnull=True) | Q(until__gt=on)
    rows = Membership.objects.filter(in_force, since__lte=on, role=Role.HELPER, organization=team.organization_id)
    return list(rows.exclude(user__in=there).order_by("user_id").values_list("user_id", "user__name").distinct())


def helped(seat: Seat) -> list[Helped]:
    """Whom a helper may reach, by name: the team's residents where the written scope holds contact, else those visited.

    The database judges by itself, too, and hands out these columns alone.
    """
    if seat.role not in HELPERS:
        return []
    places = places_of(seat)
    duties = TeamDuty.objects.filter(team__in=[one.team_id for one in places], scope__contains=[Act.CONTACT])
    in_scope = set(duties.values_list("team_id", "kind"))
    open_to = {one.team_id for one in places if (one.team_id, one.kind) in in_scope}
    to_visit = set(home_visits(seat).order_by().values_list("helper__team_id", "resident_id"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kangqiao_helped() ORDER BY name, 1, 2")
        rows = [Helped(*row) for row in cursor.fetchall()]
    return [one for one in rows if one.team_id in open_to or (one.team_id, one.resident_id) in to_visit]


def get_helped(seat: Seat, resident_id: int) -> Helped:
    """One of them. Raises NotVisible."""
    found = next((one for one in helped(seat) if one.resident_id == resident_id), None)
    if found is None:
        reads.missed("residents.resident", resident_id)
        raise not_found()
    return found


def with_appointments(rows: list[Helped], now: datetime, *, listed: bool) -> list[Helped]:
    """The same, with when and where they are awaited from now on; the log of reads says whom the page shows."""
    _note(rows, listed=listed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kangqiao_awaited(%s, %s)", [[one.resident_id for one in rows], now])
        found = cursor.fetchall()
    for one in rows:
        one.awaited.extend(Awaited(starts_at, house) for pk, starts_at, house in found if pk == one.resident_id)
    return rows


def home_visits(seat: Seat) -> QuerySet[HomeVisit]:
    """The visits of a seat that are still to be done, the earliest first."""
    rows = HomeVisit.objects.select_related("helper__team", "helper__user")
    return rows.filter(visits_visible_to(seat), status="planned").order_by("on", "pk")


def get_visit(seat: Seat, visit_id: int) -> HomeVisit:
    """One of them, or one that is over. Raises NotVisible."""
    rows = HomeVisit.objects.select_related("helper__team", "helper__user")
    found = rows.filter(visits_visible_to(seat), pk=visit_id).first()
    if found is None:
        raise NotVisible(_("没有这次上门，或不由您去。"), next_step=_("请从上门清单打开。"))
    return found


def visit_lines(seat: Seat, visits: list[HomeVisit]) -> list[VisitLine]:
    """Visits with how to reach the resident: a helper's by what the database hands out, a house's by its own scope.

    Whom the reader may not reach any more is left out. The log of reads says whom the page shows.
    """
    if seat.role in HELPERS:
        known = {one.resident_id: one for one in helped(seat)}
        _note([known[one.resident_id] for one in visits if one.resident_id in known], listed=True)
    else:
        ids = [one.resident_id for one in visits]
        people = residents_of(seat).filter(pk__in=ids)
        known = {one.pk: Helped(one.pk, 0, one.name, one.phone, one.address, one.is_demo) for one in people}
        note_read(seat, known, listed=True)
    return [
        VisitLine(one, known[one.resident_id], tuple(HOME_VISIT.steps_from(one.status, parties)))
        for one in visits
        if one.resident_id in known and (parties := visit_parties(seat.actor, one))
    ]


def waiting_visits(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many visits a helper has to go on, and the day of the first."""
    lines = visit_lines(seat, list(home_visits(seat)))
    return len(lines), make_aware(datetime.combine(lines[0].visit.on, time())) if lines else None


def _note(rows: list[Helped], *, listed: bool) -> None:
    """A helper stands on the contract of the resident with the team."""
    reads.saw({one.resident_id: Basis.Kind.CONTRACT.value for one in rows}, listed=listed)
