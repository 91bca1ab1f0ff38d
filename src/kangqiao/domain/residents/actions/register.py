"""Registering residents, one by one and as a whole register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import copy_rows, reserve_ids
from kangqiao.base.search import search_keys
from kangqiao.domain.accounts.models import User
from kangqiao.domain.residents.actions.bases import BASIS_COLUMNS, grant_basis
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.residents.permissions import can_import, can_register
from kangqiao.kernel.errors import Denied, RuleBroken


@beyond("residents.register")
def register_resident(
    *,
    name: str,
    sex: str,
    birth_date: date,
    identifier: str,
    centre_id: int,
    phone: str = "",
    address: str = "",
    insurance: str = Resident.Insurance.RESIDENT,
    user_id: int | None = None,
    is_demo: bool = False,
    by: Actor,
    at: datetime,
) -> Resident:
    """A person is registered at a centre, which may see them from then on; with an account they see themselves.

    Raises Denied, or RuleBroken when the identifier is known already or the birth date lies ahead.
    """
    with transaction.atomic():
        allowed = can_register(by, centre_id)
        if not allowed:
            raise Denied(allowed.reason)
        if birth_date > localtime(at).date():
            raise RuleBroken(_("出生日期在今天之后。"), next_step=_("请核对出生日期。"))
        if Resident.objects.filter(identifier=identifier).exists():
            raise RuleBroken(_("这个证件号已经建档。"), next_step=_("请按证件号查找；转入请走变更登记中心。"))
        row = Resident.objects.create(
            name=name,
            sex=Resident.Sex(sex).value,
            birth_date=birth_date,
            identifier=identifier,
            centre_id=centre_id,
            phone=phone,
            address=address,
            insurance=Resident.Insurance(insurance).value,
            is_demo=is_demo,
            keys=search_keys(name),
        )
        record("residents.register_resident", row, by=by, at=at, resident_id=row.pk)
        grant_basis(
            resident_id=row.pk,
            kind=Basis.Kind.REGISTERED,
            source=f"centre:{centre_id}",
            since=at,
            organization_id=centre_id,
            by=by,
            at=at,
        )
        if user_id is not None:
            link_user(resident_id=row.pk, user_id=user_id, by=by, at=at)
            row.user_id = user_id
    return row


@beyond("residents.register")
def link_user(*, resident_id: int, user_id: int, by: Actor, at: datetime) -> None:
    """A resident's own account is tied to their record: from then on they may see themselves.

    Raises Denied, or RuleBroken when the record has an account already.
    """
    with transaction.atomic():
        row = Resident.objects.select_for_update().get(pk=resident_id)
        allowed = can_register(by, row.centre_id)
        if not allowed:
            raise Denied(allowed.reason)
        if row.user_id is not None and row.user_id != user_id:
            raise RuleBroken(_("这份档案已经绑定另一个账号。"), next_step=_("请先解除原来的绑定。"))
        row.user = User.objects.get(pk=user_id)
        row.save(update_fields=("user",))
        record("residents.link_user", row, by=by, at=at, resident_id=row.pk, user=user_id)
        grant_basis(
            resident_id=row.pk, kind=Basis.Kind.OWN, source=f"user:{user_id}", since=at, user_id=user_id, by=by, at=at
        )


RESIDENT_COLUMNS = (
    "id", "name", "sex", "birth_date", "identifier", "phone", "address", "centre", "insurance", "is_demo", "keys",
)  # fmt: skip


def import_residents(*, residents: Sequence[Resident], since: datetime, by: Actor, at: datetime) -> None:
    """A whole register is read in: each gets an id and search keys, and their centre may see them from `since`.

    One audit row stands for all. Raises Denied; IntegrityError when an identifier is known already.
    """
    with transaction.atomic():
        allowed = can_import(by, {row.centre_id for row in residents})
        if not allowed:
            raise Denied(allowed.reason)
        keys = {name: search_keys(name) for name in {row.name for row in residents}}
        for row, own_id in zip(residents, reserve_ids(Resident, len(residents)), strict=True):
            row.pk, row.keys = own_id, keys[row.name]
        copy_rows(Resident, RESIDENT_COLUMNS, (_values(row) for row in residents))
        copy_rows(
            Basis,
            BASIS_COLUMNS,
            (
                (row.pk, row.centre_id, Basis.Kind.REGISTERED.value, f"centre:{row.centre_id}", since, None)
                for row in residents
            ),
        )
        record("residents.import_residents", Resident(), by=by, at=at, rows=len(residents))


@beyond("residents.register")
def take_back(*, resident_ids: Sequence[int], by: Actor, at: datetime) -> dict[int, str]:
    """Residents registered by mistake go again, with the right of their centre to see them.

    Answers, for those that stay, the label of a table in which something stands on them already; their account counts.
    Raises Denied.
    """
    with transaction.atomic():
        rows = {row.pk: row for row in Resident.objects.select_for_update().filter(pk__in=resident_ids)}
        allowed = can_import(by, {row.centre_id for row in rows.values()})
        if not allowed:
            raise Denied(allowed.reason)
        stay = {pk: "accounts.user" for pk, row in rows.items() if row.user_id is not None}
        for relation in Resident._meta.related_objects:
            model, name = relation.related_model, relation.field.name
            found = model._base_manager.filter(**{f"{name}__in": list(rows)})
            if model is Basis:
                found = found.exclude(kind=Basis.Kind.REGISTERED)
            stay |= dict.fromkeys(found.values_list(f"{name}_id", flat=True), model._meta.label_lower)
        gone = [pk for pk in rows if pk not in stay]
        Basis.objects.filter(resident__in=gone).delete()
        Resident.objects.filter(pk__in=gone).delete()
        record("residents.take_back", Resident(), by=by, at=at, rows=len(gone), stay=len(stay))
    return stay


def _values(row: Resident) -> tuple[Any, ...]:
    return (
        row.pk, row.name, row.sex, row.birth_date, row.identifier, row.phone, row.address, row.centre_id,
        row.insurance, row.is_demo, row.keys,
    )  # fmt: skip
