"""Browser files: complete, licensed, without addresses in the lock, and rebuilt only when due."""

from __future__ import annotations

import gzip
import json
import os
import pathlib

import pytest

from kangqiao.base.server import assets
from kangqiao.base.server.problems import ServerProblem

ROOT = assets.root_of_checkout()
assert ROOT is not None
VENDOR = ROOT / "src/kangqiao/base/static/vendor"


def test_lock_names_no_registry() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    assert [name for name, about in locked.items() if "resolved" in about] == []
    assert [name for name, about in locked.items() if name and "integrity" not in about] == []


def test_python_locks_name_no_address_and_hash_everything() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text()
        pins = [line for line in text.splitlines() if line and line[0] not in " #"]
        assert "://" not in text
        assert all(pin.endswith("\\") and "==" in pin for pin in pins), lock.name


def test_every_copied_package_has_its_licence() -> None:
    for source in assets.FILES:
        package = source.rpartition("/dist/")[0].replace("/", "-").lstrip("@")
        assert (VENDOR / "licences" / f"{package}.txt").read_text().strip()


def test_icons_become_symbols(tmp_path: pathlib.Path) -> None:
    root = checkout_with_icons(tmp_path, "check\n\nbell-filled # rings\n")

    sprite = assets.sprite(tmp_path / "icons", root)

    assert 'id="i-check"' in sprite
    assert 'id="i-bell-filled" viewBox="0 0 24 24" fill="currentColor"' in sprite
    assert sprite.count("<path") == 2


def test_unknown_icon_is_named_with_its_line(tmp_path: pathlib.Path) -> None:
    root = checkout_with_icons(tmp_path, "check\nunicorn\n")

    with pytest.raises(ServerProblem, match=r"icons\.txt line 2: there is no icon 'unicorn'"):
        assets.sprite(tmp_path / "icons", root)


def checkout_with_icons(place: pathlib.Path, names: str) -> pathlib.Path:
    """A list of icons, and two icons as the package ships them."""
    blank = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'
    for kind, name in (("outline", "check"), ("filled", "bell")):
        (place / "icons" / kind).mkdir(parents=True)
        drawing = f'<!-- tags -->\n<svg width="24">\n  {blank}\n  <path d="M5 12" />\n</svg>\n'
        (place / "icons" / kind / f"{name}.svg").write_text(drawing)
    listing = place / "src/kangqiao/base/static/icons.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text(names)
    return place


def test_text_files_get_a_gzip_form_that_follows_them(tmp_path: pathlib.Path) -> None:
    sheet = tmp_path / "kangqiao" / "a.css"
    sheet.parent.mkdir()
    sheet.write_text("a { color: red }\n" * 50)
    (tmp_path / "picture.png").write_bytes(b"x")

    first, again = assets.compress(tmp_path), assets.compress(tmp_path)
    sheet.write_text("b { color: red }\n" * 50)
    os.utime(sheet, ns=(1, 1))
    after = assets.compress(tmp_path)

    assert (first, again, after) == (1, 0, 1)
    assert gzip.decompress((tmp_path / "kangqiao" / "a.css.gz").read_bytes()) == sheet.read_bytes()
    assert not (tmp_path / "picture.png.gz").exists()
