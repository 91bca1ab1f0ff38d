"""Every write of agreements: drafting from the pack, signatures, taking effect, ending."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import permissions, queries, rules
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.agreements.parameters import AgreementParameters, ResponsibleHospitalRule
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging.actions import notify_all
from kangqiao.domain.messaging.models import Notice
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken
from kangqiao.policy import Policy

_LETTERS = {Agreement.Kind.JOINT_BUILDING: "LJ", Agreement.Kind.TARGET: "MB", Agreement.Kind.PAIRING: "BF"}


def draft_agreement(
    *,
    kind: str,
    hospital_id: int,
    centre_id: int,
    starts_on: date,
    ends_on: date,
    number: str | None = None,
    justification: str = "",
    forms: Iterable[str] = (),
    is_demo: bool = False,
    by: Actor,
    at: datetime,
) -> Agreement:
    """A hospital drafts an agreement with a centre; parties and duties are taken from the pack of the centre's place.

    `ends_on` is the first day no longer covered. Raises Denied, NoPolicyInForce where the region's papers know no
    such agreement on the first day, and RuleBroken when the term, the hospital's level or an earlier agreement
    forbids it (ZH-1a, ZH-2a).
    """
    with transaction.atomic():
        hospital = _organization(hospital_id, Organization.Kind.HOSPITAL)
        centre = _organization(centre_id, Organization.Kind.CENTRE)
        _allow(permissions.can_draft(by, hospital, centre))
        _keep(rules.term_is_possible(starts_on, ends_on), _("请改结束日期。"))
        policy = queries.policy_for(centre, starts_on)
        terms = AgreementParameters.read(policy, Agreement.Kind(kind).value)
        chosen = tuple(forms) or terms.forms
        _keep(rules.forms_are_known(chosen, terms.forms), _("请从列表中选择。"))
        agreement = Agreement(
            kind=kind,
            hospital=hospital,
            centre=centre,
            responsible_office=institutions.guidance_office_of(hospital.pk),
            starts_on=starts_on,
            ends_on=ends_on,
            forms=list(chosen),
            justification=justification.strip(),
            previous=_previous(kind, hospital, centre, starts_on),
            policy_ref=terms.policy_ref,
            is_demo=is_demo or (hospital.is_demo and centre.is_demo),
        )
        _check_relation(agreement, policy)
        agreement.number = _free_number(number, policy, agreement)
        agreement.save(force_insert=True)
        _write_parties(agreement, terms)
        _write_duties(agreement, terms)
        begin(agreement, AGREEMENT, by=by, at=at)
        record(
            "agreement.draft", agreement, by=by, at=at, policy_ref=terms.policy_ref, number=agreement.number, kind=kind
        )
    return agreement


def propose_agreement(*, agreement_id: int, by: Actor, at: datetime) -> Agreement:
    """The draft goes out for signature; every party is told that its signature is waited for.

    Raises NotVisible, Denied, AlreadyMoved, RuleBroken when another agreement holds the same promise meanwhile.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        _allow(permissions.can_propose(by, agreement))
        _lock_centre(agreement)
        if agreement.status == AGREEMENT.initial:
            _check_relation(agreement, queries.policy_for(agreement.centre, agreement.starts_on))
        _move(agreement, "propose", by=by, at=at)
        record("agreement.propose", agreement, by=by, at=at, policy_ref=agreement.policy_ref)
        _tell(agreement, "propose", _("请签署：%(title)s"), by=by, at=at)
    return agreement


def discard_agreement(*, agreement_id: int, by: Actor, at: datetime) -> Agreement:
    """A draft or an unsigned proposal is thrown away; its number stays used.

    Raises NotVisible, Denied, AlreadyMoved.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        _allow(permissions.can_propose(by, agreement))
        was_out = agreement.status == "signing"
        _move(agreement, "discard", by=by, at=at)
        record("agreement.discard", agreement, by=by, at=at)
        if was_out:
            _tell(agreement, "discard", _("已作废：%(title)s"), by=by, at=at)
    return agreement


def sign_agreement(*, agreement_id: int, by: Actor, at: datetime) -> Agreement:
    """One party signs from its own seat; with the last signature the agreement is signed, and in force if it is due.

    Raises NotVisible, Denied for anybody who is no party, RuleBroken when the term is over already, AlreadyMoved when
    the party has signed or it is not out for signature, Taken when another hospital holds the centre meanwhile.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        parties = queries.parties_of(agreement)
        party = queries.party_among(permissions.home_ids(by), parties)
        _allow(permissions.can_sign(by, party))
        assert party is not None
        if party.signed_at is not None:
            when = date_format(localtime(party.signed_at), "Y-m-d H:i")
            raise AlreadyMoved(
                _("%(who)s已由%(name)s于%(when)s签署，不用再签。")
                % {"who": party.organization.zh, "name": party.signed_by, "when": when}
            )
        if agreement.status != "signing":
            raise moved_meanwhile(agreement, AGREEMENT)
        if agreement.ends_on <= _day(at):
            raise RuleBroken(_("协议的期限已过，不能再签署。"), next_step=_("请重新起草一份。"))
        party.signed_at, party.signed_by = at, by.name
        party.save(update_fields=("signed_at", "signed_by"))
        record("agreement.sign", agreement, by=by, at=at, side=party.side, organization=party.organization.code)
        _complete_if_whole(agreement, parties, by=by, at=at)
    return agreement


