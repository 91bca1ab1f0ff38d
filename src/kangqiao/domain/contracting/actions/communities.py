"""Places people belong to, who is on their lists, and the days a team comes there (XH23-5.2.1d, XH23-5.2.1e)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.search import search_keys
from kangqiao.base.transition import begin, begin_all, transition, transition_all
from kangqiao.domain.contracting import permissions, queries, rules
from kangqiao.domain.contracting.actions.panel import _allow
from kangqiao.domain.contracting.models import Affiliation, Community, CommunityVisit, Contract, Team
from kangqiao.domain.contracting.states import COMMUNITY_VISIT
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken


@dataclass(frozen=True, slots=True)
class NewAffiliation:
    """One line of a place's list: who, by which number, from when, and the first day no longer if it is known."""

    community_id: int
    name: str
    identifier: str
    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewCommunity:
    """One place with its list (name and number), and on which days the team was there or will come."""

    organization: Organization
    kind: str
    zh: str
    head_count: int
    team: Team
    people: tuple[tuple[str, str], ...]
    visits: tuple[date, ...]


def add_community(
    *, organization_id: int, kind: str, zh: str, address: str = "", phone: str = "", head_count: int | None = None,
    counted_on: date | None = None, counted_by: str = "", by: Actor, at: datetime,
) -> Community:  # fmt: skip
    """A centre begins to serve a place where people work, study or live together (XH23-5.2.1e).

    Raises Denied, RuleBroken for a house that is no centre, a count without day or source, a day ahead; Taken for a
    name the centre has already.
    """
    with transaction.atomic():
        _allow(permissions.can_keep_communities(by, organization_id))
        house = organization_by_id(organization_id)
        if house.kind not in queries.REGISTERING:
            raise RuleBroken(_("单位由社区卫生服务中心、站、诊所或医务室服务。"))
        row = Community(organization=house)
        _word(row, kind, zh, address, phone, head_count, counted_on, counted_by, at)
        record("contracting.add_community", row, by=by, at=at, name=row.zh, kind=kind)
    return row


def mend_community(
    *, community_id: int, kind: str, zh: str, address: str = "", phone: str = "", head_count: int | None = None,
    counted_on: date | None = None, counted_by: str = "", by: Actor, at: datetime,
) -> Community:  # fmt: skip
    """What is known of a place is corrected, such as its number of the new school year.

    Raises Denied, NotVisible, RuleBroken for a count without day or source, a day ahead; Taken for a name in use.
    """
    with transaction.atomic():
        row = _community(community_id, by)
        before = row.head_count
        _word(row, kind, zh, address, phone, head_count, counted_on, counted_by, at)
        record("contracting.mend_community", row, by=by, at=at, name=row.zh, kind=kind, before=before, now=head_count)
    return row


def join_community(
    *, community_id: int, name: str, identifier: str, starts_on: date | None = None, by: Actor, at: datetime
) -> Affiliation:
    """Somebody is put on the list of a place from a day on, today unless told otherwise.

    Raises Denied, NotVisible, RuleBroken for a name or number that cannot be, Taken where they are on it already.
    """
    with transaction.atomic():
        place, on = _community(community_id, by), localtime(at).date()
        faults = rules.person_faults(name, identifier, on)
        if faults:
            raise RuleBroken(str(rules.SAID[faults[0]]), next_step=_("请对着证件核对姓名和证件号。"))
        return _join(place, name.strip(), identifier.strip().upper(), starts_on or on, None, by=by, at=at)


def join_signer(*, community: Community, resident: Resident, by: Actor, at: datetime) -> None:
    """Who signs at a place belongs to it: put on its list where they are not yet (XH23-5.2.1e)."""
    who, on = (community.pk, resident.identifier), localtime(at).date()
    terms = queries.terms_on_lists([who[0]], [who[1]]).get(who, [])
    if any(rules.overlaps((on, on + timedelta(days=1)), one) for one in terms):
        return
    later = min((start for start, end in terms if start > on and start != end), default=None)
    _join(community, resident.name, resident.identifier, on, later, by=by, at=at)


def leave_community(*, affiliation_id: int, by: Actor, at: datetime) -> Affiliation:
    """Somebody belongs to the place no more from today on. Raises Denied, NotVisible, RuleBroken where they have left.

    Who was written down for a day ahead is counted on no day.
    """
    with transaction.atomic():
        row, on = _affiliation(affiliation_id, by), localtime(at).date()
        if row.ends_on is not None and row.ends_on <= max(on, row.starts_on):
            raise RuleBroken(_("这个人已经不在名册上。"), next_step=_("请刷新后再看。"))
        row.ends_on = max(on, row.starts_on)
        row.save(update_fields=("ends_on",))
        record("contracting.leave_community", row, by=by, at=at, community=row.community_id)
    return row


