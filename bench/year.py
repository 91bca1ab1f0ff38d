"""A district lives through its days: what becomes of every letter, how long people wait, and whether anybody is lost.

Six hospitals and their centres; the needs come from the synthesis, everything that happens goes through the product's
own actions, and its jobs run when they should. Nothing here is timed against the wall but how fast it goes. The size:
KANGQIAO_YEAR_RESIDENTS, _DAYS, _CENTRES; of visits booked without a letter one of KANGQIAO_YEAR_ONE_OF is lived. With
KANGQIAO_YEAR_PROCESSES so many processes live it, acting at once; with one, the same seed is the same district again.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import TYPE_CHECKING, Any

from bench.table import Row

if TYPE_CHECKING:
    from bench.district.life import Life

HOSPITALS, SEED = 6, 20_260_101
STARTS_ON = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a district, for how long."""

    residents: int
    days: int
    centres: int
    one_of: int
    processes: int = 1

    @classmethod
    def read(cls) -> Size:
        """As the environment asks."""
        of = {"RESIDENTS": 12_000, "DAYS": 30, "CENTRES": 12, "ONE_OF": 40, "PROCESSES": 1}
        return cls(*(int(os.environ.get(f"KANGQIAO_YEAR_{name}", usual)) for name, usual in of.items()))


@dataclass(slots=True)
class Told:
    """What came of it."""

    life: Life
    size: Size
    letters: Counter[str]
    lost: list[int]
    faults: list[Any]
    waits: dict[str, list[float]]
    done: Counter[str]
    refused: Counter[str]
    short: Counter[str]
    seconds: float
    cpu: float
    last_day: date


def run() -> list[Row]:
    """Makes a server of its own, lets the days pass and prints what came of everybody."""
    from bench.booking import _server

    with _server() as environment:
        os.environ.update(environment)
        import django

        django.setup()
        told = lived(Size.read(), _spent_by(environment), lambda line: print(line, file=sys.stderr, flush=True))
    print(written(told))
    return rows(told)


def _spent_by(environment: dict[str, str]) -> Callable[[], float]:
    """The CPU seconds of this process, of those it started and of the database so far."""
    from bench.booking import family, postmaster_of, seconds

    database = postmaster_of(environment)
    return lambda: sum(map(seconds, {*family(os.getpid()), *family(database)}))


def lived(size: Size, spent: Callable[[], float], tell: Callable[[str], None]) -> Told:
    """Makes the district and lets it live; afterwards everybody is looked for."""
    from bench.district import demand as needs
    from bench.district.places import made

    asked = needs.asked(
        residents=size.residents, centres=size.centres, hospitals=HOSPITALS, starts_on=STARTS_ON, days=size.days,
        one_of=size.one_of, seed=SEED,
    )  # fmt: skip
    tell(f"{len(asked.up):,} letters up, {len(asked.down):,} down, {len(asked.own):,} own visits to come")
    district = made(asked, STARTS_ON, tell)
    gc.freeze()
    from bench.district.life import Life

    life = Life(district, STARTS_ON, size.days, SEED)
    planned(life, asked, size)
    faults: list[Any] = []
    began, before = time.monotonic(), spent()
    for number in range(1, size.days):
        day = STARTS_ON + timedelta(days=number)
        midnight = datetime.combine(day, clock(), life.now.tzinfo)
        life.round(midnight, lambda day: _evening(life, day, faults, spent() - before, tell), day - timedelta(days=1))
    if size.processes == 1:
        life.run()
    else:
        _together(life, size.processes)
    return _looked_at(life, size, faults, time.monotonic() - began, spent() - before)


def _together(life: Life, processes: int) -> None:
    """Several processes live the district at once; this one goes the rounds, and is told what the others did."""
    from django.db import connections

    forked = multiprocessing.get_context("fork")
    gate, told = forked.Barrier(processes), forked.SimpleQueue()

    def lives(process: int) -> None:
        try:
            life.join(process, processes, gate)
            life.run()
        except BaseException:
            gate.abort()
            raise
        if process:
            told.put((life.done, life.refused, life.short))

    connections.close_all()
    others = [forked.Process(target=lives, args=(process,), daemon=True) for process in range(1, processes)]
    for one in others:
        one.start()
    lives(0)
    for one in others:
        done, refused, short = told.get()
        life.done += done
        life.refused += refused
        life.short += short
        one.join()


