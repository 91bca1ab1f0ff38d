"""What somebody typed survives the end of their session, and reaches nobody else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base import drafts
from kangqiao.base.models import Draft, IdempotencyKey
from kangqiao.base.sealed import unseal
from kangqiao.domain.accounts.models import Role
from tests.access_matrix.world import Side, two_sides

PAGE, HOST = "/agreements/new/", "http://testserver"
WORDS = {
    "justification": "甲处中心为省级示范，等级暂缺",
    "kind": "joint_building",
    "idempotency_key": "k",
    "password": "p",
}
FROM_HERE = {"Origin": HOST, "Referer": HOST + PAGE + "?centre=1"}


@pytest.fixture
def side(db: None) -> Side:
    """One city."""
    return two_sides()[0]


def kept() -> list[dict[str, Any]]:
    """Every draft there is, opened."""
    return [
        {"owner": row.owner_id, "action": row.action, "page": row.page, "fields": json.loads(unseal(row.sealed))}
        for row in Draft.objects.order_by("pk")
    ]


def gone(side: Side, role: Role = Role.GUIDANCE_OFFICE) -> Client:
    """A browser at which somebody sat whose session is over."""
    client = Client()
    client.force_login(side.users[role])
    client.get("/")
    del client.cookies["sessionid"]
    return client


def test_form_of_an_ended_session_is_kept_without_secrets_and_leads_to_its_page(side: Side) -> None:
    client = gone(side)

    answer = client.post(PAGE, WORDS, headers=FROM_HERE)

    assert answer.headers["Location"] == "/sign-in/?next=%2Fagreements%2Fnew%2F%3Fcentre%3D1"
    (draft,) = kept()
    assert dict(draft["fields"]) == {"justification": WORDS["justification"], "kind": "joint_building"}
    assert "您刚才填的内容还在" in client.get(answer.headers["Location"]).content.decode()


def test_htmx_form_of_an_ended_session_leaves_the_whole_page(side: Side) -> None:
    client = gone(side)

    answer = client.post(
        PAGE, WORDS, headers={"Origin": HOST, "HX-Request": "true", "HX-Current-URL": HOST + "/x/?a=1"}
    )

    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=%2Fx%2F%3Fa%3D1"
    assert kept()[0]["page"] == "/x/?a=1"


def test_call_made_aside_neither_replaces_the_draft_nor_takes_its_cookie(side: Side) -> None:
    client = gone(side)
    client.post(PAGE, WORDS, headers=FROM_HERE)
    before = kept()
    aside = FROM_HERE | {"HX-Request": "true", drafts.ASIDE_HEADER: "1"}

    after = client.post("/referrals/new/whole/", {"diagnosis": "I10"}, headers=aside)
    alone = gone(side).post("/referrals/new/whole/", {"diagnosis": "I10"}, headers=aside)

    assert kept() == before
    for answer in (after, alone):
        assert answer.headers["HX-Redirect"].startswith("/sign-in/?next=")
        assert "sessionid" not in answer.cookies


def test_owner_finds_the_words_again_and_sending_them_ends_the_draft(side: Side) -> None:
    client = gone(side)
    client.post(PAGE, WORDS, headers=FROM_HERE)

    client.force_login(side.users[Role.GUIDANCE_OFFICE])
    shown, elsewhere = (client.get(page).content.decode() for page in (PAGE, "/agreements/"))
    refused = client.post(PAGE, {"kind": ""}, headers=FROM_HERE)
    is_kept = bool(kept())
    Draft.objects.update(action="/language/")
    client.post("/language/", {"language": "zh-hans"}, headers=FROM_HERE)

    assert "您刚才填的内容还没有提交" in shown
    assert WORDS["justification"] in shown
    assert WORDS["justification"] not in elsewhere
    assert refused.status_code == 422
    assert is_kept
    assert kept() == []


def test_somebody_else_at_the_same_browser_sees_nothing_of_it(side: Side) -> None:
    client = gone(side)
    client.post(PAGE, WORDS, headers=FROM_HERE)

    client.force_login(side.users[Role.BUREAU_OFFICER])
    shown = client.get(PAGE).content.decode()

    assert WORDS["justification"] not in shown
    assert kept()[0]["owner"] == side.users[Role.GUIDANCE_OFFICE].pk


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
        {"Origin": HOST, "Referer": HOST + PAGE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {},
    ],
)
def test_words_of_another_site_are_not_kept(side: Side, headers: dict[str, str]) -> None:
    client = gone(side)

    client.post(PAGE, WORDS, headers=headers)

    assert kept() == []


def test_browser_where_nobody_sat_keeps_nothing(side: Side) -> None:
    client = Client()

    client.post(PAGE, WORDS, headers=FROM_HERE)

    assert kept() == []


def test_more_than_a_form_holds_is_not_kept(side: Side) -> None:
    client = gone(side)

    client.post(PAGE, WORDS | {"justification": "长" * (drafts.LONGEST + 1)}, headers=FROM_HERE)

    assert kept() == []


def test_form_without_its_mark_is_refused_in_words_and_kept(side: Side) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(side.users[Role.GUIDANCE_OFFICE])

    whole = client.post(PAGE, WORDS, headers=FROM_HERE)
    part = client.post(PAGE, WORDS, headers=FROM_HERE | {"HX-Request": "true"})

    assert whole.status_code == part.status_code == 403
    assert "您填的内容还在" in whole.content.decode()
    assert part.headers["HX-Retarget"] == "#problem"
    assert f'href="{PAGE}?centre=1"' in part.content.decode()
    assert kept()[0]["action"] == PAGE


@pytest.mark.parametrize(
    ("told", "page"),
    [
        (HOST + "/a/?b=1", "/a/?b=1"), ("https://evil.example/a/", "/"), ("//evil.example/a/", "/"),
        (HOST + "//evil.example/", "/"), ("javascript:alert(1)", "/"), ("", "/"),
    ],
)  # fmt: skip
def test_page_of_stays_on_this_host(rf: Any, told: str, page: str) -> None:
    assert drafts.page_of(rf.post("/x/", headers={"Referer": told})) == page


def typing(side: Side, role: Role = Role.GUIDANCE_OFFICE) -> Client:
    """Somebody at a form."""
    client = Client()
    client.force_login(side.users[role])
    return client


def types(client: Client, words: str, **more: str) -> Any:
    """What the page sends by itself three seconds after a key."""
    said = {"draft_action": PAGE, "draft_page": PAGE + "?centre=1", "justification": words, "reason_code": "a"} | more
    return client.post("/drafts/", said, headers=FROM_HERE)


def test_words_are_kept_while_they_are_typed_and_stand_there_again_elsewhere(side: Side) -> None:
    answer = types(typing(side), "甲处")
    types(typing(side), "甲处中心")

    shown = typing(side).get(PAGE + "?centre=1").content.decode()
    (draft,) = kept()

    assert re.fullmatch(r"已保存 \d\d:\d\d:\d\d", answer.json()["said"])
    assert dict(draft["fields"]) == {"justification": "甲处中心", "reason_code": "a"}
    assert "甲处中心" in shown
    assert bytes(Draft.objects.get().sealed).find("甲".encode()) == -1


def test_sending_ends_the_draft_and_a_late_save_brings_it_not_back(side: Side) -> None:
    client = typing(side)
    types(client, "甲处", draft_action="/language/")
    client.post("/language/", {"language": "zh-hans"}, headers=FROM_HERE)
    after = kept()
    form = {"kind": "joint_building", "idempotency_key": "key-of-the-form", "reason": "r"}
    pk = side.row("agreement", Role.GUIDANCE_OFFICE).pk
    client.post(f"/agreements/{pk}/justify/", form, headers=FROM_HERE)
    IdempotencyKey.objects.get_or_create(
        key="key-of-the-form", by_id=IdempotencyKey.objects.values_list("by_id", flat=True).first() or "",
        defaults={"path": "/", "fingerprint": "", "created_at": timezone.now()},
    )  # fmt: skip

    late = types(client, "迟到", idempotency_key="key-of-the-form")

    assert after == []
    assert (late.status_code, kept()) == (204, [])


def test_emptied_form_and_dropped_words_leave_nothing(side: Side) -> None:
    client = typing(side)
    types(client, "甲处")
    types(client, "  ", reason_code="")
    emptied = kept()
    types(client, "甲处")

    answer = client.post("/drafts/drop/", {"draft_action": PAGE, "draft_page": PAGE}, headers=FROM_HERE)

    assert emptied == []
    assert (answer.headers["Location"], kept()) == (PAGE, [])


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/", "/\\evil.example", "", "/" + "x" * 600])
def test_words_are_kept_for_addresses_of_ours_alone(side: Side, page: str) -> None:
    answer = types(typing(side), "甲", draft_page=page)

    assert (answer.status_code, kept()) == (204, [])


@pytest.mark.parametrize("name", ["password", "proof_password", "old", "new", "again", "proof_code", "code"])
def test_secrets_are_never_written_down(side: Side, name: str) -> None:
    types(typing(side), "甲", **{name: "moon over the river"})

    assert "moon" not in json.dumps(kept())


def test_refused_form_leaves_what_was_sent_not_what_was_kept_before(side: Side) -> None:
    client = typing(side)
    types(client, "旧")

    client.post(PAGE, {"kind": "", "justification": "新"}, headers=FROM_HERE)

    assert dict(kept()[0]["fields"])["justification"] == "新"


def test_words_typed_after_the_session_ended_wait_in_the_browser(side: Side) -> None:
    answer = gone(side).post(
        "/drafts/",
        {"draft_action": PAGE, "draft_page": PAGE, "a": "甲"},
        headers=FROM_HERE | {drafts.ASIDE_HEADER: "1"},
    )

    assert answer.headers["Location"].startswith("/sign-in/")
    assert kept() == []


def test_drafts_go_after_three_days_and_the_oldest_when_there_are_too_many(side: Side) -> None:
    client = typing(side)
    for number in range(drafts.MOST + 2):
        types(client, "甲", draft_action=f"/x/{number}/")
    actions = {draft["action"] for draft in kept()}

    assert len(actions) == drafts.MOST
    assert "/x/0/" not in actions
    assert drafts.forget(at=timezone.now() + drafts.KEPT_FOR) == drafts.MOST
