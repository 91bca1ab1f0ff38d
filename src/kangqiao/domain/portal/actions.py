"""Every write of the portal: asking, answering, handing over, closing, rating."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.queries import is_paired
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.queries import running_of
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.messaging.actions import notify, notify_all
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.portal import permissions, queries, rules
from kangqiao.domain.portal.models import CentreService, Enquiry, EnquiryMessage, Rating
from kangqiao.domain.portal.parameters import PortalParameters, portal_at
from kangqiao.domain.portal.states import ENQUIRY
from kangqiao.domain.records.actions import write_document
from kangqiao.domain.records.models import Document
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import AlreadyMoved, Denied, NoPolicyInForce, NotVisible, RuleBroken, Taken


def ask_team(*, resident_id: int, text: str, is_demo: bool = False, by: Actor, at: datetime) -> Enquiry:
    """A contracted resident asks the team; the lead holds the question and its clock starts.

    Words of danger make it urgent. What is written while an earlier question waits with the same team is added to that
    one; one that waits with a team before ends. Raises Denied, RuleBroken without words or a contract (FT18-2.2l).
    """
    with transaction.atomic():
        _allow(permissions.can_ask(by, resident_id, at))
        contract = running_of([resident_id]).get(resident_id)
        waiting = queries.waiting_question(resident_id, user_id_of(by) or 0)
        if waiting is not None and contract is not None and waiting.contract.team_id == contract.team_id:
            return write_more(enquiry_id=waiting.pk, text=text, by=by, at=at)
        if contract is None:
            raise RuleBroken(_("还没有签约的家庭医生团队。"), next_step=_("请先申请签约，或直接联系社区中心。"))
        terms = _terms(contract, at)
        found = rules.dangers_in(_said(text), terms.red_flags)
        if waiting is not None:
            _strand(_locked(waiting.pk), by=by, at=at)
        row = Enquiry(
            resident_id=resident_id, contract=contract, asked_by_id=user_id_of(by) or 0, red_flags=found,
            is_urgent=bool(found), asked_at=at, due_at=_due(terms, found, at), policy_ref=terms.ref, is_demo=is_demo,
        )  # fmt: skip
        row.holder = next((one for one in queries.may_hold(row, localtime(at).date()) if one.is_lead), None)
        _insert(row)
        begin(row, ENQUIRY, by=by, at=at)
        _write(row, EnquiryMessage.Side.RESIDENT, text, by=by, at=at)
        record("portal.ask_team", row, by=by, at=at, resident_id=resident_id, policy_ref=terms.ref)
        _tell_team(row, _("签约居民急问：先看这一条") if found else _("签约居民有问题要问"), by=by, at=at)
    return row


def write_more(*, enquiry_id: int, text: str, by: Actor, at: datetime) -> Enquiry:
    """The resident's side adds something, or asks on after an answer; the clock starts anew where it had stopped.

    Raises Denied, NotVisible, AlreadyMoved when it is closed, RuleBroken without words or when the contract is over.
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
        if row.contract.status not in RUNNING and not _renew(row, running_of([row.resident_id]), by=by, at=at):
            raise RuleBroken(_("和这个团队的签约已结束，这里不能再写。"), next_step=_("请向现在签约的团队另问。"))
        if found:
            row.red_flags, row.is_urgent = list(dict.fromkeys([*row.red_flags, *found])), True
            row.due_at = min(row.due_at or at, _due(terms, found, at))
            row.save(update_fields=("red_flags", "is_urgent", "due_at"))
        _write(row, EnquiryMessage.Side.RESIDENT, text, by=by, at=at)
        record("portal.write_more", row, by=by, at=at, resident_id=row.resident_id)
        _tell_team(row, _("签约居民急问：先看这一条") if is_new else _("签约居民又写了一句"), by=by, at=at)
    return row


