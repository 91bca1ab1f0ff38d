from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from kangqiao.domain.followup import rules
from kangqiao.domain.followup.parameters import classes_at

CLASSES = classes_at("4404", date(2026, 3, 2))


@pytest.mark.parametrize(
    ("facts", "level", "grounds"),
    [
        ({"systolic": 160}, "close_care", ["收缩压 160 及以上"]),
        ({"systolic": 159}, "managed", ["收缩压 140 及以上"]),
        ({"systolic": 139, "age": 65}, "attention", ["65 岁及以上"]),
        ({"systolic": 139, "age": 64}, "general", []),
        ({"problems": 2}, "close_care", ["两种以上慢性病"]),
        ({"problems": 1, "glucose_fasting": Decimal("10.0")}, "close_care", ["空腹血糖 10.0 及以上"]),
        ({"bmi": Decimal("27.9"), "smoking": 0}, "general", []),
        ({}, "general", []),
    ],
)
def test_closest_class_that_a_fact_puts_into(facts: dict[str, Decimal], level: str, grounds: list[str]) -> None:
    found, met = rules.class_of({key: Decimal(value) for key, value in facts.items()}, CLASSES)

    assert found.key == level
    assert [one.zh for one in met] == grounds


def test_class_without_anybody_is_refused() -> None:
    with pytest.raises(ValueError, match="everybody"):
        rules.class_of({}, CLASSES[:1])


def test_body_mass_index() -> None:
    assert rules.body_mass_index(Decimal(170), Decimal(81)) == Decimal("28.0")
    assert rules.body_mass_index(None, Decimal(81)) is None
