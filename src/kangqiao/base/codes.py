"""A short code that is shown on a screen, scanned, or typed by hand: it names a row and cannot be made up.

Letters and digits of base 32 alone, so that no scanner, keyboard layout or input method spoils it.
"""

from __future__ import annotations

import base64
import re
import unicodedata

from django.utils.crypto import constant_time_compare, salted_hmac

_BYTES, _MARK_BYTES, _GROUP = 6, 9, 4
_LETTERS = (_BYTES + _MARK_BYTES) * 8 // 5
_WHOLE = re.compile(rf"(?=([A-Z2-7]{{{_LETTERS}}}))")


def code_of(purpose: str, number: int) -> str:
    """The code of a row for one purpose, in groups of four; another purpose makes another code of the same row."""
    body = number.to_bytes(_BYTES, "big")
    letters = base64.b32encode(body + _mark(purpose, body)).decode()
    return " ".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def number_of(purpose: str, code: str) -> int | None:
    """The row a code names, however it was typed; None for anything this site did not make for this purpose.

    A scanner types before or behind what stands in the field already, so the code may stand anywhere.
    """
    letters = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", code)).upper()
    for found in _WHOLE.finditer(letters):
        whole = base64.b32decode(found[1])
        body, mark = whole[:_BYTES], whole[_BYTES:]
        if constant_time_compare(mark, _mark(purpose, body)):
            return int.from_bytes(body, "big")
    return None


def _mark(purpose: str, body: bytes) -> bytes:
    return salted_hmac(f"kangqiao.codes.{purpose}", body, algorithm="sha256").digest()[:_MARK_BYTES]
