"""Accounts and memberships: opened and closed by the system administrator, roles agreed to by the security one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, transition
from kangqiao.domain.accounts.actions.sign_ins import end_all_sign_ins
from kangqiao.domain.accounts.models import ADMINISTRATORS, Membership, Role, RoleChange, User
from kangqiao.domain.accounts.permissions import can_approve_roles, can_grant_at_once, can_manage_accounts, reaches
from kangqiao.domain.accounts.queries import accounts_in_reach, only_administrator, other_administrator
from kangqiao.domain.accounts.rules import new_password
from kangqiao.domain.accounts.states import ROLE_CHANGE
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


@beyond("accounts.keep")
def create_user(
    *, username: str, name: str, password: str = "", is_demo: bool = False, by: Actor, at: datetime
) -> User:
    """A person gets an account; without a password it cannot be signed in to until one is set.

    What the person may do comes from memberships. Raises Denied, or RuleBroken when the user name is taken.
    """
    with transaction.atomic():
        _require(can_manage_accounts(by))
        row = _new_user(username, name, password, is_demo=is_demo)
        record("accounts.create_user", row, by=by, at=at, is_demo=is_demo)
    return row


@beyond("accounts.keep")
def open_account(
    *,
    username: str,
    name: str,
    organization: Organization,
    role: str,
    since: date,
    until: date | None = None,
    by: Actor,
    at: datetime,
) -> tuple[User, str]:
    """A person gets an account with a first password to be handed over, and the role is proposed.

    The password is good for one sign-in, which begins with choosing one's own. Raises Denied, NotVisible, RuleBroken.
    """
    with transaction.atomic():
        _require(can_manage_accounts(by))
        password = new_password()
        row = _new_user(username, name, password, is_temporary=True)
        record("accounts.create_user", row, by=by, at=at, is_demo=False)
        propose_role(user=row, organization=organization, role=role, since=since, until=until, by=by, at=at)
    return row, password


def set_active(*, user_id: int, is_active: bool, by: Actor, at: datetime) -> User:
    """An account is closed or opened again; a closed one cannot sign in, and its sign-ins end at once.

    Raises Denied, NotVisible, or RuleBroken for the only administrator of a kind.
    """
    with transaction.atomic():
        _require(can_manage_accounts(by))
        row = _in_reach(user_id, by)
        if not is_active:
            _keep_administrators(row.pk, "", at)
            end_all_sign_ins(user_id=row.pk, why="closed", by=by, at=at)
        row.is_active = is_active
        row.save(update_fields=("is_active",))
        record("accounts.set_active", row, by=by, at=at, is_active=is_active)
    return row


def reset_password(*, user_id: int, by: Actor, at: datetime) -> str:
    """A person who forgot the password gets a new first one; who is signed in with the old one is so no longer.

    The second factor stays: with the password alone the system administrator comes into no account. Raises Denied,
    NotVisible, or RuleBroken for one's own account.
    """
    with transaction.atomic():
        _require(can_manage_accounts(by))
        row = _in_reach(user_id, by)
        if by.id == f"user:{row.pk}":
            raise RuleBroken(_("自己的密码在“我的登录”里改。"))
        password = new_password()
        row.password, row.has_temporary_password = make_password(password), True
        row.save(update_fields=("password", "has_temporary_password"))
        end_all_sign_ins(user_id=row.pk, why="password", by=by, at=at)
        record("accounts.reset_password", row, by=by, at=at)
    return password


@beyond("accounts.keep")
def propose_role(
    *,
    user: User,
    organization: Organization,
    role: str,
    since: date,
    until: date | None = None,
    by: Actor,
    at: datetime,
) -> RoleChange:
    """A role for somebody is proposed; it holds once the security administrator has agreed.

    Raises Denied, NotVisible, ValueError for an unknown role, or RuleBroken.
    """
    with transaction.atomic():
        _require(can_manage_accounts(by))
        _require_reach(by, organization)
        _check_term(since, until)
        _check_administrators(user, role, since, until)
        same = {"user": user, "organization": organization, "role": Role(role).value}
        if RoleChange.objects.filter(**same, status=ROLE_CHANGE.initial).exists():
            raise RuleBroken(_("同样的岗位变动已经在等审核。"), next_step=_("请等安全管理员处理，或先撤回原来的。"))
        row = RoleChange.objects.create(**same, since=since, until=until, proposed_by=by.id, proposed_at=at)
        begin(row, ROLE_CHANGE, by=by, at=at)
        record("accounts.propose_role", row, by=by, at=at, role=row.role, organization=organization.code)
    return row


def approve_role(*, role_change_id: int, by: Actor, at: datetime) -> Membership:
    """The security administrator agrees: the role holds, and the person signs in anew to have it.

    Raises Denied, also for one's own role and one's own proposal; NotVisible, AlreadyMoved, RuleBroken.
    """
    with transaction.atomic():
        row = _role_change(role_change_id, by)
        _require(can_approve_roles(by, row))
        given = _grant(row.user, row.organization, row.role, row.since, row.until)
        transition(row, ROLE_CHANGE, "approve", by=by, at=at, membership=given)
        end_all_sign_ins(user_id=row.user_id, why="role", by=by, at=at)
        record("accounts.approve_role", row, by=by, at=at, role=row.role, proposed_by=row.proposed_by)
    return given


def refuse_role(*, role_change_id: int, reason: str, by: Actor, at: datetime) -> RoleChange:
    """The security administrator does not agree, and says why. Raises Denied, NotVisible, AlreadyMoved, RuleBroken."""
    with transaction.atomic():
        row = _role_change(role_change_id, by)
        _require(can_approve_roles(by, row))
        transition(row, ROLE_CHANGE, "refuse", by=by, at=at, reason=reason)
        record("accounts.refuse_role", row, by=by, at=at, role=row.role)
    return row


def withdraw_role(*, role_change_id: int, by: Actor, at: datetime) -> RoleChange:
    """The system administrator takes a proposal back. Raises Denied, NotVisible, AlreadyMoved."""
    with transaction.atomic():
        row = _role_change(role_change_id, by)
        _require(can_manage_accounts(by))
        transition(row, ROLE_CHANGE, "withdraw", by=by, at=at)
        record("accounts.withdraw_role", row, by=by, at=at, role=row.role)
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

    For jobs of the system, which set up a site or read a list in; people propose and approve. Raises Denied,
    ValueError for an unknown role, or RuleBroken when the term ends before it starts or the person is another of the
    three administrators in that time.
    """
    with transaction.atomic():
        _require(can_grant_at_once(by))
        held = Membership.objects.filter(user=user, organization=organization, role=role, since=since).first()
        if held is not None:
            return held
        row = _grant(user, organization, role, since, until)
        end_all_sign_ins(user_id=user.pk, why="role", by=by, at=at)
        record("accounts.grant_membership", row, by=by, at=at, role=row.role, organization=organization.code)
    return row


