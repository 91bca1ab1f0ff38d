"""What the worklist asks of the database: as many statements for fifty rows as for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base import prepared
from kangqiao.domain.accounts.models import User
from kangqiao.domain.referral.queries import lists
from kangqiao.domain.referral.tests import factories
from kangqiao.domain.referral.tests.factories import Cast, cast

PART = {"HX-Request": "true", "HX-Target": "queue"}
MOST_STATEMENTS = 10
Asks = Callable[[int], AbstractContextManager[list[str]]]


@pytest.fixture
def people(db: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A hospital, a centre and their people; pages read the clock themselves."""
    monkeypatch.setattr(factories, "AT", timezone.now() - timedelta(minutes=1))
    return cast()


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    browser.get("/")
    return browser


@pytest.fixture(autouse=True)
def written_anew() -> Iterator[None]:
    """A question that holds the length of a page is written for this test and not kept for the next."""
    prepared.forget()
    yield
    prepared.forget()


def test_fifty_rows_ask_no_more_than_one(people: Cast, asks_at_most: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a worklist is shorter; were it as long as the desk's queue, it would ask no more."""
    monkeypatch.setattr(lists, "MOST_PRESSING", 50)
    browser = signed_in(User.objects.get(pk=people.desk.user_id))
    asked = []
    for numbers in (range(900, 901), range(901, 950)):
        for number in numbers:
            people.up(resident_id=people.person(number, people.centre).pk, at=factories.AT)
        with asks_at_most(MOST_STATEMENTS) as statements:
            page = browser.get("/?list=desk", headers=PART).content.decode()
        asked.append(len(statements))
        shown = page.count("data-item")

    assert asked[0] == asked[1]
    assert shown == 50
