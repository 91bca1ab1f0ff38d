"""Places people belong to: how many of them have a record and a contract, who does not, and when the team comes.

FT18-2.3b, XH23-5.2.1d, XH23-5.2.1e.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.acting import beyond
from kangqiao.base.search import wanted_key
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Affiliation, Community, CommunityVisit, Contract
from kangqiao.domain.contracting.permissions import CENTRE, can_keep_communities, communities_visible_to
from kangqiao.domain.contracting.states import COMMUNITY_VISIT
from kangqiao.domain.residents.models import Merge, Resident
from kangqiao.domain.residents.queries import note_read, residents_of
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step

# Whom a place's page lists: without a record, without a contract, everybody.
SHOWN = {
    "unrecorded": gettext_lazy("没有档案"),
    "unsigned": gettext_lazy("没有签约"),
    "all": gettext_lazy("全部"),
}


@dataclass(frozen=True, slots=True)
class Reached:
    """A place on a day: people on its list, those with a record and with a contract, and the team's days there."""

    community: Community
    listed: int = 0
    recorded: int = 0
    signed: int = 0
    signed_here: int = 0
    last_on: date | None = None
    next_on: date | None = None

    @property
    def people(self) -> int:
        """How many belong there: what the place says, or its list where that is longer."""
        return max(self.community.head_count or 0, self.listed)

    @property
    def unlisted(self) -> int:
        """How many the place says it has and its list does not name."""
        return self.people - self.listed

    @property
    def unrecorded(self) -> int:
        """How many of the list are in no register."""
        return self.listed - self.recorded

    @property
    def unsigned(self) -> int:
        """How many of the list have no contract."""
        return self.listed - self.signed

    @property
    def recorded_share(self) -> float | None:
        """The part with a record, from 0 to 1; None where nobody is known to belong there."""
        return self.recorded / self.people if self.people else None

    @property
    def signed_share(self) -> float | None:
        """The part with a contract, from 0 to 1; None where nobody is known to belong there."""
        return self.signed / self.people if self.people else None


@dataclass(frozen=True, slots=True)
class Belonging:
    """One line of a place's list: whether there is a record and a contract; the record itself if the seat sees it."""

    row: Affiliation
    is_recorded: bool
    is_signed: bool
    resident: Resident | None


def communities(seat: Seat, text: str = "", kind: str = "") -> QuerySet[Community]:
    """The places a seat may see, by a part of the name, of its pinyin or its initials, and by kind."""
    rows = Community.objects.select_related("organization__place").filter(communities_visible_to(seat))
    if key := wanted_key(text):
        rows = rows.filter(keys__icontains=key)
    return rows.filter(kind=kind) if kind else rows


def get_community(seat: Seat, community_id: int) -> Community:
    """One of them. Raises NotVisible."""
    found = communities(seat).filter(pk=community_id).first()
    if found is None:
        raise NotVisible(_("没有这个单位，或不由您的中心服务。"), next_step=_("请从单位清单打开。"))
    return found


def places_to_sign_at(organization_id: int) -> list[Community]:
    """The places a house serves."""
    return list(Community.objects.filter(organization=organization_id))


def may_keep(seat: Seat, community: Community) -> bool:
    """Whether the seat keeps the place and its list."""
    return bool(can_keep_communities(seat.actor, community.organization_id))


def reached(rows: Iterable[Community], on: date) -> list[Reached]:
    """The figures of each place on a day, for all of them together."""
    found = list(rows)
    ids = [one.pk for one in found]
    counts, days = _counted(ids, on), _visited(ids, on)
    return [Reached(one, *counts.get(one.pk, (0, 0, 0, 0)), *days.get(one.pk, (None, None))) for one in found]


def listed_people(seat: Seat, community: Community, on: date, shown: str, text: str = "") -> QuerySet[Affiliation]:
    """Who is on the list of a place on a day: everybody, those without a record or those without a contract."""
    rows = _in_force(on).filter(community=community) if seat.role in CENTRE else Affiliation.objects.none()
    if shown != "all":
        wanted = 0 if shown == "unrecorded" else 1
        standing = _standing([community.pk], on)
        rows = rows.filter(pk__in=[pk for pk, facts in standing.items() if not facts[wanted]])
    if key := wanted_key(text):
        rows = rows.filter(keys__icontains=key)
    return rows.order_by("name", "pk")


def belongings(seat: Seat, community: Community, rows: Iterable[Affiliation], on: date) -> list[Belonging]:
    """Lines with what is known of them; the log of reads says whose records stand behind them."""
    found, standing = list(rows), _standing([community.pk], on)
    wanted = {standing[one.pk][0] for one in found if one.pk in standing}
    seen = residents_of(seat).in_bulk([pk for pk in wanted if pk])
    note_read(seat, seen, listed=True)
    lines = []
    for one in found:
        person, is_signed = standing.get(one.pk, (None, False))
        lines.append(Belonging(one, person is not None, is_signed, seen.get(person or 0)))
    return lines


