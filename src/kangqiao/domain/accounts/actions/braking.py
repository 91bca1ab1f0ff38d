"""Counting failures to prove who one is, and the waits that follow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.models import FailureCount, User
from kangqiao.domain.accounts.parameters import BRAKING
from kangqiao.domain.accounts.permissions import can_unlock
from kangqiao.domain.accounts.queries import accounts_in_reach
from kangqiao.domain.accounts.rules import is_idle_long_enough_to_forget, wait_seconds
from kangqiao.kernel.errors import Denied, NotVisible, TooOften

PAIR, ACCOUNT, ADDRESS, SECOND = "pair", "account", "address", "second"
LIMITS = {PAIR: BRAKING.pair, ACCOUNT: BRAKING.account, ADDRESS: BRAKING.address, SECOND: BRAKING.second_factor}


@dataclass(frozen=True, slots=True)
class Counted:
    """One attempt, counted in these rows before it is known whether it succeeds."""

    rows: tuple[FailureCount, ...]


def unlock(*, user_id: int, by: Actor, at: datetime) -> int:
    """The security administrator lets somebody try again at once. Returns how many waits ended.

    Raises Denied, NotVisible.
    """
    allowed = can_unlock(by)
    if not allowed:
        raise Denied(allowed.reason)
    with transaction.atomic():
        user = User.objects.filter(pk=user_id).first()
        if user is None or not (by.is_system or accounts_in_reach(by).filter(pk=user_id).exists()):
            raise NotVisible(_("没有这个账号，或不在您管的范围。"))
        count, _tables = FailureCount.objects.filter(user=user).delete()
        record("accounts.unlock", user, by=by, at=at, counts=count)
    return count


# no actor: nobody is known yet
def count_attempt(*, username: str, address: str | None, at: datetime) -> Counted:
    """An attempt to sign in is counted, before the password is looked at: many at once are no way around.

    Raises TooOften while a wait lasts; the same for names that are no account.
    """
    user = User.objects.filter(username=username).first()
    # Always in this order, so that two attempts never hold what the other waits for.
    keys = [(ADDRESS, address or "")] if address else []
    keys += [(ACCOUNT, username), (PAIR, f"{username}\n{address}")]
    return _count(keys, user, at)


# no actor: the person is known by a password alone
def count_second(*, user: User, at: datetime) -> Counted:
    """An attempt with a second factor, or to prove again who one is, is counted. Raises TooOften."""
    return _count([(SECOND, str(user.pk))], user, at)


# no actor: nobody is known yet
def note_failure(*, counted: Counted, at: datetime) -> None:
    """The attempt failed: where a limit is reached, a wait begins, longer each time."""
    for row in counted.rows:
        # Once an account was stopped, a single further failure stops it again; an address is many people.
        limit = 1 if row.blocks and row.scope != ADDRESS else LIMITS[row.scope]
        if row.failures >= limit:
            row.blocked_until = at + timedelta(seconds=wait_seconds(row.blocks))
            row.blocks, row.failures, row.since = row.blocks + 1, 0, at
            row.save()
            who = Actor.system("sign-in")
            record("accounts.brake", row.user or User(), by=who, at=at, scope=row.scope, blocks=row.blocks)


# no actor: nobody is known yet
def note_success(*, counted: Counted, at: datetime) -> None:
    """The attempt succeeded: the person's counts are gone, and the address has one failure fewer."""
    for row in counted.rows:
        if row.scope == ADDRESS:
            row.failures -= 1
            row.save(update_fields=("failures",))
        else:
            row.delete()


def _count(keys: list[tuple[str, str]], user: User | None, at: datetime) -> Counted:
    with transaction.atomic():
        rows = [_row(scope, key, None if scope == ADDRESS else user, at) for scope, key in keys]
        wait = max((_wait(row, at) for row in rows), default=0)
        if not wait:
            for row in rows:
                row.failures += 1
                row.save()
    if wait:
        record("accounts.refuse_sign_in", user or User(), by=Actor.system("sign-in"), at=at, why="brake", wait=wait)
        raise _too_often(wait)
    return Counted(tuple(rows))


def _row(scope: str, key: str, user: User | None, at: datetime) -> FailureCount:
    """The locked count, begun anew where its window or its memory is over."""
    digest = hashlib.sha256(f"{scope}\n{key}".encode()).hexdigest()
    fresh = {"failures": 0, "since": at, "user": user}
    FailureCount.objects.get_or_create(scope=scope, key=digest, defaults=fresh)
    row = FailureCount.objects.select_for_update().get(scope=scope, key=digest)
    if at - row.since >= timedelta(minutes=BRAKING.window_minutes):
        row.failures, row.since = 0, at
    if row.blocked_until is not None and is_idle_long_enough_to_forget(row.blocked_until, at):
        row.blocks, row.blocked_until = 0, None
    return row


def _wait(row: FailureCount, at: datetime) -> int:
    """Seconds still to wait; attempts whose outcome is not known yet fill the limit too."""
    if row.blocked_until is not None and at < row.blocked_until:
        return max(1, int((row.blocked_until - at).total_seconds() + 0.999))
    return wait_seconds(row.blocks) if row.failures >= LIMITS[row.scope] else 0


def _too_often(seconds: int) -> TooOften:
    minutes = -(-seconds // 60)
    said = ngettext("输错的次数太多，请等 %(n)s 分钟再试。", "输错的次数太多，请等 %(n)s 分钟再试。", minutes)
    return TooOften(said % {"n": minutes}, next_step=_("急用请联系安全管理员解锁。"), retry_after_seconds=seconds)
