"""Samples a seat may see, what there is to draw from, results by team, and whom to call (XH23-5.2.4a)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.base.acting import beyond
from kangqiao.base.templatetags.kq import called
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, Service, Team
from kangqiao.domain.contracting.states import TERMED
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import place_ids_under
from kangqiao.domain.quality.models import SampledItem, Sampling
from kangqiao.domain.quality.parameters import FindingKind, QualityTerms, findings_at, terms_at
from kangqiao.domain.quality.permissions import BUREAU, parties_of, samplings_visible_to
from kangqiao.domain.quality.rules import CONTRACT, SERVICE, Checked, Tally, tally
from kangqiao.domain.quality.states import CHECKED, SAMPLED
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries.oversight import OVERSIGHT
from kangqiao.domain.residents.queries.people import stop_wide_reading
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step


@dataclass(frozen=True, slots=True)
class TeamResult:
    """A team in a sample: how many there were to draw from, and how its contracts and services came out."""

    team: Team
    contracts_of: int
    services_of: int
    contracts: Tally
    services: Tally


@dataclass(frozen=True, slots=True)
class Frame:
    """What there is to draw from: team → contracts that ran in the time, and services done in it."""

    contracts: dict[int, list[int]] = field(default_factory=dict)
    services: dict[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call about an item."""

    name: str
    phone: str
    is_demo: bool


def samplings(seat: Seat) -> QuerySet[Sampling]:
    """The samples a seat may see, the latest first, with how many items still wait for each side."""
    rows = Sampling.objects.select_related("centre", "bureau").filter(samplings_visible_to(seat))
    waiting = {key: Count("items", filter=Q(items__status=key)) for key in ("to_check", "found", "corrected")}
    counted = rows.annotate(drawn=Count("items"), **{f"n_{key}": one for key, one in waiting.items()})
    return counted.order_by("-drawn_at", "-pk")


def get_sampling(seat: Seat, sampling_id: int) -> Sampling:
    """One of them. Raises NotVisible."""
    found = samplings(seat).filter(pk=sampling_id).first()
    if found is None:
        raise no_sampling()
    return found


def get_item(seat: Seat, item_id: int) -> SampledItem:
    """An item of one of them. Raises NotVisible."""
    rows = SampledItem.objects.select_related("sampling__centre", "sampling__bureau", "team")
    mine = Sampling.objects.filter(samplings_visible_to(seat))
    found = rows.filter(pk=item_id, sampling__in=mine).first()
    if found is None:
        raise no_sampling()
    return found


def no_sampling() -> NotVisible:
    """The one answer for what does not exist and what is out of reach."""
    return NotVisible(_("没有这次抽查，或不在您的范围内。"), next_step=_("请从质控抽查的清单打开。"))


def items_of(one: Sampling) -> QuerySet[SampledItem]:
    """Everything that was drawn, by team."""
    return SampledItem.objects.select_related("team").filter(sampling=one)


def steps_of(seat: Seat, item: SampledItem) -> list[Step]:
    """The moves of an item open to the seat."""
    return SAMPLED.steps_from(item.status, parties_of(seat.actor, item))


def is_late(item: SampledItem, on: date) -> bool:
    """Whether the day to put it right by has passed."""
    return item.status == "found" and item.due_on is not None and item.due_on < on


def centres_to_draw(seat: Seat) -> list[Organization]:
    """The centres of the bureau's place."""
    rows = Organization.objects.filter(kind=Organization.Kind.CENTRE, place__in=place_ids_under(seat.place_code))
    return list(rows.order_by("code"))


def terms_of(one: Sampling) -> QualityTerms:
    """What held when it was drawn."""
    return terms_at(one.centre.place.code, localtime(one.drawn_at).date())


def finding_kinds(one: Sampling, kind: str = "") -> list[FindingKind]:
    """What may be found, as it stood when the sample was drawn; of one kind of item alone where it is named."""
    found = findings_at(one.centre.place.code, localtime(one.drawn_at).date())
    return [each for each in found if kind in ("", each.about)]


