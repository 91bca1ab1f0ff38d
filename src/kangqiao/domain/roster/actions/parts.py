"""What several actions of the roster do on their way: lock, refuse, cancel."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.transition import transition
from kangqiao.domain.roster.models import HalfDay, Posting
from kangqiao.domain.roster.states import HALF_DAY
from kangqiao.domain.scheduling.actions import withdraw_session
from kangqiao.domain.scheduling.models import Session
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def _require(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _hold(decision: Decision, next_step: str) -> None:
    if not decision:
        raise RuleBroken(decision.reason, next_step=next_step, clause=decision.clause)


def _posting(posting_id: int) -> Posting:
    rows = Posting.objects.select_for_update(of=("self",)).select_related(
        "agreement", "centre__place", "practitioner__specialty", "practitioner__organization__part_of"
    )
    found = rows.filter(pk=posting_id).first()
    if found is None:
        raise NotVisible(_("没有这个派驻，或不在您的范围。"))
    return found


def _half_day(half_day_id: int) -> HalfDay:
    rows = HalfDay.objects.select_for_update(of=("self",)).select_related(
        "roster__place", "posting__agreement", "practitioner__specialty", "centre__place", "session"
    )
    found = rows.filter(pk=half_day_id).first()
    if found is None:
        raise NotVisible(_("没有这个半天，或不在您的范围。"))
    return found


def _cancelled(row: HalfDay, reason: str, by: Actor, at: datetime, *, why: str = Session.Why.OTHER) -> HalfDay:
    transition(row, HALF_DAY, "cancel", by=by, at=at, reason=reason)
    _withdraw(row, reason, by, at, why=why)
    return row


def _withdraw(row: HalfDay, reason: str, by: Actor, at: datetime, *, why: str = Session.Why.OTHER) -> None:
    session = row.session
    # Once a session is over the desk writes off its bookings one by one.
    if session is None or session.status != "open" or session.ends_at <= at:
        return
    withdraw_session(session_id=session.pk, reason=reason, why=why, by=_planner(by), at=at)
    session.refresh_from_db()


def _planner(by: Actor) -> Actor:
    """Who opens or withdraws the session: sides that may confirm but not plan act through the roster itself."""
    return by if by.is_system or by.role == "dispatcher" else Actor.system("roster")