def end_membership(*, membership_id: int, until: date, by: Actor, at: datetime) -> Membership:
    """A role ends on a day; from that day the person has no seat there. Taking away needs no second person.

    Raises Denied, NotVisible, or RuleBroken for a day before the start and for the only administrator of a kind.
    """
    with transaction.atomic():
        _require(can_manage_accounts(by))
        row = Membership.objects.select_for_update().filter(pk=membership_id).first()
        if row is None:
            raise NotVisible(_("没有这个岗位。"))
        _require_reach(by, row.organization)
        if until <= row.since:
            raise RuleBroken(_("任期的结束要晚于开始。"), next_step=_("请核对日期。"))
        if not by.is_system:
            _keep_administrators(row.user_id, row.role, at)
        row.until = until
        row.save(update_fields=("until",))
        end_all_sign_ins(user_id=row.user_id, why="role", by=by, at=at)
        record("accounts.end_membership", row, by=by, at=at, until=until.isoformat())
    return row


def import_demo_people(*, people: Sequence[tuple[str, str]], password: str, by: Actor, at: datetime) -> dict[str, User]:
    """Invented people get accounts at once, from (user name, name); the accounts by user name.

    They share the one published password of the demonstration, and hence one hash: hashing it for each would cost
    minutes and hide nothing. Raises Denied.
    """
    with transaction.atomic():
        _require(can_grant_at_once(by))
        hashed = make_password(password)
        rows = User.objects.bulk_create(
            User(username=username, name=name, password=hashed, is_demo=True) for username, name in people
        )
        record("accounts.import_demo_people", User(), by=by, at=at, rows=len(rows))
    return {row.username: row for row in rows}


