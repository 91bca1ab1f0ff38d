"""Odd words sent to every form of the product: never an error of the server, and kept exactly or refused (T-FUZZ-4)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client

from kangqiao.base.checks import declared
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.finance.models import BudgetFigure
from tests.access_matrix.test_matrix import addresses
from tests.access_matrix.world import SEATS, Side, two_sides

ODD = (
    "a\0b", "\u202e倒着写\u202c", "𠮷田䶮⿰亻尔", "👩‍⚕️🏥", "{{7*7}}{% debug %}", "a%0d%0aSet-Cookie: x=1", "a\r\nX: y",
    "<svg onload=alert(1)>", "=cmd|' /C calc'!A0", "'; DROP TABLE residents_resident; --", "../../etc/passwd",
    "%s%n{0}",
    "\ufeff\u200b\u00a0", "１２３", "-1", "1e400", "NaN", "99999999999999999999", "2021-02-31", "0001-01-01",
    "10000-01-01", "长" * 20_000, "[]", "true", " ",
)  # fmt: skip
# Of these, what an address may bring along.
ASKED = ("a\0b", "{{7*7}}", "a\r\nX: y", "'; DROP TABLE residents_resident; --", "99999999999999999999", "0001-01-01",
         "10000-01-01", "长" * 2_000)  # fmt: skip
SKIPPED = {"sign-out", "csp-report"}
FIELD = re.compile(r'name="([a-z_]+)"')
NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")


def fields(client: Client, url: str) -> set[str]:
    """Names of the fields on the page, and those any form of the product has."""
    page = client.get(url)
    for close in page._resource_closers:  # a file that is sent
        close()
    named = set() if page.streaming else set(FIELD.findall(page.content.decode("utf-8", "replace")))
    return (named | {"reason", "q", "next", "step", "day", "year", "slot", "resident"}) - {"csrfmiddlewaretoken"}


@pytest.mark.trust("T-VAL")
@pytest.mark.django_db
def test_no_odd_word_is_an_error_of_the_server(measured: Callable[[str], None], is_slow: bool) -> None:
    """A slow run sends every word to every address; the usual one a twelfth to every third."""
    ours, _ = two_sides()
    sent, found = 0, []
    for number, address in enumerate(addresses() if is_slow else addresses()[::3]):
        rule = declared(address.pattern)
        role = next((role for role in SEATS if rule is not None and rule.admits(role)), None)
        if address.name in SKIPPED or role is None:
            continue
        client, url = Client(raise_request_exception=False), address.on(ours)
        client.force_login(ours.users[role])
        names = fields(client, url)
        words = [*(("get", word) for word in ASKED), *(("post", word) for word in ODD)]
        for method, word in words if is_slow else words[number % 12 :: 12]:
            with transaction.atomic():
                answer = getattr(client, method)(url, dict.fromkeys(names, word))
                for close in answer._resource_closers:  # a file that is sent; `close()` would end the connection too
                    close()
                transaction.set_rollback(True)
            sent += 1
            if answer.status_code == 405:
                if method == "post":
                    break
                continue
            if answer.status_code >= 500 and address.name != "healthz":
                error = repr(answer.exc_info[1])[:160] if getattr(answer, "exc_info", None) else ""
                found.append(f"{method} {url} as {role} {word[:30]!r}: {error}")
            if "X" in answer.headers:
                found.append(f"{method} {url} {word[:30]!r}: a header of the word's own")

    measured(f"{sent} calls with {len(ODD)} odd words, {len(found)} errors of the server")
    assert not found, "\n".join(("", *sorted(found)[:60]))


@pytest.fixture
def side(db: None) -> Side:
    """One city."""
    return two_sides()[0]


@pytest.mark.trust("T-VAL")
@pytest.mark.parametrize("word", [*ODD[1:16], "长" * 200])
def test_words_come_back_exactly_as_they_were_typed(side: Side, word: str) -> None:
    client = Client()
    client.force_login(side.users[Role.GUIDANCE_OFFICE])
    before = set(Agreement.objects.values_list("pk", flat=True))
    form = {"kind": "joint_building", "hospital": side.hospital.pk, "centre": side.centre.pk, "starts_on": "2030-01-01",
            "last_day": "2030-12-31", "justification": f"甲{word}乙"}  # fmt: skip

    answer = client.post("/agreements/new/", form)

    made = Agreement.objects.exclude(pk__in=before).first()
    if made is None:
        assert answer.status_code == 422
        assert "problems" in answer.content.decode()
    else:
        assert made.justification.replace("\r\n", "\n") == f"甲{word}乙".replace("\r\n", "\n")


def test_what_the_database_cannot_hold_is_refused_in_words(side: Side) -> None:
    client = Client()
    client.force_login(side.users[Role.FINANCE_OFFICER])
    before = BudgetFigure.objects.count()

    answer = client.post("/finance/inputs/", {"number": "1", "source": "a\0b", "what": "x"})

    assert answer.status_code == 422
    assert "看不见的空字符" in answer.content.decode()
    assert BudgetFigure.objects.count() == before


@pytest.mark.trust("T-VAL")
@pytest.mark.django_db
def test_number_that_no_row_can_have_is_no_error_of_the_server() -> None:
    """An address names rows by number, and anybody may write one there."""
    ours, _ = two_sides()
    clients, found = dict[Role, Client](), []
    for address in addresses():
        rule, url = declared(address.pattern), address.on(ours)
        role = next((role for role in SEATS if rule is not None and rule.admits(role)), None)
        huge = NUMBER.sub("99999999999999999999", url)
        if address.name in SKIPPED or role is None or huge == url:
            continue
        if role not in clients:
            clients[role] = Client(raise_request_exception=False)
            clients[role].force_login(ours.users[role])
        if clients[role].get(huge).status_code >= 500:
            found.append(f"{address.name} as {role}")
    assert clients
    assert found == []