def import_roll(*, people: Sequence[NewAffiliation], by: Actor, at: datetime) -> list[int]:
    """The list of a school, a home or a firm is read in; whoever is in the register is recognised by the number.

    One audit row stands for all. Raises Denied, Taken where somebody came onto the list meanwhile.
    """
    with transaction.atomic():
        for community_id in {one.community_id for one in people}:
            _community(community_id, by)
        ids = _list(people, is_demo=False)
        record("contracting.import_roll", Affiliation(), by=by, at=at, rows=len(ids))
    return ids


def take_back_roll(*, affiliation_ids: Sequence[int], by: Actor, at: datetime) -> dict[int, str]:
    """Lines read in by mistake go again; those who left or signed at the place since stay, and it says why.

    Raises Denied.
    """
    with transaction.atomic():
        rows = Affiliation.objects.select_for_update(of=("self",)).select_related("community")
        found = {row.pk: row for row in rows.filter(pk__in=affiliation_ids)}
        for row in found.values():
            _allow(permissions.can_keep_communities(by, row.community.organization_id))
        signed = set(
            Contract.objects.filter(community__in={row.community_id for row in found.values()}).values_list(
                "community_id", "resident__identifier"
            )
        )
        stay = {pk: "contracting.contract" for pk, row in found.items() if (row.community_id, row.identifier) in signed}
        gone = [pk for pk in found if pk not in stay]
        Affiliation.objects.filter(pk__in=gone).delete()
        record("contracting.take_back_roll", Affiliation(), by=by, at=at, rows=len(gone), stay=len(stay))
    return stay


def import_communities(
    *, communities: Sequence[NewCommunity], since: date, source: str, is_demo: bool = False, by: Actor, at: datetime
) -> list[Community]:
    """Places with their lists and visits are read in by a job, in a few statements; one audit row stands for all.

    Visits before today were made. Raises Denied.
    """
    _allow(permissions.can_import(by))
    on = localtime(at).date()
    with transaction.atomic():
        rows = Community.objects.bulk_create(
            Community(
                organization=one.organization, kind=Community.Kind(one.kind).value, zh=one.zh, counted_on=since,
                head_count=one.head_count, counted_by=source, keys=search_keys(one.zh), is_demo=is_demo,
            )
            for one in communities
        )  # fmt: skip
        pairs = list(zip(rows, communities, strict=True))
        people = [NewAffiliation(row.pk, *person, since) for row, one in pairs for person in one.people]
        _list(people, is_demo=is_demo)
        visits = CommunityVisit.objects.bulk_create(
            CommunityVisit(community=row, team=one.team, on=day) for row, one in pairs for day in one.visits
        )
        begin_all(visits, COMMUNITY_VISIT, by=by, at=at)
        transition_all([one for one in visits if one.on < on], COMMUNITY_VISIT, "finish", by=by, at=at)
        record("contracting.import_communities", Community(), by=by, at=at, rows=len(rows), people=len(people))
    return rows


def plan_community_visit(*, community_id: int, team_id: int, on: date, by: Actor, at: datetime) -> CommunityVisit:
    """A team of the centre comes to the place on a day (XH23-5.2.1d).

    Raises Denied, NotVisible, RuleBroken for a day gone or a team of another house, Taken where it comes that day.
    """
    with transaction.atomic():
        place = _community(community_id, by)
        if on < localtime(at).date():
            raise RuleBroken(_("日期已经过去。"), next_step=_("请选今天或以后。"))
        team = Team.objects.filter(pk=team_id, organization=place.organization_id, status="open").first()
        if team is None:
            raise RuleBroken(_("只能派本中心正在服务的团队。"), next_step=_("请换一个团队。"))
        row = CommunityVisit(community=place, team=team, on=on)
        _insert(row, _("这个团队那天已经安排去这里。"), _("请换一天，或换一个团队。"))
        begin(row, COMMUNITY_VISIT, by=by, at=at)
        record("contracting.plan_community_visit", row, by=by, at=at, community=place.pk, team=team.pk)
    return row


def finish_community_visit(*, visit_id: int, by: Actor, at: datetime) -> CommunityVisit:
    """The team was there. Raises Denied, NotVisible, AlreadyMoved, RuleBroken before the day."""
    with transaction.atomic():
        row = _visit(visit_id, by)
        if row.on > localtime(at).date():
            raise RuleBroken(_("还没到去的日子。"), next_step=_("请去过以后再记。"))
        transition(row, COMMUNITY_VISIT, "finish", by=by, at=at)
        record("contracting.finish_community_visit", row, by=by, at=at, community=row.community_id)
    return row


