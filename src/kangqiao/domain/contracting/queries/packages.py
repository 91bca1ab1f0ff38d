"""Packages of services: what is offered where and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import ServicePackage
from kangqiao.domain.contracting.parameters import PackageTerm, packages_at
from kangqiao.domain.contracting.permissions import packages_offered_at
from kangqiao.domain.contracting.queries.outreach import groups_held
from kangqiao.domain.contracting.rules import DECLARED, package_suits
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import place_chain, place_ids_under
from kangqiao.kernel.errors import NotVisible


def offered(centre: Organization, on: date) -> QuerySet[ServicePackage]:
    """The packages one can sign for at a centre on a day."""
    open_then = Q(ends_on__isnull=True) | Q(ends_on__gt=on)
    rows = ServicePackage.objects.prefetch_related("items").select_related("organization")
    return rows.filter(packages_offered_at(centre), open_then, starts_on__lte=on).order_by("pk")


def packages_for(rows: Iterable[ServicePackage], groups: Iterable[str]) -> list[ServicePackage]:
    """Those of the packages that suit a person of these key groups."""
    held = set(groups)
    return [one for one in rows if package_suits(one.group, held)]


def package_list(seat: Seat) -> QuerySet[ServicePackage]:
    """Every package a seat has to do with, past ones too; the newest last."""
    rows = ServicePackage.objects.prefetch_related("items").select_related("organization__place")
    if seat.role == Role.BUREAU_OFFICER:
        above = [place.pk for place in place_chain(seat.place_id)]
        here = place_ids_under(seat.place_code) | set(above)
        return rows.filter(organization__place__in=here).order_by("organization__kind", "pk")
    return rows.filter(packages_offered_at(Organization.objects.get(pk=seat.organization_id))).order_by("pk")


def get_package(seat: Seat, package_id: int) -> ServicePackage:
    """One package. Raises NotVisible."""
    found = package_list(seat).filter(pk=package_id).first()
    if found is None:
        raise NotVisible(_("没有这个服务包，或不在您的范围内。"), next_step=_("请从服务包清单打开。"))
    return found


def pack_known(organization: Organization, on: date) -> list[PackageTerm]:
    """The packages of the policy packs that this house does not offer yet."""
    mine = ServicePackage.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=on), organization=organization)
    there = set(mine.values_list("code", flat=True))
    return [one for one in packages_at(organization.place.code, on) if one.code not in there]


def pack_known_at(seat: Seat, on: date) -> list[PackageTerm]:
    """The packages of the policy packs that the seat's house could offer and nobody offers there yet."""
    house = Organization.objects.select_related("place").get(pk=seat.organization_id)
    there = {one.code for one in offered(house, on)}
    return [one for one in pack_known(house, on) if one.code not in there]


def suited(rows: Iterable[ServicePackage], resident_id: int) -> list[ServicePackage]:
    """Those of the packages that suit one resident."""
    return packages_for(rows, groups_held([resident_id])[resident_id])


def is_declared(package: ServicePackage) -> bool:
    """Whether a package is for people who say themselves that they belong to its group."""
    return package.group in DECLARED
