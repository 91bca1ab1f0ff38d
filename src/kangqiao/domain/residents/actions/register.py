"""Registering residents, one by one and as a whole register."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import copy_rows, indexed_afterwards, reserve_ids
from kangqiao.base.search import search_keys
from kangqiao.domain.accounts.models import User
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.residents.actions.bases import BASIS_COLUMNS, grant_basis
from kangqiao.domain.residents.models import Basis, Resident, naming_residents
from kangqiao.domain.residents.permissions import can_import, can_register
from kangqiao.domain.residents.rules import ASKED, read_identity, record_prefix
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

# Street and committee of those whose address was not looked up; a centre writes its own.
NEIGHBOURHOOD = "001001"
# Stands before the record number in the place of a number of papers nobody has.
WITHOUT_PAPERS = "N"


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
    identifier_kind: str = Resident.IdentifierKind.OTHER,
    neighbourhood: str = NEIGHBOURHOOD,
    mother_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Resident:
    """A person is registered at a centre, which may see them from then on; with an account they see themselves.

    Who has no papers is known by the record number. Raises Denied, or RuleBroken when the identifier is known already
    or does not fit, or the birth date lies ahead.
    """
    with transaction.atomic():
        if not (allowed := can_register(by, centre_id)):
            raise Denied(allowed.reason)
        _fits(identifier_kind, identifier, sex, birth_date, at)
        number = _record_number(centre_id, neighbourhood)
        if identifier_kind == Resident.IdentifierKind.NONE:
            identifier = f"{WITHOUT_PAPERS}{number}"
        if Resident.objects.filter(identifier=identifier).exists():
            raise RuleBroken(_("这个证件号已经建档。"), next_step=_("请按证件号查找；转入请走变更登记中心。"))
        row = Resident.objects.create(
            name=name,
            identifier_kind=Resident.IdentifierKind(identifier_kind).value,
            record_number=number,
            mother_id=mother_id,
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


def _fits(kind: str, identifier: str, sex: str, birth_date: date, at: datetime) -> None:
    """Nobody is born tomorrow, and a citizen id says sex and birth date itself."""
    if birth_date > localtime(at).date():
        raise RuleBroken(_("出生日期在今天之后。"), next_step=_("请核对出生日期。"))
    if kind != Resident.IdentifierKind.CITIZEN:
        return
    found = read_identity(kind, identifier, sex, birth_date, localtime(at).date())
    if any(fault not in ASKED for fault in found.faults):
        raise RuleBroken(_("身份证号、性别和出生日期对不上，或校验位不对。"), next_step=_("请对着证件重新核对。"))


def _record_number(centre_id: int, neighbourhood: str) -> str:
    """The next record number of a neighbourhood; two who register at once get two."""
    prefix = record_prefix(organization_by_id(centre_id).place.code, neighbourhood)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"record-number:{prefix}"])
    last = Resident.objects.filter(record_number__startswith=prefix).aggregate(last=Max("record_number"))["last"]
    return f"{prefix}{int(last[12:]) + 1 if last else 1:05d}"


@beyond("residents.register")
def record_death(*, resident_id: int, on: date, by: Actor, at: datetime) -> Resident:
    """A resident has died; what follows for contracts and bookings belongs to those modules.

    Raises Denied, or RuleBroken for a day ahead or before the birth, Taken where a death is written down already.
    """
    with transaction.atomic():
        row = Resident.objects.select_for_update().get(pk=resident_id)
        allowed = can_register(by, row.centre_id)
        if not allowed:
            raise Denied(allowed.reason)
        if row.deceased_on is not None:
            raise Taken(_("档案里已经写了去世日期。"), next_step=_("请刷新后再看。"))
        if not row.birth_date <= on <= localtime(at).date():
            raise RuleBroken(_("去世日期要在出生之后、今天或以前。"), next_step=_("请核对日期。"))
        row.deceased_on = on
        row.save(update_fields=("deceased_on",))
        record("residents.record_death", row, by=by, at=at, resident_id=row.pk, on=str(on))
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


# From so many people at once the index of the pieces of their names is built after them.
MANY = 5_000
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
        with indexed_afterwards(Resident, "resident_pieces") if len(residents) >= MANY else nullcontext():
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
        for relation in naming_residents():
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
