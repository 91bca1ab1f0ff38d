"""The one door for files of people: a table is looked at and read by a process that can harm nothing but itself.

The file gets a name of ours in a folder of ours for the moment of reading and is never stored; the name it came with is
not used. What comes out is text in rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.kernel.errors import RuleBroken

# 20,000 rows of an import are some 5 MB; nothing a person sends in is larger than a scanned file.
LARGEST_BYTES = 200 * 1024 * 1024
LARGEST_TEMPLATE_BYTES = 5 * 1024 * 1024
SECONDS = 30
# The column our own list of left-out rows adds; it may come back and is not read.
REASON = "原因"  # untranslated: a head in the file
READER = Path(__file__).with_name("upload_reader.py")

WHY: Mapping[str, Any] = {
    "old_excel": gettext_lazy("这是旧版 Excel（.xls）文件。"),
    "image": gettext_lazy("这是图片，不是表格。"),
    "pdf": gettext_lazy("这是 PDF，不是表格。"),
    "program": gettext_lazy("这是程序，不是表格。"),
    "archive": gettext_lazy("这是压缩包，不是表格。"),
    "markup": gettext_lazy("这是网页或 XML，不是表格。"),
    "kind": gettext_lazy("这不是 Excel 或 CSV 表格。"),
    "letters": gettext_lazy("文字的编码认不出来。"),
    "quotes": gettext_lazy("CSV 里的引号不成对。"),
    "rows": gettext_lazy("表格超过 2 万行。"),
    "large": gettext_lazy("表格太大。"),
    "bomb": gettext_lazy("文件展开后大得不合常理。"),
    "paths": gettext_lazy("文件里有指向别处的路径。"),
    "locked": gettext_lazy("文件加了密码。"),
    "active": gettext_lazy("文件里有宏、外部链接或嵌入的文件。"),
    "entities": gettext_lazy("文件里的 XML 写法不安全。"),
    "broken": gettext_lazy("文件坏了，打不开。"),
    "empty": gettext_lazy("文件是空的。"),
}


def read_sheet(file: UploadedFile[Any], heads: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a filled-in table with their numbers in the sheet; every column must be one of ours, and there once.

    A column may be missing only where the caller does not name it. Raises RuleBroken with a sentence that helps.
    """
    if not file.size:
        raise _refused("empty")
    if file.size > LARGEST_BYTES:
        raise _refused("large")
    rows = _read_apart(file)
    if not rows:
        raise _refused("empty")
    found = [head.strip() for head in rows[0]]
    _check_heads(found, heads)
    places = {head: number for number, head in enumerate(found) if head in heads}
    return [
        (number, {head: (row[place] if place < len(row) else "").strip() for head, place in places.items()})
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def looked_through(file: UploadedFile[Any]) -> bytes:
    """A Word document without macros, links to other files or tricks. Raises RuleBroken with the reason."""
    if not file.size or file.size > LARGEST_TEMPLATE_BYTES:
        raise _refused_text("large" if file.size else "empty")
    try:
        _read_apart(file, "word")
    except Refusal as refused:
        raise _refused_text(refused.word) from refused
    file.seek(0)
    return bytes(file.read())


def _refused_text(word: str) -> RuleBroken:
    why = _("这不是 Word 文档（.docx）。") if word in ("archive", "kind") else WHY[word]
    return RuleBroken(
        _("没有收下：%(why)s") % {"why": why}, next_step=_("请用 Word 另存为 .docx，去掉宏、外部链接和密码。")
    )


def _check_heads(found: Sequence[str], heads: Sequence[str]) -> None:
    """Raises RuleBroken that names what is odd about the first row."""
    again = _("请下载空表，照着它的列名填写，再上传。")
    missing = [head for head in heads if head not in found]
    if len(missing) == len(heads):
        raise RuleBroken(_("第一行不是列名。上面若有标题或合并的单元格，请删掉，让列名在第一行。"), next_step=again)
    if "" in found:
        raise RuleBroken(_("第一行有空着的列名，可能是合并了单元格。请取消合并，每一列写一个名字。"), next_step=again)
    twice = sorted({head for head in found if found.count(head) > 1})
    if twice:
        raise RuleBroken(_("这些列出现了两次：%(heads)s。") % {"heads": "、".join(twice)}, next_step=again)
    unknown = [head for head in found if head not in heads and head != REASON]
    if unknown and missing:
        raise RuleBroken(
            _("缺这些列：%(missing)s；这些列不认识：%(unknown)s。")
            % {"missing": "、".join(missing), "unknown": "、".join(unknown)},
            next_step=again,
        )
    if missing:
        raise RuleBroken(_("第一行缺这些列：%(heads)s。") % {"heads": "、".join(missing)}, next_step=again)
    if unknown:
        raise RuleBroken(_("这些列不认识：%(heads)s。") % {"heads": "、".join(unknown)}, next_step=again)


def _read_apart(file: UploadedFile[Any], *asked: str) -> list[list[str]]:
    """What the process beside us read, or found when it was asked to look only."""
    with tempfile.TemporaryDirectory(prefix="kangqiao-upload-") as folder:
        path, answer = Path(folder) / uuid.uuid4().hex, Path(folder) / "answer"
        with path.open("wb") as copy:
            for piece in file.chunks():
                copy.write(piece)
        with answer.open("wb") as output:
            try:
                done = subprocess.run(  # noqa: S603 our own program; the file's name is ours too
                    [sys.executable, "-I", str(READER), str(path), *asked],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, env={}, cwd=folder,
                    timeout=SECONDS, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise _refused("large") from error
        if done.returncode:
            raise _refused("large")
        told = json.loads(answer.read_bytes())
    if "refused" in told:
        raise _refused(told["refused"])
    rows: list[list[str]] = told["rows"]
    return rows


class Refusal(RuleBroken):
    """A file that is not read; `word` is the reader's own for why."""

    def __init__(self, word: str) -> None:
        super().__init__(
            _("没有读入：%(why)s") % {"why": WHY[word]}, next_step=_("请上传 .xlsx 或 .csv 表格，去掉宏、链接和密码。")
        )
        self.word = word


def _refused(word: str) -> Refusal:
    return Refusal(word)
