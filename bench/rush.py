"""Many who want the same places at once, and the list all of them read before: parts of `bench.booking`."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

RUSHING, RUSHED, WEEK_SESSIONS, ASKED = 6, 60, 12, 40


def rush(residents: list[int], instant: datetime) -> tuple[float, float]:
    """Milliseconds within which 95 of 100 winners, and losers, have their answer, when many want the same places."""
    slots = [_clinic(instant, 1, days=3, number=number)[0] for number in range(RUSHED)]
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(RUSHING), context.Queue()
    workers = [
        context.Process(target=_rusher, args=(slots, residents[number], instant, gate, told))
        for number in range(RUSHING)
    ]
    for worker in workers:
        worker.start()
    spans = [span for _ in workers for span in told.get(timeout=300)]
    for worker in workers:
        worker.join()
    won = [ms for is_winner, ms in spans if is_winner]
    lost = [ms for is_winner, ms in spans if not is_winner]
    if len(won) != len(slots):
        raise RuntimeError(f"{len(won)} of {len(slots)} places were given")
    return statistics.quantiles(won, n=20)[-1], statistics.quantiles(lost, n=20)[-1]


def _rusher(slots: list[int], resident: int, instant: datetime, gate: Any, told: Any) -> None:
    """One who wants every place just when the others do."""
    import django

    django.setup()
    from bench.booking import _USERS, _book
    from kangqiao.domain.residents.models import Resident
    from kangqiao.kernel.errors import KangqiaoError

    _USERS.update(Resident.objects.values_list("pk", "user_id"))
    spans = []
    for slot in slots:
        gate.wait(timeout=120)
        began = time.perf_counter()
        try:
            _book(slot, resident, instant)
        except KangqiaoError:
            spans.append((False, (time.perf_counter() - began) * 1000))
        else:
            spans.append((True, (time.perf_counter() - began) * 1000))
    told.put(spans)


def _clinic(instant: datetime, places: int, *, days: int, number: int) -> list[int]:
    """One more clinic of a hospital: its slots in order."""
    from dataclasses import replace
    from fractions import Fraction

    from django.utils import timezone

    from kangqiao import policy
    from kangqiao.base.actor import Actor
    from kangqiao.domain.institutions.models import Organization
    from kangqiao.domain.scheduling.actions import open_session
    from kangqiao.domain.scheduling.models import Session, Slot
    from kangqiao.domain.scheduling.parameters import SlotParameters
    from kangqiao.domain.workforce.models import Practitioner

    house = Organization.objects.get()
    read = SlotParameters.read(policy.at("440402", timezone.localdate()))
    doctor = Practitioner.objects.create(
        name=f"演示医生{days}-{number}", sex="male", licence_number=f"w{days}-{number}", title_kind="physician",
        title_grade="senior", organization=house,
    )  # fmt: skip
    starts = instant + timedelta(days=days)
    session = open_session(
        organization_id=house.pk, practitioner_id=doctor.pk, specialty=f"department{days}",
        kind=Session.Kind.HOSPITAL_CLINIC, starts_at=starts,
        ends_at=starts + timedelta(minutes=read.slot_minutes * places), source=f"bench:{days}:{number}",
        parameters=replace(read, slots_per_session=places, reserved_share=Fraction(0), head_start_days=0),
        by=Actor.system("bench"), at=instant,
    )  # fmt: skip
    return list(Slot.objects.filter(session=session).order_by("starts_at").values_list("pk", flat=True))


def week_of_a_department(instant: datetime, database: Callable[[], float]) -> tuple[int, float]:
    """How many slots are free in a department's week, and the CPU milliseconds it takes to list them."""
    from kangqiao.domain.institutions.models import Organization
    from kangqiao.domain.scheduling import queries

    for number in range(WEEK_SESSIONS):
        _clinic(instant, 14, days=5, number=number)
    house = Organization.objects.get().pk
    span = {"starts": instant, "ends": instant + timedelta(days=7), "now": instant}
    for _turn in range(5):
        found = queries.free_slots([house], "department5", **span)
    before, began = database(), time.process_time()
    for _turn in range(ASKED):
        queries.free_slots([house], "department5", **span)
    spent = time.process_time() - began + database() - before
    return len(found), spent * 1000 / ASKED
