"""The workbook of the customer says what the pages declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangqiao.edges.commands.access import LEGEND, read, tables

WORKBOOK = Path(__file__).resolve().parents[2] / "docs/access-matrix.xlsx"


@pytest.mark.trust("T-ACL-2")
def test_workbook_says_what_the_pages_declare() -> None:
    assert read(WORKBOOK) == {"说明": LEGEND, **tables()}
