"""The record as pages show it: timeline, trends, what is due, what is lived with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kangqiao.base.templatetags.kq import called, is_english
from kangqiao.base.trends import Trend, drawn_in_bands
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records.models import Allergy, Condition, Encounter, Immunization, Medication, Observation
from kangqiao.domain.records.parameters import Measure, life_course, measures, targets, topics
from kangqiao.domain.records.permissions import reads_as_oneself
from kangqiao.domain.records.queries.immunizations import dose_words, doses_due, open_immunizations, shown_jabs
from kangqiao.domain.records.queries.reading import (
    Visit,
    allergies_of,
    conditions_of,
    encounters_of,
    first_open,
    medications_of,
    observations_of,
    open_allergies,
    open_conditions,
    open_documents,
    open_medications,
    open_observations,
    protection_for,
    protection_of,
    visits_shown,
)
from kangqiao.domain.records.rules import DoseDue, Due, Person, at_target, due_services
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import age, get_resident, not_found, person_for
from kangqiao.domain.terminology import queries as terminology
from kangqiao.kernel.errors import RuleBroken

MOST_VISITS, MOST_VALUES, MOST_EVENTS, DRAWN = 60, 240, 40, 12
# The services of a year are told ahead.
AHEAD_DAYS = 366
# Steps of the page of what is lived with that end a row, each with the table of the row.
ENDS: dict[str, type[Condition | Allergy | Medication]] = {"end": Condition, "refute": Allergy, "stop": Medication}


@dataclass(frozen=True, slots=True)
class Shown:
    """A value in words: what, how much, and how it stands to its target or its danger."""

    row: Observation
    name: str
    said: str
    look: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline, of whatever kind; `url` names a page of its own where it has one."""

    at: datetime
    kind: str
    icon: str
    title: str
    more: str
    look: str = "gone"
    verdict: str = ""
    visit: Visit | None = None
    values: tuple[Shown, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A service that is due, in words: what, why, when, and when it was last done."""

    name: str
    why: str
    due: Due | DoseDue


def shown(rows: Iterable[Observation], years: int = 0) -> list[Shown]:
    """Values in words; somebody of so many years has the targets of that age."""
    return [_shown(row, years) for row in rows]


def measure_of(row: Observation) -> Measure | None:
    """What the value measures; None for what is told in words."""
    return measures().get(row.code)


def is_current(row: Observation) -> bool:
    """Whether nobody has corrected the value."""
    return not Observation.objects.filter(corrects=row).exists()


def _shown(row: Observation, years: int) -> Shown:
    measure = measures().get(row.code)
    if row.is_void:
        return Shown(row, called(measure or topics()[row.code]), _("作废"), "gone", "")
    if measure is None or row.value is None:
        topic = topics().get(row.code)
        answers = {code: en if is_english() else zh for code, zh, en in topic.answers} if topic else {}
        return Shown(row, called(topic) if topic else row.code, answers.get(row.text, row.text), "gone", "")
    said = f"{row.value.quantize(Decimal(1).scaleb(-measure.places))} {row.unit}"
    if measure.is_danger(row.value):
        return Shown(row, called(measure), said, "back", _("危险值"))
    if not at_target({row.code: row.value}, targets(), years):
        return Shown(row, called(measure), said, "wait", _("高于目标"))
    return Shown(row, called(measure), said, "done" if row.code in targets() else "gone", "")


def chart(
    seat: Seat, resident_id: int, others: Callable[[Seat, Resident], list[Event]] = lambda _seat, _resident: []
) -> dict[str, Any]:
    """Everything the page of a resident shows of the record, and what other modules add to its timeline.

    Raises NotVisible when the seat has no basis.
    """
    resident = get_resident(seat, resident_id)
    protection = protection_for(seat, resident)
    today, years = timezone.localdate(), age(resident, timezone.localdate())  # reads the clock: due is due today
    visits = visits_shown(seat, resident, MOST_VISITS, protection)
    values = first_open(open_observations, resident, protection, MOST_VALUES)
    letters = first_open(open_documents, resident, protection)
    conditions = first_open(open_conditions, resident, protection)
    allergies = first_open(open_allergies, resident, protection)
    jabs = first_open(open_immunizations, resident, protection)
    lines = [*_visits(visits), *_values(values, years), *_jabs(jabs), *others(seat, resident)]
    events = sorted(lines, key=lambda one: one.at, reverse=True)
    stamps = [one.at for one in events] + [one.signed_at for one in letters] + [one.recorded_at for one in allergies]
    stamps += [row.recorded_at for row in jabs]
    stamps += [row.recorded_at for row in values if row.source != Observation.Source.HISTORY]
    return {
        "resident": resident,
        "age": years,
        "events": events[:MOST_EVENTS],
        "documents": letters,
        "conditions": conditions,
        "allergies": None if not allergies else [one.zh for one in allergies if one.zh],
        "medications": first_open(open_medications, resident, protection),
        "habits": [_shown(row, years) for row in _latest(values, topics())],
        "immunizations": shown_jabs(jabs),
        "due": sorted(
            [*_due(resident, conditions, visits, values, today), *_doses(resident, jabs, today)],
            key=lambda one: one.due.on,
        ),
        "trends": _trends(values, years),
        "updated_at": max(stamps, default=None),
        "hides": protection.hides,
        "most": MOST_EVENTS if len(events) > MOST_EVENTS else 0,
    }


def for_letter(seat: Seat, resident: Resident, encounter_id: int | None) -> dict[str, str]:
    """What the record tells for a letter: of the visit it comes from, and what the resident lives with (XH23-4.1a).

    Raises NotVisible when the seat has no basis.
    """
    protection = protection_of(seat, resident)
    visit = encounters_of(seat, resident, protection).filter(pk=encounter_id or 0).first()
    known = [
        _("%(name)s（自%(year)s年）") % {"name": one.zh, "year": one.since.year} if one.since else one.zh
        for one in conditions_of(seat, resident, protection)
    ]
    values = shown(observations_of(seat, resident, protection).filter(encounter=visit)) if visit else []
    allergies = allergies_of(seat, resident, protection)
    reason = [word for word in (visit.reason, visit.differential, visit.summary) if word] if visit else []
    code = visit.diagnosis if visit else ""
    return {
        "diagnosis": terminology.label("diagnosis", code) if code else known[0] if known else "",
        "history": "".join(
            [_("患%(list)s。") % {"list": "、".join(known)} if known else "", *(f"{one}。" for one in reason)]
        ),
        "examination": "，".join(f"{one.name} {one.said}" for one in values if one.row.value is not None),
        "medicines": "；".join(f"{one.zh} {one.dose}".strip() for one in medications_of(seat, resident, protection)),
        "allergies": "、".join(
            f"{one.zh}（{one.reaction}）" if one.reaction else one.zh or _("无已知过敏") for one in allergies
        ),
    }


def own_record(seat: Seat, resident_id: int | None) -> Resident:
    """The resident at the screen, or the child of a guardian; who only books for somebody gets NotVisible."""
    found = person_for(seat, resident_id)
    if not reads_as_oneself(seat.user_id, found.pk, timezone.now()):  # reads the clock: a right to see is a right now
        raise not_found()
    return found


def kept(seat: Seat, resident: Resident) -> dict[str, Any]:
    """What a resident lives with, and the diagnoses to choose from. Raises NotVisible when the seat has no basis."""
    protection = protection_of(seat, resident)
    return {
        "conditions": list(conditions_of(seat, resident, protection)),
        "allergies": allergies_of(seat, resident, protection),
        "medications": list(medications_of(seat, resident, protection)),
        "hides": protection.hides,
        "diagnoses": diagnosis_choices([])[-1][1],
        "age": age(resident, timezone.localdate()),  # reads the clock: an age is one of today
    }


def own_row(resident_id: int, step: str, row_id: int | None) -> int:
    """The id of a row the resident lives with, for the step that ends it. Raises RuleBroken for any other."""
    if not ENDS[step].objects.filter(pk=row_id or 0, resident=resident_id).exists():
        raise RuleBroken(_("没有这一条，或不属于这位居民。"), next_step=_("请刷新后再选。"))
    return row_id or 0


def problem_name(code: str) -> str:
    """The Chinese name of a diagnosis, as the problem list keeps it. Raises RuleBroken for an unknown code."""
    return terminology.concept("diagnosis", code).zh


def diagnosis_choices(known: Sequence[Condition]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The diagnoses in two groups: what the resident lives with, then the list."""
    rows = [(one.code, f"{one.code} {called(one)}") for one in terminology.concepts("diagnosis")]
    own = {one.code for one in known}
    first = [pair for pair in rows if pair[0] in own]
    others = [pair for pair in rows if pair[0] not in own]
    return [*([(_("长期问题"), first)] if first else []), (_("全部诊断"), others)]


def home_words(new: Sequence[Observation], sent: Sequence[object]) -> str:
    """What is said after a reading at home came in; what was there already is said so."""
    if not new:
        return _("这次的数已经在档案里，没有重复记。")
    words = ngettext("已记下 %(n)s 项，您的家庭医生能看到。", "已记下 %(n)s 项，您的家庭医生能看到。", len(new))
    late = _danger(new)
    more = _("其中 %(what)s 很危险，请马上联系家庭医生或拨打 120。") % {"what": "、".join(late)} if late else ""
    return words % {"n": len(new)} + more


def _danger(rows: Iterable[Observation]) -> list[str]:
    found = ((measures().get(row.code), row.value) for row in rows)
    return [called(one) for one, value in found if one is not None and value is not None and one.is_danger(value)]


def _visits(visits: Iterable[Visit]) -> Iterable[Event]:
    for one in visits:
        row = one.encounter
        more = " · ".join(word for word in (row.organization.short_zh, one.specialty, row.reason, row.summary) if word)
        came = _("急诊") if row.is_emergency else row.get_origin_display()
        yield Event(
            row.started_at, came, "stethoscope", one.diagnosis or one.specialty, more, "done",
            row.get_outcome_display() if row.outcome else "", one,
        )  # fmt: skip


def _values(rows: Iterable[Observation], years: int) -> Iterable[Event]:
    """Values of one moment are one line; what is told in words stands elsewhere."""
    together: dict[tuple[datetime, str], list[Observation]] = {}
    for row in rows:
        if row.value is not None:
            together.setdefault((row.taken_at, row.source), []).append(row)
    for (at, _source), found in together.items():
        said = tuple(sorted(shown(found, years), key=lambda one: list(measures()).index(one.row.code)))
        worst = next((one for look in ("back", "wait") for one in said if one.look == look), said[0])
        row = found[0]
        house = row.organization.short_zh if row.organization else ""
        who = "" if row.source == Observation.Source.HISTORY else row.recorded_by
        more = " · ".join(word for word in (row.get_source_display(), house, who) if word)
        title = "，".join(f"{one.name} {one.said}" for one in said)
        yield Event(at, _("测量"), "heartbeat", title, more, worst.look, worst.verdict, None, said)


def _jabs(rows: Iterable[Immunization]) -> Iterable[Event]:
    """Vaccinations stand at the noon of their day; a record made that day, at its moment."""
    for one in shown_jabs(rows):
        row = one.row
        noon = timezone.make_aware(datetime.combine(row.given_on, time(12)))
        at = row.recorded_at if timezone.localtime(row.recorded_at).date() == row.given_on else noon
        more = " · ".join(word for word in (one.where, one.how, row.lot, row.reaction) if word)
        look, verdict = ("wait", _("有不良反应")) if row.reaction else ("done", "")
        url = reverse("records-immunization", args=(row.pk,))
        yield Event(at, _("接种"), "vaccine", f"{one.name} {one.dose}".strip(), more, look, verdict, url=url)


def _doses(resident: Resident, rows: Iterable[Immunization], today: date) -> list[Expected]:
    return [Expected(*dose_words(one), one) for one in doses_due(resident, rows, today, AHEAD_DAYS)]


def _latest(rows: Iterable[Observation], codes: Iterable[str]) -> list[Observation]:
    wanted, found = set(codes), {}
    for row in rows:
        if row.code in wanted and row.code not in found:
            found[row.code] = row
    return list(found.values())


def _due(
    resident: Resident, conditions: Iterable[Condition], visits: Iterable[Visit], values: Iterable[Observation],
    today: date,
) -> list[Expected]:  # fmt: skip
    if resident.deceased_on is not None:
        return []
    person = Person(
        resident.birth_date,
        {one.code.partition(".")[0]: one.since for one in conditions},
        [(one.encounter.diagnosis.partition(".")[0], one.day) for one in visits],
        [(row.code, timezone.localtime(row.taken_at).date()) for row in values],
    )
    why = "why_en" if is_english() else "why_zh"
    return [
        Expected(called(one.service), getattr(one.service, why), one)
        for one in due_services(person, life_course(), today, AHEAD_DAYS)
    ]


def _trends(rows: Sequence[Observation], years: int) -> dict[str, Trend]:
    """Blood pressure, fasting glucose and weight of the last readings; what was never measured is left out."""
    bands = {code: (one.low, one.upper(years)) for code, one in targets().items()}
    found: dict[str, Trend] = {}
    for name, code, other in (
        ("pressure", "systolic", "diastolic"), ("glucose", "glucose_fasting", ""), ("weight", "weight", ""),
    ):  # fmt: skip
        first, second = (_row(rows, one) for one in (code, other))
        if first:
            both = second if len(second) == len(first) else []
            wanted = [bands[one] for one in (code, other if both else "") if one in bands]
            found[name] = drawn_in_bands(first, both, wanted)
    return found


def _row(rows: Iterable[Observation], code: str) -> list[tuple[str, Decimal | None]]:
    mine = [row for row in rows if code and row.code == code][:DRAWN]
    return [(f"{timezone.localtime(row.taken_at):%Y-%m-%d}", row.value) for row in reversed(mine)]


def synced(encounter: Encounter, services: int) -> str:
    """Where a visit went by itself, in words, so that nobody types it again."""
    places = [_("健康档案"), _("就诊指标")]
    if encounter.observations.exists():
        places.insert(1, _("趋势图"))
    if services:
        places.insert(1, _("签约服务"))
    return _("已同步到：%(places)s。") % {"places": "、".join(places)}
