"""The web worker is killed at the points of a request: the same form sent again has one effect."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from kangqiao.config import settings
from tests.faults.live import ROOT, Answer, LiveSite, free_port

POINTS = 20


@contextlib.contextmanager
def with_faults(site: LiveSite) -> Iterator[LiveSite]:
    """A second web server on the same site, under settings that carry the hook."""
    port = free_port()
    facts = os.environ | {
        "DATABASE_URL": site.url,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings_with_faults",
        "KANGQIAO_DATA": str(site.data),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
    }
    facts.pop("KANGQIAO_SECRET_KEY", None)
    words = [sys.executable, "-m", "tests.faults.reborn", str(port)]
    server = subprocess.Popen(words, env=facts, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    other = LiveSite(site.data, site.cookies, site.slots, site.session, site.city, port)
    try:
        answered(lambda: other.get("/healthz"))
        yield other
    finally:
        server.terminate()
        server.wait(20)


def answered(send: Callable[[], Answer], seconds: float = 40) -> Answer:
    """Sends until there is an answer that is not the server's own failure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = send()
        if answer.status and answer.status < 500:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"no answer within {seconds} s, last {answer}")


def points(counted: Answer) -> list[str]:
    """The fault points of a request: before statements spread over all of them, about each commit, and at the end."""
    ends = [f"{side}-commit:{n}" for n in range(1, counted.commits + 1) for side in ("before", "after")]
    ends.append("before-response")
    room = POINTS - len(ends)
    chosen = sorted({1 + round(n * (counted.statements - 1) / (room - 1)) for n in range(room)})
    return [f"statement:{number}" for number in chosen] + ends


@pytest.mark.trust("T-KILL-2")
def test_same_key_again_has_one_effect(site: LiveSite, measured: Callable[[str], None]) -> None:
    slot = site.slots[0]
    address = f"/slots/{slot}/book/"
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        site.ask("UPDATE scheduling_slot SET capacity = 200")
        with with_faults(site) as faulty:
            for person in range(4):  # the first request on a connection sends more than those after it
                counted = answered(lambda who=person: faulty.post(address, who, f"count-{who}", X_Fault="count"))
            wanted = points(counted)
            done_before: list[bool] = []
            for person, point in enumerate(wanted, start=4):
                cut = faulty.post(address, person, f"cut-{person}", seconds=20, X_Fault=point)
                assert cut.status == 0, f"{point}: it was answered {cut.status}"
                again = answered(lambda who=person: faulty.post(address, who, f"cut-{who}"))
                twice = answered(lambda who=person: faulty.post(address, who, f"cut-{who}"))
                assert (again.status, twice.status, twice.is_replay) == (302, 302, True), point
                assert again.location == twice.location
                done_before.append(again.is_replay)
        stored = site.ask("SELECT resident_id, count(*) FROM scheduling_booking GROUP BY 1 HAVING count(*) <> 1")
        count, effects = (
            site.one("SELECT count(*) FROM scheduling_booking"),
            [
                site.one("SELECT taken FROM scheduling_slot WHERE id = %s", slot),
                site.one("SELECT count(*) FROM base_auditevent WHERE action = 'book'"),
                site.one("SELECT count(*) FROM base_statuschange WHERE process = 'booking'"),
                site.one("SELECT count(*) FROM residents_basis WHERE source LIKE 'booking:%%' AND kind = 'booking'"),
            ],
        )
    assert stored == []
    assert (done_before[0], done_before[-1]) == (False, True), "both sides of the commit were met"
    assert set(effects) == {count} == {len(wanted) + 4}
    measured(
        f"{len(wanted)} points, {len(wanted)} workers killed, {count - 4} bookings for {len(wanted)} people"
        f" ({sum(done_before)} done before the kill and replayed)"
    )


def test_the_hook_cannot_exist_in_production(site: LiveSite) -> None:
    """It is no part of the package, no setting names it, and the running product does not hear its header."""
    package = pathlib.Path(settings.__file__).parent.parent
    named = [path for path in package.rglob("*.py") if "X-Fault" in path.read_text(encoding="utf-8")]
    wheel = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    with site.running(KANGQIAO_WEB_PROCESSES="1", DJANGO_SETTINGS_MODULE="tests.faults.settings_with_faults"):
        answers = [
            site.post(f"/slots/{site.slots[number]}/book/", number, f"p-{number}", X_Fault=point)
            for number, point in enumerate(("before-commit:1", "statement:1", "before-response"))
        ]

    assert named == []
    assert 'packages = ["src/kangqiao"]' in wheel
    assert not any(word.startswith("tests.") for word in settings.MIDDLEWARE)
    assert [one.status for one in answers] == [302] * 3
    assert not any(one.statements for one in answers)
