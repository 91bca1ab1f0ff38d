"""The public site: no sign-in, nothing but what is published, a digest anybody can check."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client
from django.urls import reverse

from kangqiao.domain.publication import actions
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.tests.factories import JANUARY, Region

pytestmark = pytest.mark.django_db


@pytest.fixture
def region() -> Region:
    return Region()


@pytest.fixture
def published(region: Region) -> Publication:
    return actions.publish_publication(publication_id=region.approved().pk, by=region.guide, at=JANUARY)


@pytest.mark.clause("SZ16-4.3c")
def test_everybody_reads_experts_places_and_terms_without_signing_in(published: Publication, client: Client) -> None:
    page = client.get(reverse("public-publication", args=(published.pk,))).content.decode()
    for shown in ("方海桐", "沈青黛", "centre2", "2016-12-31", published.sha256):
        assert shown in page
    assert "执业-" not in page


@pytest.mark.parametrize("text", ["方海桐", "fht", "fanghaitong", "centre2"])
def test_list_is_found_by_characters_pinyin_and_initials(published: Publication, client: Client, text: str) -> None:
    assert "方海桐" in client.get(reverse("public-index"), {"q": text}).content.decode()


def test_unknown_name_and_foolish_year_are_answered(published: Publication, client: Client) -> None:
    assert "没有找到" in client.get(reverse("public-index"), {"q": "zzz"}).content.decode()
    assert client.get(reverse("public-index"), {"year": "²"}).status_code == 200


def test_file_has_the_very_digest_of_the_page(published: Publication, client: Client) -> None:
    content = client.get(reverse("public-file", args=(published.pk,))).content
    assert hashlib.sha256(content).hexdigest() == published.sha256


def test_unpublished_list_does_not_exist_for_the_public(region: Region, client: Client) -> None:
    draft = region.draft()
    for name in ("public-publication", "public-file", "public-sheet"):
        assert client.get(reverse(name, args=(draft.pk,))).status_code == 404


def test_older_version_points_to_the_newer_one(region: Region, published: Publication, client: Client) -> None:
    region.agreement("centre3")
    second = actions.publish_publication(publication_id=region.approved().pk, by=region.guide, at=JANUARY)
    old = client.get(reverse("public-publication", args=(published.pk,))).content.decode()
    assert reverse("public-publication", args=(second.pk,)) in old
    new = client.get(reverse("public-publication", args=(second.pk,))).content.decode()
    assert "新增" in new


def test_changed_content_is_shown_as_changed(published: Publication, client: Client) -> None:
    Publication.objects.filter(pk=published.pk).update(content={**published.content, "hospital": "别的医院"})
    assert "与摘要不一致" in client.get(reverse("public-publication", args=(published.pk,))).content.decode()


def test_index_asks_the_database_little(published: Publication, client: Client, asks_at_most) -> None:
    with asks_at_most(4):
        client.get(reverse("public-index"))
