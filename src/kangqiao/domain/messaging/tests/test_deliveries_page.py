"""The page of the system administrator: how many, what did not arrive and why, and nothing of the person."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client

from kangqiao.base.carriers import REFUSED, Receipt
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.tests.factories import centre, organization
from kangqiao.domain.messaging import queries
from kangqiao.domain.messaging.models import Delivery
from kangqiao.domain.messaging.tests.factories import MOBILE, Shelf, listener, step, tell

pytestmark = pytest.mark.django_db
Asks = Callable[[int], AbstractContextManager[list[str]]]


@pytest.fixture(autouse=True)
def _a_carrier(settings: Any) -> None:
    settings.SMS = settings.SMS | {"carrier": "file"}


def only() -> Delivery:
    return Delivery.objects.get()


def test_the_administrator_sees_counts_and_reasons_and_nothing_of_the_person(
    client: Client, asks_at_most: Asks
) -> None:
    house = centre()
    ones = [listener(house, f"某某{number}") for number in range(12)]
    for number, one in enumerate(ones):
        tell(one.user_id, f"c{number}")
    step(Shelf(answers=[Receipt("", REFUSED, "no such number")]))
    step(Shelf(answers=[Receipt("r7")]))
    client.force_login(User.objects.get(pk=seat(Role.SYSTEM_ADMIN, organization("b", "health_bureau")).user_id))
    client.get("/")

    with asks_at_most(10):
        page = client.get("/notices/deliveries/").content.decode()

    assert "no such number" in page
    assert "再发一次" in page
    assert "回执 r7" in page
    assert not [word for word in ("某某", "糖尿病", "HIV", MOBILE) if word in page]
    assert client.get("/notices/deliveries/?state=failed").content.decode().count("data-item") == 1


def test_pressed_it_is_queued_again_and_said_so(client: Client) -> None:
    tell(listener(centre()).user_id)
    step(Shelf(answers=[Receipt("", REFUSED, "x")]))
    client.force_login(User.objects.get(pk=seat(Role.SYSTEM_ADMIN, organization("b", "health_bureau")).user_id))

    page = client.post(f"/notices/deliveries/{only().pk}/again/", follow=True).content.decode()

    assert "已重新排队" in page
    assert only().status == "queued"


def test_without_a_carrier_the_page_and_the_health_report_say_so(client: Client, settings: Any) -> None:
    settings.SMS = settings.SMS | {"carrier": ""}
    client.force_login(User.objects.get(pk=seat(Role.SYSTEM_ADMIN, organization("b", "health_bureau")).user_id))

    assert "本站没有接短信" in client.get("/notices/deliveries/").content.decode()
    assert client.get("/healthz").json()["notices"] == "in the product, text messages: none, WeChat: none"


@pytest.mark.parametrize("role", [Role.GP, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.BUREAU_OFFICER])
def test_nobody_else_sees_the_page_or_sends_again(client: Client, role: str) -> None:
    tell(listener(centre()).user_id)
    step(Shelf(answers=[Receipt("", REFUSED, "x")]))
    mine = seat(role, organization("b", "health_bureau"))
    client.force_login(User.objects.get(pk=mine.user_id))

    assert not queries.deliveries(mine.actor).exists()
    assert client.get("/notices/deliveries/").status_code == 403
    assert client.post(f"/notices/deliveries/{only().pk}/again/").status_code == 403
    assert only().status == "failed"
