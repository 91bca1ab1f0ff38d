"""Keeps the database's journal (WAL) in a second place and hands it back; the server itself calls this as a program.

`store` copies one finished piece: compressed, written beside its place, flushed to the disk, then named. A piece that
is there already with the same content is fine, with another it is refused, so one site never writes over another's
journal. `fetch` gives a piece back. Only the standard library is loaded: it runs for every piece.

python -m kangqiao.base.server.journal store|fetch FOLDER NAME PATH
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pathlib
import shlex
import shutil
import sys

SUFFIX = ".gz"
OK, REFUSED = 0, 1
NOTE = "vault.json"  # in the data folder: where its journal goes
FOLDER = "journal"  # in the vault
PIECE_SECONDS = 240  # a piece is put away when it is full or this old: less than five minutes are ever lost
LEVEL = 1  # an almost empty piece shrinks to a hundredth anyhow; the server waits for us


def vault_path(data: pathlib.Path) -> pathlib.Path | None:
    """The vault that the site of a data folder keeps, if it keeps one."""
    note = data / NOTE
    return pathlib.Path(json.loads(note.read_text())["path"]) if note.exists() else None


def settings(data: pathlib.Path) -> dict[str, str]:
    """What the server must be told; `true` throws a piece away, since without a command it would keep them all."""
    vault = vault_path(data)
    if vault is None:
        return {"archive_command": "true", "archive_timeout": "0"}
    return {"archive_command": command("store", vault / FOLDER), "archive_timeout": str(PIECE_SECONDS)}


def command(what: str, folder: pathlib.Path) -> str:
    """The line for `archive_command` (store) or `restore_command` (fetch)."""
    words = [sys.executable, "-m", __name__, what, str(folder)]
    return " ".join(shlex.quote(word).replace("%", "%%") for word in words) + " %f %p"


def store(folder: pathlib.Path, name: str, path: pathlib.Path) -> int:
    """Put a finished piece away; 0 only when it lies safely on the disk."""
    place = folder / f"{name}{SUFFIX}"
    if place.exists():
        with gzip.open(place) as there, path.open("rb") as here:
            return OK if there.read() == here.read() else _say(f"{place} holds another journal; nothing was written")
    part = folder / f"{name}.part-{os.getpid()}"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with path.open("rb") as here, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=LEVEL) as packed:
                shutil.copyfileobj(here, packed, 1024 * 1024)
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(place)
        _flush(folder)
    finally:
        part.unlink(missing_ok=True)
    return OK


def fetch(folder: pathlib.Path, name: str, path: pathlib.Path) -> int:
    """Hand a piece back; 1 when there is none, which ends a recovery that reads to the end of the journal."""
    place = folder / f"{name}{SUFFIX}"
    if not place.exists():
        return REFUSED
    with gzip.open(place) as packed, path.open("wb") as here:
        shutil.copyfileobj(packed, here, 1024 * 1024)
    return OK


def _flush(folder: pathlib.Path) -> None:
    """The name itself must be on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):  # some network disks cannot
        os.fsync(handle)
    os.close(handle)


def _say(text: str) -> int:
    print(text, file=sys.stderr)
    return REFUSED


def main(words: list[str]) -> int:
    """One call of the server's; a full or missing disk is told and tried again by it."""
    what, folder, name, path = words
    try:
        return {"store": store, "fetch": fetch}[what](pathlib.Path(folder), name, pathlib.Path(path))
    except OSError as error:
        return _say(f"journal: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
