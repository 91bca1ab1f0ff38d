"""Files that travel with a letter: taken or refused by their bytes, named plainly."""

from __future__ import annotations

import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kangqiao.base.uploads import looked_into, plain_name
from kangqiao.kernel.errors import RuleBroken

MOST = 1024 * 1024


def chunk(name: bytes, data: bytes) -> bytes:
    """One piece of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int = 1) -> bytes:
    """The smallest picture."""
    head = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def pdf(inside: bytes = b"", packed: bytes = b"") -> bytes:
    """A page with nothing on it; `inside` stands in an object, `packed` in a compressed one."""
    stream = zlib.compress(packed or b"0 0 m")
    end = b"\nendstream\nendobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
    return (
        b"%PDF-1.7\n1 0 obj\n<</Type /Catalog " + inside + b">>\nendobj\n2 0 obj\n<</Type /ObjStm /Length "
        + str(len(stream)).encode() + b">>\nstream\n" + stream + end
    )  # fmt: skip


JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 20 + b"\xff\xd9"


def sent(content: bytes, name: str = "report.pdf") -> SimpleUploadedFile:
    """As the browser sends it."""
    return SimpleUploadedFile(name, content, content_type="application/pdf")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pdf(), "pdf"),
        (png(), "png"),
        (JPEG, "jpg"),
        (JPEG + b"SEFT", "jpg"),
        (pdf(b"/Lang (zh)"), "pdf"),
    ],
)
def test_the_kind_is_what_the_bytes_are(content: bytes, kind: str) -> None:
    found = looked_into(sent(content, "检查.exe.pdf"), MOST)

    assert (found.kind, found.name, found.content) == (kind, f"检查.{kind}", content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "空的"),
        (b"%PDF-1.7" + b"0" * MOST, "太大"),
        (b"MZ\x90\0 program", "这是程序"),
        (b"\x7fELF", "这是程序"),
        (b"#!/bin/sh\nrm", "这是程序"),
        (b"PK\x03\x04word/vbaProject.bin", "可能有宏"),
        (b"\xd0\xcf\x11\xe0 macros", "可能有宏"),
        (b"Rar!\x1a", "压缩包"),
        (b"<html><script>", "网页"),
        (b"<svg onload=x>", "网页"),
        (b"GIF89a", "不是 PDF"),
        (b"plain words", "不是 PDF"),
        (pdf(b"/OpenAction <</S /JavaScript /JS (app.alert(1))>>"), "脚本"),
        (pdf(b"/OpenAction <</S /J#61vaScript /JS (x)>>"), "脚本"),
        (pdf(packed=b"<</S /JavaScript /JS (x)>>"), "脚本"),
        (pdf(b"/Names <</EmbeddedFiles 3 0 R>>"), "脚本"),
        (pdf(b"/AA <</O <</S /Launch /F (cmd.exe)>>>>"), "脚本"),
        (pdf(b"/Encrypt 9 0 R"), "密码"),
        (pdf(packed=b"0" * 140_000_000), "不合常理"),
        (pdf()[:-8], "不完整"),
        (png()[:-4], "不完整"),
        (png() + b"PK\x03\x04", "不完整"),
        (png(30_000), "太大"),
        (JPEG[:-2], "不完整"),
        (JPEG + b"PK\x03\x04", "不完整"),
        (JPEG + b"<script>", "不完整"),
    ],
)
def test_anything_else_is_refused_in_words(content: bytes, said: str) -> None:
    with pytest.raises(RuleBroken, match=said) as refused:
        looked_into(sent(content), MOST)

    assert "不超过 1 MB" in refused.value.next_step


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\x\\片子.PDF", "片子.pdf"),
        ("a\u202efdp.exe", "afdp.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"),
        ("<img src=x>.jpg", "img src=x.pdf"),
        ("", "附件.pdf"),
        (" ... ", "附件.pdf"),
        ("长" * 300 + ".pdf", "长" * 76 + ".pdf"),
    ],
)
def test_names_are_plain(given: str, plain: str) -> None:
    assert plain_name(given, "pdf") == plain
