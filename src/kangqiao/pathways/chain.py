"""The whole chain on one picture, and one case followed through all its links.

agreement → roster → slots → booking and referral → record → indicator → appraisal → money → publication. The counts
hold no personal data; a case that is a patient's is followed only by who may see that patient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, Sum
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.appraisal.permissions import visible_to as judgements_visible_to
from kangqiao.domain.appraisal.states import APPRAISAL
from kangqiao.domain.finance import queries as finance
from kangqiao.domain.finance.models import SettlementLine
from kangqiao.domain.finance.states import LINE
from kangqiao.domain.indicators import rules as definitions
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.publication import queries as publications
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.states import PUBLICATION
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral import queries as referrals
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.roster.models import HalfDay, Posting
from kangqiao.domain.roster.permissions import standing_of, visible_half_days
from kangqiao.domain.roster.rules import said_when
from kangqiao.domain.roster.states import HALF_DAY
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.money import yuan

LINKS = (
    "agreement",
    "roster",
    "slots",
    "booking",
    "referral",
    "record",
    "indicator",
    "appraisal",
    "money",
    "publication",
)
CLAUSES = {
    "agreement": ("ZH-0b", "ZH-4.6b"),
    "roster": ("ZH-3.2.1a",),
    "slots": ("SZ16-2.1b", "SZ16-2.2b"),
    "booking": ("SZ16-4.3e",),
    "referral": ("ZH-3.2.4a", "ZH-3.2.4b"),
    "record": ("SZ16-2.1c",),
    "indicator": ("ZH-3.2.1a", "ZH-4.4c"),
    "appraisal": ("ZH-4.7a",),
    "money": ("ZH-4.2d", "ZH-4.2e"),
    "publication": ("SZ16-4.3b", "SZ16-4.3c"),
}
WEEK = timedelta(days=7)
TABLES = {
    Agreement: AGREEMENT,
    HalfDay: HALF_DAY,
    Appraisal: APPRAISAL,
    SettlementLine: LINE,
    Publication: PUBLICATION,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a link and what it counts."""

    number: int
    words: str
    is_alarm: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain with its live numbers, its clauses, and whether the followed case passes through it."""

    key: str
    name: str
    figures: tuple[Figure, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a followed case stands in one link: what, since when, its state, and the page that holds it."""

    link: str
    title: str
    detail: str = ""
    look: str = ""
    state: str = ""
    url: str = ""


@dataclass
class Trail:
    """A case from its agreement to its publication; a link without a stop is a link the case has not reached."""

    title: str
    stops: list[Stop] = field(default_factory=list)

    def at(self, link: str) -> list[Stop]:
        """The stops in one link."""
        return [stop for stop in self.stops if stop.link == link]


def names() -> dict[str, str]:
    """What each link is called."""
    return {
        "agreement": _("协议"), "roster": _("排班"), "slots": _("号源"), "booking": _("预约"), "referral": _("转诊"),
        "record": _("档案"), "indicator": _("指标"), "appraisal": _("考核"), "money": _("经费"),
        "publication": _("公示"),
    }  # fmt: skip


def links(city: str, now: datetime) -> list[Link]:
    """The links of a city (by its division code) with their counts now; one statement per count, none per row."""
    today = localtime(now).date()
    called = names()
    return [Link(key, called[key], tuple(COUNTS[key](city, today, now)), CLAUSES[key]) for key in LINKS]


def follow(seat: Seat, kind: str, pk: int) -> Trail:
    """The trail of an `agreement`, a `half_day`, a `referral` or a `line` of money. Raises NotVisible."""
    if kind not in FOLLOWERS:
        raise NotVisible(_("没有这样的环节可以跟踪。"))
    return FOLLOWERS[kind](seat, pk)


