"""Who waits for a place, who comes next, and where one stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kangqiao.base.acting import beyond
from kangqiao.base.models import StatusChange
from kangqiao.base.transition import UNDO_FOR
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.scheduling.models import Booking, Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.permissions import waits_visible_to
from kangqiao.domain.scheduling.queries.places import Standing, contracted_before, places_left
from kangqiao.domain.scheduling.rules import said
from kangqiao.domain.scheduling.states import SESSION, WAITING
from kangqiao.domain.terminology.models import Concept
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State

# So many are tried for one place; only somebody who holds a place at the same hour, or whose pool is closed, is passed.
MOST_ASKED = 50
MOST_SHOWN = 100
# In the order of `_in_order`: all of a line stand before who takes any place, before who wants one session those who
# want the same and those who take any.
AHEAD = """
WITH line AS (
    SELECT one.id, organization_id, specialty, session_id, joined_at,
           (SELECT count(*) FROM scheduling_hold WHERE waiting_id = one.id) AS asked
    FROM scheduling_waiting one
    WHERE status = %(waiting)s AND (organization_id, specialty) IN (
        SELECT organization_id, specialty FROM scheduling_waiting WHERE id = ANY(%(shown)s)
    )
), counted AS (
    SELECT id,
           CASE WHEN session_id IS NULL THEN count(*) OVER whole
           ELSE count(*) FILTER (WHERE session_id IS NULL) OVER whole + count(*) OVER own END - 1 AS ahead
    FROM line
    WINDOW whole AS (PARTITION BY organization_id, specialty ORDER BY asked, joined_at, id),
           own AS (PARTITION BY organization_id, specialty, session_id ORDER BY asked, joined_at, id)
)
SELECT id, ahead FROM counted WHERE id = ANY(%(shown)s)
"""


def next_in_line(slot: Slot, at: datetime, *, not_to: int | None = None) -> list[Waiting]:
    """Who is to be asked about a place, in order and locked; lines that are being asked in this moment are left out."""
    session = slot.session
    lines = Q(session=None) | Q(session=session.pk)
    found = _in_order(
        _to_ask(slot.pk, at)
        .filter(lines, organization=session.organization_id, specialty=session.specialty)
        .exclude(resident=not_to)
    )
    rows = found.select_related("resident").select_for_update(of=("self",), skip_locked=True)
    return list(rows[:MOST_ASKED])


def _to_ask(slot: int | OuterRef, at: datetime) -> QuerySet[Waiting]:
    """Lines whose people may be asked about a place, by id or as a query of lines has it one level out.

    Nobody is asked twice about a place, about two at once, about one they gave back while they waited, or who has one
    already.
    """
    inner = OuterRef(slot) if isinstance(slot, OuterRef) else slot
    offers = Hold.objects.filter(Q(until__gt=at) | Q(slot=inner), waiting=OuterRef("pk"))
    own = Booking.objects.filter(resident=OuterRef("resident"))
    has_place = own.filter(
        status="booked", slot__starts_at__gt=at, session__organization=OuterRef("organization"),
        session__specialty=OuterRef("specialty"),
    )  # fmt: skip
    given = StatusChange.objects.filter(
        subject_type=Booking._meta.label_lower, subject_id=OuterRef("pk"), action="cancel",
        at__gt=OuterRef(OuterRef("joined_at")),
    )  # fmt: skip
    gave_back = own.filter(Exists(given), slot=inner, status="cancelled")
    refused = residents.refusals_at(at).filter(
        resident_id=OuterRef("resident_id"), organization_id=OuterRef("organization_id")
    )
    return Waiting.objects.filter(
        ~Exists(offers), ~Exists(has_place), ~Exists(gave_back), ~Exists(refused), status=WAITING.initial,
        resident__deceased_on=None,
    )  # fmt: skip


def _in_order(rows: QuerySet[Waiting]) -> QuerySet[Waiting]:
    offers = Hold.objects.filter(waiting=OuterRef("pk")).order_by().values("waiting").annotate(n=Count("pk"))
    asked = Coalesce(Subquery(offers.values("n"), output_field=IntegerField()), 0)
    return rows.annotate(asked=asked).order_by("asked", "joined_at", "pk")


def standing_in_line(waiting: Waiting, slot: Slot, at: datetime) -> Standing:
    """How somebody in line stands before the hospital of a place: with their family doctor's team, or contracted."""
    hospital_id = slot.session.organization_id
    is_paired = waiting.centre_id is not None and agreements.is_paired(
        hospital_id, waiting.centre_id, localtime(at).date()
    )
    own = frozenset({hospital_id}) if is_paired else frozenset()
    centre_id = waiting.centre_id if is_paired else None
    return Standing(team=own, contracted=contracted_before(waiting.resident_id, at), centre_id=centre_id)


@dataclass(frozen=True, slots=True)
class Wait:
    """A line as its page tells it: where one stands, what is offered until when, or why nothing is."""

    row: Waiting
    state: State
    specialty: Concept | None
    sentence: str
    offer: Hold | None


