"""Clocks that are apart, the leap day, and midnight in Shanghai."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.base.transition import begin, history, transition
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.roster.models import Roster
from kangqiao.domain.roster.states import ROSTER
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.permissions import DESK
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, cast, no_priority
from kangqiao.edges.health import queries as health
from kangqiao.kernel.errors import RuleBroken
from tests.faults.live import ROOT

THREE_DAYS = timedelta(days=3)
LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
ASK = (
    "import django; django.setup()\n"
    "from django.utils import timezone; from kangqiao.edges.health import queries\n"
    "print(queries.clock_state(timezone.now()))"
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.trust("T-CLOCK", "apart by three days: said, and not started")
def test_a_process_with_another_clock_is_not_well(measured: Callable[[str], None]) -> None:
    """A process of its own under libfaketime where it can be had; else the clock of this one is moved."""
    told = [under(days) for days in (-3, 0, 3)]

    assert told[1] == "ok"
    assert all("259" in one and one.endswith("s from the database's") for one in (told[0], told[2]))
    measured(f"−3 d: {told[0]}; 0: {told[1]}; +3 d: {told[2]}{'' if LIBRARY.exists() else ' (in one process)'}")


def under(days: int) -> str:
    """What a process says whose clock is so many days off."""
    if not LIBRARY.exists():
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True):
            return health.clock_state(timezone.now())
    facts = os.environ | {
        "LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{days:+d}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(ROOT / "src"),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", ASK], text=True, capture_output=True, env=facts, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.django_db
@pytest.mark.trust("T-CLOCK", "audit and history by sequence, not by time")
def test_what_was_written_later_stands_later_whatever_its_clock_said(measured: Callable[[str], None]) -> None:
    place = Place.objects.create(code="99", zh="演示市")
    now = timezone.now()
    moments = [now, now + THREE_DAYS, now - THREE_DAYS, now]
    for number, at in enumerate(moments):
        audit.record(f"step-{number}", place, by=Actor.system("test"), at=at)

    written = list(AuditEvent.objects.filter(action__startswith="step-").values_list("action", flat=True))

    roster = Roster.objects.create(
        place=place, starts_on=date(2026, 3, 2), ends_on=date(2026, 3, 9), policy_ref="x", planned_at=now
    )
    begin(roster, ROSTER, by=Actor.system("test"), at=now)
    transition(roster, ROSTER, "publish", by=Actor.system("test"), at=now - THREE_DAYS)

    assert written == ["step-0", "step-1", "step-2", "step-3"]
    assert [change.action for change in history(roster)] == ["begin", "publish"]
    measured(f"{len(moments)} traces dated −3 d to +3 d: in the order they were written")


@pytest.mark.django_db
@pytest.mark.trust("T-CLOCK", "leap day and midnight in Shanghai")
def test_leap_day_and_midnight_are_days_like_others(measured: Callable[[str], None]) -> None:
    people = cast(datetime(2028, 2, 27, 1, 0, tzinfo=UTC))
    starts = datetime(2028, 2, 29, 23, 0, tzinfo=CHINA)
    session = people.session(starts_at=starts, ends_at=starts + timedelta(minutes=59), parameters=no_priority())
    last = Slot.objects.filter(session=session).order_by("-starts_at")[0]
    resident = people.resident(with_user=False)
    booking = actions.book(
        slot_id=last.pk, resident_id=resident.pk, channel="self", attempt="leap", by=SYSTEM, at=people.at
    )

    desk = people.staff(DESK[0]).actor
    day_before = datetime(2028, 2, 28, 23, 59, 59, tzinfo=CHINA)
    with pytest.raises(RuleBroken, match="不是今天"):
        actions.check_in(booking_id=booking.pk, by=desk, at=day_before)
    midnight = day_before + timedelta(seconds=1)
    actions.check_in(booking_id=booking.pk, by=desk, at=midnight.astimezone(UTC))

    booking.refresh_from_db()
    change = StatusChange.objects.filter(subject_type="scheduling.booking", action="check_in").get()
    assert booking.status == "arrived"
    assert timezone.localdate(change.at) == date(2028, 2, 29)
    assert timezone.localdate(day_before + timedelta(days=1, seconds=1)) == date(2028, 3, 1)
    assert Session.objects.get().ends_at.astimezone(UTC).date() == date(2028, 2, 29)
    assert Booking.objects.count() == 1
    measured("refused at 02-28 23:59:59, done at 02-29 00:00:00")
