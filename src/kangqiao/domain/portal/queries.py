"""Every read of the portal: what centres offer, questions of a desk and of a resident, what waits, and ratings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.acting import beyond
from kangqiao.base.templatetags.kq import called
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.contracting.models import Service, Team, TeamMember
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.contracting.queries import members_of
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.portal.models import CentreService, Enquiry, EnquiryMessage, Rating
from kangqiao.domain.portal.parameters import PortalParameters, portal_at
from kangqiao.domain.portal.permissions import parties, ratings_visible_to, visible_to
from kangqiao.domain.portal.rules import STARS, minutes_between
from kangqiao.domain.portal.states import ENQUIRY
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import DECIDING, bases_of
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.terminology import queries as terminology
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step

TABS: dict[str, tuple[object, tuple[str, ...]]] = {
    "asked": (gettext_lazy("等回复"), ("asked",)),
    "answered": (gettext_lazy("已回复"), ("answered",)),
    "closed": (gettext_lazy("已结束"), ("closed",)),
}


def no_enquiry() -> NotVisible:
    """The one answer for a question that does not exist and one out of reach."""
    return NotVisible(_("没有这个问题，或不在您的服务范围。"), next_step=_("请从“问团队”里打开。"))


def enquiries(seat: Seat) -> QuerySet[Enquiry]:
    """The questions a seat may see."""
    rows = Enquiry.objects.select_related(
        "resident__centre", "contract__team__organization__place", "holder__practitioner", "asked_by"
    )
    return rows.filter(visible_to(seat))


def get_enquiry(seat: Seat, enquiry_id: int) -> Enquiry:
    """One question. Raises NotVisible."""
    found = enquiries(seat).filter(pk=enquiry_id).first()
    if found is None:
        raise no_enquiry()
    note_read(seat, [found.resident_id])
    return found


def listed(seat: Seat, tab: str) -> QuerySet[Enquiry]:
    """The questions of one tab; of those that wait the urgent ones first, then what is due longest."""
    order = ("-is_urgent", "due_at", "pk") if tab == "asked" else ("-asked_at", "-pk")
    return enquiries(seat).filter(status__in=TABS[tab][1]).order_by(*order)


def tab_counts(seat: Seat) -> list[tuple[str, object, int]]:
    """Key, name and number of each tab."""
    found = dict(enquiries(seat).order_by().values_list("status").annotate(n=Count("pk")))
    return [(key, label, sum(found.get(one, 0) for one in statuses)) for key, (label, statuses) in TABS.items()]


def waiting(seat: Seat) -> Waits:
    """The questions that wait for an answer, and since when."""
    return Waits(Enquiry.objects.filter(visible_to(seat), status="asked"), "asked_at")


def waiting_rows(seat: Seat, most: int) -> list[Enquiry]:
    """What `waiting` counts, the urgent ones first; the log of reads has whose lines were shown."""
    found = list(listed(seat, "asked")[:most])
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


def of_resident(seat: Seat, resident_id: int) -> QuerySet[Enquiry]:
    """What was asked about one resident, the latest first, as far as the seat may see it."""
    return enquiries(seat).filter(resident=resident_id).prefetch_related("messages")


def messages_of(enquiry: Enquiry) -> list[EnquiryMessage]:
    """All that was written, oldest first."""
    return list(enquiry.messages.all())


def available_steps(seat: Seat, enquiry: Enquiry, now: datetime) -> list[Step]:
    """The moves this seat may make now."""
    return ENQUIRY.steps_from(enquiry.status, parties(seat.actor, enquiry, now))


def may_write(seat: Seat, enquiry: Enquiry, now: datetime) -> bool:
    """Whether the seat can write into this question now."""
    return not enquiry.state.final and bool(parties(seat.actor, enquiry, now) & {"team", "resident"})


def terms_of(team: Team, on: date) -> PortalParameters:
    """What the packs say for a team's place on a day. Raises NoPolicyInForce."""
    return portal_at(team.organization.place.code, on)


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call now: the emergency number, and the phone on duty where there is one."""

    number: str
    phone: str
    team: str


def whom_to_call(enquiry: Enquiry, now: datetime) -> Call | None:
    """Whom to call, where a question holds words of danger and is not settled."""
    if not enquiry.is_urgent or enquiry.state.final:
        return None
    team = enquiry.contract.team
    number = str(terms_of(team, localtime(now).date()).emergency_number.value)
    return Call(number, team.phone or team.organization.phone, team.zh)


def waited(enquiry: Enquiry) -> int | None:
    """After how many minutes the first answer came."""
    return None if enquiry.answered_at is None else minutes_between(enquiry.asked_at, enquiry.answered_at)


def sentence(enquiry: Enquiry, now: datetime) -> str:
    """Where a question stands and what comes next, in words."""
    minutes = waited(enquiry)
    if enquiry.due_at is not None:
        late = enquiry.due_at < now
        said = _("本应在 %(when)s 前回复，已超时。") if late else _("最晚 %(when)s 前回复。")
        return said % {"when": f"{localtime(enquiry.due_at):%m-%d %H:%M}"}
    return "" if minutes is None else _("问后 %(n)s 分钟得到回复。") % {"n": minutes}


def may_hold(enquiry: Enquiry, on: date) -> list[TeamMember]:
    """Members of the team, of its own house, who could take a question over: they can open it there."""
    return [one for one in _in_house(enquiry, on) if one.pk != enquiry.holder_id]


def _in_house(enquiry: Enquiry, on: date) -> list[TeamMember]:
    house, found = enquiry.contract.team.organization_id, members_of([enquiry.contract.team_id], on)
    return [one for one in found if one.practitioner.organization_id == house]


# --- for the actions ------------------------------------------------------------------------------------------


def waiting_question(resident_id: int, user_id: int) -> Enquiry | None:
    """The question somebody asked for a resident that the team has not answered."""
    rows = Enquiry.objects.select_related("contract")
    return rows.filter(resident=resident_id, asked_by=user_id, status="asked").first()


def account_of_holder(enquiry: Enquiry, on: date) -> int | None:
    """The account of who holds a question, where that person serves in the house today and can open it there."""
    held = next((one for one in _in_house(enquiry, on) if one.pk == enquiry.holder_id), None)
    serving = Q(since__lte=on) & (Q(until__isnull=True) | Q(until__gt=on))
    if held is None or held.practitioner.user_id is None:
        return None
    seats = Membership.objects.filter(serving, user=held.practitioner.user_id, role__in=CENTRE)
    return held.practitioner.user_id if seats.filter(organization=held.practitioner.organization_id).exists() else None


def asked_lately(said: list[EnquiryMessage]) -> tuple[str, bool]:
    """What the resident wrote last, without a word of the team between; whether the team has answered that before."""
    end = max((place for place, one in enumerate(said, 1) if one.side == EnquiryMessage.Side.RESIDENT), default=0)
    start = max((place for place, one in enumerate(said[:end], 1) if one.side == EnquiryMessage.Side.TEAM), default=0)
    return "\n".join(one.text for one in said[start:end]), end < len(said)


def overdue(at: datetime) -> list[Enquiry]:
    """Questions of every house that should have been answered."""
    rows = Enquiry.objects.select_related("contract__team", "holder__practitioner")
    return list(rows.filter(status="asked", due_at__lt=at).order_by("due_at"))


def maybe_over() -> list[Enquiry]:
    """Questions of every house that may be over: answered, or of a contract that is; `last` says since when."""
    rows = Enquiry.objects.select_related("contract__team__organization__place").annotate(last=Max("messages__at"))
    is_over = ~Q(contract__status__in=RUNNING)
    return list(rows.filter(Q(status="answered") | (Q(status="asked") & is_over)).order_by("pk"))


# --- ratings --------------------------------------------------------------------------------------------------


def to_rate(seat: Seat, resident: Resident, on: date) -> list[Service]:
    """What was done lately for the resident and nobody has rated; for those alone who decide for that person."""
    own, after = bases_of(seat).filter(kind__in=DECIDING, resident=resident), rated_after(resident, on)
    rows = Service.objects.select_related("item", "contract__team").filter(
        contract__resident=resident.pk, contract__resident__in=own.values("resident_id"), on__gt=after, on__lte=on,
    )  # fmt: skip
    done = Rating.objects.filter(service=OuterRef("pk"))
    return list(rows.filter(~Exists(done)).order_by("-on", "-pk"))


def rated_after(resident: Resident, on: date) -> date:
    """Services after this day are still rated, as the resident's place has set it. Raises NoPolicyInForce."""
    return on - timedelta(days=portal_at(resident.centre.place.code, on).rate_days.integer())


