"""A list as an Excel workbook: what is on screen, with a frozen head, widths and a printed title.

Whatever people typed stays text. A cell that looks like a formula carries Excel's own mark for text (the leading
quote), so that it neither counts when the file is opened nor when somebody edits the cell.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.http import HttpResponse
from django.utils.translation import gettext as _

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDEST = 44
# What spreadsheet programs take for the beginning of a formula or command, in both widths (OWASP, CSV injection).
FORMULA = re.compile(r"^[\s\x00-\x1f]*[=+\-@＝＋－＠|%]")
# Excel holds no more in one cell, and forbids these in the name of a sheet.
LONGEST_TEXT = 32_767
A4 = 9  # Excel's own number of the paper
BOOK = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
FORBIDDEN_IN_NAME = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a workbook: name, heads, rows; `sums` are the columns that get a total below."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    sums: frozenset[int] = frozenset()


def sheet(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, file_name: str) -> HttpResponse:
    """A download of one table. Text stays text (a leading `=` is no formula), dates are dates, numbers numbers."""
    return download(workbook(title, [Table(title, heads, list(rows))]), file_name=file_name)


def download(content: bytes, *, file_name: str, mime: str = MIME) -> HttpResponse:
    """A file to keep. Its name is ours, in plain letters."""
    response = HttpResponse(content, content_type=mime)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def workbook(title: str, tables: Sequence[Table]) -> bytes:
    """The bytes of a workbook with a sheet for each table; the title stands on every printed page."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, BOOK)
    for name, table in zip(names_of([table.name for table in tables]), tables, strict=True):
        write_table(book, book.add_worksheet(name), table, title)
    book.close()
    return content.getvalue()


def names_of(wanted: Sequence[str]) -> list[str]:
    """Names a workbook takes for its sheets: short, without its own signs, none twice whatever the case."""
    found: list[str] = []
    for name in wanted:
        plain = FORBIDDEN_IN_NAME.sub(" ", name)[:27].strip("' ") or "1"
        taken = {one.lower() for one in found}
        tries = (plain, *(f"{plain} {number}" for number in range(2, len(wanted) + 2)))
        found.append(next(one for one in tries if one.lower() not in taken))
    return found


def write_table(book: Any, page: Any, table: Table, title: str) -> None:
    """One table: frozen head, widths, totals, and what a printer needs."""
    formats = {
        "quoted": book.add_format({"quote_prefix": True}),
        "bold": book.add_format({"bold": True, "bottom": 1}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "total": book.add_format({"bold": True, "top": 1}),
    }
    for column, head in enumerate(table.heads):
        page.write_string(0, column, head, formats["bold"])
    widths = [_width(head) for head in table.heads]
    for line, row in enumerate(table.rows, start=1):
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], _width(cell))
            _write(page, line, column, cell, formats)
    if table.sums and len(table.rows) > 1:
        _write_totals(page, table, formats["total"])
    for column, width in enumerate(widths):
        page.set_column(column, column, min(width + 2, WIDEST))
    page.freeze_panes(1, 0)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(A4)
    page.fit_to_pages(1, 0)
    page.set_header("&C" + title.replace("&", "&&"))
    page.set_footer("&R&P / &N")


def _write(page: Any, line: int, column: int, cell: object, formats: Mapping[str, Any]) -> None:
    if isinstance(cell, date):
        page.write_datetime(line, column, cell, formats["day"])
    elif isinstance(cell, (int, float)):
        page.write_number(line, column, cell)
    else:
        text = "" if cell is None else str(cell)[:LONGEST_TEXT]
        page.write_string(line, column, text, formats["quoted"] if FORMULA.match(text) else None)


def _write_totals(page: Any, table: Table, look: Any) -> None:
    """The last line: sums of the columns that ask for one. Values, so that no sheet of ours holds a formula."""
    line = len(table.rows) + 1
    for column in range(len(table.heads)):
        if column in table.sums:
            cells = (row[column] for row in table.rows if column < len(row))
            # Through decimals, or the fen of a long column drift.
            exact = sum((Decimal(str(cell)) for cell in cells if isinstance(cell, (int, float))), Decimal())
            page.write_number(line, column, float(exact), look)
        else:
            page.write_string(line, column, "" if column else _("合计"), look)


def _width(cell: object) -> int:
    """The width of a cell in Latin characters; a Chinese one takes two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in str(cell))
