"""What referral brings: the waiting time the green channel gains, and both directions beside each other, by hospital.

Counts and medians only; whom they are about is nobody's to read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, Q, QuerySet, When
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.acting import beyond
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.queries import paired_hospitals
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.kernel.period import Period, quarters

KIND = """CASE WHEN session.specialty = %(ward)s THEN 'admission'
    WHEN session.specialty = ANY(%(ordered)s) THEN 'examination' ELSE 'consultation' END"""
GREEN = """(EXISTS (
        SELECT 1 FROM referral_referral letter WHERE letter.booking_id = booking.id AND letter.is_green_channel
    ) OR EXISTS (SELECT 1 FROM referral_part part WHERE part.booking_id = booking.id))"""
# Days from taking a place to its time, for every place kept at a hospital.
PLACES = f"""
SELECT organization_id, kind, is_green, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY days)
FROM (
    SELECT session.organization_id, {KIND} AS kind, {GREEN} AS is_green,
           extract(epoch FROM slot.starts_at - booking.booked_at) / 86400 AS days
    FROM scheduling_booking booking
    JOIN scheduling_slot slot ON slot.id = booking.slot_id
    JOIN scheduling_session session ON session.id = booking.session_id
    WHERE session.organization_id = ANY(%(houses)s) AND booking.status IN ('booked', 'arrived', 'fulfilled')
      AND booking.booked_at >= %(since)s AND booking.booked_at < %(until)s
) found GROUP BY 1, 2, 3
"""  # noqa: S608 (constant text)
# Minutes from arrival to being seen, for everybody whom a queue has called.
WAITS = f"""
SELECT organization_id, kind, is_green, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes)
FROM (
    SELECT session.organization_id, {KIND} AS kind, {GREEN} AS is_green,
           extract(epoch FROM min(seen.at) - max(come.at)) / 60 AS minutes
    FROM scheduling_booking booking
    JOIN scheduling_session session ON session.id = booking.session_id
    JOIN base_statuschange come ON come.subject_type = 'scheduling.booking' AND come.subject_id = booking.id
     AND come.action = 'check_in'
    JOIN base_statuschange seen ON seen.subject_type = 'scheduling.booking' AND seen.subject_id = booking.id
     AND seen.action = 'fulfil'
    WHERE session.organization_id = ANY(%(houses)s) AND booking.status = 'fulfilled'
      AND come.at >= %(since)s AND come.at < %(until)s
    GROUP BY booking.id, session.organization_id, session.specialty
) found GROUP BY 1, 2, 3
"""  # noqa: S608 (constant text)
# Both directions of a hospital: how many, how soon answered, whether in time, how many with their result returned, and
# how many patients handed down were sent up again within the stated days.
DIRECTIONS = """
SELECT CASE letter.direction WHEN 'up' THEN letter.to_organization_id ELSE letter.from_organization_id END, direction,
       count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM letter.answered_at - letter.sent_at) / 3600),
       count(letter.answered_at),
       count(*) FILTER (WHERE letter.answered_at <= letter.answer_by),
       count(*) FILTER (WHERE letter.status IN ('summarised', 'closed', 'followed_up', 'advised')),
       count(*) FILTER (WHERE letter.direction = 'down' AND EXISTS (
           SELECT 1 FROM referral_referral again
           WHERE again.direction = 'up' AND again.resident_id = letter.resident_id
             AND again.to_organization_id = letter.from_organization_id
             AND again.sent_at > letter.sent_at AND again.sent_at <= letter.sent_at + %(bounce)s
       ))
FROM referral_referral letter
WHERE (CASE letter.direction WHEN 'up' THEN letter.to_organization_id ELSE letter.from_organization_id END)
      = ANY(%(houses)s) AND letter.sent_at >= %(since)s AND letter.sent_at < %(until)s
