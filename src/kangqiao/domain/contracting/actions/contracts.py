"""The life of a contract from its answer to its end: accepted, signed, renewed, suspended, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.bulk import reserve_ids
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import permissions, queries, rules
from kangqiao.domain.contracting.actions.communities import join_signer
from kangqiao.domain.contracting.actions.panel import (
    _allow,
    _close_bases,
    _give_places,
    _insert,
    _keep,
    _locked,
    _may_contract,
    _open_bases,
    _promise,
    _take_places,
    _tell,
    _tell_team,
    _terms,
    _trace,
)
from kangqiao.domain.contracting.models import Community, Contract, ServicePackage
from kangqiao.domain.contracting.parameters import ContractingParameters
from kangqiao.domain.contracting.states import CONTRACT, PLACED, RUNNING
from kangqiao.kernel.errors import RuleBroken

MOST_WRONG_CODES = 5


def accept_contract(*, contract_id: int, by: Actor, at: datetime) -> list[Contract]:
    """The team takes the person or the whole household: their places are kept until the day to sign by.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken for a house without the approval it needs (XH23-5.2.3c), Taken
    when the panel has not room for all of them.
    """
    with transaction.atomic():
        rows = _rows(contract_id, "accept", by=by, at=at)
        team = rows[0].team
        _may_contract(team, at)
        _take_places(team, len(rows))
        days = _terms(team, at).sign_within_days.integer()
        _move(rows, "accept", by=by, at=at, sign_by=localtime(at).date() + timedelta(days=days))
        for one in rows:
            _tell(one, "accept", _("%(team)s接受了您的签约申请，请签署"), by=by, at=at)
    return rows


def refuse_contract(*, contract_id: int, reason: str, by: Actor, at: datetime) -> list[Contract]:
    """The team cannot take them and says why. Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason."""
    with transaction.atomic():
        rows = _rows(contract_id, "refuse", by=by, at=at)
        _move(rows, "refuse", by=by, at=at, reason=reason)
        for one in rows:
            _tell(one, "refuse", _("%(team)s没有接受您的签约申请"), body=reason, by=by, at=at)
            _close_bases(one, by=by, at=at)
    return rows


def withdraw_contract(*, contract_id: int, by: Actor, at: datetime) -> list[Contract]:
    """What has not begun is taken back: an application, an acceptance, a renewal.

    Raises Denied, NotVisible, AlreadyMoved.
    """
    with transaction.atomic():
        rows = _rows(contract_id, "withdraw", by=by, at=at)
        for one in rows:
            _give_up(one, by=by, at=at)
    return rows


def sign_contract(
    *, contract_id: int, way: str, where: str, signed_by: str = "", filed_as: str = "", code: str = "",
    signature: str = "", community_id: int | None = None, by: Actor, at: datetime,
) -> list[Contract]:  # fmt: skip
    """The resident signs: on their own screen, at the desk on paper, or at a distance by the code they were shown.

    The term begins today. Who was with another team leaves it in the same step, without a gap and without an overlap.
    `signature` is what was drawn on the screen. Who signs at a place of work, study or residence belongs to it from
    then on, and `where` follows from its kind (XH23-5.2.1e); the family that signs along does not. Raises Denied,
    NotVisible, AlreadyMoved, RuleBroken for a wrong code, a missing name, filing number or, at the desk's screen,
    signature, for a place of another house, or for a house without the approval it needs (XH23-5.2.3c).
    """
    if way == Contract.Way.CODE:
        _check_code(contract_id, code, by=by, at=at)
    with transaction.atomic():
        rows = _rows(contract_id, "sign", by=by, at=at)
        _may_contract(rows[0].team, at)
        name = _signer(rows[0], way, signed_by, filed_as, signature, by=by, at=at)
        place, on = _place(rows[0], community_id), localtime(at).date()
        years = _terms(rows[0].team, at).term_years.integer()
        for one in rows:
            _leave_present_team(one, by=by, at=at)
        _move(
            rows, "sign", by=by, at=at, starts_on=on, ends_on=rules.term_end(on, years), signed_at=at, signed_by=name,
            way=way, where=_where(place, where), community=place, filed_as=filed_as.strip(),
            signature=_drawn(way, signature),
        )  # fmt: skip
        if place is not None:
            join_signer(community=place, resident=_opened(rows, contract_id).resident, by=by, at=at)
        _open_bases(rows, by=by, at=at)
        for one in rows:
            _tell(one, "sign", _("您已和%(team)s签约"), by=by, at=at)
    return rows


def renew_contract(
    *, contract_id: int, way: str, where: str, signed_by: str = "", filed_as: str = "", signature: str = "",
    community_id: int | None = None, by: Actor, at: datetime,
) -> list[Contract]:  # fmt: skip
    """The person or the household goes on with the team for another term: the day the present one ends, or from today.

    Raises Denied, NotVisible, RuleBroken too early or too late, when it was renewed already, or without the approval
    the house needs (XH23-5.2.3c); Taken when the present one has ended and the panel is full.
    """
    with transaction.atomic():
        old = _locked(contract_id)
        first, on = old[0], localtime(at).date()
        _allow(permissions.can_step(by, first, ("team", "resident"), at))
        terms = _terms(first.team, at)
        if first.status not in (*RUNNING, "expired") or first.ends_on is None:
            raise moved_meanwhile(first, CONTRACT)
        days = terms.renew_before_days.integer(), terms.renew_after_days.integer()
        _keep(rules.may_renew(first.ends_on, on, *days))
        _may_contract(first.team, at)
        name = _signer(first, way, signed_by, filed_as, signature, by=by, at=at)
        place = _place(first, community_id)
        made = [_renewal(one, terms, on) for one in old]
        if first.status == "expired":
            _take_places(first.team, len(made))
        said = {
            "signed_at": at, "signed_by": name, "way": way, "where": _where(place, where), "community": place,
            "filed_as": filed_as.strip(), "signature": _drawn(way, signature),
        }  # fmt: skip
        if place is not None:
            join_signer(community=place, resident=_opened(old, contract_id).resident, by=by, at=at)
        for one in made:
            _insert(one)
            _promise(one, _still_offered(one, on))
            begin(one, CONTRACT, by=by, at=at)
            years = terms.term_years.integer()
            start = max(one.previous.ends_on or on, on) if one.previous else on
            _clash(one, "renew", by=by, at=at, starts_on=start, ends_on=rules.term_end(start, years), **said)
            _trace("renew", one, by=by, at=at)
            if start <= on:
                transition(one, CONTRACT, "begin_term", by=by, at=at)
                _open_bases([one], by=by, at=at)
            _tell(one, "renew", _("您已和%(team)s续约"), by=by, at=at)
    return made


def suspend_contract(*, contract_id: int, reason: str, by: Actor, at: datetime) -> Contract:
    """Services rest, such as during a long stay elsewhere; the place is kept.

    Raises Denied, NotVisible, AlreadyMoved.
    """
    with transaction.atomic():
        one = _one(contract_id, "suspend", by=by, at=at)
        _move([one], "suspend", by=by, at=at, reason=reason)
        _tell(one, "suspend", _("%(team)s暂停了签约服务"), body=reason, by=by, at=at)
    return one


def resume_contract(*, contract_id: int, by: Actor, at: datetime) -> Contract:
    """Services go on. Raises Denied, NotVisible, AlreadyMoved."""
    with transaction.atomic():
        one = _one(contract_id, "resume", by=by, at=at)
        _move([one], "resume", by=by, at=at)
        _tell(one, "resume", _("%(team)s恢复了签约服务"), by=by, at=at)
    return one


def end_contract(*, contract_id: int, why: str, reason: str, by: Actor, at: datetime) -> Contract:
    """The contract of one person ends today: by their wish, or by the team for one of the stated causes.

    A renewal that has not begun goes with it. Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason or
    for a resident who names another cause than the own wish.
    """
    with transaction.atomic():
        one = _one(contract_id, "end", by=by, at=at)
        if by.role == Role.RESIDENT and why != Contract.Why.WISH:
            raise RuleBroken(_("您自己解约时，原因是本人提出。"))
        for renewal in one.following.filter(status="signed"):
            _give_up(renewal, by=by, at=at)
        _move([one], "end", by=by, at=at, reason=reason, why_ended=why, ends_on=_today_or_start(one, at))
        _give_places(one.team_id)
        _close_bases(one, by=by, at=at)
        _tell(one, "end", _("您和%(team)s的签约已结束"), body=reason, by=by, at=at)
        if by.role == Role.RESIDENT:
            _tell_team(one, by=by, at=at)
    return one


# --- inside ---------------------------------------------------------------------------------------------------


def _renewal(old: Contract, terms: ContractingParameters, on: date) -> Contract:
    number = reserve_ids(Contract, 1)[0]
    assert old.ends_on is not None
    return Contract(
        pk=number, number=f"QY{on:%Y%m%d}{number:07d}", resident=old.resident, household=old.household, team=old.team,
        previous=old, applied_at=old.applied_at, policy_ref=terms.ref, is_demo=old.is_demo,
    )  # fmt: skip


def _still_offered(renewal: Contract, on: date) -> list[ServicePackage]:
    """What the contract before promised, in the version of today; what is no longer offered is left out."""
    assert renewal.previous is not None
    codes = set(renewal.previous.packages.values_list("code", flat=True))
    return [one for one in queries.offered(renewal.team.organization, on) if one.code in codes]


def _clash(one: Contract, step: str, *, by: Actor, at: datetime, **fields: Any) -> None:
    try:
        with transaction.atomic():
            transition(one, CONTRACT, step, by=by, at=at, **fields)
    except IntegrityError as clash:
        raise RuleBroken(
            _("%(name)s在这段时间已有一份签约。") % {"name": one.resident.name}, next_step=_("请看最新情况。")
        ) from clash


def _rows(contract_id: int, step: str, *, by: Actor, at: datetime) -> list[Contract]:
    rows, taken = _locked(contract_id), CONTRACT.step(step)
    _allow(permissions.can_step(by, rows[0], taken.parties, at))
    # Before anything else is done: signing would end the very contract that somebody signed a moment ago.
    asked = next(one for one in rows if one.pk == contract_id)
    if asked.status not in taken.sources:
        raise moved_meanwhile(asked, CONTRACT)
    return rows


def _one(contract_id: int, step: str, *, by: Actor, at: datetime) -> Contract:
    return next(one for one in _rows(contract_id, step, by=by, at=at) if one.pk == contract_id)


def _move(rows: Sequence[Contract], step: str, *, by: Actor, at: datetime, reason: str = "", **fields: Any) -> None:
    for one in rows:
        transition(one, CONTRACT, step, by=by, at=at, reason=reason, **fields)
        _trace(step, one, by=by, at=at)


def _give_up(one: Contract, *, by: Actor, at: datetime) -> None:
    held = one.status in PLACED
    fields: dict[str, Any] = {}
    if one.status == "signed":
        fields = {"ends_on": one.starts_on}
    transition(one, CONTRACT, "withdraw", by=by, at=at, **fields)
    _trace("withdraw", one, by=by, at=at)
    if held:
        _give_places(one.team_id)
    _close_bases(one, by=by, at=at)


def _leave_present_team(one: Contract, *, by: Actor, at: datetime) -> None:
    """The contract with another team ends the day the new one begins."""
    present = Contract.objects.select_for_update().filter(resident=one.resident_id, status__in=RUNNING).first()
    if present is None:
        return
    for renewal in present.following.filter(status="signed"):
        _give_up(renewal, by=by, at=at)
    transition(present, CONTRACT, "transfer", by=by, at=at, ends_on=_today_or_start(present, at))
    _trace("transfer", present, by=by, at=at, to=one.number)
    _give_places(present.team_id)
    _close_bases(present, by=by, at=at)
    _tell_team(present, by=by, at=at)


def _today_or_start(one: Contract, at: datetime) -> date:
    on = localtime(at).date()
    return max(on, one.starts_on or on)


def _place(one: Contract, community_id: int | None) -> Community | None:
    """The place where it is signed. Raises RuleBroken where the team's house does not serve it."""
    if community_id is None:
        return None
    found = Community.objects.filter(pk=community_id, organization=one.team.organization_id).first()
    if found is None:
        raise RuleBroken(_("这个单位不由团队所在的中心服务。"), next_step=_("请从单位里另选，或不选。"))
    return found


