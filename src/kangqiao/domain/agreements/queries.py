"""Every read of agreements: what is in force on a day, who is responsible for whom, and what a page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.base.templatetags.kq import called
from kangqiao.base.transition import history
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.agreements.parameters import AgreementParameters, PairingScope
from kangqiao.domain.agreements.permissions import (
    SIGNERS,
    can_decide_end,
    can_justify,
    can_propose,
    can_request_end,
    can_sign,
    home_ids,
    is_overseer,
    region_code,
    visible_to,
)
from kangqiao.domain.agreements.rules import Verdict, centres_count, compliance, in_scope, needs_justification
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible
from kangqiao.kernel.period import years_after
from kangqiao.kernel.states import State, Step
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
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    signatures = {"needed": Count("parties"), "given": Count("parties", filter=Q(parties__signed_at__isnull=False))}
    return rows.annotate(**signatures).order_by("-starts_on", "number")


def status_counts(rows: QuerySet[Agreement]) -> list[tuple[str, str, int]]:
    """State key, name and number of agreements, in the order of the state table, empty states left out."""
    shown = Agreement.objects.filter(pk__in=rows.order_by().values("pk")).order_by()
    counted = dict(shown.values_list("status").annotate(n=Count("pk")))
    return [(state.key, state.zh, counted[state.key]) for state in AGREEMENT.states if state.key in counted]


def parties_of(agreement: Agreement) -> list[Party]:
    """The organisations whose signature the agreement needs, in the order of the pack."""
    return parties_of_all([agreement.pk])


def parties_of_all(agreement_ids: Iterable[int]) -> list[Party]:
    """The same of several agreements, one after the other in no order of theirs."""
    rows = Party.objects.select_related("organization").filter(agreement__in=list(agreement_ids))
    return list(rows.order_by("id"))


def waiting_for(agreement: Agreement) -> list[Organization]:
    """The parties whose signature is still missing."""
    return [party.organization for party in parties_of(agreement) if party.signed_at is None]


def sentence(agreement: Agreement, on: date) -> str:
    """Where the agreement stands and whom everybody waits for, in words."""
    match agreement.status:
        case "draft":
            return _("等%(who)s核对后送各方签署。") % {"who": called(agreement.hospital)}
        case "signing":
            names = "、".join(called(row) for row in waiting_for(agreement))
            return _("等%(who)s签署。") % {"who": names}
        case "signed":
            return _("%(day)s 起生效。") % {"day": agreement.starts_on.isoformat()}
        case "in_force":
            days = {"day": agreement.last_day.isoformat(), "left": (agreement.ends_on - on).days}
            return _("有效至 %(day)s，还有 %(left)s 天。") % days
        case "ending_requested":
            approver = approver_of(agreement)
            who = called(approver) if approver else _("卫生行政部门")
            return _("等%(who)s审批；批准之前协议继续有效。") % {"who": who}
        case "lapsed":
            return _("%(day)s 到期，要继续合作请续签。") % {"day": agreement.last_day.isoformat()}
        case "ended":
            return _("自 %(day)s 起不再有效。") % {"day": agreement.ends_on.isoformat()}
        case _:
            return _("没有签署，不再使用。")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One step as the page's history shows it."""

    at: datetime
    who: str
    to_state: State
    reason: str


def history_rows(agreement: Agreement) -> list[HistoryRow]:
    """Every step the agreement took with who did it, oldest first."""
    return [
        HistoryRow(row.at, f"{row.by_name} {row.by_organization}".strip(), AGREEMENT.state(row.to_status), row.reason)
        for row in history_of(agreement)
    ]


def duties_by_side(agreement: Agreement) -> list[tuple[Party, list[Duty]]]:
    """Each party with what it promised, in the order of the parties."""
    duties = list(duties_of(agreement))
    return [(party, [duty for duty in duties if duty.side == party.side]) for party in parties_of(agreement)]


def history_of(agreement: Agreement) -> QuerySet[StatusChange]:
    """Every step the agreement took, oldest first."""
    return history(agreement)


def party_of(who_ids: set[int], agreement: Agreement) -> Party | None:
    """The party a seat may sign for: one that has not signed yet before one that has."""
    return party_among(who_ids, parties_of(agreement))


def party_among(who_ids: set[int], parties: Iterable[Party]) -> Party | None:
    """The same of parties that were read already."""
    mine = [party for party in parties if party.organization_id in who_ids]
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

    hospitals: QuerySet[Organization]
    centres: QuerySet[Organization]


def filter_choices(seat: Seat) -> Choices:
    """The hospitals and centres that occur in the seat's agreements."""
    held = Agreement.objects.filter(visible_to(seat))
    return Choices(
        Organization.objects.filter(pk__in=held.values("hospital_id")),
        Organization.objects.filter(pk__in=held.values("centre_id")),
    )


