"""What residents allowed and refused, who may see them now, and for whom somebody acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.domain.residents.permissions import PERSONAL, can_decide, refusals_at, valid_at
from kangqiao.domain.residents.queries.people import get_resident, not_found, resident_of
from kangqiao.kernel.decision import Decision


@dataclass(frozen=True, slots=True)
class Acted:
    """Somebody a person acts for, as what, and until when."""

    resident: Resident
    kind: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """An organisation that may see the resident now, on which bases, and the latest end of them (None: open)."""

    organization: Organization
    why: str
    until: datetime | None
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """The page "我的授权": who may look, what was decided, and whether the reader may decide."""

    resident: Resident
    holders: list[Holder]
    consents: list[Consent]
    may_decide: Decision
    acted_for: list[Acted]


def person_for(seat: Seat, resident_id: int | None) -> Resident:
    """The resident at the screen, or the one they name and act for. Raises NotVisible."""
    if resident_id:
        return get_resident(seat, resident_id)
    own = resident_of(seat.user_id)
    if own is None:
        raise not_found()
    return own


def ledger(seat: Seat, resident: Resident, now: datetime) -> Ledger:
    """Who may see a resident now and what the resident's side decided. Raises NotVisible for anybody out of reach."""
    found = get_resident(seat, resident.pk)
    consents = list(Consent.objects.filter(resident=found).select_related("organization", "person", "given_by"))
    refused: set[int | None] = set(refusals_at(now).filter(resident=found).values_list("organization_id", flat=True))
    return Ledger(
        resident=found,
        holders=_holders(found, refused, now),
        consents=consents,
        may_decide=can_decide(seat.user_id, found, now),
        acted_for=acted_for(seat, now),
    )


def _holders(resident: Resident, refused: set[int | None], now: datetime) -> list[Holder]:
    rows = valid_at(now).filter(resident=resident, organization__isnull=False).select_related("organization")
    by_house: dict[int, list[Basis]] = {}
    for row in rows.order_by("since"):
        by_house.setdefault(row.organization_id or 0, []).append(row)
    found = []
    for pk, bases in by_house.items():
        ends = [one.until for one in bases if one.until is not None]
        why = "、".join(dict.fromkeys(str(one.get_kind_display()) for one in bases))
        house = bases[0].organization
        assert house is not None
        found.append(Holder(house, why, max(ends) if len(ends) == len(bases) else None, pk in refused))
    return found


def acted_for(seat: Seat, now: datetime) -> list[Acted]:
    """The children and others a person acts for now."""
    kinds = [kind for kind in PERSONAL if kind != Basis.Kind.OWN]
    rows = valid_at(now).filter(user_id=seat.user_id, kind__in=kinds).select_related("resident__centre")
    return [Acted(row.resident, str(row.get_kind_display()), row.until) for row in rows.order_by("since")]
