"""Private houses and in-house clinics ask whether they may contract; the bureau of the place decides (XH23-5.2.3c)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import permissions, queries
from kangqiao.domain.contracting.actions.panel import _allow
from kangqiao.domain.contracting.models import Approval
from kangqiao.domain.contracting.states import APPROVAL
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organization_by_id, payer_bureau
from kangqiao.domain.messaging.actions import notify
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken


def ask_approval(*, organization_id: int, said: str, by: Actor, at: datetime) -> Approval:
    """A house asks for it, and says with whom and what it wants to serve.

    Raises Denied, RuleBroken where no paper in force asks for an approval or nothing is said, Taken where the bureau
    has one of this house to decide already.
    """
    with transaction.atomic():
        _allow(permissions.can_ask_approval(by, organization_id))
        house = organization_by_id(organization_id)
        terms = queries.approval_terms(house, localtime(at).date())
        if terms is None:
            raise RuleBroken(_("您的机构签约不用批准。"), next_step=_("请直接组建团队，接受签约。"))
        if not said.strip():
            raise RuleBroken(_("请写明由谁、为哪些人、提供哪些服务。"), next_step=_("写好以后再提交。"))
        row = Approval(organization=house, asked_at=at, said=said.strip(), policy_ref=terms.ref, is_demo=house.is_demo)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as clash:
            raise Taken(_("已经有一份申请在等批准。"), next_step=_("请等答复，或先撤回那一份。")) from clash
        begin(row, APPROVAL, by=by, at=at)
        record("contracting.ask_approval", row, by=by, at=at, policy_ref=terms.ref, organization=house.pk)
        _tell_bureau(row, by=by, at=at)
    return row


def take_back_approval(*, approval_id: int, by: Actor, at: datetime) -> Approval:
    """The house no longer asks. Raises Denied, NotVisible, AlreadyMoved."""
    with transaction.atomic():
        row = _locked(approval_id, "take_back", by)
        transition(row, APPROVAL, "take_back", by=by, at=at)
        record("contracting.take_back_approval", row, by=by, at=at, organization=row.organization_id)
    return row


def grant_approval(
    *, approval_id: int, starts_on: date, last_day: date | None = None, answer: str, by: Actor, at: datetime
) -> Approval:
    """The bureau approves from a day on, without an end or up to a last day, and says so in words.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without words, for a day gone, an end before the beginning, or
    where an approval of the house covers one of the days already.
    """
    with transaction.atomic():
        row = _locked(approval_id, "grant", by)
        if not answer.strip():
            raise RuleBroken(_("请写明批准了什么、有什么条件。"), next_step=_("例如：同意为本园区职工签约。"))
        if starts_on < localtime(at).date():
            raise RuleBroken(_("批准不能从过去的日子起。"), next_step=_("请选今天或以后。"))
        if last_day is not None and last_day < starts_on:
            raise RuleBroken(_("最后一天在开始那天之前。"), next_step=_("请核对两个日期。"))
        ends_on = last_day + timedelta(days=1) if last_day else None
        try:
            with transaction.atomic():
                transition(
                    row, APPROVAL, "grant", by=by, at=at, starts_on=starts_on, ends_on=ends_on, answer=answer.strip()
                )
        except IntegrityError as clash:
            raise RuleBroken(
                _("这家机构在这些日子里已经有一份批准。"), next_step=_("请选那份到期以后的日子，或先收回那一份。")
            ) from clash
        record("contracting.grant_approval", row, by=by, at=at, policy_ref=row.policy_ref, starts_on=str(starts_on))
        _tell_house(row, _("签约服务已批准"), by=by, at=at)
    return row


def refuse_approval(*, approval_id: int, reason: str, by: Actor, at: datetime) -> Approval:
    """The bureau does not approve and says why. Raises Denied, NotVisible, AlreadyMoved, RuleBroken."""
    with transaction.atomic():
        row = _locked(approval_id, "refuse", by)
        transition(row, APPROVAL, "refuse", by=by, at=at, reason=reason, answer=reason.strip()[:300])
        record("contracting.refuse_approval", row, by=by, at=at, organization=row.organization_id)
        _tell_house(row, _("签约服务没有获批"), by=by, at=at)
    return row


def withdraw_approval(*, approval_id: int, reason: str, by: Actor, at: datetime) -> Approval:
    """The bureau takes the approval back from today on; what becomes of contracts the setting says (`end_unapproved`).

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason or where it is over already.
    """
    with transaction.atomic():
        row = _locked(approval_id, "withdraw", by)
        on = localtime(at).date()
        assert row.starts_on is not None
        if row.ends_on is not None and row.ends_on <= on:
            raise RuleBroken(_("这份批准已经到期。"), next_step=_("不用收回；要再签约的，由机构重新申请。"))
        transition(row, APPROVAL, "withdraw", by=by, at=at, reason=reason, ends_on=max(on, row.starts_on))
        record("contracting.withdraw_approval", row, by=by, at=at, organization=row.organization_id)
        _tell_house(row, _("签约服务的批准已收回"), by=by, at=at)
    return row


def _locked(approval_id: int, step: str, by: Actor) -> Approval:
    rows = Approval.objects.select_for_update(of=("self",)).select_related("organization__place")
    row = rows.filter(pk=approval_id).first()
    if row is None:
        raise NotVisible(_("没有这份批准。"), next_step=_("请从签约服务批准的清单打开。"))
    taken = APPROVAL.step(step)
    _allow(permissions.can_step_approval(by, row, taken.parties))
    # Before anything else is asked: somebody else may have decided a moment ago.
    if row.status not in taken.sources:
        raise moved_meanwhile(row, APPROVAL)
    return row


def _tell_bureau(row: Approval, *, by: Actor, at: datetime) -> None:
    bureau = payer_bureau(row.organization.place_id, Organization.Kind.HEALTH_BUREAU)
    if bureau is not None:
        notify(
            cause=f"approval:{row.pk}:asked", kind="contract", organization_id=bureau.pk, role=Role.BUREAU_OFFICER,
            subject=_("%(house)s申请提供签约服务") % {"house": row.organization.short_zh},
            url=reverse("contracting-approval", args=(row.pk,)), by=by, at=at,
        )  # fmt: skip


def _tell_house(row: Approval, subject: str, *, by: Actor, at: datetime) -> None:
    notify(
        cause=f"approval:{row.pk}:{row.status}", kind="contract", organization_id=row.organization_id,
        role=Role.CENTRE_MANAGER, subject=subject, url=reverse("contracting-approval", args=(row.pk,)), by=by, at=at,
    )  # fmt: skip
