"""PostgreSQL is killed while 120 people book: what was acknowledged is there, once, and the site is soon back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.faults.live import Answer, LiveSite, at_once

CLIENTS, ROOM, KILL_AFTER, BACK_WITHIN_S = 120, 200, 40, 10


@dataclass
class Crowd:
    """People who send one form each, again and again, until it is answered for good."""

    site: LiveSite
    acknowledged: list[float] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def book(self, who: int) -> Answer:
        """One person at a phone: the same form, the same key."""
        slot = self.site.slots[who % 10]
        for _attempt in range(300):
            answer = self.site.post(f"/slots/{slot}/book/", who, f"kill-{who}", seconds=15)
            if answer.status == 302:
                self.acknowledged.append(time.monotonic())
                if len(self.acknowledged) >= KILL_AFTER:
                    self.enough.set()
                break
            time.sleep(0.2)
        return answer

    def book_while_the_database_is_killed(self) -> tuple[list[Answer], float]:
        """Everybody's answer, and the moment of the kill."""
        killed: list[float] = []

        def kill() -> None:
            assert self.enough.wait(120)
            os.kill(self.site.child("postgres"), signal.SIGKILL)
            killed.append(time.monotonic())

        killer = threading.Thread(target=kill)
        killer.start()
        answers = at_once(list(range(CLIENTS)), 40, self.book)
        killer.join()
        return answers, killed[0]


@pytest.mark.trust("T-KILL-1")
def test_nothing_acknowledged_is_lost_or_doubled(site: LiveSite, measured: Callable[[str], None]) -> None:
    crowd = Crowd(site)
    with site.running(KANGQIAO_WEB_PROCESSES="2"):
        site.ask("UPDATE scheduling_slot SET capacity = %s", ROOM)
        answers, killed = crowd.book_while_the_database_is_killed()
        before, after = split(crowd.acknowledged, killed)
        site.wait_well()
        again = at_once(list(range(CLIENTS)), 20, crowd.book)
        stored = site.ask("SELECT id, resident_id FROM scheduling_booking")
        effects = {
            site.one("SELECT sum(taken) FROM scheduling_slot"),
            site.one("SELECT count(*) FROM base_auditevent WHERE action = 'book'"),
            site.one("SELECT count(*) FROM base_statuschange WHERE process = 'booking'"),
        }

    places = {f"/slots/bookings/{pk}/" for pk, _ in stored}
    lost = [one for one in answers if one.location not in places]
    doubled = [who for who, count in Counter(resident for _, resident in stored).items() if count > 1]
    outage = after[0] - killed
    assert {one.status for one in answers} == {302}
    assert len(before) >= KILL_AFTER, "it was killed in the middle"
    assert (lost, doubled, len(stored), effects) == ([], [], CLIENTS, {CLIENTS})
    assert [one.location for one in again] == [one.location for one in answers]
    assert all(one.is_replay for one in again)
    assert outage < BACK_WITHIN_S
    measured(
        f"{len(answers)} acknowledged ({len(before)} before the kill), {len(stored)} stored,"
        f" {len(lost)} lost, {len(doubled)} doubled, back after {outage:.1f} s"
    )


def split(moments: list[float], at: float) -> tuple[list[float], list[float]]:
    """Those before and those after a moment, in order."""
    return sorted(one for one in moments if one < at), sorted(one for one in moments if one > at)
