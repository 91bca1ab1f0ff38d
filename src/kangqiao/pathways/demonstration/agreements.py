"""The relations of annex 2 in force since last year, their yearly target agreements, and two that wait for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.agreements import actions, permissions, queries
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.messaging.models import Notice
from kangqiao.kernel.period import years_after
from kangqiao.pathways.demonstration.network import ZHUHAI
from kangqiao.pathways.demonstration.run import Run

# The centre whose agreement for the coming year is out for signature, and the one whose draft is just begun.
SIGNING, DRAFTED = "c_xiangwan", "c_shishan"

# Hospital and centre by their codes.
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seats:
    """What every agreement asks anew: the ids of organisations by code, and who signs for which body and side."""

    ids: Mapping[str, int]
    signers: dict[tuple[int, str], Actor]


def load_zhuhai(run: Run) -> int:
    """Sixteen joint-building relations, their target agreements of last year and this, and the first of the next."""
    pairs = [
        (row["id"], centre)
        for row in policy.default().pack(ZHUHAI).data("network")["hospitals"]
        for centre in row["centres"]
    ]
    seats = Seats(dict(Organization.objects.values_list("code", "pk")), {})
    this_year, next_year = date(run.today.year, 1, 1), date(run.today.year + 1, 1, 1)
    _signed(run, seats, Agreement.Kind.JOINT_BUILDING, pairs, run.start, years_after(run.start, 3))
    _signed(run, seats, Agreement.Kind.TARGET, pairs, run.start, this_year)
    actions.lapse_due(on=this_year, by=run.by, at=run.at)
    _signed(run, seats, Agreement.Kind.TARGET, pairs, this_year, next_year)
    _read_all(run)
    for hospital, centre in pairs:
        if centre in (SIGNING, DRAFTED):
            _begun(run, seats, hospital, centre, next_year, is_out=centre == SIGNING)
    return Agreement.objects.count()


def _draft(
    run: Run, seats: Seats, kind: str, hospital: str, centre: str, starts_on: date, ends_on: date, at: datetime
) -> Agreement:
    return actions.draft_agreement(
        kind=kind,
        hospital_id=seats.ids[hospital],
        centre_id=seats.ids[centre],
        starts_on=starts_on,
        ends_on=ends_on,
        is_demo=True,
        by=run.by,
        at=at,
    )


def _signed(run: Run, seats: Seats, kind: str, pairs: Sequence[Pair], starts_on: date, ends_on: date) -> None:
    """Agreements of one kind and term, as signed on their first day by the heads of their parties."""
    at = max(run.start_at, run.start_at.replace(year=starts_on.year))
    drafts = [_draft(run, seats, kind, hospital, centre, starts_on, ends_on, at) for hospital, centre in pairs]
    actions.import_signed(drafts=drafts, signer=lambda party: _signer(run, seats, party), by=run.by, at=at)


def _begun(run: Run, seats: Seats, hospital: str, centre: str, starts_on: date, *, is_out: bool) -> None:
    ends_on = years_after(starts_on, 1)
    agreement = _draft(run, seats, Agreement.Kind.TARGET, hospital, centre, starts_on, ends_on, run.at)
    if not is_out:
        return
    actions.propose_agreement(agreement_id=agreement.pk, by=run.by, at=run.at)
    first = queries.parties_of(agreement)[0]
    actions.sign_agreement(agreement_id=agreement.pk, by=_signer(run, seats, first), at=run.at)


def _signer(run: Run, seats: Seats, party: Party) -> Actor:
    """The head of the party as invented, or the loader at its seat where nobody heads it."""
    known = seats.signers.get((party.organization_id, party.side))
    if known is None:
        role = permissions.SIGNERS[party.side]
        head = User.objects.filter(
            pk__in=Membership.objects.filter(organization=party.organization, role=role).values("user")
        ).first()
        known = replace(run.by, organization_id=party.organization_id, organization=party.organization.zh)
        if head is not None:
            known = replace(known, name=head.name)
        seats.signers[party.organization_id, party.side] = known
    return known


def _read_all(run: Run) -> None:
    """What was told last year has been read: an inbox begins with what waits now."""
    waiting = set(Notice.objects.filter(read_at__isnull=True).values_list("organization_id", "role"))
    told = Membership.objects.select_related("user").filter(organization__in={body for body, _role in waiting})
    for membership in told.order_by("pk"):
        if (membership.organization_id, membership.role) not in waiting:
            continue
        seat = seat_of(membership.user, membership.pk)
        if seat is not None:
            messaging.mark_all_read(seat=seat, by=seat.actor, at=run.at)