GROUP BY 1, 2
"""
READERS = (Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR, Role.CENTRE_MANAGER, Role.BUREAU_OFFICER)
QUARTERS = 4


@dataclass(slots=True)
class Side:
    """How many, and their median; none while there are too few to say one."""

    n: int = 0
    median: float | None = None


@dataclass(slots=True)
class Gain:
    """One kind of wait: the green channel beside everybody else."""

    label: str
    unit: str
    green: Side = field(default_factory=Side)
    others: Side = field(default_factory=Side)

    @property
    def gained(self) -> float | None:
        """How much shorter the green channel waits; none where one of the two is too few."""
        if self.green.median is None or self.others.median is None:
            return None
        return self.others.median - self.green.median


@dataclass(slots=True)
class Direction:
    """One direction of a hospital in a span."""

    sent: int = 0
    answer_hours: float | None = None
    answered: int = 0
    in_time: int = 0
    returned: int = 0
    bounced: int = 0


@dataclass(slots=True)
class House:
    """One hospital: what was gained, kind by kind, and its two directions."""

    hospital: Organization
    gains: list[Gain]
    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    owners: list[str] = field(default_factory=list)
    open: int = 0
    late: int = 0

    @property
    def down_percent(self) -> int | None:
        """How many came down for each hundred sent up; none where nobody was."""
        return round(100 * self.down.sent / self.up.sent) if self.up.sent else None


@dataclass(frozen=True, slots=True)
class Results:
    """A span, what it may be compared with, and every hospital the reader answers for or works with."""

    span: Period
    spans: list[Period]
    least: int
    bounce_days: int
    houses: list[House]


def results(seat: Seat, now: datetime, starts_on: date | None = None) -> Results:
    """What referral brought in a quarter, the present one unless another is named (SZ16-2.2c, XH23-5.1.2g)."""
    today = localtime(now).date()
    spans = quarters(today + timedelta(days=1), QUARTERS)[::-1]
    span = next((one for one in spans if one.start == starts_on), spans[0])
    parameters = ReferralParameters.read(policy.at(place=seat.place_code, date=today))
    least, days = parameters.measured_from.integer(), parameters.bounce_back_days.integer()
    hospitals = list(_hospitals(seat, today).order_by("pk"))
    houses = measured(hospitals, span, least=least, bounce_days=days)
    answer_for(houses, now)
    return Results(span, spans, least, days, houses)


@beyond("referral.counts")
def measured(hospitals: Iterable[Organization], span: Period, *, least: int, bounce_days: int) -> list[House]:
    """The figures of hospitals in a span; a median only from the least number on."""
    houses = {one.pk: House(one, _kinds()) for one in hospitals}
    values = {
        "houses": list(houses), "since": _start(span.start), "until": _start(span.end or date.max),
        "ward": Part.Kind.WARD.value, "ordered": list(ORDERED), "bounce": timedelta(days=bounce_days),
    }  # fmt: skip
    keys = {"consultation": 0, "examination": 1, "admission": 2}
    for offset, text in ((0, PLACES), (3, WAITS)):
        for house, kind, is_green, n, median in _rows(text, values):
            gain = houses[house].gains[keys[kind] + offset]
            side = gain.green if is_green else gain.others
            side.n, side.median = n, float(median) if n >= least else None
    for house, direction, *figures in _rows(DIRECTIONS, values):
        setattr(houses[house], direction, Direction(*figures))
    return list(houses.values())


@beyond("referral.counts")
def answer_for(houses: Iterable[House], now: datetime) -> None:
    """Who answers for hospitals' referrals by name, how many letters wait there, how many too long (XH23-5.1.2c).

    Their guidance office does, also where that is an organisation of its own; without one their referral desk.
    """
    known, day = {house.hospital.pk: house for house in houses}, localtime(now).date()
    staff = Membership.objects.filter(
        Q(organization__in=known) | Q(organization__part_of__in=known), Q(until__isnull=True) | Q(until__gt=day),
        since__lte=day, role__in=(Role.GUIDANCE_OFFICE, Role.REFERRAL_DESK),
    )  # fmt: skip
    by_role: dict[tuple[int, str], list[str]] = {}
    names = staff.order_by("since", "pk").values_list("organization", "organization__part_of", "role", "user__name")
    for where, part_of, role, name in names:
        by_role.setdefault((where if where in known else part_of or where, role), []).append(name)
    waiting = Referral.objects.filter(
        Q(direction="up", to_organization__in=known, status__in=("sent", "unplaced", "accepted", "seen"))
        | Q(direction="down", from_organization__in=known, status="declined")
    )
    hospital = Case(When(direction="up", then=F("to_organization")), default=F("from_organization"))
    rows = waiting.order_by().annotate(hospital=hospital).values_list("hospital")
    counted = rows.annotate(open=Count("pk"), late=Count("pk", filter=Q(due_at__lt=now)))
    tally = {pk: (every, late) for pk, every, late in counted}
    for pk, house in known.items():
        house.owners = by_role.get((pk, Role.GUIDANCE_OFFICE)) or by_role.get((pk, Role.REFERRAL_DESK)) or []
        house.open, house.late = tally.get(pk, (0, 0))


def _kinds() -> list[Gain]:
    days, minutes = _("天"), _("分钟")
    return [
        Gain(_("占到门诊号要等"), days), Gain(_("占到检查要等"), days), Gain(_("占到床位要等"), days),
        Gain(_("到院后等就诊"), minutes), Gain(_("到院后等检查"), minutes), Gain(_("到院后等收住"), minutes),
    ]  # fmt: skip


def _hospitals(seat: Seat, day: date) -> QuerySet[Organization]:
    if seat.role == Role.CENTRE_MANAGER:
        return paired_hospitals(seat.organization_id, day)
    if seat.role == Role.BUREAU_OFFICER:
        return institutions.hospitals_in(seat.place_code)
    return Organization.objects.filter(Q(pk__in=seat.bodies), kind=Organization.Kind.HOSPITAL)


def _rows(text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return list(cursor.fetchall())


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=get_current_timezone())
