"""Reads one uploaded table in a process of its own, which may use little memory, little time and nothing else.

Started by `base.uploads` as a script in Python's isolated mode; it imports nothing of the product. What a stranger's
file does to a parser it does to this process alone. Writes JSON to standard output: `rows` with the sheet as text, or
`refused` with a word that the caller turns into a sentence.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import posixpath
import re
import resource
import stat
import sys
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 20
OUTPUT_BYTES = 64 * 1024 * 1024
# What a table may hold. Excel packs sheets 5 to 30 times; a bomb packs a thousand times.
MOST_ROWS = 20_000
MOST_COLUMNS = 60
LONGEST_CELL = 32_767
MOST_LETTERS = 8_000_000
MOST_PARTS = 500
# The part without which an archive is no workbook, no text document.
SHEETS, TEXT = "xl/workbook.xml", "word/document.xml"
UNPACKED_BYTES = 64 * 1024 * 1024
HIGHEST_RATIO = 100
# Parts of a workbook that run, reach out or hide another file.
FORBIDDEN_PARTS = (
    "vbaproject", "externallink", "embeddings/", "activex", "connections.xml", "querytables/", "oleobject",
    "macrosheets", "webextension", "customui",
)  # fmt: skip
SIGNATURES = (
    (b"\xd0\xcf\x11\xe0", "old_excel"), (b"\x89PNG", "image"), (b"\xff\xd8\xff", "image"), (b"GIF8", "image"),
    (b"%PDF", "pdf"), (b"MZ", "program"), (b"\x7fELF", "program"), (b"\x1f\x8b", "archive"), (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"), (b"BM", "image"),
)  # fmt: skip
# Cells of which a table of rows would lose something: joined with others, a formula nobody has worked out, one that
# failed. Which cell it is stands in the first group.
JOINED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref=["']([A-Z]+\d+:[A-Z]+(?!1["'])\d+)["']""")
_CELL = rb"""<(?:\w+:)?c\s(?![^>]*?t=["']str)[^>]*?r=["']([A-Z]+\d+)["'][^>]*>\s*"""
_FORMULA = rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
UNCOUNTED = re.compile(_CELL + _FORMULA + rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v\s*></(?:\w+:)?v>)?\s*</(?:\w+:)?c>")
FAILED = re.compile(rb"""<(?:\w+:)?c\s(?=[^>]*?t=["']e["'])[^>]*?r=["']([A-Z]+\d+)["']""")
LOSSES = ((JOINED, "joined"), (UNCOUNTED, "uncounted"), (FAILED, "failed"))
MOST_NAMED = 3


class Refused(Exception):
    """The file is not read; the word says why, `where` in which cells."""

    def __init__(self, word: str, where: tuple[str, ...] = ()) -> None:
        super().__init__(word)
        self.where = where


def limit() -> None:
    """This process gets no more, whatever it reads."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def read(path: str) -> list[list[str]]:
    """The rows of the file's first sheet as text. Raises Refused."""
    with open(path, "rb") as file:
        head = file.read(512)
    if head[128:132] == b"DICM":
        raise Refused("image")
    for signature, word in SIGNATURES:
        if head.startswith(signature):
            raise Refused(word)
    rows = workbook(path) if head.startswith(b"PK") else text(path, head)
    return bounded(rows)


def look(path: str) -> list[list[str]]:
    """Looks a Word document through and reads nothing of it. Raises Refused."""
    with open(path, "rb") as file:
        if not file.read(4).startswith(b"PK"):
            raise Refused("kind")
    with zipfile.ZipFile(path) as archive:
        inspect(archive, TEXT)
    return []


def bounded(rows: Iterable[list[str]]) -> list[list[str]]:
    """The rows, empty ones at the end cut off. Raises Refused for too many rows, columns or letters."""
    found: list[list[str]] = []
    letters = 0
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS + 1:
            raise Refused("rows")
        while row and not row[-1]:
            row.pop()
        letters += sum(map(len, row))
        if len(row) > MOST_COLUMNS or letters > MOST_LETTERS or any(len(cell) > LONGEST_CELL for cell in row):
            raise Refused("large")
        found.append(row)
    while found and not found[-1]:
        found.pop()
    return found


