"""The pages of the clauses: every clause, its state as the register has it, and the numbers in force."""

from __future__ import annotations

import importlib
import io
import os
import re
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from kangqiao import policy
from kangqiao.edges.clauses import catalogue, views
from kangqiao.edges.clauses.numbers import OTHER, PAPER, PRINTED, SETTING, numbers, plain
from kangqiao.policy import register
from kangqiao.policy.marks import Mark
from kangqiao.policy.register import ClausePlace, Register, Results

TODAY = date(2026, 5, 18)
A, B = "tests/test_a.py::test_one_is_seen", "tests/test_a.py::test_two_is_seen"


def built(outcomes: dict[str, dict[str, str]], clause: str = "ZH-1a", sources: str = "now") -> Register:
    """A register in which one clause has two tests and a place."""
    marks = [Mark(clause, A, "tests/test_a.py", 1), Mark(clause, B, "tests/test_a.py", 2)]
    places = {clause: ClausePlace("协议 › 登记", "/agreements/", "kangqiao.domain.agreements")}
    return register.build(policy.default(), marks, places, Results(sources, "abc", False, outcomes), "now")


@pytest.mark.parametrize(
    ("outcomes", "sources", "state", "word"),
    [
        ({"ZH-1a": {A: "passed", B: "passed"}}, "now", "verified", "已验证"),
        ({"ZH-1a": {A: "passed", B: "failed"}}, "now", "built", "测试未过"),
        ({"ZH-1a": {A: "passed", B: "passed"}}, "before", "built", "已做，缺当次验证"),
        ({}, "now", "built", "已做，缺当次验证"),
    ],
)
def test_state_is_what_the_last_run_of_these_sources_showed(
    outcomes: dict[str, dict[str, str]], sources: str, state: str, word: str
) -> None:
    shown = catalogue.get(built(outcomes, sources=sources), "ZH-1a")

    assert (shown.state, shown.word) == (state, word)


def test_fact_of_a_paper_that_is_shown_is_only_shown() -> None:
    fact = next(clause.id for clause in policy.default().clauses() if clause.force == "reported")

    assert catalogue.get(built({}, clause=fact), fact).word == "仅展示"
    assert catalogue.get(built({}), fact).word == "未开始"


def test_tests_are_shown_with_their_outcome() -> None:
    tests = catalogue.get(built({"ZH-1a": {A: "passed", B: "failed"}}), "ZH-1a").tests

    assert [(test.sentence, test.word) for test in tests] == [("one is seen", "通过"), ("two is seen", "未过")]


def test_stack_counts_every_clause_once() -> None:
    found = built({"ZH-1a": {A: "passed"}})
    stack = catalogue.stacked(catalogue.shown(found, found.rows))

    assert stack.total == len(policy.default().clauses())
    assert stack.counts["verified"] == 1
    assert sum(float(part.width.rstrip("%")) for part in stack.segments) == pytest.approx(100, abs=0.1)


def test_installation_without_tests_still_shows_the_clauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kangqiao").mkdir()
    monkeypatch.setattr(register, "source_root", lambda: tmp_path)
    found = register.read_tree(tmp_path, policy.default())

    assert len(found.rows) == len(policy.default().clauses())
    assert "本安装不含测试记录" in catalogue.proof(found)


def test_register_is_read_again_when_a_file_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kangqiao" / "one.py"
    file.parent.mkdir()
    file.touch()
    monkeypatch.setattr(register, "source_root", lambda: tmp_path)
    before = catalogue._stamp.__wrapped__(0)

    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000))

    assert catalogue._stamp.__wrapped__(0) != before


def test_numbers_say_what_the_paper_says_and_what_is_set_here() -> None:
    packs = policy.default()
    found = numbers(packs.clause("ZH-3.2.1a"), packs.pack("zhuhai-lianjian"), "440402", TODAY)
    by_key = {row.key: row for row in found.rows}

    assert found.place == "珠海市"
    assert (by_key["visits_per_week_min"].shown, by_key["visits_per_week_min"].source) == ("≥3", PAPER)
    assert str(by_key["visits_per_week_min"].unit) == "次/周"
    assert by_key["visits_counted_per"].source == SETTING
    assert by_key["visits_counted_per"].reason


def test_numbers_are_those_of_the_papers_own_place_for_a_reader_from_elsewhere() -> None:
    packs = policy.default()
    found = numbers(packs.clause("SZ16-4.3b"), packs.pack("shenzhen-2016-experts"), "4404", TODAY)

    assert found.place == "深圳市"
    assert found.rows


