"""The workbook of the customer says what the pages declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangqiao.edges.commands.access import LEGEND, read, tables
from tests.access_matrix.cells import ACTORS, NOBODY, addresses

WORKBOOK = Path(__file__).resolve().parents[2] / "docs/access-matrix.xlsx"


@pytest.mark.trust("T-ACL-2")
def test_workbook_says_what_the_pages_declare() -> None:
    assert read(WORKBOOK) == {"说明": LEGEND, **tables()}


@pytest.mark.trust("T-ACL-2")
def test_no_page_admits_somebody_who_reaches_none_of_its_rows() -> None:
    seated = [actor for actor in ACTORS if actor not in NOBODY]
    pages = [page for page in addresses() if page.name != "chain-follow"]  # about any of several kinds of row

    astray = [
        (page.name, actor) for page in pages for actor in seated if page.admits(actor) and not page.shows(actor, "own")
    ]

    assert astray == []
