"""Drawing a sample, checking what was drawn, putting right what was found."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin_all, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.quality import permissions, queries, rules
from kangqiao.domain.quality.models import SampledItem, Sampling
from kangqiao.domain.quality.parameters import terms_at
from kangqiao.domain.quality.states import SAMPLED
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

# More items of a kind per team than anybody checks is a slip.
MOST = 200


def draw_sampling(
    *, centre_id: int, starts_on: date, ends_on: date, size: int | None = None, seed: int | None = None,
    by: Actor, at: datetime,
) -> Sampling:  # fmt: skip
    """So many contracts and services of each team of a centre are drawn by lot; a seed given draws the same again.

    Raises Denied, RuleBroken for a time that is not over, a size nobody checks, or nothing to draw from, Taken where
    the same was drawn before.
    """
    with transaction.atomic():
        centre, on = organization_by_id(centre_id), localtime(at).date()
        _allow(permissions.can_draw(by, centre))
        terms = terms_at(centre.place.code, on)
        number = size if size is not None else terms.items_per_team.integer()
        _check_draw(starts_on, ends_on, number, seed, on)
        lot = seed if seed is not None else secrets.randbelow(rules.SEEDS)
        frame = queries.frame_of(centre, starts_on, ends_on)
        if not frame.contracts:
            raise RuleBroken(_("这段时间这个中心没有签约，抽不出来。"), next_step=_("请换一段时间或一个中心。"))
        row = Sampling(
            bureau_id=by.organization_id or 0, centre=centre, starts_on=starts_on, ends_on=ends_on, size=number,
            seed=lot,
            frame={
                str(team): [len(ids), len(frame.services.get(team, ()))] for team, ids in frame.contracts.items()
            },
            drawn_at=at, by_name=by.name, policy_ref=terms.ref, is_demo=centre.is_demo,
        )  # fmt: skip
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as clash:
            raise Taken(_("同样的时间、同样的种子已经抽过。"), next_step=_("请打开那一次，或换一个种子。")) from clash
        items = _items(row, frame)
        begin_all(items, SAMPLED, by=by, at=at)
        record(
            "quality.draw_sampling", row, by=by, at=at, policy_ref=terms.ref, centre=centre.pk, seed=lot,
            items=len(items),
        )  # fmt: skip
    return row


def _items(row: Sampling, frame: queries.Frame) -> list[SampledItem]:
    picked = [rules.drawn(strata, row.size, row.seed) for strata in (frame.contracts, frame.services)]
    contracts, services = queries.drawn_rows(*([pk for ids in one.values() for pk in ids] for one in picked))
    items = [
        SampledItem(sampling=row, team_id=one.team_id, kind=rules.CONTRACT, contract_id=one.pk, number=one.number)
        for one in contracts
    ]
    items += [
        SampledItem(
            sampling=row, team_id=one.contract.team_id, kind=rules.SERVICE, contract_id=one.contract_id,
            service_id=one.pk, number=one.contract.number, what=one.item.zh, done_on=one.on,
        )
        for one in services
    ]  # fmt: skip
    return SampledItem.objects.bulk_create(items)


def check_item(
    *, item_id: int, how: str, findings: Sequence[str] = (), note: str = "", due_on: date | None = None,
    by: Actor, at: datetime,
) -> SampledItem:  # fmt: skip
    """An item was checked: nothing was found, or what was found goes to the centre with a day to put it right by.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken for what is no finding of this kind and a day that has passed.
    """
    step = "find" if findings else "pass"
    with transaction.atomic():
        row, on = _locked(item_id, step, by), localtime(at).date()
        known = {one.key for one in queries.finding_kinds(row.sampling, row.kind)}
        if set(findings) - known:
            raise RuleBroken(_("没有这种问题。"), next_step=_("请从名单里选；名单里没有的写在说明里。"))
        told: dict[str, Any] = {
            "how": SampledItem.How(how).value,
            "note": note.strip(),
            "checked_by": by.name,
            "checked_at": at,
        }
        if findings:
            days = queries.terms_of(row.sampling).correct_within_days.integer()
            due = due_on or on + timedelta(days=days)
            if due <= on:
                raise RuleBroken(_("整改的日子要在今天以后。"), next_step=_("请另选一天。"))
            told |= {"findings": sorted(set(findings)), "due_on": due}
        transition(row, SAMPLED, step, by=by, at=at, **told)
        record("quality.check_item", row, by=by, at=at, found=len(findings))
        if findings:
            _tell(row, row.sampling.centre_id, Role.CENTRE_MANAGER, _("质控抽查发现问题，请整改"), by=by, at=at)
    return row


def correct_item(*, item_id: int, answer: str, by: Actor, at: datetime) -> SampledItem:
    """The centre says how it was put right. Raises Denied, NotVisible, AlreadyMoved, RuleBroken without words."""
    with transaction.atomic():
        row = _locked(item_id, "correct", by)
        transition(row, SAMPLED, "correct", by=by, at=at, reason=answer, answer=answer.strip()[:500])
        record("quality.correct_item", row, by=by, at=at)
        _tell(row, row.sampling.bureau_id, Role.BUREAU_OFFICER, _("质控抽查已整改，请复核"), by=by, at=at)
    return row


def close_item(*, item_id: int, by: Actor, at: datetime) -> SampledItem:
    """The bureau is content with how it was put right. Raises Denied, NotVisible, AlreadyMoved."""
    with transaction.atomic():
        row = _locked(item_id, "close", by)
        transition(row, SAMPLED, "close", by=by, at=at)
        record("quality.close_item", row, by=by, at=at)
    return row


def send_back_item(*, item_id: int, reason: str, by: Actor, at: datetime) -> SampledItem:
    """It is not put right: the centre has the days of the setting again.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason.
    """
    with transaction.atomic():
        row = _locked(item_id, "send_back", by)
        days = queries.terms_of(row.sampling).correct_within_days.integer()
        due = localtime(at).date() + timedelta(days=days)
        transition(row, SAMPLED, "send_back", by=by, at=at, reason=reason, due_on=due)
        record("quality.send_back_item", row, by=by, at=at)
        _tell(row, row.sampling.centre_id, Role.CENTRE_MANAGER, _("质控抽查的整改被退回"), by=by, at=at)
    return row


def _check_draw(starts_on: date, ends_on: date, size: int, seed: int | None, on: date) -> None:
    if ends_on < starts_on:
        raise RuleBroken(_("最后一天在第一天之前。"), next_step=_("请核对两个日期。"))
    if ends_on > on:
        raise RuleBroken(_("这段时间还没有过完。"), next_step=_("请把最后一天选在今天或以前。"))
    if not 1 <= size <= MOST:
        raise RuleBroken(_("每队抽 1 到 %(most)s 份。") % {"most": MOST}, next_step=_("请核对后再抽。"))
    if seed is not None and not 0 <= seed < rules.SEEDS:
        raise RuleBroken(
            _("种子是 0 到 %(most)s 的数。") % {"most": rules.SEEDS - 1}, next_step=_("空着就由系统抽一个。")
        )


def _locked(item_id: int, step: str, by: Actor) -> SampledItem:
    rows = SampledItem.objects.select_for_update(of=("self",)).select_related("sampling__centre__place", "team")
    row = rows.filter(pk=item_id).first()
    if row is None:
        raise queries.no_sampling()
    taken = SAMPLED.step(step)
    _allow(permissions.can_step(by, row, taken.parties))
    # Before anything else is asked: somebody else may have moved it a moment ago.
    if row.status not in taken.sources:
        raise moved_meanwhile(row, SAMPLED)
    return row


def _allow(allowed: Decision) -> None:
    if not allowed:
        raise Denied(allowed.reason, clause=allowed.clause)


def _tell(row: SampledItem, organization_id: int, role: Role, subject: str, *, by: Actor, at: datetime) -> None:
    notify(
        cause=f"sampled:{row.pk}:{row.status}:{at:%Y%m%d%H%M%S}", kind="contract", organization_id=organization_id,
        role=role, subject=subject, url=reverse("quality-item", args=(row.pk,)), clause="XH23-5.2.4a", by=by, at=at,
    )  # fmt: skip
