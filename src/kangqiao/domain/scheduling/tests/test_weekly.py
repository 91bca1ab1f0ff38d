"""Clinics of a hospital come from weekly templates: what is opened, what not and why, what a change leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, CalendarDay, ClinicTemplate, Displaced, Session, Slot
from kangqiao.domain.scheduling.rules import Skip, Weekly
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, practitioner
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Absence
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
# A Friday before the National Day of 2026: 1 to 7 October are closed, Saturday 10 October is worked.
AT = datetime(2026, 9, 18, 1, 0, tzinfo=UTC)


@pytest.fixture
def people() -> Cast:
    """Hospital, centre, two cardiologists."""
    return cast(AT)


def weekly(people: Cast, **changes: Any) -> Weekly:
    """Thursday mornings, four times of half an hour, one place in each."""
    values = Weekly(
        people.expert.pk, "cardiology", "门诊楼305", 4, time(9), time(11), 30, 1, 0, date(2026, 9, 18), None
    )
    return replace(values, **changes)


def template(people: Cast, **changes: Any) -> ClinicTemplate:
    """The same, kept."""
    return actions.add_template(organization_id=people.hospital.pk, weekly=weekly(people, **changes), by=SYSTEM, at=AT)


def plan(people: Cast, weeks: int = 4, **changes: Any) -> queries.Plan:
    """What would be opened."""
    first = AT.astimezone(CHINA).date()
    return queries.plan_of(people.hospital, first, first + timedelta(weeks=weeks, days=-1), AT, **changes)


def opened(people: Cast, weeks: int = 4, **changes: Any) -> list[Session]:
    """The weeks are opened as the preview shows them."""
    seen = len(plan(people, weeks, **changes).opens)
    return actions.open_weeks(organization_id=people.hospital.pk, weeks=weeks, seen=seen, **changes, by=SYSTEM, at=AT)


def mend(kept: ClinicTemplate, to: Weekly, by: Actor = SYSTEM) -> actions.Mended:
    """Changed as somebody who has seen what it touches does."""
    seen = len(queries.differing(kept, to, AT))
    return actions.mend_template(template_id=kept.pk, weekly=to, seen=seen, by=by, at=AT)


def book(people: Cast, session: Session, number: int = 0) -> Booking:
    """The first place of a clinic is taken for a resident of the paired centre."""
    slot = Slot.objects.filter(session=session).order_by("starts_at")[0]
    resident, gp = people.resident(number), people.staff(Role.GP, name=f"gp-{number}")
    return actions.book(
        slot_id=slot.pk, resident_id=resident.pk, channel="gp", attempt=f"a{number}",
        as_partner_centre_id=people.centre.pk, by=gp.actor, at=max(AT, slot.opens_at),
    )  # fmt: skip


def days(sessions: list[Session]) -> list[str]:
    """When they are, in the local time."""
    return [f"{one.starts_at.astimezone(CHINA):%m-%d %H:%M}" for one in sessions]


def test_weeks_are_opened_from_a_template_but_for_holidays(people: Cast) -> None:
    kept = template(people, capacity=2)

    made = opened(people)

    assert days(made) == ["09-24 09:00", "10-08 09:00", "10-15 09:00"]
    assert [(one.reason, row.skip) for one, rows in plan(people).days for row in rows if one.is_closed] == [
        ("国庆节", Skip.CLOSED)
    ]
    assert {(one.template_id, one.room, one.source) for one in made} == {(kept.pk, "门诊楼305", f"template:{kept.pk}")}
    assert list(Slot.objects.filter(session=made[0]).values_list("capacity", flat=True)) == [2] * 4


def test_nothing_is_opened_twice(people: Cast) -> None:
    template(people)
    opened(people, 2)

    assert days(opened(people)) == ["10-08 09:00", "10-15 09:00"]
    with pytest.raises(RuleBroken, match="没有可以开的门诊"):
        actions.open_weeks(organization_id=people.hospital.pk, weeks=4, seen=0, by=SYSTEM, at=AT)
    assert Session.objects.count() == 3


def test_what_was_not_seen_is_not_published(people: Cast) -> None:
    template(people)

    with pytest.raises(RuleBroken, match="现在可以开3场"):
        actions.open_weeks(organization_id=people.hospital.pk, weeks=4, seen=2, by=SYSTEM, at=AT)


def test_a_day_made_up_for_is_its_own_weekday_until_somebody_says_otherwise(people: Cast) -> None:
    template(people)
    assert not any(one.day == date(2026, 10, 10) for one in plan(people).opens)

    desk = people.staff(Role.REFERRAL_DESK, people.hospital)
    saturday = date(2026, 10, 10)
    actions.name_days(first=saturday, last=saturday, works_as=4, reason="按周四出诊", by=desk.actor, at=AT)

    assert [one.day for one in plan(people).opens][-2:] == [saturday, date(2026, 10, 15)]


def test_a_year_nobody_announced_opens_nothing_by_itself(people: Cast) -> None:
    kept = template(people, since=date(2026, 12, 31))
    now = datetime(2026, 12, 28, 1, 0, tzinfo=UTC)
    days_of = (date(2026, 12, 28), date(2027, 1, 17))

    quiet = queries.plan_of(people.hospital, *days_of, now)
    decided = queries.plan_of(people.hospital, *days_of, now, is_unannounced_open=True)

    assert [(one.day, one.why) for one in quiet.unannounced] == [
        (date(2027, 1, 7), "这一年的放假安排还没有公布"), (date(2027, 1, 14), "这一年的放假安排还没有公布"),
    ]  # fmt: skip
    assert [one.day for one in quiet.opens] == [date(2026, 12, 31)]
    assert [one.day for one in decided.opens] == [date(2026, 12, 31), date(2027, 1, 7), date(2027, 1, 14)]
    CalendarDay.objects.create(
        organization=people.hospital, day=date(2027, 1, 7), works_as=4, reason="照常", set_by="演示", set_at=AT
    )
    assert date(2027, 1, 7) in [one.day for one in queries.plan_of(people.hospital, *days_of, now).opens]
    assert kept.until is None


def test_the_hospitals_word_comes_before_the_bureaus_and_that_before_the_announced(people: Cast) -> None:
    holiday = date(2026, 10, 1)
    bureau = CalendarDay.objects.create(
        place=people.hospital.place, day=holiday, works_as=4, reason="全区照常", set_by="演示", set_at=AT
    )
    scope = queries.scope_of(people.hospital)

    assert queries.day_counts(scope, holiday, holiday)[holiday].works_as == 4
    CalendarDay.objects.create(organization=people.hospital, day=holiday, reason="本院不开", set_by="演示", set_at=AT)
    assert queries.day_counts(scope, holiday, holiday)[holiday].is_closed
    bureau.delete()
    assert queries.day_counts(scope, holiday, holiday)[holiday].reason == "本院不开"


def test_exceptions_absences_and_other_clinics_are_left_out_with_their_reason(people: Cast) -> None:
    kept = template(people)
    actions.except_day(template_id=kept.pk, day=date(2026, 9, 24), reason="外出开会", by=SYSTEM, at=AT)
    Absence.objects.create(
        practitioner=people.expert, starts_on=date(2026, 10, 8), ends_on=date(2026, 10, 8), half="am"
    )
    people.session(starts_at=datetime(2026, 10, 15, 10, tzinfo=CHINA))

    assert [(one.day.day, one.skip, one.why) for one in plan(people).skips] == [
        (24, Skip.EXCEPTION, "外出开会"), (1, Skip.CLOSED, "国庆节"), (8, Skip.ABSENCE, "医生这天请假"),
        (15, Skip.CONFLICT, "10:00–13:00已在香湾社区出诊"),
    ]  # fmt: skip
    actions.restore_day(template_id=kept.pk, day=date(2026, 9, 24), by=SYSTEM, at=AT)
    assert [one.day.day for one in plan(people).opens] == [24]


def test_places_for_the_day_itself_open_as_it_begins(people: Cast) -> None:
    template(people, walk_in_percent=50)
    (first, *_rest) = opened(people)

    kept = Slot.objects.filter(session=first, is_same_day=True).order_by("starts_at")

    assert [f"{one.starts_at.astimezone(CHINA):%H:%M}" for one in kept] == ["09:30", "10:30"]
    assert {one.opens_at.astimezone(CHINA) for one in kept} == {datetime(2026, 9, 24, tzinfo=CHINA)}
    assert {one.pool for one in kept} == {"public"}
    with pytest.raises(RuleBroken, match="09-24 00:00起才能预约"):
        actions.book(
            slot_id=kept[0].pk, resident_id=people.resident().pk, channel="self", attempt="early", by=SYSTEM,
            at=datetime(2026, 9, 23, 12, tzinfo=CHINA),
        )  # fmt: skip


def test_a_new_share_leaves_the_places_of_the_day_alone(people: Cast) -> None:
    template(people, walk_in_percent=50)
    (first, *_rest) = opened(people)
    given = {"partner_percent": 100, "team_percent": 0, "contracted_percent": 0}

    actions.set_pool_rule(
        organization_id=people.hospital.pk, since=AT.date(), **given, team_hours=96, contracted_hours=48,
        release_hours=24, reason="按协议", by=SYSTEM, at=AT,
    )  # fmt: skip

    assert list(Slot.objects.filter(session=first).order_by("starts_at").values_list("pool", flat=True)) == [
        "partner", "public", "partner", "public",
    ]  # fmt: skip


def test_a_changed_template_never_touches_a_clinic_somebody_is_booked_in(people: Cast) -> None:
    kept = template(people)
    first, second, third = opened(people)
    booking = book(people, first)

    done = mend(kept, weekly(people, starts=time(10), ends=time(12), capacity=3))

    first.refresh_from_db()
    assert (done.followed, done.stayed) == (2, 1)
    assert (first.status, first.starts_at.astimezone(CHINA).hour, first.template_id) == ("open", 9, kept.pk)
    assert Booking.objects.get(pk=booking.pk).status == "booked"
    now_open = list(Session.objects.filter(status="open").order_by("starts_at"))
    assert days(now_open) == ["09-24 09:00", "10-08 10:00", "10-15 10:00"]
    assert set(Slot.objects.filter(session__in=now_open[1:]).values_list("capacity", flat=True)) == {3}
    assert set(Session.objects.filter(pk__in=(second.pk, third.pk)).values_list("status", flat=True)) == {"withdrawn"}


def test_a_clinic_somebody_is_looking_at_is_not_touched_either(people: Cast) -> None:
    kept = template(people)
    first, *_rest = opened(people)
    slot = Slot.objects.filter(session=first).order_by("starts_at")[0]
    actions.hold_slot(
        slot_id=slot.pk, resident_id=people.resident().pk, channel="gp", as_partner_centre_id=people.centre.pk,
        by=people.staff(Role.GP).actor, at=AT,
    )  # fmt: skip

    assert mend(kept, weekly(people, room="305")).stayed == 1
    first.refresh_from_db()
    assert (first.status, first.room) == ("open", "门诊楼305")


def test_a_change_that_was_not_seen_is_not_made(people: Cast) -> None:
    kept = template(people)
    opened(people)

    with pytest.raises(RuleBroken, match="现在有3场不一样"):
        actions.mend_template(template_id=kept.pk, weekly=weekly(people, room="306"), seen=0, by=SYSTEM, at=AT)
    assert Session.objects.filter(status="open", room="门诊楼305").count() == 3


def test_a_template_that_ends_takes_its_empty_clinics_with_it(people: Cast) -> None:
    kept = template(people)
    first, *_rest = opened(people)
    book(people, first)
    seen = len(queries.differing(kept, queries.given_up(kept, AT.date()), AT))

    done = actions.end_template(template_id=kept.pk, seen=seen, by=SYSTEM, at=AT)

    assert (done.followed, done.stayed, done.template.until) == (2, 1, date(2026, 9, 19))
    assert days(list(Session.objects.filter(status="open"))) == ["09-24 09:00"]


def test_another_weekday_is_opened_with_the_next_weeks(people: Cast) -> None:
    kept = template(people)
    opened(people)

    mend(kept, weekly(people, weekday=5))

    assert not Session.objects.filter(status="open").exists()
    # Friday the 25th is the Mid-autumn Festival.
    assert days(opened(people)) == ["10-09 09:00"]


def test_an_exception_of_a_booked_day_is_answered_by_calling_off(people: Cast) -> None:
    kept = template(people)
    first, second, _third = opened(people)
    book(people, first)

    standing = actions.except_day(template_id=kept.pk, day=date(2026, 9, 24), reason="开会", by=SYSTEM, at=AT)
    gone = actions.except_day(template_id=kept.pk, day=date(2026, 10, 8), reason="开会", by=SYSTEM, at=AT)

    assert standing is not None
    assert (standing.pk, gone) == (first.pk, None)
    assert Session.objects.get(pk=first.pk).status == "open"
    assert Session.objects.get(pk=second.pk).status == "withdrawn"
    assert Booking.objects.get().status == "booked"


def test_a_day_that_becomes_a_holiday_drops_nobody(people: Cast) -> None:
    template(people)
    template(people, practitioner_id=people.other_expert.pk, starts=time(14), ends=time(16))
    first, *_rest = opened(people)
    booking, desk, day = book(people, first), people.staff(Role.REFERRAL_DESK, people.hospital), date(2026, 9, 24)

    with pytest.raises(RuleBroken, match="没有空着的门诊可停"):
        actions.call_off_empty(day=day, reason="院庆", by=desk.actor, at=AT)
    actions.name_days(first=day, last=day, works_as=None, reason="院庆", by=desk.actor, at=AT)

    sheet = queries.day_sheet_of(desk.actor, queries.calendar_scope(desk.actor), day, AT)
    assert (sheet.count.is_closed, sheet.booked, sheet.empty, len(sheet.clinics)) == (True, 1, 1, 2)
    assert [(one.clinics, one.booked) for one in queries.closed_with_clinics(people.hospital, AT, 30)] == [(2, 1)]
    assert actions.call_off_empty(day=day, reason="院庆", by=desk.actor, at=AT) == 1
    assert Booking.objects.get(pk=booking.pk).status == "booked"
    with pytest.raises(RuleBroken, match="没有空着的门诊可停"):
        actions.call_off_empty(day=day, reason="院庆", by=desk.actor, at=AT)
    # The way that exists for people: each is told and owed another place.
    actions.withdraw_session(session_id=first.pk, reason="院庆", by=desk.actor, at=AT)
    assert Displaced.objects.get().booking_id == booking.pk
    assert queries.closed_with_clinics(people.hospital, AT, 30) == []


def test_a_day_that_counts_again_is_opened_again(people: Cast) -> None:
    template(people)
    opened(people)
    desk, day = people.staff(Role.REFERRAL_DESK, people.hospital), date(2026, 9, 24)
    actions.name_days(first=day, last=day, works_as=None, reason="院庆", by=desk.actor, at=AT)
    actions.call_off_empty(day=day, reason="院庆", by=desk.actor, at=AT)
    assert plan(people).opens == []

    actions.clear_day(day=day, by=desk.actor, at=AT)

    assert days(opened(people)) == ["09-24 09:00"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slot_minutes": 0}, "至少一分钟"),
        ({"ends": time(8)}, "结束时间不在开始时间之后"),
        ({"ends": time(9, 20)}, "放不下一个号"),
        ({"capacity": 0}, "1到20个号"),
        ({"capacity": 500}, "1到20个号"),
        ({"walk_in_percent": 101}, "0到100之间"),
        ({"until": date(2026, 9, 1)}, "最后一天早于第一天"),
        ({"since": date(2026, 9, 17)}, "第一天已经过去"),
        ({"weekday": 8}, "没有这个星期几"),
        ({"practitioner_id": 0}, "不在这家医院"),
        ({"specialty": "astrology"}, "没有这个科室"),
    ],
)
def test_a_bad_template_is_refused_with_a_sentence(people: Cast, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleBroken, match=said):
        template(people, **changes)
    assert not ClinicTemplate.objects.exists()


def test_two_templates_of_one_doctor_may_not_overlap(people: Cast) -> None:
    template(people, until=date(2026, 12, 1))

    with pytest.raises(RuleBroken, match="周四09:00–11:00已有"):
        template(people, starts=time(10), ends=time(12))
    template(people, starts=time(11), ends=time(12))
    template(people, since=date(2026, 12, 1))
    with pytest.raises(RuleBroken, match="没有可以开的"):
        actions.open_weeks(
            organization_id=people.hospital.pk, weeks=1, seen=0, by=SYSTEM, at=AT + timedelta(days=6, hours=8)
        )


def test_a_day_past_is_neither_named_nor_excepted(people: Cast) -> None:
    kept, desk = template(people), people.staff(Role.REFERRAL_DESK, people.hospital)

    for day, said in ((date(2026, 9, 17), "已经过去"), (date(2026, 9, 25), "本来就没有")):
        with pytest.raises(RuleBroken, match=said):
            actions.except_day(template_id=kept.pk, day=day, reason="开会", by=SYSTEM, at=AT)
    with pytest.raises(RuleBroken, match="过去的日子不能改"):
        actions.name_days(
            first=date(2026, 9, 17), last=date(2026, 9, 20), works_as=None, reason="补", by=desk.actor, at=AT
        )
    with pytest.raises(RuleBroken, match="1到31天"):
        actions.name_days(
            first=date(2026, 9, 19), last=date(2027, 9, 20), works_as=None, reason="补", by=desk.actor, at=AT
        )
    with pytest.raises(NotVisible):
        queries.day_named("2026-02-30")


def test_only_the_house_and_the_dispatcher_of_its_region_plan(people: Cast) -> None:
    kept = template(people)
    cardiology = Concept.objects.get(code="cardiology")
    practitioner("远处的医生", people.hospital, cardiology)

    for role, where in ((Role.GP, people.centre), (Role.CENTRE_MANAGER, people.centre), (Role.RESIDENT, people.centre)):
        actor = people.staff(role, where).actor
        with pytest.raises(Denied):
            actions.add_template(organization_id=people.hospital.pk, weekly=weekly(people, weekday=1), by=actor, at=AT)
        with pytest.raises(Denied):
            actions.open_weeks(organization_id=people.hospital.pk, weeks=1, seen=1, by=actor, at=AT)
    assert mend(kept, weekly(people, room="307"), people.staff(Role.HOSPITAL_DIRECTOR, people.hospital).actor)
