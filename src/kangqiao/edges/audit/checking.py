"""Every chain verified as an outsider would, and the result kept in the chain itself."""

from __future__ import annotations

from datetime import datetime

from kangqiao.base import sealing
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditLink
from kangqiao.engines.audit.verify import Report, verify
from kangqiao.kernel.signatures import Signer

CHECKED = "audit.check"


def check_chains(*, signer: Signer, by: Actor, at: datetime) -> list[Report]:
    """Reads every chain against its heads in the database; the finding of each becomes an event of that chain."""
    return [check_chain(chain, signer=signer, by=by, at=at) for chain in sealing.chains()]


def check_chain(chain: int, *, signer: Signer, by: Actor, at: datetime) -> Report:
    """One chain; its event says how many rows were read and, if something is wrong, what and where first."""
    report = verify(sealing.export(chain, at=at), keys=[signer.public_pem])
    first = report.first
    record(
        CHECKED,
        AuditLink(),
        by=Actor(by.id, by.name, chain or None),
        at=at,
        rows=report.rows,
        problems=len(report.problems),
        sequence=first.sequence if first else None,
        what=first.what if first else "",
    )
    return report
