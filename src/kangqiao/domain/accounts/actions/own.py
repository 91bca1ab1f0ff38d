"""What a person sets for themselves: language, size, password, and the tie to a single sign-on service."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import CommonPasswordValidator, NumericPasswordValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.pages import Display
from kangqiao.domain.accounts.actions.sign_ins import end_all_sign_ins
from kangqiao.domain.accounts.models import OutsideIdentity, User
from kangqiao.domain.accounts.parameters import LIMITS
from kangqiao.domain.accounts.queries import is_staff
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def set_language(*, user_id: int, language: str, by: Actor, at: datetime) -> None:
    """A person chooses the language of the pages."""
    with transaction.atomic():
        row = _own(user_id, by)
        row.language = language
        row.save(update_fields=("language",))
        record("accounts.set_language", row, by=by, at=at, language=language)


def set_display(*, user_id: int, display: Display, by: Actor, at: datetime) -> None:
    """A person chooses size and contrast of the pages, and whether single letters are keys."""
    with transaction.atomic():
        row = _own(user_id, by)
        row.display = str(display)
        row.save(update_fields=("display",))
        record("accounts.set_display", row, by=by, at=at, display=row.display)


def change_password(*, user_id: int, old: str | None, new: str, by: Actor, at: datetime) -> User:
    """A person chooses another password; every sign-in with the old one ends.

    `old` is None only where the person has just come through the sign-in page with it. Raises Denied, or RuleBroken
    for a wrong old password and for a new one that is short, known, or the same.
    """
    with transaction.atomic():
        row = _own(user_id, by)
        if row.is_demo:
            raise RuleBroken(_("演示账号的密码是公布的，不能改。"))
        if old is not None and not row.check_password(old):
            record("accounts.refuse_password", row, by=by, at=at)
            raise RuleBroken(_("原来的密码不对。"))
        _check_strength(row, new, at)
        row.password, row.has_temporary_password = make_password(new), False
        row.save(update_fields=("password", "has_temporary_password"))
        end_all_sign_ins(user_id=row.pk, why="password", by=by, at=at)
        record("accounts.change_password", row, by=by, at=at)
    return row


def bind_identity(*, user_id: int, issuer: str, subject: str, called: str, by: Actor, at: datetime) -> OutsideIdentity:
    """A person who is in, and whom a service outside has just verified, ties the two together.

    `called` is what people call such an id. Raises Denied, or RuleBroken when that id is tied to somebody else or the
    account to another id.
    """
    with transaction.atomic():
        row = _own(user_id, by)
        if OutsideIdentity.objects.filter(issuer=issuer, user=row).exclude(subject=subject).exists():
            raise RuleBroken(
                _("您的账号已经绑定了另一个%(what)s。") % {"what": called}, next_step=_("请先解除原来那个的绑定。")
            )
        try:
            bound, is_new = OutsideIdentity.objects.get_or_create(
                user=row, issuer=issuer, subject=subject, defaults={"bound_at": at}
            )
        except IntegrityError:
            # Somebody else's tie is not to be seen by who asks: the constraint alone knows of it.
            raise RuleBroken(
                _("这个%(what)s已经绑定了别的账号。") % {"what": called},
                next_step=_("请在那个账号里先解除绑定；不认得那个账号，请找给您开账号的机构。"),
            ) from None
        if is_new:
            record("accounts.bind_identity", bound, by=by, at=at, issuer=issuer)
    return bound


def unbind_identity(*, identity_id: int, by: Actor, at: datetime) -> None:
    """A person takes the tie to a service outside off. Raises NotVisible."""
    with transaction.atomic():
        row = OutsideIdentity.objects.select_for_update().filter(pk=identity_id).first()
        if row is None or by.id != f"user:{row.user_id}":
            raise NotVisible(_("没有这个绑定。"))
        record("accounts.unbind_identity", row, by=by, at=at, issuer=row.issuer)
        row.delete()


def _check_strength(user: User, new: str, at: datetime) -> None:
    works = is_staff(user, localtime(at).date())
    least = LIMITS.shortest_password_staff if works else LIMITS.shortest_password_resident
    if len(new) < least:
        raise RuleBroken(
            ngettext("密码至少要 %(n)s 个字符。", "密码至少要 %(n)s 个字符。", least) % {"n": least},
            next_step=_("可以用几个词连成一句，不必夹杂符号。"),
        )
    if user.check_password(new):
        raise RuleBroken(_("新密码和原来的一样。"))
    try:
        CommonPasswordValidator().validate(new, user)
        NumericPasswordValidator().validate(new, user)
    except ValidationError:
        raise RuleBroken(_("这个密码太常见，容易被猜到。"), next_step=_("请换一个别人想不到的。")) from None
    if user.username.lower() in new.lower() or (user.name and user.name in new):
        raise RuleBroken(_("密码里不要写自己的登录名或姓名。"))


def _own(user_id: int, by: Actor) -> User:
    if by.id != f"user:{user_id}":
        raise Denied(_("只能改自己的设置。"))
    row = User.objects.select_for_update().filter(pk=user_id).first()
    if row is None:
        raise NotVisible(_("没有这个账号。"))
    return row
