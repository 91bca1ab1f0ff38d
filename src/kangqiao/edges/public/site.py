"""The frame of the public site, and finding a list by an expert, a centre or a hospital."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from kangqiao.base.search import search_keys
from kangqiao.domain.publication.models import Publication

COLUMNS = {"chc_list": ("centre",), "experts_planned": ("name", "place"), "experts_completed": ("name", "place")}


def site(current: str) -> dict[str, Any]:
    """Name, links and sign-in of the public frame; `current` is the name of the page shown."""
    links = [("public-index", _("公示名单")), ("clauses-list", _("政策条款"))]
    return {
        "name": "",
        "url": reverse("public-index"),
        "links": [(label, reverse(name), name == current) for name, label in links],
        "sign_in_url": reverse("sign-in"),
    }


def find(publications: list[Publication], text: str) -> list[tuple[Publication, list[dict[str, str]]]]:
    """The lists that hold the text, each with the rows it was found in; without a text all, without rows.

    Found are characters, full pinyin and initials of experts, places and hospitals.
    """
    wanted = text.strip().lower().replace(" ", "")
    if not wanted:
        return [(publication, []) for publication in publications]
    found = []
    for publication in publications:
        rows = [row for part, names in COLUMNS.items() for row in publication.content.get(part, []) if any(
            _matches(row.get(name, ""), wanted) for name in names)]  # fmt: skip
        if rows or _matches(publication.organization.zh, wanted):
            found.append((publication, rows))
    return found


def _matches(name: str, wanted: str) -> bool:
    return any(wanted in key for key in _keys(name))


@lru_cache(maxsize=4096)
def _keys(name: str) -> tuple[str, ...]:
    return tuple(search_keys(name))
