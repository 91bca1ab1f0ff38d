"""The frame of the public site, and finding a list by an expert, a centre or a hospital."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from kangqiao.base.search import search_keys, wanted_key
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.publication.models import Publication

# Which columns of a part are searched.
COLUMNS = {"chc_list": ("centre",), "experts_planned": ("name", "place"), "experts_completed": ("name", "place")}


class VisitorRequest(HttpRequest):
    """A request to a page open to everybody: the seat of a person who is signed in, else None."""

    seat: Seat | None


def site(current: str, is_signed_in: bool = False) -> dict[str, Any]:
    """Name, links and sign-in of the public frame; `current` is the name of the page shown."""
    links = [("public-index", _("公示名单")), ("clauses-list", _("政策条款")), ("audit-heads", _("审计链头"))]
    return {
        "name": "",
        "url": reverse("public-index"),
        "links": [(label, reverse(name), name == current) for name, label in links],
        "sign_in_url": "" if is_signed_in else reverse("sign-in"),
    }


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a list in which the words were found, with the list it stands in."""

    publication: Publication
    part: str
    row: dict[str, str]


def by_year(publications: list[Publication]) -> list[tuple[int, list[Publication]]]:
    """The lists year by year, the newest year first."""
    years = sorted({row.year for row in publications}, reverse=True)
    return [(year, [row for row in publications if row.year == year]) for year in years]


def find(publications: list[Publication], text: str) -> list[Found]:
    """The rows that name an expert or a centre with these characters, this pinyin or these initials."""
    wanted = wanted_key(text)
    if not wanted:
        return []
    return [
        Found(publication, part, row)
        for publication in publications
        for part, names in COLUMNS.items()
        for row in publication.content.get(part, [])
        if any(matches(row.get(name, ""), wanted) for name in names)
    ]


def matches(name: str, wanted: str) -> bool:
    """Whether the name holds the wanted characters, pinyin or initials (lower case, no spaces)."""
    return any(wanted in key for key in _keys(name))


@lru_cache(maxsize=4096)
def _keys(name: str) -> tuple[str, ...]:
    return tuple(search_keys(name))
