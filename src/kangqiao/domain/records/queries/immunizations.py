"""Vaccinations as pages show them, what is odd about one before it is written, and which are due."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.base.templatetags.kq import called, is_english
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records.models import Allergy, Immunization
from kangqiao.domain.records.parameters import Series, Vaccine, programme
from kangqiao.domain.records.queries.reading import Id, Protection, _hidden_visit, protection_of
from kangqiao.domain.records.rules import (
    DoseDue,
    DoseFault,
    DoseFinding,
    Given,
    due_doses,
    judge_dose,
    next_number,
    series_of,
)
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import not_found

ALLERGY, REACTED = "allergy", "reacted"


@dataclass(frozen=True, slots=True)
class Jab:
    """A vaccination as told: given here with all the law asks for, or elsewhere as far as its certificate goes."""

    vaccine: str
    given_on: date
    dose: int = 0
    is_here: bool = True
    place: str = ""
    performer: str = ""
    manufacturer: str = ""
    lot: str = ""
    expires_on: date | None = None
    site: str = ""
    route: str = ""
    reaction: str = ""


@dataclass(frozen=True, slots=True)
class Odd:
    """One thing the matter with a vaccination, in words; `code` names it where somebody may say that it is right so."""

    code: str
    words: str
    is_asked: bool


@dataclass(frozen=True, slots=True)
class ShownJab:
    """A vaccination in words: which vaccine, which dose, how and where it was given."""

    row: Immunization
    name: str
    dose: str
    how: str
    where: str


@dataclass(frozen=True, slots=True)
class Course:
    """A series of the programme for somebody: what was given, what comes next; `due` is None when it is whole."""

    series: Series
    given: Sequence[ShownJab]
    due: DoseDue | None

    @property
    def vaccine(self) -> str:
        """The vaccine of the dose that comes next."""
        return self.series.doses[self.due.dose - 1].vaccines[0] if self.due else ""


def immunizations_of(
    seat: Seat, resident: Resident, protection: Protection | None = None, *, past: bool = False
) -> QuerySet[Immunization]:
    """The vaccinations that hold, or with those corrected in the `past`, open to the seat, latest first.

    Raises NotVisible when the seat has no basis.
    """
    return open_immunizations(resident.pk, protection or protection_of(seat, resident), past=past)


def open_immunizations(resident_id: Id, protection: Protection, *, past: bool = False) -> QuerySet[Immunization]:
    """The vaccinations of a resident that a protection leaves open, latest first."""
    closed = protection.pattern
    rows = Immunization.objects.filter(resident=resident_id)
    rows = rows if past else rows.filter(is_current=True, is_void=False)
    if closed:
        rows = rows.exclude(reaction__iregex=closed).exclude(reason__iregex=closed)
        rows = rows.filter(Q(encounter__isnull=True) | ~_hidden_visit(closed, "encounter__"))
    return rows.select_related("organization").order_by("-given_on", "-pk")


def immunization(seat: Seat, immunization_id: int) -> Immunization:
    """One vaccination of a resident in scope, corrected or not, with its former ones. Raises NotVisible."""
    rows = Immunization.objects.select_related("resident", "organization")
    found = rows.filter(pk=immunization_id).first()
    if found is None:
        reads.missed("records.immunization", immunization_id)
        raise not_found()
    if not immunizations_of(seat, found.resident, past=True).filter(pk=found.pk).exists():
        raise not_found()
    return found


def former_immunizations(row: Immunization) -> list[Immunization]:
    """What stood there before it was corrected, the latest first."""
    found: list[Immunization] = []
    while row.corrects is not None:
        row = row.corrects
        found.append(row)
    return found


def given_of(rows: Iterable[Immunization]) -> list[Given]:
    """Vaccinations as the rules read them."""
    return [Given(one.vaccine, one.series, one.dose or 0, one.given_on) for one in rows]


def told_dose(resident: Resident, told: Jab, known: Sequence[Given]) -> Given:
    """What is told, with its series; the next dose where none was named."""
    series = series_of(told.vaccine, resident.birth_date, resident.sex, programme())
    dose = told.dose or (next_number(series, known) if series else 0)
    return Given(told.vaccine, series.key if series else told.vaccine, dose, told.given_on)


def judged(resident: Resident, told: Jab, on: date, former: Immunization | None = None) -> tuple[Given, list[Odd]]:
    """A vaccination with its series and dose, and all that is the matter with it: what cannot be first.

    `former` is the row it corrects, which is not asked about itself. No seat: who writes has been let in before.
    """
    rows = Immunization.objects.filter(resident=resident, is_current=True, is_void=False)
    held = list(rows.exclude(pk=former.pk) if former else rows)
    known, rules = given_of(held), programme()
    given = told_dose(resident, told, known)
    series = series_of(told.vaccine, resident.birth_date, resident.sex, rules)
    found = judge_dose(
        given, resident.birth_date, resident.deceased_on, series, known, rules, on,
        is_here=told.is_here, expires_on=told.expires_on,
    )  # fmt: skip
    odd = [Odd(one.fault.value, _words(one, given, series), one.is_asked) for one in found]
    vaccine = rules.vaccines[told.vaccine]
    for code, words in (*_allergic(resident, vaccine), *_reacted(held, given)):
        odd.append(Odd(code, words, is_asked=not told.is_here or code not in rules.binding))
    return given, sorted(odd, key=lambda one: one.is_asked)


def _allergic(resident: Resident, vaccine: Vaccine) -> Iterable[tuple[str, str]]:
    for one in Allergy.objects.filter(resident=resident, refuted_at__isnull=True).exclude(zh=""):
        parts = [part for part in vaccine.contains if part == one.zh or _is_part(part, one.code)]
        if parts or one.zh in (vaccine.zh, vaccine.en) or (one.code and vaccine.atc.startswith(one.code)):
            name = {"what": one.zh, "vaccine": called(vaccine)}
            yield ALLERGY, _("居民对%(what)s过敏，%(vaccine)s可能含有它或属于这一类。") % name


def _is_part(part: str, code: str) -> bool:
    """Whether an ATC code and what a vaccine holds are the same or one is a kind of the other."""
    return bool(code and re.fullmatch(r"[A-Z]\d\d\w*", part)) and (part.startswith(code) or code.startswith(part))


def _reacted(held: Iterable[Immunization], given: Given) -> Iterable[tuple[str, str]]:
    for one in held:
        if one.series == given.series and one.reaction and one.given_on <= given.on:
            yield REACTED, _("%(day)s 接种后有不良反应，请先看那一条。") % {"day": one.given_on}


def _words(found: DoseFinding, given: Given, series: Series | None) -> str:
    name = {"n": given.dose, "day": found.day, "most": len(series.doses) if series else 0}
    match found.fault:
        case DoseFault.NOT_NOW:
            return _("接种日期在今天之后。请核对日期。")
        case DoseFault.BEFORE_BIRTH:
            return _("接种日期早于出生日期 %(day)s。请核对日期，或是不是选错了人。") % name
        case DoseFault.AFTER_DEATH:
            return _("居民已于 %(day)s 去世，接种日期在那以后。请核对是不是选错了人。") % name
        case DoseFault.TWICE:
            return _("第 %(n)s 剂已经记过，是 %(day)s。写错了请在那一条上更正，没有写错请改剂次。") % name
        case DoseFault.SAME_DAY:
            return _("%(day)s 已经记过这一种疫苗。请核对是不是重复，写错了请在那一条上更正。") % name
        case DoseFault.NO_DOSE:
            return _("这种疫苗一共 %(most)s 剂。请核对剂次；已经种完的不用再种。") % name
        case DoseFault.ORDER:
            return _("第 %(n)s 剂和 %(day)s 那一剂的先后不对。请核对剂次和日期。") % name
        case DoseFault.EXPIRED:
            return _("疫苗有效期到 %(day)s，接种时已经过期。请核对有效期；确实用了过期疫苗，请立即按规定报告。") % name
        case DoseFault.TOO_YOUNG:
            return _("还没有到起始年龄，最早 %(day)s。") % name
        case DoseFault.TOO_OLD:
            return _("从 %(day)s 起按年龄不再接种这一剂。") % name
        case DoseFault.TOO_SOON:
            return _("离上一剂太近，最早 %(day)s。") % name
        case DoseFault.LIVE_TOO_SOON:
            return _("%(day)s 种过另一种注射减毒活疫苗，间隔不够。") % name
        case _:
            return _("第 %(n)s 剂一般不用这种疫苗。") % name


def shown_jabs(rows: Iterable[Immunization]) -> list[ShownJab]:
    """Vaccinations in words."""
    return [_shown_jab(one) for one in rows]


def _shown_jab(row: Immunization) -> ShownJab:
    rules = programme()
    vaccine, spot = rules.vaccines.get(row.vaccine), 2 if is_english() else 1
    name = called(vaccine) if vaccine else row.vaccine
    named = {one[0]: one[spot] for one in (*rules.routes, *rules.sites)}
    how = " · ".join(named.get(one, one) for one in (row.route, row.site) if one)
    where = row.organization.short_zh if row.is_here else row.place or _("别处接种")
    return ShownJab(row, name, _("第 %(n)s 剂") % {"n": row.dose} if row.dose else "", how, where)


def dose_words(due: DoseDue) -> tuple[str, str]:
    """Name and reason of a dose that is due."""
    if due.series is None:
        zh, en, why_zh, why_en = programme().unknown
        return (en, why_en) if is_english() else (zh, why_zh)
    months = due.series.doses[due.dose - 1].at_months
    age = _("满 %(n)s 月龄") % {"n": months}
    if months >= 24 and months % 12 == 0:
        age = _("满 %(n)s 岁") % {"n": months // 12}
    name = _("%(what)s疫苗第 %(n)s 剂") % {"what": called(due.series), "n": due.dose}
    return name, _("国家免疫规划：%(age)s") % {"age": age if months else _("出生时")}


def doses_due(resident: Resident, rows: Iterable[Immunization], today: date, days_ahead: int) -> list[DoseDue]:
    """The next dose of each series; nothing for who has died."""
    if resident.deceased_on is not None:
        return []
    return due_doses(resident.birth_date, resident.sex, given_of(rows), programme(), today, days_ahead)


def courses(resident: Resident, rows: Sequence[Immunization], today: date) -> list[Course]:
    """Every series of the programme that somebody has begun or is due for, with what was given."""
    rules = programme()
    by_series: dict[str, list[Immunization]] = {}
    for one in reversed(rows):
        by_series.setdefault(one.series, []).append(one)
    due = {one.series.key: one for one in doses_due(resident, rows, today, 366 * rules.catch_up_years) if one.series}
    mine = [one for one in rules.series if one.is_for(resident.birth_date, resident.sex)]
    return [
        Course(one, shown_jabs(by_series.get(one.key, ())), due.get(one.key))
        for one in mine
        if one.key in by_series or one.key in due
    ]


def others_given(resident: Resident, rows: Iterable[Immunization]) -> list[ShownJab]:
    """Vaccinations outside the programme."""
    mine = {one.key for one in programme().series if one.is_for(resident.birth_date, resident.sex)}
    return shown_jabs(one for one in rows if one.series not in mine)


def as_told(row: Immunization) -> Jab:
    """A row as it would be told anew."""
    told = {name: getattr(row, name) for name in Jab.__dataclass_fields__ if name != "dose"}
    return replace(Jab(**told), dose=row.dose or 0)
