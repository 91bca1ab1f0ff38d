"""Who may see and move the money: finance of the payer, the bureau that appraises, and each hospital its own lines."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.finance.models import Settlement
from kangqiao.kernel.decision import YES, Decision, no

RECEIVERS = (Role.HOSPITAL_DIRECTOR, Role.GUIDANCE_OFFICE)
READERS = tuple(role.value for role in (Role.FINANCE_OFFICER, Role.BUREAU_OFFICER, *RECEIVERS))


def visible_to(seat: Seat | None) -> Q:
    """Settlements of the seat's city for finance and bureau, and those with a line of the seat's hospital."""
    if seat is None:
        return Q(pk__in=())
    if seat.role in (Role.FINANCE_OFFICER, Role.BUREAU_OFFICER):
        return Q(place_id=seat.place_id) | Q(lines__payer_id=seat.place_id)
    if seat.role in RECEIVERS:
        return Q(lines__hospital_id=seat.organization_id) | Q(lines__hospital__parts__id=seat.organization_id)
    return Q(pk__in=())


def lines_visible_to(seat: Seat | None) -> Q:
    """The city sees every line, a district those it pays, a hospital its own."""
    if seat is None:
        return Q(pk__in=())
    if seat.role in (Role.FINANCE_OFFICER, Role.BUREAU_OFFICER):
        return Q(settlement__place_id=seat.place_id) | Q(payer_id=seat.place_id)
    if seat.role in RECEIVERS:
        return Q(hospital_id=seat.organization_id) | Q(hospital__parts__id=seat.organization_id)
    return Q(pk__in=())


def can_compute(seat: Seat | None, place_id: int) -> Decision:
    """The city's finance officer computes and submits the fund of the city."""
    if seat is None or seat.role != Role.FINANCE_OFFICER:
        return no(_("经费由财政部门测算，您的岗位只能查看。"))
    return computed_by(seat.place_id, place_id)


def computed_by(place_id: int, fund_place_id: int) -> Decision:
    """A fund is computed at its own place; a district inside it only pays its part (ZH-4.2d)."""
    if place_id != fund_place_id:
        return no(_("全市经费由市财政测算；您可以拨付由本区负责的部分。"), "ZH-4.2d")
    return YES


def may_act(by: Actor, by_place_id: int | None, place_id: int) -> Decision:
    """Whether the actor, sitting at a place, may compute, submit or pay for a place: its finance officer alone."""
    if by.is_system:
        return YES
    if by.role != Role.FINANCE_OFFICER:
        return no(_("经费由财政部门办理，您的岗位只能查看。"))
    return YES if by_place_id == place_id else no(_("这部分经费由当地财政办理。"), "ZH-4.2a")


def may_record(by: Actor, own_places: set[int], place_id: int) -> Decision:
    """Figures of a place are recorded and verified by the finance officer of it or of a place above it."""
    if by.is_system:
        return YES
    if by.role != Role.FINANCE_OFFICER:
        return no(_("经费依据由财政部门录入和核实，您的岗位只能查看。"))
    return YES if place_id in own_places else no(_("只能录入本地区的经费依据。"))


def can_pay(seat: Seat | None, settlement: Settlement) -> Decision:
    """A payer's finance officer pays the payer's own lines once the settlement is submitted."""
    if seat is None or seat.role != Role.FINANCE_OFFICER:
        return no(_("经费由财政部门拨付，您的岗位只能查看。"))
    if settlement.status != "submitted":
        return no(_("测算提交后才能拨付。"))
    return YES


def parties(seat: Seat | None, settlement: Settlement) -> set[str]:
    """Which parties of the settlement's state table the seat may act for."""
    return {"finance"} if can_compute(seat, settlement.place_id) else set()
