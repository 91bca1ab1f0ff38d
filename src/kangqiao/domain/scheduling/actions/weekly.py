"""The week of a hospital: templates are kept, and the coming weeks are opened from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.opening import Opening, open_sessions
from kangqiao.domain.scheduling.actions.parts import _allow, _constraint
from kangqiao.domain.scheduling.actions.withdrawing import withdraw_session
from kangqiao.domain.scheduling.models import ClinicException, ClinicTemplate, Session
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import Weekly
from kangqiao.kernel.errors import NotVisible, RuleBroken

FIELDS = (
    "practitioner_id", "specialty", "room", "weekday", "starts", "ends", "slot_minutes", "capacity", "walk_in_percent",
    "since", "until",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mended:
    """What a changed template did: so many coming clinics followed, so many with people in them stay as they are."""

    template: ClinicTemplate
    followed: int
    stayed: int


@dataclass(frozen=True, slots=True)
class Entered:
    """What a line of a table did to a template: its values before (None: it was new) and after."""

    was: Weekly | None
    now: Weekly


@transaction.atomic
def add_template(*, organization_id: int, weekly: Weekly, by: Actor, at: datetime) -> ClinicTemplate:
    """A doctor holds a clinic every week, from a day on. Opens nothing by itself.

    Raises Denied, RuleBroken when the values make no clinic, begin in the past, or the doctor sits elsewhere then.
    """
    house = organization_by_id(organization_id)
    _allow(permissions.can_plan_week(by, house))
    queries.WeekCheck(house, localtime(at).date()).check(weekly)
    template = _saved(ClinicTemplate(organization=house), weekly, by, at)
    audit.record("add_template", template, by=by, at=at, organization_id=house.pk, weekday=weekly.weekday)
    return template


@transaction.atomic
def mend_template(*, template_id: int, weekly: Weekly, seen: int, by: Actor, at: datetime) -> Mended:
    """A template changes. Coming clinics nobody is booked in follow; the others stay exactly as they are.

    `seen` is how many clinics the person was told would differ. Raises as `add_template`, RuleBroken when it is
    another number by now, so that nobody changes what they did not see.
    """
    template = _locked(template_id)
    house = template.organization
    _allow(permissions.can_plan_week(by, house))
    was = queries.weekly_of(template)
    queries.WeekCheck(house, localtime(at).date()).check(weekly, template_id=template.pk, was=was)
    queries.lock_open_of(template, at)
    differing = queries.differing(template, weekly, at)
    if len(differing) != seen:
        raise RuleBroken(_("刚才又有门诊变了，现在有%(count)s场不一样。") % {"count": len(differing)},
                         next_step=_("请再看一遍哪些会跟着改，再保存。"))  # fmt: skip
    following = [one for one in differing if one.can_follow]
    _close([one.session for one in following], _("出诊模板改了"), by, at)
    template = _saved(template, weekly, by, at)
    # Of a doctor who left, what follows is called off and not opened anew.
    is_here = template.practitioner_id in {one.pk for one in queries.doctors_to_plan(house)}
    again = [one.session for one in following if one.still_holds and is_here]
    days = [day for day in (_days_of(again)) if queries.instants(template, day)[0] > at]
    open_sessions(openings=[_opening(template, day) for day in days], by=by, at=at)
    audit.record(
        "mend_template", template, by=by, at=at, organization_id=house.pk, followed=len(following),
        stayed=len(differing) - len(following),
    )  # fmt: skip
    return Mended(template, len(following), len(differing) - len(following))


def end_template(*, template_id: int, seen: int, by: Actor, at: datetime) -> Mended:
    """From tomorrow the clinic is not held any more; one that has not begun yet never is. Raises as `mend_template`."""
    template = ClinicTemplate.objects.filter(pk=template_id).first()
    if template is None:
        raise _gone()
    _allow(permissions.can_plan_week(by, template.organization))
    ended = queries.given_up(template, localtime(at).date())
    return mend_template(template_id=template_id, weekly=ended, seen=seen, by=by, at=at)


@transaction.atomic
def enter_template(
    *, organization_id: int, template_id: int | None, weekly: Weekly, by: Actor, at: datetime
) -> tuple[ClinicTemplate, Weekly | None]:
    """A line of a table that somebody has looked through: a template is added, or changed as on its page.

    Returns it with its former values (None: it is new). Raises as `add_template` and `mend_template`.
    """
    if template_id is None:
        return add_template(organization_id=organization_id, weekly=weekly, by=by, at=at), None
    template = _locked(template_id)
    was = queries.weekly_of(template)
    if was == weekly:
        return template, was
    return _mended_as_locked(template, weekly, by, at), was


@transaction.atomic
def take_back_templates(*, entered: Mapping[int, Entered], by: Actor, at: datetime) -> Mapping[int, str]:
    """Lines of a table go again, the last first: what was changed is as before, what is new is given up.

    Clinics with people in them stay as they are. Answers why some templates stay: changed since, or the former values
    are not possible any more. Raises Denied.
    """
    stays: dict[int, str] = {}
    for template_id, entry in reversed(list(entered.items())):
        template = ClinicTemplate.objects.filter(pk=template_id).first()
        if template is None or entry.was == entry.now:
            continue
        template = _locked(template_id)
        _allow(permissions.can_plan_week(by, template.organization))
        if queries.weekly_of(template) != entry.now:
            stays[template_id] = "changed"
            continue
        try:
            with transaction.atomic():
                _take_back(template, entry.was, by, at)
        except RuleBroken:
            stays[template_id] = "rule"
    return stays


def _take_back(template: ClinicTemplate, was: Weekly | None, by: Actor, at: datetime) -> None:
    if was is None and not (template.exceptions.exists() or Session.objects.filter(template=template).exists()):
        audit.record("take_back_template", template, by=by, at=at, organization_id=template.organization_id)
        template.delete()
    else:
        _mended_as_locked(template, was or queries.given_up(template, localtime(at).date()), by, at)


def _mended_as_locked(template: ClinicTemplate, weekly: Weekly, by: Actor, at: datetime) -> ClinicTemplate:
    """Changed by what stands now: nobody books or holds a place in its clinics before this transaction ends."""
    queries.lock_open_of(template, at)
    seen = len(queries.differing(template, weekly, at))
    return mend_template(template_id=template.pk, weekly=weekly, seen=seen, by=by, at=at).template


@transaction.atomic
def except_day(*, template_id: int, day: date, reason: str, by: Actor, at: datetime) -> Session | None:
    """On a single day a template's clinic is not held, with the reason.

    A clinic open that day follows when nobody is booked in it; else it stands, is returned, and whoever is booked is
    answered by calling it off. Raises Denied, RuleBroken for a day past or one on which it is not held anyhow.
    """
    template = _locked(template_id)
    _allow(permissions.can_plan_week(by, template.organization))
    if day < localtime(at).date():
        raise RuleBroken(_("这一天已经过去。"), next_step=_("请选今天或以后的一天。"))
    opened = queries.open_of(template, at).filter(planned_for=day)
    count = queries.day_counts(queries.scope_of(template.organization), day, day)[day]
    if not opened.exists() and not queries.weekly_of(template).holds_on(day, count.works_as or day.isoweekday()):
        raise RuleBroken(_("这一天本来就没有这场门诊。"), next_step=_("请核对日子是周几，或看模板从哪天到哪天。"))
    values = {"reason": reason, "set_by": by.name, "set_at": at}
    ClinicException.objects.update_or_create(template=template, day=day, defaults=values)
    standing = _follow(list(opened), _("这一天不出诊：%(reason)s") % {"reason": reason}, by, at)
    audit.record(
        "except_day", template, by=by, at=at, organization_id=template.organization_id, day=day.isoformat(),
        standing=len(standing),
    )  # fmt: skip
    return standing[0] if standing else None


@transaction.atomic
def restore_day(*, template_id: int, day: date, by: Actor, at: datetime) -> None:
    """The clinic is held on that day after all; it is opened with the next weeks. Raises Denied, RuleBroken."""
    template = _locked(template_id)
    _allow(permissions.can_plan_week(by, template.organization))
    gone, _each = template.exceptions.filter(day=day, day__gte=localtime(at).date()).delete()
    if not gone:
        raise RuleBroken(_("这一天没有例外，或已经过去。"), next_step=_("请刷新页面再看。"))
    audit.record("restore_day", template, by=by, at=at, organization_id=template.organization_id, day=day.isoformat())


@transaction.atomic
def open_weeks(
    *, organization_id: int, weeks: int, is_unannounced_open: bool = False, seen: int, by: Actor, at: datetime
) -> list[Session]:  # fmt: skip
    """The coming weeks of a hospital become bookable from its templates, each clinic once; today counts as the first.

    `seen` is how many clinics the preview showed. Raises Denied, RuleBroken when it is another number by now, nothing
    is to be opened, or more weeks are asked for than may be.
    """
    house = organization_by_id(organization_id)
    _allow(permissions.can_plan_week(by, house))
    today = localtime(at).date()
    terms = queries.weekly_terms(house, today)
    if not 1 <= weeks <= terms.weeks_most:
        raise RuleBroken(_("一次最多开%(most)s周。") % {"most": terms.weeks_most}, next_step=_("请少开几周。"))
    # Locked, so that whoever presses at the same time waits, and then finds them open.
    queries.locked_templates(house)
    last = today + timedelta(weeks=weeks, days=-1)
    planned = queries.plan_of(house, today, last, at, is_unannounced_open=is_unannounced_open).opens
    if not planned:
        raise RuleBroken(_("这几周没有可以开的门诊。"), next_step=_("请看下面每一场为什么不开。"))
    if len(planned) != seen:
        raise RuleBroken(_("刚才又变了，现在可以开%(count)s场。") % {"count": len(planned)},
                         next_step=_("请再看一遍，再发布。"))  # fmt: skip
    sessions = open_sessions(openings=[_opening(one.template, one.day) for one in planned], by=by, at=at)
    audit.record("open_weeks", house, by=by, at=at, organization_id=house.pk, weeks=weeks, sessions=len(sessions))
    return sessions


def _opening(template: ClinicTemplate, day: date) -> Opening:
    """The clinic of a template on a day: its own minutes and places, the pools and times of the pack."""
    starts_at, ends_at = queries.instants(template, day)
    weekly = queries.weekly_of(template)
    figures = SlotParameters.read(policy.at(template.organization.place.code, day))
    return Opening(
        organization_id=template.organization_id, practitioner_id=template.practitioner_id,
        specialty=template.specialty, kind=Session.Kind.HOSPITAL_CLINIC, starts_at=starts_at, ends_at=ends_at,
        source=f"template:{template.pk}",
        parameters=replace(figures, slot_minutes=template.slot_minutes, slots_per_session=weekly.times),
        room=template.room, template_id=template.pk, planned_for=day, capacity=template.capacity,
        walk_in_percent=template.walk_in_percent,
    )  # fmt: skip


def _follow(sessions: list[Session], reason: str, by: Actor, at: datetime) -> list[Session]:
    """Calls those off that nobody is booked in, and answers the others, which stand."""
    locked = queries.free_of_people(sessions, at)
    _close(locked, reason, by, at)
    return [one for one in sessions if one.pk not in {gone.pk for gone in locked}]


def _close(sessions: Iterable[Session], reason: str, by: Actor, at: datetime) -> None:
    """Clinics without anybody in them are called off and leave their template: its day may be opened anew."""
    for one in sessions:
        withdraw_session(session_id=one.pk, reason=reason, by=by, at=at)
        Session.objects.filter(pk=one.pk).update(template=None, planned_for=None)


def _days_of(sessions: Iterable[Session]) -> list[date]:
    return [one.planned_for for one in sessions if one.planned_for is not None]


def _locked(template_id: int) -> ClinicTemplate:
    rows = ClinicTemplate.objects.select_for_update(of=("self",)).select_related("organization__place")
    template = rows.filter(pk=template_id).first()
    if template is None:
        raise _gone()
    return template


def _gone() -> NotVisible:
    return NotVisible(_("没有这个出诊模板，或不由您查看。"), next_step=_("请从出诊模板的列表里选。"))


def _saved(template: ClinicTemplate, weekly: Weekly, by: Actor, at: datetime) -> ClinicTemplate:
    """Written down; the database has the last word on two at once."""
    for field in FIELDS:
        setattr(template, field, getattr(weekly, field))
    template.set_by, template.set_at = by.name, at
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        if _constraint(error) != "template_practitioner_in_one_place":
            raise
        raise RuleBroken(
            _("这位医生这个时间刚刚有了别的出诊模板。"), next_step=_("请改时间，或先改原来的模板。")
        ) from None
    return template
