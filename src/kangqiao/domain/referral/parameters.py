"""What the packs say about referral: time limits, who is reminded when, the data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from kangqiao import policy as papers
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
    school_items: Value
    school_answer_minutes: Value
    emergency_number: Value
    attachment_mb: Value
    attachments_most: Value
    remind_percent: Value
    escalate_percent: Value
    points: dict[str, Value]
    aged_from: Value
    waiting_most: Value
    measured_from: Value
    bounce_back_days: Value
    summary_look_back_days: Value
    discharge_look_back_days: Value
    stable_days: Value
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
            school_items=value("required_items_school_emergency"),
            school_answer_minutes=value("school_answer_minutes"),
            attachment_mb=value("attachment_mb"),
            attachments_most=value("attachments_most"),
            emergency_number=policy.value("portal", "emergency_number"),
            remind_percent=value("overdue_remind_percent"),
            escalate_percent=value("overdue_escalate_percent"),
            points={reason: value(f"priority_points_{reason}") for reason in POINTS},
            aged_from=value("priority_aged_from_years"),
            waiting_most=value("priority_points_waiting_max"),
            measured_from=value("measured_from_patients"),
            bounce_back_days=value("bounce_back_days"),
            summary_look_back_days=value("summary_look_back_days"),
            discharge_look_back_days=value("discharge_look_back_days"),
            stable_days=value("stable_days"),
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

    @property
    def attachment_bytes(self) -> int:
        """How large a file that travels with a letter may be."""
        return self.attachment_mb.integer() * 1024 * 1024

    @property
    def school_limit(self) -> timedelta:
        """How long the centre may take to answer a school's emergency."""
        return timedelta(seconds=float(self.school_answer_minutes.fraction() * 60))


def _hours(value: Value) -> timedelta:
    return timedelta(seconds=float(value.fraction() * 3600))


# A value of a measure compared with a figure.
Test = tuple[str, str, Decimal]


@dataclass(frozen=True, slots=True)
class Criterion:
    """When a record speaks for sending somebody: values, how often, with how many medicines, or since which age."""

    code: str
    problem: str = ""
    any_of: tuple[Test, ...] = ()
    all_of: tuple[Test, ...] = ()
    days_in_a_row: int = 1
    apart_days: int = 0
    medicines_from: int = 0
    onset_below: int = 0


@dataclass(frozen=True, slots=True)
class Stay:
    """From which day in a bed a diagnosis may go down, and under which criterion."""

    from_day: int
    code: str


@cache
def criteria(direction: str) -> tuple[Criterion, ...]:
    """The criteria of one direction that a record can meet, in the order of the pack."""
    return tuple(
        Criterion(
            row["code"], row.get("problem", ""), _tests(row.get("any", ())), _tests(row.get("all", ())),
            row.get("days_in_a_row", 1), row.get("apart_days", 0), row.get("medicines_from", 0),
            row.get("onset_below", 0),
        )
        for row in _data()[direction]
    )  # fmt: skip


@cache
def stays() -> Mapping[str, Stay]:
    """When a patient in a bed may go down, by diagnosis."""
    return MappingProxyType({row["diagnosis"]: Stay(row["from_day"], row["code"]) for row in _data()["discharge"]})


def _data() -> dict[str, Any]:
    return papers.default().pack("cn-national").data("referral_criteria")


def _tests(rows: Any) -> tuple[Test, ...]:
    return tuple((code, how, Decimal(figure)) for code, how, figure in rows)