def test_numbers_before_the_paper_say_that_it_did_not_hold() -> None:
    packs = policy.default()
    found = numbers(packs.clause("ZH-3.2.1a"), packs.pack("zhuhai-lianjian"), "", date(1999, 1, 1))

    assert (found.rows, "没有生效" in found.missing) == ([], True)


def test_every_clause_has_its_numbers_in_words() -> None:
    packs = policy.default()
    for clause in packs.clauses():
        for row in numbers(clause, packs.pack(clause.pack), "", TODAY).rows:
            assert row.source in (PAPER, SETTING, OTHER, PRINTED)
            assert "mappingproxy" not in row.shown


def test_plain_spells_a_value() -> None:
    assert [plain(True), plain(("甲", 2)), plain({"zh": "每周派专家"}), plain(None)] == [
        "是",
        "甲、2",
        "每周派专家",
        "—",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/clauses/", "/clauses/?pack=zhuhai-lianjian", "/clauses/ZH-3.2.1a/"])
def test_page_opens_without_sign_in_and_without_the_database(
    client: Client, address: str, asks_at_most: Callable[[int], Any]
) -> None:
    with asks_at_most(0):
        answer = client.get(address)

    assert answer.status_code == 200
    assert "site-main" in answer.content.decode()


def test_list_names_every_clause_of_the_papers(client: Client) -> None:
    text = client.get("/clauses/?pack=all").content.decode()

    assert set(re.findall(r'hx-get="/clauses/([^/"]+)/"', text)) == {c.id for c in policy.default().clauses()}


def test_unknown_clause_is_not_found(client: Client) -> None:
    assert client.get("/clauses/ZH-99/").status_code == 404


def test_clause_tag_leads_to_the_page_of_the_clause(client: Client) -> None:
    page = client.get("/clauses/ZH-3.2.1a/").content.decode()
    address = re.search(r'<a class="clause" href="([^"]+)"', page)

    assert address is not None
    assert address[1] == reverse("clauses-detail", args=["ZH-3.2.1a"])
    assert client.get(address[1]).status_code == 200


def test_htmx_gets_the_pane_or_the_rows_alone(client: Client) -> None:
    pane = client.get("/clauses/ZH-1a/", headers={"HX-Request": "true", "HX-Target": "clause"}).content.decode()
    rows = client.get(
        "/clauses/?pack=all&q=ZH-1a", headers={"HX-Request": "true", "HX-Target": "clause-rows"}
    ).content.decode()

    assert pane.lstrip().startswith("<article")
    assert "<html" not in pane + rows
    assert "ZH-1a" in rows
    assert "ZH-3.2.1a" not in rows
    assert 'hx-swap-oob="true"' in rows


@pytest.mark.parametrize(
    ("asked", "inside", "outside"),
    [
        ("q=联建协管社区", "/clauses/ZH-1a/", "/clauses/ZH-4.2d/"),
        ("priority=supporting", "/clauses/ZH-0a/", "/clauses/ZH-0b/"),
        ("state=open", "/clauses/ZH-0a/", "/clauses/ZH-1a/"),
    ],
)
def test_list_is_narrowed_by_words_priority_and_state(client: Client, asked: str, inside: str, outside: str) -> None:
    text = client.get(f"/clauses/?pack=zhuhai-lianjian&{asked}").content.decode()

    assert f'hx-get="{inside}"' in text
    assert f'hx-get="{outside}"' not in text


def test_nothing_found_leads_back(client: Client) -> None:
    assert "没有符合的条款" in client.get("/clauses/?q=qqqq").content.decode()


def test_signed_in_reader_sees_the_papers_of_the_own_place_in_the_staff_frame(rf: RequestFactory) -> None:
    request = rf.get("/clauses/")
    request.seat = SimpleNamespace(role="bureau_officer", place_code="440402")

    assert views._pack(request) == "zhuhai-lianjian"
    assert views._frame(request)["frame_template"] == "shell.html"


def test_workbook_holds_what_the_filters_leave(client: Client) -> None:
    answer = client.get("/clauses/export/?pack=zhuhai-lianjian")

    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        words = book.read("xl/sharedStrings.xml").decode()
    assert "ZH-1a" in words
    assert "SZ16-1a" not in words


def test_every_place_of_a_clause_is_a_page_and_a_module_of_the_product() -> None:
    root = register.source_root()
    known = {clause.id for clause in policy.default().clauses()}

    places, problems = register.read_places(root / "src/kangqiao/config/clause_places.yaml", known)

    assert not problems
    assert "ZH-0b" in places
    for clause, place in places.items():
        assert resolve(place.url).func.access, clause
        assert importlib.import_module(place.module), clause
