"""Time in the district: what happens when, who is at work, and what came of each attempt."""

from __future__ import annotations

import heapq
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from threading import Barrier

# Days, times and names of rows differ; the sentence is the same.
NUMBERS = re.compile(r"[0-9][0-9:.\-]*")
Happening = tuple[datetime, int, Callable[..., Any], tuple[Any, ...]]
OPENS, CLOSES = time(8), time(17, 30)
# How far somebody looks for a place: first the coming days, then all that is open.
LOOKS = (timedelta(days=6), timedelta(days=28))


class Life:
    """A clock that is moved from one happening to the next; each does one thing through an action of the product.

    Rounds, such as a job or a look through a list, are known beforehand. Where several processes live one district,
    the first goes each round alone, and until the next all act at once: then no clock is far from another.
    """

    def __init__(self, district: District, starts_on: date, days: int, seed: int) -> None:
        self.district, self.dice = district, random.Random(seed)
        self.now = datetime.combine(starts_on, time(), CHINA)
        self.ends = self.now + timedelta(days=days)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.short: Counter[str] = Counter()
        self.process = 0
        self.gate: Barrier | None = None
        self._turns, self._queue, self._rounds = count(), list[Happening](), list[Happening]()
        self._numbers = count()
        self._homes = {one.body.pk: one for one in (*district.hospitals, *district.centres)}

    def at(self, when: datetime, what: Callable[..., Any], *about: Any) -> None:
        """It happens then; what should have happened already happens now, for the clock never goes back."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._turns), what, about))

    def round(self, when: datetime, what: Callable[..., Any], *about: Any) -> None:
        """It is done then, before anything else of that instant, while nobody does anything else."""
        self._rounds.append((when, next(self._turns), what, about))

    def join(self, process: int, of: int, gate: Barrier) -> None:
        """This process lives the needs of one in so many residents, by their numbers, and throws its own dice."""
        self.process, self.gate = process, gate
        self.dice = random.Random(f"{self.dice.random()} {process}")
        self._queue = [one for one in self._queue if one[3][0].row % of == process]
        heapq.heapify(self._queue)

    def run(self) -> None:
        """Until the last day is over; what would happen later has not happened."""
        for when, _turn, what, about in sorted(self._rounds):
            if when >= self.ends:
                break
            self._until(when)
            self._meet()
            self.now = when
            if self.process == 0:
                what(*about)
            self._meet()
        self._until(self.ends)
        self._meet()
        self.now = self.ends

    def _until(self, when: datetime) -> None:
        while self._queue and self._queue[0][0] < when:
            self.now, _turn, what, about = heapq.heappop(self._queue)
            what(*about)

    def _meet(self) -> None:
        if self.gate is not None:
            self.gate.wait()

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
        return f"district-{self.process}-{next(self._numbers)}"

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
