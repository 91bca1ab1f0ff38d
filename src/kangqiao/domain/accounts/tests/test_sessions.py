"""Sessions: new at sign-in, listed, ended; over when idle, too old, or when what the person may do changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from kangqiao.domain.accounts import actions
from kangqiao.domain.accounts.models import SignIn, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD, enrol, enrolled, phone
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre

pytestmark = pytest.mark.django_db
NOTICES = "/notices/"
START = datetime(2026, 5, 14, 1, 0, tzinfo=UTC)
PHONE_BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"
DESK_BROWSER = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def resident(name: str = "li") -> Seat:
    return seat("resident", centre(), user(name, PASSWORD, is_demo=False))


def come_in(name: str = "li", browser: str = DESK_BROWSER) -> Client:
    """A browser in which this person is signed in, by the ordinary way."""
    client = Client(HTTP_USER_AGENT=browser)
    answer = client.post("/sign-in/", {"username": name, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get(NOTICES).status_code == 200


@pytest.mark.trust("T-AUTH-1")
def test_a_session_planted_before_sign_in_is_worth_nothing_afterwards(measured: Callable[[str], None]) -> None:
    resident()
    attacker, victim = Client(), Client()
    attacker.get("/sign-in/second/")
    session = attacker.session
    session["planted"] = True
    session.save()
    planted = session.session_key or ""
    victim.cookies["sessionid"] = planted

    victim.post("/sign-in/", {"username": "li", "password": PASSWORD})
    attacker.cookies["sessionid"] = planted

    assert is_in(victim)
    assert victim.cookies["sessionid"].value != planted
    assert not is_in(attacker)
    assert not Session.objects.filter(session_key=planted).exists()
    measured("planted id is gone after sign-in, a new one is given")


@pytest.mark.trust("T-AUTH-1")
def test_sessions_stand_side_by_side_are_listed_and_ended_one_by_one(measured: Callable[[str], None]) -> None:
    resident()
    desk, mobile = come_in(browser=DESK_BROWSER), come_in(browser=PHONE_BROWSER)

    page = desk.get("/own/sign-ins/").content.decode()
    other = SignIn.objects.get(device="Safari · iPhone")
    stranger = seat("resident", centre("b"), user("wang", PASSWORD, is_demo=False))
    refused = come_in("wang").post(f"/own/sign-ins/{other.pk}/end/")
    still = is_in(mobile)
    desk.post(f"/own/sign-ins/{other.pk}/end/")

    assert "Chrome · Windows" in page
    assert "Safari · iPhone" in page
    assert (refused.status_code, still) == (404, True)
    assert (is_in(desk), is_in(mobile)) == (True, False)
    assert stranger.user_id
    measured("2 sessions listed with device, one ended from the other")


@pytest.mark.trust("T-AUTH-2")
def test_leaving_everywhere_keeps_this_browser_only() -> None:
    resident()
    here, there, elsewhere = come_in(), come_in(), come_in()

    here.post("/own/sign-ins/end/")

    assert [is_in(one) for one in (here, there, elsewhere)] == [True, False, False]


def grant(who: User, own: Seat) -> None:
    actions.grant_membership(user=who, organization=centre("b"), role="gp", since=date(2024, 1, 1), by=TESTER, at=NOW)


CHANGES = {
    "closed": lambda who, own: actions.set_active(user_id=who.pk, is_active=False, by=TESTER, at=NOW),
    "a role more": grant,
    "a role less": lambda who, own: actions.end_membership(
        membership_id=own.membership_id, until=date(2025, 1, 1), by=TESTER, at=NOW
    ),
    "another password": lambda who, own: actions.reset_password(user_id=who.pk, by=TESTER, at=NOW),
    "made to leave": lambda who, own: actions.end_sign_ins_of(user_id=who.pk, by=TESTER, at=NOW),
    "second factor reset": lambda who, own: actions.reset_factors(user_id=who.pk, by=TESTER, at=NOW),
}


@pytest.mark.trust("T-AUTH-2")
@pytest.mark.parametrize("change", CHANGES)
def test_every_session_ends_at_once_when_what_a_person_may_do_changes(
    change: str, measured: Callable[[str], None]
) -> None:
    own = resident()
    who = User.objects.get(pk=own.user_id)
    browsers = [come_in(), come_in()]
    assert all(is_in(one) for one in browsers)

    CHANGES[change](who, own)

    assert not any(is_in(one) for one in browsers)
    assert not SignIn.objects.filter(user=who, ended_at__isnull=True).exists()
    assert not [one for one in Session.objects.all() if one.get_decoded().get("_auth_user_id") == str(who.pk)]
    measured(f"{change}: both sessions refused on the next request, their rows deleted")


def test_signing_out_is_written_down_and_deletes_the_session() -> None:
    resident()
    client = come_in()
    key = client.session.session_key

    client.post("/sign-out/")

    assert not Session.objects.filter(session_key=key).exists()
    assert SignIn.objects.get().ended_why == "out"


@pytest.mark.trust("T-AUTH-1")
def test_a_browser_left_alone_is_out_after_the_idle_limit() -> None:
    resident()
    with time_machine.travel(START, tick=False) as clock:
        client = come_in()
        clock.shift(timedelta(minutes=29))
        lasted = is_in(client)
        clock.shift(timedelta(minutes=29))
        still = is_in(client)
        clock.shift(timedelta(minutes=30))
        answer = client.get(NOTICES)
        page = client.get(answer.headers["Location"]).content.decode()

    assert (lasted, still, answer.status_code) == (True, True, 302)
    assert "why=idle" in answer.headers["Location"]
    assert "已经替您退出" in page
    assert SignIn.objects.get().ended_why == "idle"


def test_staff_have_half_the_time() -> None:
    seat("gp", centre(), user("gp-1", PASSWORD, is_demo=False))
    with time_machine.travel(START, tick=False) as clock:
        client = come_in("gp-1")
        enrolled(client)
        clock.shift(timedelta(minutes=14))
        lasted = is_in(client)
        clock.shift(timedelta(minutes=15))

        assert (lasted, is_in(client)) == (True, False)


def test_what_a_page_asks_by_itself_is_no_sign_of_life() -> None:
    resident()
    with time_machine.travel(START, tick=False) as clock:
        client = come_in()
        for _turn in range(3):
            clock.shift(timedelta(minutes=10))
            last = client.get(NOTICES, headers={"X-Kangqiao-Poll": "1"})

        assert last.status_code == 302


def test_call_made_aside_is_refused_and_leaves_the_ending_to_the_next_one() -> None:
    resident()
    with time_machine.travel(START, tick=False) as clock:
        client = come_in()
        clock.shift(timedelta(minutes=31))

        aside = client.get(NOTICES, headers={"X-Kangqiao-Aside": "1"})
        is_open = SignIn.objects.get().ended_at is None
        next_one = client.get(NOTICES)

    assert (aside.status_code, "sessionid" in aside.cookies, is_open) == (302, False, True)
    assert "why=idle" in next_one.headers["Location"]
    assert SignIn.objects.get().ended_why == "idle"


def test_no_sign_in_lasts_longer_than_twelve_hours() -> None:
    resident()
    with time_machine.travel(START, tick=False) as clock:
        client = come_in()
        for _turn in range(35):
            clock.shift(timedelta(minutes=20))
            assert is_in(client)
        clock.shift(timedelta(minutes=20))

        assert "why=absolute" in client.get(NOTICES).headers["Location"]


@pytest.mark.trust("T-AUTH-2")
def test_another_password_ends_the_other_sessions_and_gives_this_one_a_new_id() -> None:
    resident()
    here, there = come_in(), come_in()
    before = here.session.session_key
    asked = {"old": PASSWORD, "new": "three herons on a wall", "again": "three herons on a wall"}

    wrong = here.post("/own/password/", asked | {"old": "not it"})
    short = here.post("/own/password/", {"old": PASSWORD, "new": "short1", "again": "short1"})
    known = here.post("/own/password/", {"old": PASSWORD, "new": "password123", "again": "password123"})
    changed = here.post("/own/password/", asked)

    assert [one.status_code for one in (wrong, short, known, changed)] == [422, 422, 422, 302]
    assert (is_in(here), is_in(there)) == (True, False)
    assert here.session.session_key != before
    assert Client().post("/sign-in/", {"username": "li", "password": PASSWORD}).status_code == 422


@pytest.mark.trust("T-AUTH-4", "no view signs anybody in by a header")
@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "Token", "Digest"])
def test_no_header_signs_anybody_in_or_makes_a_session(scheme: str) -> None:
    """There are no API tokens; whoever adds them meets this test: a token must never become a session."""
    own = resident()
    inside = come_in()
    key = inside.session.session_key
    stranger = Client(headers={"Authorization": f"{scheme} {key}", "X-API-Key": key or ""}, REMOTE_USER="li")

    answer = stranger.get(NOTICES)

    assert answer.status_code == 302
    assert "sessionid" not in stranger.cookies
    assert SignIn.objects.filter(user=own.user_id).count() == 1


def test_a_code_of_the_app_is_asked_each_time_somebody_comes_in() -> None:
    who = user("gp-1", PASSWORD, is_demo=False)
    seat("gp", centre(), who)
    secret = enrol(who)
    client = come_in("gp-1")

    before = is_in(client)
    client.post("/sign-in/second/", {"code": phone(secret)})

    assert (before, is_in(client)) == (False, True)
