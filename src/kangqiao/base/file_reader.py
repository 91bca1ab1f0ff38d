"""Looks through one file that travels with a letter, in a process of its own, which may harm nothing but itself.

Started by `base.uploads` as a script in Python's isolated mode; it imports nothing of the product. It believes neither
name nor kind: only the bytes say whether it is a PDF, a JPEG or a PNG. Writes JSON: `kind`, or `refused` with a word.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import zlib

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 20
PDF, JPEG, PNG = "pdf", "jpg", "png"
# Other kinds, by how they begin; a workbook or text with macros is an old Excel file or an archive.
OTHERS = (
    (b"MZ", "program"), (b"\x7fELF", "program"), (b"#!", "program"), (b"\xd0\xcf\x11\xe0", "office"),
    (b"PK", "office"), (b"Rar!", "archive"), (b"7z\xbc\xaf", "archive"), (b"\x1f\x8b", "archive"),
    (b"<", "markup"), (b"{\\rtf", "office"), (b"GIF8", "kind"), (b"BM", "kind"),
)  # fmt: skip
# What a PDF may do or carry besides being read. A script is always announced by the long name; shorter ones would be
# found by chance in the bytes of a scanned picture.
ACTIVE = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoToR|GoToE|Movie|Sound)(?![A-Za-z])"
)
LOCKED = re.compile(rb"/Encrypt(?![A-Za-z])")
HIDDEN_LETTER = re.compile(rb"#([0-9A-Fa-f]{2})")
STREAM = re.compile(rb"stream\r?\n")
# Compressed parts of a PDF are looked into as far as this; a bomb unpacks a thousand times.
UNPACKED_BYTES = 128 * 1024 * 1024
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
# What a picture may measure; larger ones are made to take a viewer's memory.
LONGEST_SIDE = 20_000


class Refused(Exception):
    """The file is not taken; the word says why."""


def limit() -> None:
    """This process gets no more, whatever it reads."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def kind_of(content: bytes) -> str:
    """What the bytes are. Raises Refused."""
    if content.startswith(b"%PDF-"):
        pdf(content)
        return PDF
    if content.startswith(PNG_HEAD):
        png(content)
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        jpeg(content)
        return JPEG
    start = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    raise Refused(next((word for begins, word in OTHERS if start.startswith(begins)), "kind"))


def pdf(content: bytes) -> None:
    """Raises Refused for a PDF that runs something, carries another file, is locked or broken off."""
    if b"%%EOF" not in content[-2048:]:
        raise Refused("broken")
    calm(content)
    left, whole = UNPACKED_BYTES, memoryview(content)
    for found in STREAM.finditer(content):
        end = content.find(b"endstream", found.end())
        machine = zlib.decompressobj()
        try:
            plain = machine.decompress(whole[found.end() : end if end > 0 else len(content)], left)
        except zlib.error:
            continue  # a picture, or not compressed: seen as it stands already
        left -= len(plain)
        if left <= 0 or machine.unconsumed_tail:
            raise Refused("bomb")
        calm(plain)


def calm(text: bytes) -> None:
    """Raises Refused where something is active or locked, also when its name is written with numbers of letters."""
    spelled = HIDDEN_LETTER.sub(lambda one: bytes([int(one[1], 16)]), text) if b"#" in text else text
    if LOCKED.search(spelled):
        raise Refused("locked")
    if ACTIVE.search(spelled):
        raise Refused("active")


def png(content: bytes) -> None:
    """Raises Refused for a picture that is broken off, too large to show, or goes on as something else."""
    place, width, height = len(PNG_HEAD), 0, 0
    while place + 12 <= len(content):
        size, name = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if name == b"IHDR":
            width = int.from_bytes(content[place + 8 : place + 12], "big")
            height = int.from_bytes(content[place + 12 : place + 16], "big")
        place += 12 + size
        if name == b"IEND":
            break
    if place != len(content) or content[-8:-4] != b"IEND":
        raise Refused("broken")
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise Refused("large")


def jpeg(content: bytes) -> None:
    """Raises Refused for a picture that is broken off, or goes on as an archive, a document or a page.

    Telephones write things of their own behind the end of a photograph; they are let through.
    """
    end = content.rfind(b"\xff\xd9")
    if end < 0:
        raise Refused("broken")
    tail = content[end + 2 :].lower()
    if any(mark in tail for mark in (b"pk\x03\x04", b"%pdf-", b"<script", b"<html", b"<?php")):
        raise Refused("broken")


def main() -> int:
    """Limits, then the file named on the command line."""
    limit()
    try:
        with open(sys.argv[1], "rb") as file:
            answer = {"kind": kind_of(file.read())}
    except Refused as refused:
        answer = {"refused": str(refused)}
    except MemoryError:
        answer = {"refused": "large"}
    except Exception:  # whatever the bytes trip over, the file is to blame, and this process is its fence
        answer = {"refused": "broken"}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
