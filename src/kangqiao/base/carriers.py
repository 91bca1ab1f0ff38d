"""Who carries a message out of the house: one small protocol, and the carriers a site can name for each channel.

A message may be handed over twice, because whoever handed it over was killed before that was written down; its key is
the same then, and a carrier that counts carries it once. What a message says is decided above (ADR 28).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from kangqiao.base import outbound
from kangqiao.kernel.errors import RuleBroken

log = logging.getLogger(__name__)
SENT, DELIVERED, REFUSED = "sent", "delivered", "refused"
# Answers that say "not now": wait, too early, too many; and those to a site whose settings are wrong.
_LATER = {401, 403, 404, 408, 425, 429}
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: its key, the number or id it goes to, the words, the template and values they were made of."""

    key: str
    to: str
    text: str
    template: str
    values: dict[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message: the carrier's own number for it, `sent`, `delivered` or `refused`, and why."""

    number: str
    state: str = SENT
    why: str = ""


class NotCarried(Exception):
    """Nobody answered as they should: try again later."""


class Carrier(Protocol):
    """Takes messages. `leaves` the house or stays in it; `reports` later what became of what it took."""

    leaves: bool
    reports: bool

    def __init__(self, told: Mapping[str, str]) -> None:
        """`told` is what the site set for the channel, by name."""

    def carry(self, letter: Letter) -> Receipt:
        """Takes a message, once for each key. Raises NotCarried."""

    def ask(self, number: str, *, at: datetime) -> Receipt:
        """What became of a message it took. Raises NotCarried."""


def settings_of(channel: str) -> Mapping[str, str]:
    """What this site set for a channel, such as `SMS` for `sms`."""
    found: Mapping[str, str] = getattr(settings, channel.upper())
    return found


def name(channel: str) -> str:
    """The carrier of a channel that this site has set; empty where its notices stay in the product."""
    return settings_of(channel)["carrier"]


def carrier(channel: str) -> Carrier:
    """The carrier of a channel that this site has set. Raises ImportError where the setting names none."""
    made: Carrier = import_string(SHORT[channel].get(name(channel), name(channel)))(settings_of(channel))
    return made


class _Told:
    """A carrier that looks into what the site set when it is asked."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self.told = told


class Console(_Told):
    """Writes messages into the log of the worker, the number cut short: to look at, not to count on."""

    leaves = reports = False

    def carry(self, letter: Letter) -> Receipt:
        """One line of the log."""
        log.warning("message %s to …%s: %s", letter.key, letter.to[-4:], letter.text)
        return Receipt(letter.key)

    def ask(self, number: str, *, at: datetime) -> Receipt:
        """Nothing more is known of it."""
        return Receipt(number)


class File:
    """One line of JSON for each message at the end of a file only its owner reads; another program takes it from there.

    A line is written whole or not at all, and each key once, whoever is killed when.
    """

    leaves = reports = False

    def __init__(self, told: Mapping[str, str]) -> None:
        self._path = Path(told["file"])
        self._inode, self._read_to, self._keys = 0, 0, set[str]()

    def carry(self, letter: Letter) -> Receipt:
        """A line more, unless one with this key is there. Raises NotCarried when the file cannot be written."""
        line = json.dumps(asdict(letter) | {"at": letter.at.isoformat()}, ensure_ascii=False) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(
                os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b", buffering=0
            ) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._catch_up(file)
                if letter.key not in self._keys:
                    file.write(line.encode())
                    os.fsync(file.fileno())
        except OSError as error:
            raise NotCarried(f"{type(error).__name__}: {error.strerror}") from error
        return Receipt(letter.key)

    def ask(self, number: str, *, at: datetime) -> Receipt:
        """The file knows no more than that the line is in it."""
        return Receipt(number)

    def _catch_up(self, file: IO[bytes]) -> None:
        """Reads the keys written since; half a line at the end, of somebody killed while writing, is taken off."""
        here = os.fstat(file.fileno())
        if here.st_ino != self._inode or here.st_size < self._read_to:
            self._inode, self._read_to, self._keys = here.st_ino, 0, set()
        file.seek(self._read_to)
        added = file.read(here.st_size - self._read_to) or b""
        whole = added.rfind(b"\n") + 1
        self._keys |= {_key_of(line) for line in added[:whole].splitlines()}
        self._read_to += whole
        if whole < len(added):
            file.truncate(self._read_to)


class Gateway(_Told):
    """Posts each message to the site's gateway by the one way out (`base/outbound`), signed with the secret of both.

    What it asks of the gateway stands in docs/howto/notices.md.
    """

    leaves = reports = True

    def carry(self, letter: Letter) -> Receipt:
        """Hands the message over. Raises NotCarried."""
        body = {"key": letter.key, "to": letter.to, "text": letter.text, "template": letter.template}
        return self._call("POST", "", letter.at, body | {"values": letter.values}, key=letter.key)

    def ask(self, number: str, *, at: datetime) -> Receipt:
        """Asks for the report on one it took. Raises NotCarried."""
        return self._call("GET", "/" + quote(number, safe=""), at, None)

    def _call(self, method: str, more: str, at: datetime, content: dict[str, Any] | None, key: str = "") -> Receipt:
        url = self.told["gateway"].rstrip("/") + more
        body = json.dumps(content, ensure_ascii=False).encode() if content is not None else b""
        path = urlsplit(url).path or "/"
        headers = signed(self.told["secret"], method, path, at, body) | ({"Idempotency-Key": key} if key else {})
        try:
            answer = outbound.call(method, url, body=body or None, headers=headers)
        except (*outbound.UNANSWERED, RuleBroken) as error:
            raise NotCarried(str(error)[:_LONGEST] or type(error).__name__) from error
        if answer.status in _LATER or answer.status >= 500 or 300 <= answer.status < 400:
            raise NotCarried(f"HTTP {answer.status}")
        return _receipt(answer, key)


def signed(secret: str, method: str, path: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that say who sends, when, and that nothing was changed: HMAC-SHA-256 over all of it."""
    stamp = str(int(at.timestamp()))
    told = "\n".join((method, path, stamp, hashlib.sha256(body).hexdigest()))
    mark = hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Kangqiao-Time": stamp, "X-Kangqiao-Signature": mark}


def _receipt(answer: outbound.Answer, key: str) -> Receipt:
    """Reads an answer: 409 says that the key is known, with the receipt it got the first time."""
    try:
        told = json.loads(answer.body)
        number, state, why = (clean(told.get(word)) for word in ("receipt", "state", "why"))
    except (ValueError, AttributeError):
        number, state, why = "", "", ""
    if answer.status < 300 or answer.status == 409:
        if state not in (SENT, DELIVERED, REFUSED):
            raise NotCarried(f"HTTP {answer.status}, no receipt")
        return Receipt(number or key, state, why)
    return Receipt(number or key, REFUSED, why or f"HTTP {answer.status}")


def clean(told: object) -> str:
    """What the other side said, short and without what no text can hold."""
    return str(told or "").replace("\x00", "")[:_LONGEST]


def _key_of(line: bytes) -> str:
    """The key of a line of the file; empty for a line somebody else wrote."""
    try:
        return str(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):
        return ""


SHORT = {
    "sms": {"console": f"{__name__}.Console", "file": f"{__name__}.File", "http": f"{__name__}.Gateway"},
    "wechat": {"console": f"{__name__}.Console", "file": f"{__name__}.File", "wechat": "kangqiao.base.wechat.Template"},
}
