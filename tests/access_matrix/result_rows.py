"""What a side's year ends in: reports, an appraisal, money, a public list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.appraisal.models import Appraisal, AppraisalItem
from kangqiao.domain.finance.models import BudgetFigure, Settlement, SettlementLine
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.rules import PARTS

if TYPE_CHECKING:
    from tests.access_matrix.world import Side

INDICATOR = "duty_compliance"


def add_results(side: Side) -> None:
    """The rows of the year's end."""
    tomorrow, year = side.today + timedelta(days=1), side.today.year
    side.add("report@hospital", MeasureReport, indicator=INDICATOR, organization=side.hospital, ends_on=tomorrow)
    side.add("report@centre", MeasureReport, indicator=INDICATOR, organization=side.centre, ends_on=tomorrow)
    side.rows["report"] = side.rows["report@hospital"]
    side.add("appraisal", Appraisal, subject=side.hospital, authority=side.bureau, year=year)
    if side.host is not None and not side.is_over:
        side.appraisal.authority = side.host.bureau  # one city, one authority that judges (ZH-4.7a)
        side.appraisal.save(update_fields=("authority",))
    side.add("item", AppraisalItem, indicator=INDICATOR, report=side.report)
    verified = {"verified_at": side.at, "verified_by": side.key, "year": year}
    people = {"kind": "population_served", "organization": side.centre, "quantity": 9}
    side.add("figure", BudgetFigure, place=side.place, **people, **verified)
    side.add("fund", BudgetFigure, kind="basic_public_health_fund", place=side.place, amount_fen=10**9, **verified)
    fund_year = year - 2 if side.host is not None else year
    side.add("settlement", Settlement, place=side.city, year=fund_year)
    clauses = {"payer_clause": "ZH-4.2a", "amount_clause": "ZH-4.2d"}
    hospital = (side.host or side).hospital
    side.add(
        "line", SettlementLine, hospital=hospital, centre=side.centre, payer=side.place, base_fen=100, inputs=clauses
    )
    side.add("publication", Publication, organization=side.hospital, year=year, content={part: [] for part in PARTS})
    side.add(
        "published", Publication, organization=side.hospital, year=year - 1, status="published", sha256="0" * 64,
        published_at=side.at, days_late=0, content={part: [] for part in PARTS},
    )  # fmt: skip
