"""Half-days for those who hold and attest them, postings, and the sentences of the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.models import StatusChange
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.roster.models import Activity, HalfDay, Posting, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.permissions import (
    Standing,
    can_record,
    posting_parties,
    standing_of,
    visible_half_days,
    visible_postings,
)
from kangqiao.domain.roster.queries.duties import KEPT_STATES, STANDING_STATES, named, parameters_for, zone
from kangqiao.domain.roster.queries.grid import sides_missing, steps_for
from kangqiao.domain.roster.rules import (
    kinds_of_work,
    said_when,
    title_words,
)
from kangqiao.domain.roster.states import HALF_DAY, POSTING
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import Period, week
from kangqiao.kernel.states import State, Step

# More half-days than a region's centre or expert has in a month; a longer list is read week by week.
MOST = 200


def get_half_day(seat: Seat, half_day_id: int) -> HalfDay:
    """A half-day this seat may see. Raises NotVisible."""
    found = listed(visible_half_days(standing_of(seat))).filter(pk=half_day_id).first()
    if found is None:
        raise NotVisible(_("没有这个半天，或不在您的范围。"))
    return found


def listed(where: Q) -> QuerySet[HalfDay]:
    return HalfDay.objects.select_related(
        "practitioner__specialty",
        "practitioner__organization",
        "centre__place",
        "roster",
        "posting__agreement__hospital",
        "session",
    ).filter(where)


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of recorded work with the name of its kind."""

    row: Activity
    label: str


@dataclass(frozen=True, slots=True)
class Sitting:
    """One half-day on an attendance or own-sittings page with what may be done to it and what was done in it."""

    half_day: HalfDay
    title: str
    starts_at: datetime
    ends_at: datetime
    steps: tuple[Step, ...]
    waiting_for: tuple[str, ...]
    activities: tuple[Work, ...]
    booked: int
    has_begun: bool
    may_record: bool

    @property
    def centre(self) -> str:
        """The centre's name in the reader's language."""
        return named(self.half_day.centre)

    @property
    def state(self) -> State:
        """The state of the half-day, for its pill."""
        return HALF_DAY.state(self.half_day.status)

    @property
    def can_record(self) -> bool:
        """Whether this reader may write down work now: the half-day began and was not cancelled or missed."""
        return self.may_record and self.has_begun and self.half_day.status in KEPT_STATES


@beyond("roster.counts")
def sittings(seat: Seat, span: Period, now: datetime) -> list[Sitting]:
    """The half-days of a period this seat has to do with, oldest first: a centre's attendance, an expert's own week."""
    who = standing_of(seat)
    rows = listed(visible_half_days(who)).filter(day__gte=span.start, status__in=STANDING_STATES)
    return _sittings(who, rows if span.end is None else rows.filter(day__lt=span.end), now)


def sittings_to_attest(seat: Seat, now: datetime) -> list[Sitting]:
    """What `to_complete` counts, the oldest first."""
    who, today = standing_of(seat), timezone.localtime(now, zone()).date()
    return _sittings(who, listed(visible_half_days(who)).filter(status="confirmed", day__lt=today), now)


def _sittings(who: Standing, rows: QuerySet[HalfDay], now: datetime) -> list[Sitting]:
    rows = (
        rows.prefetch_related("activities")
        .annotate(
            booked=Count(
                "session__bookings", filter=Q(session__bookings__status__in=("booked", "arrived", "fulfilled"))
            )
        )
        .order_by("day", "half", "centre")
    )
    figures: dict[tuple[str, date], RosterParameters] = {}
    found = []
    for row in rows[:MOST]:
        key = (row.centre.place.code, row.day)
        figures.setdefault(key, parameters_for(*key))
        found.append(_sitting(who, row, figures[key], now))
    return found


def _sitting(who: Standing, row: HalfDay, figures: RosterParameters, now: datetime) -> Sitting:
    starts_at, ends_at = figures.instants(row.day, row.half, zone())
    has_begun = starts_at <= now
    steps = [step for step in steps_for(who, row, figures) if has_begun or step.action not in ("complete", "miss")]
    return Sitting(
        half_day=row,
        title=title_words(row.practitioner.title_kind, row.practitioner.title_grade),
        starts_at=starts_at,
        ends_at=ends_at,
        steps=tuple(steps),
        waiting_for=sides_missing(row, figures),
        activities=tuple(Work(each, kinds_of_work()[each.kind]) for each in row.activities.all()),
        booked=getattr(row, "booked", 0),
        has_begun=has_begun,
        may_record=can_record(who, row).allowed,
    )


