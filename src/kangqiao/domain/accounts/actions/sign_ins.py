"""When somebody is in: written down as it begins, and ended at once when it must."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.models import SignIn
from kangqiao.domain.accounts.permissions import can_end_sign_ins
from kangqiao.domain.accounts.queries import accounts_in_reach
from kangqiao.kernel.errors import Denied, NotVisible


def begin_sign_in(
    *, user_id: int, session_key: str, way: str, device: str = "", address: str | None = None, by: Actor, at: datetime
) -> SignIn:
    """Somebody has proven who they are and is in; `way` says how: password, demo, sso."""
    with transaction.atomic():
        row = SignIn.objects.create(
            user_id=user_id, session_key=session_key, way=way, device=device, address=address, started_at=at
        )
        record("accounts.begin_sign_in", row, by=by, at=at, way=way, device=device)
    return row


def end_sign_in(*, sign_in_id: int, why: str, by: Actor, at: datetime) -> SignIn:
    """One sign-in ends, on this device or another: its session is deleted. Raises NotVisible for somebody else's."""
    with transaction.atomic():
        row = SignIn.objects.select_for_update().filter(pk=sign_in_id).first()
        if row is None or not (by.is_system or by.id == f"user:{row.user_id}"):
            raise NotVisible(_("没有这次登录。"))
        if row.ended_at is None:
            _end([row], why, by, at)
    return row


def end_own_sign_ins(*, user_id: int, but: int | None = None, by: Actor, at: datetime) -> int:
    """A person leaves everywhere, except where they are now if `but` names it. Returns how many ended."""
    if by.id != f"user:{user_id}":
        raise Denied(_("只能退出自己的登录。"))
    return end_all_sign_ins(user_id=user_id, why="everywhere", but=but, by=by, at=at)


def end_sign_ins_of(*, user_id: int, by: Actor, at: datetime) -> int:
    """The security administrator makes somebody leave everywhere. Raises Denied, NotVisible."""
    allowed = can_end_sign_ins(by)
    if not allowed:
        raise Denied(allowed.reason)
    if not (by.is_system or accounts_in_reach(by).filter(pk=user_id).exists()):
        raise NotVisible(_("没有这个账号，或不在您管的范围。"))
    return end_all_sign_ins(user_id=user_id, why="administrator", by=by, at=at)


def end_all_sign_ins(*, user_id: int, why: str, but: int | None = None, by: Actor, at: datetime) -> int:
    """Every sign-in of a person ends with its session; part of what changes what the person may do.

    Whoever calls has checked that it may be done. Returns how many ended.
    """
    with transaction.atomic():
        rows = list(SignIn.objects.select_for_update().filter(user=user_id, ended_at__isnull=True).exclude(pk=but or 0))
        _end(rows, why, by, at)
    return len(rows)


def _end(rows: list[SignIn], why: str, by: Actor, at: datetime) -> None:
    Session.objects.filter(session_key__in=[row.session_key for row in rows if row.session_key]).delete()
    for row in rows:
        row.session_key, row.ended_at, row.ended_why = "", at, why
        row.save(update_fields=("session_key", "ended_at", "ended_why"))
        record("accounts.end_sign_in", row, by=by, at=at, why=why)
