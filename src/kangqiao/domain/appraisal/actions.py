"""Opening, scoring and closing a yearly appraisal."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.appraisal import queries, rules
from kangqiao.domain.appraisal.models import Appraisal, AppraisalItem
from kangqiao.domain.appraisal.parameters import AppraisalParameters
from kangqiao.domain.appraisal.permissions import may_judge
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

    A centre's form has no measured items yet: it holds the duties of its target agreements alone, as the hospital's
    does beside its items (ZH-4.6b, `queries.duties_of`). The pack is that of the last day of the year judged. Raises
    RuleBroken when one exists, NoPolicyInForce when the place has no pack for it.
    """
    _check(by, authority_id)
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
        if subject.kind == Organization.Kind.HOSPITAL
    )
    begin(appraisal, APPRAISAL, by=by, at=at)
    audit.record("appraisal.open", appraisal, by=by, at=at, policy_ref=parameters.ref, year=year)
    return appraisal


@transaction.atomic
def open_year(*, authority_id: int, year: int, by: Actor, at: datetime) -> list[Appraisal]:
    """Opens the appraisals of a year for every responsible hospital of the authority's place that has none yet.

    Raises Denied for anybody but an officer of the authority that judges there, RuleBroken when none is left to open
    or the year has not begun.
    """
    authority = Organization.objects.select_related("place").get(pk=authority_id)
    _check(by, authority_id)
    if queries.judging_authority(authority.place_id) != authority_id:
        raise Denied(_("医院考核由市卫生行政部门负责。"), clause="ZH-4.7a")
    if year > localtime(at).date().year:
        raise RuleBroken(_("%(year)s年度还没有开始。") % {"year": year}, next_step=_("请选已经开始的年度。"))
    waiting = queries.not_opened(authority, year)
    if not waiting:
        raise RuleBroken(
            _("%(year)s年度没有需要开启的考核：责任医院都已开启，或这一年没有协议。") % {"year": year},
            next_step=_("请打开已有的考核，或先签署协议。"),
        )
    return [
        open_appraisal(subject_id=hospital.pk, authority_id=authority_id, year=year, by=by, at=at)
        for hospital in waiting
    ]


@transaction.atomic
def score_appraisal(*, appraisal_id: int, by: Actor, at: datetime) -> Appraisal:
    """Measures every item for the year, freezes the figures and computes score and pay share; may be repeated.

    For the running year it counts up to the day it is scored. Raises AlreadyMoved when closed meanwhile, Denied for
    anybody but the authority.
    """
    appraisal = _locked(appraisal_id, by)
    # What still runs is counted up to today: the days to come owe nothing yet.
    period = calendar_year(appraisal.year)
    if period.end is not None and localtime(at).date() < period.end:
        period = Period(period.start, localtime(at).date())
    parameters = AppraisalParameters.read(
        policy.at(place=appraisal.subject.place.code, date=date(appraisal.year, 12, 31))
    )
    items = list(appraisal.items.all())
    if not items:
        raise RuleBroken(
            _("这家机构的考核还没有可计分的指标。"), next_step=_("请按目标协议书的义务逐条核对。"), clause="ZH-4.6b"
        )
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
    if localtime(at).date() <= date(appraisal.year, 12, 31):
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
    _check(by, appraisal.authority_id)
    return appraisal


def _check(by: Actor, authority_id: int) -> None:
    allowed = may_judge(by, authority_id)
    if not allowed:
        raise Denied(allowed.reason, clause=allowed.clause)


def _decimal(number: object) -> Decimal:
    fraction = number
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)  # type: ignore[attr-defined]
