"""A signature drawn by hand on the screen: strokes in a box, kept as the path of an SVG drawing and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isqrt
from struct import pack
from typing import Any
from zlib import compress, crc32

from django import forms
from django.core.validators import RegexValidator
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

WIDTH, HEIGHT = 600, 200
LONGEST = 12_000
# Strokes that begin somewhere and go on from point to point, in whole units of the box; a dot is a stroke too.
DRAWN = r"^(M\d{1,3} \d{1,3}(L\d{1,3} \d{1,3})*)*$"


class SignPad(forms.Widget):
    """A field to sign in with finger, pen or mouse."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The pad with what was drawn before."""
        return render_to_string("widgets/sign_pad.html", {"name": name, "path": value or "", **(attrs or {})})


class SignatureField(forms.CharField):
    """What was drawn, as a path; nothing where somebody does not sign by hand. Anything else is refused."""

    def __init__(self, **kwargs: Any) -> None:
        words = _("签名没有传完整，请清除后重新签。")
        super().__init__(
            max_length=LONGEST,
            required=False,
            widget=SignPad,
            validators=[RegexValidator(DRAWN, words)],
            error_messages={"max_length": words},
            **kwargs,
        )


INK = b"\x1b\x27\x33"
SCALE, PEN = 2, 4  # dots of the picture to a unit of the box; half the width of the pen in dots
_POINT = re.compile(r"([ML])(\d+) (\d+)")


def picture(path: str) -> bytes | None:
    """What was drawn, as a PNG picture of ink on nothing for papers; None where nothing but strokes stands.

    The box is 1200 × 400 dots of one bit: at the five centimetres of a line to sign on that is what a printer can show.
    A row of dots is one whole number, so that a pen of some width is a few shifts of it.
    """
    if not path or re.fullmatch(DRAWN, path) is None:
        return None
    width, height = WIDTH * SCALE, HEIGHT * SCALE
    rows = [0] * height
    for x, y in _dots(path):
        if 0 <= x < width and 0 <= y < height:
            rows[y] |= 1 << (width - 1 - x)
    return _png(_thick(rows, width), width) if any(rows) else None


def _dots(path: str) -> Iterator[tuple[int, int]]:
    """Where the middle of the pen went, closer together than it is wide."""
    at = (0, 0)
    for letter, x, y in _POINT.findall(path):
        to = (int(x) * SCALE, int(y) * SCALE)
        steps = 1 if letter == "M" else max(1, max(abs(to[0] - at[0]), abs(to[1] - at[1])) // 2)
        start = to if letter == "M" else at
        for step in range(1, steps + 1):
            yield (
                start[0] + (to[0] - start[0]) * step // steps,
                start[1] + (to[1] - start[1]) * step // steps,
            )
        at = to


def _thick(rows: list[int], width: int) -> list[int]:
    """Every dot as a disc."""
    everything, thick = (1 << width) - 1, [0] * len(rows)
    for number, row in enumerate(rows):
        if row:
            for up in range(-PEN, PEN + 1):
                if 0 <= number + up < len(rows):
                    reach = isqrt(PEN * PEN - up * up)
                    for shift in range(-reach, reach + 1):
                        thick[number + up] |= (row << shift if shift > 0 else row >> -shift) & everything
    return thick


def _png(rows: list[int], width: int) -> bytes:
    """One bit a dot: nothing, or the ink of the pages."""

    def part(name: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + name + content + pack(">I", crc32(name + content))

    lines = b"".join(b"\0" + row.to_bytes(width // 8, "big") for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", pack(">IIBBBBB", width, len(rows), 1, 3, 0, 0, 0))
        + part(b"PLTE", b"\xff\xff\xff" + INK)
        + part(b"tRNS", b"\0")
        + part(b"IDAT", compress(lines, 9))
        + part(b"IEND", b"")
    )
