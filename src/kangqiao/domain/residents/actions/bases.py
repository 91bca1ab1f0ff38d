"""The ledger of bases: why an organisation or a person may see a resident, from when until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import BigIntegerField, CharField, DateTimeField, Q, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import Trace, record, record_all
from kangqiao.base.bulk import checked_together, copy_rows
from kangqiao.base.prepared import Prepared, Told, change, rows_of
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.permissions import can_import
from kangqiao.kernel.errors import Denied, RuleBroken

# The term is the new one where the same basis stands already, since when it holds stays.
GRANT = """
INSERT INTO residents_basis (resident_id, organization_id, user_id, kind, source, since, until)
VALUES (%(resident)s, %(organization)s, %(user)s, %(kind)s, %(source)s, %(since)s, %(until)s)
ON CONFLICT ON CONSTRAINT basis_once DO UPDATE SET until = EXCLUDED.until
RETURNING *
"""
BASIS_COLUMNS = ("resident", "organization", "kind", "source", "since", "until")


@beyond("residents.basis")
def grant_basis(
    *,
    resident_id: int,
    kind: str,
    source: str,
    since: datetime,
    until: datetime | None = None,
    organization_id: int | None = None,
    user_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Basis:
    """An organisation or a person may see a resident from now on, because of `source` (such as `booking:12`).

    Called in the same transaction by the module that makes the relation, which has judged the right to make it.
    The same basis granted again takes the new term, also when it had ended. Raises RuleBroken unless exactly one
    holder is named and the term runs forwards.
    """
    if (organization_id is None) == (user_id is None):
        raise RuleBroken(_("依据要写明一个机构或一个人。"))
    if until is not None and until < since:
        raise RuleBroken(_("依据的结束不能早于开始。"))
    told = {
        "resident": resident_id, "organization": organization_id, "user": user_id, "kind": Basis.Kind(kind).value,
        "source": source, "since": since, "until": until,
    }  # fmt: skip
    (row,) = rows_of(Basis, GRANT, told)
    record("residents.grant_basis", row, by=by, at=at, resident_id=resident_id, kind=row.kind, source=source)
    return row


@dataclass(frozen=True, slots=True)
class Grant:
    """One basis of many of the same kind: for whom, because of what, until when, held by a house or a person."""

    resident_id: int
    source: str
    until: datetime | None = None
    organization_id: int | None = None
    user_id: int | None = None


@beyond("residents.basis")
def grant_bases(*, kind: str, grants: Sequence[Grant], by: Actor, at: datetime) -> None:
    """Many bases at once, in two statements; each as `grant_basis` would write it, with a trace of its own."""
    rows = [
        Basis(
            resident_id=one.resident_id, organization_id=one.organization_id, user_id=one.user_id,
            kind=Basis.Kind(kind).value, source=one.source, since=at, until=one.until,
        )
        for one in grants
    ]  # fmt: skip
    with transaction.atomic():
        Basis.objects.bulk_create(
            rows, update_conflicts=True, update_fields=("until",),
            unique_fields=("resident", "organization", "user", "kind", "source"),
        )  # fmt: skip
        traces = [Trace(row, {"kind": row.kind, "source": row.source}, resident_id=row.resident_id) for row in rows]
        record_all("residents.grant_basis", traces, by=by, at=at)


@beyond("residents.basis")
def end_basis(
    *, source: str, resident_id: int | None = None, user_id: int | None = None, kind: str = "",
    until: datetime | None = None, by: Actor, at: datetime,
) -> int:  # fmt: skip
    """Every open basis that rests on `source` ends now, or at `until`. Returns how many ended; none is no error."""
    told = {"source": source, "resident_id": resident_id, "user_id": user_id, "kind": kind}
    given = {name: value for name, value in told.items() if value not in (None, "")}
    with transaction.atomic():
        found: list[Basis] = _open.models(*given, at=until or at, **given)
        for row in found:
            row.until = max(until or at, row.since)
            change(row, "until")
            record("residents.end_basis", row, by=by, at=at, resident_id=row.resident_id, source=source)
    return len(found)


@Prepared
def _open(*given: str) -> QuerySet[Basis]:
    kinds = {"source": CharField, "kind": CharField, "resident_id": BigIntegerField, "user_id": BigIntegerField}
    told = {name: Told(name, kinds[name]()) for name in given}
    is_open = Q(until__isnull=True) | Q(until__gt=Told("at", DateTimeField()))
    return Basis.objects.select_for_update().filter(is_open, **told)


def import_visit_bases(*, visits: Mapping[tuple[int, int], tuple[datetime, datetime]], by: Actor, at: datetime) -> None:
    """The places people visited in a history that is read in may see them: one basis per (resident, organisation).

    Values are the first and the last visit; each basis outlasts the last one by the stated time. Raises Denied.
    """
    with transaction.atomic():
        _require_importer(by)
        houses = Organization.objects.filter(pk__in={organization for _resident, organization in visits})
        places = dict(houses.values_list("pk", "place__code"))
        today = localtime(at).date()
        after = {pk: access_at(code, today).after for pk, code in places.items()}
        with checked_together(Basis):
            copy_rows(
                Basis,
                BASIS_COLUMNS,
                (
                    (
                        resident_id, organization_id, Basis.Kind.ENCOUNTER.value, f"visits:{organization_id}", first,
                        last + after[organization_id],
                    )
                    for (resident_id, organization_id), (first, last) in visits.items()
                ),
            )  # fmt: skip
        record("residents.import_visit_bases", Basis(), by=by, at=at, rows=len(visits))


def import_bases(*, rows: Sequence[tuple[object, ...]], by: Actor, at: datetime) -> None:
    """Bases of relations that are read in whole: rows of `BASIS_COLUMNS`, one audit row for all. Raises Denied."""
    with transaction.atomic():
        _require_importer(by)
        with checked_together(Basis):
            copy_rows(Basis, BASIS_COLUMNS, rows)
        record("residents.import_bases", Basis(), by=by, at=at, rows=len(rows))


def _require_importer(by: Actor) -> None:
    allowed = can_import(by)
    if not allowed:
        raise Denied(allowed.reason)
