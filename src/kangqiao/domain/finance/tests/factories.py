"""Verified figures, and an appraisal brought to a score, on the small Zhuhai of the indicators' tests."""

from __future__ import annotations

from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.appraisal import actions as appraisal_actions
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.finance import actions
from kangqiao.domain.indicators.tests import factories
from kangqiao.domain.indicators.tests.factories import AT, BY, YEAR, Network
from kangqiao.kernel.money import to_fen


def add_pairing(
    network: Network, hospital: str, centre: str, place: str, population: int, half_days: int | None = None
) -> Agreement:
    """A pairing, and the verified population of its centre."""
    agreement = factories.add_pairing(network, hospital, centre, place, half_days)
    actions.record_figure(
        kind="population_served", place_id=network.places[place].pk, organization_id=agreement.centre_id, year=YEAR,
        quantity=population, source="测试用数", verified=True, by=BY, at=AT,
    )  # fmt: skip
    return agreement


def add_fund(network: Network, place: str, yuan: int, *, verified: bool = True, year: int = YEAR) -> None:
    """The basic public health fund of a district."""
    actions.record_figure(
        kind="basic_public_health_fund", place_id=network.places[place].pk, year=year, amount_fen=to_fen(yuan),
        source="测试用数", verified=verified, by=BY, at=AT,
    )  # fmt: skip


def scored(network: Network, hospital: str) -> Appraisal:
    """The hospital's appraisal of the year, opened and scored by the city's bureau."""
    opened = appraisal_actions.open_appraisal(
        subject_id=network.organizations[hospital].pk,
        authority_id=network.organizations["bureau"].pk,
        year=YEAR,
        by=BY,
        at=AT,
    )
    return appraisal_actions.score_appraisal(appraisal_id=opened.pk, by=BY, at=AT)
