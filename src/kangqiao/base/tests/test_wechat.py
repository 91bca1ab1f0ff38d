"""WeChat's service account against a server that gives the documented answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kangqiao.base import carriers, wechat
from kangqiao.base.carriers import REFUSED, Letter, NotCarried, Receipt
from kangqiao.base.tests.wechat import APP, SECRET, Official, official

AT = datetime(2026, 5, 14, 2, 0, tzinfo=UTC)
TOKEN, SEND = "/cgi-bin/stable_token", "/cgi-bin/message/template/send"


@pytest.fixture
def there(settings: Any, tmp_path: Path) -> Iterator[Official]:
    with official(settings, tmp_path) as one:
        yield one


def letter(key: str = "k1", template: str = "message", house: str = "香湾中心") -> Letter:
    values = {"house": house}
    if template != "message":
        values |= {"when": "05-16 10:00", "where": "市人民医院", "time": "2026年05月16日 10:00"}
    return Letter(key, "openid-of-li", "【香湾中心】您有一条新消息", template, values, AT)


def carrier() -> Any:
    return carriers.carrier("wechat")


def test_a_message_goes_by_the_sites_template_and_fields_under_its_key(there: Official) -> None:
    one = carrier()

    assert one.carry(letter()) == Receipt("200163836")
    assert one.carry(letter("k2", "session_withdrawn")) == Receipt("200163836")

    plain, withdrawn = there.messages.values()
    assert plain == {
        "touser": "openid-of-li", "template_id": "TEMPLATE-PLAIN", "client_msg_id": "k1",
        "data": {
            "thing1": {"value": "香湾中心"}, "time2": {"value": "2026年05月14日 10:00"}, "const3": {"value": "新消息"},
        },
    }  # fmt: skip
    assert withdrawn["template_id"] == "TEMPLATE-WITHDRAWN"
    assert withdrawn["data"]["time2"] == {"value": "2026年05月16日 10:00"}
    assert there.calls == [TOKEN, SEND, SEND]


def test_a_kind_without_a_template_of_its_own_takes_the_plain_one(there: Official) -> None:
    carrier().carry(letter(template="place_offered"))

    assert [sent["template_id"] for sent in there.messages.values()] == ["TEMPLATE-PLAIN"]


def test_a_long_name_is_cut_where_wechat_would_refuse_it_and_the_page_is_named(there: Official, settings: Any) -> None:
    settings.WECHAT = settings.WECHAT | {"link": "https://kangqiao.example.cn/notices/"}

    carrier().carry(letter(house="一" * 21))

    (sent,) = there.messages.values()
    assert sent["data"]["thing1"]["value"] == "一" * 19 + "…"
    assert sent["url"] == "https://kangqiao.example.cn/notices/"


def test_a_replay_under_the_same_key_arrives_once(there: Official) -> None:
    carrier().carry(letter())
    carrier().carry(letter())

    assert len(there.messages) == 1


def test_an_old_token_is_renewed_and_the_message_goes(there: Official) -> None:
    one = carrier()
    one.carry(letter())
    there.tokens.append("token-2")  # somebody else renewed it

    assert one.carry(letter("k2")) == Receipt("200163836")
    assert there.calls == [TOKEN, SEND, SEND, TOKEN, SEND]


def test_a_token_that_comes_back_the_same_is_forced_and_tried_once_more(there: Official) -> None:
    there.is_forgotten = True

    assert carrier().carry(letter()) == Receipt("200163836")
    assert there.calls == [TOKEN, SEND, TOKEN, TOKEN, SEND]


def test_a_token_that_is_never_right_is_not_asked_for_for_ever(there: Official) -> None:
    stale = {"errcode": 42001, "errmsg": "access_token expired"}
    there.answers = [stale, stale, stale]

    with pytest.raises(NotCarried, match="42001"):
        carrier().carry(letter())

    assert there.calls.count(SEND) == 2


@pytest.mark.parametrize("code", [-1, 45009, 45011, 48001])
def test_busy_used_up_and_unknown_codes_are_tried_later(there: Official, code: int) -> None:
    there.answers = [{"errcode": code, "errmsg": "reach max api daily quota limit"}]

    with pytest.raises(NotCarried, match=f"{code} reach max"):
        carrier().carry(letter())

    assert there.messages == {}


@pytest.mark.parametrize("code", [43101, 43004, 40003, 40037, 47003])
def test_what_will_never_go_is_refused_with_code_and_words(there: Official, code: int) -> None:
    there.answers = [{"errcode": code, "errmsg": "no"}]

    assert carrier().carry(letter()) == Receipt("k1", REFUSED, f"{code} no")
    assert str(wechat.NEVER[code])


def test_a_wrong_secret_is_said_without_secret_or_token(there: Official, settings: Any) -> None:
    settings.WECHAT = settings.WECHAT | {"secret": "another secret"}

    with pytest.raises(NotCarried) as caught:
        carrier().carry(letter())

    assert str(caught.value) == "40125 invalid appsecret"


def test_a_host_that_is_not_allowed_is_named_without_what_stands_behind_it(there: Official, settings: Any) -> None:
    settings.OUTBOUND = []
    settings.WECHAT = settings.WECHAT | {"api": "https://api.weixin.qq.com"}

    with pytest.raises(NotCarried) as code:
        wechat.openid_of("code-1")
    with pytest.raises(NotCarried) as message:
        carrier().carry(letter())

    for caught in (code, message):
        assert "api.weixin.qq.com" in str(caught.value)
        assert SECRET not in str(caught.value)
    assert there.calls == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "no template message"),
        ("[message]\nid = 'x'\nfields = { thing1 = '$patient' }", "KeyError"),
        ("[message]\nid = 'x'\nfields = { thing1 = '$' }", "ValueError"),
        ("[message]\nfields = { thing1 = '$house' }", "KeyError"),
        ("[message", "TOMLDecodeError"),
    ],
)
def test_a_file_of_templates_that_is_wrong_is_said_and_tried_later(
    there: Official, settings: Any, written: str, said: str
) -> None:
    Path(settings.WECHAT["templates"]).write_text(written, encoding="utf-8")

    with pytest.raises(NotCarried, match=said):
        carrier().carry(letter())

    assert there.messages == {}


def test_the_browser_is_sent_with_a_state_and_the_code_is_exchanged_once(there: Official) -> None:
    address, state = wechat.ask("https://kangqiao.example.cn/own/wechat/back/")
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == ["https://kangqiao.example.cn/own/wechat/back/"]
    assert (asked["state"], asked["appid"]) == ([state], [APP])
    assert state.isalnum()
    assert len(state) <= 128
    assert address.endswith("#wechat_redirect")
    assert SECRET not in address
    there.codes["c"] = "openid-of-li"

    assert wechat.openid_of("c") == "openid-of-li"
    with pytest.raises(NotCarried, match="40163"):
        wechat.openid_of("c")


def test_console_and_file_take_wechat_messages_too(settings: Any, tmp_path: Path) -> None:
    spool = tmp_path / "wechat.jsonl"
    settings.WECHAT = settings.WECHAT | {"carrier": "file", "file": str(spool)}

    carrier().carry(letter())
    carrier().carry(letter())

    assert spool.read_text(encoding="utf-8").count("openid-of-li") == 1
    settings.WECHAT = settings.WECHAT | {"carrier": "console"}
    assert carrier().carry(letter()) == Receipt("k1")