def waits_of(seat: Seat, now: datetime, resident_id: int | None = None) -> tuple[list[Wait], int]:
    """The lines a seat may see, those with an offer first; of one resident, or of all whom the seat's centre knows.

    And how many there are beyond those a page lists.
    """
    rows = Waiting.objects.filter(waits_visible_to(seat), status=WAITING.initial)
    if resident_id is not None:
        rows = rows.filter(resident=resident_id)
    is_asked = Exists(Hold.objects.filter(waiting=OuterRef("pk"), until__gt=now))
    shown = list(_with_all(rows).order_by(is_asked.desc(), "joined_at", "pk")[:MOST_SHOWN])
    further = rows.count() - len(shown) if len(shown) == MOST_SHOWN else 0
    note_read(seat, [one.resident_id for one in shown], listed=True)
    offers = {hold.waiting_id: hold for hold in _running(now).filter(waiting__in=shown)}
    ahead, names = _ahead(shown), specialties_of(shown)
    has_place = _placed(shown, now)
    found = [
        Wait(
            one, WAITING.state(one.status), names.get(one.specialty),
            _said(ahead[one.pk], has_place.get((one.resident_id, one.organization_id, one.specialty))),
            offers.get(one.pk),
        )
        for one in shown
    ]  # fmt: skip
    return found, further


def specialties_of(rows: Iterable[Waiting]) -> dict[str, Concept]:
    """The specialties of lines by code."""
    codes = {one.specialty for one in rows}
    return {one.code: one for one in Concept.objects.filter(system=Concept.System.SPECIALTY, code__in=codes)}


def _said(ahead: int, placed: datetime | None) -> str:
    if placed is not None:
        return _("已约%(when)s，取消以后才会再问。") % {"when": said(placed)}
    if not ahead:
        return _("排在最前面，有人退号最先问。")
    told = ngettext("前面还有%(n)s人，有人退号就按次序问。", "前面还有%(n)s人，有人退号就按次序问。", ahead)
    return told % {"n": ahead}


def _placed(rows: list[Waiting], now: datetime) -> dict[tuple[int, int, str], datetime]:
    """The places those who wait have in the very line, by resident, house and specialty."""
    found = Booking.objects.filter(
        resident__in={one.resident_id for one in rows}, status="booked", slot__starts_at__gt=now
    )
    keys = found.order_by("-slot__starts_at").values_list(
        "resident", "session__organization", "session__specialty", "slot__starts_at"
    )
    return {(resident, house, specialty): starts for resident, house, specialty, starts in keys}


@beyond("scheduling.line")
def _ahead(rows: list[Waiting]) -> dict[int, int]:
    """How many stand before each of these lines' people, for a place that either of them could be given."""
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, {"shown": [one.pk for one in rows], "waiting": WAITING.initial})
        return dict(cursor.fetchall())


def get_wait(seat: Seat, waiting_id: int) -> Waiting:
    """A line the seat may see. Raises NotVisible."""
    found = _with_all(Waiting.objects.filter(waits_visible_to(seat), pk=waiting_id)).first()
    if found is None:
        raise NotVisible(_("没有这个候补，或不在您的服务范围。"), next_step=_("请回到候补页查看。"))
    note_read(seat, [found.resident_id])
    return found


def wait_of(waiting_id: int) -> Waiting:
    """A line before it is locked. Raises NotVisible."""
    found = _with_all(Waiting.objects.filter(pk=waiting_id)).first()
    if found is None:
        raise NotVisible(_("没有这个候补，或不在您的服务范围。"), next_step=_("请回到候补页查看。"))
    return found


def offer_of(waiting_id: int, now: datetime) -> Hold | None:
    """The place somebody in line is being asked about at an instant."""
    return _running(now).filter(waiting=waiting_id).first()


def lines_to_serve(now: datetime) -> list[int]:
    """Free places about which somebody who waits can still be asked, soonest first, by id; the job's list.

    Of those still reserved only what has fallen as far as to who waits: to the teams, in whose name a centre waits, or
    to the contracted (`standing_in_line`).
    """
    waits = _to_ask(OuterRef("pk"), now).filter(
        Q(session=None) | Q(session=OuterRef("session")),
        organization=OuterRef("session__organization"), specialty=OuterRef("session__specialty"),
    )  # fmt: skip
    fallen = Q(release_at=None) | Q(release_at__lte=now) | Q(contracted_at__lte=now)
    to_teams = Q(Exists(waits.filter(centre__isnull=False)), teams_at__lte=now)
    slots = Slot.objects.filter(
        fallen | to_teams, Exists(waits), session__status="open", starts_at__gt=now, opens_at__lte=now
    ).annotate(left=places_left(now))
    return list(slots.filter(left__gt=0).order_by("starts_at", "pk").values_list("pk", flat=True))


def over_lines(now: datetime) -> list[Waiting]:
    """Lines that come to nothing any more: the session is over or called off for good, or the person has died."""
    just = StatusChange.objects.filter(
        subject_type=Session._meta.label_lower, subject_id=OuterRef("session_id"), action="withdraw",
        at__gt=now - UNDO_FOR,
    )  # fmt: skip
    called_off = Q(~Exists(just), session__status="withdrawn")
    gone = Q(session__ends_at__lte=now) | called_off | Q(resident__deceased_on__isnull=False)
    return list(_with_all(Waiting.objects.filter(gone, status=WAITING.initial)))


def line_for(resident_id: int | None, session: Session, now: datetime) -> str:
    """What a session's page offers somebody without a place: `in` line already, `open` to join, or nothing."""
    if resident_id is None or session.status != SESSION.initial or session.ends_at <= now:
        return ""
    own = Waiting.objects.filter(
        resident=resident_id, organization=session.organization_id, specialty=session.specialty, status=WAITING.initial
    )
    return "in" if own.exists() else "open"


def _running(now: datetime) -> QuerySet[Hold]:
    return Hold.objects.select_related("slot__session__practitioner", "slot__session__organization__place").filter(
        until__gt=now, waiting__isnull=False
    )


def _with_all(rows: QuerySet[Waiting]) -> QuerySet[Waiting]:
    return rows.select_related("organization__place", "session__practitioner", "resident__centre__place")
