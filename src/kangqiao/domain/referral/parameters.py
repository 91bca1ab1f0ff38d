"""What the packs say about referral: time limits, who is reminded when, the data set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kangqiao.policy import Policy, Value

URGENCIES = ("emergency", "urgent", "routine")
POINTS = ("emergency", "danger_sign", "urgent", "contracted", "key_group", "aged")


@dataclass(frozen=True)
class ReferralParameters:
    """Limits in hours or days, shares of a limit in percent, items of the data set; each with clause or reason."""

    accept_hours: dict[str, Value]
    place_hours: dict[str, Value]
    summary_hours: Value
    summary_hours_urgent: Value
    down_accept_hours: Value
    down_accept_hours_urgent: Value
    first_contact_days: Value
    required_items: Value
    remind_percent: Value
    escalate_percent: Value
    points: dict[str, Value]
    aged_from: Value
    waiting_most: Value
    measured_from: Value
    bounce_back_days: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> ReferralParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""

        def value(key: str) -> Value:
            return policy.value("referral", key)

        return cls(
            accept_hours={urgency: value(f"accept_hours_{urgency}") for urgency in URGENCIES},
            place_hours={urgency: value(f"place_hours_{urgency}") for urgency in URGENCIES},
            summary_hours=value("summary_hours"),
            summary_hours_urgent=value("summary_hours_urgent"),
            down_accept_hours=value("down_accept_hours"),
            down_accept_hours_urgent=value("down_accept_hours_urgent"),
            first_contact_days=value("first_contact_days"),
            required_items=value("required_items"),
            remind_percent=value("overdue_remind_percent"),
            escalate_percent=value("overdue_escalate_percent"),
            points={reason: value(f"priority_points_{reason}") for reason in POINTS},
            aged_from=value("priority_aged_from_years"),
            waiting_most=value("priority_points_waiting_max"),
            measured_from=value("measured_from_patients"),
            bounce_back_days=value("bounce_back_days"),
            ref=str(policy.ref),
        )

    def accept_limit(self, urgency: str) -> timedelta:
        """How long the desk may take to answer."""
        return _hours(self.accept_hours[urgency])

    def place_limit(self, urgency: str) -> timedelta:
        """How long the desk may look for a place after it has taken the patient."""
        return _hours(self.place_hours[urgency])

    def summary_limit(self, urgency: str) -> timedelta:
        """How long the hospital may take to return the summary after the visit."""
        return _hours(self.summary_hours if urgency == "routine" else self.summary_hours_urgent)

    def down_limit(self, urgency: str) -> timedelta:
        """How long the centre may take to answer a down-referral."""
        return _hours(self.down_accept_hours if urgency == "routine" else self.down_accept_hours_urgent)

    @property
    def first_contact_limit(self) -> timedelta:
        """How long the centre has for the first contact after taking a patient over."""
        return timedelta(days=float(self.first_contact_days.fraction()))


def _hours(value: Value) -> timedelta:
    return timedelta(seconds=float(value.fraction() * 3600))