def examples(seat: Seat, limit: int = 4) -> list[tuple[str, str, int]]:
    """Some cases this seat may follow: what it is called, its kind and its id, newest first of each kind."""
    found: list[tuple[str, str, int]] = []
    for agreement in agreements.visible_agreements(seat).filter(status="in_force").order_by("-pk")[:limit]:
        words = f"{agreement.get_kind_display()} {agreement.hospital.short_zh} → {agreement.centre.short_zh}"
        found.append((words, "agreement", agreement.pk))
    seen = visible_half_days(standing_of(seat))
    rows = HalfDay.objects.filter(seen, session__isnull=False).select_related("practitioner", "centre")
    for row in rows.order_by("day", "half", "pk")[:limit]:
        words = f"{row.practitioner.name} {said_when(row.day, row.half)} {row.centre.short_zh}"
        found.append((words, "half_day", row.pk))
    if seat.role != Role.RESIDENT:
        for referral in referrals.referrals(seat).order_by("-sent_at")[:limit]:
            found.append((f"{referral.number} {_between(referral)}", "referral", referral.pk))
    for line in finance.visible_lines(seat).order_by("-settlement__year", "pk")[:limit]:
        words = f"¥{yuan(line.base_fen):,} {line.hospital.short_zh} → {line.centre.short_zh}"
        found.append((words, "line", line.pk))
    return found


def _agreement_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(Agreement.objects.all(), "centre__place", city)
    tally = rows.aggregate(
        live=Count("id", filter=Q(status="in_force")),
        waiting=Count("id", filter=Q(status__in=("draft", "signing"))),
        ending=Count("id", filter=Q(status="in_force", ends_on__lte=today + 8 * WEEK)),
    )
    return [
        Figure(tally["live"], _("份生效")),
        Figure(tally["waiting"], _("份待签")),
        Figure(tally["ending"], _("份将到期")),
    ]


def _roster_counts(city: str, today: date, now: datetime) -> list[Figure]:
    monday = today - timedelta(days=today.weekday())
    rows = _in_city(HalfDay.objects.filter(day__gte=monday, day__lt=monday + WEEK), "centre__place", city)
    tally = rows.aggregate(
        week=Count("id", filter=Q(status__in=("confirmed", "done"))), done=Count("id", filter=Q(status="done"))
    )
    posted = _in_city(Posting.objects.filter(status="posted"), "centre__place", city)
    experts = posted.aggregate(count=Count("practitioner", distinct=True))["count"]
    return [
        Figure(experts, _("名专家在派")),
        Figure(tally["week"], _("个半天在本周")),
        Figure(tally["done"], _("个已出诊")),
    ]


def _slot_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(
        Slot.objects.filter(session__status="open", starts_at__gt=now), "session__organization__place", city
    )
    tally = rows.aggregate(
        places=Sum("capacity"), sold=Sum("taken"),
        kept=Count("id", filter=Q(pool="partner", release_at__gt=now, taken__lt=F("capacity"))),
    )  # fmt: skip
    free = (tally["places"] or 0) - (tally["sold"] or 0)
    return [Figure(free, _("个号可约")), Figure(tally["kept"], _("个留给社区"))]


@beyond("chain.counts")
def _booking_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(Booking.objects.all(), "session__organization__place", city)
    tally = rows.aggregate(
        coming=Count("id", filter=Q(status="booked", slot__starts_at__gt=now)),
        arrived=Count("id", filter=Q(status="arrived")),
    )
    return [Figure(tally["coming"], _("人已约")), Figure(tally["arrived"], _("人候诊"))]


@beyond("chain.counts")
def _referral_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(Referral.objects.filter(status__in=referrals.OPEN), "from_organization__place", city)
    tally = rows.aggregate(
        up=Count("id", filter=Q(direction="up")), down=Count("id", filter=Q(direction="down")),
        late=Count("id", filter=Q(due_at__lt=now)),
    )  # fmt: skip
    return [
        Figure(tally["up"], _("例上转在办")), Figure(tally["down"], _("例下转在办")),
        Figure(tally["late"], _("例超时"), is_alarm=bool(tally["late"])),
    ]  # fmt: skip


@beyond("chain.counts")
def _record_counts(city: str, today: date, now: datetime) -> list[Figure]:
    this_year = localtime(now).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = _in_city(Encounter.objects.filter(started_at__gte=this_year), "organization__place", city)
    tally = rows.aggregate(all=Count("id"), experts=Count("id", filter=Q(is_posted_expert=True)))
    return [Figure(tally["all"], _("人次今年就诊")), Figure(tally["experts"], _("人次由派驻专家看"))]


def _indicator_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(MeasureReport.objects.all(), "organization__place", city)
    tally = rows.aggregate(kinds=Count("indicator", distinct=True), frozen=Count("id"))
    return [Figure(tally["kinds"], _("项指标")), Figure(tally["frozen"], _("个结果已固定"))]


