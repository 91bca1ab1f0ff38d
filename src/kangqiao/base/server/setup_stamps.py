"""What has been set up in a database already, written in that database, so that a restart does not repeat it.

Kept beside the data and not in a file: whoever restores or replaces the database replaces these rows with it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import pathlib
from collections.abc import Iterable

import psycopg

PACKAGE = pathlib.Path(__file__).resolve().parents[2]
WITH_MIGRATIONS = ("django", "procrastinate")


def migration_digest() -> str:
    """Changes with every migration of ours and every release of a package that brings some."""
    releases = [f"{name} {importlib.metadata.version(name)}" for name in WITH_MIGRATIONS]
    return digest_of(PACKAGE.glob("**/migrations/*.py"), *releases)


def demonstration_digest() -> str:
    """Changes with the loader of the demonstration, which then adds what is new."""
    return digest_of(PACKAGE.glob("pathways/demonstration/*.py"))


def digest_of(files: Iterable[pathlib.Path], *words: str) -> str:
    """One value for the names and contents of some files of the package."""
    state = hashlib.sha256("\0".join(words).encode())
    for path in sorted(files):
        state.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()


def read(url: str, key: str) -> str:
    """The stamp of one step, or nothing."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT 1 WHERE to_regclass('kangqiao_setup') IS NULL").fetchone():
            return ""
        row = connection.execute("SELECT value FROM kangqiao_setup WHERE key = %s", [key]).fetchone()
        return str(row[0]) if row else ""


def write(url: str, key: str, value: str) -> None:
    """Note that a step is done."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS kangqiao_setup"
            " (key text PRIMARY KEY, value text NOT NULL, at timestamptz NOT NULL DEFAULT now())"
        )
        connection.execute(
            "INSERT INTO kangqiao_setup (key, value) VALUES (%s, %s)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = now()",
            [key, value],
        )
