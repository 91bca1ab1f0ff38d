"""Referrals as worklists, letters and cases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Value, When
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import reads
from kangqiao.base.acting import beyond
from kangqiao.base.models import StatusChange
from kangqiao.base.templatetags.kq import called, is_english
from kangqiao.base.templatetags.kq import day as day_in_words
from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.queries import RELATIONS, in_force, paired_hospitals
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records import queries as records
from kangqiao.domain.records.models import Condition, Document, Encounter
from kangqiao.domain.records.queries import Visit
from kangqiao.domain.referral import rules
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.permissions import CENTRE_ROLES, HOSPITAL_ROLES, at_end, of_person, parties, visible_to
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import age, note_read
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State, StateTable, Step

OPEN = sorted({*UP.open_keys(), *DOWN.open_keys()})
# How doctors write that there are none.
NO_ALLERGIES = ("无", "无过敏史", "否认", "否认过敏史", "None", "none")  # untranslated: what people type
TWIN = ("sent", "returned", "accepted", "proposed", "declined")
MOST_WAITING = 50  # a page of a worklist; the tile counts them all
Waiting = tuple[int, datetime | None]
# Where referrals wait: the end that is the seat's house, the direction, the state.
Where = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Clock:
    """The time limit that runs: when it ends, how much is used (percent), and what is left (negative when overdue)."""

    due_at: datetime
    used_percent: int
    left: timedelta

    @property
    def is_overdue(self) -> bool:
        """Whether the limit has passed."""
        return self.left < timedelta(0)

    @property
    def share(self) -> float:
        """How much is used, 0 to 1, for a bar."""
        return min(self.used_percent, 100) / 100


def table_of(referral: Referral) -> StateTable:
    """The state table of the referral's direction."""
    return UP if referral.direction == Referral.Direction.UP else DOWN


def state_of(referral: Referral) -> State:
    """The state the referral is in."""
    return table_of(referral).state(referral.status)


def referrals(seat: Seat | None) -> QuerySet[Referral]:
    """Every referral the seat may see, with both ends, the doctors and the place taken."""
    return Referral.objects.filter(visible_to(seat)).select_related(
        "resident__centre", "from_organization__place", "to_organization__place", "from_practitioner",
        "booking__slot", "booking__session__practitioner", "encounter__practitioner",
    )  # fmt: skip


def get_referral(seat: Seat | None, referral_id: int) -> Referral:
    """One referral. Raises NotVisible, whether there is none or it is not this seat's."""
    found = referrals(seat).filter(pk=referral_id).first()
    if found is None:
        reads.missed("referral.referral", referral_id)
        raise not_found()
    if seat is not None:
        note_read(seat, [found.resident_id])
    return found


def not_found() -> NotVisible:
    """The one answer for a referral that is not there and one out of reach."""
    return NotVisible(_("没有这张转诊单，或不在您的服务范围。"), next_step=_("请回到转诊列表查看。"))


def desk_queue(seat: Seat, direction: str, statuses: Iterable[str]) -> list[Referral]:
    """What has come in and waits, most pressing first: emergencies, then the green channel, then by its clock.

    A green-channel referral stands above ordinary requests that came earlier (ZH-3.2.4b).
    """
    found = referrals(seat).filter(at_end("to_organization", seat), direction=direction, status__in=tuple(statuses))
    return _listed(seat, _by_press(found)[:200])


def _by_press(found: QuerySet[Referral]) -> QuerySet[Referral]:
    urgency = Case(
        When(urgency="emergency", then=Value(0)), When(urgency="urgent", then=Value(1)), default=Value(2),
        output_field=IntegerField(),
    )  # fmt: skip
    return found.annotate(press=urgency).order_by("press", "-is_green_channel", "due_at", "sent_at", "pk")


def handed_down(seat: Seat, statuses: Iterable[str]) -> list[Referral]:
    """Patients the seat's hospital handed back, those that wait longest first."""
    found = referrals(seat).filter(at_end("from_organization", seat), direction="down", status__in=tuple(statuses))
    return _listed(seat, found.order_by("clock_from", "pk")[:200])


def sent_by(seat: Seat, statuses: tuple[str, ...] = (), direction: str = "up") -> list[Referral]:
    """What the seat's organisation sent, newest first; all open ones unless states are named."""
    found = referrals(seat).filter(
        at_end("from_organization", seat), direction=direction, status__in=statuses or tuple(OPEN)
    )
    return _listed(seat, found.order_by("-sent_at", "-pk")[:200])