def _appraisal_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(Appraisal.objects.all(), "subject__place", city)
    tally = rows.aggregate(closed=Count("id", filter=Q(status="closed")), open=Count("id", filter=~Q(status="closed")))
    return [Figure(tally["closed"], _("家已定案")), Figure(tally["open"], _("家未定案"))]


def _money_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = SettlementLine.objects.exclude(settlement__status="superseded")
    tally = _in_city(rows, "centre__place", city).aggregate(
        held=Count("id", filter=Q(status="held")), payable=Count("id", filter=Q(status="payable")),
        paid=Count("id", filter=Q(status="paid")),
    )  # fmt: skip
    return [
        Figure(tally["payable"], _("笔可拨付")),
        Figure(tally["held"], _("笔待考核")),
        Figure(tally["paid"], _("笔已拨付")),
    ]


@beyond("chain.counts")
def _publication_counts(city: str, today: date, now: datetime) -> list[Figure]:
    rows = _in_city(Publication.objects.filter(year=today.year), "organization__place", city)
    tally = rows.aggregate(
        out=Count("id", filter=Q(status="published")), waiting=Count("id", filter=Q(status="submitted"))
    )
    return [Figure(tally["out"], _("家今年已公示")), Figure(tally["waiting"], _("家待审核"))]


COUNTS: dict[str, Callable[[str, date, datetime], list[Figure]]] = {
    "agreement": _agreement_counts,
    "roster": _roster_counts,
    "slots": _slot_counts,
    "booking": _booking_counts,
    "referral": _referral_counts,
    "record": _record_counts,
    "indicator": _indicator_counts,
    "appraisal": _appraisal_counts,
    "money": _money_counts,
    "publication": _publication_counts,
}


def _in_city(rows, path: str, city: str):  # type: ignore[no-untyped-def] # any queryset in, the same out
    """Rows whose place at `path` is the city or lies in it, to the depth of a functional zone."""
    return rows.filter(
        Q(**{f"{path}__code": city})
        | Q(**{f"{path}__part_of__code": city})
        | Q(**{f"{path}__part_of__part_of__code": city})
    )


def _follow_agreement(seat: Seat, pk: int) -> Trail:
    agreement = agreements.get_agreement(seat, pk)
    trail = Trail(_("协议 %(number)s") % {"number": agreement.number})
    _agreement_stop(trail, agreement)
    _half_day_summary(trail, agreement)
    return _with_results(seat, trail, agreement)


def _follow_half_day(seat: Seat, pk: int) -> Trail:
    seen = HalfDay.objects.filter(visible_half_days(standing_of(seat)), pk=pk)
    row = seen.select_related("posting__agreement", "practitioner", "centre", "session").first()
    if row is None:
        raise NotVisible(_("没有这个半天，或不在您的范围。"))
    agreement = agreements.get_agreement(seat, row.posting.agreement_id)
    trail = Trail(
        _("%(name)s %(day)s%(half)s在%(centre)s")
        % {
            "name": row.practitioner.name,
            "day": _day(row.day),
            "half": row.get_half_display(),
            "centre": row.centre.short_zh,
        }
    )
    _agreement_stop(trail, agreement)
    trail.stops.append(
        Stop("roster", trail.title, look=_look(row), state=row.get_status_display(), url=f"/roster/?day={row.day}")
    )
    if row.session_id is not None:
        _session_stops(trail, row)
    return _with_results(seat, trail, agreement)


def _follow_referral(seat: Seat, pk: int) -> Trail:
    referral = referrals.get_referral(seat, pk)
    trail = Trail(_("转诊单 %(number)s") % {"number": referral.number})
    if referral.agreement_id is not None:
        _agreement_stop(trail, Agreement.objects.select_related("hospital", "centre").get(pk=referral.agreement_id))
    for one in referrals.case_of(seat, referral):
        _referral_stops(trail, one)
    if referral.agreement_id is None:
        return trail
    agreement = Agreement.objects.select_related("hospital", "centre").get(pk=referral.agreement_id)
    return _with_results(seat, trail, agreement)