def _where(place: Community | None, where: str) -> str:
    return place.kind if place is not None else Contract.Where(where).value


def _opened(rows: Sequence[Contract], contract_id: int) -> Contract:
    """The contract somebody opened, among those of the household."""
    return next((one for one in rows if one.pk == contract_id), rows[0])


def _drawn(way: str, signature: str) -> str:
    return signature if way == Contract.Way.SCREEN else ""


def _signer(one: Contract, way: str, signed_by: str, filed_as: str, signature: str, *, by: Actor, at: datetime) -> str:
    """Whose signature stands under the contract. Raises RuleBroken where it would be nobody's."""
    if by.role == Role.RESIDENT:
        if way != Contract.Way.SCREEN:
            raise RuleBroken(_("您自己在屏幕上签署。"))
        return by.name
    name, is_for_child = queries.signer_of(one, at)
    if way == Contract.Way.CODE and not is_for_child:
        return name
    if way == Contract.Way.PAPER and not filed_as.strip():
        raise RuleBroken(_("纸质签署要写明归档编号。"), next_step=_("请填纸质协议书上的编号。"))
    if way == Contract.Way.SCREEN and not signature:
        raise RuleBroken(_("屏幕签署要有手写签名。"), next_step=_("请居民在框里签名，或改用纸质签署。"))
    typed = signed_by.strip()
    if is_for_child:
        if not typed or typed == name:
            raise RuleBroken(_("孩子由监护人签署，请写监护人的姓名。"))
        return _("%(name)s（监护人）") % {"name": typed}
    if typed != name:
        raise RuleBroken(_("签署人的姓名要和%(name)s一致。") % {"name": name}, next_step=_("请由本人签署。"))
    return typed


def _check_code(contract_id: int, code: str, *, by: Actor, at: datetime) -> None:
    """A wrong code counts, also though signing fails; after some of them the code no longer signs.

    Only who may sign for the resident can use one up.
    """
    with transaction.atomic():
        one = _one(contract_id, "sign", by=by, at=at)
        left = MOST_WRONG_CODES - one.wrong_codes
        is_right = constant_time_compare(code.strip(), queries.sign_code(one))
        if left > 0 and not is_right:
            one.wrong_codes += 1
            one.save(update_fields=("wrong_codes",))
    if left <= 0:
        raise RuleBroken(_("签约码输错太多，不能再用。"), next_step=_("请改用纸质签署，或请居民在自己的手机上签。"))
    if not is_right:
        raise RuleBroken(
            _("签约码不对，还可以试 %(left)s 次。") % {"left": left - 1}, next_step=_("请居民在“我的家庭医生”里看。")
        )
