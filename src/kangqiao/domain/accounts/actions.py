"""Writing accounts, memberships, and what a person set for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import can_manage_accounts
from kangqiao.domain.accounts.queries import NO_PAGE, current_memberships, demo_person, other_administrator
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def create_user(
    *, username: str, name: str, password: str = "", is_demo: bool = False, by: Actor, at: datetime
) -> User:
    """A person gets an account; without a password it cannot be signed in to until one is set.

    What the person may do comes from memberships. Raises Denied, or RuleBroken when the user name is taken.
    """
    with transaction.atomic():
        _require_keeper(by)
        if User.objects.filter(username=username).exists():
            raise RuleBroken(_("登录名“%(name)s”已有人用。") % {"name": username}, next_step=_("请换一个登录名。"))
        row = User.objects.create(
            username=username, name=name, password=make_password(password or None), is_demo=is_demo
        )
        record("accounts.create_user", row, by=by, at=at, is_demo=is_demo)
    return row


def set_active(*, user_id: int, is_active: bool, by: Actor, at: datetime) -> User:
    """An account is closed or opened again; a closed one cannot sign in and loses its seat at once."""
    with transaction.atomic():
        _require_keeper(by)
        row = _locked(user_id)
        row.is_active = is_active
        row.save(update_fields=("is_active",))
        record("accounts.set_active", row, by=by, at=at, is_active=is_active)
    return row


def grant_membership(
    *,
    user: User,
    organization: Organization,
    role: str,
    since: date,
    until: date | None = None,
    by: Actor,
    at: datetime,
) -> Membership:
    """A user takes a role at an organisation from a day (FHIR PractitionerRole); granting it twice changes nothing.

    Raises Denied, ValueError for an unknown role, or RuleBroken when the term ends before it starts or the person is
    another of the three administrators in that time.
    """
    with transaction.atomic():
        _require_keeper(by)
        if until is not None and until <= since:
            raise RuleBroken(_("任期的结束要晚于开始。"), next_step=_("请核对日期。"))
        _locked(user.pk)
        other = other_administrator(user.pk, role, since, until)
        if other is not None:
            raise RuleBroken(
                _("%(name)s 已经是%(other)s：系统、安全、审计三个管理员不能由同一个人兼任。")
                % {"name": user.name, "other": Role(other.role).label},
                next_step=_("请换一个人，或先结束原来的岗位。"),
            )
        row, is_new = Membership.objects.get_or_create(
            user=user, organization=organization, role=Role(role).value, since=since, defaults={"until": until}
        )
        if is_new:
            record("accounts.grant_membership", row, by=by, at=at, role=row.role, organization=organization.code)
    return row


def end_membership(*, membership_id: int, until: date, by: Actor, at: datetime) -> Membership:
    """A role ends on a day; from that day the person has no seat there. Raises Denied, NotVisible, RuleBroken."""
    with transaction.atomic():
        _require_keeper(by)
        row = Membership.objects.select_for_update().filter(pk=membership_id).first()
        if row is None:
            raise NotVisible(_("没有这个岗位。"))
        if until <= row.since:
            raise RuleBroken(_("任期的结束要晚于开始。"), next_step=_("请核对日期。"))
        row.until = until
        row.save(update_fields=("until",))
        record("accounts.end_membership", row, by=by, at=at, until=until.isoformat())
    return row


def import_demo_people(*, people: Sequence[tuple[str, str]], password: str, by: Actor, at: datetime) -> dict[str, User]:
    """Invented people get accounts at once, from (user name, name); the accounts by user name.

    They share the one published password of the demonstration, and hence one hash: hashing it for each would cost
    minutes and hide nothing. Raises Denied.
    """
    with transaction.atomic():
        _require_keeper(by)
        hashed = make_password(password)
        rows = User.objects.bulk_create(
            User(username=username, name=name, password=hashed, is_demo=True) for username, name in people
        )
        record("accounts.import_demo_people", User(), by=by, at=at, rows=len(rows))
    return {row.username: row for row in rows}


def import_memberships(*, memberships: Sequence[Membership], by: Actor, at: datetime) -> None:
    """Many roles are taken at once. Raises Denied."""
    with transaction.atomic():
        _require_keeper(by)
        Membership.objects.bulk_create(memberships)
        record("accounts.import_memberships", Membership(), by=by, at=at, rows=len(memberships))


# no actor: nobody is known yet; the refusal and the entry are written by the system or the person found
def sign_in(*, username: str, password: str, demo: str, at: datetime) -> User:
    """A person proves who they are.

    A wrong password, an unknown name and a closed account get the same sentence, so that nobody learns which names
    exist. Invented people, whose password is published, may sign in only where `demo` (the site's setting) shows
    them. Raises RuleBroken; the refusal is written down without the typed name, which may be a password.
    """
    found = authenticate(username=username, password=password)
    if not isinstance(found, User) or (found.is_demo and demo == "none"):
        record("accounts.refuse_sign_in", User(), by=Actor.system("sign-in"), at=at)
        raise RuleBroken(_("登录名或密码不对。"), next_step=_("请再试一次；忘了密码请联系本机构管理员。"))
    return _signed_in(found, at, "password")


# no actor: nobody is known yet
def sign_in_as_demo(*, user_id: int, demo: str, at: datetime) -> User:
    """A visitor steps into an invented person; exists only where a demonstration region is shown.

    `demo` is the site's setting. Raises NotVisible outside the demonstration and for every real account.
    """
    found = demo_person(user_id) if demo != "none" else None
    if found is None:
        raise NotVisible(str(NO_PAGE))
    return _signed_in(found, at, "demo")


def _signed_in(user: User, at: datetime, way: str) -> User:
    if not current_memberships(user, localtime(at).date()):
        raise RuleBroken(_("这个账号现在没有岗位。"), next_step=_("请联系本机构管理员。"))
    record("accounts.sign_in", user, by=Actor(f"user:{user.pk}", user.name), at=at, way=way)
    return user


def set_language(*, user_id: int, language: str, by: Actor, at: datetime) -> None:
    """A person chooses the language of the pages."""
    with transaction.atomic():
        row = _own(user_id, by)
        row.language = language
        row.save(update_fields=("language",))
        record("accounts.set_language", row, by=by, at=at, language=language)


def set_elder_mode(*, user_id: int, is_on: bool, by: Actor, at: datetime) -> None:
    """A person chooses the large, plain pages, or leaves them."""
    with transaction.atomic():
        row = _own(user_id, by)
        row.elder_mode = is_on
        row.save(update_fields=("elder_mode",))
        record("accounts.set_elder_mode", row, by=by, at=at, is_on=is_on)


def _own(user_id: int, by: Actor) -> User:
    if by.id != f"user:{user_id}":
        raise Denied(_("只能改自己的设置。"))
    return _locked(user_id)


def _locked(user_id: int) -> User:
    row = User.objects.select_for_update().filter(pk=user_id).first()
    if row is None:
        raise NotVisible(_("没有这个账号。"))
    return row


def _require_keeper(by: Actor) -> None:
    allowed = can_manage_accounts(by)
    if not allowed:
        raise Denied(allowed.reason)
