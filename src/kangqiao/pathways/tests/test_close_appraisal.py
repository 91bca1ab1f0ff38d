"""Closing an appraisal releases the money that waited for it, once and for all."""

from __future__ import annotations

import pytest

from kangqiao.domain.finance import actions
from kangqiao.domain.finance.models import Settlement, SettlementLine
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing, scored
from kangqiao.domain.indicators.tests.factories import AT, BY, YEAR, Network, add_hospital, make_network
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken
from kangqiao.kernel.money import to_fen
from kangqiao.pathways.close_appraisal import close_appraisal

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


@pytest.mark.clause("SZ16-4.1.1b")
@pytest.mark.clause("ZH-4.7a")
def test_money_is_held_until_the_appraisal_is_closed_and_follows_its_score(network: Network) -> None:
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000, half_days=3)
    settlement = compute(network)
    held = line_of(settlement, "xiangwan")
    assert (held.status, held.amount_fen) == ("held", None)

    appraisal = scored(network, "people1")
    assert appraisal.score == 0
    closed, released = close_appraisal(appraisal_id=appraisal.pk, by=BY, at=AT)

    line = line_of(settlement, "xiangwan")
    assert (closed.status, released) == ("closed", 1)
    assert (line.status, line.amount_fen, line.pay_percent) == ("payable", to_fen(960_000), 80)


def test_lines_of_a_closed_appraisal_are_payable_at_once(network: Network) -> None:
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000, half_days=3)
    close_appraisal(appraisal_id=scored(network, "district1").pk, by=BY, at=AT)
    assert line_of(compute(network), "qianshan").status == "payable"


def test_closing_an_appraisal_twice_says_who_closed_it(network: Network) -> None:
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000)
    appraisal = scored(network, "people1")
    close_appraisal(appraisal_id=appraisal.pk, by=BY, at=AT)
    with pytest.raises(AlreadyMoved, match="已由test于"):
        close_appraisal(appraisal_id=appraisal.pk, by=BY, at=AT)


def test_paying_needs_submission_and_an_appraisal(network: Network) -> None:
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000)
    settlement, payer = compute(network), network.places["xiangzhou"]
    with pytest.raises(RuleBroken, match="还没有提交"):
        actions.pay_lines(settlement_id=settlement.pk, payer_id=payer.pk, by=BY, at=AT)
    actions.submit_settlement(settlement_id=settlement.pk, by=BY, at=AT)
    with pytest.raises(RuleBroken, match="1 笔待考核定案"):
        actions.pay_lines(settlement_id=settlement.pk, payer_id=payer.pk, by=BY, at=AT)

    close_appraisal(appraisal_id=scored(network, "district1").pk, by=BY, at=AT)
    paid = actions.pay_lines(settlement_id=settlement.pk, payer_id=payer.pk, by=BY, at=AT)
    settlement.refresh_from_db()
    assert ([line.status for line in paid], settlement.status) == (["paid"], "paid")
    with pytest.raises(AlreadyMoved, match="已由test于"):
        actions.pay_lines(settlement_id=settlement.pk, payer_id=payer.pk, by=BY, at=AT)