def _listed(seat: Seat, rows: QuerySet[Referral]) -> list[Referral]:
    """The lines of a worklist; that it names these residents is written down."""
    found = list(rows)
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


def received_by(seat: Seat, statuses: tuple[str, ...] = ()) -> list[Referral]:
    """What hospitals handed down to the seat's centre, the most pressing first."""
    return desk_queue(seat, "down", statuses or OPEN)


def of_resident(seat: Seat, resident_id: int) -> list[Referral]:
    """A resident's referrals that the seat may see, newest first."""
    return _listed(seat, referrals(seat).filter(resident_id=resident_id).order_by("-sent_at", "-pk"))


def case_of(seat: Seat, referral: Referral) -> list[Referral]:
    """The whole case: the up-referral and every down-referral that continues it, oldest first (ZH-3.2.4a)."""
    first = referral.origin_id or referral.pk
    return list(referrals(seat).filter(Q(pk=first) | Q(origin_id=first)).order_by("sent_at", "pk"))


def open_twin(resident_id: int, to_organization_id: int, specialty: str, direction: str) -> Referral | None:
    """An open referral of the same person for the same specialty at the same place."""
    return Referral.objects.filter(
        resident_id=resident_id, to_organization_id=to_organization_id, specialty=specialty, direction=direction,
        status__in=TWIN,
    ).first()  # fmt: skip


def origin_case(referral_id: int, resident_id: int, hospital_id: int) -> Referral | None:
    """The up-referral of the same resident to the same hospital that a hand-over continues."""
    return Referral.objects.filter(
        pk=referral_id, resident_id=resident_id, to_organization_id=hospital_id, direction="up"
    ).first()


def origin_visit(encounter_id: int, resident_id: int) -> Encounter | None:
    """The visit of the same resident that gives rise to a referral."""
    found = Encounter.objects.filter(pk=encounter_id, resident_id=resident_id)
    return found.select_related("organization", "practitioner").first()


def visit_of(booking: Booking) -> Encounter | None:
    """The visit that completed a booking."""
    return Encounter.objects.filter(
        resident_id=booking.resident_id, organization_id=booking.session.organization_id,
        practitioner_id=booking.session.practitioner_id, origin=Encounter.Origin.REFERRAL,
        started_at__gte=booking.booked_at,
    ).last()  # fmt: skip


def relation_between(hospital_id: int, centre_id: int, on: date) -> Agreement | None:
    """The agreement that binds hospital and centre on a day, the responsible one first."""
    return in_force(on, kinds=RELATIONS).filter(hospital=hospital_id, centre=centre_id).order_by("kind", "pk").first()


def own_bodies(organization_id: int | None) -> frozenset[int]:
    """An organisation and the body it is part of."""
    row = Organization.objects.filter(pk=organization_id or 0).values_list("pk", "part_of_id").first()
    return frozenset(pk for pk in row or () if pk is not None)


def house_of(organization: Organization) -> list[int]:
    """An organisation and, for a hospital, its guidance office: everyone there works on the same case."""
    if organization.kind != Organization.Kind.HOSPITAL:
        return [organization.pk]
    office = institutions.guidance_office_of(organization.pk)
    return [organization.pk] if office is None else [organization.pk, office.pk]


def available_steps(seat: Seat, referral: Referral) -> list[Step]:
    """The buttons of the page: what the seat may do from here."""
    sides = parties(seat.actor, referral, own_bodies(seat.organization_id))
    return table_of(referral).steps_from(referral.status, sides)


def clock_of(referral: Referral, now: datetime) -> Clock | None:
    """The time limit that runs for a referral now, if one does."""
    if referral.due_at is None or state_of(referral).final:
        return None
    used = rules.used_percent(referral.clock_from, referral.due_at, now)
    return Clock(referral.due_at, used, referral.due_at - now)


def history_of(referral: Referral) -> list[StatusChange]:
    """Every step the referral took, oldest first."""
    return list(history(referral))


def on_the_clock() -> list[Referral]:
    """Every referral, of any organisation, for which a time limit runs; for the job that reminds and escalates."""
    found = Referral.objects.filter(status__in=OPEN, due_at__isnull=False)
    return list(found.select_related("from_organization__place", "to_organization__place").order_by("due_at", "pk"))


