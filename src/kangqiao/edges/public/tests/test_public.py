"""The public site: who reads it, what stands there, and that its file is what the digest was taken of."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kangqiao.domain.publication import actions, rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.tests.test_actions import DAY_AFTER, JANUARY, Region

pytestmark = pytest.mark.django_db
TOLD = {*rules.CHC_COLUMNS, *rules.EXPERT_COLUMNS}


@pytest.fixture
def region() -> Region:
    return Region()


@pytest.fixture
def published(region: Region) -> Publication:
    return publish(region, JANUARY)


def publish(region: Region, at: datetime) -> Publication:
    return actions.publish_publication(publication_id=region.approved().pk, by=region.guide, at=at)


def page(client: Client, name: str, *args: object, **asked: str) -> str:
    answer = client.get(reverse(name, args=args), asked)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.clause("SZ16-4.3c")
def test_list_is_open_to_everybody_with_centres_experts_and_terms(client: Client, published: Publication) -> None:
    text = page(client, "public-publication", published.pk)

    for words in ("centre1", "DX-centre1", "沈青黛", "方海桐", "2018-07-31", published.sha256):
        assert words in text


def test_file_holds_the_very_bytes_of_the_digest(client: Client, published: Publication) -> None:
    answer = client.get(reverse("public-file", args=[published.pk]))

    assert hashlib.sha256(answer.content).hexdigest() == published.sha256
    assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.clause("SZ16-4.3c")
def test_file_has_no_column_beyond_what_the_paper_orders(client: Client, published: Publication) -> None:
    content = json.loads(client.get(reverse("public-file", args=[published.pk])).content)

    rows = [row for part in rules.PARTS for row in content[part]]
    assert len(rows) >= 4
    assert {column for row in rows for column in row} <= TOLD
    assert "执业-" not in page(client, "public-publication", published.pk)


def test_workbook_keeps_a_name_that_looks_like_a_formula_as_text(client: Client, region: Region) -> None:
    centre = region.agreements[0].centre
    centre.zh = "=1+1"
    centre.save()
    found = publish(region, JANUARY)

    answer = client.get(reverse("public-sheet", args=[found.pk]))

    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
    assert "=1+1" in words
    assert "DX-centre2" in words


@pytest.mark.parametrize("name", ["public-publication", "public-file", "public-sheet"])
def test_list_that_is_not_public_yet_is_not_found(client: Client, region: Region, name: str) -> None:
    approved = region.approved()

    assert client.get(reverse(name, args=[approved.pk])).status_code == 404
    assert client.get(reverse(name, args=[approved.pk + 1])).status_code == 404


def test_changed_content_is_said_on_the_page(client: Client, published: Publication) -> None:
    Publication.objects.filter(pk=published.pk).update(content={**published.content, "as_of": "2016-01-01"})

    assert "与摘要不一致" in page(client, "public-publication", published.pk)


@pytest.mark.clause("SZ16-4.3b")
def test_late_list_is_marked_on_the_index(client: Client, region: Region) -> None:
    publish(region, DAY_AFTER)

    assert "迟 1 天" in page(client, "public-index")


def test_list_in_time_is_not_marked_late(client: Client, published: Publication) -> None:
    text = page(client, "public-index")

    assert "按时" in text
    assert "迟 " not in text


@pytest.mark.parametrize("words", ["方海", "fanghaitong", "FHT"])
def test_expert_is_found_by_characters_pinyin_and_initials(client: Client, published: Publication, words: str) -> None:
    text = page(client, "public-index", q=words)

    assert "方海桐" in text
    assert "沈青黛" not in text


def test_unknown_name_says_so(client: Client, published: Publication) -> None:
    assert "没有找到" in page(client, "public-index", q="qqqq")


@pytest.mark.parametrize(
    ("asked", "seen"), [({"year": "2016"}, True), ({"year": "2015"}, False), ({"hospital": "x"}, False)]
)
def test_lists_are_narrowed_by_year_and_hospital(
    client: Client, published: Publication, asked: dict[str, str], seen: bool
) -> None:
    link = f'href="{reverse("public-publication", args=[published.pk])}"'

    assert (link in page(client, "public-index", **asked)) is seen


def test_correction_shows_what_changed_and_the_old_one_points_to_it(client: Client, region: Region) -> None:
    first = publish(region, JANUARY)
    region.agreement("centre3")
    second = publish(region, datetime(2016, 1, 25, 2, 0, tzinfo=UTC))

    assert "centre3" in page(client, "public-publication", second.pk)
    assert reverse("public-publication", args=[second.pk]) in page(client, "public-publication", first.pk)


def test_index_takes_one_statement_however_many_lists(
    client: Client, region: Region, asks_at_most: Callable[[int], Any]
) -> None:
    publish(region, JANUARY)
    region.agreement("centre3")
    publish(region, JANUARY)

    with asks_at_most(1):
        page(client, "public-index")


def test_list_takes_two_statements(client: Client, published: Publication, asks_at_most: Callable[[int], Any]) -> None:
    with asks_at_most(2):
        page(client, "public-publication", published.pk)