def _follow_line(seat: Seat, pk: int) -> Trail:
    line = finance.get_line(seat, pk)
    agreement = Agreement.objects.select_related("hospital", "centre").get(pk=line.agreement_id)
    trail = Trail(
        _("%(hospital)s在%(centre)s的经费") % {"hospital": line.hospital.short_zh, "centre": line.centre.short_zh}
    )
    _agreement_stop(trail, agreement)
    _half_day_summary(trail, agreement)
    return _with_results(seat, trail, agreement, year=line.settlement.year)


FOLLOWERS: dict[str, Callable[[Seat, int], Trail]] = {
    "agreement": _follow_agreement,
    "half_day": _follow_half_day,
    "referral": _follow_referral,
    "line": _follow_line,
}


def _agreement_stop(trail: Trail, agreement: Agreement) -> None:
    trail.stops.append(
        Stop(
            "agreement",
            f"{agreement.hospital.short_zh} → {agreement.centre.short_zh}",
            _("%(start)s 至 %(end)s") % {"start": agreement.starts_on, "end": agreement.ends_on - timedelta(days=1)},
            _look(agreement),
            agreement.get_status_display(),
            f"/agreements/{agreement.pk}/",
        )
    )


@beyond("chain.counts")
def _half_day_summary(trail: Trail, agreement: Agreement) -> None:
    """What an agreement became: half-days, places, bookings, visits and referrals, as numbers."""
    rows = HalfDay.objects.filter(posting__agreement__hospital=agreement.hospital, centre=agreement.centre)
    tally = rows.aggregate(done=Count("id", filter=Q(status="done")), next=Count("id", filter=Q(status="confirmed")))
    trail.stops.append(
        Stop(
            "roster",
            _("已出诊 %(done)s 个半天，已排 %(next)s 个") % tally,
            url=f"/roster/?centre={agreement.centre_id}",
        )
    )
    slots = Slot.objects.filter(
        session__organization=agreement.centre, session__practitioner__organization=agreement.hospital,
        session__status="open",
    )  # fmt: skip
    places = slots.aggregate(all=Sum("capacity"), taken=Sum("taken"))
    trail.stops.append(
        Stop("slots", _("放出 %(all)s 个号，已约 %(taken)s 个") % {k: v or 0 for k, v in places.items()}, url="/slots/")
    )
    visits = Encounter.objects.filter(
        organization=agreement.centre, is_posted_expert=True, practitioner__organization=agreement.hospital
    ).count()
    trail.stops.append(Stop("record", _("专家在中心看了 %(n)s 人次") % {"n": visits}))
    pair = (agreement.hospital_id, agreement.centre_id)
    both = Referral.objects.filter(from_organization_id__in=pair, to_organization_id__in=pair)
    sent = both.aggregate(up=Count("id", filter=Q(direction="up")), down=Count("id", filter=Q(direction="down")))
    trail.stops.append(Stop("referral", _("上转 %(up)s 例，下转 %(down)s 例") % sent, url="/referrals/"))


@beyond("chain.counts")
def _session_stops(trail: Trail, row: HalfDay) -> None:
    session = row.session
    if session is None:
        return
    places = session.slots.aggregate(all=Sum("capacity"), taken=Sum("taken"))
    trail.stops.append(
        Stop(
            "slots",
            _("放出 %(all)s 个号，已约 %(taken)s 个") % {key: value or 0 for key, value in places.items()},
            f"{_clock(session.starts_at)}–{_clock(session.ends_at)}",
            state=session.get_status_display(),
            url=f"/slots/sessions/{session.pk}/",
        )
    )
    tally = session.bookings.aggregate(
        coming=Count("id", filter=Q(status="booked")), seen=Count("id", filter=Q(status="fulfilled"))
    )
    trail.stops.append(Stop("booking", _("%(coming)s 人待诊，%(seen)s 人已看") % tally))
    visits = Encounter.objects.filter(
        organization=row.centre, practitioner=row.practitioner, started_at__gte=session.starts_at,
        started_at__lt=session.starts_at + timedelta(days=1),
    )  # fmt: skip
    trail.stops.append(Stop("record", _("%(n)s 次就诊已入档") % {"n": visits.count()}))
    ups = Referral.objects.filter(origin_encounter__in=visits).count()
    trail.stops.append(Stop("referral", _("由此上转 %(n)s 例") % {"n": ups}))


