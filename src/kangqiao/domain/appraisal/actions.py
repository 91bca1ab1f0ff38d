"""Opening, scoring and closing a yearly appraisal."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.appraisal import rules
from kangqiao.domain.appraisal.models import Appraisal, AppraisalItem
from kangqiao.domain.appraisal.parameters import AppraisalParameters
from kangqiao.domain.appraisal.states import APPRAISAL
from kangqiao.domain.indicators import actions as indicators
from kangqiao.domain.indicators import rules as definitions
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import Denied, RuleBroken
from kangqiao.kernel.period import Period
from kangqiao.kernel.period import year as calendar_year


@transaction.atomic
def open_appraisal(*, subject_id: int, authority_id: int, year: int, by: Actor, at: datetime) -> Appraisal:
    """Opens the yearly appraisal of a hospital with the items, weights and targets of the pack (ZH-4.7a).

    The pack is that of the last day of the year judged. Raises RuleBroken when one exists, NoPolicyInForce when the
    place has no pack for it.
    """
    subject = Organization.objects.select_related("place").get(pk=subject_id)
    parameters = AppraisalParameters.read(policy.at(place=subject.place.code, date=date(year, 12, 31)))
    try:
        with transaction.atomic():
            appraisal = Appraisal.objects.create(
                subject_id=subject_id, authority_id=authority_id, year=year, policy_ref=parameters.ref
            )
    except IntegrityError:
        raise RuleBroken(
            _("%(subject)s %(year)s年度的考核已经开启。") % {"subject": subject.zh, "year": year},
            next_step=_("请打开已有的考核继续。"),
        ) from None
    AppraisalItem.objects.bulk_create(
        AppraisalItem(
            appraisal=appraisal,
            indicator=key,
            weight=_decimal(weight.fraction()),
            floor=Decimal(0),
            target=_decimal(parameters.targets[key].fraction()),
            clause=definitions.cards()[key].clause,
            is_setting=weight.setting,
        )
        for key, weight in parameters.weights.items()
    )
    begin(appraisal, APPRAISAL, by=by, at=at)
    audit.record("appraisal.open", appraisal, by=by, at=at, policy_ref=parameters.ref, year=year)
    return appraisal


@transaction.atomic
def score_appraisal(*, appraisal_id: int, by: Actor, at: datetime) -> Appraisal:
    """Measures every item for the year, freezes the figures and computes score and pay share; may be repeated.

    For the running year it counts up to the day it is scored. Raises AlreadyMoved when closed meanwhile, Denied for
    anybody but the authority.
    """
    appraisal = _locked(appraisal_id, by)
    # What still runs is counted up to today: the days to come owe nothing yet.
    period = calendar_year(appraisal.year)
    if period.end is not None and at.date() < period.end:
        period = Period(period.start, at.date())
    parameters = AppraisalParameters.read(
        policy.at(place=appraisal.subject.place.code, date=date(appraisal.year, 12, 31))
    )
    items = list(appraisal.items.all())
    for item in items:
        item.report = indicators.measure(
            indicator=item.indicator,
            organization_id=appraisal.subject_id,
            period=period,
            policy_ref=appraisal.policy_ref,
            by=by,
            at=at,
        )
        item.value = item.report.value
        item.points = rules.points(item.value, item.floor, item.target, item.weight)
        item.save(update_fields=("report", "value", "points"))
    earned = rules.score([item.points or Decimal(0) for item in items], [item.weight for item in items])
    share = rules.pay_percent(
        earned,
        _decimal(parameters.full_pay_score_min.fraction()),
        _decimal(parameters.full_pay_percent.fraction()),
        _decimal(parameters.reduced_pay_percent.fraction()),
    )
    transition(appraisal, APPRAISAL, "score", by=by, at=at, score=earned, pay_percent=share)
    audit.record("appraisal.score", appraisal, by=by, at=at, policy_ref=appraisal.policy_ref, score=str(earned))
    return appraisal


@transaction.atomic
def close_appraisal(*, appraisal_id: int, by: Actor, at: datetime) -> Appraisal:
    """Closes a scored appraisal for good; the money that waits for it may move (ZH-4.7a, SZ16-4.1.1b).

    A running year cannot be closed. Raises AlreadyMoved when it is closed already, with who and when.
    """
    appraisal = _locked(appraisal_id, by)
    if at.date() <= date(appraisal.year, 12, 31):
        raise RuleBroken(
            _("%(year)s年度还没有结束，不能定案。") % {"year": appraisal.year}, next_step=_("年度结束后再定案。")
        )
    transition(appraisal, APPRAISAL, "close", by=by, at=at, closed_at=at)
    audit.record(
        "appraisal.close", appraisal, by=by, at=at, policy_ref=appraisal.policy_ref, score=str(appraisal.score)
    )
    return appraisal


def _locked(appraisal_id: int, by: Actor) -> Appraisal:
    appraisal = Appraisal.objects.select_for_update(of=("self",)).select_related("subject__place").get(pk=appraisal_id)
    if not by.is_system and by.organization_id != appraisal.authority_id:
        raise Denied(_("考核由负责的卫生行政部门评定。"), clause="ZH-4.7a")
    return appraisal


def _decimal(number: object) -> Decimal:
    fraction = number
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)  # type: ignore[attr-defined]
