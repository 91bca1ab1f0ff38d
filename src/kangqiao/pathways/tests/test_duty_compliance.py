from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.rules import Verdict
from kangqiao.domain.agreements.tests import factories as f
from kangqiao.domain.roster import actions as roster
from kangqiao.domain.roster.models import Posting
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.pathways.duty_compliance import DutyResult, compliance_of, shortfalls

pytestmark = pytest.mark.django_db
# Monday of ISO week 20 of 2026.
MONDAY = date(2026, 5, 11)
AT = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
TERM = {"starts": date(2026, 5, 1), "ends": date(2029, 5, 1)}


def posted(region: f.Region, hospital: str, centre: str, name: str) -> Posting:
    specialty, _ = Concept.objects.get_or_create(system="specialty", code="paediatrics", defaults={"zh": "儿科"})
    expert = Practitioner.objects.create(
        name=name, sex="female", licence_number=name, specialty=specialty, organization=region[hospital], is_demo=True,
        title_kind="physician", title_grade="associate_senior",
    )  # fmt: skip
    posting = roster.nominate_expert(
        practitioner_id=expert.pk, centre_id=region[centre].pk, starts_on=TERM["starts"], ends_on=TERM["ends"],
        by=f.JOB, at=AT,
    )  # fmt: skip
    roster.approve_posting(posting_id=posting.pk, by=f.JOB, at=AT)
    return roster.post_expert(posting_id=posting.pk, by=f.JOB, at=AT)


def confirmed(posting: Posting, day: date) -> None:
    row = roster.add_half_day(posting_id=posting.pk, day=day, half="am", by=f.JOB, at=AT)
    roster.confirm_half_day(half_day_id=row.pk, by=f.JOB, at=AT)


def result(agreement: Agreement, measure: str, on: date) -> DutyResult:
    (row,) = (row for row in compliance_of(agreement, on=on) if row.duty.measure == measure)
    return row


@pytest.mark.clause("ZH-3.2.1a")
def test_two_confirmed_half_days_are_short_once_the_week_closed() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan", at=AT, **TERM)
    posting = posted(region, "people1", "xiangwan", "演示 甲")
    for day in range(2):
        confirmed(posting, MONDAY + timedelta(days=day))

    running = result(agreement, "half_days_per_week", MONDAY + timedelta(days=6))
    closed = result(agreement, "half_days_per_week", MONDAY + timedelta(days=7))

    assert (running.observed, running.weeks[-1].kept, running.weeks[-1].is_closed) == (0, 2, False)
    assert (closed.observed, closed.target, closed.verdict, closed.missing) == (2, 3, Verdict.SHORT, 1)
    assert closed.duty.clause == "ZH-3.2.1a"
    assert "2 个半天，要求 3 个" in closed.sentence
    assert {row.duty.measure for row in shortfalls([agreement], on=MONDAY + timedelta(days=7))[agreement.pk]} == {
        "half_days_per_week",
        "posted_experts",
    }


def test_third_half_day_meets_the_duty() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan", at=AT, **TERM)
    posting = posted(region, "people1", "xiangwan", "演示 甲")
    for day in range(3):
        confirmed(posting, MONDAY + timedelta(days=day))

    assert result(agreement, "half_days_per_week", MONDAY + timedelta(days=7)).verdict is Verdict.MET


def test_first_days_of_the_term_are_not_yet_due() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan", at=AT, **TERM)

    assert result(agreement, "half_days_per_week", TERM["starts"]).verdict is Verdict.NOT_YET_DUE


def test_unsigned_agreement_owes_nothing_yet() -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan", **TERM)

    verdicts = {row.verdict for row in compliance_of(agreement, on=MONDAY)}

    assert verdicts == {Verdict.NOT_YET_DUE, Verdict.IN_WORDS}


@pytest.mark.clause("SZ16-2.1a")
def test_shenzhen_centre_needs_two_posted_experts() -> None:
    region = f.shenzhen()
    agreement = f.signed(region, "sz1", "c1", kind="pairing", at=AT, **TERM)
    posted(region, "sz1", "c1", "演示 甲")
    on = TERM["starts"]

    one = result(agreement, "posted_experts", on)
    second = posted(region, "sz1", "c1", "演示 乙")
    two = result(agreement, "posted_experts", on)
    roster.end_posting(posting_id=second.pk, reason="退休", by=f.JOB, at=AT + timedelta(days=1))
    after = result(agreement, "posted_experts", on + timedelta(days=2))

    assert (one.observed, one.target, one.verdict) == (1, 2, Verdict.SHORT)
    assert (two.observed, two.verdict) == (2, Verdict.MET)
    assert (after.observed, after.verdict) == (1, Verdict.SHORT)


@pytest.mark.clause("SZ16-1f")
def test_too_few_centres_asks_the_hospital_for_a_reason_without_blocking() -> None:
    region = f.shenzhen()
    agreement = f.signed(region, "sz1", "c1", kind="pairing", at=AT, **TERM)

    before = result(agreement, "centres_per_hospital", TERM["starts"])
    agreement.justification = "新院区"
    after = result(agreement, "centres_per_hospital", TERM["starts"])

    assert agreement.status == "in_force"
    assert (before.observed, before.target, before.verdict, before.needs_reason) == (1, 10, Verdict.SHORT, True)
    assert (after.needs_reason, "新院区" in after.sentence) == (False, True)