def import_memberships(*, memberships: Sequence[Membership], by: Actor, at: datetime) -> None:
    """Many roles are taken at once. Raises Denied."""
    with transaction.atomic():
        _require(can_grant_at_once(by))
        Membership.objects.bulk_create(memberships)
        record("accounts.import_memberships", Membership(), by=by, at=at, rows=len(memberships))


def _new_user(username: str, name: str, password: str, *, is_demo: bool = False, is_temporary: bool = False) -> User:
    if User.objects.filter(username=username).exists():
        raise RuleBroken(_("登录名“%(name)s”已有人用。") % {"name": username}, next_step=_("请换一个登录名。"))
    return User.objects.create(
        username=username,
        name=name,
        password=make_password(password or None),
        is_demo=is_demo,
        has_temporary_password=is_temporary,
    )


def _grant(user: User, organization: Organization, role: str, since: date, until: date | None) -> Membership:
    _check_term(since, until)
    User.objects.select_for_update().get(pk=user.pk)  # two grants of one moment look at each other
    _check_administrators(user, role, since, until)
    return Membership.objects.create(
        user=user, organization=organization, role=Role(role).value, since=since, until=until
    )


def _check_term(since: date, until: date | None) -> None:
    if until is not None and until <= since:
        raise RuleBroken(_("任期的结束要晚于开始。"), next_step=_("请核对日期。"))


def _check_administrators(user: User, role: str, since: date, until: date | None) -> None:
    other = other_administrator(user.pk, role, since, until)
    if other is not None:
        raise RuleBroken(
            _("%(name)s 已经是%(other)s：系统、安全、审计三个管理员不能由同一个人兼任。")
            % {"name": user.name, "other": Role(other.role).label},
            next_step=_("请换一个人，或先结束原来的岗位。"),
        )


def _keep_administrators(user_id: int, role: str, at: datetime) -> None:
    """A site keeps somebody of each of the three; `role` empty: whichever the user is."""
    for kind in (role,) if role else ADMINISTRATORS:
        if kind in ADMINISTRATORS and only_administrator(user_id, kind, at.date()):
            raise RuleBroken(
                _("这是唯一的%(role)s，停了就没有人能做这件事。") % {"role": Role(kind).label},
                next_step=_("请先让另一个人担任。"),
            )


def _role_change(role_change_id: int, by: Actor) -> RoleChange:
    rows = RoleChange.objects.select_for_update(of=("self",)).select_related("user", "organization")
    row = rows.filter(pk=role_change_id).first()
    if row is None or not reaches(by, row.organization):
        raise NotVisible(_("没有这项岗位变动，或不在您管的范围。"))
    return row


def _in_reach(user_id: int, by: Actor) -> User:
    row = User.objects.select_for_update().filter(pk=user_id).first()
    if row is None or not (by.is_system or accounts_in_reach(by).filter(pk=user_id).exists()):
        raise NotVisible(_("没有这个账号，或不在您管的范围。"))
    return row


def _require_reach(by: Actor, organization: Organization) -> None:
    if not reaches(by, organization):
        raise NotVisible(_("没有这个机构，或不在您管的范围。"))


def _require(allowed: Decision) -> None:
    if not allowed:
        raise Denied(allowed.reason)
