"""The seat a person acts from: user, role and organisation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db.models import BigIntegerField, DateTimeField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Told
from kangqiao.base.rows import Contribution
from kangqiao.domain.accounts.models import ADMINISTRATORS, Role, RoleChange
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.permissions import keeps_place
from kangqiao.kernel.decision import YES, Decision, no


def quoted(values: Iterable[str]) -> str:
    """A list of fixed words as SQL writes it."""
    return ", ".join(f"'{value}'" for value in values)


@dataclass(frozen=True, slots=True)
class Seat:
    """One user in one role at one organisation, now.

    `place_code` is the organisation's administrative division; `part_of_id` the body it is part of, such as a hospital.
    """

    user_id: int
    user_name: str
    membership_id: int
    role: str
    role_name: str
    organization_id: int
    organization_name: str
    organization_kind: str
    place_code: str
    place_id: int
    part_of_id: int | None

    @property
    def bodies(self) -> frozenset[int]:
        """The organisation and the body it is part of."""
        return frozenset(pk for pk in (self.organization_id, self.part_of_id) if pk is not None)

    @property
    def moment(self) -> datetime:
        """When a right of the seat is asked for."""
        return timezone.now()  # reads the clock: a right to see is a right now

    @property
    def actor(self) -> Actor:
        """The actor written into every action done from this seat."""
        return Actor(
            id=f"user:{self.user_id}",
            name=self.user_name,
            organization_id=self.organization_id,
            organization=self.organization_name,
            role=self.role,
        )


class _AnySeat(Seat):
    """A seat whose ids, and whose moment, are told when a prepared question is asked."""

    @property
    def moment(self) -> datetime:
        """The moment that is told."""
        return cast(datetime, Told("moment", DateTimeField()))


def any_seat(role: str) -> Seat:
    """A seat of a role for which a question is prepared; `told_of` gives the values of the one that asks."""
    ids = (cast(int, Told(one, BigIntegerField())) for one in ("user", "organization", "place", "part_of"))
    user, organization, place, part_of = ids
    return _AnySeat(user, "", 0, role, "", organization, "", "", "", place, part_of)


def told_of(seat: Seat) -> dict[str, object]:
    """What a prepared question is told of the seat that asks it."""
    return {
        "user": seat.user_id, "organization": seat.organization_id, "place": seat.place_id,
        "part_of": seat.part_of_id, "moment": seat.moment,
    }  # fmt: skip


def can_manage_accounts(by: Actor) -> Decision:
    """Accounts and memberships are kept by the system administrator or a job of the system."""
    return YES if by.is_system or by.role == Role.SYSTEM_ADMIN else no(_("账号由系统管理员管理。"))


def can_grant_at_once(by: Actor) -> Decision:
    """Only a job of the system gives a role without a second person: setting up a site, reading a list in."""
    return YES if by.is_system else no(_("岗位由系统管理员提出，安全管理员审核后生效。"))


def can_approve_roles(by: Actor, change: RoleChange) -> Decision:
    """The security administrator agrees to a role, but neither to one of their own nor to their own proposal."""
    if by.role != Role.SECURITY_ADMIN:
        return no(_("岗位变动由安全管理员审核。"))
    if by.id in (f"user:{change.user_id}", change.proposed_by):
        return no(_("自己的岗位、自己提出的变动，要请另一位安全管理员审核。"))
    return YES


def can_end_sign_ins(by: Actor) -> Decision:
    """The security administrator makes somebody leave."""
    return _security(by, _("让别人退出登录由安全管理员做。"))


def can_unlock(by: Actor) -> Decision:
    """The security administrator ends the wait of somebody who mistyped too often."""
    return _security(by, _("解锁由安全管理员做。"))


def can_reset_factors(by: Actor) -> Decision:
    """The security administrator takes a lost second factor off an account."""
    return _security(by, _("重置第二重验证由安全管理员做。"))


def _security(by: Actor, otherwise: str) -> Decision:
    return YES if by.is_system or by.role == Role.SECURITY_ADMIN else no(otherwise)


def places_of(by: Actor) -> set[int]:
    """The places an administrator answers for: that of the own organisation and those under it."""
    own = Organization.objects.filter(pk=by.organization_id or 0).values_list("place__code", flat=True).first()
    return institutions.place_ids_under(own) if own else set()


def reaches(by: Actor, organization: Organization) -> bool:
    """Whether an organisation lies where this administrator keeps accounts; a job of the system keeps all."""
    return by.is_system or keeps_place(by, organization.place_id)


class SeatedRequest(HttpRequest):
    """A request of a person who is signed in: what a view behind `@access` may rely on."""

    seat: Seat
    actor: Actor


# The same scopes as the database asks them. An owner's function looks past the policies of the tables it reads.
_PLACES = """
CREATE OR REPLACE FUNCTION kangqiao_places() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  WITH RECURSIVE here AS (
    SELECT id FROM institutions_place WHERE id = kangqiao_place()
    UNION SELECT part.id FROM institutions_place part JOIN here ON part.part_of_id = here.id
  ) SELECT coalesce(array_agg(id), '{}') FROM here
$body$"""
# `places_of` and `queries.accounts_in_reach`.
_KEEPS = f"""
CREATE OR REPLACE FUNCTION kangqiao_keeps(account bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL SAFE COST 1000 SET search_path = public, pg_temp AS $body$
BEGIN
  IF kangqiao_role() NOT IN ({quoted(ADMINISTRATORS)}) THEN RETURN false; END IF;
  RETURN EXISTS (SELECT FROM accounts_membership m JOIN institutions_organization o ON o.id = m.organization_id
                  WHERE m.user_id = account AND o.place_id = ANY (kangqiao_places()))
      OR EXISTS (SELECT FROM accounts_rolechange c JOIN institutions_organization o ON o.id = c.organization_id
                  WHERE c.user_id = account AND o.place_id = ANY (kangqiao_places()));
END $body$"""  # noqa: S608 (constant text)
# Oneself, colleagues anywhere in the consortium, and the accounts one keeps; never another resident's.
_KNOWS = f"""
CREATE OR REPLACE FUNCTION kangqiao_knows(account bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL SAFE COST 1000 SET search_path = public, pg_temp AS $body$
BEGIN
  IF kangqiao_me() IS NULL THEN RETURN false; END IF;
  RETURN account = kangqiao_me()
      OR EXISTS (SELECT FROM accounts_membership m WHERE m.user_id = account AND m.role <> '{Role.RESIDENT.value}')
      OR kangqiao_keeps(account);
END $body$"""
ROWS = Contribution((_PLACES, _KEEPS, _KNOWS))
