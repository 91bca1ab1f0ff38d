"""What the packs say about reading indicators: targets, and when a share is too small to show."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.policy import Policy, Value

# Which target of the topic `appraisal` belongs to which indicator.
TARGETS = {
    "duty_compliance": "target_duty_compliance_percent",
    "visits_per_half_day": "target_visits_per_half_day",
    "up_referral_in_time": "target_up_referral_in_time_percent",
    "down_referral_ratio": "target_down_referral_percent",
    "community_visit_share": "community_visit_share_percent",
}


@dataclass(frozen=True)
class IndicatorParameters:
    """Targets by indicator (in its unit; none where no paper or region sets one) and the smallest denominator shown."""

    targets: dict[str, Value | None]
    small_denominator: Value

    @classmethod
    def read(cls, policy: Policy) -> IndicatorParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""
        return cls(
            targets={key: policy.get("appraisal", name) for key, name in TARGETS.items()},
            small_denominator=policy.value("appraisal", "small_denominator"),
        )
