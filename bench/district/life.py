"""Time in the district: what happens when, who is at work, and what came of each attempt."""

from __future__ import annotations

import heapq
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from django.utils.timezone import localtime

from bench.district.places import CHINA, District, House, system
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.queries import is_paired
from kangqiao.domain.scheduling import queries as places
from kangqiao.domain.scheduling.models import Slot
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.rules import count_day
from kangqiao.kernel.errors import KangqiaoError

# Days, times and names of rows differ; the sentence is the same.
NUMBERS = re.compile(r"[0-9][0-9:.\-]*")
OPENS, CLOSES = time(8), time(17, 30)
# How far somebody looks for a place: first the coming days, then all that is open.
LOOKS = (timedelta(days=6), timedelta(days=28))


class Life:
    """A clock that is moved from one happening to the next; each does one thing through an action of the product."""

    def __init__(self, district: District, starts_on: date, days: int, seed: int) -> None:
        self.district, self.dice = district, random.Random(seed)
        self.now = datetime.combine(starts_on, time(), CHINA)
        self.ends = self.now + timedelta(days=days)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.short: Counter[str] = Counter()
        self._turns, self._queue = count(), list[tuple[datetime, int, Callable[..., Any], tuple[Any, ...]]]()
        self._numbers = count()
        self._homes = {one.body.pk: one for one in (*district.hospitals, *district.centres)}

    def at(self, when: datetime, what: Callable[..., Any], *about: Any) -> None:
        """It happens then; what should have happened already happens now, for the clock never goes back."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._turns), what, about))

    def run(self, each_day: Callable[[date], None]) -> None:
        """Until the last day is over; what would happen later has not happened."""
        day = self.now.date()
        while self._queue and self._queue[0][0] < self.ends:
            self.now, _turn, what, about = heapq.heappop(self._queue)
            if localtime(self.now).date() != day:
                each_day(day)
                day = localtime(self.now).date()
            what(*about)
        self.now = self.ends

    def act(self, action: Callable[..., Any], **given: Any) -> Any:
        """One action now; a refusal is a sentence of the product's, is counted, and leaves nothing behind."""
        try:
            made = action(**given, at=self.now)
        except KangqiaoError as refused:
            self.refused[f"{action.__name__}: {NUMBERS.sub('#', str(refused))}"] += 1
            return None
        self.done[action.__name__] += 1
        return made

    def chance(self, of_a_hundred: float) -> bool:
        """Whether something happens that happens so often of a hundred times."""
        return self.dice.random() * 100 < of_a_hundred

    def attempt(self) -> str:
        """A key for one booking."""
        return f"district-{next(self._numbers)}"

    def later(self, hours: float) -> datetime:
        """An instant about so many hours from now, while people are at work."""
        return self.at_work(self.now + timedelta(hours=self.dice.expovariate(1 / hours)))

    def at_work(self, when: datetime) -> datetime:
        """The same instant, or the next morning of work."""
        local = localtime(when, CHINA)
        if local.time() < OPENS:
            local = datetime.combine(local.date(), OPENS, CHINA)
        elif local.time() > CLOSES:
            local = datetime.combine(local.date() + timedelta(days=1), OPENS, CHINA)
        while not works(local.date()):
            local = datetime.combine(local.date() + timedelta(days=1), OPENS, CHINA)
        return local

    def home(self, organization_id: int) -> House:
        """The house of that id."""
        return self._homes[organization_id]

    def desk(self, hospital_id: int) -> Actor:
        """Who sits at a hospital's desk."""
        return self.home(hospital_id).seats[Role.REFERRAL_DESK].actor

    def doctor(self, centre_id: int) -> Actor:
        """The family doctor of a centre."""
        return self.home(centre_id).seats[Role.GP].actor

    def job(self, name: str) -> Actor:
        """A job of the product."""
        return system(name)

    def free(self, hospital_id: int, specialty: str, standing: Standing, after: timedelta) -> Slot | None:
        """One of the first free places from some time on, as the asker sees them; people do not all take the first."""
        starts = self.now + after
        for span in LOOKS:
            found = places.free_slots(
                [hospital_id], specialty, starts=starts, ends=starts + span, standing=standing, now=self.now
            )
            if found:
                return found[min(int(self.dice.expovariate(0.5)), len(found) - 1)]
        self.short[specialty] += 1
        return None

    def as_centre(self, hospital_id: int, centre_id: int) -> Standing:
        """How a centre stands before a hospital when it refers."""
        paired = is_paired(hospital_id, centre_id, localtime(self.now).date())
        return Standing(partner=frozenset({hospital_id} if paired else ()), centre_id=centre_id)


def works(day: date) -> bool:
    """Whether people are at work on a day: on weekends, on holidays, never."""
    count = count_day(day)
    return not count.is_closed and (day.weekday() < 5 or count.is_special)
