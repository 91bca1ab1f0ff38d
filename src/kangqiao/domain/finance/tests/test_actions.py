"""The joint-building fund of Zhuhai, computed, held, released and paid."""

from __future__ import annotations

import pytest

from kangqiao.domain.finance import actions
from kangqiao.domain.finance.models import Settlement, SettlementLine
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing, scored
from kangqiao.domain.indicators.tests.factories import AT, BY, YEAR, Network, add_hospital, make_network
from kangqiao.kernel.errors import NoPolicyInForce, RuleBroken
from kangqiao.kernel.money import to_fen

pytestmark = pytest.mark.django_db


@pytest.fixture
def network() -> Network:
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_hospital(network, "district1", "district")
    add_fund(network, "xiangzhou", 10_000_000)
    return network


def compute(network: Network) -> Settlement:
    return actions.compute_settlement(place_id=network.city.pk, year=YEAR, by=BY, at=AT)


def line_of(settlement: Settlement, centre: str) -> SettlementLine:
    return settlement.lines.select_related("payer").get(centre__code=centre)


@pytest.mark.clause("ZH-4.2a")
def test_city_pays_for_xiangzhou_centres_of_a_municipal_hospital(network: Network) -> None:
    for centre, place in (("xiangwan", "xiangzhou"), ("shishan", "xiangzhou"), ("hongqi", "jinwan")):
        add_pairing(network, "people1", centre, place, 40_000)
    settlement = compute(network)
    payers = [line_of(settlement, centre).payer for centre in ("xiangwan", "shishan", "hongqi")]
    assert payers == [network.city, network.city, network.places["jinwan"]]


@pytest.mark.clause("ZH-4.2b")
def test_district_of_the_centre_pays_outside_xiangzhou(network: Network) -> None:
    add_pairing(network, "people1", "hongqi", "jinwan", 40_000)
    add_pairing(network, "people1", "hengqin-c", "hengqin", 10_000)
    settlement = compute(network)
    assert line_of(settlement, "hongqi").payer == network.places["jinwan"]
    assert line_of(settlement, "hengqin-c").payer == network.places["hengqin"]


@pytest.mark.clause("ZH-4.2c")
def test_district_pays_for_its_own_hospital(network: Network) -> None:
    for centre in ("qianshan", "qianshanbei", "wanzai"):
        add_pairing(network, "district1", centre, "xiangzhou", 30_000)
    settlement = compute(network)
    assert {line.payer for line in settlement.lines.all()} == {network.places["xiangzhou"]}
    assert settlement.lines.count() == 3


@pytest.mark.clause("ZH-4.2d")
def test_city_subsidy_is_its_rate_of_the_area_fund(network: Network) -> None:
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000)
    add_pairing(network, "people1", "shishan", "xiangzhou", 10_000)
    settlement = compute(network)
    assert settlement.total_fen == to_fen(1_200_000)
    assert line_of(settlement, "xiangwan").base_fen == to_fen(900_000)
    assert line_of(settlement, "shishan").base_fen == to_fen(300_000)
    assert line_of(settlement, "shishan").inputs["split_key"] == "population_served"


@pytest.mark.clause("ZH-4.2e")
def test_district_subsidy_is_per_person_served(network: Network) -> None:
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000)
    line = line_of(compute(network), "qianshan")
    assert line.base_fen == to_fen(126_000)
    assert (line.clause, line.inputs["payer_clause"]) == ("ZH-4.2e", "ZH-4.2c")


@pytest.mark.clause("ZH-4.2f")
def test_past_year_keeps_the_rate_it_was_computed_with(network: Network) -> None:
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000)
    settlement = compute(network)
    stored = Settlement.objects.get(pk=settlement.pk)
    assert stored.policy_ref == "zhuhai-lianjian@1.0.0#2025-12-31"
    assert stored.inputs["lines"][0]["inputs"]["rate_yuan"] == "3"
    assert len(stored.sha256) == 64


def test_open_appraisal_releases_nothing(network: Network) -> None:
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000)
    compute(network)
    with pytest.raises(RuleBroken, match="考核定案前"):
        actions.release_lines(appraisal=scored(network, "people1"), by=BY, at=AT)


@pytest.mark.parametrize(("verified", "words"), [(False, "还没有核实"), (None, "还没有录入")])
def test_missing_or_unverified_input_stops_the_computation(verified: bool | None, words: str) -> None:
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000)
    if verified is not None:
        add_fund(network, "xiangzhou", 10_000_000, verified=verified)
    with pytest.raises(RuleBroken, match=f"香洲区基本公共卫生服务经费总额.*{words}"):
        compute(network)
    assert not Settlement.objects.exists()


def test_correction_is_a_new_version_with_a_reason(network: Network) -> None:
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000)
    first = compute(network)
    with pytest.raises(RuleBroken, match="原因"):
        compute(network)
    second = actions.compute_settlement(place_id=network.city.pk, year=YEAR, reason="服务人口更正", by=BY, at=AT)
    first.refresh_from_db()
    assert (first.status, second.version, second.previous_id) == ("superseded", 2, first.pk)


def test_no_policy_before_the_first_value(network: Network) -> None:
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000)
    with pytest.raises(NoPolicyInForce):
        actions.compute_settlement(place_id=network.city.pk, year=2011, by=BY, at=AT)