def cancel_community_visit(*, visit_id: int, reason: str, by: Actor, at: datetime) -> CommunityVisit:
    """The team does not come after all. Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason."""
    with transaction.atomic():
        row = _visit(visit_id, by)
        transition(row, COMMUNITY_VISIT, "cancel", by=by, at=at, reason=reason)
        record("contracting.cancel_community_visit", row, by=by, at=at, community=row.community_id)
    return row


def _word(
    row: Community, kind: str, zh: str, address: str, phone: str, head_count: int | None, counted_on: date | None,
    counted_by: str, at: datetime,
) -> None:  # fmt: skip
    given: Mapping[str, Any] = {
        "kind": Community.Kind(kind).value, "zh": zh.strip(), "address": address.strip(), "phone": phone.strip(),
        "head_count": head_count, "counted_on": counted_on, "counted_by": counted_by.strip(),
        "keys": search_keys(zh.strip()),
    }  # fmt: skip
    if len({head_count is None, counted_on is None, not given["counted_by"]}) > 1:
        raise RuleBroken(
            _("人数要和日期、来源一起写。"),
            next_step=_("请三项都填，例如“800、2026-09-01、学校在校生名单”，或都空着。"),
        )
    if counted_on is not None and counted_on > localtime(at).date():
        raise RuleBroken(_("统计人数的日期在今天之后。"), next_step=_("请核对日期。"))
    for name, value in given.items():
        setattr(row, name, value)
    _insert(row, _("本中心已有叫“%(name)s”的单位。") % {"name": row.zh}, _("请打开已有的那个，或换个名字。"))


def _join(
    place: Community, name: str, identifier: str, starts_on: date, ends_on: date | None, *, by: Actor, at: datetime
) -> Affiliation:
    row = Affiliation(
        community=place, name=name, identifier=identifier, starts_on=starts_on, ends_on=ends_on,
        keys=search_keys(name), is_demo=place.is_demo,
    )  # fmt: skip
    _one_after_another([place.pk])
    _insert(row, _("这个证件号已经在这里的名册上。"), _("请在名册里查找。"))
    record("contracting.join_community", row, by=by, at=at, community=place.pk)
    return row


def _list(people: Sequence[NewAffiliation], *, is_demo: bool) -> list[int]:
    keys = {name: search_keys(name) for name in {one.name for one in people}}
    rows = [
        Affiliation(
            community_id=one.community_id, name=one.name, identifier=one.identifier, starts_on=one.starts_on,
            ends_on=one.ends_on, keys=keys[one.name], is_demo=is_demo,
        )
        for one in people
    ]  # fmt: skip
    _one_after_another({one.community_id for one in people})
    try:
        with transaction.atomic():
            made = Affiliation.objects.bulk_create(rows)
    except IntegrityError as clash:
        raise Taken(_("名册里有人刚刚被登记。"), next_step=_("请刷新后再看，或重新上传。")) from clash
    return [one.pk for one in made]


def _one_after_another(community_ids: Collection[int]) -> None:
    """The list of a place is written by one at a time.

    Two rows that meet in an exclusion constraint wait for each other and end in a deadlock; the row of the place,
    locked first and in one order, makes the second wait and be refused with a reason instead.
    """
    list(Community.objects.select_for_update(no_key=True).filter(pk__in=community_ids).order_by("pk"))


def _insert(row: Community | Affiliation | CommunityVisit, taken: str, next_step: str) -> None:
    """Writes the row; what a constraint keeps apart is told as taken."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as clash:
        raise Taken(taken, next_step=next_step) from clash


def _community(community_id: int, by: Actor) -> Community:
    row = Community.objects.select_related("organization__place").filter(pk=community_id).first()
    if row is None:
        raise NotVisible(_("没有这个单位。"), next_step=_("请从单位清单打开。"))
    _allow(permissions.can_keep_communities(by, row.organization_id))
    return row


def _affiliation(affiliation_id: int, by: Actor) -> Affiliation:
    rows = Affiliation.objects.select_for_update(of=("self",)).select_related("community")
    row = rows.filter(pk=affiliation_id).first()
    if row is None:
        raise NotVisible(_("名册上没有这个人。"), next_step=_("请从单位的名册打开。"))
    _allow(permissions.can_keep_communities(by, row.community.organization_id))
    return row


def _visit(visit_id: int, by: Actor) -> CommunityVisit:
    rows = CommunityVisit.objects.select_for_update(of=("self",)).select_related("community")
    row = rows.filter(pk=visit_id).first()
    if row is None:
        raise NotVisible(_("没有这次安排。"), next_step=_("请从单位的页面打开。"))
    _allow(permissions.can_keep_communities(by, row.community.organization_id))
    return row
