"""Closing a hospital's yearly appraisal releases the money that waited for it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kangqiao.base.actor import Actor
from kangqiao.domain.appraisal import actions as appraisal_actions
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.finance import actions as finance


@transaction.atomic
def close_appraisal(*, appraisal_id: int, by: Actor, at: datetime) -> tuple[Appraisal, int]:
    """Closes the appraisal and makes the hospital's held lines payable; both or neither (ZH-4.7a, SZ16-4.1.1b).

    Returns the appraisal and how many lines became payable. Raises AlreadyMoved when it is closed already.
    """
    closed = appraisal_actions.close_appraisal(appraisal_id=appraisal_id, by=by, at=at)
    return closed, finance.release_lines(appraisal=closed, by=by, at=at)
