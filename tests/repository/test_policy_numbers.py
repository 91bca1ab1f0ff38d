"""No figure of a policy paper stands in Python; packs hold them."""

from __future__ import annotations

from kangqiao.policy import find_policy_numbers
from tests.repository.sources import PRODUCT, name, none, product, text


def test_no_policy_number_in_python() -> None:
    paths = [path for path in product() if not path.is_relative_to(PRODUCT / "policy")]

    assert paths
    none(found for path in paths for found in find_policy_numbers(text(path), name(path)))


def test_search_finds_a_planted_one() -> None:
    found = find_policy_numbers("city_rate = Decimal('0.12')\n", "src/kangqiao/domain/finance/rules.py")

    assert {str(one).split(": ")[0] for one in found} == {"src/kangqiao/domain/finance/rules.py:1"}
