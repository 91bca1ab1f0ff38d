"""The target agreement is the basis of the yearly appraisal of both sides."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.tests import factories as f
from kangqiao.domain.appraisal import actions, queries
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.kernel.errors import RuleBroken

pytestmark = pytest.mark.django_db
JOB = Actor.system("test")
AT = datetime(2014, 1, 20, 2, 0, tzinfo=UTC)


def opened(region: f.Region, subject: str) -> Appraisal:
    return actions.open_appraisal(
        subject_id=region[subject].pk, authority_id=region["bureau"].pk, year=2013, by=JOB, at=AT
    )


@pytest.mark.clause("ZH-4.6b")
def test_both_forms_hold_exactly_the_duties_of_the_signed_target_agreement() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")
    agreement = f.signed(region, "people1", "xiangwan", kind="target", ends=date(2014, 3, 1))
    f.signed(region, "people2", "gongbei")
    f.signed(region, "people2", "gongbei", kind="target", ends=date(2014, 3, 1))
    signed = list(agreements.duties_of(agreement))

    hospital, centre = (queries.duties_of(opened(region, subject)) for subject in ("people1", "xiangwan"))

    assert (len(hospital), len(centre)) == (5, 4)
    assert {duty.pk for duty in hospital} == {duty.pk for duty in signed if duty.side == "hospital"}
    assert {duty.pk for duty in centre} == {duty.pk for duty in signed if duty.side == "centre"}


def test_an_unsigned_or_later_agreement_is_no_basis() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")
    f.drafted(region, "people1", "xiangwan", kind="target")

    assert queries.duties_of(opened(region, "people1")) == []


def test_a_centre_has_no_measured_items_and_so_no_score() -> None:
    region = f.zhuhai()
    form = opened(region, "xiangwan")

    assert not form.items.exists()
    with pytest.raises(RuleBroken, match="还没有可计分的指标"):
        actions.score_appraisal(appraisal_id=form.pk, by=JOB, at=AT)
