"""The home page: every role has its worklists, tiles count what the rows show, and a step leads to the next row."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.access_matrix.world import Side, two_sides

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting.tests import factories as contracts
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests import factories
from kangqiao.domain.referral.tests.factories import Cast, cast
from kangqiao.edges.home import worklists

PART = {"HX-Request": "true", "HX-Target": "queue"}


@pytest.fixture
def people(db: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A hospital, a centre and their people; pages read the clock themselves."""
    monkeypatch.setattr(factories, "AT", timezone.now() - timedelta(minutes=1))
    return cast()


@pytest.fixture
def side(db: None) -> Side:
    """One city with one row of every kind."""
    return two_sides()[0]


def client(seat: Any) -> Client:
    found = Client()
    found.force_login(User.objects.get(pk=seat.user_id))
    return found


def letters(people: Cast, count: int) -> list[Referral]:
    return [people.up(resident_id=people.person(900 + n, people.centre).pk, at=factories.AT) for n in range(count)]


def chosen(page: str) -> str:
    """The key of the row to be at."""
    found = re.search(r'<tr class="[^"]*" id="(\w+)" data-item aria-selected="true"', page)
    return found[1] if found else ""


def backs(page: str) -> list[str]:
    """Where the steps of each row come back to."""
    return [one.replace("&amp;", "&") for one in re.findall(r'name="back" value="(/[^"]*)"', page)]


def test_every_staff_role_has_worklists_and_the_last_is_the_inbox() -> None:
    assert set(worklists.LISTS) == set(Role) - {Role.RESIDENT}
    assert all(lists[-1] is worklists.NOTICES for lists in worklists.LISTS.values())


@pytest.mark.parametrize("role", list(worklists.LISTS), ids=str)
def test_tiles_count_what_their_rows_show(side: Side, role: str) -> None:
    browser = Client()
    browser.force_login(side.users[role])

    for one in worklists.LISTS[role]:
        page = browser.get("/", {"list": one.key}).content.decode()
        tile = re.search(rf'href="/\?list={one.key}".*?class="n">(\d+)', page, re.DOTALL)
        assert tile is not None, one.key
        assert len(re.findall("data-item", page)) == int(tile[1]), f"{role} {one.key}"
        assert ('class="empty"' in page) == (int(tile[1]) == 0)


def test_what_is_at_nought_is_one_line_of_links_below_the_tiles(people: Cast) -> None:
    browser = client(people.gp)
    page = browser.get("/").content.decode()
    tiles, line = page.split('id="tiles"')[1].split("</nav>")[0].split("现在没有：")
    shown, quiet = (re.findall(r'href="/\?list=([a-z_]+)"', part) for part in (tiles, line))
    opened = browser.get("/", {"list": quiet[0]}).content.decode()

    usual = [one.key for one in worklists.LISTS[Role.GP] if not one.is_rare]
    assert sorted(shown + quiet) == sorted(usual)
    assert re.findall(r'class="n">(\d+)', tiles).count("0") <= 1, "only the open one may be at nought"
    assert f'hx-get="/?list={quiet[0]}"' in line
    assert re.search(rf'class="tile tile-zero" href="/\?list={quiet[0]}"[^>]*aria-current', opened)


def test_what_few_houses_have_stands_there_while_something_waits(people: Cast) -> None:
    browser = client(people.gp)
    rare = [one.key for one in worklists.LISTS[Role.GP] if one.is_rare]

    usual, asked = browser.get("/").content.decode(), browser.get("/", {"list": rare[0]}).content.decode()

    assert rare
    assert not [key for key in rare if f'href="/?list={key}"' in usual]
    assert f'href="/?list={rare[0]}"' in asked


def test_list_alone_comes_with_the_counters_beside_it(people: Cast) -> None:
    letters(people, 2)
    browser = client(people.desk)

    whole, part = (browser.get("/?list=desk", headers=headers).content.decode() for headers in ({}, PART))

    assert "<html" in whole
    assert "<html" not in part
    for name in ('id="tiles"', 'id="waiting"', 'id="bell"', 'id="drawer-host"'):
        assert re.search(rf'{name}[^>]*hx-swap-oob="true"', part), name
    assert 'aria-live="polite"' in part


