"""Files a stranger could send, made on the spot: none lies in the repository."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import openpyxl

from kangqiao.domain.institutions.rules import COLUMNS

SHEET = "xl/worksheets/sheet1.xml"
OPEN = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
SHUT = b"</sheetData></worksheet>"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def right(rows: int = 1) -> bytes:
    """A workbook as people send it."""
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    for number in range(rows):
        book.active.append(
            [f"w{number}", f"第{number}医院", "", "医院", "4404", "三级", "市属", "", 120_000, "", "", ""]
        )
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def with_parts(
    changed: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED, links: Mapping[str, str] | None = None
) -> bytes:
    """The right workbook with parts changed or added; `links` are symbolic links in the archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(right())) as old, zipfile.ZipFile(content, "w", compression) as new:
        for name in {*old.namelist(), *changed}:
            new.writestr(name, changed[name] if name in changed else old.read(name))
        for name, target in (links or {}).items():
            link = zipfile.ZipInfo(name)
            link.external_attr = 0o120777 << 16
            new.writestr(link, target)
    return content.getvalue()


def noise(size: int) -> bytes:
    """Letters that do not pack well: a bomb below every ratio."""
    state, pieces = 1, []
    while size > 0:
        state = zlib.crc32(struct.pack("<I", state))
        pieces.append(f"<row r='{state}'><c t='inlineStr'><is><t>{state:x}</t></is></c></row>")
        size -= len(pieces[-1])
    return "".join(pieces).encode()


def nested(depth: int) -> bytes:
    """An archive in an archive in an archive."""
    inner = b"\0" * 1_000_000
    for level in range(depth):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"{level}.zip", inner)
        inner = content.getvalue()
    return inner


def picture(side: int) -> bytes:
    """A PNG that says it has so many pixels on each side."""
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    return (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0" * 10_000)) + part(b"IEND", b"")
    )


def lying() -> bytes:
    """A part that says it unpacks to little and does not."""
    content = bytearray(with_parts({SHEET: OPEN + b"<row/>" * 3_000_000 + SHUT}))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        start = content.find(mark)
        while start >= 0:
            place = start + (22 if mark == b"PK\x03\x04" else 24)
            name_at = start + (30 if mark == b"PK\x03\x04" else 46)
            if content[name_at : name_at + len(SHEET)] == SHEET.encode():
                content[place : place + 4] = struct.pack("<I", 1000)
            start = content.find(mark, start + 4)
    return bytes(content)


def laughs(levels: int = 10) -> bytes:
    """XML whose entities unfold into a thousand million words."""
    lines = ["<!ENTITY l0 'lol'>"]
    lines += [f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, levels)]
    return f"<?xml version='1.0'?><!DOCTYPE z [{''.join(lines)}]><worksheet>&l{levels - 1};</worksheet>".encode()


def relations(target: str) -> bytes:
    """A link out of the workbook."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath"
    return (
        f'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId9" Type="{kind}" Target="{target}" TargetMode="External"/></Relationships>'
    ).encode()


DICOM = b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00\xbe\x00\x00\x00"
SHEET_FILES: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    # Names and structures (T-FILE-1)
    "dicom": ("T-FILE-1", lambda: DICOM),
    "dicom with a path for a name": ("T-FILE-1", lambda: DICOM + b"\x08\x00\x18\x00UI\x08\x00../../x\0"),
    "1 M empty rows": ("T-FILE-1", lambda: with_parts({SHEET: OPEN + b"<row/>" * 1_000_000 + SHUT})),
    "30,000 rows": ("T-FILE-1", lambda: ",".join(COLUMNS).encode() + b"\na,b\n" * 30_000),
    "a cell of 2 MB": ("T-FILE-1", lambda: (",".join(COLUMNS) + "\n" + "长" * 700_000).encode()),
    "5,000 columns": ("T-FILE-1", lambda: (",".join(COLUMNS) + "\n" + "a," * 5_000).encode()),
    "NUL in a CSV": ("T-FILE-1", lambda: (",".join(COLUMNS) + "\na\0,b").encode()),
    "old excel": ("T-FILE-1", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096),
    "broken archive": ("T-FILE-1", lambda: right()[:-60]),
    # Bombs (T-FILE-2)
    "60 MB of XML": ("T-FILE-2", lambda: with_parts({SHEET: OPEN + b"<row><c><v>1</v></c></row>" * 2_400_000 + SHUT})),
    "63 MB below the ratio": ("T-FILE-2", lambda: with_parts({SHEET: OPEN + noise(6_000_000) + SHUT})),
    "shared strings of 60 MB": (
        "T-FILE-2",
        lambda: with_parts({"xl/sharedStrings.xml": b"<sst>" + b"<si><t>ab</t></si>" * 3_300_000 + b"</sst>"}),
    ),
    "a size that lies": ("T-FILE-2", lying),
    "png of 50,000 × 50,000": ("T-FILE-2", lambda: picture(50_000)),
    "archives in archives": ("T-FILE-2", lambda: nested(12)),
    "10,000 parts": ("T-FILE-2", lambda: with_parts({f"xl/p{n}.xml": b"<a/>" for n in range(10_000)})),
    # Programs (T-FILE-3)
    "windows program": ("T-FILE-3", lambda: b"MZ\x90\0" + b"\0" * 4096),
    "program that is a dicom too": ("T-FILE-3", lambda: b"MZ" + b"\0" * 126 + b"DICM"),
    "linux program": ("T-FILE-3", lambda: b"\x7fELF" + b"\0" * 4096),
    "test virus": ("T-FILE-3", lambda: EICAR),
    "test virus in a workbook": ("T-FILE-3", lambda: with_parts({"xl/embeddings/a.bin": EICAR})),
    "macros": ("T-FILE-3", lambda: with_parts({"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"})),
    "old macros": ("T-FILE-3", lambda: with_parts({"xl/macrosheets/sheet1.xml": b"<a/>"})),
    # XML and archives (T-FILE-4)
    "entities without end": ("T-FILE-4", lambda: with_parts({SHEET: laughs()})),
    "a file of the server": (
        "T-FILE-4",
        lambda: with_parts({SHEET: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet>&x;</worksheet>'}),
    ),
    "entities in UTF-16": ("T-FILE-4", lambda: with_parts({SHEET: laughs().decode().encode("utf-16")})),
    "bare XML": ("T-FILE-4", laughs),
    "external link": ("T-FILE-4", lambda: with_parts({"xl/externalLinks/externalLink1.xml": b"<a/>"})),
    "external relation": (
        "T-FILE-4", lambda: with_parts({"xl/_rels/workbook.xml.rels": relations("//evil.example/a.xlsx")}),
    ),
    "zip slip": ("T-FILE-4", lambda: with_parts({"../../../../tmp/slip.xml": b"<a/>"})),
    "zip slip with a backslash": ("T-FILE-4", lambda: with_parts({"..\\..\\slip.xml": b"<a/>"})),
    "absolute name": ("T-FILE-4", lambda: with_parts({"/etc/cron.d/slip": b"<a/>"})),
    "symbolic link": ("T-FILE-4", lambda: with_parts({}, links={"xl/passwd": "/etc/passwd"})),
    "plain zip": ("T-FILE-4", lambda: nested(1)),
    "gzip": ("T-FILE-4", lambda: b"\x1f\x8b" + zlib.compress(b"a" * 1000)),
}  # fmt: skip
