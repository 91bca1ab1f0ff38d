"""Going back to any second: a whole copy of the cluster now and then, and the journal of everything since.

Nouns: the *vault* (a folder on another disk: copies, journal), a *copy* (the whole cluster at one moment), the
*journal* (what changed since, piece by piece). A piece is put away when it is full or four minutes old, so at most five
minutes are lost with the machine; a restore takes a copy, reads the journal up to the wanted second and opens the
database there. The present cluster is kept beside the restored one.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from kangqiao.base.server import journal
from kangqiao.base.server.archive import command, failure
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.postgres import SUPERUSER, EmbeddedPostgres
from kangqiao.base.server.problems import NoSpace, ServerProblem

STAMP = "%Y%m%dT%H%M%S.%fZ"  # read as ISO 8601
COPY, SUFFIX = "copy-", ".tar.gz"
RECOVERY_SECONDS = 1800
# What belongs to the site beside its database: keys without which parts of the database cannot be read.
NOT_KEYS = {"kangqiao.lock", journal.NOTE}


@dataclass(frozen=True)
class Vault:
    """The folder where copies and journal of one site lie."""

    path: pathlib.Path

    @property
    def journal(self) -> pathlib.Path:
        """Where the server puts the pieces."""
        return self.path / journal.FOLDER

    def copies(self) -> list[tuple[datetime, pathlib.Path]]:
        """Finished copies with the moment each was finished, oldest first."""
        found = []
        for place in self.path.glob(f"{COPY}*{SUFFIX}"):
            with contextlib.suppress(ValueError):
                found.append((datetime.fromisoformat(place.name[len(COPY) : -len(SUFFIX)]), place))
        return sorted(found)

    def copy_before(self, until: datetime | None) -> pathlib.Path:
        """The newest copy finished before that moment; ServerProblem names the oldest moment one can go back to."""
        copies = self.copies()
        fitting = [place for at, place in copies if until is None or at <= until]
        if not copies:
            raise ServerProblem(
                f"There is no copy in {self.path}.", next_step="Make one with: kangqiao vault copy --data …"
            )
        if not fitting:
            raise ServerProblem(
                f"The oldest copy in {self.path} was finished at {copies[0][0].isoformat(timespec='seconds')};"
                " nothing before that can be restored. Nothing was changed.",
                next_step="Choose a later moment, or restore a backup file.",
            )
        return fitting[-1]


def vault_of(folder: DataFolder) -> Vault | None:
    """The vault a site keeps, if it keeps one."""
    path = journal.vault_path(folder.path)
    return Vault(path) if path else None


def open_vault(folder: DataFolder, path: pathlib.Path, server: EmbeddedPostgres) -> Vault:
    """From now on the site keeps its journal there. Refuses a folder that another site's journal lies in."""
    vault = Vault(path.absolute())
    if vault.path == folder.path or folder.postgres in (vault.path, *vault.path.parents):
        raise ServerProblem("A vault in the database's own folder would be lost with it.", next_step="Name another.")
    vault.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = vault_of(folder)
    if (kept is None or kept.path != vault.path) and any(vault.path.iterdir()):
        raise ServerProblem(
            f"{vault.path} is not empty; it may be another site's vault.", next_step="Name a new folder."
        )
    vault.journal.mkdir(mode=0o700, exist_ok=True)
    server.give(vault.path, vault.journal)
    place = folder.path / journal.NOTE
    part = place.with_suffix(".part")
    part.write_text(json.dumps({"path": str(vault.path)}))
    part.replace(place)
    server.keep_journal()
    return vault


