"""The second factor of staff: set up at the first sign-in, asked at each, each code good once."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client
from pytest_django.fixtures import Settings

from kangqiao.base import sealed
from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts import actions, rules
from kangqiao.domain.accounts.models import ADMINISTRATORS, RecoveryCode, SecondFactor, User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD, SoftKey, enrol, enrolled, phone
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, place
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
NOTICES = "/notices/"
START = datetime(2026, 5, 14, 1, 0, tzinfo=UTC)


def doctor(name: str = "gp-1") -> User:
    who = user(name, PASSWORD, is_demo=False)
    seat("gp", centre(f"centre-of-{name}"), who)
    return who


def half_way(name: str = "gp-1") -> Client:
    """A browser in which the password was right."""
    client = Client()
    client.post("/sign-in/", {"username": name, "password": PASSWORD, "next": NOTICES})
    return client


def is_in(client: Client) -> bool:
    return client.get(NOTICES).status_code == 200


def options(client: Client, address: str) -> str:
    """What the page asks of a security key."""
    found = re.search(r'data-options="([^"]+)"', client.get(address).content.decode())
    assert found
    return unescape(found[1])


@pytest.mark.trust("T-AUTH-3")
def test_staff_who_come_in_for_the_first_time_set_a_second_factor_up_and_cannot_pass_without(
    measured: Callable[[str], None],
) -> None:
    who = doctor()
    client = Client()

    first = client.post("/sign-in/", {"username": "gp-1", "password": PASSWORD, "next": NOTICES})
    around = [client.get(address).status_code for address in (NOTICES, "/", "/residents/", "/own/sign-ins/")]
    wrong = client.post("/sign-in/app/", {"code": "000000"})
    picture = client.get("/sign-in/app/picture.svg")
    secret = sealed.unseal(base64.b64decode(client.session["new_secret"]))
    page = client.post("/sign-in/app/", {"code": phone(secret)}).content.decode()

    assert first.headers["Location"] == "/sign-in/app/"
    assert set(around) == {302}
    assert wrong.status_code == 422
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.content.startswith(b"<svg")
    assert len(re.findall(r"<code>[0-9a-z-]{29}</code>", page)) == 10
    assert NOTICES in page
    assert is_in(client)
    assert SecondFactor.objects.get(user=who).kind == "totp"
    measured("4 of 4 pages closed until the second factor is set up")


def test_a_secret_is_kept_sealed_and_recovery_codes_as_digests() -> None:
    who = doctor()
    client = half_way()
    secret = enrolled(client)
    row = SecondFactor.objects.get(user=who)

    kept = bytes(row.sealed_secret)

    assert secret not in kept
    assert rules.spelled(secret).encode() not in kept
    assert sealed.unseal(kept) == secret
    assert all(len(one.digest) == 64 for one in RecoveryCode.objects.filter(user=who))
    assert rules.spelled(secret) not in str(list(AuditEvent.objects.values()))


def test_another_site_key_does_not_open_what_was_sealed(settings: Settings) -> None:
    kept = sealed.seal(b"a secret of an app")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of the site"
    moved = sealed.unseal(kept)
    settings.SECRET_KEY_FALLBACKS = []

    assert moved == b"a secret of an app"
    with pytest.raises(sealed.Unreadable):
        sealed.unseal(kept)


@pytest.mark.trust("T-AUTH-3")
def test_a_code_is_good_once_also_in_another_browser_and_at_the_same_moment(measured: Callable[[str], None]) -> None:
    secret = enrol(doctor())
    with time_machine.travel(START, tick=False) as clock:
        code = phone(secret)
        here, there = half_way(), half_way()
        here.post("/sign-in/second/", {"code": code})
        replayed = there.post("/sign-in/second/", {"code": code})
        earlier = there.post("/sign-in/second/", {"code": phone(secret, -1)})
        clock.shift(timedelta(seconds=30))
        fresh = there.post("/sign-in/second/", {"code": phone(secret)})

    assert (replayed.status_code, earlier.status_code, fresh.status_code) == (422, 422, 302)
    measured("the code just used and the one before it refused, the next one taken")


def test_two_that_show_the_same_code_at_once_are_one() -> None:
    who = doctor()
    secret = enrol(who)
    row = SecondFactor.objects.get(user=who)
    step = rules.step_of(START)

    taken = [SecondFactor.objects.filter(pk=row.pk, last_step__lt=step).update(last_step=step) for _turn in range(2)]

    assert taken == [1, 0]
    with pytest.raises(RuleBroken):
        actions.prove_code(user=who, typed=rules.code_at(secret, step), at=START)


def test_a_recovery_code_comes_in_once() -> None:
    who = doctor()
    client = half_way()
    enrolled(client)
    code = actions.renew_recovery_codes(user=who, by=Actor(f"user:{who.pk}", who.name), at=NOW)[3]

    first, second = half_way(), half_way()
    came = first.post("/sign-in/second/", {"code": code.upper()})
    again = second.post("/sign-in/second/", {"code": code})

    assert (came.headers["Location"], again.status_code) == (NOTICES, 422)
    assert RecoveryCode.objects.filter(user=who, used_at__isnull=True).count() == 9


def test_half_way_in_opens_nothing_and_does_not_last() -> None:
    secret = enrol(doctor())
    with time_machine.travel(START, tick=False) as clock:
        client = half_way()
        app_page = client.get("/sign-in/app/")
        clock.shift(timedelta(minutes=10))
        late = client.post("/sign-in/second/", {"code": phone(secret)})

    assert app_page.headers["Location"] == "/sign-in/"  # who has a second factor cannot set up another instead
    assert late.headers["Location"] == "/sign-in/"
    assert not is_in(client)


def test_a_security_key_is_registered_and_lets_in() -> None:
    who, key = doctor(), SoftKey()
    client = half_way()
    page = client.post("/sign-in/key/", {"key": key.create(options(client, "/sign-in/key/"))})
    again = half_way()
    came = again.post("/sign-in/second/", {"key": key.sign(options(again, "/sign-in/second/"))})

    assert page.content.decode().count("<code>") == 10
    assert came.headers["Location"] == NOTICES
    assert is_in(again)
    assert SecondFactor.objects.get(user=who).signatures == 1


@pytest.mark.parametrize("fault", ["replayed", "origin", "host", "signature", "count", "not json", "other user"])
def test_a_security_key_that_answers_wrongly_stays_outside(fault: str) -> None:
    doctor()
    key = SoftKey()
    client = half_way()
    client.post("/sign-in/key/", {"key": key.create(options(client, "/sign-in/key/"))})
    client.post("/sign-out/")
    client = half_way()
    asked = options(client, "/sign-in/second/")
    if fault == "origin":
        key.origin = "https://kangqiao.example"
    if fault == "host":
        key.host = "elsewhere.example"
    if fault == "signature":
        key.secret = SoftKey().secret
    if fault == "count":
        SecondFactor.objects.update(signatures=9)
    if fault == "other user":
        SecondFactor.objects.update(user=doctor("gp-2"))
    answer = key.sign(asked)
    if fault == "replayed":
        half_way().post("/sign-in/second/", {"key": answer})
        client.get("/sign-in/second/")  # asks anew

    refused = client.post("/sign-in/second/", {"key": "[]" if fault == "not json" else answer})

    assert refused.status_code == 422
    assert not is_in(client)


def test_residents_come_in_with_a_password_and_may_add_a_second_factor() -> None:
    who = user("li", PASSWORD, is_demo=False)
    seat("resident", centre(), who)
    client = half_way("li")
    plain = is_in(client)
    enrolled(client)

    again = half_way("li")

    assert plain
    assert again.get(NOTICES).status_code == 302
    assert again.get("/sign-in/second/").status_code == 200


def test_the_last_second_factor_of_staff_stays() -> None:
    who = doctor()
    me = Actor(f"user:{who.pk}", who.name)
    enrol(who)
    first = SecondFactor.objects.get(user=who)
    with pytest.raises(RuleBroken, match="至少要留一种"):
        actions.remove_factor(factor_id=first.pk, by=me, at=NOW)
    enrol(who)
    with pytest.raises(NotVisible):
        actions.remove_factor(factor_id=first.pk, by=Actor("user:0", "x"), at=NOW)

    actions.remove_factor(factor_id=first.pk, by=me, at=NOW)

    assert SecondFactor.objects.filter(user=who).count() == 1


def test_a_lost_second_factor_is_reset_by_the_security_administrator_alone() -> None:
    who = doctor()
    enrol(who)
    keepers = {role: seat(role, centre(f"of-{role}")).actor for role in ADMINISTRATORS}
    far = seat("security_admin", centre("far", where=place("4403", "深圳市"))).actor

    for role in ("system_admin", "audit_admin"):
        with pytest.raises(Denied):
            actions.reset_factors(user_id=who.pk, by=keepers[role], at=NOW)
    with pytest.raises(NotVisible):
        actions.reset_factors(user_id=who.pk, by=far, at=NOW)
    actions.reset_factors(user_id=who.pk, by=keepers["security_admin"], at=NOW)

    assert not SecondFactor.objects.filter(user=who).exists()
    assert half_way().get("/sign-in/app/").status_code == 200


def test_invented_people_pass_only_where_the_setting_says_so(settings: Settings) -> None:
    settings.DEMO, settings.DEMO_WITHOUT_SECOND_FACTOR = "zhuhai", True
    seat("gp", centre(), user("demo-1", PASSWORD))
    real = doctor()
    page = Client().get("/sign-in/").content.decode()
    invented = half_way("demo-1")
    settings.DEMO_WITHOUT_SECOND_FACTOR = False
    asked = half_way("demo-1")

    assert "演示人物不用第二重验证" in page
    assert is_in(invented)
    assert not is_in(asked)
    assert not is_in(half_way(real.username))


def test_a_first_password_is_changed_before_anything_else() -> None:
    who = doctor()
    handed = actions.reset_password(user_id=who.pk, by=TESTER, at=NOW)
    client = Client()
    first = client.post("/sign-in/", {"username": "gp-1", "password": handed})
    skipped = client.get("/sign-in/app/")
    short = client.post("/sign-in/password/", {"new": "short", "again": "short"})
    changed = client.post("/sign-in/password/", {"new": PASSWORD, "again": PASSWORD})

    assert first.headers["Location"] == "/sign-in/password/"
    assert skipped.headers["Location"] == "/sign-in/"
    assert short.status_code == 422
    assert changed.headers["Location"] == "/sign-in/app/"
    assert not User.objects.get(pk=who.pk).has_temporary_password
    assert Client().post("/sign-in/", {"username": "gp-1", "password": handed}).status_code == 422
