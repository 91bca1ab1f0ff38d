"""The sheets of an import: the table to fill in, the batch as it stands, and what was left out with the reason."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.utility import xl_range_abs

from kangqiao.base.imports import ListKind
from kangqiao.base.models import ImportBatch, ImportRow
from kangqiao.base.sheets import BOOK, Table, workbook
from kangqiao.base.upload_reader import MOST_ROWS
from kangqiao.base.uploads import REASON

# Excel takes so many letters of a list that stands at its cells; a longer one stands on a hidden sheet.
MOST_LETTERS = 255
WORDS = "words"


def template(kind: ListKind, lines: Iterable[Mapping[str, str]] = ()) -> bytes:
    """The table to fill in: heads, drop-downs, columns of text; a second sheet says what goes where.

    `lines` are there already, to be changed.
    """
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, BOOK)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    # As text a number keeps all its digits: Excel rounds the 18 of an id to 15.
    text, wrap = book.add_format({"num_format": "@"}), book.add_format({"text_wrap": True, "valign": "top"})
    page = book.add_worksheet(str(kind.title)[:27])
    guide = book.add_worksheet(_("填写说明"))
    words: Any = None
    for number, column in enumerate(kind.columns):
        page.write_string(0, number, column.head, bold)
        page.set_column(number, number, max(12, len(column.example) + 4), text)
        if column.choices:
            source: list[str] | str = list(column.choices)
            if len(",".join(column.choices)) > MOST_LETTERS:
                words = words or book.add_worksheet(WORDS)
                words.hide()
                words.write_column(0, number, column.choices)
                source = f"={WORDS}!{xl_range_abs(0, number, len(column.choices) - 1, number)}"
            asked = {"validate": "list", "source": source, "ignore_blank": True}
            page.data_validation(1, number, MOST_ROWS, number, asked)
    for line, cells in enumerate(lines, start=1):
        for number, column in enumerate(kind.columns):
            page.write_string(line, number, cells.get(column.head, ""), text)
    page.freeze_panes(1, 0)
    for number, head in enumerate((_("列"), _("必填"), _("怎么填"), _("可以填的词"), _("例子"))):
        guide.write_string(0, number, head, bold)
    for line, column in enumerate(kind.columns, start=1):
        told = (column.head, _("是") if column.is_required else "", str(column.how), "、".join(column.choices))
        for number, word in enumerate((*told, column.example)):
            guide.write_string(line, number, word, wrap)
    guide.set_column(0, 1, 12)
    guide.set_column(2, 4, 36)
    guide.write_string(len(kind.columns) + 2, 0, _("列名不要改，也不要合并单元格；一次最多 2 万行。"))
    book.close()
    return content.getvalue()


def as_sheet(kind: ListKind, rows: Iterable[ImportRow], *, with_reasons: bool = False) -> bytes:
    """Rows of a batch with their mends, in the columns of the table: what comes out goes in again without change."""
    heads = [*kind.heads, *([REASON] if with_reasons else [])]
    lines = [
        [*(row.cells.get(head, "") for head in kind.heads), *([reasons(kind, row)] if with_reasons else [])]
        for row in rows
    ]
    return workbook(str(kind.title), [Table(str(kind.title), heads, lines)])


def left_out(kind: ListKind, batch: ImportBatch) -> bytes | None:
    """What was not entered, each with its reason, to be mended and uploaded again; None when everything went in."""
    rows = list(batch.rows.filter(entered_id__isnull=True))
    return as_sheet(kind, rows, with_reasons=True) if rows else None


def reasons(kind: ListKind, row: ImportRow) -> str:
    """Everything that was found in a row, in one line."""
    return " ".join(f"{one['head']}：{said(kind, one)}" for one in row.findings)


def said(kind: ListKind, finding: Mapping[str, Any]) -> str:
    """The sentence for one finding, in the reader's language."""
    sentence = str(kind.said[finding["code"]])
    return sentence % finding["more"] if finding["more"] else sentence
