"""Who sits where, who is in, and what administrators see of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from django.contrib.sessions.models import Session
from django.db.models import BigIntegerField, Count, DateField, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kangqiao.base import wechat
from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.accounts.models import (
    ADMINISTRATORS,
    ROLE_DESCRIPTIONS,
    FailureCount,
    Membership,
    OutsideIdentity,
    RecoveryCode,
    Role,
    RoleChange,
    SecondFactor,
    SignIn,
    User,
)
from kangqiao.domain.accounts.permissions import Seat, places_of
from kangqiao.domain.accounts.states import ROLE_CHANGE
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import NotVisible

NO_PAGE = _("没有这一页，或不在您的服务范围。")


def account_of_session(user_id: int) -> User | None:
    """The account of that id, in use or not."""
    found: list[User] = _account.models(user=user_id)
    return found[0] if found else None


@Prepared
def _account() -> QuerySet[User]:
    """Asked with every page of whoever is signed in."""
    return User.objects.filter(pk=Told("user", BigIntegerField()))


def current_memberships(user: Any, on: date) -> list[Membership]:
    """The user's memberships in force on a day, oldest first."""
    return _memberships.models(user=user.pk, on=on)


@Prepared
def _memberships() -> QuerySet[Membership]:
    """Asked with every page of whoever is signed in."""
    user, on = Told("user", BigIntegerField()), cast(date, Told("on", DateField()))
    return _in_force(on).filter(user_id=user).select_related("organization__place").order_by("id")


def _in_force(on: date) -> QuerySet[Membership]:
    return Membership.objects.filter(Q(until__isnull=True) | Q(until__gt=on), since__lte=on)


def seat_of(user: Any, membership_id: int | None) -> Seat | None:
    """The seat the user acts from: the chosen membership if still in force, else the first; none, no seat."""
    # reads the clock: a seat is a seat now; it is taken anew with every request
    return seat_among(current_memberships(user, timezone.localdate()), user, membership_id) if user.is_active else None


def seat_among(memberships: Sequence[Membership], user: Any, membership_id: int | None) -> Seat | None:
    """The seat out of the user's memberships in force: the chosen one, else the first."""
    if not memberships:
        return None
    chosen = next((found for found in memberships if found.pk == membership_id), memberships[0])
    organization = chosen.organization
    return Seat(
        user_id=user.pk,
        user_name=user.name,
        membership_id=chosen.pk,
        role=chosen.role,
        role_name=str(Role(chosen.role).label),
        organization_id=organization.pk,
        organization_name=organization.zh,
        organization_kind=organization.kind,
        place_code=organization.place.code,
        place_id=organization.place_id,
        part_of_id=organization.part_of_id,
    )


def membership_of(user: Any, membership_id: int, on: date) -> Membership | None:
    """The user's own membership of that id if it is in force."""
    return next((found for found in current_memberships(user, on) if found.pk == membership_id), None)


def other_administrator(user_id: int, role: str, since: date, until: date | None) -> Membership | None:
    """The user's membership as another of the three administrators in that term, if there is one."""
    if role not in ADMINISTRATORS:
        return None
    rows = Membership.objects.filter(user=user_id, role__in=ADMINISTRATORS).exclude(role=role)
    rows = rows.filter(Q(until__isnull=True) | Q(until__gt=since))
    return (rows.filter(since__lt=until) if until else rows).first()


def demo_person(user_id: int) -> User | None:
    """The invented person of that id who may be stepped into, if there is one."""
    return User.objects.filter(pk=user_id, is_demo=True, is_active=True).first()


@dataclass(frozen=True, slots=True)
class DemoRole:
    """One role of the demonstration with its plain description and the people one can step into."""

    role: str
    name: str
    description: str
    people: tuple[Membership, ...]


def demo_people(on: date) -> list[DemoRole]:
    """The invented people by role, in the order of the roles; a person with two seats is listed under both."""
    rows = _in_force(on).filter(user__is_demo=True, user__is_active=True)
    rows = rows.select_related("user", "organization").order_by("id")
    by_role: dict[str, list[Membership]] = {}
    for row in rows:
        by_role.setdefault(row.role, []).append(row)
    return [
        DemoRole(role.value, str(role.label), str(ROLE_DESCRIPTIONS[role]), tuple(by_role[role.value]))
        for role in Role
        if role.value in by_role
    ]


def demo_seat(membership_id: int, on: date) -> Membership | None:
    """The invented person's membership of that id if it is in force."""
    return _in_force(on).filter(pk=membership_id, user__is_demo=True, user__is_active=True).first()


def is_staff(user: User, on: date) -> bool:
    """Whether the person works here: any role but a resident's."""
    return any(row.role != Role.RESIDENT for row in current_memberships(user, on))


def user_by_id(user_id: int) -> User | None:
    """The account of that id."""
    return User.objects.filter(pk=user_id).first()


def only_administrator(user_id: int, role: str, on: date) -> bool:
    """Whether the user holds this role and no other open account does."""
    rows = _in_force(on).filter(role=role)
    return rows.filter(user=user_id).exists() and not (rows.filter(user__is_active=True).exclude(user=user_id).exists())


def factors_of(user_id: int) -> QuerySet[SecondFactor]:
    """The person's apps and keys."""
    return SecondFactor.objects.filter(user=user_id)


def has_factor(user_id: int) -> bool:
    """Whether the person has set up a second factor."""
    return factors_of(user_id).exists()


def proven_by_factor(by: Actor, since: datetime) -> datetime | None:
    """When a person who is in last showed a second factor after a moment; a password alone does not count."""
    shown = AuditEvent.objects.filter(by_id=by.id, action="accounts.prove", at__gt=since)
    latest = shown.exclude(detail__way="password").order_by("-at").values_list("at", flat=True).first()
    return latest


