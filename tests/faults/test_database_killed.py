"""PostgreSQL is killed while 120 people book: what was acknowledged is there, once, and the site is soon back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.live import Answer, LiveSite, at_once

CLIENTS, ROOM, KILL_AFTER, BACK_WITHIN_S = 120, 200, 40, 10


@pytest.mark.trust("T-KILL-1")
def test_nothing_acknowledged_is_lost_or_doubled(site: LiveSite, measured: Callable[[str], None]) -> None:
    acknowledged: list[float] = []
    first_answers: dict[int, Answer] = {}
    enough = threading.Event()

    def book(who: int) -> Answer:
        """Sends the same form until it is answered for good, as a person at a phone would."""
        slot = site.slots[who % 10]
        for _attempt in range(300):
            answer = site.post(f"/slots/{slot}/book/", who, f"kill-{who}", seconds=15)
            if answer.status == 302:
                acknowledged.append(time.monotonic())
                first_answers.setdefault(who, answer)
                if len(acknowledged) >= KILL_AFTER:
                    enough.set()
                return answer
            time.sleep(0.2)
        return answer

    def kill() -> float:
        assert enough.wait(120)
        os.kill(site.child("postgres"), signal.SIGKILL)
        return time.monotonic()

    with site.running(KANGQIAO_WEB_PROCESSES="2"):
        site.ask("UPDATE scheduling_slot SET capacity = %s", ROOM)
        killed: list[float] = []
        killer = threading.Thread(target=lambda: killed.append(kill()))
        killer.start()
        answers = at_once(list(range(CLIENTS)), 40, book)
        killer.join()
        site.wait_well()
        again = at_once(list(range(CLIENTS)), 20, book)
        stored = site.ask("SELECT id, resident_id FROM scheduling_booking")
        seats = site.one("SELECT sum(taken) FROM scheduling_slot")
        written = site.one("SELECT count(*) FROM base_auditevent WHERE action = 'book'")
        begun = site.one("SELECT count(*) FROM base_statuschange WHERE process = 'booking'")

    before = sum(at < killed[0] for at in acknowledged)
    outage = min(at for at in acknowledged if at > killed[0]) - killed[0]
    places = {f"/slots/bookings/{pk}/" for pk, _ in stored}
    lost = [one for one in answers if one.location not in places]
    doubled = [who for who, count in Counter(resident for _, resident in stored).items() if count > 1]
    assert {one.status for one in answers} == {302}
    assert before >= KILL_AFTER, "it was killed in the middle"
    assert (lost, doubled) == ([], [])
    assert len(stored) == seats == written == begun == CLIENTS
    assert [one.location for one in again] == [one.location for one in answers]
    assert all(one.is_replay for one in again)
    assert outage < BACK_WITHIN_S
    measured(
        f"{len(answers)} acknowledged ({before} before the kill), {len(stored)} stored,"
        f" {len(lost)} lost, {len(doubled)} doubled, back after {outage:.1f} s"
    )
