"""Templates keep the content policy: no style attribute, no inline script, no handler, nothing evaluated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "src" / "kangqiao"
FORBIDDEN = re.compile(
    r"""\sstyle\s*=|<style|\son[a-z]+\s*=\s*["']|\shx-on|<script(?![^>]*\ssrc=)|javascript:|\|safe\b|\|safeseq\b|autoescape\s+off|["']js:""",
    re.IGNORECASE,
)
DATA_SCRIPT = re.compile(r'<script[^>]*type="application/json"')


def faults(source: str) -> list[int]:
    """The lines that break the policy; a script that only carries data does not."""
    return [
        number
        for number, line in enumerate(source.split("\n"), start=1)
        if FORBIDDEN.search(DATA_SCRIPT.sub("<data", line))
    ]


def test_templates_keep_the_content_policy() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path in sorted(ROOT.rglob("*.html")) for line in faults(path.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<p>\n<b style="x">', [2]),
        ("<a onclick='x'>", [1]),
        ("<a hx-on:click='x'>", [1]),
        ("<script>x</script>", [1]),
        ("{{ name|safe }}", [1]),
        ("{{ names|safeseq|join:', ' }}", [1]),
        ("{% autoescape off %}", [1]),
        ("<a hx-vals='js:{x: 1}'>", [1]),
        ('<script src="/x.js" defer></script>', []),
        ('<script type="application/json" id="d">{}</script>', []),
        ('<option value="on">', []),
    ],
)
def test_faults_finds_planted_ones(source: str, expected: list[int]) -> None:
    assert faults(source) == expected
