"""Money moves once: a payment meets a correction, and the closing of an appraisal meets a computation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from kangqiao.domain.finance import actions
from kangqiao.domain.finance.models import Settlement
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing, scored
from kangqiao.domain.indicators.tests.factories import AT, BY, YEAR, Network, add_hospital, make_network
from kangqiao.kernel.errors import RuleBroken
from kangqiao.pathways.close_appraisal import close_appraisal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.xdist_group("races")]


@pytest.fixture
def network() -> Network:
    network = make_network()
    for hospital, centre in (("people1", "xiangwan"), ("people2", "gongbei")):
        add_hospital(network, hospital, "municipal")
        add_pairing(network, hospital, centre, "xiangzhou", 30_000)
    add_fund(network, "xiangzhou", 10_000_000)
    return network


def compute(network: Network, reason: str = "") -> Settlement:
    return actions.compute_settlement(place_id=network.city.pk, year=YEAR, reason=reason, by=BY, at=AT)


def while_open(first: Callable[[], object], second: Callable[[], object]) -> Any:
    """Runs `second` while the transaction of `first` is open, commits, and answers what `second` gave or raised."""
    found: list[object] = []

    def rival() -> None:
        try:
            found.append(second())
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=rival)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(timeout=1.0)  # with the lock it waits here for the commit
    thread.join(timeout=30)
    return found[0]


def test_correction_while_a_payment_is_under_way_is_refused(network: Network) -> None:
    settlement = compute(network)
    close_appraisal(appraisal_id=scored(network, "people1").pk, by=BY, at=AT)
    actions.submit_settlement(settlement_id=settlement.pk, by=BY, at=AT)

    refused = while_open(
        lambda: actions.pay_lines(settlement_id=settlement.pk, payer_id=network.city.pk, by=BY, at=AT),
        lambda: compute(network, "人口更正"),
    )

    assert isinstance(refused, RuleBroken)
    settlement.refresh_from_db()
    assert settlement.status == "submitted"
    assert Settlement.objects.count() == 1


def test_appraisal_closed_while_a_correction_is_under_way_releases_the_new_lines(network: Network) -> None:
    compute(network)
    appraisal = scored(network, "people1")

    _closed, released = while_open(
        lambda: compute(network, "人口更正"), lambda: close_appraisal(appraisal_id=appraisal.pk, by=BY, at=AT)
    )

    current = Settlement.objects.exclude(status="superseded").get()
    assert released == 1
    assert current.lines.get(hospital__code="people1").status == "payable"
