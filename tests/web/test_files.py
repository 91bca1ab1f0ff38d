"""Hostile files at the one door for files: refused at once, and nothing but the reading process feels them (T-FILE)."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kangqiao.base import uploads
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.rules import COLUMNS
from kangqiao.kernel.errors import RuleBroken
from tests.access_matrix.world import two_sides
from tests.web.hostile_files import SHEET_FILES, right

PAGE = "/institutions/list/"
MOST_CPU_SECONDS, MOST_KB = 3.0, 512 * 1024


# A small process in between: one started from here directly would be credited with the size of this one.
BETWEEN = """
import json, resource, subprocess, sys
subprocess.run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]), file=sys.stderr)
"""


def spent(content: bytes) -> tuple[dict[str, Any], float, int]:
    """What the reading process answers, its CPU seconds, and its largest size in kB."""
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as answer:
        file.write(content)
        file.flush()
        reader = [sys.executable, "-I", str(uploads.READER), file.name]
        between = [sys.executable, "-I", "-c", BETWEEN, *reader]
        done = subprocess.run(between, stdout=answer, stderr=subprocess.PIPE, env={})
        answer.seek(0)
        told = json.loads(answer.read() or b"{}")
    seconds, size = json.loads(done.stderr.splitlines()[-1])
    return told or {"refused": "killed"}, seconds, size


@pytest.mark.trust("T-FILE-1")
@pytest.mark.trust("T-FILE-2")
@pytest.mark.trust("T-FILE-3")
@pytest.mark.trust("T-FILE-4")
def test_hostile_files_are_refused_fast_and_small(measured: Callable[[str], None]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest, largest, found = 0.0, 0, []

    for name, (_, make) in SHEET_FILES.items():
        content = make()
        told, seconds, size = spent(content)
        slowest, largest = max(slowest, seconds), max(largest, size)
        if "refused" not in told and not _lacks_columns(told):
            found.append(f"{name}: read as {str(told)[:80]}")
        if seconds > MOST_CPU_SECONDS or size > MOST_KB:
            found.append(f"{name}: {seconds:.1f} s, {size // 1024} MB")

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    measured(f"{len(SHEET_FILES)} files, slowest {slowest:.1f} s of CPU, largest process {largest // 1024} MB")
    assert found == []
    assert grown < 400 * 1024  # the files themselves were made in this process


def _lacks_columns(told: dict[str, Any]) -> bool:
    """Plain text that is no list of institutions: the head is missing, so the caller refuses it."""
    rows = told.get("rows") or [[]]
    return not set(COLUMNS) <= set(rows[0])


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["macros", "entities without end", "test virus", "zip slip", "windows program"])
def test_page_says_why_and_goes_on(name: str) -> None:
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.SYSTEM_ADMIN])
    before = Organization.objects.count()

    answer = client.post(PAGE, {"table": SimpleUploadedFile("../../x.xlsx", SHEET_FILES[name][1]())})

    assert answer.status_code == 422
    assert "没有读入" in answer.content.decode() or "第一行缺这些列" in answer.content.decode()
    assert Organization.objects.count() == before
    assert client.get(PAGE).status_code == 200


def listed(*rows: tuple[Any, ...]) -> bytes:
    """A workbook with these rows."""
    book = openpyxl.Workbook()
    for row in (COLUMNS, *rows):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def send(client: Client, content: bytes, **more: str) -> Any:
    """One upload."""
    return client.post(PAGE, {"table": SimpleUploadedFile("名单.xlsx", content), **more})


@pytest.fixture
def keeper(db: None) -> Client:
    """The system administrator of a city."""
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.SYSTEM_ADMIN])
    return client


def line(code: str, name: str = "", **more: Any) -> tuple[Any, ...]:
    """One right row, with cells changed by their head."""
    row = {"代码": code, "名称": name or code, "种类": "医院", "地区代码": "440402", "级别": "三级", "举办": "市属"}
    return tuple((row | more).get(head, "") for head in COLUMNS)


def test_right_list_is_entered_as_it_stands(keeper: Client) -> None:
    odd = "𠮷田䶮⿰亻尔·买买提" + "很长的名字" * 8

    answer = send(
        keeper,
        listed(
            line("w1", odd, 简称="𠮷院", 服务人口=120_000, 开办日期="1951-10-01"), line("w2", "二院", 上级机构代码="w1")
        ),
    )

    assert answer.status_code == 200
    first, second = Organization.objects.get(code="w1"), Organization.objects.get(code="w2")
    assert first.zh == odd
    assert (first.population_served, str(first.opened_on), first.level) == (120_000, "1951-10-01", 3)
    assert second.part_of == first


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_of_both_encodings_is_read(keeper: Client, encoding: str) -> None:
    rows = "\n".join(",".join(map(str, row)) for row in (COLUMNS, line("w1", "𠮷䶮医院")))

    answer = send(keeper, rows.encode(encoding))

    assert answer.status_code == 200
    assert Organization.objects.get(code="w1").zh == "𠮷䶮医院"


@pytest.mark.trust("T-VAL")
@pytest.mark.parametrize(
    ("row", "said"),
    [
        (line("w1", 服务人口=-1), "不可能是这个数"),
        (line("w1", 服务人口=9_000_000), "不可能是这个数"),
        (line("w1", 服务人口="十二万"), "写法不对"),
        (line("w1", 开办日期="2021-02-31"), "写法不对"),
        (line("w1", 开办日期="1790-01-01"), "不可能是这个数"),
        (line("w1", 级别="四级"), "没有这个代码或名称"),
        (line("w1", 种类="饭店"), "没有这个代码或名称"),
        (line("w1", 地区代码="999999"), "没有这个代码或名称"),
        (line("w1", 电话="call me"), "写法不对"),
        (line("w1", "名\u202e字"), "看不见的字符"),
        (line("w1", "长" * 121), "太长"),
        (line("W 1"), "写法不对"),
        (line("", "无代码"), "没有填"),
        (line("w1", "长" * 41), "没有填"),
        (line("440402-centre"), "已经有了"),
        (line("w1", 上级机构代码="nobody"), "没有这个代码或名称"),
    ],
)
def test_impossible_line_keeps_the_whole_list_out(keeper: Client, row: tuple[Any, ...], said: str) -> None:
    answer = send(keeper, listed(line("right"), row), is_sure="on")

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Organization.objects.filter(code__in=("right", "w1")).exists()


@pytest.mark.trust("T-VAL")
@pytest.mark.parametrize("cells", [{"服务人口": 12}, {"服务人口": 900_000}, {"开办日期": "1890-05-01"}])
def test_unusual_line_is_asked_about_and_then_let_in(keeper: Client, cells: dict[str, Any]) -> None:
    content = listed(line("w1", **cells))

    asked = send(keeper, content)
    was_let_in = Organization.objects.filter(code="w1").exists()
    sure = send(keeper, content, is_sure="on")

    assert (asked.status_code, was_let_in) == (422, False)
    assert "少见，请核对" in asked.content.decode()
    assert sure.status_code == 200
    assert Organization.objects.filter(code="w1").exists()


def test_twenty_thousand_rows_are_read() -> None:
    told, _, size = spent(right(20_000))

    assert len(told["rows"]) == 20_001
    assert size < MOST_KB


def test_a_reader_that_dies_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = tmp_path / "reader.py"
    dying.write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setattr(uploads, "READER", dying)

    with pytest.raises(RuleBroken, match="表格太大"):
        uploads.read_table(SimpleUploadedFile("x", b"a,b"), ["a"])


def test_empty_file_and_missing_columns_are_said() -> None:
    with pytest.raises(RuleBroken, match="文件是空的"):
        uploads.read_table(SimpleUploadedFile("x", b""), ["a"])
    with pytest.raises(RuleBroken, match="第一行缺这些列：b"):
        uploads.read_table(SimpleUploadedFile("x", b"a\n1"), ["a", "b"])


def test_nobody_else_opens_the_page(db: None) -> None:
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.GP])

    assert client.get(PAGE).status_code == 403
