"""Two hundred people reach for thirty seats, each three times, through the running site."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable

import pytest

from tests.faults.live import Answer, LiveSite, at_once

CLIENTS, SENDS, SEATS = 200, 3, 30


@pytest.mark.trust("T-RACE-1")
def test_thirty_seats_go_to_thirty_people(site: LiveSite, measured: Callable[[str], None]) -> None:
    slot = site.slots[0]
    sends = [client for client in range(CLIENTS) for _ in range(SENDS)]
    random.Random(3).shuffle(sends)

    with site.running(KANGQIAO_WEB_PROCESSES="2"):
        site.ask("UPDATE scheduling_slot SET capacity = %s WHERE id = %s", SEATS, slot)
        answers = at_once(sends, 100, lambda who: site.post(f"/slots/{slot}/book/", who, f"seat-{who}"))
        later = site.post(f"/slots/{slot}/book/", sends[0], f"seat-{sends[0]}")
        stored = site.ask("SELECT id, status FROM scheduling_booking WHERE slot_id = %s", slot)
        taken = site.one("SELECT taken FROM scheduling_slot WHERE id = %s", slot)
        written = site.one("SELECT count(*) FROM base_auditevent WHERE action = 'book'")

    by_client: dict[int, list[Answer]] = defaultdict(list)
    for who, answer in zip(sends, answers, strict=True):
        by_client[who].append(answer)
    won = {who: told for who, told in by_client.items() if any(one.status == 302 for one in told)}
    refused = [one for who, told in by_client.items() if who not in won for one in told]
    replays = sum(one.is_replay for told in won.values() for one in told)
    assert (len(won), len(refused), replays) == (SEATS, (CLIENTS - SEATS) * SENDS, SEATS * (SENDS - 1))
    assert all(
        {one.status for one in told} == {302} and len({one.location for one in told}) == 1 for told in won.values()
    )
    assert {one.status for one in refused} == {409}
    assert all("刚刚被约走" in one.body and re.search(r'action="/slots/\d+/book/"', one.body) for one in refused)
    assert later.status == by_client[sends[0]][0].status
    assert [status for _, status in stored] == ["booked"] * SEATS
    assert {f"/slots/bookings/{pk}/" for pk, _ in stored} == {told[0].location for told in won.values()}
    assert taken == written == SEATS
    measured(f"{len(stored)} booked, {len(refused)} refused for good, {replays} replays with the same id")
