"""What the papers and the region's settings say about posting experts, read once for a place and a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from kangqiao.policy import Policy, Value

TOPIC = "roster"
MORNING, AFTERNOON = "am", "pm"


@dataclass(frozen=True, slots=True)
class RosterParameters:
    """Each figure as a policy value, so that a page can show its clause or its mark as a setting.

    `visits_per_week_min` counts half-days per centre and week, `experts_per_centre_min` posted people at any time,
    `confirming_parties` the sides that must agree before a half-day becomes public. `ref` is kept with decisions.
    """

    visits_per_week_min: Value
    visit_length_days: Value
    experts_per_centre_min: Value
    min_title_grade: Value
    confirming_parties: Value
    max_half_days_per_expert_week: Value
    planning_weeks: Value
    morning_start: Value
    morning_end: Value
    afternoon_start: Value
    afternoon_end: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> RosterParameters:
        """The figures in force under a policy. Raises NoPolicyInForce when one is missing."""
        return cls(
            visits_per_week_min=policy.value(TOPIC, "visits_per_week_min"),
            visit_length_days=policy.value(TOPIC, "visit_length_days"),
            experts_per_centre_min=policy.value(TOPIC, "experts_per_centre_min"),
            min_title_grade=policy.value(TOPIC, "min_title_grade"),
            confirming_parties=policy.value(TOPIC, "confirming_parties"),
            max_half_days_per_expert_week=policy.value(TOPIC, "max_half_days_per_expert_week"),
            planning_weeks=policy.value(TOPIC, "planning_weeks"),
            morning_start=policy.value(TOPIC, "morning_start"),
            morning_end=policy.value(TOPIC, "morning_end"),
            afternoon_start=policy.value(TOPIC, "afternoon_start"),
            afternoon_end=policy.value(TOPIC, "afternoon_end"),
            ref=str(policy.ref),
        )

    @property
    def needs_both_sides(self) -> bool:
        """Whether hospital and centre must both confirm before residents may book (SZ16-2.1b)."""
        return self.confirming_parties.integer() > 1

    def hours(self, half: str) -> tuple[time, time]:
        """From when to when a half-day runs, in local time."""
        if half == MORNING:
            return self.morning_start.time(), self.morning_end.time()
        return self.afternoon_start.time(), self.afternoon_end.time()

    def instants(self, day: date, half: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The first and last instant of a half-day on a day of the local zone."""
        start, end = self.hours(half)
        return datetime.combine(day, start, zone), datetime.combine(day, end, zone)
