"""Appraisals as pages and money read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.models import StatusChange
from kangqiao.base.transition import Told, told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.appraisal.models import Appraisal, AppraisalItem
from kangqiao.domain.appraisal.parameters import AppraisalParameters
from kangqiao.domain.appraisal.permissions import parties, visible_to
from kangqiao.domain.appraisal.states import APPRAISAL
from kangqiao.domain.indicators import rules as indicators
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import year as calendar_year
from kangqiao.kernel.states import State, Step

NOT_IN_EFFECT = ("draft", "signing", "discarded", "signed")
YEARS_BACK = 3


@dataclass(frozen=True, slots=True)
class ListRow:
    """One appraisal with its state, for the list."""

    appraisal: Appraisal
    state: State


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item with the card of its indicator."""

    item: AppraisalItem
    card: indicators.Card


def appraisals(seat: Seat | None, year: int | None = None) -> QuerySet[Appraisal]:
    """The appraisals the seat may see, newest year first."""
    found = Appraisal.objects.filter(visible_to(seat)).select_related("subject__place", "authority").distinct()
    return found.filter(year=year) if year else found


def listed(seat: Seat | None, year: int) -> list[ListRow]:
    """The appraisals of a year as the list shows them, best score first, those without one last."""
    rows = appraisals(seat, year).order_by(F("score").desc(nulls_last=True), "subject__code")
    return [ListRow(row, APPRAISAL.state(row.status)) for row in rows]


def get_appraisal(seat: Seat | None, appraisal_id: int) -> Appraisal:
    """One appraisal with its items. Raises NotVisible."""
    found = appraisals(seat).filter(pk=appraisal_id).prefetch_related("items__report").first()
    if found is None:
        raise NotVisible(_("没有这份考核，或不在您的服务范围。"), next_step=_("请回到考核一览里选择。"))
    return found


def available_steps(seat: Seat | None, appraisal: Appraisal) -> list[Step]:
    """The buttons of the page."""
    return APPRAISAL.steps_from(appraisal.status, parties(seat, appraisal))


def closed_of(year: int, subject_ids: list[int]) -> dict[int, Appraisal]:
    """Closed appraisals of a year by the organisation judged: what money may rest on."""
    found = Appraisal.objects.filter(year=year, subject_id__in=subject_ids, status="closed")
    return {appraisal.subject_id: appraisal for appraisal in found}


def years(today: date) -> list[int]:
    """The years a reader may choose, the running one first."""
    return list(range(today.year, today.year - YEARS_BACK - 1, -1))


def item_rows(appraisal: Appraisal) -> list[ItemRow]:
    """The items in the order of the pack, each with its card."""
    return [ItemRow(item, indicators.cards()[item.indicator]) for item in appraisal.items.all()]


def parameters_of(appraisal: Appraisal) -> AppraisalParameters:
    """The scale the appraisal is judged by. Raises NoPolicyInForce."""
    place = appraisal.subject.place.code
    return AppraisalParameters.read(policy.at(place=place, date=date(appraisal.year, 12, 31)))


def state_of(appraisal: Appraisal) -> State:
    """The state of the appraisal as a page draws it."""
    return APPRAISAL.state(appraisal.status)


def history_of(appraisal: Appraisal) -> list[Told]:
    """Every step the appraisal took."""
    return told(appraisal, APPRAISAL)


def judging_authority(place_id: int) -> int | None:
    """The health bureau that judges hospitals there: that of the outermost place (ZH-4.7a)."""
    chain = institutions.place_chain(place_id)
    ids = {place.pk: depth for depth, place in enumerate(chain)}
    found = Organization.objects.filter(kind=Organization.Kind.HEALTH_BUREAU, place_id__in=ids).order_by("pk")
    outermost = max(found, key=lambda bureau: ids[bureau.place_id], default=None)
    return outermost.pk if outermost else None


def not_opened(authority: Organization, year: int) -> list[Organization]:
    """Hospitals of the authority's place that were responsible for a centre in the year and have no appraisal of it."""
    places = institutions.place_ids_under(authority.place.code)
    bound = Agreement.objects.filter(starts_on__lte=date(year, 12, 31), ends_on__gt=date(year, 1, 1))
    bound = bound.exclude(status__in=NOT_IN_EFFECT).exclude(kind=Agreement.Kind.TARGET)
    opened = Appraisal.objects.filter(year=year).values("subject_id")
    found = Organization.objects.filter(pk__in=bound.values("hospital_id"), place_id__in=places)
    return list(found.exclude(pk__in=opened).order_by("code"))


def can_open(seat: Seat, year: int) -> list[Organization]:
    """The hospitals this seat could open the year for; none for anybody but the authority's officer."""
    if seat.role != Role.BUREAU_OFFICER or judging_authority(seat.place_id) != seat.organization_id:
        return []
    return not_opened(institutions.organization_by_id(seat.organization_id), year)


def to_score(seat: Seat) -> tuple[int, datetime | None]:
    """How many appraisals wait for the seat's score, and since when the oldest."""
    return _waiting(seat, "open")


def to_close(seat: Seat) -> tuple[int, datetime | None]:
    """How many scored appraisals wait to be closed, and since when the oldest."""
    return _waiting(seat, "scored")


def waiting_rows(seat: Seat, status: str) -> list[Appraisal]:
    """What `to_score` (open) and `to_close` (scored) count, the earliest year first."""
    found = Appraisal.objects.filter(authority_id=seat.organization_id, status=status)
    return list(found.select_related("subject").order_by("year", "subject__code"))


def _waiting(seat: Seat, status: str) -> tuple[int, datetime | None]:
    if seat.role != Role.BUREAU_OFFICER:
        return 0, None
    ids = list(Appraisal.objects.filter(authority_id=seat.organization_id, status=status).values_list("pk", flat=True))
    moved = StatusChange.objects.filter(subject_type=Appraisal._meta.label_lower, subject_id__in=ids, to_status=status)
    return len(ids), moved.order_by("at").values_list("at", flat=True).first() if ids else None


def duties_of(appraisal: Appraisal) -> list[Duty]:
    """The duties the form holds: those of the judged side in its target agreements of the year, none more (ZH-4.6b)."""
    side = Party.Side.HOSPITAL if appraisal.subject.kind == Organization.Kind.HOSPITAL else Party.Side.CENTRE
    span = calendar_year(appraisal.year)
    held = Agreement.objects.filter(
        Q(hospital_id=appraisal.subject_id) | Q(centre_id=appraisal.subject_id),
        kind=Agreement.Kind.TARGET,
        status__in=("in_force", "ending_requested", "lapsed", "ended"),
        starts_on__lt=span.end,
        ends_on__gt=span.start,
    )
    found = Duty.objects.filter(agreement__in=held, side=side).select_related("agreement")
    return list(found.order_by("agreement__number", "pk"))
