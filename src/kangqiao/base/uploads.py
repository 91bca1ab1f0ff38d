"""The one door for files of people: they are looked at and read by a process that can harm nothing but itself.

The file gets a name of ours in a folder of ours for the moment of reading and is not left there; the name it came with
is not used. Of a table comes out text in rows, of a file that travels with a letter its kind by its bytes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
FILE_READER = Path(__file__).with_name("file_reader.py")
LONGEST_NAME = 80
FORBIDDEN_IN_NAMES = frozenset("<>:\"|?*%;&`$'")

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
    "joined": gettext_lazy("表里有合并的单元格（%(where)s），只有第一格有内容，别的行会缺。"),
    "uncounted": gettext_lazy("表里有还没算出结果的公式（%(where)s）。"),
    "failed": gettext_lazy("表里有公式出错的单元格（%(where)s）。"),
}
# What mends a table that was made well but for some cells.
MEND: Mapping[str, Any] = {
    "joined": gettext_lazy("请取消合并，每一行都填上，再上传。"),
    "uncounted": gettext_lazy("请复制整张表，选择性粘贴为“值”，再上传。"),
    "failed": gettext_lazy("请改成要填的内容，再上传。"),
}
# The same of a file that is kept: what it is instead of a PDF or a picture.
NOT_KEPT: Mapping[str, Any] = {
    "program": gettext_lazy("这是程序，改了名字也不收。"),
    "office": gettext_lazy("这是 Office 文件，里面可能有宏。"),
    "archive": gettext_lazy("这是压缩包。"),
    "markup": gettext_lazy("这是网页或 XML。"),
    "kind": gettext_lazy("这不是 PDF、JPG 或 PNG。"),
    "large": gettext_lazy("文件太大。"),
    "bomb": gettext_lazy("文件展开后大得不合常理。"),
    "locked": gettext_lazy("文件加了密码。"),
    "active": gettext_lazy("PDF 里有脚本、外部动作或嵌入的文件。"),
    "broken": gettext_lazy("文件不完整，或后面接着别的东西。"),
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


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that may be kept: the name it came with, made plain, its kind by its bytes, and what it holds."""

    name: str
    kind: str
    content: bytes


def looked_into(file: UploadedFile[Any], most_bytes: int) -> Looked:
    """A PDF, JPEG or PNG that runs nothing and hides nothing, whatever it is called. Raises RuleBroken with the reason.

    The process beside us opens it before we do; the name is shown and never used as one.
    """
    if not file.size or file.size > most_bytes:
        raise _not_kept("large" if file.size else "empty", most_bytes)
    told = _asked(file, FILE_READER)
    if "refused" in told:
        raise _not_kept(told["refused"], most_bytes)
    file.seek(0)
    return Looked(plain_name(file.name or "", told["kind"]), told["kind"], bytes(file.read()))


def plain_name(name: str, kind: str) -> str:
    """A name without folders, invisible signs and endings of another kind; something where nothing is left."""
    last = unicodedata.normalize("NFKC", name).replace("\\", "/").rpartition("/")[2]
    seen = "".join(one for one in last if one.isprintable() and one not in FORBIDDEN_IN_NAMES).strip(" .")
    stem = re.sub(r"(\.[A-Za-z0-9]{1,5})+$", "", seen)[: LONGEST_NAME - len(kind) - 1].strip(" .")
    return f"{stem or _('附件')}.{kind}"


def _not_kept(word: str, most_bytes: int) -> RuleBroken:
    most = most_bytes // (1024 * 1024)
    return RuleBroken(
        _("没有收下：%(why)s") % {"why": NOT_KEPT.get(word, NOT_KEPT["broken"])},
        next_step=_("请上传不超过 %(n)s MB 的 PDF、JPG 或 PNG；纸质的拍照或扫描就行。") % {"n": most},
    )


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
    told = _asked(file, READER, *asked)
    if "refused" in told:
        raise Refusal(told["refused"], told.get("where", ()))
    rows: list[list[str]] = told["rows"]
    return rows


def _asked(file: UploadedFile[Any], reader: Path, *asked: str) -> dict[str, Any]:
    """What a process beside us says of the file."""
    with tempfile.TemporaryDirectory(prefix="kangqiao-upload-") as folder:
        path, answer = Path(folder) / uuid.uuid4().hex, Path(folder) / "answer"
        with path.open("wb") as copy:
            for piece in file.chunks():
                copy.write(piece)
        with answer.open("wb") as output:
            try:
                done = subprocess.run(  # noqa: S603 our own program; the file's name is ours too
                    [sys.executable, "-I", str(reader), str(path), *asked],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, env={}, cwd=folder,
                    timeout=SECONDS, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise _refused("large") from error
        if done.returncode:
            raise _refused("large")
        told: dict[str, Any] = json.loads(answer.read_bytes())
    return told


class Refusal(RuleBroken):
    """A file that is not read; `word` is the reader's own for why, `where` the cells it names."""

    def __init__(self, word: str, where: Sequence[str] = ()) -> None:
        why = str(WHY[word]) % {"where": "、".join(where)} if where else WHY[word]
        usual = _("请上传 .xlsx 或 .csv 表格，去掉宏、链接和密码。")
        super().__init__(_("没有读入：%(why)s") % {"why": why}, next_step=str(MEND.get(word, usual)))
        self.word = word


def _refused(word: str) -> Refusal:
    return Refusal(word)