def overdue(now: datetime) -> list[Referral]:
    """Those whose time limit has run out."""
    return [referral for referral in on_the_clock() if referral.due_at is not None and referral.due_at < now]


def counts(seat: Seat) -> dict[str, int]:
    """How many referrals of the seat stand in each state, for tabs; `up:sent`, `down:proposed` and so on."""
    rows = Referral.objects.filter(visible_to(seat)).order_by().values_list("direction", "status")
    return {f"{direction}:{status}": number for direction, status, number in rows.annotate(number=Count("pk"))}


def waiting(seat: Seat, wanted: Mapping[str, Where], mine: Collection[str] = ()) -> dict[str, Waiting]:
    """How many referrals stand at each place the tiles ask for, and since when the oldest does; one statement for all.

    For the names in `mine` only the person's own count.
    """
    asked: dict[str, Count | Min] = {}
    for name, (end, direction, status) in wanted.items():
        where = Q(at_end(end, seat), of_person(end, seat) if name in mine else Q(), direction=direction, status=status)
        asked |= {f"{name}_n": Count("pk", filter=where), f"{name}_since": Min("clock_from", filter=where)}
    row = Referral.objects.filter(visible_to(seat)).order_by().aggregate(**asked)
    return {name: (row[f"{name}_n"], row[f"{name}_since"]) for name in wanted}


@beyond("referral.counts")
def expert_link(seat: Seat, starts: datetime, ends: datetime) -> tuple[int, int]:
    """Visits to posted experts at the seat's centre in a span, and referrals up that name one as origin (SZ16-3.2b)."""
    seen = Encounter.objects.filter(
        organization_id=seat.organization_id, is_posted_expert=True, started_at__gte=starts, started_at__lt=ends
    )
    referred = Referral.objects.filter(direction="up", origin_encounter__in=seen)
    return seen.count(), referred.count()


def next_number(city: str, day: date) -> str:
    """A referral number: city code, day and a running number of the database."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('referral_referral', 'id'))")
        row = cursor.fetchone()
    return f"ZZ{city}-{day:%Y%m%d}-{row[0] if row else 0:05d}"


def waiting_rows(seat: Seat, where: Where, now: datetime, *, mine: bool = False) -> list[Line]:
    """What a tile of the home page counts, as lines, the most pressing first."""
    end, direction, status = where
    found = referrals(seat).filter(at_end(end, seat), direction=direction, status=status)
    found = _by_press(found.filter(of_person(end, seat) if mine else Q()))
    return lines(_listed(seat, found[:MOST_WAITING]), now)


# --- pages --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    value: int | str
    label: str


@dataclass(frozen=True, slots=True)
class Said:
    """The state in words: what is waited for, and the rest of the sentence."""

    lead: str
    rest: str


@dataclass(frozen=True, slots=True)
class Line:
    """A referral as a row of a list."""

    referral: Referral
    state: State
    clock: Clock | None
    specialty: str
    age: int
    said: Said


@dataclass(frozen=True, slots=True)
class Move:
    """A button: a step of the table, whether it opens a form of its own, and why it is barred now."""

    step: Step
    has_form: bool
    why: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the way drawn above the letter."""

    label: str
    at: str
    now: bool
    no: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """One row of the history as the page shows it."""

    at: datetime
    who: str
    verb: str
    reason: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything a referral's own page shows."""

    line: Line
    reason: str
    moves: list[Move]
    path: list[Stop]
    history: list[Trace]
    case: list[Line]
    can_hand_down: bool

    @property
    def can_accept(self) -> bool:
        """Whether the answer is still owed by the one who reads."""
        return any(move.step.action == "accept" for move in self.moves)


@dataclass(frozen=True, slots=True)
class Chart:
    """What the record tells about the patient, for the one who decides."""

    conditions: list[Condition]
    visits: list[Visit]
    documents: list[Document]
    # Whether specially protected content is withheld from the reader.
    hides: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A free time and how many places are left in it."""

    slot: Slot
    left: int


@dataclass(frozen=True, slots=True)
class Places:
    """The free places of a hospital for one specialty, by doctor; the one chosen, and the next one after it."""

    doctors: list[tuple[Practitioner, list[Place]]]
    chosen: Slot | None
    following: Slot | None
    is_other: bool
    release_hours: int


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of the list and how many stand in it."""

    key: str
    label: str
    number: int


