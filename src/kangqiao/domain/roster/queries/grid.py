"""What the board of a week is made of, and the steps a reader may take on a half-day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from kangqiao.domain.institutions.models import Place
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.permissions import (
    Standing,
    parties,
)
from kangqiao.domain.roster.queries.duties import Duties
from kangqiao.domain.roster.rules import (
    HALVES,
    Shortage,
)
from kangqiao.domain.roster.states import HALF_DAY, ROSTER
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.period import Period
from kangqiao.kernel.states import State, Step
from kangqiao.policy import Value


@dataclass(frozen=True, slots=True)
class Entry:
    """One expert in one cell: `look` is `set`, `new` (not there last week) or `ask` (a side has still to confirm)."""

    half_day: HalfDay
    name: str
    title: str
    specialty: str
    shape: int
    look: str
    is_selected: bool
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """One half of one day at one centre; `target` says whether the move in hand may end here, and why not."""

    key: str
    day: date
    half: str
    is_open: bool
    entries: tuple[Entry, ...]
    is_selected: bool = False
    target: Decision | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One centre in a week with its cells and what it is owed."""

    duties: Duties
    centre: str
    hospital: str
    slots: tuple[Slot, ...]
    half_days: int
    experts: int

    @property
    def missing(self) -> int:
        """Half-days still missing this week."""
        return max(0, self.duties.half_days - self.half_days)

    @property
    def experts_needed(self) -> int:
        """Distinct experts owed in a week; never more than half-days."""
        return min(self.duties.experts, self.duties.half_days)

    @property
    def has_enough_experts(self) -> bool:
        """Whether enough different experts come this week."""
        return self.experts >= self.experts_needed


@dataclass(frozen=True, slots=True)
class Obligation:
    """One figure over all centres: how many meet it; `value` says whether the paper or the region set it."""

    label: str
    value: Value
    clause: str
    dots: tuple[tuple[str, bool], ...]

    @property
    def met(self) -> int:
        """How many meet it."""
        return sum(is_met for _name, is_met in self.dots)

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.dots)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expert who could take a half-day, and whether the rules let him or her."""

    posting: Posting
    name: str
    title: str
    specialty: str
    shape: int
    half_days: int
    verdict: Decision


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the panel shows for the chosen cell: the half-day with its steps, or a free place and who could take it."""

    slot: Slot
    centre: str
    entry: Entry | None
    starts_at: datetime
    ends_at: datetime
    slots_open: int
    elsewhere: tuple[str, ...]
    week_count: int
    week_limit: int
    steps: tuple[Step, ...]
    waiting_for: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def state(self) -> State | None:
        """The state of the half-day, for its pill."""
        return HALF_DAY.state(self.entry.half_day.status) if self.entry else None

    @property
    def can_change(self) -> bool:
        """Whether the half-day has not ended yet, so that a dispatcher may move it."""
        return self.state is not None and not self.state.final


@dataclass(frozen=True, slots=True)
class Board:
    """The week of a place: grid, obligations, unmet demands with reasons, proof of the plan."""

    place: Place
    span: Period
    days: tuple[date, ...]
    rows: tuple[Row, ...]
    roster: Roster | None
    obligations: tuple[Obligation, ...]
    qualified: int
    experts: int
    title_value: Value
    unmet: tuple[Shortage, ...]
    legend: tuple[tuple[int, str], ...]
    counts: Mapping[str, int]
    can_plan: bool
    mode: str
    chosen: Chosen | None
    weeks: int

    @property
    def roster_state(self) -> State | None:
        """The state of the roster, for its pill."""
        return ROSTER.state(self.roster.status) if self.roster else None

    @property
    def number(self) -> int:
        """The number of the week in the year (ISO)."""
        return self.span.start.isocalendar().week

    @property
    def last_day(self) -> date:
        """The last day shown."""
        return self.days[-1]

    @property
    def earlier(self) -> date:
        """Monday of the week before."""
        return self.span.start - timedelta(weeks=1)

    @property
    def later(self) -> date:
        """Monday of the week after."""
        return self.span.start + timedelta(weeks=1)

    @property
    def by_day(self) -> list[tuple[date, list[tuple[str, str, Entry]]]]:
        """The sittings day by day, for a narrow screen: centre, half and who."""
        return [
            (
                day,
                [(row.centre, slot.half, entry) for half in HALVES for row in self.rows for slot in row.slots
                 if (slot.day, slot.half) == (day, half) for entry in slot.entries],
            )
            for day in self.days
        ]  # fmt: skip

    @property
    def can_publish(self) -> bool:
        """Whether there is a draft this reader may publish."""
        return self.can_plan and self.roster is not None and self.roster.status == "draft"


def steps_for(who: Standing, half_day: HalfDay, figures: RosterParameters) -> list[Step]:
    """The steps of the table this reader may take now; who has confirmed has nothing left to confirm."""
    sides = parties(who, half_day)
    done = {
        side
        for side, stamp in (("hospital", half_day.hospital_confirmed_at), ("centre", half_day.centre_confirmed_at))
        if stamp is not None
    }
    needed = {"hospital", "centre"} if figures.needs_both_sides else {"hospital", "dispatcher"}
    found = HALF_DAY.steps_from(half_day.status, sides)
    return [step for step in found if step.action != "confirm" or (sides - done) & needed]


def sides_missing(half_day: HalfDay, figures: RosterParameters) -> tuple[str, ...]:
    if half_day.status != "planned" or not figures.needs_both_sides:
        return ()
    sides = ((half_day.hospital_confirmed_at, _("派出医院")), (half_day.centre_confirmed_at, _("社区中心")))
    return tuple(name for stamp, name in sides if stamp is None)


def as_table(found: Board) -> tuple[list[str], list[list[object]]]:
    """The board as a plain table: a row per centre, a column per half-day."""
    half = {"am": _("上午"), "pm": _("下午")}
    columns = [(day, each) for day in found.days for each in HALVES]
    heads = [
        _("社区中心"),
        _("责任医院"),
        *(f"{day:%m-%d} {half[each]}" for day, each in columns),
        _("半天"),
        _("专家"),
    ]
    rows: list[list[object]] = []
    for row in found.rows:
        cells = [_("、").join(f"{entry.name} {entry.specialty}" for entry in slot.entries) for slot in row.slots]
        counts = (f"{row.half_days}/{row.duties.half_days}", f"{row.experts}/{row.experts_needed}")
        rows.append([row.centre, row.hospital, *cells, *counts])
    return heads, rows
