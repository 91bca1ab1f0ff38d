"""Closing an appraisal in the browser: the money is shown first, and twice is once."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from kangqiao.domain.finance import actions
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing, scored
from kangqiao.domain.indicators.tests.factories import AT, BY, YEAR, Network, add_hospital, make_network, signed_in, sit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-01-20 10:00 +0800", tick=False):
        yield


@pytest.fixture
def network() -> Network:
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000, half_days=3)
    add_fund(network, "xiangzhou", 10_000_000)
    actions.compute_settlement(place_id=network.city.pk, year=YEAR, by=BY, at=AT)
    return network


@pytest.mark.clause("SZ16-4.1.1b")
def test_page_shows_what_closing_releases_and_the_second_closing_says_who_was_first(network: Network) -> None:
    address = reverse("appraisal-close", args=(scored(network, "people1").pk,))
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    assert "960,000.00" in client.get(address).content.decode()
    assert client.post(address).status_code == 302
    again = client.post(address)
    assert again.status_code == 409
    assert "已由韩景天于" in again.content.decode()
    assert "定案。" in client.get(address).content.decode()


def test_hospital_may_not_close(network: Network) -> None:
    address = reverse("appraisal-close", args=(scored(network, "people1").pk,))
    director = signed_in(sit(network.organizations["people1"], "hospital_director"))
    assert director.post(address).status_code == 403
