"""Every minute events are sealed into their chains; every hour heads are signed; every night all of it is verified."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base import sealing
from kangqiao.base.acting import as_system
from kangqiao.base.signing import signer
from kangqiao.edges.audit.checking import check_chains

log = logging.getLogger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="audit.seal", queueing_lock="audit.seal", lock="audit", pass_context=False)
def seal(timestamp: int) -> int:
    """What was traced since the last minute gets its place in the chains; running it again finds nothing."""
    with as_system("audit-seal"):
        count = sealing.seal(at=timezone.now())
    log.info("audit: %d events sealed", count)
    return count


@app.periodic(cron="3 * * * *")
@app.task(name="audit.heads", queueing_lock="audit.heads", lock="audit", pass_context=False)
def heads(timestamp: int) -> int:
    """The ends of all chains that grew are signed and placed with another organisation each."""
    with as_system("audit-heads") as by:
        at = timezone.now()
        sealing.seal(at=at)
        signed = sealing.sign_heads(signer=signer(), by=by, at=at)
        sealing.seal(at=at)
    log.info("audit: %d heads signed", len(signed))
    return len(signed)


@app.periodic(cron="20 2 * * *")
@app.task(name="audit.check", queueing_lock="audit.check", lock="audit", pass_context=False)
def check(timestamp: int) -> dict[str, int]:
    """The whole table is sealed, then every chain verified; what is wrong stands in the log and on the audit page."""
    with as_system("audit-check") as by:
        at = timezone.now()
        sealing.seal(at=at, everything=True)
        reports = check_chains(signer=signer(), by=by, at=at)
    problems = sum(len(report.problems) for report in reports)
    log.log(logging.ERROR if problems else logging.INFO, "audit: %d chains, %d problems", len(reports), problems)
    return {"chains": len(reports), "problems": problems}