# Steps for which more than a reason is written: they open a page of their own.
WRITTEN = frozenset({"resend", "summarise", "propose_again", "follow_up"})
AFTER_VISIT = ("seen", "summarised", "closed")
WAITING_FOR_OTHERS = ("accepted", "seen", "returned")
FEW = 4


def lines(rows: Iterable[Referral], now: datetime) -> list[Line]:
    """Referrals as rows of a list, each with its state in words."""
    named = terminology.labels("specialty")
    today = localtime(now).date()
    return [
        Line(
            row, state_of(row), clock_of(row, now), named.get(row.specialty, row.specialty), age(row.resident, today),
            said(row),
        )
        for row in rows
    ]  # fmt: skip


def said(referral: Referral) -> Said:
    """The state in the words of a person who waits for the next step."""
    up = referral.direction == Referral.Direction.UP
    ends = (referral.from_organization, referral.to_organization)
    centre, hospital = (end.short_zh or end.zh for end in (ends if up else ends[::-1]))
    slot = referral.booking.slot if referral.booking and referral.booking.status != "cancelled" else None
    names = {
        "centre": centre, "hospital": hospital, "doctor": referral.from_practitioner or centre,
        "sent": _moment(referral.sent_at), "due": _moment(referral.due_at),
        "visit": _moment(slot.starts_at if slot else None),
        "by": referral.booking.session.practitioner.name if slot and referral.booking else "",
        "channel": _("由绿色通道") if referral.is_green_channel else "",
    }  # fmt: skip
    placed = _("%(visit)s由%(by)s接诊。") if slot else _("还没有占号，请医院安排时间。")
    emergency = _("急诊，可直接来院。") if referral.urgency == Referral.Urgency.EMERGENCY and not slot else placed
    by_state = {
        "up:sent": (_("等%(hospital)s接收"), _("%(doctor)s %(sent)s%(channel)s发出；%(due)s到时通知社区指导科。")),
        "up:returned": (_("%(hospital)s已退回，等%(centre)s补充"), ""),
        "up:accepted": (_("%(hospital)s已接收，等居民就诊"), emergency),
        "up:seen": (_("居民已就诊，等%(hospital)s回信"), _("%(due)s到时通知社区指导科。")),
        "up:summarised": (_("%(hospital)s已回信，等%(centre)s阅后结案"), ""),
        "up:closed": (_("已结案"), _("%(hospital)s的就诊小结已在健康档案里。")),
        "up:withdrawn": (_("%(centre)s已撤回"), ""),
        "up:not_attended": (_("居民没有到%(hospital)s就诊"), _("请%(centre)s联系居民，需要时重新上转。")),
        "down:proposed": (_("等%(centre)s接收"), _("%(hospital)s %(sent)s下转；%(due)s到时通知中心主任。")),
        "down:declined": (_("%(centre)s未接收，等%(hospital)s补充"), ""),
        "down:taken_over": (_("%(centre)s已接收，等首次随访"), _("%(due)s到时通知中心主任。")),
        "down:followed_up": (_("%(centre)s已首次随访"), _("下转完成，之后由社区管理。")),
        "down:withdrawn": (_("%(hospital)s已撤回"), ""),
    }
    lead, rest = by_state[f"{referral.direction}:{referral.status}"]
    return Said(lead % names, rest % names)


def letter(seat: Seat, referral: Referral, now: datetime) -> Letter:
    """The page of one referral for this seat."""
    changes = history_of(referral)
    case = lines(case_of(seat, referral), now)
    line = next(line for line in case if line.referral.pk == referral.pk)
    moves = [
        Move(step, step.action in WRITTEN, _barred(step.action, referral, now))
        for step in sorted(available_steps(seat, referral), key=lambda step: not step.primary)
    ]
    is_hospital = any(seat.role == role for role in HOSPITAL_ROLES)
    open_down = any(line.referral.direction == "down" and not line.state.final for line in case)
    reason = terminology.label("referral_reason", referral.reason_code, "en" if is_english() else "zh")
    return Letter(
        line, reason if referral.reason_code else "", moves, _path(referral, changes), _traces(referral, changes), case,
        is_hospital and referral.direction == "up" and referral.status in AFTER_VISIT and not open_down,
    )  # fmt: skip


