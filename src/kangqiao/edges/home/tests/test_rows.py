"""Rows of a worklist are put together in Python: as the components draw them, and with everything escaped."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import engines

from kangqiao.base.pages import Verb
from kangqiao.edges.home.rows import Row
from kangqiao.kernel.states import Look

NOW = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script>'


def row(**changes: object) -> Row:
    told = {"key": "r1", "title": "演示", "url": "/referrals/1/", "look": Look.WAIT, "lead": "等接收", "is_demo": True}
    return Row(**told | changes)  # type: ignore[arg-type]


def made(words: str) -> str:
    return str(engines["django"].from_string(words).render({}))


def drawn(one: Row, *, selected: str = "r1", focus: bool = True) -> str:
    page = engines["django"].from_string("{% load worklist %}{% worklist_rows lines selected focus=focus %}")
    lines = [(one, "/?list=desk&row=r2")]
    return page.render({"lines": lines, "selected": selected, "focus": focus, "now": NOW, "csrf_token": "mark"})


@pytest.mark.parametrize(
    ("asked", "selected", "focus"),
    [("", "", False), ('selected="1"', "r1", False), ('selected="1" focus="1"', "r1", True)],
)
def test_a_row_and_its_mark_are_those_of_the_components(asked, selected, focus) -> None:
    component = made(f'{{% cotton queue-row look="wait" id="r1" {asked} %}}{{% endcotton %}}')

    text = drawn(row(), selected=selected, focus=focus)

    assert text.startswith(component[component.index("<tr") : component.index(">") + 1])
    assert made("{% demo_mark %}") in text


def test_each_kind_of_verb_has_its_button_and_nothing_typed_is_markup() -> None:
    verbs = (
        Verb(HOSTILE, "/a/", opens=True), Verb("退回", "/b/", "return", needs_reason=True), Verb("打开", "/c/", "open"),
        Verb("签到", "/d/", "check_in"),
    )  # fmt: skip
    text = drawn(row(
        title=HOSTILE, note=HOSTILE, lead=HOSTILE, rest=HOSTILE, verbs=verbs, fields=(("seen_status", HOSTILE),),
        part=True,
    ))  # fmt: skip

    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 6
    assert 'name="csrfmiddlewaretoken" value="mark"' in text
    assert [text.count(f'data-row-key="{key}"') for key in (1, 2, 3, 4, 5)] == [1, 1, 1, 1, 0]
    assert 'data-address="/b/" data-step="return" data-back="/?list=desk&amp;row=r2"' in text
    assert 'hx-post="/d/"' in text
    assert 'hx-get="/referrals/1/?back=%2F%3Flist%3Ddesk%26row%3Dr2"' in text


def test_what_is_late_is_told_from_what_still_has_time() -> None:
    late, due = drawn(row(due=NOW - timedelta(hours=1))), drawn(row(due=NOW + timedelta(hours=1)))

    assert "已超时" in late
    assert "已超时" not in due
    assert 'class="amber"' in due
    assert 'class="amber"' not in drawn(row(since=NOW - timedelta(hours=1)))
