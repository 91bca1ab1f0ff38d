"""The clauses as pages: every one resolves, filters narrow, numbers say whether the paper or the region set them."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from kangqiao import policy

pytestmark = pytest.mark.django_db


def text(client: Client, *parts: str, **asked: str) -> str:
    name = "clauses-detail" if parts else "clauses-list"
    return client.get(reverse(name, args=parts), asked).content.decode()


def test_every_clause_has_its_page_under_the_address_of_its_tag(client: Client) -> None:
    for clause in policy.default().clauses()[::23]:
        answer = client.get(f"/clauses/{clause.id}/")
        assert answer.status_code == 200
        assert clause.id in answer.content.decode()


def test_clause_shows_its_words_and_the_number_of_the_paper(client: Client) -> None:
    page = text(client, "ZH-4.2d")
    assert "市财政按辖区基本公共卫生服务经费总额12%标准拨付年度专项补助经费" in page
    assert "city_rate_percent" in page
    assert "文件未写明，此处自设" in page  # the split among centres, on which the paper is silent


def test_filters_narrow_and_an_unmet_filter_says_so(client: Client) -> None:
    assert "ZH-4.2d" not in text(client, pack="shenzhen-2016-experts")
    assert "ZH-4.2d" in text(client, pack="zhuhai-lianjian", q="12%")
    assert "没有符合的条款" in text(client, q="no such words anywhere")


def test_htmx_gets_the_pane_alone(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "clause"}
    pane = client.get(reverse("clauses-detail", args=("ZH-4.2d",)), headers=headers).content.decode()
    assert pane.lstrip().startswith("<article")
    assert "<html" not in pane


def test_unknown_clause_is_not_found(client: Client) -> None:
    assert client.get(reverse("clauses-detail", args=("ZH-99",))).status_code == 404


def test_export_holds_what_the_filters_leave(client: Client) -> None:
    content = client.get(reverse("clauses-export"), {"pack": "zhuhai-lianjian"}).content
    rows = list(openpyxl.load_workbook(io.BytesIO(content)).active.values)
    assert len(rows) - 1 == len(policy.default().pack("zhuhai-lianjian").clauses)
    assert all(row[0].startswith("ZH-") for row in rows[1:])


def test_pages_ask_the_database_nothing(client: Client, asks_at_most) -> None:
    with asks_at_most(0):
        client.get(reverse("clauses-list"))
