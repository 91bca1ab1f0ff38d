"""A page becomes a workbook: its heading, its tables, and nothing that is only there to be clicked."""

from __future__ import annotations

from datetime import date

import openpyxl
import pytest
from django.test import RequestFactory

from kangqiao.base.exports import MOST_ROWS, page_of, read_page
from kangqiao.base.sheets import Table, download, names_of, workbook
from kangqiao.kernel.errors import RuleBroken

PAGE = """<main><h1>经费 <span class="wk">2025年</span></h1>
<div role="region" aria-label="逐笔"><table><thead><tr><th>中心</th><th class="num sum">应拨 元</th><th>到期</th>
<th></th><th class="num">比例</th></tr></thead><tbody>
<tr><td><a href="/1">香湾</a> <svg><title>图</title><use href="#a"/></svg><br><small>市一医院</small></td>
<td class="num">1,234.50</td><td>2026-05-18</td><td><form><input value="x"><button>拨付</button></form></td>
<td class="num">95%</td></tr>
<tr><td>=1+1 <span class="no-sheet">看</span></td><td class="num">—</td><td></td><td></td><td class="num">−3</td></tr>
</tbody></table></div><table><caption>第二张</caption><tr><th>a</th></tr><tr><td>007</td></tr></table></main>"""


def test_page_is_read_as_shown() -> None:
    title, (lines, second) = read_page(PAGE)

    assert title == "经费 2025年"
    assert (lines.name, lines.heads) == ("逐笔", ["中心", "应拨 元", "到期", "比例"])
    assert lines.rows == [["香湾 市一医院", 1234.5, date(2026, 5, 18), "95%"], ["=1+1", "—", "", -3]]
    assert lines.sums == {1}
    assert (second.name, second.rows) == ("第二张", [["007"]])


def test_cell_over_several_columns_keeps_the_others_in_place() -> None:
    _title, (table,) = read_page(
        "<h1>x</h1><table><tr><th>a</th><th>b</th><th>c</th></tr><tr><td colspan=2>太小</td><td>d</td></tr></table>"
    )

    assert table.rows == [["太小", "", "d"]]


def test_page_without_rows_says_so() -> None:
    title, (table,) = read_page("<h1>协议</h1><p>还没有</p>")

    assert (title, table.heads, table.rows) == ("协议", ["没有记录"], [])


def test_workbook_has_totals_that_are_exact_and_no_formula(tmp_path) -> None:  # type: ignore[no-untyped-def]
    table = Table("逐笔", ["中心", "元"], [["a", 0.1], ["b", 0.2], ["c", "—"]], frozenset({1}))
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook("经费", [table, Table("逐笔", ["x"], [])]))

    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]

    assert book.sheetnames == ["逐笔", "逐笔 2"]
    assert [cell.value for cell in page[5]] == ["合计", 0.3]
    assert page.freeze_panes == "A2"
    assert page.print_title_rows == "$1:$1"
    assert page.oddHeader.center.text == "经费"
    assert page.sheet_properties.pageSetUpPr.fitToPage


def test_names_of_sheets_are_short_and_none_twice() -> None:
    assert names_of(["a" * 40, "A" * 40, "x/y", ""]) == ["a" * 27, "A" * 27 + " 2", "x y", "1"]


def test_whole_list_goes_into_a_sheet_and_a_longer_one_is_refused() -> None:
    rows, ask = list(range(100)), RequestFactory().get

    assert len(page_of(ask("/", {"page": "2"}), rows, 40)) == 40
    assert len(page_of(ask("/", {"page": "2", "as": "xlsx"}), rows, 40)) == 100
    with pytest.raises(RuleBroken, match="2 万行"):
        page_of(ask("/", {"as": "xlsx"}), range(MOST_ROWS + 1), 40)


def test_download_is_kept_not_shown() -> None:
    assert download(b"x", file_name="a.xlsx").headers["Content-Disposition"] == 'attachment; filename="a.xlsx"'
