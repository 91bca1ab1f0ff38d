"""A hospital's weekly templates as a table: taken out, changed, looked through, entered, taken back (ADR 33)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from kangqiao.base.actor import Actor
from kangqiao.base.imports import Cells, Column, Entered, Finding, Findings, ListKind
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling import actions, permissions, queries, rules
from kangqiao.domain.scheduling.models import ClinicTemplate
from kangqiao.domain.scheduling.rules import Weekly, sheets
from kangqiao.kernel.errors import RuleBroken

SAID = {
    "missing": _("这里必须填写。"),
    "number": _("不是整数。"),
    "number_of": _("编号认不出来：新模板空着，改原来的请照抄下载的编号。"),
    "unknown": _("没有这个编号的模板，或已经停用。新模板请把编号空着。"),
    "twice": _("和第 %(line)s 行是同一个编号。"),
    "day": _("日子认不出来，请写成 2026-05-14。"),
    "clock": _("时间认不出来，请写成 09:00。"),
    "weekday": _("周几认不出来，请从下拉单里选。"),
    "long": _("诊室最多60个字。"),
    "house": _("请写是哪家医院，从下拉单里选。"),
    "other_house": _("这个模板是另一家医院的，不能换医院。"),
    "doctor": _("这家医院没有这位在册的医生，请从下拉单里选。"),
    "specialty": _("没有这个科室，请从下拉单里选，或空着用医生自己的专科。"),
    "rule": "%(why)s",
    "changes": _("会改：%(what)s。"),
    "follows": _("会改：%(what)s。已经开的 %(follow)s 场没有人约，跟着改，不再有的停掉。"),
    "touches": _("会改：%(what)s。已经开的 %(follow)s 场没有人约，跟着改，不再有的停掉；%(stay)s 场有人约，原样不动。"),
    "moved": _("提交以后门诊又变了，这一行没有写入。请重新上传，再看一遍。"),
}
STAYS = {"changed": _("后来又改过"), "rule": _("原来的样子现在排不了"), "": _("已有其他记录")}
_HOW = (
    _("改原来的模板请不要动；新模板空着。没写在表里的模板不变。"),
    _("只管一家医院的可以不填。"),
    _("从下拉单里选；同名的后面有执业证号。"),
    _("不填就是医生自己的专科。"),
    _("从下拉单里选。"),
    _("写成 09:00。"),
    _("写成 11:30。"),
    _("可以不填。"),
    _("每个时段几分钟。"),
    _("每个时段几个号。"),
    _("百分之几的时段到当天零点才放，不填就是 0。"),
    _("写成 2026-05-14；新模板从今天或以后起。"),
    _("含这一天；不填就一直有效。要停用，写今天。"),
)
_EXAMPLES = ("", "", "", "", sheets.DAYS[3], "09:00", "11:30", "305", "30", "1", "20", "2026-05-14", "")


class _Week:
    """One hospital as a line refers to it: its doctors and departments by what they are called, and its templates."""

    def __init__(self, house: Organization, at: datetime) -> None:
        self.house, self.today = house, localtime(at).date()
        self.against = queries.WeekCheck(house, self.today)
        self.templates = {one.pk: one for one in queries.templates_of(house, self.today)}
        doctors = list(self.against.doctors.values())
        names = [one.name for one in doctors]
        self.labels = {
            one.pk: f"{one.name}（{one.licence_number}）" if names.count(one.name) > 1 else one.name for one in doctors
        }
        self.doctors = {label: self.against.doctors[pk] for pk, label in self.labels.items()}
        self.departments = {one.zh: one.code for one in self.against.specialties.values()}

    def line_of(self, one: ClinicTemplate) -> dict[str, str]:
        """A template as a line of the table."""
        doctor = self.labels.get(one.practitioner_id, one.practitioner.name)
        called = next((zh for zh, code in self.departments.items() if code == one.specialty), one.specialty)
        return rules.write_template(one.pk, self.house.zh, doctor, called, queries.weekly_of(one))

    def values(self, line: sheets.TemplateLine, kept: ClinicTemplate | None) -> tuple[Weekly | None, list[Finding]]:
        """The plain values of a line, or why its names say nothing. A doctor who left stays in what they had."""
        doctor, faults = self.doctors.get(line.doctor), []
        doctor_id = doctor.pk if doctor else 0
        if doctor is None and kept is not None and kept.practitioner.name == line.doctor:
            doctor_id = kept.practitioner_id
        own = doctor.specialty.code if doctor and doctor.specialty else kept.specialty if kept else ""
        code = self.departments.get(line.specialty) if line.specialty else own
        if not doctor_id:
            faults.append(Finding(sheets.DOCTOR, "doctor"))
        if not code and (doctor_id or line.specialty):
            faults.append(Finding(sheets.SPECIALTY, "specialty"))
        return (None, faults) if faults or not code else (line.weekly(doctor_id, code), [])


def columns(by: Actor, at: datetime) -> tuple[Column, ...]:
    """The doctors to choose from are those of one's hospitals."""
    weeks = _weeks(by, at)
    doctors = tuple(dict.fromkeys(label for week in weeks.values() for label in week.labels.values()))
    departments = tuple(dict.fromkeys(zh for week in weeks.values() for zh in week.departments))
    choices = {
        sheets.HOUSE: tuple(weeks), sheets.DOCTOR: doctors, sheets.SPECIALTY: departments, sheets.WEEKDAY: sheets.DAYS,
    }  # fmt: skip
    return tuple(
        Column(head, how, head in sheets.NEEDED, choices.get(head, ()), example)
        for head, how, example in zip(sheets.HEADS, _HOW, _EXAMPLES, strict=True)
    )


