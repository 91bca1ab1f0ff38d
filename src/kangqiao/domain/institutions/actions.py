"""Writing the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.search import search_keys
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.institutions.permissions import can_keep_network, can_register_office
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


def import_organizations(
    *, rows: Iterable[Mapping[str, str]], is_sure: bool, by: Actor, at: datetime
) -> tuple[int, list[Finding]]:
    """A list of institutions is read in, whole or not at all. Returns how many entered, and what stands in the way.

    What is impossible or belongs to a place of others is never let in; what is unusual only when somebody said that it
    is right. Raises Denied.
    """
    if not by.is_system:
        _require_keeper(by, organization_by_id(by.organization_id or 0).place_id)
    kinds = {str(kind.label): kind.value for kind in Organization.Kind}
    ownerships = {str(one.label): one.value for one in Organization.Ownership}
    read = [read_line(row, kinds=kinds, ownerships=ownerships, today=localtime(at).date()) for row in rows]
    lines = [line for line, _findings in read]
    with transaction.atomic():
        places = dict(Place.objects.values_list("code", "pk"))
        houses = Organization.objects.select_for_update().select_related("place")
        known = {one.code: one.pk for one in houses}
        findings = [finding for _line, found in read for finding in found] + list(_unplaced(lines, places, known))
        findings += _of_others(lines, places, {one.code: one.place_id for one in houses}, by)
        if not lines or any(not finding.is_question or not is_sure for finding in findings):
            return 0, sorted(findings, key=lambda finding: finding.line)
        for line in lines:
            row = create_organization(
                code=line.code, kind=line.kind, zh=line.zh, short_zh=line.short_zh, place_id=places[line.place_code],
                part_of_id=known.get(line.part_of_code), level=line.level, ownership=line.ownership,
                opened_on=line.opened_on, population_served=line.population, address=line.address, phone=line.phone,
                by=by, at=at,
            )  # fmt: skip
            known[row.code] = row.pk
    return len(lines), findings


def _unplaced(lines: Iterable[Line], places: Mapping[str, int], known: Mapping[str, int]) -> Iterable[Finding]:
    """Codes that are taken or lead nowhere; a row may be part of one above it."""
    seen = set(known)
    for line in lines:
        if line.code in seen:
            yield Finding(line.line, CODE, line.code, Fault.TWICE)
        if line.place_code and line.place_code not in places:
            yield Finding(line.line, PLACE, line.place_code, Fault.UNKNOWN)
        if line.part_of_code and line.part_of_code not in seen:
            yield Finding(line.line, PART_OF, line.part_of_code, Fault.UNKNOWN)
        seen.add(line.code)


def _of_others(
    lines: Iterable[Line], places: Mapping[str, int], homes: Mapping[str, int], by: Actor
) -> Iterable[Finding]:
    """Codes of places, and of organisations in places, that somebody else keeps."""
    is_kept = cache(lambda place_id: bool(can_keep_network(by, place_id)))
    for line in lines:
        if line.place_code in places and not is_kept(places[line.place_code]):
            yield Finding(line.line, PLACE, line.place_code, Fault.OF_OTHERS)
        if line.part_of_code in homes and not is_kept(homes[line.part_of_code]):
            yield Finding(line.line, PART_OF, line.part_of_code, Fault.OF_OTHERS)


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