def chart(seat: Seat, resident: Resident) -> Chart:
    """Problems, last visits and letters of the patient, as far as the seat may see them."""
    if seat.role == Role.RESIDENT:
        return Chart([], [], [], hides=False)
    protection = records.protection_of(seat, resident)
    return Chart(
        list(records.conditions_of(seat, resident, protection)),
        records.visits_shown(seat, resident, FEW, protection),
        list(records.documents_of(seat, resident, protection)[:FEW]),
        protection.hides,
    )


def places(
    hospital: Organization, centre: Organization, specialty: str, now: datetime, slot_id: int | None = None,
    held: Booking | None = None,
) -> Places:  # fmt: skip
    """What is free for a patient of this centre at this hospital, the first few of each doctor, and the one chosen.

    The place the GP took counts as chosen until another is named; without one it is the first free.
    """
    day = localtime(now).date()
    parameters = SlotParameters.read(policy.at(hospital.place.code, day))
    is_paired = relation_between(hospital.pk, centre.pk, day) is not None
    free = scheduling.free_slots(
        [hospital.pk], specialty, starts=now, ends=now + timedelta(days=parameters.booking_horizon_days), now=now,
        as_partner_of={hospital.pk} if is_paired else frozenset(),
    )  # fmt: skip
    doctors: dict[int, tuple[Practitioner, list[Place]]] = {}
    for slot in free:
        _doctor, own = doctors.setdefault(slot.session.practitioner_id, (slot.session.practitioner, []))
        if len(own) < FEW:
            own.append(Place(slot, slot.capacity - slot.taken))
    shown = sorted((one.slot for _doctor, own in doctors.values() for one in own), key=lambda slot: slot.starts_at)
    taken = held.slot if held and held.status == "booked" and held.slot.starts_at > now else None
    named = next((slot for slot in free if slot.pk == slot_id), None)
    chosen = named or taken or (shown[0] if shown else None)
    later = [slot for slot in shown if chosen is not None and slot.starts_at > chosen.starts_at]
    following = next(iter(later or [slot for slot in shown if slot != chosen]), None)
    is_other = chosen is not None and chosen != taken
    return Places(list(doctors.values()), chosen, following, is_other, parameters.release_hours_before)


def is_slot_of(slot_id: int, hospital_id: int) -> bool:
    """Whether a place is one of this hospital's own."""
    return Slot.objects.filter(pk=slot_id, session__organization_id=hospital_id).exists()


def desk_lines(seat: Seat, now: datetime) -> tuple[list[Line], list[Line]]:
    """The two halves of the desk's queue: what waits for the desk, and what waits for somebody else."""
    found = desk_queue(seat, "up", ("sent", *WAITING_FOR_OTHERS))
    split = lines(found, now)
    others = [line for line in split if line.referral.status != "sent"]
    others.sort(key=lambda line: (_visit_time(line.referral) or line.referral.clock_from, line.referral.pk))
    return [line for line in split if line.referral.status == "sent"], others


def desk_day(seat: Seat, now: datetime) -> tuple[int, int]:
    """How many the seat's house accepted and returned today."""
    since = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    own = Referral.objects.filter(visible_to(seat), at_end("to_organization", seat), direction="up")
    rows = StatusChange.objects.filter(
        subject_type="referral.referral",
        at__gte=since,
        action__in=("accept", "return"),
        subject_id__in=own.values("pk"),
    )
    tally = dict(rows.order_by().values_list("action").annotate(number=Count("pk")))
    return tally.get("accept", 0), tally.get("return", 0)


def tabs(seat: Seat) -> list[Tab]:
    """The tabs of the list for this side, with how many stand in each."""
    tally = counts(seat)
    return [
        Tab(key, str(label), sum(tally.get(f"{direction}:{status}", 0) for status in statuses))
        for key, label, direction, statuses in _tabs_of(seat)
    ]


def listed(seat: Seat, key: str, now: datetime) -> tuple[str, list[Line]]:
    """The rows of a tab, and which tab it is: the first when the name is unknown."""
    known = {tab[0]: tab for tab in _tabs_of(seat)}
    name, _label, direction, statuses = known.get(key) or next(iter(known.values()))
    found = referrals(seat).filter(direction=direction, status__in=statuses)
    return name, lines(_listed(seat, found.order_by("-sent_at", "-pk")[:100]), now)


