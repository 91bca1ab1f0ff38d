"""Writing the network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.search import search_keys
from kangqiao.domain.institutions.models import Organization, Place, naming_organizations
from kangqiao.domain.institutions.permissions import can_keep_network, can_register_office, can_register_station
from kangqiao.domain.institutions.queries import guidance_office_of, organization_by_id
from kangqiao.domain.institutions.rules import CODE, PART_OF, PLACE, Fault, Finding, Line, read_line
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def create_place(
    *,
    code: str,
    zh: str,
    en: str = "",
    part_of_id: int | None = None,
    is_functional_zone: bool = False,
    by: Actor,
    at: datetime,
) -> Place:
    """A place enters the network under its division code (GB/T 2260, or a zone's extension of one).

    Raises Denied, or RuleBroken when the code is taken.
    """
    with transaction.atomic():
        _require_keeper(by, part_of_id)
        if Place.objects.filter(code=code).exists():
            raise RuleBroken(_("代码 %(code)s 已经登记。") % {"code": code}, next_step=_("请换一个代码。"))
        row = Place.objects.create(
            code=code, zh=zh, en=en, part_of_id=part_of_id, is_functional_zone=is_functional_zone
        )
        record("institutions.create_place", row, by=by, at=at, code=code)
    return row


def create_organization(
    *,
    code: str,
    kind: str,
    zh: str,
    place_id: int,
    short_zh: str = "",
    en: str = "",
    part_of_id: int | None = None,
    level: int | None = None,
    ownership: str = "",
    opened_on: date | None = None,
    population_served: int | None = None,
    specialty: str = "",
    address: str = "",
    phone: str = "",
    is_stand_in: bool = False,
    is_demo: bool = False,
    by: Actor,
    at: datetime,
) -> Organization:
    """An organisation enters the network, findable by characters, full pinyin and initials of both its names.

    Whether its level lets it carry a duty is judged where the duty is taken on, not here. Raises Denied, or
    RuleBroken when the code is taken or a hospital comes without level or ownership it needs later.
    """
    with transaction.atomic():
        _require_keeper(by, place_id)
        if part_of_id is not None:  # a part speaks for the whole: nobody makes one of an organisation they do not keep
            _require_keeper(by, organization_by_id(part_of_id).place_id)
        if Organization.objects.filter(code=code).exists():
            raise RuleBroken(_("代码 %(code)s 已经登记。") % {"code": code}, next_step=_("请换一个代码。"))
        short = short_zh or zh
        row = Organization.objects.create(
            code=code,
            kind=Organization.Kind(kind).value,
            zh=zh,
            short_zh=short,
            en=en,
            place_id=place_id,
            part_of_id=part_of_id,
            level=level,
            ownership=Organization.Ownership(ownership).value if ownership else "",
            opened_on=opened_on,
            population_served=population_served,
            specialty=specialty,
            address=address,
            phone=phone,
            is_stand_in=is_stand_in,
            is_demo=is_demo,
            keys=sorted({*search_keys(zh), *search_keys(short)}),
        )
        record("institutions.create_organization", row, by=by, at=at, code=code, kind=kind)
    return row


def judge_organizations(*, rows: Sequence[Mapping[str, str]], by: Actor, at: datetime) -> list[list[Finding]]:
    """What stands in the way of each line of a list of institutions, or is odd about it; nothing is entered."""
    read = [_read(row, at) for row in rows]
    lines = [line for line, _findings in read]
    places = dict(Place.objects.values_list("code", "pk"))
    homes = dict(Organization.objects.values_list("code", "place_id"))
    is_kept = cache(lambda place_id: bool(can_keep_network(by, place_id)))
    rooted = _rooted(lines, homes)
    return [
        [*findings, *_unplaced(line, places, homes, rooted), *_of_others(line, places, homes, is_kept)]
        for line, findings in read
    ]


def import_organizations(*, rows: Sequence[Mapping[str, str]], by: Actor, at: datetime) -> list[int]:
    """Lines that were judged become organisations, those that others are part of first. Answers their ids in order.

    Raises Denied, RuleBroken as `create_organization` does; rows that were judged bad are not among them.
    """
    lines = [_read(row, at)[0] for row in rows]
    made: dict[str, int] = {}
    with transaction.atomic():
        places = dict(Place.objects.values_list("code", "pk"))
        known = dict(Organization.objects.values_list("code", "pk"))
        order = _rooted(lines, known)
        for line in sorted(lines, key=lambda line: order.index(line.code)):
            row = create_organization(
                code=line.code, kind=line.kind, zh=line.zh, short_zh=line.short_zh, place_id=places[line.place_code],
                part_of_id=known.get(line.part_of_code), level=line.level, ownership=line.ownership,
                opened_on=line.opened_on, population_served=line.population, address=line.address, phone=line.phone,
                by=by, at=at,
            )  # fmt: skip
            known[row.code] = made[row.code] = row.pk
    return [made[line.code] for line in lines]


def take_back(*, organization_ids: Sequence[int], by: Actor, at: datetime) -> dict[int, str]:
    """Institutions registered by mistake go again.

    Answers, for those that stay, the label of a table in which something stands on them already. Raises Denied.
    """
    with transaction.atomic():
        rows = {row.pk: row for row in Organization.objects.select_for_update().filter(pk__in=organization_ids)}
        for place_id in {row.place_id for row in rows.values()}:
            _require_keeper(by, place_id)
        stay: dict[int, str] = {}
        for relation in naming_organizations():
            model, name = relation.related_model, relation.field.name
            found = model._base_manager.filter(**{f"{name}__in": list(rows)})
            if model is Organization:  # a part that goes too holds nobody
                found = found.exclude(pk__in=rows)
            stay |= dict.fromkeys(found.values_list(f"{name}_id", flat=True), model._meta.label_lower)
        # What a part that stays is part of stays too.
        while held := [pk for pk in rows.keys() - stay.keys() if any(rows[one].part_of_id == pk for one in stay)]:
            stay |= dict.fromkeys(held, Organization._meta.label_lower)
        gone = [pk for pk in rows if pk not in stay]
        leaving = Organization.objects.filter(pk__in=gone)
        leaving.update(part_of=None)  # whole and part go together
        leaving.delete()
        record("institutions.take_back", Organization(), by=by, at=at, rows=len(gone), stay=len(stay))
    return stay


def _read(row: Mapping[str, str], at: datetime) -> tuple[Line, list[Finding]]:
    kinds = {str(kind.label): kind.value for kind in Organization.Kind}
    ownerships = {str(one.label): one.value for one in Organization.Ownership}
    return read_line(row, kinds=kinds, ownerships=ownerships, today=localtime(at).date())


def _rooted(lines: Sequence[Line], known: Collection[str]) -> list[str]:
    """Codes of the lines that are part of nothing, or of what is there, or of one before them in this order."""
    placed: dict[str, None] = {}
    waiting = {line.code: line.part_of_code for line in lines}
    while ready := [code for code, part_of in waiting.items() if not part_of or part_of in known or part_of in placed]:
        placed |= dict.fromkeys(ready)
        waiting = {code: part_of for code, part_of in waiting.items() if code not in placed}
    return list(placed)


def _unplaced(
    line: Line, places: Collection[str], homes: Collection[str], rooted: Collection[str]
) -> Iterator[Finding]:
    """Codes that are taken or lead nowhere; a row may be part of another of the list."""
    if line.code in homes:
        yield Finding(CODE, Fault.KNOWN)
    if line.place_code and line.place_code not in places:
        yield Finding(PLACE, Fault.UNKNOWN)
    if line.code and line.code not in rooted:
        yield Finding(PART_OF, Fault.UNKNOWN)


def _of_others(
    line: Line, places: Mapping[str, int], homes: Mapping[str, int], is_kept: Callable[[int], bool]
) -> Iterator[Finding]:
    """Codes of places, and of organisations in places, that somebody else keeps."""
    if line.place_code in places and not is_kept(places[line.place_code]):
        yield Finding(PLACE, Fault.OF_OTHERS)
    if line.part_of_code in homes and not is_kept(homes[line.part_of_code]):
        yield Finding(PART_OF, Fault.OF_OTHERS)


def register_guidance_office(*, hospital_id: int, zh: str = "", by: Actor, at: datetime) -> Organization:
    """A hospital registers the office that runs its work with the centres day to day (ZH-4.1a).

    Raises NotVisible for what is no hospital, Denied, or RuleBroken when the hospital has its office already.
    """
    with transaction.atomic():
        hospital = (
            Organization.objects.select_for_update().filter(pk=hospital_id, kind=Organization.Kind.HOSPITAL).first()
        )
        if hospital is None:
            raise NotVisible(_("没有这家医院。"))
        allowed = can_register_office(by, hospital)
        if not allowed:
            raise Denied(allowed.reason, clause=allowed.clause)
        if guidance_office_of(hospital_id) is not None:
            raise RuleBroken(_("%(hospital)s已经登记指导科。") % {"hospital": hospital.zh}, clause="ZH-4.1a")
        name = zh or _("%(hospital)s社区卫生服务指导科") % {"hospital": hospital.zh}
        row = Organization.objects.create(
            code=f"{hospital.code}-guidance",
            kind=Organization.Kind.GUIDANCE_OFFICE,
            zh=name,
            short_zh=_("社区指导科"),
            place_id=hospital.place_id,
            part_of=hospital,
            is_stand_in=hospital.is_stand_in,
            is_demo=hospital.is_demo,
            keys=search_keys(name),
        )
        record("institutions.register_guidance_office", row, by=by, at=at, hospital=hospital.code)
    return row


def register_station(
    *, centre_id: int, zh: str, address: str = "", phone: str = "", opened_on: date | None = None, by: Actor,
    at: datetime,
) -> Organization:  # fmt: skip
    """A centre registers a station that belongs to it.

    Raises NotVisible for what is no centre, Denied, RuleBroken without a name, for a name one of its stations has, or
    a day ahead.
    """
    with transaction.atomic():
        centre = Organization.objects.select_for_update().filter(pk=centre_id, kind=Organization.Kind.CENTRE).first()
        if centre is None:
            raise NotVisible(_("没有这家社区卫生服务中心。"))
        allowed = can_register_station(by, centre)
        if not allowed:
            raise Denied(allowed.reason)
        name, mine = zh.strip(), Organization.objects.filter(part_of=centre, kind=Organization.Kind.STATION)
        if not name:
            raise RuleBroken(_("请写服务站的名称。"))
        if mine.filter(zh=name).exists():
            raise RuleBroken(_("本中心已有叫“%(name)s”的服务站。") % {"name": name}, next_step=_("请换个名字。"))
        if opened_on is not None and opened_on > localtime(at).date():
            raise RuleBroken(_("开的那天在今天之后。"), next_step=_("请等开了以后再登记，或核对日期。"))
        row = Organization.objects.create(
            code=_free_code(f"{centre.code}-station", mine.count() + 1), kind=Organization.Kind.STATION, zh=name,
            short_zh=name, place_id=centre.place_id, part_of=centre, address=address.strip(), phone=phone.strip(),
            opened_on=opened_on, is_demo=centre.is_demo, keys=search_keys(name),
        )  # fmt: skip
        record("institutions.register_station", row, by=by, at=at, centre=centre.code)
    return row


def _free_code(stem: str, number: int) -> str:
    """The first code from that number on which nobody has."""
    while Organization.objects.filter(code=f"{stem}{number}").exists():
        number += 1
    return f"{stem}{number}"


def set_population_served(*, organization_id: int, population: int, by: Actor, at: datetime) -> Organization:
    """The bureau enters how many people a centre serves; the payer's sum per person rests on it.

    Raises Denied, NotVisible, or RuleBroken for a negative number.
    """
    with transaction.atomic():
        row = Organization.objects.select_for_update().filter(pk=organization_id).first()
        if row is None:
            raise NotVisible(_("没有这个机构。"))
        _require_keeper(by, row.place_id)
        if population < 0:
            raise RuleBroken(_("服务人口不能小于零。"), next_step=_("请核对后重填。"))
        before, row.population_served = row.population_served, population
        row.save(update_fields=("population_served",))
        record("institutions.set_population_served", row, by=by, at=at, before=before, after=population)
    return row


def _require_keeper(by: Actor, place_id: int | None) -> None:
    allowed = can_keep_network(by, place_id)
    if not allowed:
        raise Denied(allowed.reason)