def get_affiliation(seat: Seat, affiliation_id: int) -> Affiliation:
    """One line of a list the seat may see. Raises NotVisible."""
    mine = Affiliation.objects.select_related("community").filter(community__in=communities(seat))
    found = mine.filter(pk=affiliation_id).first() if seat.role in CENTRE else None
    if found is None:
        raise NotVisible(_("名册上没有这个人。"), next_step=_("请从单位的名册打开。"))
    return found


def belongs_to(seat: Seat, resident: Resident, on: date) -> list[Affiliation]:
    """The places of the seat's house a resident belongs to on a day."""
    rows = _in_force(on).select_related("community").filter(identifier=resident.identifier)
    return list(rows.filter(community__in=communities(seat)).order_by("community__zh"))


def visited_today(seat: Seat, resident: Resident, on: date) -> CommunityVisit | None:
    """The visit of a team today at a place the resident belongs to: who is there signs with it, at that place."""
    places = belongs_to(seat, resident, on)
    rows = CommunityVisit.objects.select_related("team", "community")
    there = rows.filter(community__in=[one.community_id for one in places], on=on, status__in=("planned", "done"))
    return there.order_by("pk").first()


def terms_on_lists(
    community_ids: Iterable[int], identifiers: Iterable[str]
) -> dict[tuple[int, str], list[tuple[date, date | None]]]:
    """Place and number → from when until when they are on its list already."""
    rows = Affiliation.objects.filter(community__in=list(community_ids), identifier__in=list(identifiers))
    found: dict[tuple[int, str], list[tuple[date, date | None]]] = {}
    for community, number, starts_on, ends_on in rows.values_list("community", "identifier", "starts_on", "ends_on"):
        found.setdefault((community, number), []).append((starts_on, ends_on))
    return found


def community_visits(
    seat: Seat, community: Community, on: date, most: int
) -> list[tuple[CommunityVisit, tuple[Step, ...]]]:
    """The team's days at a place, the latest first, with the moves open to the seat: a day ahead was not made yet."""
    rows = CommunityVisit.objects.select_related("team").filter(community=community).order_by("-on", "-pk")[:most]
    parties = {"team"} if may_keep(seat, community) else set()
    lines = [(one, COMMUNITY_VISIT.steps_from(one.status, parties)) for one in rows]
    return [(one, tuple(step for step in steps if step.action != "finish" or one.on <= on)) for one, steps in lines]


def get_community_visit(seat: Seat, visit_id: int) -> CommunityVisit:
    """One day of a team at a place. Raises NotVisible."""
    rows = CommunityVisit.objects.select_related("community").filter(community__in=communities(seat))
    found = rows.filter(pk=visit_id).first()
    if found is None:
        raise NotVisible(_("没有这次安排，或不由您的中心服务。"), next_step=_("请从单位的页面打开。"))
    return found


def _in_force(on: date) -> QuerySet[Affiliation]:
    return Affiliation.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=on), starts_on__lte=on)


def _with_facts(community_ids: list[int], on: date) -> QuerySet[Any]:
    """Who belongs there, with the record of that number (the kept one of two) and whether a contract covers the day."""
    one_of = Resident.objects.filter(identifier=OuterRef("identifier")).values("pk")
    kept = Merge.objects.filter(gone__identifier=OuterRef("identifier"), undone_at__isnull=True).values("kept")
    held = Contract.objects.filter(resident=OuterRef("person"), starts_on__lte=on, ends_on__gt=on)
    person = Coalesce(Subquery(kept), Subquery(one_of), output_field=BigIntegerField())
    rows = _in_force(on).filter(community__in=community_ids).annotate(person=person)
    return rows.annotate(is_signed=Exists(held), is_here=Exists(held.filter(community=OuterRef("community"))))


@beyond("contracting.communities")
def _counted(community_ids: list[int], on: date) -> dict[int, tuple[int, int, int, int]]:
    """Place → people on its list, with a record anywhere, with a contract anywhere, with one signed there."""
    # Two lines of one person, by a number each, are one; a line without a record counts for itself.
    who = Coalesce(F("person"), -F("pk"))
    rows = _with_facts(community_ids, on).annotate(who=who).order_by().values("community")
    counted = rows.annotate(
        listed=Count("who", distinct=True), recorded=Count("person", distinct=True),
        signed=Count("person", filter=Q(is_signed=True), distinct=True),
        here=Count("person", filter=Q(is_here=True), distinct=True),
    )  # fmt: skip
    return {one["community"]: (one["listed"], one["recorded"], one["signed"], one["here"]) for one in counted}


@beyond("contracting.communities")
def _standing(community_ids: list[int], on: date) -> Mapping[int, tuple[int | None, bool]]:
    """Line of a list → the record of that number, and whether there is a contract."""
    rows = _with_facts(community_ids, on).order_by().values_list("pk", "person", "is_signed")
    return {pk: (person, is_signed) for pk, person, is_signed in rows}


def _visited(community_ids: list[int], on: date) -> dict[int, tuple[date | None, date | None]]:
    """Place → the last day the team was there, and the next it will come."""
    rows = CommunityVisit.objects.filter(community__in=community_ids).order_by().values_list("community")
    found = rows.annotate(
        last=Max("on", filter=Q(status="done")), coming=Min("on", filter=Q(status="planned", on__gte=on))
    )
    return {community: (last, coming) for community, last, coming in found}
