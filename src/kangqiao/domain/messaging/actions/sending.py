"""What of a notice goes out: queued with it, handed to a carrier when it is due, followed until a report comes.

The row is held while the carrier has the message, so no second worker takes it; a worker killed in between leaves it
queued, and the carrier knows it by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import carriers
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.carriers import Carrier, Letter, NotCarried, Receipt
from kangqiao.base.transition import begin_all, transition
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import queries, rules
from kangqiao.domain.messaging.models import Channel, ChannelChoice, Delivery, Notice
from kangqiao.domain.messaging.parameters import DeliveryParameters, delivery_at
from kangqiao.domain.messaging.permissions import can_choose_for, can_send_again
from kangqiao.domain.messaging.rules import Visit
from kangqiao.domain.messaging.states import DELIVERY
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NoPolicyInForce, RuleBroken

Failure = Delivery.Failure
FULL = "%Y年%m月%d日 %H:%M"  # untranslated: the one way the templates of others take a time


def choose_channel(*, user_id: int, channel: str, is_on: bool, by: Actor, at: datetime) -> ChannelChoice:
    """A person says whether they want to be told by a channel too. Raises Denied (PIPL 14, 15)."""
    _allow(can_choose_for(by, user_id))
    with transaction.atomic():
        row, _is_new = ChannelChoice.objects.update_or_create(
            user_id=user_id, channel=Channel(channel), defaults={"is_on": is_on, "chosen_at": at}
        )
        record("messaging.choose_channel", row, by=by, at=at, channel=channel, is_on=is_on)
    return row


def queue(*, notices: Sequence[Notice], visit: Visit | None = None, by: Actor, at: datetime) -> list[Delivery]:
    """Notices to people who want to be told outside too are queued, in the transaction that writes the notices."""
    people = {row.user_id for row in notices if row.user_id is not None}
    channels = [one for one in Channel.values if carriers.name(one)]
    if not people or not channels:
        return []
    wishes: dict[int, list[queries.Wish]] = {}
    for wish in queries.wishes(people, channels, localtime(at).date()):
        wishes.setdefault(wish.user_id, []).append(wish)
    if not wishes:
        return []
    houses = {wish.house_id for several in wishes.values() for wish in several}
    terms = {one.pk: _terms(one, at) for one in Organization.objects.select_related("place").filter(pk__in=houses)}
    rows = [
        Delivery(
            notice=notice,
            user_id=wish.user_id,
            organization_id=wish.house_id,
            channel=wish.channel,
            queued_at=at,
            due_at=rules.due(localtime(at), there, visit.starts_at if visit else None),
            visit_at=visit.starts_at if visit else None,
            visit_place_id=visit.organization_id if visit else None,
        )
        for notice in notices
        for wish in wishes.get(notice.user_id or 0, ())
        if (there := terms[wish.house_id]) is not None
    ]
    Delivery.objects.bulk_create(rows)
    begin_all(rows, DELIVERY, by=by, at=at)
    return rows


def step_due(
    *, channel: str, carrier: Carrier, address_of: Callable[[int], str], by: Actor, at: datetime
) -> Delivery | None:
    """What of a channel is due longest is handed to its carrier, or asked after; None when nothing is due or all is in
    other hands.

    `address_of` knows where the channel reaches a person. Asks for a transaction around it, which holds the row.
    """
    row = queries.next_due(channel, at)
    if row is None:
        return None
    terms = _terms(row.organization, at)
    if terms is None:
        _fail(row, Failure.NO_POLICY, by, at)
    elif row.status == DELIVERY.initial:
        _hand_over(row, carrier, rules.address(channel, address_of(row.user_id)), terms, by, at)
    else:
        _ask(row, carrier, terms, by, at)
    record("messaging.step", row, by=by, at=at, status=row.status, tries=row.tries)
    return row


def send_again(*, delivery_id: int, by: Actor, at: datetime) -> Delivery:
    """What did not arrive is queued anew, under the same key. Raises NotVisible, Denied, AlreadyMoved, RuleBroken."""
    _allow(can_send_again(by))
    with transaction.atomic():
        row = queries.get_delivery(by, delivery_id)
        if row.visit_at is not None and row.visit_at <= at:
            raise RuleBroken(_("要说的就诊已经过了时间，再发没有用。"), next_step=_("请让中心电话联系本人。"))
        terms = _terms(row.organization, at)
        if terms is None:
            raise RuleBroken(_("所在地没有发送时间的设定。"), next_step=_("请先在政策包里补上。"))
        anew: dict[str, Any] = {"tries": 0, "failure": "", "answer": "", "receipt": "", "sent_at": None}
        transition(
            row, DELIVERY, "again", by=by, at=at, due_at=rules.due(localtime(at), terms, row.visit_at), **anew
        )  # fmt: skip
        record("messaging.send_again", row, by=by, at=at)
    return row


def _hand_over(
    row: Delivery, carrier: Carrier, address: str, terms: DeliveryParameters, by: Actor, at: datetime
) -> None:
    allowed = rules.due(localtime(at), terms, row.visit_at)
    if not queries.is_wanted(row.user_id, row.channel):
        _fail(row, Failure.SWITCHED_OFF, by, at)
    elif not address:
        _fail(row, Failure.NO_NUMBER if row.channel == Channel.SMS else Failure.UNLINKED, by, at)
    elif row.visit_at is not None and row.visit_at <= at:
        _fail(row, Failure.TOO_LATE, by, at)
    elif row.user.is_demo and carrier.leaves:
        _fail(row, Failure.INVENTED, by, at)
    elif allowed > at:
        # What was answered at the try before is no answer of now: a run does not stop at a message that sleeps.
        _change(row, due_at=allowed, answer="")
    else:
        try:
            receipt = carrier.carry(_letter(row, address, at))
        except NotCarried as error:
            _later(row, str(error), terms, by, at)
        else:
            _taken(row, carrier, receipt, terms, by, at)


def _taken(
    row: Delivery, carrier: Carrier, receipt: Receipt, terms: DeliveryParameters, by: Actor, at: datetime
) -> None:
    if receipt.state == carriers.REFUSED:
        _fail(row, Failure.REFUSED, by, at, answer=receipt.why)
        return
    ask_at = rules.next_question(at, at, terms) if carrier.reports else None
    taken: dict[str, Any] = {
        "tries": row.tries + 1,
        "sent_at": at,
        "receipt": receipt.number,
        "answer": "",
        "due_at": ask_at,
    }
    transition(row, DELIVERY, "send", by=by, at=at, **taken)
    if receipt.state == carriers.DELIVERED:
        transition(row, DELIVERY, "deliver", by=by, at=at, due_at=None)


def _ask(row: Delivery, carrier: Carrier, terms: DeliveryParameters, by: Actor, at: datetime) -> None:
    state, why = carriers.SENT, ""
    with suppress(NotCarried):
        receipt = carrier.ask(row.receipt, at=at)
        state, why = receipt.state, receipt.why
    if state == carriers.DELIVERED:
        transition(row, DELIVERY, "deliver", by=by, at=at, due_at=None)
    elif state == carriers.REFUSED:
        _fail(row, Failure.REFUSED, by, at, answer=why)
    else:
        assert row.sent_at is not None, "what was sent has its time"
        _change(row, due_at=rules.next_question(at, row.sent_at, terms))


def _later(row: Delivery, answer: str, terms: DeliveryParameters, by: Actor, at: datetime) -> None:
    again = rules.next_try(localtime(at), row.tries + 1, terms, row.visit_at)
    if again is None:
        _fail(row, Failure.UNREACHED, by, at, answer=answer)
    else:
        _change(row, tries=row.tries + 1, due_at=again, answer=answer[:200])


def _fail(row: Delivery, failure: Failure, by: Actor, at: datetime, answer: str = "") -> None:
    told: dict[str, Any] = {"failure": failure.value, "answer": answer[:200], "due_at": None}
    transition(row, DELIVERY, "fail", by=by, at=at, reason=str(failure.label), **told)


def _change(row: Delivery, **values: Any) -> None:
    """What is no step: when it is due next, and why not now."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=tuple(values))


def _letter(row: Delivery, address: str, at: datetime) -> Letter:
    """The words in the person's language; of the notice itself only its kind is looked at."""
    with translation.override(row.user.language):
        words = rules.outside(
            row.notice.kind,
            house=_called(row.organization),
            when=date_format(localtime(row.visit_at), "m-d H:i") if row.visit_at else "",
            where=_called(row.visit_place) if row.visit_place else "",
            time=f"{localtime(row.visit_at):{FULL}}" if row.visit_at else "",
        )
    return Letter(row.key, address, words.text, words.template, words.values, at)


def _called(house: Organization) -> str:
    is_chinese = (translation.get_language() or "").startswith("zh")
    return house.short_zh if is_chinese or not house.en else house.en


def _terms(house: Organization, at: datetime) -> DeliveryParameters | None:
    """The settings of a house's place; None where no pack covers it."""
    try:
        return delivery_at(house.place.code, localtime(at).date())
    except NoPolicyInForce:
        return None


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason)