@dataclass(frozen=True, slots=True)
class KindOfWork:
    """One of the five kinds of work in a period: how often, and for how many people (SZ16-2.1c)."""

    kind: str
    label: str
    sessions: int
    people: int


def work_done(seat: Seat, centre_id: int, span: Period) -> list[KindOfWork]:
    """What posted experts did at a centre in a period, by kind; all five are listed, also those with nothing."""
    visible = HalfDay.objects.filter(visible_half_days(standing_of(seat)), centre=centre_id, day__gte=span.start)
    if span.end is not None:
        visible = visible.filter(day__lt=span.end)
    rows = (
        Activity.objects.filter(half_day__in=visible)
        .values("kind")
        .annotate(sessions=Count("pk"), people_sum=Sum("people"))
        .order_by()
    )
    by_kind = {row["kind"]: (row["sessions"], row["people_sum"]) for row in rows}
    return [KindOfWork(kind, label, *by_kind.get(kind, (0, 0))) for kind, label in kinds_of_work().items()]


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One posting on the hospital's page with the steps its reader may take."""

    posting: Posting
    title: str
    half_days_done: int
    steps: tuple[Step, ...]

    @property
    def centre(self) -> str:
        """The centre's name in the reader's language."""
        return named(self.posting.centre)

    @property
    def hospital(self) -> str:
        """The hospital's name in the reader's language."""
        return named(self.posting.agreement.hospital)

    @property
    def state(self) -> State:
        """The state of the posting, for its pill."""
        return POSTING.state(self.posting.status)


def postings_of(seat: Seat, *, is_open: bool | None = None, statuses: tuple[str, ...] = ()) -> list[PostingLine]:
    """The postings this seat may see, the running ones first: the archive of a hospital's experts (SZ16-4.3a)."""
    who = standing_of(seat)
    rows = (
        Posting.objects.select_related(
            "practitioner__specialty", "practitioner__organization", "centre", "agreement__hospital"
        )
        .filter(visible_postings(who))
        .annotate(done=Count("half_days", filter=Q(half_days__status="done")))
        .order_by("-starts_on", "centre", "id")
    )  # fmt: skip
    if is_open is not None:
        statuses = ("nominated", "approved", "posted") if is_open else ("ended", "refused")
    if statuses:
        rows = rows.filter(status__in=statuses)
    return [
        PostingLine(
            row, title_words(row.practitioner.title_kind, row.practitioner.title_grade), row.done,
            tuple(POSTING.steps_from(row.status, posting_parties(who, row))),
        )
        for row in rows
    ]  # fmt: skip


def nominees_of(seat: Seat) -> list[Practitioner]:
    """Everybody the seat's hospital may name; whether the title rule lets them is said when they are named."""
    who = standing_of(seat)
    return list(
        Practitioner.objects.select_related("specialty", "organization")
        .filter(Q(organization__in=who.houses) | Q(organization__part_of__in=who.houses))
        .order_by("title_grade", "name")
    )


def centres_of(seat: Seat, on: date) -> list[Organization]:
    """The centres the seat's hospital is bound to on a day."""
    who = standing_of(seat)
    held = agreements.in_force(on, kinds=agreements.RELATIONS).filter(hospital__in=who.houses)
    return list(Organization.objects.filter(pk__in=held.values("centre")).order_by("place", "code"))


def today_at(seat: Seat, now: datetime) -> list[Sitting]:
    """Today's half-days of this seat's centre or expert."""
    today = timezone.localtime(now, zone()).date()
    return sittings(seat, Period(today, today + timedelta(days=1)), now)


@dataclass(frozen=True, slots=True)
class Around:
    """A week with its neighbours, for the switch at the top of a page."""

    span: Period

    @property
    def monday(self) -> date:
        """The first day."""
        return self.span.start

    @property
    def last_day(self) -> date:
        """The last working day, Friday."""
        return self.span.start + timedelta(days=4)

    @property
    def number(self) -> int:
        """The number of the week in the year (ISO)."""
        return self.span.start.isocalendar().week

    @property
    def earlier(self) -> date:
        """Monday of the week before."""
        return self.span.start - timedelta(weeks=1)

    @property
    def later(self) -> date:
        """Monday of the week after."""
        return self.span.start + timedelta(weeks=1)


