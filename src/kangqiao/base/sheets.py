"""A list as an Excel workbook: what is on screen, with a frozen head, widths and a printed title.

Whatever people typed stays text. A cell that looks like a formula carries Excel's own mark for text (the leading
quote), so that it neither counts when the file is opened nor when somebody edits the cell.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date

import xlsxwriter
from django.http import HttpResponse

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDEST = 44
# What spreadsheet programs take for the beginning of a formula or command, in both widths (OWASP, CSV injection).
FORMULA = re.compile(r"^[\s\x00-\x1f]*[=+\-@＝＋－＠|%]")
# Excel holds no more in one cell, and forbids these in the name of a sheet.
LONGEST_TEXT = 32_767
FORBIDDEN_IN_NAME = re.compile(r"[\[\]:*?/\\]")


def sheet(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, file_name: str) -> HttpResponse:
    """A download of one table. Text stays text (a leading `=` is no formula), dates are dates, numbers numbers."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    page = book.add_worksheet(FORBIDDEN_IN_NAME.sub(" ", title)[:31].strip("' "))
    quoted = book.add_format({"quote_prefix": True})
    bold, day = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "yyyy-mm-dd"})
    for column, head in enumerate(heads):
        page.write_string(0, column, head, bold)
    widths = [_width(head) for head in heads]
    for line, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], _width(cell))
            if isinstance(cell, date):
                page.write_datetime(line, column, cell, day)
            elif isinstance(cell, (int, float)):
                page.write_number(line, column, cell)
            else:
                text = "" if cell is None else str(cell)[:LONGEST_TEXT]
                page.write_string(line, column, text, quoted if FORMULA.match(text) else None)
    for column, width in enumerate(widths):
        page.set_column(column, column, min(width + 2, WIDEST))
    page.freeze_panes(1, 0)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_header("&C" + title.replace("&", "&&"))
    book.close()
    response = HttpResponse(content.getvalue(), content_type=MIME)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _width(cell: object) -> int:
    """The width of a cell in Latin characters; a Chinese one takes two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in str(cell))
