"""T-AUD-2, the command: an export is checked by somebody who has the file, a key and nothing else of the site."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings

from kangqiao.base import sealing
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditEvent
from kangqiao.base.signing import signer
from kangqiao.edges.audit import exporting
from kangqiao.kernel.errors import NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 11, 2, 0, tzinfo=UTC)
ROWS = 12
# Runs the command and then says whether Django was loaded for it.
ALONE = (
    "import sys; sys.argv[0] = 'kangqiao'\n"
    "from kangqiao.edges.commands.main import main\n"
    "import atexit; atexit.register(lambda: print('django' if 'django' in sys.modules else 'alone', file=sys.stderr))\n"
    "main()"
)


def verify(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "HOME": "/nonexistent"}
    words = [sys.executable, "-c", ALONE, "audit", "verify", *map(str, arguments)]
    return subprocess.run(words, env=environment, text=True, capture_output=True, timeout=60, check=False)


@pytest.fixture
def export(tmp_path: Path, settings: LazySettings) -> Path:
    settings.DATA = tmp_path
    for organization in (3, 5):
        for number in range(ROWS):
            who = Actor("user:1", "演示", organization)
            record("residents.open", AuditEvent(pk=number + 1), by=who, at=AT, resident_id=number)
    sealing.seal(at=AT)
    sealing.sign_heads(signer=signer(), by=Actor.system("audit-heads"), at=AT)
    path = tmp_path / "audit.ndjson"
    exporting.to_file(path, site="test")
    (tmp_path / "key.pem").write_text(signer().public_pem, encoding="utf-8")
    return path


def changed(path: Path, change: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> Path:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    other = path.with_name("changed.ndjson")
    other.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in change(rows)), encoding="utf-8")
    return other


@pytest.mark.trust("T-AUD-2")
def test_sound_export_passes_without_django_and_a_changed_one_fails(
    export: Path, measured: Callable[[str], None]
) -> None:
    def alter(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        row = next(row for row in rows if row.get("sequence") == 7)
        row["event"]["resident_id"] = 99  # type: ignore[index]
        return rows

    key = export.with_name("key.pem")
    sound, bad = verify(export, "--key", key), verify(changed(export, alter), "--key", key)

    assert (sound.returncode, sound.stderr.strip()) == (0, "alone")
    assert "as it was sealed" in sound.stdout
    assert bad.returncode == 1
    assert "organisation 3, sequence 7" in bad.stderr
    assert "NOT as it was sealed" in bad.stdout
    measured("altered, gone, slipped in, swapped, cut, rewound: each named at its first row")


def test_cut_tail_fails_against_the_export_of_another_organisation(export: Path, tmp_path: Path) -> None:
    def cut(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        """The chain of organisation 3 alone, its first four rows, without its head."""
        start = next(place for place, row in enumerate(rows) if '"organization": 3' in json.dumps(row.get("chain")))
        kept = [row for row in rows[start + 1 :] if "sequence" in row][:4]
        return [rows[start], *kept, {"end": {"last": 4}}]

    short = changed(export, cut)
    alone, against = verify(short), verify(short, "--heads", export, "--key", tmp_path / "key.pem")

    assert alone.returncode == 0
    assert "no head vouches" in alone.stdout
    assert against.returncode == 1
    assert "sequence 5" in against.stderr
    assert "tail is cut" in against.stderr


def test_nonsense_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\xff\x00 nothing\n")

    broken, bad_key = verify(file), verify(file, "--key", file)

    assert broken.returncode == bad_key.returncode == 1
    assert "holds no chain" in broken.stderr
    assert "Traceback" not in broken.stderr + bad_key.stderr


def test_export_is_private_and_never_written_over(export: Path) -> None:
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    with pytest.raises(RuleBroken, match="there already"):
        exporting.to_file(export, site="test")
    with pytest.raises(NotVisible):
        exporting.to_file(export.with_name("other"), code="nobody", site="test")


def test_export_is_itself_traced(export: Path) -> None:
    assert AuditEvent.objects.filter(action="audit.export", by_id="system:audit-export").count() == 1
