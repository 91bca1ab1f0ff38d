"""What was pressed by mistake is taken back by its doer, while the moment lasts and nobody went on from there."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import take_back
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.referral import queries
from kangqiao.domain.referral.actions.parts import _held, _open_to_both, _tell, _tell_resident
from kangqiao.domain.referral.actions.reserving import _take_again
from kangqiao.domain.referral.models import Referral


@transaction.atomic
def undo_step(*, referral_id: int, by: Actor, at: datetime) -> Referral:
    """An absence, a closing or a taking over did not happen after all: the referral stands where it stood before.

    Its clock, its place and what both houses may see come back; whoever was told is told again. Raises AlreadyMoved,
    RuleBroken as `base.transition.take_back` does; NotVisible.
    """
    referral, _sides = _held(referral_id, by)
    *_before, since, last = [None, None, *queries.history_of(referral)]
    action = last.action if last else ""
    fields: dict[str, datetime | None] = {"clock_from": since.at if since else referral.sent_at}
    if action == "take_over":
        fields |= {"due_at": referral.answer_by, "answered_at": None}
    take_back(referral, queries.table_of(referral), action, by=by, at=at, **fields)
    UNDONE[action](referral, last.at if last else at, by, at)
    audit.record(f"referral.undo_{action}", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


def _await_again(referral: Referral, since: datetime, by: Actor, at: datetime) -> None:
    """The patient is expected after all, at the places they had, as far as nobody took them meanwhile."""
    _take_again(referral, since, by, at)
    _open_to_both(referral, by, at)
    _tell(referral, "awaited", referral.from_organization, Role.GP, _("%(hospital)s撤销了“未到诊”，仍在等患者"), by, at)


def _propose_again(referral: Referral, since: datetime, by: Actor, at: datetime) -> None:
    """The hospital waits for the centre again, and the patient knows."""
    hospital, words = referral.from_organization, _("%(centre)s撤销了接收，下转仍待接收")
    _tell(referral, "untaken", hospital, Role.REFERRAL_DESK, words, by, at)
    _tell_resident(referral, "untaken", _("%(centre)s撤销了接收，会重新答复"), by, at)


def _go_on_seeing(referral: Referral, since: datetime, by: Actor, at: datetime) -> None:
    """The case is not over after all."""
    _open_to_both(referral, by, at)


UNDONE = {"not_attend": _await_again, "close": _go_on_seeing, "take_over": _propose_again}
