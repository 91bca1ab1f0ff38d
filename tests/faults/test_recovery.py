"""Back from a file, and back to a second: on an empty machine, and beside what is there."""

from __future__ import annotations

import pathlib
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from kangqiao.base.server import journal, recovery
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.postgres import EmbeddedPostgres
from tests.faults.live import LiveSite, kangqiao

PEOPLE = 30
BOOKINGS = "SELECT id, slot_id, resident_id, status, attempt FROM scheduling_booking ORDER BY id"
PAGES = ("/", "/slots/", "/healthz", "/public/")


@pytest.fixture
def vault(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where a vault may be; the database's own account must be able to write there."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == pathlib.Path("/").owner() and str(folder).startswith("/tmp/pytest"):
            folder.chmod(0o711)
    return tmp_path / "vault"


def book(site: LiveSite, people: range) -> None:
    """These people each take a place."""
    site.ask("UPDATE scheduling_slot SET capacity = 200")
    answers = [site.post(f"/slots/{site.slots[0]}/book/", who, f"book-{who}") for who in people]
    assert {one.status for one in answers} == {302}


def now(site: LiveSite) -> datetime:
    """The database's own clock, after it has moved on from what was done before."""
    moment = site.one("SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def succeeds(*words: str | pathlib.Path) -> str:
    done = kangqiao(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.trust("T-PITR")
def test_all_bookings_deleted_and_back_to_the_second_before(
    site: LiveSite, vault: pathlib.Path, measured: Callable[[str], None]
) -> None:
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        began = time.monotonic()
        opened = succeeds("vault", "open", vault, "--data", site.data)
        copying = time.monotonic() - began
        book(site, range(PEOPLE))
        before = site.ask(BOOKINGS)
        second_before = now(site)
        time.sleep(1)
        site.ask("DELETE FROM scheduling_booking")
        assert site.one("SELECT count(*) FROM scheduling_booking") == 0
        told = succeeds("vault", "status", "--data", site.data)
        server = EmbeddedPostgres(DataFolder(site.data))
        recovery.put_away_now(server)
        timeout = site.one("SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout'")

    # The machine is gone: only the vault is left.
    shutil.rmtree(site.data)
    began = time.monotonic()
    said = succeeds("restore", "--from", vault, "--until", second_before.isoformat(), "--data", site.data)
    restoring = time.monotonic() - began
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        back = site.ask(BOOKINGS)
        page = site.get(f"/slots/bookings/{back[0][0]}/", person=0)
        book(site, range(PEOPLE, PEOPLE + 1))

    assert "first copy" in opened
    assert "last piece of the journal" in told
    assert "Restored from copy-" in said
    assert len(before) == PEOPLE
    assert back == before
    assert page.status == 200, "the session is known, so the site's secret came back, too"
    assert timeout <= 300
    assert restoring < 1800
    measured(
        f"{len(before)} → 0 → {len(back)}; copy {copying:.1f} s, restore {restoring:.1f} s;"
        f" a piece is put away after {timeout} s at the latest"
    )


def test_restore_beside_what_is_there_keeps_it_and_says_what_cannot_be(site: LiveSite, vault: pathlib.Path) -> None:
    too_early = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        succeeds("vault", "open", vault, "--data", site.data)
        book(site, range(3))
        recovery.put_away_now(EmbeddedPostgres(DataFolder(site.data)))
        again = kangqiao("vault", "open", vault / "..", "--data", site.data)
        running = kangqiao("restore", "--from", vault, "--until", "latest", "--data", site.data, "--force")
        copied = succeeds("vault", "copy", "--data", site.data, "--keep", "1")

    unforced = kangqiao("restore", "--from", vault, "--until", "latest", "--data", site.data)
    early = kangqiao("restore", "--from", vault, "--until", too_early, "--data", site.data, "--force")
    late = kangqiao("restore", "--from", vault, "--until", "2090-01-01 00:00:00", "--data", site.data, "--force")
    garbled = kangqiao("restore", "--from", vault, "--until", "gestern", "--data", site.data, "--force")
    forced = succeeds("restore", "--from", vault, "--until", "latest", "--data", site.data, "--force")

    assert "not empty; it may be another site's vault" in again.stderr
    assert "Stop it first" in running.stderr
    assert "Removed: 1 copies" in copied
    assert "say --force" in unforced.stderr.lower()
    assert "nothing before that can be restored" in early.stderr
    assert "ends before that moment" in late.stderr
    assert "is no moment" in garbled.stderr
    assert "is kept in" in forced
    assert len(list(site.data.glob("postgres-before-*"))) == 1
    assert list(site.data.glob("restoring-*")) == []
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        assert len(site.ask(BOOKINGS)) == 3


@pytest.mark.trust("T-BAK", "pages answer, every row is back, the audit verifies")
def test_backup_restores_on_an_empty_machine(
    site: LiveSite, tmp_path: pathlib.Path, measured: Callable[[str], None]
) -> None:
    file, elsewhere = tmp_path / "site.backup", tmp_path / "m" / "data"
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        book(site, range(PEOPLE))
        succeeds("audit", "restored", "--reason", "a trial, nothing was restored", "--data", site.data)  # seals
        heads = exported(site, tmp_path / "before.ndjson")
        began = time.monotonic()
        succeeds("backup", file, "--data", site.data)
        backing = time.monotonic() - began
        before = counts(site)
    shutil.rmtree(site.data)

    began = time.monotonic()
    succeeds("restore", file, "--data", elsewhere)
    restoring = time.monotonic() - began
    other = LiveSite(elsewhere, site.cookies, site.slots, site.session, site.city)
    with other.running(KANGQIAO_WEB_PROCESSES="1"):
        after = counts(other)
        answers = [other.get(page) for page in PAGES]
        book(other, range(PEOPLE, PEOPLE + 1))
        succeeds("audit", "restored", "--reason", "the machine was lost", "--data", other.data)
        sealed = exported(other, tmp_path / "after.ndjson")
    verified = succeeds("audit", "verify", sealed, "--heads", heads)
    spoiled = tmp_path / "spoiled.ndjson"
    spoiled.write_text(sealed.read_text().replace("user:1", "user:9", 1))

    assert after == before
    assert "as it was sealed" in verified
    assert kangqiao("audit", "verify", spoiled).returncode == 1
    assert all(one.status in (200, 302) for one in answers)
    measured(
        f"{len(before)} tables, {sum(before.values())} rows the same, {len(PAGES)} pages answer, {verified.strip()};"
        f" backup {backing:.1f} s, restore {restoring:.1f} s"
    )


def exported(site: LiveSite, file: pathlib.Path) -> pathlib.Path:
    """The chains of a site's audit, written out."""
    succeeds("audit", "export", file, "--data", site.data)
    return file


def counts(site: LiveSite) -> dict[str, int]:
    """Rows of every table but those that only say what runs at the moment."""
    tables = site.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    passing = ("procrastinate", "django_session")
    return {name: site.one(f"SELECT count(*) FROM {name}") for (name,) in tables if not name.startswith(passing)}


@pytest.fixture
def piece(tmp_path: pathlib.Path) -> pathlib.Path:
    place = tmp_path / "pg_wal" / "0000000100000000000000A1"
    place.parent.mkdir()
    place.write_bytes(b"journal" + bytes(100_000))
    return place


def test_journal_piece_comes_back_as_it_went(tmp_path: pathlib.Path, piece: pathlib.Path) -> None:
    stored = [journal.main(["store", str(tmp_path), piece.name, str(piece)]) for _ in range(2)]
    fetched = journal.main(["fetch", str(tmp_path), piece.name, str(tmp_path / "back")])

    assert (stored, fetched) == ([0, 0], 0)
    assert (tmp_path / "back").read_bytes() == piece.read_bytes()
    assert (tmp_path / f"{piece.name}.gz").stat().st_size < 1000
    assert (tmp_path / f"{piece.name}.gz").stat().st_mode & 0o077 == 0


def test_journal_of_another_site_is_not_written_over(tmp_path: pathlib.Path, piece: pathlib.Path) -> None:
    journal.main(["store", str(tmp_path), piece.name, str(piece)])
    first = (tmp_path / f"{piece.name}.gz").read_bytes()
    piece.write_bytes(b"another")

    assert journal.main(["store", str(tmp_path), piece.name, str(piece)]) == 1
    assert (tmp_path / f"{piece.name}.gz").read_bytes() == first


def test_journal_says_no_where_it_cannot_write_or_has_nothing(tmp_path: pathlib.Path, piece: pathlib.Path) -> None:
    assert journal.main(["store", str(tmp_path / "unmounted"), piece.name, str(piece)]) == 1
    assert journal.main(["fetch", str(tmp_path), "0000000100000000000000FF", str(tmp_path / "x")]) == 1
    assert not (tmp_path / "x").exists()