def hospitals_for(seat: Seat, now: datetime) -> list[Choice]:
    """The hospitals of the region, those bound to the seat's centre first."""
    paired = set(paired_hospitals(seat.organization_id, localtime(now).date()).values_list("pk", flat=True))
    found = list(institutions.hospitals_in(seat.place_code[:4]))
    found.sort(key=lambda one: (one.pk not in paired, one.pk))
    green = _("绿色通道")
    return [Choice(one.pk, f"{one.zh} · {green}" if one.pk in paired else one.zh) for one in found]


def centres_for(seat: Seat, first: int | None) -> list[Choice]:
    """The centres of the region, the patient's own first."""
    found = list(institutions.centres_in(seat.place_code[:4]))
    found.sort(key=lambda one: (one.pk != first, one.pk))
    return [Choice(one.pk, one.zh) for one in found]


def specialty_choices() -> list[Choice]:
    """Every specialty by its name."""
    return _concepts("specialty")


def reason_choices(*, down: bool) -> list[Choice]:
    """The criteria of one direction (ZH-4.4b)."""
    return [one for one in _concepts("referral_reason") if (one.value in rules.DOWN_CRITERIA) == down]


def hospital_choice(organization_id: int) -> Organization:
    """The hospital of that id with its place. Raises NotVisible."""
    return institutions.organization_by_id(organization_id)


def draft_of(seat: Seat, resident: Resident) -> dict[str, str]:
    """What the record already tells for a letter up, so that nobody types it twice."""
    known = list(records.conditions_of(seat, resident))
    told = [
        _("%(name)s（自%(year)s年）") % {"name": one.zh, "year": one.since.year} if one.since else one.zh
        for one in known
    ]
    return {
        "diagnosis": known[0].zh if known else "",
        "history": _("患%(list)s。") % {"list": "、".join(told)} if told else "",
    }


def _concepts(system: str) -> list[Choice]:
    return [Choice(one.code, one.en if is_english() and one.en else one.zh) for one in terminology.concepts(system)]


def _moment(value: datetime | None) -> str:
    return "" if value is None else date_format(localtime(value), "m-d H:i")


def _visit_time(referral: Referral) -> datetime | None:
    return referral.booking.slot.starts_at if referral.booking and referral.booking.status == "booked" else None


def _barred(action: str, referral: Referral, now: datetime) -> str:
    starts = _visit_time(referral)
    if action == "see" and starts is not None and localtime(starts).date() > localtime(now).date():
        return _("就诊日是%(day)s，当天再确认。") % {"day": day_in_words(starts)}
    if action == "not_attend" and starts is not None and now < starts:
        return _("还没到就诊时间。")
    if action == "see" and starts is None and referral.booking and referral.booking.status in ("cancelled", "no_show"):
        return _("占的号已取消，请先改期。")
    return ""


def _path(referral: Referral, changes: list[StatusChange]) -> list[Stop]:
    up = referral.direction == Referral.Direction.UP
    upward = ("sent", _("发出")), ("accepted", _("接收")), ("seen", _("就诊")), ("summarised", _("回信"))
    downward = ("proposed", _("发出")), ("taken_over", _("中心接收")), ("followed_up", _("首次随访"))
    stops = [*upward, ("closed", _("结案"))] if up else list(downward)
    begun = max((n for n, row in enumerate(changes) if row.to_status == stops[0][0]), default=0)
    reached = {row.to_status: _moment(row.at) for row in changes[begun:]}
    here = next((n for n, (key, _label) in reversed(list(enumerate(stops))) if key in reached), 0) + 1
    is_off = referral.status not in dict(stops)
    return [
        Stop(label, reached.get(key, "") if n < here else "", n == here and not is_off, n == here and is_off)
        for n, (key, label) in enumerate(stops)
    ]


def _traces(referral: Referral, changes: list[StatusChange]) -> list[Trace]:
    verbs = {step.action: called(step) for step in table_of(referral).steps}
    verbs["begin"] = _("发出")
    return [
        Trace(row.at, f"{row.by_name} · {row.by_organization}" if row.by_organization else row.by_name,
              verbs.get(row.action, row.action), row.reason)
        for row in changes
    ]  # fmt: skip


