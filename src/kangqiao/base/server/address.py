"""A database of the user's own: is its address right, does it answer, is it new enough."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from kangqiao.base.server.problems import DatabaseProblem

OLDEST_SERVER = 15
CONNECT_SECONDS = 5
UNTOUCHED = "Nothing was changed."

# What the client library or the server says, and what it means. Servers may speak another language: then their own
# words are passed on.
MEANINGS = (
    ("password authentication failed", "the password or the user is wrong"),
    ("no password supplied", "the address holds no password and the server asks for one"),
    ("does not exist", "the server answers, but that database or role does not exist"),
    ("no pg_hba.conf entry", "the server does not admit this user from this machine (pg_hba.conf)"),
    ("Connection refused", "nothing listens at that host and port"),
    ("No such file or directory", "there is no server socket at that place"),
    ("could not translate host name", "the host name is unknown"),
    ("failed to resolve host", "the host name is unknown"),
    ("timeout expired", "the server did not answer in time"),
    ("timed out", "the server did not answer in time"),
    ("too many", "the server has no connection left"),
)


def without_password(url: str) -> str:
    """The address as it may be shown."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "DATABASE_URL"
    host, port = parts.get("host", "local socket"), parts.get("port", "5432")
    return f"{parts.get('user', '')}@{host}:{port}/{parts.get('dbname', '')}"


def check(url: str) -> str:
    """Connect once and answer the server's version, such as "18.6".

    Raises DatabaseProblem: unreadable address, no answer, refused, or a server older than PostgreSQL 15.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise DatabaseProblem(
            "DATABASE_URL is not a PostgreSQL address; Kangqiao runs on PostgreSQL only.",
            next_step="Write it as postgresql://user:password@host:5432/database, or unset it for the embedded server.",
        )
    try:
        conninfo_to_dict(url)
    except psycopg.Error as error:
        raise DatabaseProblem(
            f"DATABASE_URL cannot be read: {str(error).strip()}.",
            next_step="Write it as postgresql://user:password@host:5432/database; percent-encode special characters.",
        ) from error
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            number = connection.info.server_version
            version = connection.info.parameter_status("server_version") or str(number)
    except psycopg.Error as error:
        said = str(error).strip()
        meaning = next((meaning for words, meaning in MEANINGS if words in said), said.splitlines()[-1] if said else "")
        raise DatabaseProblem(
            f"The database {without_password(url)} of DATABASE_URL cannot be used: {meaning}. {UNTOUCHED}",
            next_step="Correct DATABASE_URL, or unset it for the embedded server.",
        ) from error
    if number < OLDEST_SERVER * 10000:
        raise DatabaseProblem(
            f"The server of DATABASE_URL is PostgreSQL {version}; Kangqiao needs {OLDEST_SERVER} or newer. {UNTOUCHED}",
            next_step="Upgrade that server, or unset DATABASE_URL for the embedded one.",
        )
    return version.split(" ")[0]
