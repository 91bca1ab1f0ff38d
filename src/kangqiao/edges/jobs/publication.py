"""Every morning: hospitals that owe this year's list are reminded, once a month each."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.institutions.queries import outermost_places
from kangqiao.domain.publication import actions
from kangqiao.kernel.errors import NoPolicyInForce

log = logging.getLogger(__name__)


@app.periodic(cron="0 8 * * *")
@app.task(name="publication.remind", queueing_lock="publication.remind", pass_context=False)
def remind(timestamp: int) -> dict[str, int]:
    """Tells every hospital that owes a list, place by place; a place whose papers order none is passed over."""
    at = timezone.now()
    year = timezone.localdate(at).year
    told: dict[str, int] = {}
    with as_system("publication-reminder") as by:
        for place in outermost_places():
            try:
                told[place.code] = actions.remind_hospitals(place_code=place.code, year=year, by=by, at=at)
            except NoPolicyInForce as missing:
                log.info("publication: no reminder in %s: %s", place.code, missing)
    log.info("publication: reminded %s", told)
    return told
