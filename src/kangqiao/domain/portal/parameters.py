"""What the packs say about questions of residents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kangqiao.policy import Policy, Value, at

TOPIC = "portal"


@dataclass(frozen=True, slots=True)
class PortalParameters:
    """Hours to answer in, minutes where a word of danger was written, days after which an answer closes the matter.

    `rate_days` is how long a service can be rated. `red_flags` are words of danger by what they point to.
    """

    answer_hours: Value
    urgent_minutes: Value
    close_days: Value
    rate_days: Value
    emergency_number: Value
    red_flags: Mapping[str, tuple[str, ...]]
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> PortalParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""

        def value(key: str) -> Value:
            return policy.value(TOPIC, key)

        return cls(
            answer_hours=value("answer_within_hours"),
            urgent_minutes=value("answer_urgent_within_minutes"),
            close_days=value("close_answered_after_days"),
            rate_days=value("rate_within_days"),
            emergency_number=value("emergency_number"),
            red_flags=value("red_flags").value,
            ref=str(policy.ref),
        )


def portal_at(place_code: str, on: date) -> PortalParameters:
    """The parameters of a place on a day. Raises NoPolicyInForce."""
    return PortalParameters.read(at(place_code, on))
