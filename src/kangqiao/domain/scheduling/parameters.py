"""What the papers and the region's settings say about slots, read once for a place and a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from fractions import Fraction
from types import MappingProxyType

from kangqiao.kernel.errors import NoPolicyInForce
from kangqiao.policy import Policy, Value

TOPIC = "slots"
KEYS = (
    "slot_minutes",
    "slots_per_session",
    "reserved_share",
    "team_share",
    "contracted_share",
    "team_hours_before",
    "contracted_hours_before",
    "release_hours_before",
    "head_start_days",
    "booking_horizon_days",
    "hold_minutes",
    "cancel_hours_before",
    "late_minutes",
)


@dataclass(frozen=True, slots=True)
class SlotParameters:
    """How sessions are cut, what partner centres get first, and how far ahead one may book.

    Shares are shares of 1: of paired centres, of their teams, of contracted residents. `values` keeps each figure with
    its clause or its mark as a setting, for display; `ref` names the pack that decided the share; a session keeps it.
    """

    slot_minutes: int
    slots_per_session: int
    reserved_share: Fraction
    team_share: Fraction
    contracted_share: Fraction
    team_hours_before: int
    contracted_hours_before: int
    release_hours_before: int
    head_start_days: int
    booking_horizon_days: int
    hold_minutes: int
    cancel_hours_before: int
    late_minutes: int
    ref: str
    values: Mapping[str, Value]

    @classmethod
    def read(cls, policy: Policy) -> SlotParameters:
        """The figures in force under a policy. Raises NoPolicyInForce when one is missing."""
        values = {key: policy.value(TOPIC, key) for key in KEYS}
        return cls(
            slot_minutes=values["slot_minutes"].integer(),
            slots_per_session=values["slots_per_session"].integer(),
            reserved_share=values["reserved_share"].fraction(),
            team_share=values["team_share"].fraction(),
            contracted_share=values["contracted_share"].fraction(),
            team_hours_before=values["team_hours_before"].integer(),
            contracted_hours_before=values["contracted_hours_before"].integer(),
            release_hours_before=values["release_hours_before"].integer(),
            head_start_days=values["head_start_days"].integer(),
            booking_horizon_days=values["booking_horizon_days"].integer(),
            hold_minutes=values["hold_minutes"].integer(),
            cancel_hours_before=values["cancel_hours_before"].integer(),
            late_minutes=values["late_minutes"].integer(),
            ref=str(values["reserved_share"].ref),
            values=MappingProxyType(values),
        )


@dataclass(frozen=True, slots=True)
class OfferParameters:
    """How long who waits is asked about a freed place: minutes, at which hours not, and how long before its time.

    `ref` names the pack, for the trace of an offer.
    """

    minutes: int
    hours_before: int
    quiet_from: int
    quiet_until: int
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> OfferParameters:
        """The figures in force under a policy. Raises NoPolicyInForce when one is missing or no hour is left to ask."""
        minutes = policy.value(TOPIC, "offer_minutes")
        quiet_from = policy.value(TOPIC, "offer_quiet_from_hour").integer()
        quiet_until = policy.value(TOPIC, "offer_quiet_until_hour").integer()
        if not 0 <= quiet_until < quiet_from <= time.max.hour:
            raise NoPolicyInForce(
                f"No hour is left to ask who waits: {minutes.ref} asks from {quiet_until} until {quiet_from} o'clock."
            )
        return cls(
            minutes.integer(),
            policy.value(TOPIC, "offer_hours_before").integer(),
            quiet_from,
            quiet_until,
            str(minutes.ref),
        )


@dataclass(frozen=True, slots=True)
class AbsenceParameters:
    """How often somebody may stay away within how many days, for how long they then cannot book online.

    `referral_weight` is what an absence from a referral counts; `appeal_days` how long after it one may appeal.
    """

    limit: int
    window_days: int
    suspension_days: int
    referral_weight: Fraction
    appeal_days: int

    @classmethod
    def read(cls, policy: Policy) -> AbsenceParameters:
        """The figures in force under a policy. Raises NoPolicyInForce when one is missing."""
        return cls(
            policy.value(TOPIC, "no_show_limit").integer(),
            policy.value(TOPIC, "no_show_window_days").integer(),
            policy.value(TOPIC, "suspension_days").integer(),
            policy.value(TOPIC, "no_show_referral_weight").fraction(),
            policy.value(TOPIC, "appeal_days").integer(),
        )


@dataclass(frozen=True, slots=True)
class WeeklyParameters:
    """How far a weekly template may go: places in one time, and how many weeks are opened at once, usually and most.

    `weeks_kept` is how many weeks ahead the night keeps open; none where a hospital publishes everything itself.
    """

    capacity_most: int
    weeks: int
    weeks_most: int
    weeks_kept: int

    @classmethod
    def read(cls, policy: Policy) -> WeeklyParameters:
        """The figures in force under a policy. Raises NoPolicyInForce when one is missing."""
        return cls(
            policy.value(TOPIC, "template_capacity_most").integer(),
            policy.value(TOPIC, "template_weeks").integer(),
            policy.value(TOPIC, "template_weeks_most").integer(),
            policy.value(TOPIC, "template_weeks_kept").integer(),
        )


def overbook_most(policy: Policy) -> int:
    """How many may be added beyond the places of one session. Raises NoPolicyInForce when nothing says so."""
    return policy.value(TOPIC, "overbook_most").integer()


def first_visit_cut(policy: Policy) -> Value | None:
    """Percentage points of pooled insurance a resident loses who goes to a hospital past their centre (ZH-4.4a).

    Nothing where no paper asks for first visits at a centre.
    """
    return policy.get("contracting", "non_referred_reimbursement_cut_percent")