def test_step_leads_back_to_the_list_at_the_next_row(people: Cast) -> None:
    first, second, third = letters(people, 3)
    browser = client(people.desk)
    page = browser.get("/?list=desk", headers=PART).content.decode()
    to_second, to_third, to_before = backs(page)[:3]
    said = {"back": to_second, "reason": "请补充肾功能。", "step": "return"}

    answer = browser.post(f"/referrals/{first.pk}/return/", said, headers=PART)
    after = browser.get(answer.headers["Location"], headers=PART).content.decode()

    assert (chosen(page), to_second) == (f"r{first.pk}", f"/?list=desk&row=r{second.pk}")
    assert (to_third, to_before) == (f"/?list=desk&row=r{third.pk}", f"/?list=desk&row=r{second.pk}")
    assert (answer.status_code, answer.headers["Location"]) == (302, to_second)
    assert chosen(after) == f"r{second.pk}"
    assert f'id="r{first.pk}"' not in after
    assert "data-focus" in after


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "evil"])
def test_step_never_leads_to_another_site(people: Cast, back: str) -> None:
    (sent,) = letters(people, 1)

    answer = client(people.desk).post(f"/referrals/{sent.pk}/return/", {"back": back, "reason": "请补充肾功能。"})

    assert answer.headers["Location"] == f"/referrals/{sent.pk}/"


def test_letter_opens_in_the_drawer_and_is_accepted_from_there(people: Cast) -> None:
    people.clinic(days=2, at=factories.AT)
    (sent,) = letters(people, 1)
    browser, headers = client(people.desk), {"HX-Request": "true", "HX-Target": "drawer-host"}

    drawer = browser.get(f"/referrals/{sent.pk}/?back=/%3Flist%3Ddesk", headers=headers).content.decode()
    slot = re.search(r'name="slot_id" value="(\d+)"', drawer)
    assert slot is not None
    answer = browser.post(f"/referrals/{sent.pk}/accept/", {"slot_id": slot[1], "back": backs(drawer)[0]}, headers=PART)

    assert 'class="drawer"' in drawer
    assert "青霉素" in drawer
    assert "<html" not in drawer
    assert answer.headers["Location"] == "/?list=desk"
    assert Referral.objects.get(pk=sent.pk).status == "accepted"


def test_mine_are_the_letters_of_the_person_and_the_house_has_all(people: Cast) -> None:
    """A colleague of the doctor who wrote the letter: nothing of theirs, one of the house's."""
    returned = people.up(resident_id=people.person(901, people.centre).pk, at=factories.AT)
    client(people.desk).post(f"/referrals/{returned.pk}/return/", {"reason": "请补充肾功能。"})
    colleague = factories.seat("gp", people.centre, "colleague")

    mine, house = (client(colleague).get(f"/?list=returned{who}").content.decode() for who in ("&who=me", ""))

    assert f'id="r{returned.pk}"' not in mine
    assert f'id="r{returned.pk}"' in house
    assert mine.count('aria-current="true">我') == 1


def test_notice_is_read_where_it_stands_and_that_can_be_taken_back(people: Cast) -> None:
    by, at = people.desk.actor, timezone.now()
    told = messaging.notify(cause="t:1", kind="t", subject="甲", user_id=people.desk.user_id, by=by, at=at)
    assert told is not None
    browser, back = client(people.desk), "/?list=notices"

    read = browser.post(f"/notices/{told.pk}/read/", {"back": back}, headers=PART)
    page = browser.get(read.headers["Location"], headers=PART).content.decode()
    undo = re.search(r'hx-post="(/notices/\d+/unread/\?back=[^"]+)"', page)
    assert undo is not None
    is_read = Notice.objects.get(pk=told.pk).read_at is not None
    again = browser.post(undo[1], headers=PART)

    assert is_read
    assert again.headers["Location"] == back
    assert Notice.objects.get(pk=told.pk).read_at is None


def test_asked_for_what_nobody_has_shows_the_first_list(people: Cast) -> None:
    page = client(people.desk).get("/?list=../x&row='&who=zzzzzz").content.decode()

    assert "待接收的转诊" in page


@pytest.mark.parametrize("named", ["applied", "accepted"])
def test_whose_contracts_wait_is_in_the_log_of_reads(db: None, named: str) -> None:
    town = contracts.world()
    one = getattr(town, named)(town.team(), town.resident())[0]
    reader = town.seat(Role.GP, town.centre)

    page = client(reader).get(f"/?list={named}", headers=PART).content.decode()

    assert one.resident.name in page
    log = AuditEvent.objects.filter(kind=AuditEvent.Kind.READ, resident_id=one.resident_id)
    assert [row.by_id for row in log] == [reader.actor.id]
