"""Freezing an indicator: the figure with the inputs it came from."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.indicators import queries, rules
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.period import Period


@transaction.atomic
def measure(
    *, indicator: str, organization_id: int, period: Period, policy_ref: str = "", by: Actor, at: datetime
) -> MeasureReport:
    """Freezes one indicator of one organisation for a closed period, with statement and digest.

    An organisation without a fact in the period has numerator 0 and no value. Raises RuleBroken when the indicator
    is unknown or the period open-ended.
    """
    if indicator not in rules.DEFINITIONS or period.end is None:
        raise RuleBroken(
            _("没有“%(indicator)s”这个指标，或统计期没有截止日。") % {"indicator": indicator},
            next_step=_("请选一个已有的指标和有截止日的统计期。"),
        )
    found = queries.measure_all(indicator, period.start, period.end).get(organization_id)
    inputs = {
        "indicator": indicator,
        "organization": organization_id,
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
        "numerator": str(found.numerator if found else 0),
        "denominator": str(found.denominator) if found and found.denominator is not None else None,
        "statement": queries.sql_of(indicator, period.start, period.end),
    }
    report, created = MeasureReport.objects.get_or_create(
        indicator=indicator,
        organization_id=organization_id,
        starts_on=period.start,
        ends_on=period.end,
        as_of=at,
        defaults={
            "numerator": found.numerator if found else 0,
            "denominator": found.denominator if found else None,
            "value": found.value if found else None,
            "unit": rules.cards()[indicator].unit,
            "inputs": inputs,
            "sha256": hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest(),
            "policy_ref": policy_ref,
        },
    )
    if created:
        audit.record("indicators.measure", report, by=by, at=at, policy_ref=policy_ref, indicator=indicator)
    return report
