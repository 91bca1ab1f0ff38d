"""The first three administrators of an empty site, opened by the command as an installer does."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

from tests.faults.live import NOT_INHERITED, LiveSite, kangqiao

PASSWORDS = ("nine herons over a wall", "seven boats at the pier", "a lamp beside the well")
OFFICES = ("system_admin", "security_admin", "audit_admin")
WORDS = ("--place", "4404", "--place-name", "珠海市", "--bureau-name", "珠海市卫生健康局", "--stdin")


def three(**changes: str) -> list[dict[str, str]]:
    """Three persons; `changes` go into the first."""
    people = [
        {"role": role, "username": f"admin-{n}", "name": f"管理员{n}", "password": PASSWORDS[n]}
        for n, role in enumerate(OFFICES)
    ]
    people[0] |= changes
    return people


def create(data: pathlib.Path, told: object) -> subprocess.CompletedProcess[str]:
    """The command, told on standard input."""
    facts = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    command = [sys.executable, "-m", "kangqiao", "administrators", "create", *WORDS, "--data", str(data)]
    text = told if isinstance(told, str) else json.dumps(told)
    return subprocess.run(command, input=text, text=True, capture_output=True, env=facts, timeout=180)


@pytest.mark.trust("T-AUTH-5")
def test_empty_site_gets_three_administrators_once() -> None:
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        site = LiveSite(pathlib.Path(name) / "data", [], [], 0, 0)
        with site.running(KANGQIAO_WEB_PROCESSES="1"):
            told = (
                three(name="管理员1"),
                three(username="ADMIN-1"),
                three(role="audit_admin"),
                three(password="short"),
            )
            refused = [create(site.data, one) for one in (*told, "no json")]
            none_yet = site.one("SELECT count(*) FROM accounts_user")
            made = create(site.data, three())
            again = create(site.data, three(username="other"))
            held = site.ask("SELECT u.username, m.role, u.has_temporary_password FROM accounts_user u"
                            " JOIN accounts_membership m ON m.user_id = u.id ORDER BY 1")  # fmt: skip
            stored = site.one("SELECT string_agg(a::text, ' ') FROM base_auditevent a")
        log = "".join(one.read_text() for one in (site.data / "log").glob("*.log"))

    assert all(one.returncode for one in refused)
    assert not [one.stderr for one in refused if "Traceback" in one.stderr]
    assert none_yet == 0
    assert made.returncode == 0, made.stderr
    assert again.returncode == 1
    assert "已有管理员" in again.stderr
    assert held == [(f"admin-{n}", role, True) for n, role in enumerate(OFFICES)]
    assert not [one for one in PASSWORDS if one in made.stdout + made.stderr + stored + log]


def test_nobody_at_the_keyboard_is_asked_and_no_password_is_an_argument() -> None:
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        asked = kangqiao("administrators", "create", *WORDS[:-1], "--data", name)
    told = kangqiao("administrators", "create", "--help").stdout

    assert asked.returncode != 0
    assert "--stdin" in asked.stderr
    assert "--password" not in told