def draft_choices(seat: Seat) -> Choices:
    """The hospitals a seat may draft for, and the centres of its region."""
    region = region_code(seat.place_id)
    hospitals = institutions.hospitals_in(region)
    overseer = is_overseer(seat)
    return Choices(
        hospitals if overseer else hospitals.filter(pk__in=home_ids(seat)),
        institutions.centres_in(seat.place_code if overseer else region),
    )


def kinds_known(seat: Seat, on: date) -> list[tuple[str, str]]:
    """The kinds of agreement the papers of the seat's region know on a day."""
    policy = at(region_code(seat.place_id), on)
    return [
        (kind.value, str(kind.label)) for kind in Agreement.Kind if policy.get("agreements", f"parties_{kind.value}")
    ]


def forms_known(seat: Seat, on: date) -> list[str]:
    """The forms of cooperation the region knows on a day."""
    return [str(form) for form in at(region_code(seat.place_id), on).list_("agreements", "forms_of_cooperation")]


def usual_end(kind: str, centre: Organization, starts_on: date) -> date:
    """The first day after the term the region usually sets. Raises NoPolicyInForce."""
    return years_after(starts_on, AgreementParameters.read(policy_for(centre, starts_on), kind).term_years)


def may_justify(seat: Seat, agreement: Agreement) -> bool:
    """Whether this seat writes the reason for an in-principle figure the hospital misses."""
    return bool(can_justify(seat, agreement))


# --- who must hold agreements ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HospitalInScope:
    """One municipal general hospital: bound or exempt, and how many centres it is paired with (SZ16-1a, SZ16-1f)."""

    hospital: Organization
    is_bound: bool
    bound_from: date | None
    agreements: int
    centres: int
    centres_min: int
    verdict: Verdict
    justification: str
    needs_reason: bool
    clause: str

    @property
    def is_compliant(self) -> bool:
        """Whether the hospital holds the agreements it must hold: none needed while it is exempt."""
        return not self.is_bound or self.agreements > 0


def scope_of(place_code: str, on: date) -> PairingScope | None:
    """Which hospitals of a place must hold pairing agreements; None where its papers ask for none."""
    try:
        return PairingScope.read(at(place_code, on))
    except NoPolicyInForce:
        return None


def hospitals_in_scope(place_code: str, on: date) -> list[HospitalInScope]:
    """The municipal general hospitals of a place, those without a signed agreement first. Raises NoPolicyInForce."""
    scope = PairingScope.read(at(place_code, on))
    general = institutions.hospitals_in(place_code).filter(ownership=Organization.Ownership.MUNICIPAL, specialty="")
    rows = [_in_scope(hospital, scope, on) for hospital in general]
    return sorted(rows, key=lambda row: (row.is_compliant, row.verdict is Verdict.MET, row.hospital.pk))


def centres_of_hospital(hospital_id: int, on: date, *, own_count: bool) -> int:
    """How many centres a hospital is paired with on a day, its own ones included where the paper counts them."""
    paired = frozenset(paired_centres(hospital_id, on).values_list("pk", flat=True))
    own = frozenset(own_centres(hospital_id).values_list("pk", flat=True))
    return centres_count(paired, own, own_count=own_count)


def _in_scope(hospital: Organization, scope: PairingScope, on: date) -> HospitalInScope:
    held = list(in_force(on, kinds=(Agreement.Kind.PAIRING,)).filter(hospital=hospital))
    centres = centres_of_hospital(hospital.pk, on, own_count=scope.own_centres_count)
    is_bound = in_scope(hospital.opened_on, on, scope.exempt_years_open)
    verdict = compliance(scope.centres_min, centres) if is_bound else Verdict.NOT_YET_DUE
    justification = next((row.justification for row in held if row.justification), "")
    return HospitalInScope(
        hospital=hospital,
        is_bound=is_bound,
        bound_from=years_after(hospital.opened_on, scope.exempt_years_open) if hospital.opened_on else None,
        agreements=len(held),
        centres=centres,
        centres_min=scope.centres_min,
        verdict=verdict,
        justification=justification,
        needs_reason=needs_justification(verdict, scope.centres_force, justification),
        clause=scope.centres_clause,
    )


# --- the network ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HospitalNode:
    """A hospital of the network with its relations, its guidance office and whether it sits in the leading group."""

    hospital: Organization
    relations: list[Agreement]
    office: Organization | None
    has_seat: bool | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """A district: its community institutions, those a relation covers, and those it does not (ZH-A2c, ZH-4.3b)."""

    place: Place
    institutions: int
    covered: int
    uncovered: list[Organization]

    @property
    def is_whole(self) -> bool:
        """Whether the district has institutions and all of them are covered."""
        return self.institutions > 0 and not self.uncovered


