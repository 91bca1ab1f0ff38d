"""What the packs say about the yearly appraisal of a hospital."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.domain.indicators.parameters import TARGETS
from kangqiao.policy import Policy, Value

# Which weight of the topic `appraisal` belongs to which indicator.
WEIGHTS = {
    "duty_compliance": "weight_duty_compliance",
    "visits_per_half_day": "weight_visits",
    "up_referral_in_time": "weight_up_referral_in_time",
    "down_referral_ratio": "weight_down_referrals",
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
            weights={key: policy.value("appraisal", weight) for key, weight in WEIGHTS.items()},
            targets={key: policy.value(*TARGETS[key]) for key in WEIGHTS},
            full_pay_score_min=policy.value("appraisal", "full_pay_score_min"),
            full_pay_percent=policy.value("appraisal", "full_pay_percent"),
            reduced_pay_percent=policy.value("appraisal", "reduced_pay_percent"),
            ref=str(policy.ref),
        )
