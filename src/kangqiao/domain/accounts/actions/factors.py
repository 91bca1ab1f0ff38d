"""The second factor: an app that shows codes, a security key, and codes on paper."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base import sealed
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.actions.braking import count_second, note_failure, note_success
from kangqiao.domain.accounts.actions.sign_ins import end_all_sign_ins
from kangqiao.domain.accounts.models import RecoveryCode, SecondFactor, User
from kangqiao.domain.accounts.parameters import TOTP
from kangqiao.domain.accounts.permissions import can_reset_factors
from kangqiao.domain.accounts.queries import accounts_in_reach, is_staff
from kangqiao.domain.accounts.rules import (
    looks_like_recovery_code,
    matching_step,
    new_recovery_code,
    recovery_digest,
)
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def add_app(*, user: User, secret: bytes, code: str, name: str = "", by: Actor, at: datetime) -> list[str]:
    """An app that shows codes becomes a second factor, once it shows the right one.

    Returns the recovery codes if these are the first, to be shown once. Raises Denied, or RuleBroken for a wrong code.
    """
    with transaction.atomic():
        _require_own(user, by)
        step = matching_step(secret, code, at, 0)
        if step is None:
            raise RuleBroken(_("这六位数字不对。"), next_step=_("请核对手机时间是否准确，再输入应用里现在显示的数字。"))
        row = SecondFactor.objects.create(
            user=user,
            kind=SecondFactor.Kind.TOTP,
            name=name or _("手机验证器"),
            sealed_secret=sealed.seal(secret),
            last_step=step,
            added_at=at,
        )
        record("accounts.add_second_factor", row, by=by, at=at, factor=row.kind)
        return _first_codes(user, by, at)


def add_key(*, user: User, credential: bytes, host: str, name: str = "", by: Actor, at: datetime) -> list[str]:
    """A security key that answered rightly becomes a second factor; see `add_app`. Raises Denied, RuleBroken."""
    with transaction.atomic():
        _require_own(user, by)
        if SecondFactor.objects.filter(user=user, credential=credential).exists():
            raise RuleBroken(_("这把安全密钥已经登记过。"))
        row = SecondFactor.objects.create(
            user=user,
            kind=SecondFactor.Kind.KEY,
            name=name or _("安全密钥"),
            credential=credential,
            host=host,
            added_at=at,
        )
        record("accounts.add_second_factor", row, by=by, at=at, factor=row.kind)
        return _first_codes(user, by, at)


# no actor: the person is known by a first proof alone
def prove_code(*, user: User, typed: str, at: datetime) -> str:
    """A person shows the second factor: a code of the app, or one from paper. Returns which it was.

    A code is good once: the database takes a time step only when it is later than the last. Raises RuleBroken, or
    TooOften after too many failures.
    """
    counted = count_second(user=user, at=at)
    way = _spend_recovery(user, typed, at) if looks_like_recovery_code(typed) else _spend_step(user, typed, at)
    who = Actor(f"user:{user.pk}", user.name)
    if not way:
        note_failure(counted=counted, at=at)
        record("accounts.refuse_proof", user, by=who, at=at, way="code")
        raise RuleBroken(_("验证码不对，或已经用过。"), next_step=_("请等应用显示下一个数字再输入。"))
    note_success(counted=counted, at=at)
    record("accounts.prove", user, by=who, at=at, way=way)
    return way


# no actor: the person is known by a first proof alone
def prove_key(*, user: User, factor_id: int, signatures: int, at: datetime) -> None:
    """A security key has signed the challenge; a count that does not grow tells of a copied key (WebAuthn 6.1.1).

    Raises RuleBroken.
    """
    who = Actor(f"user:{user.pk}", user.name)
    rows = SecondFactor.objects.filter(Q(signatures__lt=signatures) | Q(signatures=0), user=user, pk=factor_id)
    if signatures == 0:
        rows = rows.filter(signatures=0)
    if not rows.update(signatures=signatures, used_at=at):
        record("accounts.refuse_proof", user, by=who, at=at, way="key")
        raise RuleBroken(_("这把安全密钥的计数不对，可能被复制过。"), next_step=_("请改用别的方式，并告诉安全管理员。"))
    record("accounts.prove", user, by=who, at=at, way="key")


def remove_factor(*, factor_id: int, by: Actor, at: datetime) -> None:
    """A person gives up an app or a key; staff keep at least one. Raises NotVisible, RuleBroken."""
    with transaction.atomic():
        row = SecondFactor.objects.select_for_update().select_related("user").filter(pk=factor_id).first()
        if row is None or by.id != f"user:{row.user_id}":
            raise NotVisible(_("没有这个验证方式。"))
        is_last = not SecondFactor.objects.filter(user=row.user).exclude(pk=row.pk).exists()
        if is_last and is_staff(row.user, at.date()) and not row.user.is_demo:
            raise RuleBroken(_("工作人员至少要留一种第二重验证。"), next_step=_("请先添加新的，再删除这个。"))
        if is_last:
            RecoveryCode.objects.filter(user=row.user).delete()
        record("accounts.remove_second_factor", row, by=by, at=at, factor=row.kind)
        row.delete()


def renew_recovery_codes(*, user: User, by: Actor, at: datetime) -> list[str]:
    """New codes on paper; the former ones are worth nothing from now on. Raises Denied, RuleBroken."""
    with transaction.atomic():
        _require_own(user, by)
        if not SecondFactor.objects.filter(user=user).exists():
            raise RuleBroken(_("还没有第二重验证，不需要恢复码。"))
        RecoveryCode.objects.filter(user=user).delete()
        return _first_codes(user, by, at)


def reset_factors(*, user_id: int, by: Actor, at: datetime) -> int:
    """The security administrator takes a lost second factor off an account; the next sign-in sets up a new one.

    The password stays: without it the security administrator comes into no account. Raises Denied, NotVisible, or
    RuleBroken for one's own.
    """
    allowed = can_reset_factors(by)
    if not allowed:
        raise Denied(allowed.reason)
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None or not (by.is_system or accounts_in_reach(by).filter(pk=user_id).exists()):
            raise NotVisible(_("没有这个账号，或不在您管的范围。"))
        if by.id == f"user:{user.pk}":
            raise RuleBroken(_("自己的第二重验证要请另一位安全管理员重置。"))
        count, _tables = SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        end_all_sign_ins(user_id=user.pk, why="factor", by=by, at=at)
        record("accounts.reset_second_factors", user, by=by, at=at, factors=count)
    return count


def _spend_step(user: User, typed: str, at: datetime) -> str:
    for row in SecondFactor.objects.filter(user=user, kind=SecondFactor.Kind.TOTP):
        step = matching_step(sealed.unseal(row.sealed_secret), typed, at, row.last_step)
        if step is None:
            continue
        fresh = SecondFactor.objects.filter(pk=row.pk, last_step__lt=step)
        if fresh.update(last_step=step, used_at=at):
            return "totp"
    return ""


def _spend_recovery(user: User, typed: str, at: datetime) -> str:
    unused = RecoveryCode.objects.filter(user=user, digest=recovery_digest(typed), used_at__isnull=True)
    return "recovery" if unused.update(used_at=at) else ""


def _first_codes(user: User, by: Actor, at: datetime) -> list[str]:
    """Recovery codes for an account that has none; an empty list for one that has."""
    if RecoveryCode.objects.filter(user=user, used_at__isnull=True).exists():
        return []
    codes = [new_recovery_code() for _turn in range(TOTP.recovery_codes)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=recovery_digest(code)) for code in codes)
    record("accounts.make_recovery_codes", user, by=by, at=at, codes=len(codes))
    return codes


def _require_own(user: User, by: Actor) -> None:
    if by.id != f"user:{user.pk}":
        raise Denied(_("只能改自己的设置。"))