def copy(server: EmbeddedPostgres, vault: Vault) -> pathlib.Path:
    """A whole copy of the running cluster, with the keys of the site; its place. Readers and writers go on."""
    words = ["--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-password"]
    address = f"--dbname={server.url(role=SUPERUSER, database='postgres')}"
    line, environment = command("pg_basebackup", address, *words)
    part = vault.path / f"{COPY}part-{os.getpid()}"
    try:
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(line, stdout=subprocess.PIPE, stderr=said, env=environment) as reader,
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw,
        ):
            assert reader.stdout is not None
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1) as packed:
                shutil.copyfileobj(reader.stdout, packed, 1024 * 1024)
            raw.flush()
            os.fsync(raw.fileno())
            if reader.wait():
                said.seek(0)
                raise failure("The copy could not be made", said.read().decode(errors="replace"))
        check_copy(part)
        place = vault.path / f"{COPY}{datetime.now(UTC):{STAMP}}{SUFFIX}"
        copy_keys(server.folder, vault.path / "keys")
        part.rename(place)
    except OSError as error:
        raise NoSpace(f"The copy could not be written to {vault.path}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return place


def check_copy(place: pathlib.Path) -> None:
    """Read it from end to end."""
    with tarfile.open(place, "r|gz") as packed:
        names = {member.name.removeprefix("./") for member in packed}
    if not {"PG_VERSION", "backup_label", "backup_manifest"} <= names:
        raise ServerProblem(f"{place} is no whole copy of a cluster.")


def copy_keys(folder: DataFolder, place: pathlib.Path) -> None:
    """The small files that lie openly in the data folder: the site's secret and its other keys."""
    place.mkdir(mode=0o700, exist_ok=True)
    for file in folder.path.iterdir():
        if file.is_file() and file.name not in NOT_KEYS and not file.name.endswith(".part"):
            shutil.copy2(file, place / file.name)


def restore(folder: DataFolder, vault: Vault, *, until: datetime | None, at: datetime) -> tuple[datetime | None, str]:
    """Bring the cluster of a stopped site to a moment; that of its last change, and where the old cluster is kept.

    The caller holds the folder's lock. The old cluster is moved away only when the new one stands finished beside it.
    """
    source = vault.copy_before(until)
    beside = DataFolder(folder.path / f"restoring-{os.getpid()}")
    beside.path.mkdir(mode=0o700)
    try:
        server = EmbeddedPostgres(beside)
        server.find_way()
        unpack(source, beside.postgres, server)
        last = replay(server, vault, until)
        kept = ""
        if folder.postgres.exists() and any(folder.postgres.iterdir()):
            old = folder.path / f"postgres-before-{at:%Y%m%d_%H%M%S}"
            folder.postgres.rename(old)
            kept = str(old)
        elif folder.postgres.exists():
            folder.postgres.rmdir()
        beside.postgres.rename(folder.postgres)
    finally:
        shutil.rmtree(beside.path, ignore_errors=True)
    for file in (vault.path / "keys").glob("*"):
        if not (folder.path / file.name).exists():
            shutil.copy2(file, folder.path / file.name)
    return last, kept


def unpack(source: pathlib.Path, place: pathlib.Path, server: EmbeddedPostgres) -> None:
    """The copy as a cluster of its own, with the owner and the modes the server wants."""
    place.mkdir(mode=0o700)
    with tarfile.open(source, "r|gz") as packed:
        packed.extractall(place, filter="data")
    for root, folders, files in os.walk(place):
        for name in folders:
            os.chmod(os.path.join(root, name), 0o700)
        for name in files:
            os.chmod(os.path.join(root, name), 0o600)


def replay(server: EmbeddedPostgres, vault: Vault, until: datetime | None) -> datetime | None:
    """Start it in recovery, wait until it has read the journal to the moment, stop it; the last change it holds."""
    settings = {"restore_command": journal.command("fetch", vault.journal), "archive_mode": "off"}
    if until is not None:
        settings |= {"recovery_target_time": until.isoformat(), "recovery_target_action": "promote"}
    (server.folder.postgres / "recovery.signal").touch(mode=0o600)
    server.folder.create()
    server.own_cluster()
    server.launch(settings)
    try:
        server.wait_ready()
        return wait_open(server)
    except ServerProblem as error:
        if "recovery ended before configured recovery target" in server.last_words(40):
            raise ServerProblem(
                f"The journal in {vault.journal} ends before that moment. Nothing was changed.",
                next_step="Choose an earlier moment, or --until latest for all there is.",
            ) from error
        raise
    finally:
        server.stop()


def wait_open(server: EmbeddedPostgres) -> datetime | None:
    """Until the database is open for writing."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        if not server.is_running():
            raise ServerProblem(f"PostgreSQL ended while it read the journal: {server.last_words()}")
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(server.url(role=SUPERUSER, database="postgres"), autocommit=True) as connection,
        ):
            row = connection.execute("SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()").fetchone()
            if row is not None and not row[0]:
                return row[1] if isinstance(row[1], datetime) else None
        time.sleep(0.1)
    raise ServerProblem(f"The journal was not read within {RECOVERY_SECONDS} s.")


def forget(vault: Vault, keep: int) -> tuple[int, int]:
    """Remove all but the newest copies, and the journal that only the removed ones needed; how many of each went."""
    old = vault.copies()[:-keep] if keep > 0 else []
    for _at, place in old:
        place.unlink()
    pieces = 0
    if old:
        first = first_piece(vault.copies()[0][1])
        for piece in vault.journal.iterdir():
            if len(first) == len(piece.name.split(".")[0]) and piece.name.split(".")[0][8:] < first[8:]:
                piece.unlink()
                pieces += 1
    return len(old), pieces


def first_piece(place: pathlib.Path) -> str:
    """The piece of the journal a copy begins with."""
    with tarfile.open(place, "r|gz") as packed:
        for member in packed:
            if member.name.removeprefix("./") == "backup_label":
                file = packed.extractfile(member)
                assert file is not None
                return file.read().decode().split("(file ")[1].split(")")[0]
    raise ServerProblem(f"{place} is no whole copy of a cluster.")


@dataclass(frozen=True)
class Standing:
    """How well a vault follows its site."""

    vault: Vault
    last_copy: datetime | None
    last_piece: datetime | None
    failed: int
    last_failure: datetime | None

    @property
    def is_behind(self) -> bool:
        """Whether the last attempt to put a piece away failed."""
        return self.last_failure is not None and (self.last_piece is None or self.last_failure > self.last_piece)


def standing(server: EmbeddedPostgres, vault: Vault) -> Standing:
    """Ask the running server how its journal fares."""
    with psycopg.connect(server.url(role=SUPERUSER, database="postgres")) as connection:
        row = connection.execute(
            "SELECT last_archived_time, failed_count, last_failed_time FROM pg_stat_archiver"
        ).fetchone()
    assert row is not None
    copies = vault.copies()
    return Standing(vault, copies[-1][0] if copies else None, row[0], row[1], row[2])


def put_away_now(server: EmbeddedPostgres, seconds: float = 60) -> None:
    """End the present piece and wait until everything up to now lies in the vault."""
    with psycopg.connect(server.url(role=SUPERUSER, database="postgres"), autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        wanted, deadline = row[0], time.monotonic() + seconds
        while time.monotonic() < deadline:
            done = connection.execute("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver").fetchone()
            if done is not None and done[0] >= wanted:
                return
            time.sleep(0.05)
    raise ServerProblem("The journal was not put away in time.", next_step="See kangqiao vault status and the log.")