@dataclass(frozen=True, slots=True)
class Network:
    """The relations a seat sees on a day; coverage only for those who oversee a place."""

    on: date
    hospitals: list[HospitalNode]
    coverage: list[Coverage]

    @property
    def relations(self) -> int:
        """How many relations are drawn."""
        return sum(len(node.relations) for node in self.hospitals)

    @property
    def institutions(self) -> int:
        """Community institutions in the register of the places shown."""
        return sum(row.institutions for row in self.coverage)

    @property
    def covered(self) -> int:
        """Those a relation covers."""
        return sum(row.covered for row in self.coverage)

    @property
    def share(self) -> Fraction | None:
        """The covered share of all community institutions (ZH-4.3b); None without any."""
        return Fraction(self.covered, self.institutions) if self.institutions else None


def network(seat: Seat, on: date) -> Network:
    """Hospitals with their centres by joint building and pairing, as far as the seat may see them (ZH-0b)."""
    held = in_force(on, kinds=RELATIONS).filter(visible_to(seat)).order_by("hospital_id", "centre__place__code", "pk")
    by_hospital: dict[int, list[Agreement]] = {}
    for agreement in held:
        by_hospital.setdefault(agreement.hospital_id, []).append(agreement)
    seats = leading_group_seats(region_code(seat.place_id), on)
    nodes = [
        HospitalNode(rows[0].hospital, rows, institutions.guidance_office_of(pk), _sits(rows[0].hospital, seats))
        for pk, rows in by_hospital.items()
    ]
    return Network(on, nodes, coverage(seat, on))


def coverage(seat: Seat, on: date) -> list[Coverage]:
    """Covered institutions by district, for the places a seat oversees; a district without a centre shows zero."""
    if not is_overseer(seat):
        return []
    code = region_code(seat.place_id) if seat.role == "dispatcher" else seat.place_code
    ids = institutions.place_ids_under(code)
    places = Place.objects.filter(pk__in=ids).order_by("code")
    districts = [place for place in places if len(ids) == 1 or place.code != code]
    covered = set(in_force(on, kinds=RELATIONS).filter(centre__place__in=ids).values_list("centre_id", flat=True))
    own = Q(kind=Organization.Kind.CENTRE) | Q(kind=Organization.Kind.STATION, part_of=None)  # others through a centre
    found: dict[int, list[Organization]] = {}
    for row in Organization.objects.filter(own, place__in=ids):
        found.setdefault(row.place_id, []).append(row)
    return [_coverage(place, found.get(place.pk, []), covered) for place in districts]


def leading_group_seats(place_code: str, on: date) -> frozenset[str]:
    """Codes of the organisations with a seat in the leading group, as the pack's network file prints them."""
    try:
        pack = at(place_code, on).local[0]
    except NoPolicyInForce:
        return frozenset()
    group = pack.data("network").get("leading_group", {}) if "network" in pack.data_files else {}
    return frozenset(str(seat["organisation"]) for seat in group.get("seats", ()) if "organisation" in seat)


def _sits(hospital: Organization, seats: frozenset[str]) -> bool | None:
    return hospital.code in seats if seats else None


def _coverage(place: Place, rows: list[Organization], covered: set[int]) -> Coverage:
    uncovered = [row for row in rows if row.pk not in covered and row.part_of_id not in covered]
    return Coverage(place, len(rows), len(rows) - len(uncovered), uncovered)


def scope_rows(seat: Seat, on: date) -> list[HospitalInScope]:
    """Who must hold agreements in the place the seat oversees; nothing where no paper asks for any (SZ16-1a)."""
    code = region_code(seat.place_id) if seat.role == "dispatcher" else seat.place_code
    if not is_overseer(seat) or scope_of(code, on) is None:
        return []
    return hospitals_in_scope(code, on)


def to_sign(seat: Seat) -> tuple[int, datetime | None]:
    """How many agreements wait for this seat's signature, and since when the oldest is out."""
    return _waiting(_unsigned(seat), "propose")


def to_decide(seat: Seat) -> tuple[int, datetime | None]:
    """How many requests to end an agreement this authority has to decide, and since when the oldest waits."""
    asked = Agreement.objects.filter(visible_to(seat), status="ending_requested").values_list("pk", flat=True)
    return _waiting(asked, "request_end")


def waiting_rows(seat: Seat, status: str) -> list[Agreement]:
    """What `to_sign` (signing) and `to_decide` (ending_requested) count, with the signatures given and needed."""
    rows = agreement_list(seat, status=status).order_by("starts_on", "pk")
    return list(rows.filter(pk__in=_unsigned(seat)) if status == "signing" else rows)


def _unsigned(seat: Seat) -> list[int]:
    sides = [side for side, role in SIGNERS.items() if role == seat.role]
    own = Party.objects.filter(
        organization_id__in=home_ids(seat), side__in=sides, signed_at__isnull=True, agreement__status="signing"
    )
    return list(own.values_list("agreement_id", flat=True))


def _waiting(ids: Iterable[int], action: str) -> tuple[int, datetime | None]:
    steps = StatusChange.objects.filter(subject_type=Agreement._meta.label_lower, subject_id__in=ids, action=action)
    row = steps.aggregate(count=Count("subject_id", distinct=True), oldest=Min("at"))
    return row["count"], row["oldest"]
