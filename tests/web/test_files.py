"""Hostile files at the one door for files: refused at once, and nothing but the reading process feels them (T-FILE)."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

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

PAGE = "/imports/institutions/"
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
    assert "没有读入" in answer.content.decode() or "第一行不是列名" in answer.content.decode()
    assert Organization.objects.count() == before
    assert client.get(PAGE).status_code == 200


def test_twenty_thousand_rows_are_read() -> None:
    told, _, size = spent(right(20_000))

    assert len(told["rows"]) == 20_001
    assert size < MOST_KB


def test_a_reader_that_dies_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = tmp_path / "reader.py"
    dying.write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setattr(uploads, "READER", dying)

    with pytest.raises(RuleBroken, match="表格太大"):
        uploads.read_sheet(SimpleUploadedFile("x", b"a,b"), ["a"])


def test_empty_file_and_missing_columns_are_said() -> None:
    with pytest.raises(RuleBroken, match="文件是空的"):
        uploads.read_sheet(SimpleUploadedFile("x", b""), ["a"])
    with pytest.raises(RuleBroken, match="第一行缺这些列：b"):
        uploads.read_sheet(SimpleUploadedFile("x", b"a\n1"), ["a", "b"])


def test_nobody_else_opens_the_page(db: None) -> None:
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.GP])

    assert client.get(PAGE).status_code == 403
