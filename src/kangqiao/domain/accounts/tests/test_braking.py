"""Lock-out: five failures, then waits that grow; for accounts that exist and for names that do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
import time_machine
from django.http import HttpResponseBase
from django.test import Client

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts import actions
from kangqiao.domain.accounts.actions.braking import count_attempt, note_failure
from kangqiao.domain.accounts.models import FailureCount
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD
from kangqiao.domain.institutions.tests.factories import NOW, centre
from kangqiao.kernel.errors import Denied, RuleBroken, TooOften

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 14, 1, 0, tzinfo=UTC)


def door(client: Client, name: str, password: str = "wrong", address: str = "10.1.1.1") -> HttpResponseBase:
    """One attempt at the sign-in page from an address."""
    return client.post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=address)


def someone() -> None:
    seat("resident", centre(), user("li", PASSWORD, is_demo=False))


@pytest.mark.trust("T-AUTH-3")
@pytest.mark.trust("T-RATE-1")
@pytest.mark.parametrize("name", ["li", "nobody-of-that-name"])
def test_after_five_failures_even_the_right_password_waits(
    client: Client, name: str, measured: Callable[[str], None]
) -> None:
    someone()
    with time_machine.travel(START, tick=False) as clock:
        answers = [door(client, name) for _turn in range(5)]
        sixth = door(client, name, PASSWORD)
        clock.shift(timedelta(seconds=59))
        early = door(client, name, PASSWORD)
        clock.shift(timedelta(seconds=1))
        after = door(client, name, PASSWORD)

    assert [answer.status_code for answer in answers] == [422] * 5
    assert (sixth.status_code, early.status_code) == (429, 429)
    assert (sixth.headers["Retry-After"], early.headers["Retry-After"]) == ("60", "1")
    assert "请等 1 分钟再试" in sixth.content.decode()  # type: ignore[attr-defined]
    assert after.status_code == (302 if name == "li" else 422)
    assert AuditEvent.objects.filter(action="accounts.brake").count() >= 1
    assert AuditEvent.objects.filter(action="accounts.refuse_sign_in", detail__why="brake").count() == 2
    measured("6th of 6 refused with 429 and Retry-After: 60, both audited")


def test_each_further_failure_doubles_the_wait_and_a_quiet_day_forgets(client: Client) -> None:
    someone()
    waits = []
    with time_machine.travel(START, tick=False) as clock:
        for _turn in range(5):
            door(client, "li")
        for _turn in range(6):
            refused = door(client, "li")
            waits.append(int(refused.headers["Retry-After"]))
            clock.shift(timedelta(seconds=waits[-1]))
            assert door(client, "li").status_code == 422
        clock.shift(timedelta(days=1, hours=1))
        calm = [door(client, "li").status_code for _turn in range(4)]

    assert waits == [60, 120, 240, 480, 900, 900]
    assert calm == [422] * 4


def test_failures_count_within_a_quarter_of_an_hour(client: Client) -> None:
    someone()
    with time_machine.travel(START, tick=False) as clock:
        for _turn in range(4):
            door(client, "li")
        clock.shift(timedelta(minutes=15))
        later = [door(client, "li").status_code for _turn in range(4)]

        assert later == [422] * 4
        assert door(client, "li", PASSWORD).status_code == 302


def test_one_address_does_not_lock_the_account_out_elsewhere(client: Client) -> None:
    someone()
    with time_machine.travel(START, tick=False):
        for _turn in range(7):
            door(client, "li", address="203.0.113.9")

        assert door(client, "li", PASSWORD, address="203.0.113.9").status_code == 429
        assert door(client, "li", PASSWORD, address="10.1.1.1").status_code == 302


def test_many_addresses_on_one_account_and_many_accounts_from_one_address_wait_too() -> None:
    def fails(username: str, address: str) -> bool:
        """One failed attempt; False where it was not even looked at."""
        try:
            note_failure(counted=count_attempt(username=username, address=address, at=START), at=START)
        except TooOften:
            return False
        return True

    spread = [fails("li", f"10.2.0.{number}") for number in range(21)]
    sprayed = [fails(f"name-{number}", "203.0.113.9") for number in range(41)]

    assert spread == [True] * 20 + [False]
    assert sprayed == [True] * 40 + [False]


def test_a_right_password_clears_the_account_and_not_the_address(client: Client) -> None:
    someone()
    with time_machine.travel(START, tick=False):
        for _turn in range(4):
            door(client, "li")
        door(client, "li", PASSWORD)
        again = [door(Client(), "li").status_code for _turn in range(4)]

    assert again == [422] * 4
    assert FailureCount.objects.get(scope="address").failures == 8


def test_attempts_are_counted_before_the_password_is_looked_at() -> None:
    someone()
    for _turn in range(5):  # five that are being looked at, none of them decided
        count_attempt(username="li", address="10.1.1.1", at=START)

    with pytest.raises(TooOften):
        actions.sign_in(username="li", password=PASSWORD, demo="none", address="10.1.1.1", at=START)


def test_what_was_typed_as_a_name_is_kept_nowhere(client: Client) -> None:
    for _turn in range(6):
        door(client, "my-password-by-mistake")

    kept = f"{list(FailureCount.objects.values())}{list(AuditEvent.objects.values())}"
    assert "my-password" not in kept


@pytest.mark.trust("T-RATE-1")
def test_an_unknown_name_takes_as_long_as_a_wrong_password(measured: Callable[[str], None]) -> None:
    someone()

    def cost(name: str) -> float:
        begun = time.process_time()
        with pytest.raises(RuleBroken):
            actions.sign_in(username=name, password="wrong", demo="none", at=START)
        return time.process_time() - begun

    cost("warm-up")
    known = median(cost("li") for _turn in range(4))
    unknown = median(cost(f"name-{turn}") for turn in range(4))

    # Without the hash an unknown name would answer in a fiftieth of the time.
    assert 0.5 < unknown / known < 2
    measured(f"unknown name / wrong password: {unknown / known:.2f} of the time")


def test_the_security_administrator_unlocks_and_nobody_else(client: Client) -> None:
    someone()
    keeper = seat("security_admin", centre("keepers"))
    locked = user("wang", PASSWORD, is_demo=False)
    seat("resident", centre("theirs"), locked)
    with time_machine.travel(START, tick=False):
        for _turn in range(5):
            door(client, "wang")
        with pytest.raises(Denied):
            actions.unlock(user_id=locked.pk, by=seat("system_admin", centre("b")).actor, at=NOW)
        actions.unlock(user_id=locked.pk, by=keeper.actor, at=NOW)

        assert door(client, "wang", PASSWORD).status_code == 302
    assert AuditEvent.objects.filter(action="accounts.unlock", by_id=keeper.actor.id).count() == 1


def test_second_codes_are_braked_too() -> None:
    who = user("li", PASSWORD, is_demo=False)
    for _turn in range(5):
        with pytest.raises(RuleBroken):
            actions.prove_code(user=who, typed="000000", at=START)

    with pytest.raises(TooOften):
        actions.prove_code(user=who, typed="000000", at=START)
    with pytest.raises(TooOften):
        actions.prove_password(user=who, password=PASSWORD, at=START)
