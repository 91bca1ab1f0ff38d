"""Every sheet the product hands out, with names that are formulas: all of them stay text (T-CSV)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from django.http import HttpResponse
from django.test import Client

from kangqiao.base.sheets import sheet
from kangqiao.domain.accounts.models import Role
from tests.access_matrix.test_matrix import addresses
from tests.access_matrix.world import two_sides
from tests.web.poison import poison, publish

FORMULAS = ('=HYPERLINK("http://x/","点")', "=1+1", "+1+1", "-1+1", "@SUM(1)", "＝1+1", "\t=1+1", "=cmd|' /C calc'!A0")


def faults(content: bytes) -> list[str]:
    """Formulas, links and dangerous text without Excel's mark for text, in a workbook."""
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for name in parts.namelist():
            if re.search(rb"<f[ >]|<hyperlink|externalLink|<oleObject", parts.read(name)):
                found.append(f"{name} holds a formula or link")
    for page in openpyxl.load_workbook(io.BytesIO(content)):
        for cell in (cell for row in page.iter_rows() for cell in row):
            text = cell.value
            is_risky = isinstance(text, str) and text.lstrip()[:1] in tuple("=+-@＝＋－＠")
            if cell.data_type == "f" or (is_risky and not cell.quotePrefix):
                found.append(f"{cell.coordinate}: {text!r}")
    return found


@pytest.mark.trust("T-CSV")
@pytest.mark.django_db
def test_every_sheet_of_the_product_holds_no_formula(measured: Callable[[str], None]) -> None:
    ours, _ = two_sides()
    poison(ours, FORMULAS)
    publish(ours)
    found, seen, marked, pages = [], set(), set(), set()

    for role in (Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.DISPATCHER, Role.CENTRE_MANAGER):
        client = Client()
        client.force_login(ours.users[role])
        for address in (one for one in addresses() if one.name not in seen | pages):
            is_list = getattr(address.pattern.callback, "exports", False)
            response = client.get(address.on(ours), {"as": "xlsx"} if is_list else None)
            if response.status_code == 200 and "spreadsheet" in response.headers["Content-Type"]:
                seen.add(address.name)
                words = content(response)
                marked |= {formula for formula in FORMULAS if formula in words}
                found += [f"{address.name} {fault}" for fault in faults(response.content)]
            elif response.status_code == 200:
                pages.add(address.name)  # what is a page for one is no sheet for another

    measured(f"{len(seen)} sheets, {len(marked)} kinds of formula in them, {len(found)} of them alive")
    assert found == []
    assert len(seen) >= 15
    assert len(marked) >= 5


def content(response: HttpResponse) -> str:
    """The words of a workbook."""
    rows = openpyxl.load_workbook(io.BytesIO(response.content)).active.values
    return "\n".join(str(cell) for row in rows for cell in row)


def test_text_numbers_and_days_keep_their_kind() -> None:
    answer = sheet("名/单[1]", ["=头", "数"], [("=1+1", -3), ("a" * 40_000, None), ("\x00b", 1.5)], file_name="a.xlsx")

    page = openpyxl.load_workbook(io.BytesIO(answer.content)).active

    assert page.title == "名 单 1"
    assert [cell.data_type for cell in page[2]] == ["s", "n"]
    assert page["A2"].quotePrefix
    assert not page["A3"].quotePrefix
    assert len(page["A3"].value) == 32_767
    assert page["B2"].value == -3


def test_faults_finds_planted_ones() -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"] = "=1+1", "text"
    book.active["A3"] = "@SUM(1)"
    content = io.BytesIO()
    book.save(content)

    assert faults(content.getvalue()) == [
        "xl/worksheets/sheet1.xml holds a formula or link",
        "A1: '=1+1'",
        "A3: '@SUM(1)'",
    ]