def allergies_of(one: Referral) -> list[str] | None:
    """The allergies the letter tells: none when the doctor wrote that there are none, None when nothing is written."""
    told = one.allergies.strip()
    return [told] if told and told not in NO_ALLERGIES else [] if told else None


def _tabs_of(seat: Seat) -> list[tuple[str, str, str, tuple[str, ...]]]:
    ended = ("closed", "withdrawn", "not_attended")
    down = [
        ("down", _("下转待接"), "down", ("proposed",)),
        ("down_contact", _("下转待随访"), "down", ("taken_over",)),
        ("down_declined", _("下转被退"), "down", ("declined",)),
        ("down_done", _("下转已完成"), "down", ("followed_up", "withdrawn")),
    ]
    if seat.role in CENTRE_ROLES:
        return [
            ("returned", _("被退回"), "up", ("returned",)),
            ("reply", _("新回信"), "up", ("summarised",)),
            ("sent", _("待接收"), "up", ("sent",)),
            ("accepted", _("已接收"), "up", ("accepted",)),
            ("seen", _("已就诊"), "up", ("seen",)),
            ("done", _("已结束"), "up", ended),
            *down,
        ]
    return [
        ("sent", _("待接收"), "up", ("sent",)),
        ("accepted", _("待就诊"), "up", ("accepted",)),
        ("seen", _("待写小结"), "up", ("seen",)),
        ("returned", _("已退回"), "up", ("returned",)),
        ("reply", _("已回信"), "up", ("summarised",)),
        ("done", _("已结束"), "up", ended),
        *down,
    ]


@dataclass(frozen=True, slots=True)
class Way:
    """A referral as its patient reads it: where it stands, what comes next, and what to do."""

    line: Line
    path: list[Stop]
    told: str
    visit: Slot | None


def ways(seat: Seat, rows: list[Referral], now: datetime) -> list[Way]:
    """The patient's referrals in plain sentences, newest first; one read for the history of all."""
    changes: dict[int, list[StatusChange]] = {row.pk: [] for row in rows}
    for change in StatusChange.objects.filter(subject_type="referral.referral", subject_id__in=changes):
        changes[change.subject_id].append(change)
    return [
        Way(
            line, _path(line.referral, changes[line.referral.pk]), _told(line.referral),
            line.referral.booking.slot if _visit_time(line.referral) and line.referral.booking else None,
        )
        for line in lines(rows, now)
    ]  # fmt: skip


def _told(referral: Referral) -> str:
    up = referral.direction == Referral.Direction.UP
    centre, hospital = (referral.from_organization, referral.to_organization)[:: 1 if up else -1]
    names = {"centre": centre.zh, "hospital": hospital.zh, "due": _moment(referral.due_at)}
    by_state = {
        "up:sent": _("%(hospital)s正在看您的转诊单，最晚%(due)s答复。您不用做什么，有消息会通知您。"),
        "up:returned": _("%(hospital)s请您的医生补充资料。%(centre)s会处理，您不用重跑一趟。"),
        "up:accepted": _("%(hospital)s已接收。请按时间就诊，带上身份证和正在吃的药。"),
        "up:seen": _("您已就诊。%(hospital)s会把小结发给您的家庭医生。"),
        "up:summarised": _("小结已发给%(centre)s，您的家庭医生会跟您说下一步。"),
        "up:closed": _("这次转诊已经办完，小结在您的健康档案里。"),
        "up:withdrawn": _("%(centre)s撤回了这次转诊，占的号已放回。"),
        "up:not_attended": _("记录为未到诊。还需要看，请联系%(centre)s重新转诊。"),
        "down:proposed": _("%(hospital)s建议您回%(centre)s继续治疗，最晚%(due)s答复。"),
        "down:declined": _("%(centre)s暂时不能接收，%(hospital)s会重新安排。"),
        "down:taken_over": _("%(centre)s已接您回社区，最晚%(due)s联系您。"),
        "down:followed_up": _("您已回到%(centre)s随访，以后有不舒服先找家庭医生。"),
        "down:withdrawn": _("%(hospital)s撤回了这次下转，仍由医院治疗。"),
    }
    return by_state[f"{referral.direction}:{referral.status}"] % names
