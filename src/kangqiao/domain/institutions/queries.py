"""Reading the network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Exists, F, Func, IntegerField, OuterRef, QuerySet, TextField, Value
from django.utils.translation import gettext as _

from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.base.search import wanted_key
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.errors import NotVisible

# What the page of the network shows.
NETWORK = (Organization.Kind.HOSPITAL, Organization.Kind.CENTRE)


def place(code: str) -> Place:
    """The place of that division code. Raises NotVisible."""
    found = Place.objects.filter(code=code).first()
    if found is None:
        raise NotVisible(_("没有代码为 %(code)s 的地区。") % {"code": code})
    return found


def outermost_places() -> list[Place]:
    """The places that are part of no other."""
    return list(Place.objects.filter(part_of=None).order_by("code"))


def place_ids_under(code: str) -> set[int]:
    """The place and every place that is part of it, at any depth. Raises NotVisible."""
    found = {place(code).pk}
    edge = set(found)
    while edge:
        edge = set(Place.objects.filter(part_of__in=edge).values_list("pk", flat=True)) - found
        found |= edge
    return found


def place_chain(place_id: int) -> list[Place]:
    """The place and the places it is part of, innermost first."""
    chain, row = [], Place.objects.filter(pk=place_id).first()
    while row is not None:
        chain.append(row)
        row = row.part_of
    return chain


def organization(code: str) -> Organization:
    """The organisation of that code with its place. Raises NotVisible."""
    found = Organization.objects.select_related("place").filter(code=code).first()
    if found is None:
        raise NotVisible(_("没有代码为 %(code)s 的机构。") % {"code": code})
    return found


def organization_by_id(organization_id: int) -> Organization:
    """The organisation of that id with its place. Raises NotVisible."""
    found: list[Organization] = _with_place.models(organization=organization_id)
    if not found:
        raise NotVisible(_("没有这个机构。"))
    return found[0]


@Prepared
def _with_place() -> QuerySet[Organization]:
    return Organization.objects.select_related("place").filter(pk=Told("organization", BigIntegerField())).order_by()


def organizations_in(place_code: str, kind: str = "") -> QuerySet[Organization]:
    """Organisations of a kind (or all) in a place and the places under it."""
    rows = Organization.objects.select_related("place").filter(place__in=place_ids_under(place_code))
    return rows.filter(kind=kind) if kind else rows


def hospitals_in(place_code: str) -> QuerySet[Organization]:
    """The hospitals in a place and the places under it."""
    return organizations_in(place_code, Organization.Kind.HOSPITAL)


def centres_in(place_code: str) -> QuerySet[Organization]:
    """The community health centres in a place and the places under it."""
    return organizations_in(place_code, Organization.Kind.CENTRE)


def guidance_office_of(hospital_id: int) -> Organization | None:
    """The hospital's community health guidance office, if it registered one (ZH-4.1a)."""
    found: list[Organization] = _guidance_office.models(hospital=hospital_id)
    return found[0] if found else None


@Prepared
def _guidance_office() -> QuerySet[Organization]:
    rows = Organization.objects.filter(part_of=Told("hospital", BigIntegerField()))
    return rows.filter(kind=Organization.Kind.GUIDANCE_OFFICE)[:1]


def hospitals_without_guidance_office(place_code: str) -> QuerySet[Organization]:
    """The hospitals of a place that have not registered their guidance office yet (ZH-4.1a)."""
    office = Organization.objects.filter(part_of=OuterRef("pk"), kind=Organization.Kind.GUIDANCE_OFFICE)
    return hospitals_in(place_code).filter(~Exists(office))


def payer_bureau(place_id: int, kind: str) -> Organization | None:
    """The bureau of that kind in the place itself or, where it has none, in the nearest place above it."""
    for step in place_chain(place_id):
        found = Organization.objects.filter(place=step, kind=kind).order_by("pk").first()
        if found is not None:
            return found
    return None


def search_organizations(text: str, kind: str = "", limit: int = 20) -> list[Organization]:
    """Organisations whose characters, pinyin or initials hold the text; staff pick a partner by it."""
    rows = Organization.objects.select_related("place")
    return _called(rows.filter(kind=kind) if kind else rows, text, limit)


def search_network(place_id: int, text: str, limit: int) -> list[Organization]:
    """Hospitals and centres of the reader's network that are called so: those the network page shows."""
    wanted = wanted_key(text)
    found: list[Organization] = _of_places.models(places=list(_places_around(place_id)), wanted=wanted)
    return _best_of(found, wanted, limit)


@Prepared
def _of_places() -> QuerySet[Organization]:
    holds = Func(_joined_keys(), Told("wanted", TextField()), function="STRPOS", output_field=IntegerField())
    rows = Organization.objects.select_related("place").filter(among("place_id", "places"), kind__in=NETWORK)
    return rows.alias(holds=holds).filter(holds__gt=0)


def _joined_keys() -> Func:
    return Func(F("keys"), Value(" "), function="ARRAY_TO_STRING", output_field=TextField())


def _places_around(place_id: int) -> set[int]:
    """Every place that is part of the same outermost one; one statement for what two walks would ask level by level."""
    part_of = dict(_parts.ask())

    def outermost(one: int | None) -> int | None:
        while one is not None and part_of.get(one) is not None:
            one = part_of[one]
        return one

    return {one for one in part_of if outermost(one) == outermost(place_id)}


@Prepared
def _parts() -> QuerySet[Place, Any]:
    return Place.objects.order_by().values_list("pk", "part_of")


def _of_network(place_code: str) -> QuerySet[Organization]:
    return organizations_in(place_code).filter(kind__in=NETWORK)


def _called(rows: QuerySet[Organization], text: str, limit: int) -> list[Organization]:
    wanted = wanted_key(text)
    return _best_of((row for row in rows if any(wanted in key for key in row.keys)), wanted, limit)


def _best_of(found: Iterable[Organization], wanted: str, limit: int) -> list[Organization]:
    # A name that begins so comes before one that only holds the words.
    return sorted(found, key=lambda row: not any(key.startswith(wanted) for key in row.keys))[:limit]


@dataclass(frozen=True, slots=True)
class HospitalRow:
    """A hospital and its guidance office, if it has one."""

    hospital: Organization
    office: Organization | None


def hospitals_with_office(place_code: str) -> list[HospitalRow]:
    """Every hospital of a place beside its guidance office (ZH-4.1a)."""
    offices = {
        office.part_of_id: office
        for office in organizations_in(place_code, Organization.Kind.GUIDANCE_OFFICE).order_by("-pk")
    }
    return [HospitalRow(hospital, offices.get(hospital.pk)) for hospital in hospitals_in(place_code)]
