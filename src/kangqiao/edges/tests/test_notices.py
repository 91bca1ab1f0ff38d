"""A clinic is called off, and a resident's telephone says so: choice, job, file, and what no message ever holds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.messaging.models import Delivery
from kangqiao.domain.messaging.tests.factories import tell
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, first_slot
from kangqiao.edges.jobs import notices as jobs

pytestmark = pytest.mark.django_db
MOBILE = "15400000007"


@pytest.fixture
def spool(tmp_path: Path, settings: Any) -> Path:
    settings.SMS = {"carrier": "file", "gateway": "", "secret": "", "file": str(tmp_path / "messages.jsonl")}
    return tmp_path / "messages.jsonl"


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now() - timedelta(minutes=1))


def browser(resident: Resident) -> Client:
    made = Client()
    assert resident.user is not None
    made.force_login(resident.user)
    return made


def with_mobile(people: Cast, number: int = 1) -> Resident:
    one = people.resident(number)
    Resident.objects.filter(pk=one.pk).update(phone=MOBILE)
    return one


def booked_tomorrow(people: Cast, resident: Resident) -> Session:
    """At noon, so that a message neither has to wait for nor overtakes the morning."""
    noon = (timezone.now() + timedelta(days=1)).astimezone(CHINA).replace(hour=12, minute=0, second=0, microsecond=0)
    session = people.session(starts_at=noon)
    scheduling.book(
        slot_id=first_slot(session).pk, resident_id=resident.pk, channel="self", attempt="a", by=SYSTEM, at=people.at
    )
    return session


def test_from_the_choice_on_the_phone_to_the_line_in_the_file(people: Cast, spool: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("kangqiao.domain.messaging.rules.due", lambda moment, _terms, _visit=None: moment)
    one = with_mobile(people)
    page = browser(one)
    assert "尾号 0007" in page.get("/own/notices/").content.decode()
    page.post("/own/notices/", {"is_on": "yes"})
    session = booked_tomorrow(people, one)

    scheduling.withdraw_session(
        session_id=session.pk, reason="专家确诊糖尿病足，住院", why="illness", by=SYSTEM, at=timezone.now()
    )
    first, second = jobs.send(0), jobs.send(0)

    assert (first, second) == ({"sent": 1}, {})
    (line,) = spool.read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert told["to"] == MOBILE
    assert told["template"] == "session_withdrawn"
    assert "因停诊取消" in told["text"]
    assert session.organization.short_zh in told["text"]
    assert not [word for word in ("糖尿病", "住院", "心血管", "沈青黛", one.name, one.identifier) if word in line]


def test_without_a_mobile_it_cannot_be_turned_on_and_the_page_says_what_to_do(people: Cast, spool: Path) -> None:
    one = people.resident(1)

    answer = browser(one).post("/own/notices/", {"is_on": "yes"})

    assert answer.status_code == 422
    assert "请让登记的社区中心补上" in answer.content.decode()


def test_turned_off_nothing_more_is_queued(people: Cast, spool: Path) -> None:
    one = with_mobile(people)
    page = browser(one)
    page.post("/own/notices/", {"is_on": "yes"})
    page.post("/own/notices/", {"is_on": "no"})
    session = booked_tomorrow(people, one)

    scheduling.withdraw_session(session_id=session.pk, reason="病", why="illness", by=SYSTEM, at=timezone.now())

    assert not Delivery.objects.exists()


def test_where_nobody_answers_the_job_stops_and_goes_on_later(people: Cast, spool: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("kangqiao.domain.messaging.rules.due", lambda moment, _terms, _visit=None: moment)
    one = with_mobile(people)
    browser(one).post("/own/notices/", {"is_on": "yes"})
    for cause in ("a", "b"):
        tell(one.user_id, cause, at=timezone.now())
    spool.mkdir()

    stopped = jobs.send(0)
    spool.rmdir()
    Delivery.objects.update(due_at=timezone.now())
    later = jobs.send(0)

    assert (stopped, later) == ({"queued": 1}, {"sent": 2})
    assert len(spool.read_text(encoding="utf-8").splitlines()) == 2


def test_a_site_without_carrier_does_nothing_and_tells_residents_so(people: Cast, settings: Any) -> None:
    settings.SMS = settings.SMS | {"carrier": ""}
    one = with_mobile(people)

    assert jobs.send(0) == {}
    assert "还没有接通短信" in browser(one).get("/own/notices/").content.decode()


def test_only_residents_choose_here(people: Cast) -> None:
    staff = Client()
    staff.force_login(User.objects.get(pk=people.staff(Role.GP).user_id))

    assert staff.get("/own/notices/").status_code == 403
    assert staff.post("/own/notices/", {"is_on": "yes"}).status_code == 403