def findings_named(one: Sampling, keys: Iterable[str]) -> list[str]:
    """Findings in words."""
    named = {each.key: called(each) for each in finding_kinds(one)}
    return [named.get(key, key) for key in keys]


@beyond("quality.draw")
def frame_of(centre: Organization, starts_on: date, ends_on: date) -> Frame:
    """Contracts of a centre's teams that ran in the time, and the services done in it; ids alone."""
    found = Frame()
    held = Contract.objects.filter(
        team__organization=centre, status__in=TERMED, starts_on__lte=ends_on, ends_on__gt=starts_on
    )
    for team, pk in held.order_by("pk").values_list("team_id", "pk"):
        found.contracts.setdefault(team, []).append(pk)
    done = Service.objects.filter(contract__team__organization=centre, on__gte=starts_on, on__lte=ends_on)
    for team, pk in done.order_by("pk").values_list("contract__team_id", "pk"):
        found.services.setdefault(team, []).append(pk)
    return found


@beyond("quality.draw")
def drawn_rows(contract_ids: Sequence[int], service_ids: Sequence[int]) -> tuple[list[Contract], list[Service]]:
    """The rows a lot fell on: their numbers and what was done, never a name."""
    contracts = Contract.objects.filter(pk__in=contract_ids).only("number", "team_id").order_by("pk")
    services = Service.objects.filter(pk__in=service_ids).select_related("contract", "item").order_by("pk")
    return list(contracts), list(services)


def results(one: Sampling) -> list[TeamResult]:
    """How each team came out: the share of real contracts and real services among those that were checked."""
    unreal = {each.key for each in finding_kinds(one) if each.is_unreal}
    rows: dict[int, list[SampledItem]] = {}
    for item in items_of(one):
        rows.setdefault(item.team_id, []).append(item)
    found = []
    for team_id, items in rows.items():
        contracts_of, services_of = one.frame.get(str(team_id), (0, 0))
        tallies = [tally(_counted(items, kind), unreal) for kind in (CONTRACT, SERVICE)]
        found.append(TeamResult(items[0].team, contracts_of, services_of, *tallies))
    return sorted(found, key=lambda each: each.team.pk)


def _counted(items: Iterable[SampledItem], kind: str) -> list[Checked]:
    return [
        Checked(one.team_id, one.kind, one.status in CHECKED, one.status in ("found", "corrected"), one.findings)
        for one in items
        if one.kind == kind
    ]


def contact_of(seat: Seat, item: SampledItem) -> Contact:
    """Name and telephone of the resident of an item that is being checked, for the bureau that drew it, one at a time.

    The look is written down, and the resident sees it. Raises NotVisible once the check is over, TooOften.
    """
    if item.status in ("sound", "closed") or "bureau" not in parties_of(seat.actor, item):
        raise NotVisible(_("这一件已经核查完，不再给出联系方式。"), next_step=_("要再联系的请另抽一次。"))
    with beyond("quality.contact"):
        row = Resident.objects.only("name", "phone", "is_demo").get(pk=_resident_of(item))
    stop_wide_reading(seat.actor, seat.place_code, {row.pk}, timezone.now())  # reads the clock: lately is before now
    reads.saw({row.pk: OVERSIGHT})
    return Contact(row.name, row.phone, row.is_demo)


def _resident_of(item: SampledItem) -> int:
    return Contract.objects.values_list("resident_id", flat=True).get(pk=item.contract_id)


def waiting_items(seat: Seat) -> Waits:
    """What waits for the seat: a bureau's items to check and to look at again, a centre's to put right."""
    is_bureau = seat.role in BUREAU
    mine = SampledItem.objects.filter(sampling__in=Sampling.objects.filter(samplings_visible_to(seat)))
    stands = ("to_check", "corrected") if is_bureau else ("found",)
    return Waits(mine.filter(status__in=stands), "sampling__drawn_at" if is_bureau else "checked_at")


def waiting(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    return waiting_items(seat).counted()


def waiting_rows(seat: Seat, most: int) -> list[SampledItem]:
    """Those, what is due first before the others."""
    rows = waiting_items(seat).rows.select_related("sampling__centre", "team")
    return list(rows.order_by("due_on", "sampling__drawn_at", "pk")[:most])
