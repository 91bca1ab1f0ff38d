"""The relations of annex 2 in force since last year, their yearly target agreements, and two that wait for somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from django.db.models import Q

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.agreements import actions, permissions, queries
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.messaging import actions as messaging
from kangqiao.kernel.period import years_after
from kangqiao.pathways.demonstration.network import ZHUHAI
from kangqiao.pathways.demonstration.run import Run

# The centre whose agreement for the coming year is out for signature, and the one whose draft is just begun.
SIGNING, DRAFTED = "c_xiangwan", "c_shishan"


def load_zhuhai(run: Run) -> int:
    """Sixteen joint-building relations, their target agreements of last year and this, and the first of the next."""
    pairs = [
        (row["id"], centre)
        for row in policy.default().pack(ZHUHAI).data("network")["hospitals"]
        for centre in row["centres"]
    ]
    this_year, next_year = date(run.today.year, 1, 1), date(run.today.year + 1, 1, 1)
    for hospital, centre in pairs:
        _signed(run, Agreement.Kind.JOINT_BUILDING, hospital, centre, run.start, years_after(run.start, 3))
        _signed(run, Agreement.Kind.TARGET, hospital, centre, run.start, this_year)
    actions.lapse_due(on=this_year, by=run.by, at=run.at)
    for hospital, centre in pairs:
        _signed(run, Agreement.Kind.TARGET, hospital, centre, this_year, next_year)
    _read_all(run)
    for hospital, centre in pairs:
        if centre in (SIGNING, DRAFTED):
            _begun(run, hospital, centre, next_year, is_out=centre == SIGNING)
    return Agreement.objects.count()


def _draft(run: Run, kind: str, hospital: str, centre: str, starts_on: date, ends_on: date, at: datetime) -> Agreement:
    return actions.draft_agreement(
        kind=kind,
        hospital_id=institutions.organization(hospital).pk,
        centre_id=institutions.organization(centre).pk,
        starts_on=starts_on,
        ends_on=ends_on,
        is_demo=True,
        by=run.by,
        at=at,
    )


def _signed(run: Run, kind: str, hospital: str, centre: str, starts_on: date, ends_on: date) -> None:
    at = max(run.start_at, run.start_at.replace(year=starts_on.year))
    agreement = _draft(run, kind, hospital, centre, starts_on, ends_on, at)
    actions.propose_agreement(agreement_id=agreement.pk, by=run.by, at=at)
    for party in queries.parties_of(agreement):
        actions.sign_agreement(agreement_id=agreement.pk, by=_signer(run, party), at=at)


def _begun(run: Run, hospital: str, centre: str, starts_on: date, *, is_out: bool) -> None:
    agreement = _draft(run, Agreement.Kind.TARGET, hospital, centre, starts_on, years_after(starts_on, 1), run.at)
    if not is_out:
        return
    actions.propose_agreement(agreement_id=agreement.pk, by=run.by, at=run.at)
    first = queries.parties_of(agreement)[0]
    actions.sign_agreement(agreement_id=agreement.pk, by=_signer(run, first), at=run.at)


def _signer(run: Run, party: Party) -> Actor:
    """The head of the party as invented, or the loader at its seat where nobody heads it."""
    role = permissions.SIGNERS[party.side]
    head = User.objects.filter(
        pk__in=Membership.objects.filter(organization=party.organization, role=role).values("user")
    ).first()
    at_seat = replace(run.by, organization_id=party.organization_id, organization=party.organization.zh)
    return replace(at_seat, name=head.name) if head is not None else at_seat


def _read_all(run: Run) -> None:
    """What was told last year has been read: an inbox begins with what waits now."""
    organizations = Party.objects.values("organization_id")
    told = Membership.objects.select_related("user").filter(
        Q(organization__in=organizations) | Q(organization__part_of__in=organizations)
    )
    for membership in told:
        seat = seat_of(membership.user, membership.pk)
        if seat is not None:
            messaging.mark_all_read(seat=seat, by=seat.actor, at=run.at)