def justify_shortfall(*, agreement_id: int, justification: str, by: Actor, at: datetime) -> Agreement:
    """The hospital writes why it stays below an in-principle figure (原则上, SZ16-1f); the warning then shows it.

    Raises NotVisible, Denied, RuleBroken without a text.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        _allow(permissions.can_justify(by, agreement))
        if not justification.strip():
            raise RuleBroken(_("请写明未达到要求的原因。"))
        agreement.justification = justification.strip()
        agreement.save(update_fields=("justification",))
        record("agreement.justify", agreement, by=by, at=at)
    return agreement


def request_end(*, agreement_id: int, reason: str, by: Actor, at: datetime) -> Agreement:
    """Hospital or centre asks for an early end; the agreement holds on until the authority decides (ZH-1b).

    Raises NotVisible, Denied, AlreadyMoved, RuleBroken without a reason.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        _allow(permissions.can_request_end(by, agreement))
        _move(agreement, "request_end", by=by, at=at, reason=reason)
        record("agreement.request_end", agreement, by=by, at=at)
        approver = queries.approver_of(agreement)
        if approver is not None:
            told = [(approver.pk, str(Role.BUREAU_OFFICER))]
            subject = _("待审批的终止申请：%(title)s")
            _notices(agreement, "request_end", subject, told, by=by, at=at, body=reason)
    return agreement


def refuse_end(*, agreement_id: int, reason: str, by: Actor, at: datetime) -> Agreement:
    """The authority refuses the early end; the agreement is in force without a pending request.

    Raises NotVisible, Denied, AlreadyMoved, RuleBroken without a reason.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        _allow(permissions.can_decide_end(by, queries.approver_of(agreement)))
        _move(agreement, "refuse_end", by=by, at=at, reason=reason)
        record("agreement.refuse_end", agreement, by=by, at=at)
        _tell(agreement, "refuse_end", _("终止申请未获同意：%(title)s"), by=by, at=at, body=reason)
    return agreement


def end_agreement(*, agreement_id: int, reason: str, handover: str = "", by: Actor, at: datetime) -> Agreement:
    """The authority ends an agreement early, from that day on; a joint-building relation needs its hand-over record.

    The term is cut to the day of the decision; the agreed last day stays in the audit. Raises NotVisible, Denied,
    AlreadyMoved, RuleBroken without a reason or hand-over record (ZH-1b).
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        _allow(permissions.can_decide_end(by, queries.approver_of(agreement)))
        if agreement.kind == Agreement.Kind.JOINT_BUILDING and not handover.strip():
            raise RuleBroken(
                _("更换责任医院要有交接记录。"), next_step=_("请写明向谁交接、交接了什么。"), clause="ZH-1b"
            )
        agreed, day = agreement.ends_on, max(_day(at), agreement.starts_on + timedelta(days=1))
        why = (
            reason
            if not handover.strip()
            else _("%(reason)s 交接：%(handover)s") % {"reason": reason, "handover": handover}
        )
        _move(agreement, "end", by=by, at=at, reason=why if reason.strip() else "", ends_on=min(agreed, day))
        record("agreement.end", agreement, by=by, at=at, agreed_ends_on=agreed.isoformat())
        _tell(agreement, "end", _("已终止：%(title)s"), by=by, at=at, body=why)
    return agreement


def take_effect_due(*, on: date, by: Actor, at: datetime) -> list[Agreement]:
    """Signed agreements whose first day has come are in force; running it again changes nothing."""
    due = Agreement.objects.filter(status="signed", starts_on__lte=on, ends_on__gt=on).values_list("pk", flat=True)
    return [moved for pk in due if (moved := _take_effect(pk, on, by=by, at=at)) is not None]


def lapse_due(*, on: date, by: Actor, at: datetime) -> list[Agreement]:
    """Agreements whose term is over lapse and their parties are told; running it again changes nothing."""
    due = Agreement.objects.filter(status__in=("in_force", "ending_requested"), ends_on__lte=on)
    return [moved for pk in due.values_list("pk", flat=True) if (moved := _lapse(pk, on, by=by, at=at)) is not None]