def cell_of(row: HalfDay) -> str:
    """The grid place of a half-day, as addresses write it."""
    return f"{row.centre_id}.{row.day}.{row.half}"


def where_of(row: HalfDay) -> dict[str, str]:
    """Who sits where and when, in words."""
    where = _("%(centre)s%(when)s") % {"centre": named(row.centre), "when": said_when(row.day, row.half)}
    return {"who": row.practitioner.name, "where": where}


def outcome(row: HalfDay) -> str:
    """What just happened to a half-day, as a sentence."""
    words = where_of(row)
    if row.status == "planned":
        return _("已确认%(who)s在%(where)s的半天，还等另一方确认。") % words
    said_of = {
        "confirmed": _("已确认%(who)s在%(where)s的半天。"),
        "cancelled": _("%(who)s在%(where)s的半天已停诊，已预约的人会收到通知。")
        if row.session_id
        else _("%(who)s在%(where)s的半天已取消，号源还没有开放。"),
        "done": _("已登记%(who)s在%(where)s出诊。"),
        "missed": _("已记%(who)s在%(where)s未出诊。"),
    }
    return said_of[row.status] % words


def posting_outcome(row: Posting) -> str:
    """What just happened to a posting, as a sentence."""
    words = {"who": row.practitioner.name, "centre": named(row.centre), "day": row.last_day}
    said_of = {
        "nominated": _("%(who)s到%(centre)s重新等待批准。"),
        "approved": _("已批准%(who)s到%(centre)s。"),
        "posted": _("%(who)s已派驻到%(centre)s，可以排班了。"),
        "refused": _("没有批准%(who)s到%(centre)s。"),
        "ended": _("%(who)s在%(centre)s的派驻到%(day)s为止。"),
    }
    return said_of[row.status] % words


def to_complete(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many half-days before today the centre has not attested, and the day of the oldest."""
    today = timezone.localtime(now, zone()).date()
    return _waiting_days(
        HalfDay.objects.filter(visible_half_days(standing_of(seat)), status="confirmed", day__lt=today)
    )


def own_this_week(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many half-days an expert still has this week; nothing about them is late."""
    today = timezone.localtime(now, zone()).date()
    rows = HalfDay.objects.filter(
        visible_half_days(standing_of(seat)),
        status__in=("planned", "confirmed"),
        day__gte=today,
        day__lt=week(today).end,
    )
    return rows.count(), None


def to_publish(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many draft rosters with planned half-days wait for the dispatcher, and since when the oldest does."""
    rows = HalfDay.objects.filter(visible_half_days(standing_of(seat)), status="planned", roster__status="draft")
    found = rows.aggregate(count=Count("roster", distinct=True), oldest=Min("roster__planned_at"))
    return found["count"], found["oldest"]


def drafts_to_publish(seat: Seat) -> list[tuple[Roster, int]]:
    """The draft rosters behind `to_publish`, each with how many half-days wait in it, the earliest week first."""
    rows = HalfDay.objects.filter(visible_half_days(standing_of(seat)), status="planned", roster__status="draft")
    counted = dict(rows.order_by().values_list("roster").annotate(n=Count("pk")))
    found = Roster.objects.filter(pk__in=counted).select_related("place").order_by("starts_on", "pk")
    return [(one, counted[one.pk]) for one in found]


def to_approve(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many nominations the hospital has to decide, and since when the oldest waits."""
    open_ones = Posting.objects.filter(visible_postings(standing_of(seat)), status="nominated").values("pk")
    steps = StatusChange.objects.filter(
        subject_type=Posting._meta.label_lower, subject_id__in=open_ones, action="begin"
    )
    found = steps.aggregate(count=Count("pk"), oldest=Min("at"))
    return found["count"], found["oldest"]


def _waiting_days(rows: QuerySet[HalfDay]) -> tuple[int, datetime | None]:
    found = rows.aggregate(count=Count("pk"), oldest=Min("day"))
    oldest = found["oldest"]
    return found["count"], oldest and datetime.combine(oldest, time(), tzinfo=zone())
