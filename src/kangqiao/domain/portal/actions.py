"""Every write of the portal: asking, answering, handing over, closing, rating."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.queries import members_of, running_of
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.portal import permissions, queries, rules
from kangqiao.domain.portal.models import Enquiry, EnquiryMessage, Rating
from kangqiao.domain.portal.parameters import PortalParameters, portal_at
from kangqiao.domain.portal.states import ENQUIRY
from kangqiao.domain.records.actions import write_document
from kangqiao.domain.records.models import Document
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken


def ask_team(*, resident_id: int, text: str, is_demo: bool = False, by: Actor, at: datetime) -> Enquiry:
    """A contracted resident asks the team; the lead holds the question and its clock starts.

    Words of danger make it urgent. What is written while an earlier question waits is added to that one. Raises Denied,
    RuleBroken without words or without a contract (FT18-2.2l).
    """
    with transaction.atomic():
        _allow(permissions.can_ask(by, resident_id, at))
        waiting = queries.waiting_question(resident_id, user_id_of(by) or 0)
        if waiting is not None:
            return write_more(enquiry_id=waiting.pk, text=text, by=by, at=at)
        contract = running_of([resident_id]).get(resident_id)
        if contract is None:
            raise RuleBroken(_("还没有签约的家庭医生团队。"), next_step=_("请先申请签约，或直接联系社区中心。"))
        terms, leads = _terms(contract, at), members_of([contract.team_id], localtime(at).date())
        found = rules.dangers_in(_said(text), terms.red_flags)
        row = Enquiry(
            resident_id=resident_id, contract=contract, asked_by_id=user_id_of(by) or 0, red_flags=found,
            holder=next((one for one in leads if one.is_lead), None), is_urgent=bool(found), asked_at=at,
            due_at=_due(terms, found, at), policy_ref=terms.ref, is_demo=is_demo,
        )  # fmt: skip
        _insert(row)
        begin(row, ENQUIRY, by=by, at=at)
        _write(row, EnquiryMessage.Side.RESIDENT, text, by=by, at=at)
        record("portal.ask_team", row, by=by, at=at, resident_id=resident_id, policy_ref=terms.ref)
        _tell_team(row, _("签约居民急问：先看这一条") if found else _("签约居民有问题要问"), by=by, at=at)
    return row


def write_more(*, enquiry_id: int, text: str, by: Actor, at: datetime) -> Enquiry:
    """The resident's side adds something, or asks on after an answer; the clock starts anew where it had stopped.

    Raises Denied, NotVisible, AlreadyMoved when it is closed, RuleBroken without words.
    """
    with transaction.atomic():
        row = _locked(enquiry_id)
        _allow(permissions.can_step(by, row, ("resident",), at))
        terms = _terms(row.contract, at)
        found = rules.dangers_in(_said(text), terms.red_flags)
        is_new = bool(found) and not row.is_urgent
        if row.status == "answered":
            due = _due(terms, found, at)
            transition(row, ENQUIRY, "ask_more", by=by, at=at, due_at=due)
        elif row.status != "asked":
            raise moved_meanwhile(row, ENQUIRY)
        if found:
            row.red_flags, row.is_urgent = list(dict.fromkeys([*row.red_flags, *found])), True
            row.due_at = min(row.due_at or at, _due(terms, found, at))
            row.save(update_fields=("red_flags", "is_urgent", "due_at"))
        _write(row, EnquiryMessage.Side.RESIDENT, text, by=by, at=at)
        record("portal.write_more", row, by=by, at=at, resident_id=row.resident_id)
        _tell_team(row, _("签约居民急问：先看这一条") if is_new else _("签约居民又写了一句"), by=by, at=at)
    return row


def answer_enquiry(*, enquiry_id: int, text: str, by: Actor, at: datetime) -> Enquiry:
    """The team answers; question and answer are signed into the record as one letter (XH23-5.2.2c).

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without words.
    """
    with transaction.atomic():
        row = _locked(enquiry_id)
        _allow(permissions.can_step(by, row, ("team",), at))
        asked = queries.asked_lately(row)
        transition(row, ENQUIRY, "answer", by=by, at=at, due_at=None, answered_at=row.answered_at or at)
        _write(row, EnquiryMessage.Side.TEAM, text, by=by, at=at)
        write_document(
            resident_id=row.resident_id, kind=Document.Kind.ONLINE_ADVICE, by=by, at=at,
            organization_id=row.contract.team.organization_id,
            text=_("问：%(asked)s\n答：%(answer)s") % {"asked": asked, "answer": text.strip()},
        )  # fmt: skip
        record("portal.answer_enquiry", row, by=by, at=at, resident_id=row.resident_id)
        _tell_resident(row, _("%(team)s回复了您的问题"), by=by, at=at)
    return row


def hand_over(*, enquiry_id: int, member_id: int, reason: str, by: Actor, at: datetime) -> Enquiry:
    """Another member of the team takes the question, with a note why; the clock runs on.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a note or for somebody who is not in the team.
    """
    with transaction.atomic():
        row = _locked(enquiry_id)
        _allow(permissions.can_step(by, row, ("team",), at))
        member = next((one for one in queries.may_hold(row, localtime(at).date()) if one.pk == member_id), None)
        if member is None:
            raise RuleBroken(_("这位同事不在团队里，或已经在办这个问题。"), next_step=_("请从名单里重新选。"))
        transition(row, ENQUIRY, "hand_over", by=by, at=at, reason=reason, holder=member)
        record("portal.hand_over", row, by=by, at=at, resident_id=row.resident_id, member=member.pk)
        _tell_team(row, _("有居民的问题转给您"), by=by, at=at)
    return row


def close_enquiry(*, enquiry_id: int, by: Actor, at: datetime) -> Enquiry:
    """The matter is settled. Raises Denied, NotVisible, AlreadyMoved while the team has not answered."""
    with transaction.atomic():
        row = _locked(enquiry_id)
        _allow(permissions.can_step(by, row, ("team", "resident"), at))
        transition(row, ENQUIRY, "close", by=by, at=at)
        record("portal.close_enquiry", row, by=by, at=at, resident_id=row.resident_id)
    return row


def keep_clocks(*, by: Actor, at: datetime) -> dict[str, int]:
    """Managers hear once of what is overdue; settled questions close, and those whose contract is over.

    Raises Denied to anybody but a job.
    """
    if not by.is_system:
        raise Denied(_("由系统任务做。"))
    told = sum(_tell_manager(row, by=by, at=at) for row in queries.overdue(at))
    closed = [_close(row, by=by, at=at) for row in queries.answered_before(at)]
    return {"told": told, "closed": sum(closed)}


def rate_service(*, service_id: int, stars: int, words: str = "", by: Actor, at: datetime) -> Rating:
    """A resident says how satisfied they were with one service, once.

    Raises Denied, NotVisible, RuleBroken for another number of stars, Taken when it was rated before.
    """
    with transaction.atomic():
        service = Service.objects.select_related("contract").filter(pk=service_id).first()
        if service is None or not permissions.can_rate(by, service.contract.resident_id, at):
            raise NotVisible(_("没有这次服务，或不由您评价。"), next_step=_("请从“我的家庭医生”打开。"))
        if stars not in rules.STARS:
            raise RuleBroken(_("请在 1 到 5 之间选一个。"))
        try:
            with transaction.atomic():
                row = Rating.objects.create(
                    resident_id=service.contract.resident_id, service=service, stars=stars, words=words.strip(), at=at
                )
        except IntegrityError as clash:
            raise Taken(_("这次服务已经评价过了。"), next_step=_("每次服务评价一次，谢谢您。")) from clash
        record("portal.rate_service", row, by=by, at=at, resident_id=row.resident_id, stars=stars)
    return row


# --- inside ---------------------------------------------------------------------------------------------------


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason)


def _said(text: str) -> str:
    """Raises RuleBroken where nothing was written."""
    if not text.strip():
        raise RuleBroken(_("还没有写内容。"), next_step=_("请写一句再发送。"))
    return text.strip()


def _terms(contract: Contract, at: datetime) -> PortalParameters:
    return portal_at(contract.team.organization.place.code, localtime(at).date())


def _due(terms: PortalParameters, found: list[str], at: datetime) -> datetime:
    hours, minutes = terms.answer_hours.integer(), terms.urgent_minutes.integer()
    return rules.due_at(at, is_urgent=bool(found), hours=hours, minutes=minutes)


def _insert(row: Enquiry) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as clash:
        raise Taken(_("您刚刚已经问了一次，团队还没有回复。"), next_step=_("请在那一条里补充。")) from clash


def _write(row: Enquiry, side: EnquiryMessage.Side, text: str, *, by: Actor, at: datetime) -> None:
    EnquiryMessage.objects.create(enquiry=row, side=side, text=_said(text), by_name=by.name, at=at)


def _locked(enquiry_id: int) -> Enquiry:
    rows = Enquiry.objects.select_for_update(of=("self",)).select_related(
        "contract__team__organization__place", "resident", "holder__practitioner"
    )
    found = rows.filter(pk=enquiry_id).first()
    if found is None:
        raise queries.no_enquiry()
    return found


def _tell(row: Enquiry, step: str, subject: str, to: dict[str, Any], *, by: Actor, at: datetime) -> bool:
    url = reverse("portal-enquiry", args=(row.pk,))
    cause = f"enquiry:{row.pk}:{step}:{at.isoformat()}"
    return notify(cause=cause, kind="enquiry", subject=subject, url=url, by=by, at=at, **to) is not None


def _tell_team(row: Enquiry, subject: str, *, by: Actor, at: datetime) -> None:
    """Whoever holds the question hears of it; where they have no account, the doctors of the house do."""
    user_id = row.holder.practitioner.user_id if row.holder is not None else None
    house = {"organization_id": row.contract.team.organization_id, "role": Role.GP}
    _tell(row, "team", subject, {"user_id": user_id} if user_id else house, by=by, at=at)


def _tell_resident(row: Enquiry, subject: str, *, by: Actor, at: datetime) -> None:
    said = subject % {"team": row.contract.team.zh}
    _tell(row, "resident", said, {"user_id": row.asked_by_id}, by=by, at=at)


def _tell_manager(row: Enquiry, *, by: Actor, at: datetime) -> bool:
    assert row.due_at is not None
    to = {"organization_id": row.contract.team.organization_id, "role": Role.CENTRE_MANAGER}
    # Told once for each clock that ran out.
    return _tell(row, "overdue", _("签约居民的问题过了时限还没有回复"), to, by=by, at=row.due_at)


def _close(row: Enquiry, *, by: Actor, at: datetime) -> bool:
    is_over = row.contract.status not in RUNNING
    if row.status == "asked":
        transition(row, ENQUIRY, "strand", by=by, at=at, reason=_("签约已结束"), due_at=None)
        _tell_resident(row, _("和%(team)s的签约已结束，问题没有再回复"), by=by, at=at)
    else:
        days = _terms(row.contract, at).close_days.integer()
        last = queries.last_written(row)
        if not is_over and last is not None and last > at - timedelta(days=days):
            return False
        transition(row, ENQUIRY, "close", by=by, at=at)
    record("portal.close_enquiry", row, by=by, at=at, resident_id=row.resident_id)
    return True