def get_service(seat: Seat, service_id: int) -> Service:
    """One service of a resident the person at the screen decides for. Raises NotVisible."""
    own = bases_of(seat).filter(kind__in=DECIDING).values("resident_id")
    rows = Service.objects.select_related("item", "contract__team", "contract__resident")
    found = rows.filter(pk=service_id, contract__resident__in=own).first()
    if seat.role != Role.RESIDENT or found is None:
        raise NotVisible(_("没有这次服务，或不由您评价。"), next_step=_("请从“我的家庭医生”打开。"))
    return found


def rating_of(service: Service) -> Rating | None:
    """What was said about a service."""
    return Rating.objects.filter(service=service).first()


@dataclass(frozen=True, slots=True)
class TeamRating:
    """How satisfied people are with a team: how many rated, the mean, how often each number of stars."""

    team: Team
    count: int
    mean: float
    stars: tuple[int, ...]
    words: tuple[Rating, ...]


def ratings_by_team(seat: Seat, teams: Iterable[Team], most_words: int = 5) -> list[TeamRating]:
    """How each team of the seat's house is rated, with the latest words of people it may see; who wrote is not told."""
    own = [one for one in teams if seat.role in CENTRE and one.organization_id == seat.organization_id]
    latest = Window(RowNumber(), partition_by=F("service__contract__team"), order_by=("-at", "-pk"))
    rows = Rating.objects.select_related("service__item", "service__contract").exclude(words="")
    seen = rows.filter(ratings_visible_to(seat), service__contract__team__in=own).annotate(place=latest)
    said, counted = defaultdict(list), _stars_of([one.pk for one in own])
    for row in seen.filter(place__lte=most_words):
        said[row.service.contract.team_id].append(row)
    found = []
    for team in own:
        each = tuple(counted.get((team.pk, one), 0) for one in STARS)
        mean = sum(n * one for n, one in zip(each, STARS, strict=True)) / (sum(each) or 1)
        found.append(TeamRating(team, sum(each), mean, each, tuple(said[team.pk])))
    return found


