"""What the packs say about reading indicators: targets, and when a share is too small to show."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.policy import Policy, Value

# Which target belongs to which indicator: topic and key. An indicator no paper sets a figure for has none.
TARGETS = {
    "duty_compliance": ("appraisal", "target_duty_compliance_percent"),
    "visits_per_half_day": ("appraisal", "target_visits_per_half_day"),
    "up_referral_in_time": ("appraisal", "target_up_referral_in_time_percent"),
    "down_referral_ratio": ("appraisal", "target_down_referral_percent"),
    "community_visit_share": ("appraisal", "community_visit_share_percent"),
    "signed_share": ("contracting", "resident_coverage_percent"),
    "key_group_signed_share": ("contracting", "key_group_coverage_percent"),
    "contract_served_share": ("contracting", "served_percent"),
    "contract_renewal_rate": ("contracting", "renewal_percent"),
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
            targets={key: policy.get(*names) for key, names in TARGETS.items()},
            small_denominator=policy.value("appraisal", "small_denominator"),
        )