# --- parts of the actions -------------------------------------------------------------------------------------


def _organization(organization_id: int, kind: str) -> Organization:
    row = Organization.objects.select_related("place", "part_of").filter(pk=organization_id).first()
    if row is None:
        raise NotVisible(_("没有这个机构。"))
    if row.kind != kind:
        raise RuleBroken(
            _("%(name)s不是%(kind)s。") % {"name": row.zh, "kind": Organization.Kind(kind).label},
            next_step=_("请另选机构。"),
        )
    return row


def _locked(agreement_id: int) -> Agreement:
    rows = Agreement.objects.select_related("hospital", "centre__place").select_for_update(of=("self",))
    agreement = rows.filter(pk=agreement_id).first()
    if agreement is None:
        raise NotVisible(_("没有这份协议，或不在您的范围内。"), next_step=_("请从协议列表打开。"))
    return agreement


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _keep(decision: Decision, next_step: str) -> None:
    if not decision:
        raise RuleBroken(decision.reason, next_step=next_step, clause=decision.clause)


def _previous(kind: str, hospital: Organization, centre: Organization, starts_on: date) -> Agreement | None:
    earlier = Agreement.objects.filter(kind=kind, hospital=hospital, centre=centre, status__in=queries.HELD)
    return earlier.filter(starts_on__lt=starts_on).order_by("-starts_on").first()


def _check_relation(agreement: Agreement, policy: Policy) -> None:
    """What an earlier agreement or the hospital's level forbids; asked at drafting and again before signature."""
    same = queries.same_promise(agreement)
    if same is not None:
        raise RuleBroken(
            _("两家之间已有同类协议 %(number)s，期限重叠。") % {"number": same.number},
            next_step=_("请改期限，或先处理那一份。"),
        )
    if agreement.kind == Agreement.Kind.JOINT_BUILDING:
        rule = ResponsibleHospitalRule.read(policy)
        level = rules.may_be_responsible_hospital(
            agreement.hospital.level, rule.min_level, clause=rule.min_level_clause
        )
        _keep(level, _("请另选一家医院。"))
        present = queries.present_responsible(agreement.centre_id, agreement.starts_on, agreement.ends_on)
        name = present.hospital.zh if present else ""
        free = rules.centre_is_free(name, clause=rule.hospitals_per_centre_clause)
        _keep(free, _("要更换责任医院，请先由现任医院申请终止。"))
    if agreement.kind == Agreement.Kind.TARGET:
        relation = queries.responsible_agreement(agreement.centre_id, agreement.starts_on)
        if relation is None or relation.hospital_id != agreement.hospital_id:
            raise RuleBroken(
                _("%(hospital)s在开始日期那天不是这家中心的责任医院。") % {"hospital": agreement.hospital.zh},
                next_step=_("请先签署联建协管协议。"),
                clause="ZH-4.6b",
            )


def _free_number(wanted: str | None, policy: Policy, agreement: Agreement) -> str:
    if wanted:
        if Agreement.objects.filter(number=wanted).exists():
            raise RuleBroken(_("编号 %(number)s 已经用过。") % {"number": wanted}, next_step=_("请换一个编号。"))
        return wanted
    city = policy.local[0].places[0].code
    prefix = f"{city}-{_LETTERS[Agreement.Kind(agreement.kind)]}-{agreement.starts_on.year}-"
    with connection.cursor() as cursor:
        # Two drafts at the same moment must not count the same number: the second waits for the first to commit.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [prefix])
    last = Agreement.objects.filter(number__regex=f"^{prefix}[0-9]{{4}}$").order_by("-number").first()
    return f"{prefix}{int(last.number[-4:]) + 1 if last else 1:04d}"


def _write_parties(agreement: Agreement, terms: AgreementParameters) -> None:
    found = {
        Party.Side.HOSPITAL: agreement.hospital,
        Party.Side.CENTRE: agreement.centre,
        Party.Side.HOST_HOSPITAL: queries.host_hospital_of(agreement.centre),
        Party.Side.AUTHORITY: queries.authority_of(agreement.centre, terms.ending_approver),
    }
    for side in map(Party.Side, terms.parties):
        organization = found[side]
        if organization is None:
            raise RuleBroken(
                _("%(centre)s还没有登记%(side)s，协议缺少一方。") % {"centre": agreement.centre.zh, "side": side.label},
                next_step=_("请先在机构资料中补上。"),
                clause=terms.parties_clause,
            )
        Party.objects.create(agreement=agreement, organization=organization, side=side)


def _write_duties(agreement: Agreement, terms: AgreementParameters) -> None:
    Duty.objects.bulk_create(Duty(agreement=agreement, **asdict(duty)) for duty in terms.duties)


