"""The night opens what is missing of the coming weeks, once, and says what not and why."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import CalendarDay, OpeningNote, Session
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast
from kangqiao.domain.scheduling.tests.test_weekly import AT, book, days, opened, template
from kangqiao.edges.jobs import scheduling as jobs
from kangqiao.kernel.errors import Denied

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    """Hospital, centre, two cardiologists; a Friday, and the night after it is Saturday."""
    return cast(AT)


def night(people: Cast, days_on: int = 0) -> OpeningNote | None:
    """The job of one night for the hospital."""
    return actions.keep_weeks_open(
        organization_id=people.hospital.pk, by=SYSTEM, at=AT + timedelta(days=days_on, hours=15, minutes=30)
    )


def test_the_night_opens_five_weeks_and_says_what_not(people: Cast) -> None:
    kept = template(people)
    actions.except_day(template_id=kept.pk, day=date(2026, 10, 8), reason="开会", by=SYSTEM, at=AT)

    note = night(people)

    assert note is not None
    assert days(list(Session.objects.order_by("starts_at"))) == ["09-24 09:00", "10-15 09:00", "10-22 09:00"]
    assert (note.last_day, note.opened) == (date(2026, 10, 24), 3)
    told = queries.opening_note(people.hospital)
    assert told is not None
    assert [(one.day, one.why) for one in told[1]] == [(date(2026, 10, 1), "国庆节"), (date(2026, 10, 8), "开会")]


def test_the_same_night_again_opens_nothing_and_the_next_what_is_missing(people: Cast) -> None:
    template(people)
    night(people)

    again, week_later = night(people), night(people, 7)

    assert again is not None
    assert week_later is not None
    assert (again.opened, week_later.opened) == (0, 1)
    assert OpeningNote.objects.count() == 1
    assert Session.objects.count() == 5
    assert AuditEvent.objects.filter(action="keep_weeks_open").count() == 2


def test_what_a_person_opened_or_called_off_stays(people: Cast) -> None:
    template(people)
    first, *_others = opened(people, 2)
    book(people, first)
    actions.withdraw_session(session_id=first.pk, reason="演示停诊", by=SYSTEM, at=AT)

    night(people)

    assert Session.objects.filter(planned_for=date(2026, 9, 24)).count() == 1
    told = queries.opening_note(people.hospital)
    assert told is not None
    assert (date(2026, 9, 24), "这一天已停诊") in [(one.day, one.why) for one in told[1]]


def test_a_day_made_up_for_and_a_day_closed_by_the_hospital(people: Cast) -> None:
    template(people)
    for day, works_as in ((date(2026, 10, 10), 4), (date(2026, 10, 15), None)):
        named = {"works_as": works_as, "reason": "演示", "set_by": "演示", "set_at": AT}
        CalendarDay.objects.create(organization=people.hospital, day=day, **named)

    night(people)

    assert days(list(Session.objects.order_by("starts_at"))) == [
        "09-24 09:00", "10-08 09:00", "10-10 09:00", "10-22 09:00"
    ]  # fmt: skip


def test_one_doctor_who_sits_elsewhere_holds_up_nobody(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan was made, and then the roster took the doctor for a half-day."""
    template(people)
    planned = queries.plan_of(people.hospital, date(2026, 9, 19), date(2026, 10, 23), AT)
    people.session(starts_at=planned.opens[0].starts_at, source="half_day:9")
    monkeypatch.setattr(queries, "plan_of", lambda *_args, **_more: planned)

    note = night(people)

    assert note is not None
    assert note.opened == len(planned.opens) - 1
    assert "conflict" in [row["skip"] for row in note.skipped]


def test_a_hospital_that_publishes_everything_itself(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    template(people)
    terms = queries.weekly_terms(people.hospital, AT.date())
    monkeypatch.setattr(queries, "weekly_terms", lambda *_args: type(terms)(terms.capacity_most, 4, 12, 0))

    assert night(people) is None
    assert not Session.objects.exists()


def test_the_job_goes_through_the_hospitals(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    template(people)
    monkeypatch.setattr(jobs.timezone, "now", lambda: AT)

    assert (jobs.weeks(0), jobs.weeks(0)) == (4, 0)


def test_nobody_else_starts_it(people: Cast) -> None:
    template(people)
    stranger = people.staff(Role.REFERRAL_DESK, people.centre)

    with pytest.raises(Denied):
        actions.keep_weeks_open(organization_id=people.hospital.pk, by=stranger.actor, at=AT)