def text(path: str, head: bytes) -> Iterator[list[str]]:
    """A CSV in UTF-8 or GB 18030, separated by comma, semicolon or tab."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise Refused("markup")
    with open(path, "rb") as file:
        content = file.read(UNPACKED_BYTES + 1)
    if len(content) > UNPACKED_BYTES:
        raise Refused("large")
    if b"\0" in content:
        raise Refused("kind")
    try:
        plain = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            plain = content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise Refused("letters") from error
    if any(ord(letter) < 32 and letter not in "\t\r\n" for letter in plain):
        raise Refused("kind")
    first = plain.partition("\n")[0]
    csv.field_size_limit(LONGEST_CELL)
    try:
        yield from csv.reader(io.StringIO(plain), strict=True, delimiter=max(",;\t", key=first.count))
    except csv.Error as error:
        raise Refused("quotes") from error


def workbook(path: str) -> Iterator[list[str]]:
    """The first sheet of an Excel workbook, after every part of the archive has been looked at."""
    archive = zipfile.ZipFile(path)
    inspect(archive)
    sys.modules["numpy"] = None  # type: ignore[assignment] # openpyxl would load it for nothing, and it takes the memory
    import openpyxl

    with open(path, "rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        nothing_lost(archive.read(sheet._worksheet_path))
        sheet.reset_dimensions()  # what a file says about its own size is not believed
        for row in sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS + 1, values_only=True):
            yield [spelled(cell) for cell in row]


def nothing_lost(xml: bytes) -> None:
    """Raises Refused for a sheet of which rows of text would lose something; what is odd in row 1 the heads tell."""
    for pattern, word in LOSSES:
        found = [match[1].decode() for match in pattern.finditer(xml)]
        if found:
            raise Refused(word, tuple(found[:MOST_NAMED]))


def inspect(archive: zipfile.ZipFile, main: str = SHEETS) -> None:
    """Raises Refused for an archive that is no plain workbook or document: by its names, sizes and XML."""
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MOST_PARTS or len(names) != len(parts):
        raise Refused("large")
    for part in parts:
        name = part.filename
        kind = part.external_attr >> 16
        if name.startswith("/") or "\\" in name or posixpath.normpath(name).startswith("..") or stat.S_ISLNK(kind):
            raise Refused("paths")
        if part.flag_bits & 1:
            raise Refused("locked")
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if unpacked > UNPACKED_BYTES or unpacked > HIGHEST_RATIO * max(packed, 1):
        raise Refused("bomb")
    if not {"[Content_Types].xml", main} <= names:
        raise Refused("archive")
    if any(word in name.lower() for name in names for word in FORBIDDEN_PARTS):
        raise Refused("active")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            no_tricks(archive, part)


def no_tricks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Raises Refused for XML with a document type (entities grow without end), in an odd encoding, or with macros."""
    last = b""
    with archive.open(part) as file:
        while piece := file.read(1 << 20):
            seen = last + piece
            if b"\0" in piece or b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                raise Refused("entities")
            if part.filename == "[Content_Types].xml" and b"macroEnabled" in seen:
                raise Refused("active")
            if part.filename.endswith(".rels") and b'TargetMode="External"' in seen and b"/hyperlink" not in seen:
                raise Refused("active")
            last = piece[-32:]


def spelled(cell: Any) -> str:
    """A cell as somebody would type it."""
    match cell:
        case None:
            return ""
        case bool():
            return "1" if cell else "0"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime.datetime():
            return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ", "minutes")
        case _:
            return str(cell).strip()


def main() -> int:
    """Limits, then the file named on the command line."""
    limit()
    try:
        wants_text = sys.argv[2:] == ["word"]
        answer: dict[str, Any] = {"rows": look(sys.argv[1]) if wants_text else read(sys.argv[1])}
    except Refused as refused:
        answer = {"refused": str(refused), "where": refused.where}
    except MemoryError:
        answer = {"refused": "large"}
    except Exception:  # whatever a parser trips over, the file is to blame, and this process is its fence
        answer = {"refused": "broken"}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