def answer_enquiry(*, enquiry_id: int, text: str, seen: int | None = None, by: Actor, at: datetime) -> Enquiry:
    """The team answers; question and answer are signed into the record as one letter, a second answer as an addition.

    `seen` is the last message the writer had on the screen. Raises Denied, NotVisible, AlreadyMoved, Taken when
    something was written since, RuleBroken without words.
    """
    with transaction.atomic():
        row = _locked(enquiry_id)
        _allow(permissions.can_step(by, row, ("team",), at))
        said = queries.messages_of(row)
        if seen is not None and said[-1].pk != seen:
            last = {"who": said[-1].by_name, "when": f"{localtime(said[-1].at):%H:%M}"}
            raise Taken(_("%(who)s在 %(when)s 又写了一句。") % last, next_step=_("请先看过再发送，您写的还在。"))
        asked, is_more = queries.asked_lately(said)
        letter = _("问：%(asked)s\n补充答复：%(answer)s") if is_more else _("问：%(asked)s\n答：%(answer)s")
        transition(row, ENQUIRY, "answer", by=by, at=at, due_at=None, answered_at=row.answered_at or at)
        _write(row, EnquiryMessage.Side.TEAM, text, by=by, at=at)
        write_document(
            resident_id=row.resident_id, kind=Document.Kind.ONLINE_ADVICE, by=by, at=at,
            organization_id=row.contract.team.organization_id, text=letter % {"asked": asked, "answer": text.strip()},
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
        _tell_team(row, _("居民的问题转给了%(name)s") % {"name": member.practitioner.name}, by=by, at=at)
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
    """Managers hear once of what is overdue; settled questions close, and those whose contract was not renewed.

    Raises Denied to anybody but a job.
    """
    if not by.is_system:
        raise Denied(_("由系统任务做。"))
    told, closed = _tell_managers(by=by, at=at), 0
    rows = queries.maybe_over()
    running = running_of({one.resident_id for one in rows if one.contract.status not in RUNNING})
    for row in rows:
        try:
            if row.contract.status not in RUNNING or _is_settled(row, at):
                with transaction.atomic():
                    closed += _close(row, running, by=by, at=at)
        except (AlreadyMoved, NoPolicyInForce):
            continue  # somebody was quicker, or the place has no paper yet: the others go on
    return {"told": told, "closed": closed}


def rate_service(*, service_id: int, stars: int, words: str = "", by: Actor, at: datetime) -> Rating:
    """A resident says how satisfied they were with one service, once.

    Raises Denied, NotVisible, RuleBroken for another number of stars or too late, Taken when it was rated before.
    """
    with transaction.atomic():
        rows = Service.objects.select_related("contract__resident__centre__place")
        service = rows.filter(pk=service_id).first()
        if service is None or not permissions.can_rate(by, service.contract.resident_id, at):
            raise NotVisible(_("没有这次服务，或不由您评价。"), next_step=_("请从“我的家庭医生”打开。"))
        if stars not in rules.STARS:
            raise RuleBroken(_("请在 1 到 5 之间选一个。"))
        on = localtime(at).date()
        if service.on <= queries.rated_after(service.contract.resident, on):
            raise RuleBroken(_("这次服务已过了评价的时间。"), next_step=_("有意见请直接告诉团队或社区中心。"))
        try:
            with transaction.atomic():
                row = Rating.objects.create(
                    resident_id=service.contract.resident_id, service=service, stars=stars, words=words.strip(), at=at
                )
        except IntegrityError as clash:
            raise Taken(_("这次服务已经评价过了。"), next_step=_("每次服务评价一次，谢谢您。")) from clash
        record("portal.rate_service", row, by=by, at=at, resident_id=row.resident_id, stars=stars)
    return row


def offer_service(
    *, organization_id: int, zh: str, en: str = "", times: str, since: date, supporter_id: int | None = None,
    specialty: str = "", by: Actor, at: datetime,
) -> CentreService:  # fmt: skip
    """A centre offers something from a day on; a featured service names a hospital bound to it (ZH-3.2.3a).

    Raises Denied, RuleBroken without a specialty or for another hospital, Taken where it offers that already.
    """
    with transaction.atomic():
        _allow(permissions.can_offer(by, organization_id))
        if (supporter_id is None) != (not specialty):
            raise RuleBroken(_("特色服务要同时写支持的医院和专科。"), next_step=_("两个都选，或都不选。"))
        if supporter_id is not None and not is_paired(supporter_id, organization_id, localtime(at).date()):
            raise RuleBroken(_("这家医院和本中心没有联建协议。"), next_step=_("请选有协议的医院。"))
        try:
            with transaction.atomic():
                row = CentreService.objects.create(
                    organization_id=organization_id, zh=zh.strip(), en=en.strip(), times=times.strip(), since=since,
                    supporter_id=supporter_id, specialty=specialty, registered_at=at,
                )  # fmt: skip
        except IntegrityError as clash:
            raise Taken(_("中心已有这个名称的服务。"), next_step=_("请换个名称，或改原来那一项的时间。")) from clash
        record("portal.offer_service", row, by=by, at=at, featured=supporter_id is not None)
    return row


def change_service(*, offer_id: int, times: str, until: date | None = None, by: Actor, at: datetime) -> CentreService:
    """Its times are others now, or it ends on a day. Raises Denied, NotVisible, RuleBroken for a day too early."""
    with transaction.atomic():
        row = CentreService.objects.select_for_update().filter(pk=offer_id, until__isnull=True).first()
        if row is None:
            raise NotVisible(_("没有这项服务，或已经停止。"), next_step=_("请从“中心服务”打开。"))
        _allow(permissions.can_offer(by, row.organization_id))
        if until is not None and until < row.since:
            raise RuleBroken(_("停止的日期早于开始。"), next_step=_("请改日期。"))
        row.times, row.until = times.strip(), until
        row.save(update_fields=("times", "until"))
        record("portal.change_service", row, by=by, at=at, ended=until is not None)
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


def _tell(row: Enquiry, step: str, subject: str, to: dict[str, Any], *, by: Actor, at: datetime) -> None:
    cause, url = f"enquiry:{row.pk}:{step}:{at.isoformat()}", reverse("portal-enquiry", args=(row.pk,))
    notify(cause=cause, kind="enquiry", subject=subject, url=url, by=by, at=at, **to)


def _tell_team(row: Enquiry, subject: str, *, by: Actor, at: datetime) -> None:
    """Who holds the question hears of it; the doctors of the house where nobody there does, and of what is urgent."""
    user_id = queries.account_of_holder(row, localtime(at).date())
    if user_id is not None:
        _tell(row, "team", subject, {"user_id": user_id}, by=by, at=at)
    if user_id is None or row.is_urgent:
        house = {"organization_id": row.contract.team.organization_id, "role": Role.GP}
        _tell(row, "house", subject, house, by=by, at=at)


def _tell_resident(row: Enquiry, subject: str, *, by: Actor, at: datetime) -> None:
    said = subject % {"team": row.contract.team.zh}
    _tell(row, "resident", said, {"user_id": row.asked_by_id}, by=by, at=at)


def _tell_managers(*, by: Actor, at: datetime) -> int:
    """How many clocks that ran out were told; each once."""
    notices = [
        Notice(
            cause=f"enquiry:{row.pk}:overdue:{due_at.isoformat()}", kind="enquiry",
            subject=_("签约居民的问题过了时限还没有回复"), url=reverse("portal-enquiry", args=(row.pk,)),
            organization_id=row.contract.team.organization_id, role=Role.CENTRE_MANAGER,
        )
        for row in queries.overdue(at)
        if (due_at := row.due_at) is not None
    ]  # fmt: skip
    return len(notify_all(notices=notices, by=by, at=at))


def _renew(row: Enquiry, running: dict[int, Contract], *, by: Actor, at: datetime) -> bool:
    """Whether the contract goes on with the same team; then the question goes on under the new term."""
    new = running.get(row.resident_id)
    if new is None or new.team_id != row.contract.team_id:
        return False
    row.contract = new
    row.save(update_fields=("contract",))
    record("portal.renew_enquiry", row, by=by, at=at, resident_id=row.resident_id, contract=new.pk)
    return True


def _strand(row: Enquiry, *, by: Actor, at: datetime) -> None:
    if row.status == "asked":
        transition(row, ENQUIRY, "strand", by=by, at=at, reason=_("签约已结束"), due_at=None)
        record("portal.close_enquiry", row, by=by, at=at, resident_id=row.resident_id)
        _tell_resident(row, _("和%(team)s的签约已结束，问题没有再回复"), by=by, at=at)


def _is_settled(row: Enquiry, at: datetime) -> bool:
    since = at - timedelta(days=_terms(row.contract, at).close_days.integer())
    return row.status == "answered" and (row.last or row.asked_at) <= since  # type: ignore[attr-defined]


def _close(row: Enquiry, running: dict[int, Contract], *, by: Actor, at: datetime) -> bool:
    goes_on = row.contract.status in RUNNING or _renew(row, running, by=by, at=at)
    if goes_on and not _is_settled(row, at):
        return False
    if row.status == "asked":
        _strand(row, by=by, at=at)
    else:
        transition(row, ENQUIRY, "close", by=by, at=at)
        record("portal.close_enquiry", row, by=by, at=at, resident_id=row.resident_id)
    return True
