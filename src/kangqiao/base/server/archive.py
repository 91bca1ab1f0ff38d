"""Backup and restore of the whole database in one file (PostgreSQL's custom format).

A backup is written beside its place, read back, and only then given its name. A restore reads the whole file before it
touches anything and happens in one transaction or in a database of its own that takes the old one's place; the old one
is kept under another name.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kangqiao.base.server.postgres import binaries
from kangqiao.base.server.problems import DatabaseProblem, NoSpace, ServerProblem

# PostgreSQL 17 brought this setting; our pg_restore writes it for older servers too, near the top.
NEWER_SETTING = re.compile(rb"(?m)^SET transaction_timeout = 0;\n")
HEAD_BYTES = 4096
MARK = "kangqiao_setup"


def backup(url: str, place: pathlib.Path, *, replace: bool = False) -> int:
    """Write the database to a file readable by its owner only; its size in bytes.

    Raises ServerProblem; an existing file and the database stay as they were.
    """
    if place.exists() and not replace:
        raise ServerProblem(f"{place} exists already.", next_step="Choose another name, or say --force to replace it.")
    if not place.parent.is_dir():
        raise ServerProblem(f"The folder {place.parent} does not exist.", next_step="Make it first.")
    part = place.with_name(f"{place.name}.part-{os.getpid()}")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}", f"--dbname={url}")
        verify(part)
        part.replace(place)
    except OSError as error:
        raise ServerProblem(f"{place} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return place.stat().st_size


def verify(place: pathlib.Path) -> None:
    """Read a backup from end to end; ServerProblem if it is none of ours or damaged."""
    if not place.is_file():
        raise ServerProblem(f"There is no file {place}.")
    try:
        listing = run("pg_restore", "--list", str(place))
        run("pg_restore", "--file=/dev/null", str(place))
    except ServerProblem as error:
        raise ServerProblem(
            f"{place} is no readable backup: {error.message}", next_step="Nothing was changed; use another file."
        ) from error
    if MARK not in listing or "django_migrations" not in listing:
        raise ServerProblem(f"{place} is a PostgreSQL backup, but not of a Kangqiao. Nothing was changed.")


def restore(url: str, place: pathlib.Path, *, at: datetime, force: bool = False, manager_url: str = "") -> str:
    """Read a backup into the database; the name under which the former content is kept, or nothing.

    `manager_url` is an address that may make databases; without it the database's own role must be allowed to. A
    database that is not empty is replaced only with `force`.
    """
    verify(place)
    if is_empty(url):
        load(url, place)
        return ""
    if not force:
        raise DatabaseProblem(
            "The database is not empty. Nothing was changed.",
            next_step="Say --force to put the backup in its place; the present content is kept under another name.",
        )
    return swap(url, place, at=at, manager_url=manager_url or url)


def load(url: str, place: pathlib.Path) -> None:
    """Into an empty database, all or nothing.

    Our programs may be newer than the server: the one setting it may not know is left out on the way, which is why
    the script goes through our hands. Its COMMIT follows only when the whole file has been read.
    """
    reader_words, environment = command("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(place))
    writer_words, environment = command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={url}")
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(reader_words, stdout=subprocess.PIPE, stderr=said) as reader,
        subprocess.Popen(writer_words, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment) as writer,
    ):
        assert reader.stdout is not None
        assert writer.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            writer.stdin.write(b"BEGIN;\n")
            head = reader.stdout.read(HEAD_BYTES)
            writer.stdin.write(NEWER_SETTING.sub(b"", head, count=1))
            shutil.copyfileobj(reader.stdout, writer.stdin)
            reader.stdout.close()
            if reader.wait() == 0:
                writer.stdin.write(b"\nCOMMIT;\n")
        reader.terminate()
        writer.communicate()
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    if reader.returncode or writer.returncode:
        raise failure("The backup could not be read in", words)


def swap(url: str, place: pathlib.Path, *, at: datetime, manager_url: str) -> str:
    """Into a new database that then takes the old one's name."""
    name = str(conninfo_to_dict(url).get("dbname", "kangqiao"))
    owner = str(conninfo_to_dict(url).get("user", "")) or None
    fresh, old = f"{name}_restoring", f"{name}_before_{at:%Y%m%d_%H%M%S}"
    with psycopg.connect(make_conninfo(manager_url, dbname="postgres"), autocommit=True) as manager:
        try:
            manager.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(fresh)))
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(fresh))
            if owner:
                statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
            manager.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseProblem(
                "This role may not make databases, so the present content could not be kept. Nothing was changed.",
                next_step="Give it CREATEDB, or point DATABASE_URL at an empty database.",
            ) from error
        try:
            load(make_conninfo(url, dbname=fresh), place)
            rename(manager, name, old)
        except BaseException:
            manager.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(fresh)))
            raise
        try:
            rename(manager, fresh, name)
        except BaseException:
            rename(manager, old, name)
            raise
    return old


def rename(manager: psycopg.Connection[tuple[object, ...]], name: str, other: str) -> None:
    """Rename a database; sessions on it are a reason to stop, not to end them."""
    try:
        manager.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(other)))
    except psycopg.errors.ObjectInUse as error:
        raise DatabaseProblem(
            f"Somebody still works in the database {name}. Nothing was changed.",
            next_step="Stop Kangqiao (kangqiao down) and other programs on it, then restore again.",
        ) from error


def is_empty(url: str) -> bool:
    """True if the database holds no table of ours or anybody's."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')"
        ).fetchone()
    return row is not None and not row[0]


def run(program: str, *arguments: str) -> str:
    """One of the server's own programs; what it printed. ServerProblem with its last words if it fails."""
    words, environment = command(program, *arguments)
    done = subprocess.run(words, text=True, capture_output=True, env=environment)
    if done.returncode:
        raise failure(f"{program} failed", done.stderr)
    return done.stdout


def command(program: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of a program of the server's.

    Everybody on the machine can read a command line, so a password goes through the environment.
    """
    environment, words = os.environ | {"LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}, [str(binaries() / program)]
    for argument in arguments:
        if argument.startswith("--dbname="):
            parts = conninfo_to_dict(argument.removeprefix("--dbname="))
            if password := parts.pop("password", None):
                environment["PGPASSWORD"] = str(password)
            argument = "--dbname=" + make_conninfo("", **parts)
        words.append(argument)
    return words, environment


def failure(what: str, said: str) -> ServerProblem:
    """The sentence for a program that failed; a full disk has one of its own."""
    if "No space left" in said:
        return NoSpace("The disk is full.", next_step="Free some space; nothing was changed.")
    return ServerProblem(f"{what}: {' / '.join(said.strip().splitlines()[-3:])}.")
