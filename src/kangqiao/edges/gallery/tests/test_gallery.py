"""The gallery shows every component, in both languages, within the content policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import Http404, HttpRequest
from django.test import RequestFactory, override_settings
from django.utils import translation

from kangqiao.edges.gallery import views

PACKAGE = Path(views.__file__).resolve().parents[2]
COMPONENTS = PACKAGE / "base" / "templates" / "components"
GALLERY = PACKAGE / "edges" / "templates" / "gallery.html"
INLINE = re.compile(r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style|<script(?![^>]*\ssrc=)|javascript:""", re.IGNORECASE)


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    return rf.get("/gallery/")


def uses(source: str) -> set[str]:
    return {name.replace("-", "_") for name in re.findall(r"<c-([a-z-]+)", source)} - {"slot", "vars"}


def test_gallery_shows_every_component() -> None:
    shown = uses(GALLERY.read_text())
    for name in sorted(shown):
        shown |= uses((COMPONENTS / f"{name}.html").read_text())

    assert {path.stem for path in COMPONENTS.glob("*.html")} - shown == set()


@override_settings(DEMO="zhuhai")
@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-hans", "还剩 2 小时"), ("zh-hans", "¥1,423,179.50"), ("zh-hans", "第 21–40 条，共 1,284 条")],
)
def test_gallery_draws_the_figures(request_: HttpRequest, language: str, words: str) -> None:
    with translation.override(language):
        page = views.gallery(request_).content.decode()

    assert words in page


@override_settings(DEMO="zhuhai")
def test_gallery_keeps_the_content_policy(request_: HttpRequest) -> None:
    page = views.gallery(request_).content.decode()

    assert INLINE.search(page) is None


@pytest.mark.parametrize(
    "source",
    ['<b style="color:red">', "<a onclick='x()'>", "<script>x()</script>", "<style>", '<a href="javascript:x">'],
)
def test_inline_pattern_finds_what_the_policy_forbids(source: str) -> None:
    assert INLINE.search(source)


@override_settings(DEMO="none")
def test_gallery_exists_in_demonstration_only(request_: HttpRequest) -> None:
    with pytest.raises(Http404):
        views.gallery(request_)