def planned(life: Life, asked: Any, size: Size) -> None:
    """Every need at its hour, every job and every round at theirs."""
    from bench.district.letters import Letters
    from bench.district.visits import Visits

    letters = Letters(life)
    visits = Visits(life, letters)
    for number in range(size.days):
        day = STARTS_ON + timedelta(days=number)
        for what, hour, minute, repeats in (
            (_weeks, 0, 30, 1), (_sweep, 3, 55, 1), (_clocks, 9, 0, 3), (visits.call_off, 19, 0, 1),
            (visits.tire_of_waiting, 20, 0, 1),
        ):  # fmt: skip
            for turn in range(repeats):
                at = datetime.combine(day, clock(hour, minute), life.now.tzinfo) + timedelta(hours=4 * turn)
                life.round(at, *((what, life) if what in (_weeks, _sweep, _clocks) else (what,)))
        for hour in range(8, 21, 2):
            life.round(datetime.combine(day, clock(hour, 10), life.now.tzinfo), _offers, life, visits)
        for half in range(16, 36):
            life.round(datetime.combine(day, clock(half // 2, half % 2 * 30), life.now.tzinfo), _clocks_meet)
        life.round(datetime.combine(day, clock(10), life.now.tzinfo), _rounds, life, letters, visits, day)
    for cases, what in ((asked.up, letters.refer), (asked.down, letters.admit), (asked.own, visits.want)):
        for case in cases:
            hours = 8 + life.dice.random() * 9
            at = datetime.combine(case.day, clock(), life.now.tzinfo) + timedelta(hours=hours)
            life.at(at if what == visits.want else life.at_work(at), what, case)


def _clocks_meet() -> None:
    """While people are at work, nobody is more than half an hour ahead of another."""


def _weeks(life: Life) -> None:
    from kangqiao.domain.scheduling import actions

    for house in life.district.hospitals:
        life.act(actions.keep_weeks_open, organization_id=house.body.pk, by=life.job("weeks"))


def _sweep(life: Life) -> None:
    from kangqiao.domain.scheduling import actions

    life.act(actions.sweep_holds, by=life.job("slots"))


def _clocks(life: Life) -> None:
    from kangqiao.domain.referral import actions

    life.act(actions.escalate_overdue, by=life.job("referral-clocks"))
    if life.now.weekday() == 0:
        life.act(actions.tell_directors, by=life.job("referral-weekly"))


def _offers(life: Life, visits: Any) -> None:
    from kangqiao.domain.scheduling import actions

    life.act(actions.offer_free_places, by=life.job("waitlist"))
    visits.answer_offers()


def _rounds(life: Life, letters: Any, visits: Any, day: date) -> None:
    """Desks see every working day who lost a place and what waits; centres look through their lists twice a week."""
    from bench.district.life import works

    if not works(day):
        return
    for house in life.district.hospitals:
        visits.place_again(house.body.pk)
        letters.look_through(house.body.pk)
    if day.weekday() in (0, 3):
        for house in life.district.centres:
            letters.read_through(house.body.pk)


def _evening(life: Life, day: date, faults: list[Any], cpu: float, tell: Callable[[str], None]) -> None:
    """What the nightly reconciliation finds is kept; once a week it is told how far it is."""
    from kangqiao.domain.scheduling.queries import faults as wrong

    faults += [(day, one) for one in wrong(life.now)]
    if day.weekday() == 6:
        tell(f"{day}: {sum(life.done.values()):,} steps of this process, {cpu:,.0f} s of CPU, {len(faults)} faults")


def _looked_at(life: Life, size: Size, faults: list[Any], seconds: float, cpu: float) -> Told:
    from kangqiao.domain.referral.models import Referral
    from kangqiao.domain.scheduling.models import Booking
    from kangqiao.domain.scheduling.queries import faults as wrong

    faults += [(life.ends.date(), one) for one in wrong(life.now)]
    letters = Counter(
        f"{direction} {status}" for direction, status in Referral.objects.values_list("direction", "status")
    )
    waits: dict[str, list[float]] = defaultdict(list)
    held = Booking.objects.exclude(status="cancelled").exclude(slot__session__specialty__in=("ct", "ward"))
    for pool, channel, booked, starts in held.values_list("pool", "channel", "booked_at", "slot__starts_at"):
        waits[f"{pool}, {channel}"].append((starts - booked) / timedelta(days=1))
    up = Referral.objects.filter(direction="up", arrived_at__isnull=False)
    for urgency, since, here in up.values_list("urgency", "sent_at", "arrived_at"):
        waits[f"letter to arrival, {urgency}"].append((here - since) / timedelta(days=1))
    return Told(
        life,
        size,
        letters,
        lost(life),
        faults,
        dict(waits),
        life.done,
        life.refused,
        life.short,
        seconds,
        cpu,
        life.now.date(),
    )


def lost(life: Life) -> list[int]:
    """The letters that have not come to an end and stand on no list of anybody who owes a step.

    The lists are the product's own: the tiles of the home page, the halves of the desk's queue, and the tabs.
    """
    from kangqiao.domain.accounts.models import Role
    from kangqiao.domain.referral import permissions, queries
    from kangqiao.domain.referral.models import Referral
    from kangqiao.edges.home.worklists import LISTS

    found: set[int] = set()
    for house in (*life.district.hospitals, *life.district.centres):
        for role, seat in house.seats.items():
            wanted = [one.referrals for one in LISTS.get(role, ()) if one.referrals]
            if role == Role.REFERRAL_DESK:
                wanted += [("to_organization", "up", status) for status in queries.WAITING_FOR_OTHERS]
            for end, direction, status in wanted:
                here = Referral.objects.filter(permissions.at_end(end, seat), direction=direction, status=status)
                found.update(here.values_list("pk", flat=True))
    open_ones = Referral.objects.filter(status__in=queries.OPEN).values_list("pk", flat=True)
    return sorted(set(open_ones) - found)


def rows(told: Told) -> list[Row]:
    """The figures of the table all benchmarks share."""
    size = told.size
    ended = sum(n for name, n in told.letters.items() if name.split()[1] in ENDS)
    note = f"{size.residents:,} residents, {size.centres} centres, {size.days} days"
    return [
        Row("letters", sum(told.letters.values()), None, None, "letters", note),
        Row("letters that came to an end", ended, None, None, "letters", "the others are on a list"),
        Row("letters lost", len(told.lost), 0, None, "letters", "on nobody's list"),
        Row("places counted wrongly", len(told.faults), 0, None, "places", "by the reconciliation of every night"),
        Row(
            "steps", sum(told.done.values()) / told.cpu, None, None, "per CPU s", "product, database and lists together"
        ),
    ]


ENDS = ("closed", "withdrawn", "not_attended", "followed_up")


def written(told: Told) -> str:
    """Outcomes, waits and refusals as text."""
    lines = [
        f"until {told.last_day}: {sum(told.done.values()):,} steps in {told.seconds:,.0f} s, {told.cpu:,.0f} of CPU",
        "",
        "letters:",
    ]
    lines += [f"  {name:<22}{n:>9,}" for name, n in sorted(told.letters.items())]
    lines += ["", f"{'days waited':<32}{'number':>9}{'median':>8}{'p90':>8}"]
    for name, days in sorted(told.waits.items()):
        ninth = statistics.quantiles(days, n=10)[-1] if len(days) > 1 else days[0]
        lines.append(f"  {name:<30}{len(days):>9,}{statistics.median(days):>8.1f}{ninth:>8.1f}")
    for title, counted in (("done", told.done), ("refused", told.refused), ("looked and found no place", told.short)):
        lines += ["", f"{title}: {json.dumps(dict(counted.most_common()), ensure_ascii=False)}"]
    return "\n".join(lines)
