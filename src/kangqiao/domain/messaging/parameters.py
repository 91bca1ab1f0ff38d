"""What the packs say about messages that leave the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from kangqiao.kernel.errors import NoPolicyInForce
from kangqiao.policy import Policy, at

TOPIC = "messaging"


@dataclass(frozen=True, slots=True)
class DeliveryParameters:
    """Hours of the day nothing is sent in, and how near a visit must be that does not wait for the morning; how often
    to try, the minutes before the first repeat, and for how many hours a report is asked for."""

    quiet_from: int
    quiet_until: int
    visit_hours: int
    tries: int
    retry_minutes: int
    report_hours: int
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> DeliveryParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce, also when no hour is left to send in."""
        quiet_from, quiet_until = (policy.integer(TOPIC, key) for key in ("quiet_from_hour", "quiet_until_hour"))
        if not 0 <= quiet_until < quiet_from <= time.max.hour:
            raise NoPolicyInForce(f"No hour is left to send in: from {quiet_until} until {quiet_from} o'clock.")
        return cls(
            quiet_from,
            quiet_until,
            visit_hours=policy.integer(TOPIC, "quiet_visit_hours"),
            tries=policy.integer(TOPIC, "tries_max"),
            retry_minutes=policy.integer(TOPIC, "retry_minutes"),
            report_hours=policy.integer(TOPIC, "report_hours"),
            ref=str(policy.ref),
        )


def delivery_at(place_code: str, on: date) -> DeliveryParameters:
    """The parameters of a place on a day. Raises NoPolicyInForce."""
    return DeliveryParameters.read(at(place_code, on))
