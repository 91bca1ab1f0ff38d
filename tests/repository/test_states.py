"""The printed diagrams in docs/states are those of the tables."""

from __future__ import annotations

from pathlib import Path

from kangqiao.edges.commands.states import pages, stale
from tests.repository.sources import DOMAIN, ROOT, none, product, text

FOLDER = ROOT / "docs" / "states"


def test_diagrams_are_fresh() -> None:
    none((f"docs/states/{page} is stale" for page in stale(FOLDER)), "Run `kangqiao states --write docs/states`.")


def test_every_table_is_printed() -> None:
    written = sum(text(path).count("= StateTable(") for path in product("states.py") if path.is_relative_to(DOMAIN))

    assert len(pages()) == written + 1  # and the list of them


def test_stale_finds_planted_ones(tmp_path: Path) -> None:
    for name, page in pages().items():
        (tmp_path / name).write_text(page, encoding="utf-8")
    changed, gone, left_over = "referral_up.md", "booking.md", "former.md"
    (tmp_path / changed).write_text(pages()[changed].replace("接收", "收下"), encoding="utf-8")
    (tmp_path / gone).unlink()
    (tmp_path / left_over).write_text("x", encoding="utf-8")

    assert stale(tmp_path) == sorted([changed, gone, left_over])
