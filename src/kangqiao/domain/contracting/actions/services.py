"""The ledger of what was done, and who belongs to the key groups: both read off the record, again and again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import checked_together, copy_rows
from kangqiao.domain.contracting import rules
from kangqiao.domain.contracting.actions.panel import _allow
from kangqiao.domain.contracting.models import Contract, ContractPackage, KeyPerson, PackageItem, Service
from kangqiao.domain.contracting.parameters import contracting_at
from kangqiao.domain.contracting.permissions import can_import
from kangqiao.domain.contracting.states import TERMED
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.institutions.queries import place_ids_under
from kangqiao.domain.records.models import Condition
from kangqiao.domain.residents.models import Resident

# More than a night brings: a history that is read in, for which the table may be held.
WHOLE_HISTORY = 5_000


@dataclass(frozen=True, slots=True)
class Done:
    """One act of the record: for whom, when, of which kind, under which diagnosis, and the row that shows it."""

    resident_id: int
    on: date
    act: str
    diagnosis: str
    source: str


def count_services(*, acts: Iterable[Done], by: Actor, at: datetime) -> int:
    """Each act is counted once, for one item of the contract that held that day. Returns how many were new.

    What no item promises is left out; what was counted stays as it was. Raises Denied to anybody but a job.
    """
    _allow(can_import(by))
    found = list(acts)
    with transaction.atomic():
        held = _held({one.resident_id for one in found})
        rows = []
        for one in found:
            for starts_on, ends_on, contract_id, items in held.get(one.resident_id, ()):
                if starts_on <= one.on < ends_on:
                    item = rules.item_of(one.act, one.diagnosis, items)
                    rows += (
                        [Service(contract_id=contract_id, item_id=item, on=one.on, source=one.source)] if item else []
                    )
        known = set(
            Service.objects.filter(contract__in={row.contract_id for row in rows}).values_list("contract_id", "source")
        )
        fresh = [row for row in rows if (row.contract_id, row.source) not in known]
        with checked_together(Service) if len(fresh) > WHOLE_HISTORY else nullcontext():
            copy_rows(
                Service,
                ("contract", "item", "on", "source"),
                ((row.contract_id, row.item_id, row.on, row.source) for row in fresh),
            )
        record("contracting.count_services", Service(), by=by, at=at, rows=len(fresh))
    return len(fresh)


Held = dict[int, list[tuple[date, date, int, list[tuple[int, str, list[str]]]]]]


def _held(resident_ids: set[int]) -> Held:
    """The terms of these residents, each with its contract and the items it promises, those with a diagnosis first."""
    rows = Contract.objects.filter(resident__in=resident_ids, status__in=TERMED).order_by("pk")
    terms = list(rows.values_list("pk", "resident_id", "starts_on", "ends_on"))
    items: dict[int, list[tuple[int, str, list[str]]]] = defaultdict(list)
    for item in PackageItem.objects.order_by("pk"):
        items[item.package_id].append((item.pk, item.act, item.codes))
    promised: dict[int, list[tuple[int, str, list[str]]]] = defaultdict(list)
    links = ContractPackage.objects.filter(contract__in=[row[0] for row in terms]).order_by("pk")
    for contract_id, package_id in links.values_list("contract_id", "package_id"):
        promised[contract_id] += items[package_id]
    found: Held = defaultdict(list)
    for pk, resident_id, starts_on, ends_on in terms:
        assert starts_on is not None
        assert ends_on is not None
        found[resident_id].append((starts_on, ends_on, pk, promised[pk]))
    return found


def flag_key_groups(*, on: date, by: Actor, at: datetime) -> tuple[int, int]:
    """Who belongs to a key group by age or by the record is entered, who no longer does is ended.

    Returns how many of each. What residents said themselves is left alone. Raises Denied to anybody but a job,
    NoPolicyInForce.
    """
    _allow(can_import(by))
    opened = closed = 0
    with transaction.atomic():
        for code in Place.objects.filter(part_of=None).order_by("code").values_list("code", flat=True):
            one, other = _flag_in(code, on)
            opened, closed = opened + one, closed + other
        record("contracting.flag_key_groups", KeyPerson(), by=by, at=at, opened=opened, closed=closed)
    return opened, closed


def _flag_in(place_code: str, on: date) -> tuple[int, int]:
    people = Resident.objects.filter(
        centre__place__in=place_ids_under(place_code), deceased_on__isnull=True
    ).values_list("pk", "birth_date")
    found = list(people)
    if not found:
        return 0, 0
    terms = contracting_at(place_code, on)
    wanted_codes = {code for codes in terms.conditions.values() for code in codes}
    codes: dict[int, set[str]] = defaultdict(set)
    for pk, code in Condition.objects.filter(code__in=wanted_codes, abated_on=None).values_list("resident_id", "code"):
        codes[pk].add(code)
    bounds = {
        "elderly_from": terms.elderly_from_years.integer(), "child_below": terms.child_below_years.integer(),
        "conditions": terms.conditions,
    }  # fmt: skip
    wanted = {(pk, group) for pk, born in found for group in rules.groups_of(born, codes[pk], on, **bounds)}  # type: ignore[arg-type]
    rows = KeyPerson.objects.filter(until__isnull=True).exclude(evidence=KeyPerson.Evidence.DECLARED)
    rows = rows.filter(resident__centre__place__in=place_ids_under(place_code))
    present = {(resident, group): pk for pk, resident, group in rows.values_list("pk", "resident_id", "group")}
    fresh = wanted - set(present)
    declared = KeyPerson.objects.filter(until__isnull=True, evidence=KeyPerson.Evidence.DECLARED)
    fresh -= set(declared.values_list("resident_id", "group"))
    gone = [pk for key, pk in present.items() if key not in wanted]
    by_age = ("elderly", "child")
    evidence = {True: KeyPerson.Evidence.AGE.value, False: KeyPerson.Evidence.RECORD.value}
    copy_rows(
        KeyPerson,
        ("resident", "group", "since", "evidence"),
        ((pk, group, on, evidence[group in by_age]) for pk, group in sorted(fresh)),
    )
    KeyPerson.objects.filter(pk__in=gone).update(until=on)
    return len(fresh), len(gone)