def _complete_if_whole(agreement: Agreement, parties: list[Party], *, by: Actor, at: datetime) -> None:
    if any(party.signed_at is None for party in parties):
        return
    _lock_centre(agreement)
    if _present(agreement) is not None:
        raise _taken(agreement)
    _move(agreement, "complete", by=by, at=at)
    _tell(agreement, "complete", _("各方已签署：%(title)s"), by=by, at=at)
    if agreement.starts_on <= _day(at):
        _move(agreement, "take_effect", by=by, at=at)


def _take_effect(agreement_id: int, on: date, *, by: Actor, at: datetime) -> Agreement | None:
    with transaction.atomic():
        agreement = _locked(agreement_id)
        if agreement.status != "signed" or agreement.starts_on > on:
            return None
        _move(agreement, "take_effect", by=by, at=at)
        record("agreement.take_effect", agreement, by=by, at=at, policy_ref=agreement.policy_ref)
        _tell(agreement, "take_effect", _("已生效：%(title)s"), by=by, at=at)
    return agreement


def _lapse(agreement_id: int, on: date, *, by: Actor, at: datetime) -> Agreement | None:
    with transaction.atomic():
        agreement = _locked(agreement_id)
        if agreement.status not in ("in_force", "ending_requested") or agreement.ends_on > on:
            return None
        _move(agreement, "lapse", by=by, at=at)
        record("agreement.lapse", agreement, by=by, at=at)
        _tell(agreement, "lapse", _("已到期：%(title)s"), by=by, at=at, body=_("要继续合作，请续签。"))
    return agreement


def _move(agreement: Agreement, step: str, *, by: Actor, at: datetime, reason: str = "", **fields: object) -> None:
    """One step; the table's constraints are the last guard against two agreements that exclude each other."""
    try:
        transition(agreement, AGREEMENT, step, by=by, at=at, reason=reason, **fields)
    except IntegrityError as clash:
        raise _taken(agreement) from clash


def _lock_centre(agreement: Agreement) -> None:
    """Agreements of one centre are settled one after the other.

    Two updates that meet in an exclusion constraint wait for each other and end in a deadlock; the centre's row,
    locked first, makes the second wait, re-read and be refused with a reason instead.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=agreement.centre_id)


def _present(agreement: Agreement) -> Agreement | None:
    """The other joint-building relation that holds the centre meanwhile."""
    if agreement.kind != Agreement.Kind.JOINT_BUILDING:
        return None
    return queries.present_responsible(agreement.centre_id, agreement.starts_on, agreement.ends_on, but=agreement.pk)


def _taken(agreement: Agreement) -> Taken:
    present = _present(agreement)
    if present is not None:
        return Taken(
            rules.centre_is_free(present.hospital.zh).reason, next_step=_("请看协议的最新情况。"), clause="ZH-2a"
        )
    return Taken(_("两家之间刚刚有了另一份同类协议。"), next_step=_("请看协议的最新情况。"))


def _title(agreement: Agreement) -> str:
    kind = Agreement.Kind(agreement.kind).label
    return f"{agreement.hospital.short_zh}—{agreement.centre.short_zh} {kind} {agreement.number}"


def _tell(agreement: Agreement, step: str, subject: str, *, by: Actor, at: datetime, body: str = "") -> None:
    """A notice to every party, and to the hospital's community guidance staff, about one step."""
    _notices(agreement, step, subject, _addressees(agreement, queries.parties_of(agreement)), by=by, at=at, body=body)


def _addressees(agreement: Agreement, parties: Iterable[Party]) -> list[tuple[int, str]]:
    told = [(party.organization_id, str(permissions.SIGNERS[party.side])) for party in parties]
    return list(dict.fromkeys([*told, (agreement.hospital_id, str(Role.GUIDANCE_OFFICE))]))


def _notices(
    agreement: Agreement,
    step: str,
    subject: str,
    told: Iterable[tuple[int, str]],
    *,
    by: Actor,
    at: datetime,
    body: str,
) -> None:
    """One notice to each organisation and role; the number of steps taken so far tells a repeated step apart."""
    taken = queries.history_of(agreement).count()
    notices = [_notice(agreement, step, subject, body_id, role, taken, body) for body_id, role in told]
    notify_all(notices=notices, by=by, at=at)


def _notice(
    agreement: Agreement, step: str, subject: str, organization_id: int, role: str, taken: int, body: str = ""
) -> Notice:
    return Notice(
        cause=f"agreement:{agreement.pk}:{step}:{organization_id}:{role}:{taken}",
        kind="agreement",
        subject=subject % {"title": _title(agreement)},
        body=body,
        url=reverse("agreements-detail", args=(agreement.pk,)),
        organization_id=organization_id,
        role=role,
    )


def _day(at: datetime) -> date:
    return localtime(at).date()
