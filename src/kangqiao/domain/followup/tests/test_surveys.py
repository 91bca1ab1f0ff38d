"""Surveys after a visit: planned by what happened, asked on the day, answered on the phone, read by the doctor."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kangqiao.base.acting import as_system
from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions, permissions, queries
from kangqiao.domain.followup.models import Survey
from kangqiao.domain.followup.parameters import followup_at
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.edges.home.board import board_of
from kangqiao.edges.jobs import followup as jobs
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken
from kangqiao.pathways.ask_after_visits import visits_since

pytestmark = pytest.mark.django_db
FINE = {"feeling": "better", "medicine": "regular", "reaction": "nothing"}
BAD = {**FINE, "reaction": "severe"}
WEEK = timedelta(days=7)


@pytest.fixture
def w() -> f.World:
    return f.world()


def signed_in(seat: Seat, language: str = "zh-hans") -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.cookies["kq-language"] = language
    browser.get("/")
    return browser


def seen(w: f.World, one: Resident, *, doctor: Seat | None = None, house: Any = None, days: int = 0) -> Encounter:
    """A visit at the centre or another house."""
    where, at = house or w.centre, f.AT + timedelta(days=days)
    user = User.objects.get(pk=doctor.user_id) if doctor else None
    kind = "specialist" if where == w.hospital else "gp"
    return records.record_encounter(
        resident_id=one.pk, organization_id=where.pk, practitioner_id=w.person(kind, where, user).pk, started_at=at,
        diagnosis="I10", by=f.JOB, at=at,
    )  # fmt: skip


def plan(on: date = f.ON, at: Any = f.AT) -> int:
    with as_system("test") as by:
        return sum(
            actions.plan_surveys(visits=some, by=by, at=at) for some in list(visits_since(on - timedelta(days=3), on))
        )


def asked(w: f.World, one: Resident | None = None, **more: Any) -> Survey:
    """A survey of a visit that the resident has to answer now."""
    person = one or w.resident(with_user=True)
    visit = seen(w, person, **more)
    plan()
    actions.ask_surveys(by=f.JOB, at=f.AT + WEEK)
    return Survey.objects.get(source=f"encounter:{visit.pk}")


@pytest.mark.clause("XH23-5.4.4c")
def test_visit_today_plans_a_questionnaire_in_seven_days_and_its_answer_reaches_the_doctor(w: f.World) -> None:
    gp, resident = w.seat(Role.GP), w.resident(with_user=True)
    seen(w, resident, doctor=gp)

    assert plan() == 1

    row = Survey.objects.get(resident=resident)
    assert (row.status, row.kind, row.visit_on, row.ask_on) == ("planned", "visit", f.ON, f.ON + WEEK)
    assert actions.ask_surveys(by=f.JOB, at=f.AT + WEEK - timedelta(days=1)) == 0
    assert actions.ask_surveys(by=f.JOB, at=f.AT + WEEK) == 1
    address = reverse("followup-survey-answer", args=(row.pk,))
    assert Notice.objects.filter(user=resident.user, url=address).exists()
    phone = signed_in(w.own(resident))
    assert address in phone.get("/").content.decode()
    page = phone.get(address)
    assert "现在感觉比就诊那天怎么样" in page.content.decode()

    phone.post(address, {**FINE, "words": "晚上睡得好", "idempotency_key": "k1"})

    row.refresh_from_db()
    assert (row.status, row.is_worrying, row.words) == ("answered", False, "晚上睡得好")
    told = Notice.objects.get(cause=f"survey:{row.pk}:answer:doctor")
    assert told.user_id == gp.user_id
    shown = signed_in(gp).get(told.url).content.decode()
    assert "晚上睡得好" in shown
    assert "好些了" in shown


def test_running_again_plans_nothing_twice_and_the_days_are_a_setting_with_its_reason(w: f.World) -> None:
    seen(w, w.resident())
    assert (plan(), plan()) == (1, 0)

    terms = followup_at("440402", f.ON)

    assert (terms.survey_after.integer(), terms.survey_within.integer()) == (7, 7)
    assert terms.survey_after.setting
    assert terms.survey_after.reason


def test_who_comes_often_is_asked_once_at_a_time_for_each_kind(w: f.World) -> None:
    one = w.resident()
    seen(w, one)
    seen(w, one, days=-1)
    seen(w, one, house=w.hospital)

    assert plan() == 2
    assert {(row.kind, row.desk) for row in Survey.objects.all()} == {("visit", w.centre), ("specialist", w.centre)}
    first = Survey.objects.get(kind="visit")
    with pytest.raises(IntegrityError), transaction.atomic():
        Survey.objects.create(
            resident=one, kind="visit", source="x", organization=w.centre, desk=w.centre, visit_on=first.visit_on,
            ask_on=first.ask_on, answer_by=first.answer_by, policy_ref="x",
        )  # fmt: skip


def test_taken_over_from_the_hospital_is_asked_about_its_own_things_once(w: f.World) -> None:
    one = w.resident()
    contact = seen(w, one)
    Referral.objects.create(
        number="D1", direction="down", resident=one, from_organization=w.hospital, to_organization=w.centre,
        specialty="cardiology", diagnosis="I10", reason="演示", status="followed_up", sent_at=f.AT, answered_at=f.AT,
        clock_from=f.AT, answer_by=f.AT, policy_ref="x", encounter=contact,
    )  # fmt: skip

    assert plan() == 1

    row = Survey.objects.get()
    assert (row.kind, row.desk, row.organization) == ("discharge", w.centre, w.hospital)
    assert [each.key for each in queries.questionnaire_of(row).questions] == ["feeling", "wound", "medicine", "daily"]


def test_worrying_answer_stands_first_on_the_doctors_list_and_needs_a_word_about_what_was_done(w: f.World) -> None:
    gp, fine, bad = w.seat(Role.GP), asked(w), asked(w)
    actions.answer_survey(survey_id=fine.pk, answers=FINE, by=w.own(fine.resident).actor, at=f.AT + WEEK)

    actions.answer_survey(survey_id=bad.pk, answers=BAD, by=w.own(bad.resident).actor, at=f.AT + WEEK)

    board = board_of(gp, f.AT + WEEK, wanted="surveys")
    assert [row.title for row in board.rows] == [bad.resident.name, fine.resident.name]
    assert "有，比较重" in board.rows[0].lead
    told = Notice.objects.get(cause=f"survey:{bad.pk}:answer:desk")
    assert (told.organization, told.role, told.subject) == (w.centre, Role.GP, "居民诊后的回答要马上看")
    phone = signed_in(w.own(bad.resident)).get(reverse("followup-survey", args=(bad.pk,))).content.decode()
    assert "马上打急救电话" in phone
    desk, address = signed_in(gp), reverse("followup-survey", args=(bad.pk,))
    refused = desk.post(address, {"reason": "", "idempotency_key": "a"})
    assert refused.status_code == 422
    assert "请写怎么处理的" in refused.content.decode()
    assert desk.post(address, {"reason": "嘱停药，明天来", "idempotency_key": "b"}).status_code == 302
    assert history(bad).last().reason == "嘱停药，明天来"
    assert [row.title for row in board_of(gp, f.AT + WEEK, wanted="surveys").rows] == [fine.resident.name]
    with pytest.raises(AlreadyMoved, match=User.objects.get(pk=gp.user_id).name):
        actions.read_survey(survey_id=bad.pk, reason="再看", by=gp.actor, at=f.AT + WEEK)


def test_unanswered_falls_due_shows_as_such_and_the_centre_writes_down_what_was_said_by_telephone(w: f.World) -> None:
    gp, row = w.seat(Role.GP), asked(w)
    last = f.AT + 2 * WEEK
    assert actions.lapse_surveys(by=f.JOB, at=last) == 0
    assert actions.lapse_surveys(by=f.JOB, at=last + timedelta(days=1)) == 1
    desk = signed_in(gp)
    page = desk.get(reverse("followup-surveys"), {"tab": "unanswered"}).content.decode()
    assert row.resident.name in page
    assert "到期未回答" in page

    sent = desk.post(reverse("followup-survey-answer", args=(row.pk,)), {**FINE, "idempotency_key": "t"})

    row.refresh_from_db()
    assert (sent.status_code, row.status, row.by_name) == (302, "answered", gp.actor.name)


def test_second_answer_says_who_gave_the_first(w: f.World) -> None:
    row = asked(w)
    actions.answer_survey(survey_id=row.pk, answers=FINE, by=w.own(row.resident).actor, at=f.AT + WEEK)

    with pytest.raises(AlreadyMoved, match=row.resident.name):
        actions.answer_survey(survey_id=row.pk, answers=BAD, by=w.seat(Role.GP).actor, at=f.AT + WEEK)


def test_answer_with_an_open_question_is_refused_and_keeps_what_was_chosen(w: f.World) -> None:
    row = asked(w)
    own = w.own(row.resident)
    address = reverse("followup-survey-answer", args=(row.pk,))

    page = signed_in(own).post(address, {"feeling": "worse", "words": "头晕", "idempotency_key": "k"})

    assert page.status_code == 422
    assert "头晕" in page.content.decode()
    assert "checked" in page.content.decode()
    with pytest.raises(RuleBroken, match="还有问题没有选"):
        actions.answer_survey(survey_id=row.pk, answers={"feeling": "worse"}, by=own.actor, at=f.AT)
    row.refresh_from_db()
    assert row.status == "asked"


def test_parent_is_asked_for_the_child_and_who_runs_errands_is_not(w: f.World) -> None:
    child, parent, helper = w.resident(date(2020, 1, 1)), w.resident(with_user=True), w.resident(with_user=True)
    for kind, who in ((Basis.Kind.GUARDIAN, parent), (Basis.Kind.PROXY, helper)):
        residents.grant_basis(
            resident_id=child.pk, kind=kind, source="test", since=f.AT, user_id=who.user_id, by=f.JOB, at=f.AT
        )

    row = asked(w, child)

    assert [one.user for one in Notice.objects.filter(kind="survey")] == [parent.user]
    assert queries.open_surveys(w.own(parent)) == [row]
    assert queries.open_surveys(w.own(helper)) == []
    with pytest.raises(Denied):
        actions.answer_survey(survey_id=row.pk, answers=FINE, by=w.own(helper).actor, at=f.AT + WEEK)
    with pytest.raises(NotVisible):
        queries.get_survey(w.own(helper), row.pk)


def test_who_has_died_is_not_asked_and_who_is_asked_late_has_as_long_as_everybody(w: f.World) -> None:
    dead, alive = w.resident(), w.resident()
    for one in (dead, alive):
        seen(w, one)
    plan()
    Resident.objects.filter(pk=dead.pk).update(deceased_on=f.ON)

    actions.ask_surveys(by=f.JOB, at=f.AT + 3 * WEEK)

    rows = {row.resident: row for row in Survey.objects.all()}
    assert rows[dead].status == "dropped"
    assert (rows[alive].status, rows[alive].answer_by) == ("asked", f.ON + 4 * WEEK)


def test_survey_is_seen_by_the_person_the_centre_and_the_doctor_of_the_visit_alone(w: f.World) -> None:
    expert = w.seat(Role.EXPERT, w.hospital)
    row = asked(w, house=w.hospital, doctor=expert)
    # The basis of the visit itself is long over by the clock of the pages.
    residents.grant_basis(
        resident_id=row.resident_id, kind=Basis.Kind.BOOKING, source="test", since=f.AT, organization_id=w.hospital.pk,
        by=f.JOB, at=f.AT,
    )  # fmt: skip

    def sees(seat: Seat) -> bool:
        return Survey.objects.filter(permissions.surveys_visible_to(seat), pk=row.pk).exists()

    assert (row.kind, row.desk) == ("specialist", w.centre)
    assert all(sees(one) for one in (w.own(row.resident), w.seat(Role.GP), w.seat(Role.CENTRE_MANAGER), expert))
    others = (
        w.seat(Role.EXPERT, w.hospital), w.seat(Role.REFERRAL_DESK, w.hospital), w.seat(Role.GP, w.other),
        w.seat(Role.PHARMACIST), w.own(w.resident(with_user=True)),
    )  # fmt: skip
    assert not any(sees(one) for one in others)
    parties = [permissions.survey_parties(one.actor, row, f.AT + WEEK) for one in (expert, w.seat(Role.GP), *others)]
    assert parties == [{"team"}, {"team"}, set(), set(), set(), set(), set()]
    residents.refuse_organization(
        resident_id=row.resident_id, organization_id=w.centre.pk, by=w.own(row.resident).actor, at=f.AT
    )
    assert not sees(w.seat(Role.GP))


def test_only_a_job_plans_asks_and_lapses(w: f.World) -> None:
    by = w.seat(Role.GP).actor
    for step in (actions.ask_surveys, actions.lapse_surveys):
        with pytest.raises(Denied):
            step(by=by, at=f.AT)
    with pytest.raises(Denied):
        actions.plan_surveys(visits=(), by=by, at=f.AT)


def test_job_and_pages_ask_no_more_for_fifty_than_for_one(w: f.World) -> None:
    gp, asks = w.seat(Role.GP), {}
    for count in (1, 50):
        for _number in range(count):
            seen(w, w.resident(with_user=count == 1))
        steps = {
            "plan": plan, "ask": lambda: actions.ask_surveys(by=f.JOB, at=f.AT + WEEK),
            "lapse": lambda: actions.lapse_surveys(by=f.JOB, at=f.AT + 3 * WEEK),
        }  # fmt: skip
        for name, step in steps.items():
            with CaptureQueriesContext(connection) as found:
                step()
            asks.setdefault(name, []).append(len(found))
        browser = signed_in(gp)
        browser.get(reverse("followup-surveys"), {"tab": "unanswered"})
        with CaptureQueriesContext(connection) as found:
            browser.get(reverse("followup-surveys"), {"tab": "unanswered"})
        asks.setdefault("page", []).append(len(found))
    assert Survey.objects.filter(status="unanswered").count() == 51
    assert all(more <= one for one, more in asks.values()), asks


def test_morning_job_runs_through_on_what_there_is(w: f.World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(w, w.resident(), days=0)
    monkeypatch.setattr(jobs.timezone, "now", lambda: f.AT)
    monkeypatch.setattr(jobs.timezone, "localdate", lambda: f.ON)

    assert jobs.surveys(0) == {"lapsed": 0, "planned": 1, "asked": 0}
    assert jobs.surveys(0) == {"lapsed": 0, "planned": 0, "asked": 0}


def test_questions_are_read_in_the_language_of_the_reader(w: f.World) -> None:
    row = asked(w)
    address = reverse("followup-survey-answer", args=(row.pk,))

    page = signed_in(w.own(row.resident), "en").get(address).content.decode()

    assert "How do you feel compared with the day of the visit?" in page
    assert "现在感觉" not in page
