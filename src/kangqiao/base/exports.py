"""Every list exports what is on screen: the page itself is drawn, and its tables become the sheets of a workbook.

One mechanism for all lists. The view is the same, so filters, order, columns and scope cannot differ from the page's;
only the cut into pages is left out. `c-page-head` shows the button on every page whose view is declared with `exports`.

    @access("role", roles=READERS)
    @exports
    def people(request): ...

A column gets a total when its head has the class `sum`; cells of class `num` become numbers, days become days. What is
to be clicked (buttons, forms, dialogs), drawn (svg) or marked `no-sheet` is left out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from datetime import date
from html.parser import HTMLParser
from typing import Any, TypeVar

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from kangqiao.base.sheets import Table, download, workbook
from kangqiao.kernel.errors import RuleBroken

View = TypeVar("View", bound=Callable[..., HttpResponse])

ASKED = "as"
SHEET = "xlsx"
# More than this nobody reads in a sheet, and an import takes no more either.
MOST_ROWS = 20_000
NUMBER = re.compile(r"^[−-]?¥?\d{1,3}(,?\d{3})*(\.\d+)?$")
DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
LEFT_OUT = frozenset({"svg", "script", "style", "template", "button", "form", "dialog", "select", "kbd"})
VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "col", "use", "rect", "path", "circle", "line"})


def exports(view: View) -> View:
    """Answers `?as=xlsx` with the tables of the page as a workbook, after a fresh proof of who asks.

    Stands below `@access`. The setting `PROOF` names what asks for the proof, as for every bulk export.
    """

    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "GET" or request.GET.get(ASKED) != SHEET:
            return view(request, *args, **kwargs)
        question: HttpResponse | None = import_string(settings.PROOF)(request)
        if question is not None:
            return question
        response = view(request, *args, **kwargs)
        if response.status_code != 200:
            return response
        title, tables = read_page(response.content.decode())
        name = (request.resolver_match.url_name if request.resolver_match else "") or "list"
        today = timezone.localdate()  # reads the clock: this layer around a view is an edge
        return download(workbook(title, tables), file_name=f"{name}-{today:%Y%m%d}.xlsx")

    answered.exports = True  # type: ignore[attr-defined]
    return answered  # type: ignore[return-value]


def page_of(request: HttpRequest, rows: Any, size: int, *, count: int | None = None) -> Page[Any]:
    """The page of a list the address asks for; the whole list when it goes into a sheet.

    `count` is how many rows there are, where that is known already. Raises RuleBroken when there would be more than a
    sheet should hold.
    """
    if request.GET.get(ASKED) != SHEET:
        return _pages(rows, size, count).get_page(request.GET.get("page"))
    whole = _pages(rows, MOST_ROWS, count)
    if whole.count > MOST_ROWS:
        raise RuleBroken(_("这份清单超过 2 万行，一个表格装不下。"), next_step=_("请先筛选，再分几次导出。"))
    return whole.get_page(1)


def _pages(rows: Any, size: int, count: int | None) -> Paginator[Any]:
    pages = Paginator(rows, size)
    if count is not None:
        pages.count = count
    return pages


def read_page(text: str) -> tuple[str, list[Table]]:
    """The heading of a page and its tables, each named by its caption or by the region around it."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    tables = [one.table() for one in reader.tables if one.rows]
    return reader.title, tables or [Table(reader.title, [_("没有记录")], [])]


class _Grid:
    """One table being read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[list[tuple[str, frozenset[str]]]] = []

    def table(self) -> Table:
        """As the sheet gets it; columns without a head and without a word are left out."""
        heads, *lines = self.rows
        width = max(map(len, self.rows))
        padded = [row + [("", frozenset[str]())] * (width - len(row)) for row in (heads, *lines)]
        kept = [column for column in range(width) if any(row[column][0] for row in padded)]
        cells = [[padded[line][column] for column in kept] for line in range(len(padded))]
        sums = frozenset(column for column, (_text, marks) in enumerate(cells[0]) if "sum" in marks)
        values = [[_value(text, marks) for text, marks in row] for row in cells[1:]]
        return Table(self.name, [text for text, _marks in cells[0]], values, sums)


class _Reader(HTMLParser):
    """Walks one page of ours; what it meets is our own, well-formed markup."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.tables: list[_Grid] = []
        self._path: list[tuple[str, bool]] = []  # open elements, and whether they are left out
        self._region = ""
        self._into: list[str] | None = None
        self._open: _Grid | None = None
        self._span = 1
        self._marks: frozenset[str] = frozenset()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        marks = frozenset(found.get("class", "").split())
        if tag in VOID:
            self.handle_data(" ")
            return
        is_out = (self._path[-1][1] if self._path else False) or tag in LEFT_OUT or bool(marks & {"no-sheet", "sr"})
        self._path.append((tag, is_out))
        if is_out:
            return
        if found.get("role") == "region" and found.get("aria-label"):
            self._region = found["aria-label"]
        if tag == "table":
            self._open = _Grid(found.get("aria-label") or self._region)
            self.tables.append(self._open)
        elif tag == "tr" and self._open is not None:
            self._open.rows.append([])
        elif tag in ("td", "th") and self._open is not None and self._open.rows:
            self._into, self._marks = [], marks
            self._span = int(found.get("colspan") or 1)
        elif tag in ("h1", "caption"):
            self._into = []
        else:
            self.handle_data(" ")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag not in {name for name, _is_out in self._path}:
            return
        name, is_out = self._path.pop()
        while name != tag:  # an element left open ends with the one around it
            name, is_out = self._path.pop()
        if is_out:
            return
        text = " ".join("".join(self._into or ()).split())
        if tag in ("td", "th") and self._open is not None and self._into is not None:
            empty = [("", frozenset[str]())] * (self._span - 1)
            self._open.rows[-1] += [(text, self._marks), *empty]
            self._into = None
        elif tag == "h1":
            self.title, self._into = text, None
        elif tag == "caption" and self._open is not None:
            self._open.name, self._into = text, None
        elif tag == "table":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._into is not None and not (self._path and self._path[-1][1]):
            self._into.append(data)


def _value(text: str, marks: frozenset[str]) -> object:
    """A cell as what it is: a number where the page sets numbers, a day, else text."""
    if "num" in marks and NUMBER.match(text):
        plain = float(text.replace("−", "-").replace(",", "").replace("¥", ""))
        return int(plain) if plain.is_integer() else plain
    return date.fromisoformat(text) if DAY.match(text) else text
