"""Every week each hospital's director reads what stood still."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.referral import queries


@transaction.atomic
def tell_directors(*, by: Actor, at: datetime) -> int:
    """A letter to the director of each hospital at which a referral stands still past its limit, once a week.

    It says how many stand where; none stands still, none is written. Returns how many were told (XH23-5.1.2c).
    """
    standing: dict[Organization, Counter[str]] = {}
    for one in queries.overdue(at):
        state = queries.state_of(one)
        if state.owner in ("desk", "specialist"):
            hospital = one.to_organization if one.direction == "up" else one.from_organization
            standing.setdefault(hospital, Counter())[_(state.zh)] += 1
    year, week, _day = localtime(at).date().isocalendar()
    news = [
        messaging.notify(
            cause=f"referral-week:{hospital.pk}:{year}-W{week:02d}", kind="overdue",
            subject=_("转诊：%(n)s张超过时限还停着") % {"n": counted.total()},
            body="；".join(f"{state} {n}" for state, n in counted.most_common()), url="/referrals/results/",
            organization_id=hospital.pk, role=Role.HOSPITAL_DIRECTOR, clause="XH23-5.1.2c", by=by, at=at,
        )
        for hospital, counted in standing.items()
    ]  # fmt: skip
    return sum(one is not None for one in news)
