"""Carriers: a message once for each key, whoever is killed when; what is told to a gateway, and how it answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kangqiao.base import carriers
from kangqiao.base.carriers import DELIVERED, REFUSED, SENT, Console, File, Gateway, Letter, NotCarried, Receipt

AT = datetime(2026, 5, 14, 2, 0, tzinfo=UTC)


def letter(key: str = "k1", text: str = "您有一条新消息") -> Letter:
    return Letter(key, "13800000000", text, "message", {"house": "香湾中心"}, AT)


@pytest.fixture
def spool(tmp_path: Path, settings: Any) -> Path:
    settings.SMS = {"carrier": "file", "gateway": "", "secret": "", "file": str(tmp_path / "out" / "messages.jsonl")}
    return Path(settings.SMS["file"])


def spool_file() -> File:
    return File(carriers.settings_of("sms"))


def keys(spool: Path) -> list[str]:
    return [json.loads(line)["key"] for line in spool.read_text(encoding="utf-8").splitlines()]


def test_the_file_takes_each_key_once_also_from_another_process(spool: Path) -> None:
    first, second = spool_file(), spool_file()

    for carrier, key in ((first, "a"), (second, "b"), (first, "b"), (second, "a"), (spool_file(), "a")):
        assert carrier.carry(letter(key)) == Receipt(key)

    assert keys(spool) == ["a", "b"]
    assert json.loads(spool.read_text(encoding="utf-8").splitlines()[0]) == {
        "key": "a", "to": "13800000000", "text": "您有一条新消息", "template": "message",
        "values": {"house": "香湾中心"}, "at": "2026-05-14T02:00:00+00:00",
    }  # fmt: skip
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600


def test_half_a_line_of_somebody_killed_is_taken_off_and_the_message_written_whole(spool: Path) -> None:
    carrier = spool_file()
    carrier.carry(letter("a"))
    with spool.open("a", encoding="utf-8") as file:
        file.write('{"key": "b", "to": "138')

    carrier.carry(letter("b"))
    spool_file().carry(letter("b"))

    assert keys(spool) == ["a", "b"]


def test_a_file_that_was_moved_away_begins_anew(spool: Path) -> None:
    carrier = spool_file()
    carrier.carry(letter("a"))
    spool.rename(spool.with_suffix(".taken"))

    carrier.carry(letter("b"))

    assert keys(spool) == ["b"]


def test_killed_after_writing_and_before_knowing_it_is_written_once(spool: Path) -> None:
    doomed = textwrap.dedent("""
        import os, signal, sys
        from datetime import UTC, datetime
        from django.conf import settings
        settings.configure(USE_I18N=False)
        from kangqiao.base.carriers import File, Letter
        letter = Letter("a", "13800000000", "x", "message", {}, datetime(2026, 5, 14, tzinfo=UTC))
        File({"file": sys.argv[1]}).carry(letter)
        os.kill(os.getpid(), signal.SIGKILL)
    """)

    killed = subprocess.run([sys.executable, "-c", doomed, str(spool)], timeout=60, check=False)
    spool_file().carry(letter("a"))

    assert killed.returncode == -9
    assert keys(spool) == ["a"]


def test_a_file_that_cannot_be_written_is_tried_later(spool: Path) -> None:
    spool.parent.parent.joinpath("out").write_text("in the way")

    with pytest.raises(NotCarried):
        spool_file().carry(letter())


def test_the_console_shows_the_words_and_not_the_number(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Console({}).carry(letter())

    assert "您有一条新消息" in caplog.text
    assert "13800000000" not in caplog.text


def test_a_site_names_a_carrier_of_its_own(settings: Any) -> None:
    settings.SMS = {"carrier": "kangqiao.base.carriers.Console", "gateway": "", "secret": "", "file": ""}

    assert isinstance(carriers.carrier("sms"), Console)


class Desk(BaseHTTPRequestHandler):
    """A small gateway that answers what the test says and keeps what it was asked."""

    asked: list[dict[str, Any]]
    answer: tuple[int, bytes]

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        status, content = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _take

    def log_message(self, *_args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def gateway(settings: Any) -> Iterator[type[Desk]]:
    desk = type("Desk", (Desk,), {"asked": [], "answer": (200, b'{"receipt": "r1", "state": "sent"}')})
    server = ThreadingHTTPServer(("127.0.0.1", 0), desk)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    here = f"http://127.0.0.1:{server.server_port}"
    settings.SMS = {"carrier": "http", "gateway": f"{here}/messages/", "secret": "between us", "file": ""}
    settings.OUTBOUND = [here]
    yield desk
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_gateway_gets_the_message_signed_and_under_its_key(gateway: type[Desk]) -> None:
    assert Gateway(carriers.settings_of("sms")).carry(letter()) == Receipt("r1", SENT, "")

    (asked,) = gateway.asked
    told = "\n".join(("POST", "/messages", "1778724000", hashlib.sha256(asked["body"]).hexdigest()))
    assert asked["path"] == "/messages"
    assert asked["headers"]["X-Kangqiao-Signature"] == hmac.new(b"between us", told.encode(), "sha256").hexdigest()
    assert asked["headers"]["Idempotency-Key"] == "k1"
    assert json.loads(asked["body"])["to"] == "13800000000"


def test_a_report_is_asked_for_by_the_receipt(gateway: type[Desk]) -> None:
    gateway.answer = (200, b'{"receipt": "r/1", "state": "delivered"}')

    assert Gateway(carriers.settings_of("sms")).ask("r/1", at=AT) == Receipt("r/1", DELIVERED, "")
    assert (gateway.asked[0]["method"], gateway.asked[0]["path"]) == ("GET", "/messages/r%2F1")


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        ((409, b'{"receipt": "r1", "state": "sent"}'), Receipt("r1", SENT, "")),
        (
            (400, b'{"receipt": "", "state": "refused", "why": "no such number"}'),
            Receipt("k1", REFUSED, "no such number"),
        ),
        ((422, b"go away"), Receipt("k1", REFUSED, "HTTP 422")),
        ((200, b'{"receipt": "a\\u0000b", "state": "sent", "why": "\\u0000"}'), Receipt("ab", SENT, "")),
        ((200, b'{"receipt": "r1", "state": "delivered"}'), Receipt("r1", DELIVERED, "")),
    ],
)
def test_answers_of_a_gateway(gateway: type[Desk], answer: tuple[int, bytes], receipt: Receipt) -> None:
    gateway.answer = answer

    assert Gateway(carriers.settings_of("sms")).carry(letter()) == receipt


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (401, b""),
        (403, b""),
        (404, b""),
        (308, b""),
        (429, b""),
        (200, b"ok"),
        (200, b'{"state": "?"}'),
        (302, b""),
        (200, b"[]"),
    ],
)
def test_what_is_no_answer_is_tried_later(gateway: type[Desk], answer: tuple[int, bytes]) -> None:
    gateway.answer = answer

    with pytest.raises(NotCarried):
        Gateway(carriers.settings_of("sms")).carry(letter())


def test_a_gateway_that_was_not_allowed_is_not_called(gateway: type[Desk], settings: Any) -> None:
    settings.OUTBOUND = []

    with pytest.raises(NotCarried):
        Gateway(carriers.settings_of("sms")).carry(letter())

    assert gateway.asked == []
