"""What the actions of scheduling share: rows locked in one order, a place given back, words for a notice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import BigIntegerField, F, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Prepared, Told
from kangqiao.base.transition import transition
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.scheduling import rules
from kangqiao.domain.scheduling.models import Booking, Displaced, PartnerCount, Session, Slot
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _after(resident: Resident, at: datetime) -> timedelta:
    """How long the place may still see the resident after the visit."""
    return access_at(resident.centre.place.code, localtime(at).date()).after


def _source(booking: Booking) -> str:
    return f"booking:{booking.pk}"


def _owed(displaced: Displaced) -> str:
    return f"displaced:{displaced.pk}"


def _see(booking: Booking, by: Actor, at: datetime) -> None:
    """The basis of a booking, as long as it was when the place was taken."""
    ends = rules.end_of_visit_day(localtime(booking.session.ends_at)) + _after(booking.resident, at)
    residents.grant_basis(
        resident_id=booking.resident_id, kind="booking", source=_source(booking), since=booking.booked_at, until=ends,
        organization_id=booking.session.organization_id, by=by, at=at,
    )  # fmt: skip


def _called(slot: Slot) -> str:
    session = slot.session
    return f"{_when(slot.starts_at)} {session.organization.short_zh} {session.practitioner.name}"


def _address(slot: Slot) -> str:
    return reverse("slots-confirm", args=(slot.pk,))


def _when(instant: datetime) -> str:
    return date_format(localtime(instant), "m-d H:i")


def _constraint(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", "") or "")


def _lock_resident(resident_id: int) -> None:
    _resident_row.ask(resident=resident_id)


@Prepared
def _resident_row() -> QuerySet[Resident, Any]:
    rows = Resident.objects.select_for_update(no_key=True).filter(pk=Told("resident", BigIntegerField()))
    return rows.order_by().values_list("pk")


def _locked_session(session_id: int) -> Session:
    rows = Session.objects.select_for_update(of=("self",)).select_related(
        "organization__place", "practitioner__specialty", "practitioner__organization", "stands_in_for"
    )
    session = rows.filter(pk=session_id).first()
    if session is None:
        raise NotVisible(_("没有这个出诊单元。"), next_step=_("请回到日视图查看。"))
    return session


def _locked_booking(booking_id: int) -> Booking:
    """The booking, its slot locked before it: two people at one slot wait in the same order."""
    found: list[Booking] = _booking.models(booking=booking_id) if _slot_of.ask(booking=booking_id) else []
    if not found:
        raise NotVisible(_("没有这个预约，或不在您的服务范围。"), next_step=_("请回到我的预约查看。"))
    return found[0]


@Prepared
def _slot_of() -> QuerySet[Slot, Any]:
    rows = Slot.objects.select_for_update().filter(bookings__pk=Told("booking", BigIntegerField()))
    return rows.order_by().values_list("pk")


@Prepared
def _booking() -> QuerySet[Booking]:
    along = "slot", "session__organization__place", "session__practitioner", "resident__centre__place"
    rows = Booking.objects.select_for_update(of=("self",)).select_related(*along)
    return rows.filter(pk=Told("booking", BigIntegerField())).order_by()


def _count(booking: Booking, by_how_many: int) -> None:
    """The place of a booking is one more or one less: of the slot, or beside it when it was added beyond."""
    column = "taken" if booking.right_id is None else "extra"
    Slot.objects.filter(pk=booking.slot_id).update(**{column: F(column) + by_how_many})
    if booking.centre_id is not None:
        share = PartnerCount.objects.filter(session=booking.session_id, centre=booking.centre_id)
        share.update(taken=F("taken") + by_how_many)


def _give_back(booking: Booking, *, by: Actor, at: datetime, reason: str) -> None:
    transition(booking, BOOKING, "cancel", by=by, at=at, reason=reason)
    _count(booking, -1)
    residents.end_basis(source=_source(booking), by=by, at=at)
