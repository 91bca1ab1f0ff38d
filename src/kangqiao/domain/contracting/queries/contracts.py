"""Contracts: one, a desk's, a resident's own, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import BigIntegerField, Count, Q, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.prepared import Prepared, Told
from kangqiao.base.search import wanted_key
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.contracting import rules
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.parameters import contracting_at
from kangqiao.domain.contracting.permissions import decides, parties, visible_to
from kangqiao.domain.contracting.states import CONTRACT, RUNNING
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import is_child
from kangqiao.domain.residents.queries import note_read, residents_of
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step

# The tabs of the desk: what waits first, then what runs, then what is over.
TABS: dict[str, tuple[object, tuple[str, ...]]] = {
    "applied": (gettext_lazy("待接受"), ("applied",)),
    "accepted": (gettext_lazy("待签署"), ("accepted",)),
    "due": (gettext_lazy("快到期"), RUNNING),
    "active": (gettext_lazy("签约中"), ("active",)),
    "suspended": (gettext_lazy("暂停"), ("suspended",)),
    "signed": (gettext_lazy("已续约"), ("signed",)),
    "over": (gettext_lazy("已结束"), tuple(state.key for state in CONTRACT.states if state.final)),
}
CODE_DIGITS = 6


def contracts(seat: Seat) -> QuerySet[Contract]:
    """The contracts a seat may see."""
    rows = Contract.objects.select_related(
        "resident__centre__place", "team__organization__place", "household__head", "previous__team", "community"
    )
    return rows.filter(visible_to(seat))


def get_contract(seat: Seat, contract_id: int) -> Contract:
    """One contract. Raises NotVisible."""
    found = contracts(seat).filter(pk=contract_id).first()
    if found is None:
        raise NotVisible(_("没有这份签约，或不在您的服务范围。"), next_step=_("请从签约台打开。"))
    note_read(seat, [found.resident_id])
    return found


def listed(seat: Seat, tab: str, on: date, *, text: str = "", team_id: int | None = None) -> QuerySet[Contract]:
    """The contracts of one tab of the desk, narrowed by name and team; what has waited longest comes first."""
    rows = _of_tab(contracts(seat), tab, on, seat)
    if key := wanted_key(text):
        rows = rows.filter(Q(resident__keys__contains=[key]) | Q(resident__name__startswith=text.strip()))
    rows = rows.filter(team=team_id) if team_id else rows
    order = {"over": "-pk", "active": "ends_on", "due": "ends_on", "signed": "starts_on"}.get(tab, "applied_at")
    return rows.order_by(order, "pk")


def tab_counts(seat: Seat, on: date) -> list[tuple[str, object, int]]:
    """Key, name and number of each tab."""
    by_status = dict(contracts(seat).order_by().values_list("status").annotate(n=Count("pk")))
    due = _of_tab(contracts(seat), "due", on, seat).count()
    return [
        (key, label, due if key == "due" else sum(by_status.get(one, 0) for one in statuses))
        for key, (label, statuses) in TABS.items()
    ]


def _of_tab(rows: QuerySet[Contract], tab: str, on: date, seat: Seat) -> QuerySet[Contract]:
    return _due(rows, due_until(seat, on)) if tab == "due" else rows.filter(status__in=TABS[tab][1])


def _due(rows: QuerySet[Contract], until: date) -> QuerySet[Contract]:
    return rows.filter(status__in=TABS["due"][1], ends_on__lte=until).exclude(following__status="signed")


def due_until(seat: Seat, on: date) -> date:
    """Contracts that end until then can be renewed on a day. Raises NoPolicyInForce."""
    return on + timedelta(days=contracting_at(seat.place_code, on).renew_before_days.integer())


def household_of(contract: Contract) -> list[Contract]:
    """The contracts of the same household that stand in the same state, this one included, oldest first."""
    if contract.household_id is None:
        return [contract]
    rows = Contract.objects.select_related("resident__centre__place", "team__organization__place")
    return list(rows.filter(household=contract.household_id, status=contract.status).order_by("pk"))


def running_of(resident_ids: Iterable[int]) -> dict[int, Contract]:
    """The contract each of these residents has now."""
    rows = Contract.objects.select_related("team__organization__place").filter(
        resident__in=list(resident_ids), status__in=RUNNING
    )
    return {one.resident_id: one for one in rows}


def of_resident(seat: Seat, resident_id: int) -> list[Contract]:
    """The contracts of a resident that the seat may see, the latest first."""
    rows = contracts(seat).filter(resident=resident_id).prefetch_related("packages__items")
    return list(rows.order_by("-pk"))


def terms_of_resident(seat: Seat, resident_id: int) -> list[Contract]:
    """The contracts of a resident that have or had a term, with their team and house alone, for a timeline."""
    return _terms.models(seat.role, resident=resident_id, **told_of(seat))


@Prepared
def _terms(role: str) -> QuerySet[Contract]:
    resident = Told("resident", BigIntegerField())
    rows = Contract.objects.select_related("team__organization").filter(visible_to(any_seat(role)), resident=resident)
    return rows.filter(starts_on__isnull=False)


@dataclass(frozen=True, slots=True)
class Mine:
    """A resident's own page: what is pending, what holds and what follows it, and what is over."""

    resident: Resident
    pending: Contract | None
    current: Contract | None
    renewed: Contract | None
    past: list[Contract]
    may_decide: bool
    code: str
    may_renew: bool
    renew_words: str


