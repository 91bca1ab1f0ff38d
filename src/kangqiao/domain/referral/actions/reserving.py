"""The places of a letter: taken together or not at all, changed one by one, given back together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from itertools import pairwise

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import age
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling import queries as places
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.kernel.errors import RuleBroken, Taken


def _wanted(
    slot_id: int | None, parts: Mapping[str, int], hospital: Organization, *, is_green: bool
) -> dict[str, Slot]:
    """The slots a letter asks for, by kind, the visit under no kind; in the order in which they are locked.

    Raises RuleBroken where a part is not the hospital's or not of its kind, two are at the same time, or no agreement
    opens the green channel.
    """
    if parts and not is_green:
        raise RuleBroken(
            _("检查和床位只能由绿色通道预留。"), next_step=_("请选有协议的医院，或只占门诊号。"), clause="SZ16-2.2c"
        )
    ids = {**({"": slot_id} if slot_id is not None else {}), **parts}
    chosen = [(kind, places.get_slot(one)) for kind, one in sorted(ids.items(), key=lambda pair: pair[1])]
    for kind, slot in chosen:
        session = slot.session
        is_kind = session.specialty == kind if kind else session.specialty not in ORDERED
        if session.organization_id != hospital.pk or not is_kind:
            raise RuleBroken(
                _("选的%(kind)s不是这家医院的。") % {"kind": _called(kind)}, next_step=_("请重新选一个时间。")
            )
    _refuse_same_time(chosen)
    return dict(chosen)


def _take(
    wanted: Mapping[str, Slot],
    *,
    resident_id: int,
    centre: Organization,
    attempt: str,
    urgency: str,
    by: Actor,
    at: datetime,
) -> dict[str, Booking]:
    """Every place of a letter, in the transaction of its sending. Raises Taken naming the one that went."""
    taken: dict[str, Booking] = {}
    for kind, slot in wanted.items():
        try:
            taken[kind] = scheduling.book(
                slot_id=slot.pk, resident_id=resident_id, channel=Booking.Channel.REFERRAL,
                attempt=f"{attempt}:{kind}" if kind else attempt, as_partner_centre_id=centre.pk,
                is_emergency=urgency == Referral.Urgency.EMERGENCY, by=by, at=at,
            )  # fmt: skip
        except Taken as gone:
            if len(wanted) == 1:
                raise
            raise Taken(
                _("%(kind)s没有占到：%(why)s其余的也没有占，信还在。")
                % {"kind": _called(kind), "why": gone.message},
                next_step=_("请另选这一项的时间，再一次发出。"), alternatives=gone.alternatives,
            ) from None  # fmt: skip
    return taken


def _points_of(
    resident: Resident, urgency: str, reason_code: str, parameters: ReferralParameters, at: datetime
) -> dict[str, int]:
    """How soon this patient is to be seen, in points by reason (SZ16-2.2c)."""
    is_contracted, is_key = queries.ties_of(resident.pk, at)
    patient = rules.Patient(urgency, reason_code, age(resident, localtime(at).date()), is_contracted, is_key)
    worth = {reason: value.integer() for reason, value in parameters.points.items()}
    return rules.points(patient, worth, parameters.aged_from.integer())


def _own_booking(booking_id: int | None, resident_id: int, hospital_id: int, at: datetime) -> Booking | None:
    """The place the GP took for the patient at this hospital, as long as it stands and lies ahead."""
    if booking_id is None:
        return None
    rows = Booking.objects.select_for_update(of=("self",)).select_related("session", "slot")
    found = rows.filter(pk=booking_id, resident_id=resident_id).first()
    if found is None or found.session.organization_id != hospital_id or found.session.specialty in ORDERED:
        raise RuleBroken(_("占的号不是这位居民在这家医院的。"), next_step=_("请重新选号。"))
    if found.status != "booked" or found.slot.starts_at <= at:
        raise RuleBroken(_("占的号已经取消或过了时间。"), next_step=_("请重新选号。"))
    return found


def _place(referral: Referral, slot_id: int | None, by: Actor, at: datetime) -> Booking | None:
    """The place the patient comes to: the one held if it is good and no other is named, else a new one for it.

    One transaction changes both; in one session the old place has to go first, since a person holds one there.
    """
    held = referral.booking
    is_good = held is not None and held.status == "booked" and held.slot.starts_at > at
    if held is not None and is_good and slot_id in (None, held.slot_id):
        return held
    if slot_id is None:
        return None
    if not queries.is_slot_of(slot_id, referral.to_organization_id):
        raise RuleBroken(_("这个号不是接收医院的。"), next_step=_("请从本院的预留号里选一个。"))
    kept = [(part.kind, part.booking.slot) for part in queries.parts_of(referral) if part.booking.status == "booked"]
    _refuse_same_time([("", places.get_slot(slot_id)), *kept])
    _lock_places(referral, slot_id)
    if is_good:
        _free_place(referral, _("改期"), by, at)
    try:
        return scheduling.book(
            slot_id=slot_id, resident_id=referral.resident_id, channel=Booking.Channel.REFERRAL,
            attempt=f"referral:{referral.pk}:{slot_id}:{at.timestamp():.6f}",
            is_emergency=referral.urgency == Referral.Urgency.EMERGENCY,
            as_partner_centre_id=referral.from_organization_id if referral.is_green_channel else None,
            by=permissions.at_the_desk(by, referral.to_organization), at=at,
        )  # fmt: skip
    except Taken as gone:
        raise Taken(gone.message, next_step=_("请从预留号里另选一个。")) from None


def _free_place(referral: Referral, reason: str, by: Actor, at: datetime) -> None:
    """The place of the visit goes back, if its time is still to come."""
    booking = referral.booking
    if booking is not None and booking.status == "booked" and booking.slot.starts_at > at:
        scheduling.cancel_booking(booking_id=booking.pk, reason=reason, by=permissions.for_the_referral(by), at=at)


def _free_all(referral: Referral, reason: str, by: Actor, at: datetime) -> None:
    """Visit, examinations and bed go back together, as far as their time is still to come."""
    _lock_places(referral)
    _free_place(referral, reason, by, at)
    for part in queries.parts_of(referral):
        if part.booking.status == "booked" and part.booking.slot.starts_at > at:
            scheduling.cancel_booking(
                booking_id=part.booking_id, reason=reason, by=permissions.for_the_referral(by), at=at
            )


def _miss_all(referral: Referral, by: Actor, at: datetime) -> None:
    """The visit, and every examination or bed whose time has passed, counts as missed. Raises RuleBroken too early."""
    _lock_places(referral)
    desk = permissions.at_the_desk(by, referral.to_organization)
    passed = [part.booking for part in queries.parts_of(referral) if part.booking.slot.starts_at <= at]
    for booking in (*([referral.booking] if referral.booking else ()), *passed):
        if booking.status == "booked":
            scheduling.miss_booking(booking_id=booking.pk, by=desk, at=at)


def _take_again(referral: Referral, since: datetime, by: Actor, at: datetime) -> None:
    """After an absence that was none: what was missed is awaited again, what went back then is taken if still free."""
    _lock_places(referral)
    desk = permissions.at_the_desk(by, referral.to_organization)
    if referral.booking is not None and referral.booking.status == "no_show":
        scheduling.undo_arrival(booking_id=referral.booking.pk, by=desk, at=at)
    for part in queries.parts_given_back(referral, since):
        if part.booking.status == "no_show":
            scheduling.undo_arrival(booking_id=part.booking_id, by=desk, at=at)
            continue
        with suppress(Taken, RuleBroken):
            part.booking = scheduling.book(
                slot_id=part.booking.slot_id, resident_id=referral.resident_id, channel=Booking.Channel.REFERRAL,
                attempt=f"referral:{referral.pk}:{part.booking.slot_id}:{at.timestamp():.6f}",
                is_emergency=referral.urgency == Referral.Urgency.EMERGENCY,
                as_partner_centre_id=referral.from_organization_id, by=desk, at=at,
            )  # fmt: skip
            part.save(update_fields=("booking",))


def _lock_places(referral: Referral, *more: int) -> None:
    """Every place of the letter, and those it is about to take, before one of them changes."""
    own = [part.booking.slot_id for part in queries.parts_of(referral)]
    own += [referral.booking.slot_id] if referral.booking else []
    places.locked_places([*own, *more])


def _refuse_arrived(referral: Referral) -> None:
    """Whoever has come, be it for an examination or the bed alone, is neither sent back nor absent."""
    stays = [part.booking for part in queries.parts_of(referral)] + ([referral.booking] if referral.booking else [])
    if referral.arrived_at is not None or any(one.status in ("arrived", "fulfilled") for one in stays):
        raise RuleBroken(_("患者已经到诊。"), next_step=_("请确认就诊再写小结；门诊没看成，请改期。"))


def _refuse_visit_begun(referral: Referral) -> None:
    """A visit that has begun is not moved; with the examination done, it still may be."""
    if referral.booking is not None and referral.booking.status in ("arrived", "fulfilled"):
        raise RuleBroken(_("患者已经到诊。"), next_step=_("请确认就诊，再写小结。"))


def _refuse_same_time(chosen: list[tuple[str, Slot]]) -> None:
    by_time = sorted(chosen, key=lambda pair: pair[1].starts_at)
    for (first, one), (second, other) in pairwise(by_time):
        if other.starts_at < one.ends_at:
            raise RuleBroken(
                _("%(one)s和%(other)s的时间重叠。") % {"one": _called(first), "other": _called(second)},
                next_step=_("请错开时间再发出。"),
            )


def _called(kind: str) -> str:
    return str(Part.Kind(kind).label) if kind else _("门诊号")
