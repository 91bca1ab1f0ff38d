"""Packages: taken over from the policy packs, made by a house itself, ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.contracting import permissions, queries
from kangqiao.domain.contracting.actions.panel import _allow
from kangqiao.domain.contracting.models import Act, Group, PackageItem, ServicePackage
from kangqiao.domain.contracting.parameters import ItemTerm
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.kernel.errors import NotVisible, RuleBroken


def adopt_packages(
    *, organization_id: int, codes: Collection[str] = (), starts_on: date, is_demo: bool = False, by: Actor,
    at: datetime,
) -> list[ServicePackage]:  # fmt: skip
    """Packages of the policy packs are offered by this house, word for word with their clause or reason.

    Without `codes` all that are not offered yet. Raises Denied, NoPolicyInForce.
    """
    with transaction.atomic():
        house = organization_by_id(organization_id)
        _allow(permissions.can_keep_packages(by, house))
        wanted = [one for one in queries.pack_known(house, starts_on) if not codes or one.code in codes]
        made = [
            ServicePackage(
                organization=house, code=one.code, zh=one.zh, en=one.en, group=one.group, starts_on=starts_on,
                clause=one.clause, is_setting=one.is_setting, reason=one.reason, policy_ref=one.policy_ref,
                is_demo=is_demo,
            )
            for one in wanted
        ]  # fmt: skip
        ServicePackage.objects.bulk_create(made)
        for package, term in zip(made, wanted, strict=True):
            _write_items(package, term.items)
            record("contracting.adopt_package", package, by=by, at=at, policy_ref=package.policy_ref, code=package.code)
    return made


def add_package(
    *, organization_id: int, code: str, zh: str, group: str, items: Sequence[ItemTerm], reason: str, starts_on: date,
    en: str = "", by: Actor, at: datetime,
) -> ServicePackage:  # fmt: skip
    """A house offers a package of its own; where it is offered already under this code, the old one ends that day.

    Contracts keep what they promised. Raises Denied, RuleBroken without items or reason, or in the past.
    """
    with transaction.atomic():
        house = organization_by_id(organization_id)
        _allow(permissions.can_keep_packages(by, house))
        if not items:
            raise RuleBroken(_("服务包至少要有一个项目。"))
        if not reason.strip():
            raise RuleBroken(_("请写明为什么这样定，居民和上级会看到。"))
        if starts_on < localtime(at).date():
            raise RuleBroken(_("服务包不能从过去开始。"), next_step=_("请把开始日期改到今天或以后。"))
        running = ServicePackage.objects.select_for_update().filter(organization=house, code=code, ends_on=None)
        for old in running:
            if old.starts_on > starts_on:
                raise RuleBroken(_("同一个服务包已有更晚开始的版本。"), next_step=_("请改开始日期。"))
            old.ends_on = starts_on
            old.save(update_fields=("ends_on",))
        package = ServicePackage.objects.create(
            organization=house, code=code, zh=zh.strip(), en=en.strip(), group=Group(group).value, starts_on=starts_on,
            reason=reason.strip(),
        )  # fmt: skip
        _write_items(package, items)
        record("contracting.add_package", package, by=by, at=at, code=code)
    return package


def end_package(*, package_id: int, by: Actor, at: datetime) -> ServicePackage:
    """A package is no longer offered from today; contracts that promise it keep it.

    Raises Denied, NotVisible, RuleBroken when it has ended already.
    """
    with transaction.atomic():
        package = (
            ServicePackage.objects.select_for_update(of=("self",))
            .select_related("organization")
            .filter(pk=package_id)
            .first()
        )
        if package is None:
            raise NotVisible(_("没有这个服务包。"))
        _allow(permissions.can_keep_packages(by, package.organization))
        if package.ends_on is not None:
            raise RuleBroken(_("这个服务包已于 %(day)s 停止。") % {"day": package.ends_on})
        package.ends_on = max(localtime(at).date(), package.starts_on)
        package.save(update_fields=("ends_on",))
        record("contracting.end_package", package, by=by, at=at)
    return package


def _write_items(package: ServicePackage, items: Sequence[ItemTerm]) -> None:
    PackageItem.objects.bulk_create(
        PackageItem(
            package=package, act=Act(one.act).value, zh=one.zh, en=one.en, times=one.times, fen=one.fen,
            codes=list(one.codes),
        )
        for one in items
    )  # fmt: skip
