"""What the packs say about the joint-building fund."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.policy import Policy, Value


@dataclass(frozen=True)
class FundParameters:
    """Rates, payer rules and split key; rates in percent of the area's fund and in yuan per person and year."""

    city_rate_percent: Value
    district_rate_yuan_per_person: Value
    city_class_ownerships: Value
    city_paid_division: Value
    split_key: Value
    payer_city: Value
    payer_elsewhere: Value
    payer_district_hospital: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> FundParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce where no paper sets up this fund."""
        return cls(
            city_rate_percent=policy.value("finance", "city_rate_percent"),
            district_rate_yuan_per_person=policy.value("finance", "district_rate_yuan_per_person"),
            city_class_ownerships=policy.value("finance", "city_class_ownerships"),
            city_paid_division=policy.value("finance", "xiangzhou_division"),
            split_key=policy.value("finance", "city_rate_split_key"),
            payer_city=policy.value("finance", "payer_xiangzhou_by_city_class"),
            payer_elsewhere=policy.value("finance", "payer_elsewhere_by_city_class"),
            payer_district_hospital=policy.value("finance", "payer_district_hospital"),
            ref=str(policy.ref),
        )
