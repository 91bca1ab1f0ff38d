"""What the packs say about the yearly appraisal of a hospital."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.policy import Policy, Value

# Which weight and which target of the topic `appraisal` belong to which indicator.
KEYS = {
    "duty_compliance": ("weight_duty_compliance", "target_duty_compliance_percent"),
    "visits_per_half_day": ("weight_visits", "target_visits_per_half_day"),
    "up_referral_in_time": ("weight_up_referral_in_time", "target_up_referral_in_time_percent"),
    "down_referral_ratio": ("weight_down_referrals", "target_down_referral_percent"),
}


@dataclass(frozen=True)
class AppraisalParameters:
    """Weights (points of 100), targets (in the indicator's unit) and the scale from score to pay (percent)."""

    weights: dict[str, Value]
    targets: dict[str, Value]
    full_pay_score_min: Value
    full_pay_percent: Value
    reduced_pay_percent: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> AppraisalParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""
        return cls(
            weights={key: policy.value("appraisal", weight) for key, (weight, _) in KEYS.items()},
            targets={key: policy.value("appraisal", target) for key, (_, target) in KEYS.items()},
            full_pay_score_min=policy.value("appraisal", "full_pay_score_min"),
            full_pay_percent=policy.value("appraisal", "full_pay_percent"),
            reduced_pay_percent=policy.value("appraisal", "reduced_pay_percent"),
            ref=str(policy.ref),
        )