def mine(seat: Seat, resident: Resident, now: datetime) -> Mine:
    """The contracts of the resident at the screen, or of whom that person acts for."""
    rows, on = of_resident(seat, resident.pk), localtime(now).date()
    first = {key: next((one for one in rows if one.status in found), None) for key, found in _SHOWN.items()}
    pending, current, renewed = first["pending"], first["current"], first["renewed"]
    may = bool(decides(seat.actor, resident, now))
    shown = {one.pk for one in (pending, current, renewed) if one}
    past = [one for one in rows if one.pk not in shown]
    last = current or (past[0] if past and past[0].status == "expired" and not pending else None)
    renewing = None
    if last is not None and last.ends_on is not None and renewed is None:
        terms = contracting_at(last.team.organization.place.code, on)
        days = terms.renew_before_days.integer(), terms.renew_after_days.integer()
        renewing = rules.may_renew(last.ends_on, on, *days)
    return Mine(
        resident=resident,
        pending=pending,
        current=last,
        renewed=renewed,
        past=[one for one in past if one is not last],
        may_decide=may,
        code=sign_code(pending) if may and pending is not None and pending.status == "accepted" else "",
        may_renew=bool(renewing),
        renew_words=renewing.reason if renewing is not None and not renewing else "",
    )


_SHOWN = {"pending": ("applied", "accepted"), "current": RUNNING, "renewed": ("signed",)}


def sign_code(contract: Contract) -> str:
    """The code by which a resident signs at a distance: told to the desk, which types it; new for each acceptance."""
    digest = salted_hmac("contracting.sign", f"{contract.pk}:{contract.sign_by}").hexdigest()
    return f"{int(digest, 16) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def signer_of(contract: Contract, at: datetime) -> tuple[str, bool]:
    """Who has to sign: the head of the household or the person; whether that is for a child, by the guardian."""
    head = contract.household.head if contract.household is not None else contract.resident
    return head.name, is_child(Resident.objects.select_related("centre__place").get(pk=head.pk), at)


def available_steps(seat: Seat, contract: Contract) -> list[Step]:
    """The moves this seat may make now, in the order of the table; renewing is asked for apart."""
    who = parties(seat.actor, contract) - {"system"}
    return [step for step in CONTRACT.steps_from(contract.status, who) if step.action != "renew"]


def due_to_renew(contract: Contract, on: date) -> bool:
    """Whether a contract can be renewed on a day and has not been."""
    if contract.status not in (*RUNNING, "expired") or contract.ends_on is None:
        return False
    terms = contracting_at(contract.team.organization.place.code, on)
    days = terms.renew_before_days.integer(), terms.renew_after_days.integer()
    followed = contract.following.exclude(status__in=("withdrawn", "refused", "lapsed")).exists()
    return bool(rules.may_renew(contract.ends_on, on, *days)) and not followed


def sentence(contract: Contract, on: date) -> str:
    """Where a contract stands and what comes next, in words."""
    match contract.status:
        case "applied":
            return _("等%(team)s答复。") % {"team": contract.team.zh}
        case "accepted":
            return _("请在 %(day)s 前签署，过期名额会放出来。") % {"day": contract.sign_by}
        case "signed":
            return _("%(day)s 起生效。") % {"day": contract.starts_on}
        case "active" | "suspended":
            left = (contract.ends_on - on).days if contract.ends_on else 0
            return _("服务到 %(day)s，还有 %(left)s 天。") % {"day": contract.last_day, "left": left}
        case "expired" | "transferred" | "ended":
            return _("服务到 %(day)s 为止。") % {"day": contract.last_day}
        case _:
            return _("没有生效。")


# --- what waits -----------------------------------------------------------------------------------------------


def waiting_of(key: str, seat: Seat) -> Waits:
    """The contracts that stand in a state, and since when they wait."""
    return Waits(Contract.objects.filter(visible_to(seat), status=key), "applied_at")


def waiting_due(seat: Seat, until: date) -> Waits:
    """The contracts that can be renewed, see `due_until`; they are due on a day, and wait since none."""
    return Waits(_due(Contract.objects.filter(visible_to(seat)), until))


def waiting_rows(seat: Seat, key: str, now: datetime, most: int) -> list[Contract]:
    """What `waiting` counts, the oldest first; the log of reads says whose they are."""
    found = list(listed(seat, key, localtime(now).date())[:most])
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


def family_of(seat: Seat, resident: Resident, most: int = 12) -> list[Resident]:
    """People the seat may see who are registered under the same address, to be signed up together."""
    if not resident.address:
        return []
    rows = residents_of(seat).filter(address=resident.address, deceased_on__isnull=True).exclude(pk=resident.pk)
    return list(rows.order_by("birth_date", "pk")[:most])
