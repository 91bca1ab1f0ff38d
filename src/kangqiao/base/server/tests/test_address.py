"""A server of the user's own: which addresses and versions are refused, and in which words."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from kangqiao.base.server import address
from kangqiao.base.server.problems import DatabaseProblem


def message(kind: bytes, body: bytes) -> bytes:
    """One message of the PostgreSQL protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


@pytest.fixture
def old_server() -> Iterator[int]:
    """The port of a server that greets as PostgreSQL 14.9 does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(
                    message(b"R", struct.pack("!I", 0))
                    + message(b"S", b"server_version\x0014.9\x00")
                    + message(b"S", b"client_encoding\x00UTF8\x00")
                    + message(b"K", struct.pack("!II", 1, 1))
                    + message(b"Z", b"I")
                )
                connection.recv(4096)

        thread = threading.Thread(target=greet)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(5)


def test_server_older_than_15_is_refused(old_server: int) -> None:
    with pytest.raises(DatabaseProblem, match=r"PostgreSQL 14\.9; Kangqiao needs 15 or newer"):
        address.check(f"postgresql://u@127.0.0.1:{old_server}/db?sslmode=disable&gssencmode=disable")


def test_server_of_today_is_accepted() -> None:
    assert int(address.check(os.environ["DATABASE_URL"]).split(".")[0]) >= 15


@pytest.mark.parametrize("url", ["sqlite:///x", "kangqiao", "http://x/"])
def test_other_engines_are_refused(url: str) -> None:
    with pytest.raises(DatabaseProblem, match="not a PostgreSQL address"):
        address.check(url)


def test_password_is_never_shown() -> None:
    assert address.without_password("postgresql://u:secret@db:5433/k") == "u@db:5433/k"
    with pytest.raises(DatabaseProblem) as caught:
        address.check("postgresql://u:secret@127.0.0.1:1/k")
    assert "secret" not in str(caught.value)
