"""Which agreements bind hospitals and centres, who promised what, and who decides about an end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, DateField, QuerySet

from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.agreements.parameters import AgreementParameters
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.policy import Policy, at

# A lapsed or ended agreement still held on the days of its term; an early end cuts the term (`actions.end_agreement`).
HELD = ("signed", "in_force", "ending_requested", "lapsed", "ended")
PROMISED = ("signing", "signed", "in_force", "ending_requested")
RELATIONS = (Agreement.Kind.JOINT_BUILDING, Agreement.Kind.PAIRING)


def policy_for(centre: Organization, on: date) -> Policy:
    """The policy an agreement of this centre stands under. Raises NoPolicyInForce."""
    return at(centre.place.code, on)


def in_force(on: date | Told, place_code: str | None = None, kinds: Iterable[str] = ()) -> QuerySet[Agreement]:
    """The agreements whose term covers a day and that every party had signed, of the centres of a place.

    A day in the past or the future is answered by the term, so a figure of last year does not change when an
    agreement lapses. A pending request to end changes nothing (ZH-1b).
    """
    rows = Agreement.objects.select_related("hospital__place", "centre__place").filter(
        status__in=HELD, starts_on__lte=on, ends_on__gt=on
    )
    kinds = tuple(kinds)
    rows = rows.filter(kind__in=kinds) if kinds else rows
    return rows.filter(centre__place__in=institutions.place_ids_under(place_code)) if place_code else rows


def responsible_agreement(centre_id: int, on: date) -> Agreement | None:
    """The joint-building relation that makes a hospital responsible for a centre on a day (ZH-2a)."""
    return in_force(on, kinds=(Agreement.Kind.JOINT_BUILDING,)).filter(centre=centre_id).first()


def paired_centres(hospital_id: int, on: date) -> QuerySet[Organization]:
    """The centres a hospital is bound to on a day, by joint building or by pairing."""
    held = in_force(on, kinds=RELATIONS).filter(hospital=hospital_id)
    return Organization.objects.select_related("place").filter(pk__in=held.values("centre_id"))


def paired_hospitals(centre_id: int, on: date) -> QuerySet[Organization]:
    """The hospitals bound to a centre on a day, by joint building or by pairing."""
    held = in_force(on, kinds=RELATIONS).filter(centre=centre_id)
    return Organization.objects.select_related("place").filter(pk__in=held.values("hospital_id"))


def is_paired(hospital_id: int, centre_id: int, on: date) -> bool:
    """Whether hospital and centre are bound to each other on a day."""
    return bool(_pairings.ask(hospital=hospital_id, centre=centre_id, on=on))


@Prepared
def _pairings() -> QuerySet[Agreement, Any]:
    rows = in_force(Told("on", DateField()), kinds=RELATIONS).filter(hospital=Told("hospital", BigIntegerField()))
    return rows.filter(centre=Told("centre", BigIntegerField())).order_by().values_list("pk")[:1]


def own_centres(hospital_id: int) -> QuerySet[Organization]:
    """The centres a hospital runs itself."""
    return Organization.objects.filter(part_of=hospital_id, kind=Organization.Kind.CENTRE)


def duties_of(agreement: Agreement) -> QuerySet[Duty]:
    """What each side promised, in the words, figures and clauses of the day of drafting (ZH-4.6b)."""
    return Duty.objects.filter(agreement=agreement).order_by("side", "id")


def present_responsible(centre_id: int, starts_on: date, ends_on: date, but: int = 0) -> Agreement | None:
    """The joint-building relation that already holds the centre on a day of this term, if any."""
    taken = Agreement.objects.select_related("hospital").filter(
        kind=Agreement.Kind.JOINT_BUILDING, centre=centre_id, status__in=PROMISED[1:]
    )
    return taken.filter(starts_on__lt=ends_on, ends_on__gt=starts_on).exclude(pk=but).first()


def same_promise(agreement: Agreement) -> Agreement | None:
    """Another agreement of this kind between the two that is out for signature or holds on a day of this term."""
    return (
        Agreement.objects.filter(
            kind=agreement.kind, hospital=agreement.hospital_id, centre=agreement.centre_id, status__in=PROMISED
        )
        .filter(starts_on__lt=agreement.ends_on, ends_on__gt=agreement.starts_on)
        .exclude(pk=agreement.pk)
        .first()
    )


def authority_of(centre: Organization, office: str) -> Organization | None:
    """The organisation that fills an office of the pack for a centre: city or district bureau, hospital authority.

    The district bureau is the one nearest to the centre, the city bureau the outermost one.
    """
    wanted = Organization.Kind.HOSPITAL_AUTHORITY if office == "hospital_authority" else Organization.Kind.HEALTH_BUREAU
    chain = [place.pk for place in institutions.place_chain(centre.place_id)]
    bureaus = {row.place_id: row for row in Organization.objects.filter(kind=wanted, place__in=chain).order_by("-pk")}
    found = [bureaus[place] for place in chain if place in bureaus]
    if not found:
        return None
    return found[0] if office == "district_health_bureau" else found[-1]


def host_hospital_of(centre: Organization) -> Organization | None:
    """The hospital that runs a centre, directly or through a unit or group."""
    row = centre.part_of
    while row is not None and row.kind != Organization.Kind.HOSPITAL:
        row = row.part_of
    return row


def approver_of(agreement: Agreement) -> Organization | None:
    """The office that decides whether an agreement ends early (ZH-1b)."""
    terms = AgreementParameters.read(policy_for(agreement.centre, agreement.starts_on), agreement.kind)
    return authority_of(agreement.centre, terms.ending_approver)
