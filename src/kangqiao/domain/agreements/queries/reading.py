"""What the pages of agreements show, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.base.templatetags.kq import called
from kangqiao.base.transition import history
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.agreements.parameters import AgreementParameters
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
from kangqiao.domain.agreements.queries.relations import approver_of, duties_of, policy_for
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import years_after
from kangqiao.kernel.states import State, Step
from kangqiao.policy import at


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
