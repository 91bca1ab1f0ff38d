"""Which houses need an approval to contract, which have one, and what the bureau has to decide (XH23-5.2.3c)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Case, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import rules
from kangqiao.domain.contracting.models import Approval
from kangqiao.domain.contracting.parameters import ApprovalTerms, approval_terms_at
from kangqiao.domain.contracting.permissions import (
    approval_parties,
    approvals_visible_to,
    can_ask_approval,
)
from kangqiao.domain.contracting.states import APPROVAL
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.institutions.queries import place_ids_under
from kangqiao.kernel.decision import YES, Decision
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step


def approvals(seat: Seat) -> QuerySet[Approval]:
    """The approvals a seat may see: a house's own, a bureau's those of its place; what is to be decided first."""
    rows = Approval.objects.select_related("organization__place").filter(approvals_visible_to(seat))
    return rows.order_by(Case(When(status="asked", then=Value(0)), default=Value(1)), "-asked_at", "-pk")


def get_approval(seat: Seat, approval_id: int) -> Approval:
    """One of them. Raises NotVisible."""
    found = approvals(seat).filter(pk=approval_id).first()
    if found is None:
        raise NotVisible(_("没有这份批准，或不在您的范围内。"), next_step=_("请从签约服务批准的清单打开。"))
    return found


def approval_steps(seat: Seat, one: Approval) -> list[Step]:
    """The moves of an approval open to the seat."""
    return APPROVAL.steps_from(one.status, approval_parties(seat.actor, one))


def approved(house_ids: Iterable[int], on: date) -> dict[int, Approval]:
    """House → the approval in force on a day."""
    rows = Approval.objects.filter(in_force(on), organization__in=list(house_ids))
    return {one.organization_id: one for one in rows}


def in_force(on: date) -> Q:
    """Approvals that cover a day."""
    return Q(starts_on__lte=on) & (Q(ends_on__isnull=True) | Q(ends_on__gt=on))


def approval_terms(house: Organization, on: date) -> ApprovalTerms | None:
    """What the paper says for this house; None where it needs no approval."""
    terms = approval_terms_at(house.place.code, on)
    return terms if terms is not None and house.ownership in terms.ownerships.list_() else None


def gives_approvals(seat: Seat, on: date) -> bool:
    """Whether a paper in force asks for approvals anywhere in the place of the seat."""
    return any(terms_of_places(seat, on).values())


def terms_of_places(seat: Seat, on: date) -> dict[str, ApprovalTerms | None]:
    """What the paper says in the seat's place and in each place under it, by division code."""
    codes = Place.objects.filter(pk__in=place_ids_under(seat.place_code)).values_list("code", flat=True)
    return {code: approval_terms_at(code, on) for code in codes}


def may_contract(house: Organization, on: date) -> Decision:
    """Whether a house may make contracts on a day; houses that need no approval may."""
    terms = approval_terms(house, on)
    if terms is None:
        return YES
    return rules.may_contract(
        house.zh, house.ownership, terms.ownerships.list_(), is_approved=bool(approved([house.pk], on)),
        clause=terms.ownerships.clause,
    )  # fmt: skip


def may_ask(seat: Seat, house: Organization, on: date) -> bool:
    """Whether the seat may ask for an approval now: its house needs one and none is being decided."""
    if not can_ask_approval(seat.actor, house.pk) or approval_terms(house, on) is None:
        return False
    return not Approval.objects.filter(organization=house, status="asked").exists()


def approvals_waiting(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many the bureau has to decide, and since when the first waits."""
    return Waits(Approval.objects.filter(approvals_visible_to(seat), status="asked"), "asked_at").counted()


def approval_rows(seat: Seat, most: int) -> list[Approval]:
    """Those to decide, the longest waiting first."""
    return list(approvals(seat).filter(status="asked").order_by("asked_at", "pk")[:most])
