"""Every read of agreements: what is in force on a day, who is responsible for whom, and what a page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.base.transition import history
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.agreements.parameters import AgreementParameters
from kangqiao.domain.agreements.permissions import (
    can_decide_end,
    can_propose,
    can_request_end,
    can_sign,
    home_ids,
    visible_to,
)
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step
from kangqiao.policy import Policy, at

# A lapsed or ended agreement still held on the days of its term; an early end cuts the term (`actions.end_agreement`).
HELD = ("signed", "in_force", "ending_requested", "lapsed", "ended")
PROMISED = ("signing", "signed", "in_force", "ending_requested")
RELATIONS = (Agreement.Kind.JOINT_BUILDING, Agreement.Kind.PAIRING)


def policy_for(centre: Organization, on: date) -> Policy:
    """The policy an agreement of this centre stands under. Raises NoPolicyInForce."""
    return at(centre.place.code, on)


def in_force(on: date, place_code: str | None = None, kinds: Iterable[str] = ()) -> QuerySet[Agreement]:
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
    return in_force(on, kinds=RELATIONS).filter(hospital=hospital_id, centre=centre_id).exists()


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


# --- pages --------------------------------------------------------------------------------------------------


def visible_agreements(seat: Seat) -> QuerySet[Agreement]:
    """The agreements a seat may open."""
    return Agreement.objects.select_related("hospital", "centre__place", "responsible_office").filter(visible_to(seat))


def get_agreement(seat: Seat, agreement_id: int) -> Agreement:
    """One agreement. Raises NotVisible, the same whether it does not exist or is not this seat's."""
    found = visible_agreements(seat).filter(pk=agreement_id).first()
    if found is None:
        raise NotVisible(_("没有这份协议，或不在您的范围内。"), next_step=_("请从协议列表打开。"))
    return found


def agreement_list(
    seat: Seat, *, hospital_id: int | None = None, centre_id: int | None = None, kind: str = "", status: str = ""
) -> QuerySet[Agreement]:
    """The seat's agreements, narrowed by hospital, centre, kind and state."""
    rows = visible_agreements(seat)
    wanted = {"hospital": hospital_id, "centre": centre_id, "kind": kind, "status": status}
    return rows.filter(**{name: value for name, value in wanted.items() if value}).order_by("-starts_on", "number")


def status_counts(rows: QuerySet[Agreement]) -> list[tuple[str, str, int]]:
    """State key, name and number of agreements, in the order of the state table, empty states left out."""
    counted = dict(rows.order_by().values_list("status").annotate(n=Count("pk")))
    return [(state.key, state.zh, counted[state.key]) for state in AGREEMENT.states if state.key in counted]


def parties_of(agreement: Agreement) -> list[Party]:
    """The organisations whose signature the agreement needs, in the order of the pack."""
    return list(Party.objects.select_related("organization").filter(agreement=agreement).order_by("id"))


def history_of(agreement: Agreement) -> QuerySet[StatusChange]:
    """Every step the agreement took, oldest first."""
    return history(agreement)


def party_of(who_ids: set[int], agreement: Agreement) -> Party | None:
    """The party a seat may sign for: one that has not signed yet before one that has."""
    mine = [party for party in parties_of(agreement) if party.organization_id in who_ids]
    return min(mine, key=lambda party: (party.signed_at is not None, party.pk), default=None)


def available_steps(seat: Seat, agreement: Agreement) -> list[Step]:
    """The moves this seat may make now: the buttons of the page; signing comes from `can_sign_now`."""
    may = {
        "propose": can_propose,
        "discard": can_propose,
        "request_end": can_request_end,
    }
    steps = []
    for step in AGREEMENT.steps:
        if agreement.status not in step.sources or step.action not in {*may, "refuse_end", "end"}:
            continue
        check = may.get(step.action)
        allowed: Decision = check(seat, agreement) if check else can_decide_end(seat, approver_of(agreement))
        if allowed:
            steps.append(step)
    return steps


def can_sign_now(seat: Seat, agreement: Agreement) -> bool:
    """Whether this seat's signature is the next thing the agreement waits for."""
    party = party_of(home_ids(seat), agreement)
    waiting = agreement.status == "signing" and party is not None and party.signed_at is None
    return waiting and bool(can_sign(seat, party))


@dataclass(frozen=True, slots=True)
class Choices:
    """What a filter or a form offers: hospitals and centres by name."""

    hospitals: list[Organization]
    centres: list[Organization]


def filter_choices(seat: Seat) -> Choices:
    """The hospitals and centres that occur in the seat's agreements."""
    held = Agreement.objects.filter(visible_to(seat))
    return Choices(
        list(Organization.objects.filter(pk__in=held.values("hospital_id"))),
        list(Organization.objects.filter(pk__in=held.values("centre_id"))),
    )
