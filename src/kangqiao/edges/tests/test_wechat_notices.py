"""Somebody ties their WeChat to their account and is told there: choice, code, job, and what never leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.base.tests.wechat import APP, SECRET, Official, official
from kangqiao.domain.accounts.models import OutsideIdentity, Role, SignIn, User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD
from kangqiao.domain.institutions.tests.factories import NOW, centre
from kangqiao.domain.messaging import actions
from kangqiao.domain.messaging.models import ChannelChoice, Delivery
from kangqiao.domain.messaging.tests.factories import tell
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling.tests.factories import cast
from kangqiao.edges.jobs import notices as jobs

pytestmark = pytest.mark.django_db
LI, WANG = "openid-of-li", "openid-of-wang"
BACK = "/own/wechat/back/"


@pytest.fixture
def there(settings: Any, tmp_path: Path, monkeypatch: Any) -> Iterator[Official]:
    monkeypatch.setattr("kangqiao.domain.messaging.rules.due", lambda moment, _terms, _visit=None: moment)
    with official(settings, tmp_path) as one:
        yield one


def resident(name: str = "某某甲", *, is_demo: bool = False) -> User:
    who = user(name, PASSWORD, is_demo=is_demo)
    seat("resident", centre(f"of-{name}"), who)
    return who


def signed_in(who: User) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": who.username, "password": PASSWORD})
    return client


def link(client: Client, there: Official, openid: str = LI) -> Any:
    """There and back again."""
    return client.get(BACK + there.agree(client.get("/own/wechat/").headers["Location"], openid))


def ties() -> list[tuple[int, str, str]]:
    return list(OutsideIdentity.objects.values_list("user", "issuer", "subject"))


def test_tied_once_a_notice_goes_to_wechat_and_says_only_who_writes(there: Official) -> None:
    who = resident()
    client = signed_in(who)

    answer = link(client, there)
    tell(who.pk, at=timezone.now())
    sent = jobs.send(0)

    assert answer.headers["Location"] == "/own/notices/"
    assert ties() == [(who.pk, f"wechat:{APP}", LI)]
    assert sent == {"sent": 1}
    ((to, _key),) = there.messages
    row = Delivery.objects.get()
    assert (to, row.channel, row.status, row.receipt, row.due_at) == (LI, "wechat", "sent", "200163836", None)
    assert not [word for word in ("糖尿病", "HIV", who.name) if word in repr(there.messages)]
    page = client.get("/own/notices/").content.decode()
    assert "解除关联" in page
    assert "您看没看到，它不说" in page


def test_killed_after_wechat_took_it_it_goes_again_under_the_same_key_and_arrives_once(there: Official) -> None:
    who = resident()
    link(signed_in(who), there)
    tell(who.pk, at=timezone.now())

    with transaction.atomic():
        jobs.send(0)
        transaction.set_rollback(True)
    assert Delivery.objects.get().status == "queued"
    again = jobs.send(0)

    assert again == {"sent": 1}
    assert there.calls.count("/cgi-bin/message/template/send") == 2
    assert len(there.messages) == 1


@pytest.mark.parametrize("brought", ["?code=c&state=wrong", "?code=c&state=", "?state=x", "", "?code=c&state=é"])
def test_a_return_with_a_wrong_state_ties_nothing_and_says_what_to_do(there: Official, brought: str) -> None:
    client = signed_in(resident())
    there.codes["c"] = LI
    client.get("/own/wechat/")

    answer = client.get(BACK + brought)

    assert answer.status_code == 422
    assert "不是您刚才开始的那一次关联" in answer.content.decode()
    assert "再点一次" in answer.content.decode()
    assert ties() == []
    assert there.calls == []


def test_a_return_begun_by_somebody_else_ties_nothing(there: Official) -> None:
    attacker, victim = signed_in(resident("mallory")), signed_in(resident())
    victim.get("/own/wechat/")

    brought = there.agree(attacker.get("/own/wechat/").headers["Location"], WANG)

    assert victim.get(BACK + brought).status_code == 422
    assert ties() == []


def test_a_code_used_twice_is_refused_by_us_and_by_wechat(there: Official) -> None:
    client = signed_in(resident())
    brought = there.agree(client.get("/own/wechat/").headers["Location"], LI)
    first = client.get(BACK + brought)
    twice = client.get(BACK + brought)
    # The same code under a state that is good.
    state = client.get("/own/wechat/").headers["Location"].partition("state=")[2].partition("#")[0]
    used = client.get(f"{BACK}?code=code-0&state={state}")

    assert (first.status_code, twice.status_code, used.status_code) == (302, 422, 422)
    assert "微信没有认这一次" in used.content.decode()
    assert len(ties()) == 1


def test_a_wechat_tied_to_somebody_else_is_refused_and_theirs_stays(there: Official) -> None:
    li, wang = resident("某某甲"), resident("某某乙")
    link(signed_in(li), there)

    answer = link(signed_in(wang), there)

    assert answer.status_code == 422
    assert "这个微信已经绑定了别的账号" in answer.content.decode()
    assert li.name not in answer.content.decode()
    assert [row[0] for row in ties()] == [li.pk]
    assert not ChannelChoice.objects.filter(user=wang).exists()


def test_another_wechat_asks_for_the_first_to_be_parted(there: Official) -> None:
    client = signed_in(resident())
    link(client, there)

    answer = link(client, there, WANG)

    assert answer.status_code == 422
    assert "已经绑定了另一个微信" in answer.content.decode()
    assert [row[2] for row in ties()] == [LI]


def test_parted_nothing_goes_there_and_another_may_tie_it(there: Official) -> None:
    li, wang = resident("某某甲"), resident("某某乙")
    client = signed_in(li)
    link(client, there)
    tell(li.pk, "before", at=timezone.now())

    client.post("/own/wechat/unlink/")
    client.post("/own/wechat/unlink/")
    tell(li.pk, "after", at=timezone.now())
    jobs.send(0)
    again = link(signed_in(wang), there)

    assert there.messages == {}
    assert Delivery.objects.get().failure == "switched_off"
    assert again.status_code == 302
    assert [row[0] for row in ties()] == [wang.pk]


def test_turned_on_without_a_wechat_is_refused_in_words_and_off_needs_none(there: Official) -> None:
    client = signed_in(resident())

    refused = client.post("/own/notices/", {"channel": "wechat", "is_on": "yes"})
    off = client.post("/own/notices/", {"channel": "wechat", "is_on": "no"})
    unknown = client.post("/own/notices/", {"channel": "pigeon", "is_on": "yes"})

    assert refused.status_code == 422
    assert "还没有关联微信" in refused.content.decode()
    assert off.status_code == 302
    assert unknown.status_code == 422
    assert "没有这种提醒方式" in unknown.content.decode()


def test_the_two_channels_are_chosen_apart(there: Official) -> None:
    who = resident()
    client = signed_in(who)
    link(client, there)

    client.post("/own/notices/", {"channel": "sms", "is_on": "no"})

    assert dict(ChannelChoice.objects.values_list("channel", "is_on")) == {"wechat": True, "sms": False}


def test_a_tie_that_went_meanwhile_is_a_reason_and_not_a_message(there: Official) -> None:
    who = resident()
    link(signed_in(who), there)
    tell(who.pk, at=timezone.now())
    OutsideIdentity.objects.all().delete()

    jobs.send(0)

    assert Delivery.objects.get().failure == "unlinked"
    assert there.messages == {}


def test_nothing_goes_to_the_wechat_of_somebody_who_died(there: Official) -> None:
    people = cast(timezone.now() - timedelta(minutes=1))
    one = people.resident(1)
    assert one.user is not None
    actions.link_wechat(user_id=one.user.pk, openid=LI, by=Actor(f"user:{one.user.pk}", one.name), at=NOW)
    User.objects.filter(pk=one.user.pk).update(is_demo=False)
    tell(one.user.pk, at=timezone.now())
    Resident.objects.filter(pk=one.pk).update(deceased_on=timezone.localdate())

    jobs.send(0)

    assert Delivery.objects.get().failure == "unlinked"
    assert there.messages == {}


def test_invented_peoples_ids_never_leave(there: Official) -> None:
    who = resident("某某丙", is_demo=True)
    actions.link_wechat(user_id=who.pk, openid=LI, by=Actor(f"user:{who.pk}", who.name), at=NOW)
    tell(who.pk, at=timezone.now())

    jobs.send(0)

    assert Delivery.objects.get().failure == "invented"
    assert there.calls == []


def test_wechat_that_does_not_answer_holds_up_no_text_message(there: Official, settings: Any, tmp_path: Path) -> None:
    settings.SMS = settings.SMS | {"carrier": "file", "file": str(tmp_path / "sms.jsonl")}
    who = resident()
    link(signed_in(who), there)
    with as_system("test"):
        ChannelChoice.objects.create(user=who, channel="sms", is_on=True, chosen_at=NOW)
    there.answers = [{"errcode": -1, "errmsg": "system error"}] * 3
    tell(who.pk, at=timezone.now())

    done = jobs.send(0)

    assert dict(Delivery.objects.values_list("channel", "status")) == {"wechat": "queued", "sms": "failed"}
    assert done == {"queued": 1, "failed": 1}
    assert Delivery.objects.get(channel="wechat").answer == "-1 system error"


def test_refused_for_ever_the_administrator_reads_why_in_words(there: Official) -> None:
    who = resident()
    link(signed_in(who), there)
    there.answers = [{"errcode": 43004, "errmsg": "require subscribe"}]
    tell(who.pk, at=timezone.now())
    jobs.send(0)
    admin = Client()
    admin.force_login(User.objects.get(pk=seat(Role.SYSTEM_ADMIN, centre("of-admin")).user_id))

    page = admin.get("/notices/deliveries/?channel=wechat").content.decode()

    assert "43004 require subscribe · 本人没有关注公众号" in page
    assert not [word for word in (LI, SECRET, who.name) if word in page]
    assert "data-item" not in admin.get("/notices/deliveries/?channel=sms").content.decode()


def test_nobody_comes_in_by_wechat_and_it_is_no_single_sign_on(there: Official) -> None:
    client = signed_in(resident())
    link(client, there)

    assert SignIn.objects.count() == 1
    assert f"wechat:{APP}" not in client.get("/own/sign-ins/").content.decode()
    assert Client().get(BACK + "?code=code-0&state=x").status_code == 302


def test_a_site_without_wechat_says_so_and_sends_nobody_there(settings: Any) -> None:
    client = signed_in(resident())

    page = client.get("/own/notices/").content.decode()
    there = client.get("/own/wechat/")

    assert "还没有接通微信" in page
    assert "/own/wechat/" not in page
    assert there.status_code == 422
    assert "可以打开短信提醒" in there.content.decode()


def test_staff_have_no_wechat_here(there: Official) -> None:
    staff = Client()
    staff.force_login(User.objects.get(pk=seat(Role.GP, centre("of-gp")).user_id))

    assert [staff.get(one).status_code for one in ("/own/wechat/", BACK)] == [403, 403]
    assert staff.post("/own/wechat/unlink/").status_code == 403


def test_neither_secret_nor_code_stands_in_the_log(there: Official, caplog: pytest.LogCaptureFixture) -> None:
    who = resident()
    client = signed_in(who)
    with caplog.at_level(logging.DEBUG):
        brought = there.agree(client.get("/own/wechat/").headers["Location"], LI)
        there.used.add("code-0")
        client.get(BACK + brought)
        link(client, there)
        there.tokens.append("token-2")
        tell(who.pk, at=timezone.now() - timedelta(seconds=1))
        jobs.send(0)

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("kangqiao")]
    assert any("40163" in line for line in ours)
    assert not [line for line in ours for word in (SECRET, LI, "token-", "code-0") if word in line]
