"""The three administrators an empty site begins with; afterwards they open every other account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.actions.own import _check_strength
from kangqiao.domain.accounts.actions.people import create_user, grant_membership
from kangqiao.domain.accounts.models import ADMINISTRATORS, Membership, User
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One of the three: office, account, name, and the password of the first sign-in."""

    role: str
    username: str
    name: str
    password: str = field(repr=False)


def open_first_administrators(
    *, people: Sequence[Newcomer], organization: Organization, by: Actor, at: datetime
) -> list[User]:
    """Three persons take the three offices, all or none. Each password is good for one sign-in, which begins with
    choosing one's own and setting a second factor up.

    Raises Denied, or RuleBroken where there is an administrator, where one person would hold two offices, and for a
    password that is short or known.
    """
    with transaction.atomic():
        if Membership.objects.filter(role__in=ADMINISTRATORS).exists():
            raise RuleBroken(_("本站已有管理员。"), next_step=_("新的账号和岗位由他们办理。"))
        _check_three(people)
        return [_open(one, organization, by, at) for one in people]


def _check_three(people: Sequence[Newcomer]) -> None:
    if sorted(one.role for one in people) != sorted(ADMINISTRATORS):
        raise RuleBroken(_("系统、安全、审计三个管理员各要一人。"))
    for words in ({one.username.strip().lower() for one in people}, {one.name.strip() for one in people}):
        if "" in words or len(words) != len(people):
            raise RuleBroken(_("系统、安全、审计三个管理员要由三个不同的人担任，各有登录名和姓名。"))


def _open(one: Newcomer, organization: Organization, by: Actor, at: datetime) -> User:
    row = create_user(username=one.username.strip(), name=one.name.strip(), by=by, at=at)
    since = localtime(at).date()
    grant_membership(user=row, organization=organization, role=one.role, since=since, by=by, at=at)
    _check_strength(row, one.password, at)
    row.password, row.has_temporary_password = make_password(one.password), True
    row.save(update_fields=("password", "has_temporary_password"))
    record("accounts.open_first_administrator", row, by=by, at=at, role=one.role)
    return row