def now(by: Actor, at: datetime) -> list[Cells]:
    """The templates that hold now or will, as lines."""
    return [week.line_of(one) for week in _weeks(by, at).values() for one in week.templates.values()]


def judge(rows: Sequence[Cells], by: Actor, at: datetime) -> list[Findings]:
    """What is wrong in each line by the rules of the form, and what it changes; each is held against those above it."""
    weeks = _weeks(by, at)
    return [_found(cells, number, weeks, at) for number, cells in enumerate(rows)]


def enter(rows: Sequence[Cells], by: Actor, at: datetime) -> list[Entered]:
    """The lines become templates, or change them; what a line leaves as it is stays untouched."""
    weeks, made = _weeks(by, at), []
    for cells in rows:
        line = rules.read_template(cells)
        week = _week_of(line, weeks)
        assert week is not None, "a line without its hospital was not let through"
        weekly, _faults = week.values(line, week.templates.get(line.number or 0))
        assert weekly is not None, "a line with faults was not let through"
        template, was = actions.enter_template(
            organization_id=week.house.pk, template_id=line.number, weekly=weekly, by=by, at=at
        )
        kept = {"was": rules.packed(was) if was else None, "now": rules.packed(weekly)}
        made.append(Entered(template.pk, kept))
    return made


def put_back(entered: Mapping[int, Mapping[str, Any]], by: Actor, at: datetime) -> Mapping[int, str]:
    """Templates nobody changed since are as they were before."""
    found = {
        pk: actions.Entered(rules.unpacked(kept["was"]) if kept["was"] else None, rules.unpacked(kept["now"]))
        for pk, kept in entered.items()
    }
    return actions.take_back_templates(entered=found, by=by, at=at)


def leave(template_ids: Sequence[int], by: Actor, at: datetime) -> Mapping[int, str]:
    """Without what was before nothing can be put back: everything stays."""
    return dict.fromkeys(template_ids, "changed")


def _found(cells: Cells, number: int, weeks: Mapping[str, _Week], at: datetime) -> list[Finding]:
    line = rules.read_template(cells)
    faults = [Finding(head, code) for head, code in line.faults]
    week = _week_of(line, weeks)
    if week is None:
        return [*faults, Finding(sheets.HOUSE, "house")]
    kept = week.templates.get(line.number or 0)
    if line.number is not None and kept is None:
        elsewhere = any(line.number in one.templates for one in weeks.values())
        return [*faults, Finding(sheets.NUMBER, "other_house" if elsewhere else "unknown")]
    if faults:
        return faults
    weekly, faults = week.values(line, kept)
    if weekly is None:
        return faults
    was = queries.weekly_of(kept) if kept else None
    if weekly == was:
        return []
    try:
        week.against.check(weekly, template_id=kept.pk if kept else None, was=was)
    except RuleBroken as refused:
        # The rule does not say which value broke it; of a template that is there it is one that changes.
        where = rules.changed_columns(was, weekly)[0] if was else sheets.DOCTOR
        return [Finding(where, "rule", more={"why": str(refused)})]
    # The lines below are held against this one, too; new ones by a number no template has.
    key = kept.pk if kept else -1 - number
    week.against.held[key] = queries.Held(weekly, line.doctor, week.house.short_zh)
    return _touched(kept, was, weekly, at) if kept and was else []


def _touched(kept: ClinicTemplate, was: Weekly, weekly: Weekly, at: datetime) -> list[Finding]:
    """What a changed line does, at the first column that changes: the columns, and the clinics that follow or stay."""
    columns = rules.changed_columns(was, weekly)
    first, what = columns[0], "、".join(columns)
    differing = queries.differing(kept, weekly, at)
    if not differing:
        return [Finding(first, "changes", is_bad=False, more={"what": what})]
    follow = sum(one.can_follow for one in differing)
    more = {"what": what, "follow": follow, "stay": len(differing) - follow}
    return [Finding(first, "touches" if more["stay"] else "follows", is_bad=False, more=more)]


def _weeks(by: Actor, at: datetime) -> dict[str, _Week]:
    """The hospitals whose week somebody plans, by name."""
    houses = [
        one
        for one in queries.pool_houses(by)
        if one.kind == Organization.Kind.HOSPITAL and permissions.can_plan_week(by, one)
    ]
    return {one.zh: _Week(one, at) for one in houses}


def _week_of(line: sheets.TemplateLine, weeks: Mapping[str, _Week]) -> _Week | None:
    if not line.house and len(weeks) == 1:
        return next(iter(weeks.values()))
    return weeks.get(line.house)


WEEKLY_TEMPLATES = ListKind(
    key="weekly_templates",
    title=_("出诊模板"),
    roles=(Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR, Role.DISPATCHER),
    columns=(),
    columns_for=columns,
    key_head=sheets.NUMBER,
    said=SAID,
    judge=judge,
    enter=enter,
    leave=leave,
    stays=STAYS,
    is_joined=True,
    now=now,
    put_back=put_back,
    is_seen=True,
)