@beyond("portal.ratings")
def _stars_of(team_ids: list[int]) -> dict[tuple[int, int], int]:
    """How often each team got each number of stars, also from people who have left it since."""
    rows = Rating.objects.filter(service__contract__team__in=team_ids).order_by()
    counted = rows.values_list("service__contract__team", "stars").annotate(n=Count("pk"))
    return {(team, stars): n for team, stars, n in counted}


# --- what a centre offers -------------------------------------------------------------------------------------


@beyond("portal.featured")
def offered(organization_id: int, on: date | None = None) -> list[CentreService]:
    """What a centre offers on a day, or ever offered; featured ones with their `visits` since they were registered.

    A visit counts at the centre in the specialty named, whoever it was (ZH-3.3e, ZH-3.2.3a).
    """
    last = Coalesce(OuterRef("until"), Value(date.max))
    same = Encounter.objects.filter(organization=OuterRef("organization"), specialty=OuterRef("specialty"))
    seen = same.filter(
        started_at__gte=OuterRef("registered_at"), started_at__date__gte=OuterRef("since"), started_at__date__lt=last
    )
    counted = Subquery(seen.order_by().values("organization").annotate(n=Count("pk")).values("n"))
    rows = CentreService.objects.select_related("supporter").filter(organization=organization_id)
    if on is not None:
        rows = rows.filter(Q(until__isnull=True) | Q(until__gt=on), since__lte=on)
    return list(rows.annotate(visits=Coalesce(counted, 0)))


def get_service_offered(seat: Seat, offer_id: int) -> CentreService:
    """One thing the seat's centre offers. Raises NotVisible."""
    rows = CentreService.objects.filter(organization=seat.organization_id, until__isnull=True)
    found = rows.filter(pk=offer_id).first() if seat.role == Role.CENTRE_MANAGER else None
    if found is None:
        raise NotVisible(_("没有这项服务，或已经停止。"), next_step=_("请从“中心服务”打开。"))
    return found


def supporters(organization_id: int, on: date) -> list[tuple[int, str]]:
    """The hospitals bound to a centre, to choose from."""
    return [(one.pk, one.zh) for one in agreements.paired_hospitals(organization_id, on).order_by("zh")]


def specialties() -> list[tuple[str, str]]:
    """The specialties by which visits are counted, named in the reader's language."""
    return [(one.code, called(one)) for one in terminology.concepts("specialty")]
