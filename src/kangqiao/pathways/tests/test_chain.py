"""The chain's counts and a case followed through it, on a small network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Party
from kangqiao.domain.finance import actions as finance
from kangqiao.domain.finance.models import SettlementLine
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing, scored
from kangqiao.domain.indicators.tests.factories import AT, BY, YEAR, Network, add_hospital, make_network
from kangqiao.kernel.errors import NotVisible
from kangqiao.pathways import chain
from kangqiao.pathways.close_appraisal import close_appraisal

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
def network() -> Network:
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_fund(network, "xiangzhou", 10_000_000)
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 40_000, half_days=3)
    finance.compute_settlement(place_id=network.city.pk, year=YEAR, by=BY, at=AT)
    close_appraisal(appraisal_id=scored(network, "people1").pk, by=BY, at=AT)
    return network


def seat(network: Network, role: str, organization: str) -> Seat:
    home = network.organizations[organization]
    return Seat(1, "韩景天", 1, role, role, home.pk, home.zh, home.kind, home.place.code, home.place_id, None)


def numbers(network: Network) -> dict[str, list[int]]:
    return {link.key: [figure.number for figure in link.figures] for link in chain.links("4404", NOW)}


def test_counts_of_the_city(network: Network) -> None:
    found = numbers(network)
    assert found["agreement"][0] == 1
    assert found["appraisal"] == [1, 0]
    assert found["money"] == [1, 0, 0]
    assert list(found) == list(chain.LINKS)


def test_counts_of_another_city_are_zero(network: Network) -> None:
    assert {number for link in chain.links("4403", NOW) for number in [figure.number for figure in link.figures]} == {0}


def test_counts_cost_one_statement_each_whatever_there_is_to_count(
    network: Network, asks_at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    with asks_at_most(len(chain.LINKS) + 1) as few:
        numbers(network)
    for number in range(5):
        add_pairing(network, "people1", f"more{number}", "xiangzhou", 1000)
    with asks_at_most(len(chain.LINKS) + 1) as many:
        numbers(network)
    assert len(few) == len(many)


def test_a_yuan_is_followed_from_its_agreement_to_the_appraisal_and_back(network: Network) -> None:
    line = SettlementLine.objects.get()
    trail = chain.follow(seat(network, "finance_officer", "bureau"), "line", line.pk)
    assert [stop.title for stop in trail.at("agreement")] == ["people1 → xiangwan"]
    assert [stop.title for stop in trail.at("appraisal")] == [f"{YEAR}年度 0.00 分"]
    assert [(stop.title, stop.state) for stop in trail.at("money")] == [("¥960,000.00", "可拨付")]
    assert {stop.title for stop in trail.at("indicator")} >= {"坐诊义务履行率"}
    assert trail.at("publication") == []


def test_who_may_not_open_sum_or_judgement_sees_the_links_and_their_state_only(network: Network) -> None:
    manager = seat(network, "centre_manager", "xiangwan")
    Party.objects.create(
        agreement=network.agreements["xiangwan"], organization=network.organizations["xiangwan"], side="centre"
    )

    trail = chain.follow(manager, "agreement", network.agreements["xiangwan"].pk)

    assert [(stop.title, stop.state) for stop in trail.at("money")] == [("珠海市财政", "可拨付")]
    assert [(stop.title, stop.url) for stop in trail.at("appraisal")] == [(f"{YEAR}年度考核", "")]
    assert trail.at("indicator") == []


def test_a_stranger_follows_nothing(network: Network) -> None:
    add_hospital(network, "people2", "municipal")
    stranger = seat(network, "hospital_director", "people2")
    agreement = network.agreements["xiangwan"]
    for kind, pk in (("agreement", agreement.pk), ("line", SettlementLine.objects.get().pk), ("nothing", 1)):
        with pytest.raises(NotVisible):
            chain.follow(stranger, kind, pk)
