"""The disk fills up while the site runs: it is said in words, reading goes on, all is well again once it is freed."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.live import Answer, LiveSite, at_once, copy_of, kangqiao

pytestmark = [pytest.mark.slow, pytest.mark.trust("T-DISK")]
MEGABYTE = 1024 * 1024
# What the site wants free to start, and some; what it keeps for the database by itself.
SPARE_MB, KEPT_MB = 260, 64
SAID = "服务器的磁盘满了，这次提交没有保存"
ROOT_ONLY = "a small disk can be mounted by root alone"


@pytest.fixture
def site(model_site: LiveSite) -> Iterator[LiveSite]:
    """The model site on a small disk of its own."""
    used = sum(one.stat().st_size for one in model_site.data.rglob("*") if one.is_file() and not one.is_symlink())
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        options = f"size={used // MEGABYTE + SPARE_MB}m,mode=755"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", name], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{ROOT_ONLY}: {done.stderr}")
        try:
            yield copy_of(model_site, pathlib.Path(name) / "data")
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill(site: LiveSite, *, leaving: int) -> pathlib.Path:
    """A file that takes all room of the disk but so many bytes."""
    ballast = site.data.parent / "ballast"
    with ballast.open("ab") as file:
        free = os.statvfs(site.data)
        left = free.f_bavail * free.f_frsize - leaving
        os.posix_fallocate(file.fileno(), file.tell(), max(1, left))
    return ballast


def books(site: LiveSite, who: int) -> Answer:
    """One person's form."""
    return site.post(f"/slots/{site.slots[who % 10]}/book/", who, f"disk-{who}")


def reads(site: LiveSite) -> list[int]:
    """Pages of somebody signed in and of anybody, and the health of the site."""
    pages = (("/slots/", 0), ("/notices/", 0), ("/public/", None), ("/sign-in/", None), ("/healthz", None))
    return [site.get(path, person).status for path, person in pages]


def bookings(site: LiveSite) -> int:
    """How many there are."""
    return int(site.one("SELECT count(*) FROM scheduling_booking"))


def test_forms_are_refused_in_words_while_reading_goes_on(site: LiveSite, measured: Callable[[str], None]) -> None:
    with site.running():
        assert books(site, 0).status == 302
        ballast = fill(site, leaving=KEPT_MB // 2 * MEGABYTE)

        refused = books(site, 1)
        open_meanwhile = reads(site)
        fill(site, leaving=0)
        backup = kangqiao("backup", site.data.parent / "copy", "--data", site.data)
        left_behind = [one.name for one in site.data.parent.iterdir()]
        stored = bookings(site)
        ballast.unlink()
        again = books(site, 1)

        assert (refused.status, SAID in refused.body, stored) == (503, True, 1)
        assert open_meanwhile == [200] * 5
        assert backup.returncode == 1, backup.stdout
        assert "disk" in backup.stderr.lower()
        assert sorted(left_behind) == ["ballast", "data"]
        assert (again.status, bookings(site)) == (302, 2)
        assert site.is_well()
    measured("a form 503 in words, 5 of 5 pages open, no half file of a backup, the same form goes through once freed")


def test_disk_without_a_byte_left_loses_nothing_and_recovers(site: LiveSite, measured: Callable[[str], None]) -> None:
    """The room that is kept is switched off, so that the database itself meets the end of the disk."""
    with site.running(KANGQIAO_ROOM_MB="0"):
        site.ask("UPDATE scheduling_slot SET capacity = 200")
        ballast = fill(site, leaving=0)

        answers = at_once(list(range(150)), 4, lambda who: books(site, who))
        told = Counter(one.status for one in answers)
        open_meanwhile = [site.get(path).status for path in ("/public/", "/sign-in/")]
        ballast.unlink()
        seconds = site.wait_well(60)
        again = at_once(list(range(150)), 4, lambda who: books(site, who))
        stored = site.ask("SELECT id, resident_id FROM scheduling_booking")

        assert told[503] > 0, told
        assert set(told) <= {302, 503}, told
        assert all(SAID in one.body for one in answers if one.status == 503)
        assert open_meanwhile == [200, 200]
        assert {one.status for one in again} == {302}
        kept = {f"/slots/bookings/{pk}/" for pk, _person in stored}
        assert {one.location for one in answers if one.status == 302} <= kept
        assert len({person for _pk, person in stored}) == len(stored) == 150
    measured(f"0 bytes left: {told[302]} booked, {told[503]} told so, 0 lost, 0 doubled, well {seconds:.1f} s after")