def _referral_stops(trail: Trail, referral: Referral) -> None:
    state = referrals.state_of(referral)
    trail.stops.append(
        Stop(
            "referral",
            " ".join((referral.get_direction_display(), _between(referral))),
            _instant(referral.sent_at),
            state.look.value,
            state.zh,
            f"/referrals/{referral.pk}/",
        )
    )
    if referral.booking is not None:
        slot = referral.booking.slot
        trail.stops.append(Stop("slots", _("占用 %(when)s 的号") % {"when": _instant(slot.starts_at)}))
        trail.stops.append(
            Stop("booking", referral.booking.session.practitioner.name, state=referral.booking.get_status_display())
        )
    if referral.encounter_id is not None:
        trail.stops.append(Stop("record", _("就诊已入档"), url=f"/residents/{referral.resident_id}/"))


def _with_results(seat: Seat, trail: Trail, agreement: Agreement, year: int | None = None) -> Trail:
    """What the work of the agreement's hospital became: figures, judgement, money, publication of the latest year.

    Whoever may not open an appraisal or a sum sees that the link is there and its state, not the figures.
    """
    judged = Appraisal.objects.filter(subject=agreement.hospital, **({"year": year} if year else {}))
    appraisal = judged.order_by("-year").first()
    if appraisal is not None:
        may = Appraisal.objects.filter(judgements_visible_to(seat), pk=appraisal.pk).exists()
        _judgement_stops(trail, appraisal, may_open=may)
    lines = SettlementLine.objects.filter(agreement=agreement).exclude(settlement__status="superseded")
    line = (lines.filter(settlement__year=year) if year else lines).order_by("-settlement__year").first()
    if line is not None:
        _money_stop(trail, line, may_open=finance.visible_lines(seat).filter(pk=line.pk).exists())
    listed = publications.last_published(agreement.hospital_id)
    if listed is not None and listed.published_at is not None:
        trail.stops.append(
            Stop(
                "publication",
                _("%(year)s年公示名单") % {"year": listed.year},
                _("%(when)s 公示") % {"when": _day(localtime(listed.published_at).date())},
                _look(listed),
                listed.get_status_display(),
                f"/public/{listed.pk}/",
            )
        )
    return trail


def _judgement_stops(trail: Trail, appraisal: Appraisal, *, may_open: bool) -> None:
    look, state = _look(appraisal), appraisal.get_status_display()
    if not may_open:
        words = _("%(year)s年度考核") % {"year": appraisal.year}
        trail.stops.append(Stop("appraisal", words, look=look, state=state))
        return
    for item in appraisal.items.select_related("report"):
        if item.report is None:
            continue
        name = definitions.text(definitions.cards()[item.indicator].name, get_language())
        counted = _("%(numerator)s／%(denominator)s") % {
            "numerator": _plain(item.report.numerator),
            "denominator": _plain(item.report.denominator),
        }
        trail.stops.append(Stop("indicator", name, counted, url=f"/indicators/{item.indicator}/"))
    score = _("未评") if appraisal.score is None else appraisal.score
    words = _("%(year)s年度 %(score)s 分") % {"year": appraisal.year, "score": score}
    trail.stops.append(Stop("appraisal", words, look=look, state=state, url=f"/appraisals/{appraisal.pk}/"))


def _money_stop(trail: Trail, line: SettlementLine, *, may_open: bool) -> None:
    look, state = _look(line), line.get_status_display()
    payer = _("%(payer)s财政") % {"payer": line.payer.zh}
    if not may_open:
        trail.stops.append(Stop("money", payer, look=look, state=state))
        return
    total = f"¥{yuan(line.amount_fen if line.amount_fen is not None else line.base_fen):,}"
    trail.stops.append(Stop("money", total, payer, look, state, f"/finance/lines/{line.pk}/"))


def _look(row: Agreement | HalfDay | Appraisal | SettlementLine | Publication) -> str:
    return TABLES[type(row)].state(row.status).look.value


def _between(referral: Referral) -> str:
    return f"{referral.from_organization.short_zh} → {referral.to_organization.short_zh}"


def _plain(number: Decimal | None) -> str:
    return "—" if number is None else f"{number.normalize():f}"


def _day(day: date) -> str:
    return date_format(day, "n月j日")  # untranslated: a date format


def _clock(moment: datetime) -> str:
    return f"{localtime(moment):%H:%M}"


def _instant(moment: datetime) -> str:
    return f"{_day(localtime(moment).date())} {_clock(moment)}"
