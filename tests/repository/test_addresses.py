"""No file names a package registry or a folder of somebody's machine; a site's own settings do that."""

from __future__ import annotations

import re

import pytest

from tests.repository.sources import ROOT, files, name, none

BINARY = {".png", ".woff2", ".ico", ".mo", ".gz", ".jpg"}
REGISTRY = re.compile(
    rb"(?:pypi|pythonhosted|npmjs|yarnpkg|npmmirror|tuna\.tsinghua|aliyun|rubygems|crates)\.(?:org|com|io|edu)"
    rb"|--(?:extra-)?index-url[ =]\S|\"resolved\":\s*\"http|artifactory|nexus3?/repository",
)
# Absolute folders of one machine: homes, work folders, job folders.
MACHINE = re.compile(rb"(?<![\w./>}-])/(?:work|workspace|root|Users|home/[a-z]+)/|/tmp/[a-z_]*jobs")
# Names a folder of the system on purpose.
ALLOWED = {
    "tests/repository/test_addresses.py": "its own samples",
}


def faults(content: bytes) -> list[int]:
    """Lines that name a registry or a machine's folder."""
    return [
        number
        for number, line in enumerate(content.splitlines(), start=1)
        if REGISTRY.search(line) or MACHINE.search(line)
    ]  # fmt: skip


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in files()
        if path.suffix not in BINARY and name(path) not in ALLOWED
        for line in faults(path.read_bytes())
    ]

    none(found)


def test_exceptions_are_still_there() -> None:
    assert [path for path in ALLOWED if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"https://" + b"py" + b"pi.org/simple", [1]),
        (b'  "resolved": "https://somewhere/x.tgz"', [1]),
        (b"pip install --index-url https://x", [1]),
        (b"cd /home/li/kangqiao", [1]),
        (b"open('/root/x')", [1]),
        (b"the root/ folder; src/work/x; tests/home/a", []),
        (b"uv pip compile --no-emit-index-url", []),
    ],
)
def test_faults_finds_planted_ones(line: bytes, expected: list[int]) -> None:
    assert faults(line) == expected