def keys_of(user_id: int, host: str) -> list[SecondFactor]:
    """The person's security keys for this host; a key answers no other."""
    return list(factors_of(user_id).filter(kind=SecondFactor.Kind.KEY, host=host))


def recovery_codes_left(user_id: int) -> int:
    """How many codes on paper are unused."""
    return RecoveryCode.objects.filter(user=user_id, used_at__isnull=True).count()


def identities_of(user_id: int) -> QuerySet[OutsideIdentity]:
    """The person's ties to single sign-on services: whom WeChat tells is no way to come in."""
    return OutsideIdentity.objects.filter(user=user_id).exclude(issuer__startswith=wechat.ISSUERS)


def identity_of(user_id: int, issuer: str) -> OutsideIdentity | None:
    """The person's tie to one service outside."""
    return OutsideIdentity.objects.filter(user=user_id, issuer=issuer).first()


@dataclass(frozen=True, slots=True)
class Open:
    """A sign-in that lasts, and when something was last done in it."""

    sign_in: SignIn
    seen_at: datetime


def open_sign_ins(user_id: int) -> list[Open]:
    """Where the person is signed in now, latest first; one whose session ran out is not."""
    rows = list(SignIn.objects.filter(user=user_id, ended_at__isnull=True))
    sessions = Session.objects.filter(session_key__in=[row.session_key for row in rows])
    stamps = {one.session_key: one.get_decoded().get("sign_in", {}) for one in sessions}
    found = ((row, stamps.get(row.session_key, {}).get("seen")) for row in rows)
    return [Open(row, datetime.fromisoformat(seen)) for row, seen in found if seen]


def accounts_in_reach(by: Actor) -> QuerySet[User]:
    """The accounts an administrator keeps: people with a role, past ones too, or a proposed one, where they answer."""
    here = {"organization__place__in": places_of(by)}
    held = Membership.objects.filter(user=OuterRef("pk"), **here)
    proposed = RoleChange.objects.filter(user=OuterRef("pk"), **here)
    return User.objects.filter(Exists(held) | Exists(proposed))


def search_accounts(by: Actor, text: str, at: datetime) -> QuerySet[User]:
    """Accounts of staff by name or user name; a resident's account is found by its whole user name only."""
    works = Membership.objects.filter(user=OuterRef("pk")).exclude(role=Role.RESIDENT)
    lives = Membership.objects.filter(user=OuterRef("pk"), role=Role.RESIDENT)
    rows = accounts_in_reach(by).annotate(is_braked=Exists(braked(at).filter(user=OuterRef("pk"))))
    wanted = text.strip()
    if not wanted:
        return rows.filter(Exists(works) | ~Exists(lives)).order_by("name", "pk")
    said = Q(name__icontains=wanted) | Q(username__icontains=wanted)
    return rows.filter(Q(username=wanted) | (said & (Exists(works) | ~Exists(lives)))).order_by("name", "pk")


def account(by: Actor, user_id: int) -> User:
    """An account the administrator keeps. Raises NotVisible."""
    found = accounts_in_reach(by).filter(pk=user_id).first()
    if found is None:
        raise NotVisible(str(NO_PAGE))
    return found


def memberships_of(user_id: int) -> QuerySet[Membership]:
    """Every role the person has or had."""
    return Membership.objects.filter(user=user_id).select_related("organization")


def organizations_in_reach(by: Actor) -> QuerySet[Organization]:
    """The organisations whose people the administrator keeps."""
    return Organization.objects.filter(place__in=places_of(by)).order_by("kind", "short_zh")


def braked(at: datetime) -> QuerySet[FailureCount]:
    """The accounts that must wait before they may try again."""
    return FailureCount.objects.filter(user__isnull=False, blocked_until__gt=at)


def braked_accounts(by: Actor, at: datetime) -> tuple[int, datetime | None]:
    """How many accounts wait, and since when the first does."""
    rows = braked(at).filter(user__in=accounts_in_reach(by))
    found = rows.order_by().aggregate(count=Count("user", distinct=True), oldest=Min("since"))
    return found["count"], found["oldest"]


def braked_in_reach(by: Actor, at: datetime) -> QuerySet[FailureCount]:
    """What `braked_accounts` counts, one row for each account."""
    rows = braked(at).filter(user__in=accounts_in_reach(by)).select_related("user")
    return rows.order_by("user", "since").distinct("user")


def braked_until(user_id: int, at: datetime) -> datetime | None:
    """Until when this account must wait, if it must."""
    found: datetime | None = braked(at).filter(user=user_id).order_by().aggregate(last=Max("blocked_until"))["last"]
    return found


def role_changes(by: Actor) -> QuerySet[RoleChange]:
    """Changes of role in the administrator's reach, those that wait first."""
    rows = RoleChange.objects.filter(organization__place__in=places_of(by)).select_related("user", "organization")
    waits = Q(status=ROLE_CHANGE.initial)
    return rows.annotate(waits=Exists(RoleChange.objects.filter(waits, pk=OuterRef("pk")))).order_by("-waits", "-pk")


def role_change(by: Actor, role_change_id: int) -> RoleChange:
    """One change of role in reach. Raises NotVisible."""
    found = role_changes(by).filter(pk=role_change_id).first()
    if found is None:
        raise NotVisible(str(NO_PAGE))
    return found


def role_changes_waiting(by: Actor) -> tuple[int, datetime | None]:
    """How many changes of role wait for the security administrator, and since when the oldest does."""
    rows = role_changes(by).filter(status=ROLE_CHANGE.initial)
    found = rows.order_by().aggregate(count=Count("pk"), oldest=Min("proposed_at"))
    return found["count"], found["oldest"]
