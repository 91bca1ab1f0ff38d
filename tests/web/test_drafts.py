"""What somebody typed survives the end of their session, and reaches nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kangqiao.base import drafts
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
    assert dict(client.session[drafts.KEY]["fields"]) == {
        "justification": WORDS["justification"], "kind": "joint_building"
    }  # fmt: skip
    assert "您刚才填的内容还在" in client.get(answer.headers["Location"]).content.decode()


def test_htmx_form_of_an_ended_session_leaves_the_whole_page(side: Side) -> None:
    client = gone(side)

    answer = client.post(
        PAGE, WORDS, headers={"Origin": HOST, "HX-Request": "true", "HX-Current-URL": HOST + "/x/?a=1"}
    )

    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=%2Fx%2F%3Fa%3D1"
    assert client.session[drafts.KEY]["page"] == "/x/?a=1"


def test_call_made_aside_neither_replaces_the_draft_nor_takes_its_cookie(side: Side) -> None:
    client = gone(side)
    client.post(PAGE, WORDS, headers=FROM_HERE)
    kept = client.session[drafts.KEY]
    aside = FROM_HERE | {"HX-Request": "true", drafts.ASIDE_HEADER: "1"}

    after = client.post("/referrals/new/whole/", {"diagnosis": "I10"}, headers=aside)
    alone = gone(side).post("/referrals/new/whole/", {"diagnosis": "I10"}, headers=aside)

    assert client.session[drafts.KEY] == kept
    for answer in (after, alone):
        assert answer.headers["HX-Redirect"].startswith("/sign-in/?next=")
        assert "sessionid" not in answer.cookies


def test_owner_finds_the_words_again_and_sending_them_ends_the_draft(side: Side) -> None:
    client = gone(side)
    client.post(PAGE, WORDS, headers=FROM_HERE)

    client.force_login(side.users[Role.GUIDANCE_OFFICE])
    shown, elsewhere = (client.get(page).content.decode() for page in (PAGE, "/agreements/"))
    refused = client.post(PAGE, {"kind": ""}, headers=FROM_HERE)
    is_kept = drafts.KEY in client.session
    session = client.session
    session[drafts.KEY] |= {"action": "/language/"}
    session.save()
    client.post("/language/", {"language": "zh-hans"}, headers=FROM_HERE)

    assert "您刚才填的内容还没有提交" in shown
    assert WORDS["justification"] in shown
    assert WORDS["justification"] not in elsewhere
    assert refused.status_code == 422
    assert is_kept
    assert drafts.KEY not in client.session


def test_somebody_else_at_the_same_browser_sees_nothing_of_it(side: Side) -> None:
    client = gone(side)
    client.post(PAGE, WORDS, headers=FROM_HERE)

    client.force_login(side.users[Role.BUREAU_OFFICER])
    shown = client.get(PAGE).content.decode()

    assert WORDS["justification"] not in shown
    assert drafts.KEY not in client.session


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

    assert drafts.KEY not in client.session


def test_browser_where_nobody_sat_keeps_nothing(side: Side) -> None:
    client = Client()

    client.post(PAGE, WORDS, headers=FROM_HERE)

    assert drafts.KEY not in client.session


def test_more_than_a_form_holds_is_not_kept(side: Side) -> None:
    client = gone(side)

    client.post(PAGE, WORDS | {"justification": "长" * (drafts.LONGEST + 1)}, headers=FROM_HERE)

    assert drafts.KEY not in client.session


def test_form_without_its_mark_is_refused_in_words_and_kept(side: Side) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(side.users[Role.GUIDANCE_OFFICE])

    whole = client.post(PAGE, WORDS, headers=FROM_HERE)
    part = client.post(PAGE, WORDS, headers=FROM_HERE | {"HX-Request": "true"})

    assert whole.status_code == part.status_code == 403
    assert "您填的内容还在" in whole.content.decode()
    assert part.headers["HX-Retarget"] == "#problem"
    assert f'href="{PAGE}?centre=1"' in part.content.decode()
    assert client.session[drafts.KEY]["action"] == PAGE


@pytest.mark.parametrize(
    ("told", "page"),
    [
        (HOST + "/a/?b=1", "/a/?b=1"), ("https://evil.example/a/", "/"), ("//evil.example/a/", "/"),
        (HOST + "//evil.example/", "/"), ("javascript:alert(1)", "/"), ("", "/"),
    ],
)  # fmt: skip
def test_page_of_stays_on_this_host(rf: Any, told: str, page: str) -> None:
    assert drafts.page_of(rf.post("/x/", headers={"Referer": told})) == page
