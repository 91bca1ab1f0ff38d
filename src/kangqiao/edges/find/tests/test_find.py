"""One search over everything, within the reader's reach and no further."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital, place
from kangqiao.domain.institutions.tests.factories import organization as institution
from kangqiao.domain.residents import actions
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import TREATING
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.edges.find import places, queries
from kangqiao.edges.home.rail import RAILS

pytestmark = pytest.mark.django_db


def titles(found: queries.Found, key: str) -> list[str]:
    """What stands in one group."""
    return [hit.title for group in found.groups if group.key == key for hit in group.hits]


def ask(client: Client, who: Seat, text: str) -> str:
    """The list alone, as HTMX gets it."""
    client.force_login(User.objects.get(pk=who.user_id))
    return client.get("/find/", {"q": text}, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize("text", ["林惊蛰", "ljz", "linjingzhe"])
def test_nobody_and_somebody_out_of_reach_read_the_same(client: Client, text: str) -> None:
    own, other = centre("a"), centre("b")
    reader = seat("gp", own)
    before = ask(client, reader, text)
    resident(other, "林惊蛰")

    after = ask(client, reader, text)

    assert "未找到，或不在您的服务范围" in after
    assert "/residents/emergency/" in after
    assert after == before


def read_rows() -> int:
    """How many rows of the register this transaction has looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'residents_resident'"
        )
        return int(cursor.fetchone()[0])


def test_the_lock_is_asked_about_those_found_and_not_about_the_whole_register(client: Client) -> None:
    home = centre()
    reader, wanted = seat("gp", home), resident(home, "林惊蛰", phone="15400003042")
    others = [
        Resident(
            name=f"周谷雨{chr(0x4E00 + number)}", sex="female", birth_date=date(1960, 1, 1),
            identifier=f"P{number:07d}", phone=f"138{number:05d}777", centre=home,
        )
        for number in range(3_000)
    ]  # fmt: skip
    actions.import_residents(residents=others, since=NOW, by=TESTER, at=NOW)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")  # made for the few rows of another test

    for text in ("林惊蛰", "ljz", "linjing", "惊蛰", "3042"):
        before = read_rows()
        found = ask(client, reader, text)
        assert f"/residents/{wanted.pk}/" in found, text
        assert read_rows() - before < 100, text


@pytest.mark.parametrize("role", sorted(set(Role) - TREATING))
def test_who_does_not_treat_finds_no_resident(role: str) -> None:
    home = centre()
    resident(home, "林惊蛰")

    assert titles(queries.find(seat(role, home), "林惊蛰", NOW), "people") == []


def test_one_letter_asks_no_table(client: Client, django_assert_num_queries: object) -> None:
    home = centre()
    resident(home, "林惊蛰")
    reader = seat("gp", home)

    with django_assert_num_queries(0):  # type: ignore[operator]
        found = queries.find(reader, "l", NOW)

    assert found.is_short
    assert titles(found, "people") == []


def test_organisations_of_the_own_network_are_found_and_lead_to_their_row(client: Client) -> None:
    home = centre()
    ours = hospital()
    hospital("far", "外市人民医院", where=place("4501", "外市"))

    page = ask(client, seat("gp", home), "rmyy")

    assert f'href="/institutions/#o{ours.pk}"' in page
    assert "外市人民医院" not in page
    assert f'id="o{ours.pk}"' in client.get("/institutions/").content.decode()


def test_other_kinds_of_organisation_are_not_offered() -> None:
    home = centre()
    institution("bureau", "health_bureau", "人民健康局")

    assert titles(queries.find(seat("gp", home), "人民健康局", NOW), "organizations") == []


@pytest.mark.parametrize("text", ["zhuanzhen", "zz", "转诊", "referral"])
def test_pages_are_called_in_both_languages(text: str) -> None:
    assert "转诊" in titles(queries.find(seat("gp", centre()), text, NOW), "pages")


@pytest.mark.parametrize("role", list(RAILS), ids=str)
def test_what_a_role_is_offered_opens_for_it(client: Client, role: Role) -> None:
    """No dead entry, and none that is refused."""
    home = centre()
    reader = seat(role, home)
    if role == Role.RESIDENT:
        resident(home, "林惊蛰", user_id=reader.user_id)
    client.force_login(User.objects.get(pk=reader.user_id))

    answers = {
        entry.url_name: client.get(reverse(entry.url_name)).status_code
        for entry in (*places.pages(role), *places.deeds(role))
    }

    assert {name: code for name, code in answers.items() if code not in (200, 302, 422)} == {}


def test_every_page_without_an_argument_that_is_read_can_be_called_by_name() -> None:
    """A new page without arguments needs a name here, or stands in a rail."""
    called = {entry.url_name for rail in RAILS.values() for entry in rail}
    called |= {entry.url_name for entry in (*places.PAGES, *places.DEEDS)}

    for name in called:
        try:
            reverse(name)
        except NoReverseMatch:
            pytest.fail(f"{name} is no page")


def test_the_page_stands_without_script_and_answers_its_part_to_htmx(client: Client) -> None:
    home = centre()
    row = resident(home, "林惊蛰")
    reader = seat("gp", home)

    part = ask(client, reader, "ljz")
    whole = client.get("/find/", {"q": "ljz"}).content.decode()

    assert "<html" not in part
    assert f"/residents/{row.pk}/" in part
    assert part.strip() in whole
    assert re.search(r'<input[^>]*value="ljz"', whole)


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/find/").headers["Location"].startswith("/sign-in/")
