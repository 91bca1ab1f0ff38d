"""Who looked at a record, what was asked about it, and what the security administrator watches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from django.db.models import BigIntegerField, CharField, DateTimeField, Q, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import Basis, Emergency, Question, Resident
from kangqiao.domain.residents.permissions import DECIDING, PERSONAL, overseen_by, questions_visible_to, valid_at
from kangqiao.domain.residents.queries.people import not_found
from kangqiao.domain.residents.states import QUESTION
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State
from kangqiao.policy import covers

DAYS_SHOWN = 90
MOST_EVENTS = 2000
# The basis of a security administrator, who reads what was written about a look and never the record.
OVERSIGHT = "oversight"
ROLE_NAMES = dict(Role.choices)
READ, REFUSED = AuditEvent.Kind.READ, AuditEvent.Kind.REFUSED


@dataclass(slots=True)
class Look:
    """One reader on one day, in plain words: who, where, how often, on what basis, and the first event to ask about."""

    event_id: int
    at: datetime
    who: str
    role: str
    organization: str
    is_demo: bool = False
    times: int = 0
    bases: set[str] = field(default_factory=set)
    is_refused: bool = False
    is_listed: bool = True

    @property
    def is_emergency(self) -> bool:
        """Whether the record was opened without a relation."""
        return Basis.Kind.EMERGENCY.value in self.bases

    @property
    def why(self) -> str:
        """The bases in words."""
        named = {**dict(Basis.Kind.choices), OVERSIGHT: _("核查")}
        return "、".join(str(named[one]) for one in sorted(self.bases) if one in named)


def looks(seat: Seat, resident: Resident, now: datetime) -> list[tuple[date, list[Look]]]:
    """Everybody but the reader of this page who saw the resident's data lately or was refused, newest day first."""
    events = list(_events(resident, now).exclude(by_id=seat.actor.id)[:MOST_EVENTS])
    return _by_day(
        events, _organizations(event.organization_id for event in events), _invented(event.by_id for event in events)
    )


def own_looks(seat: Seat, resident: Resident, now: datetime) -> list[tuple[date, list[Look]]]:
    """How often the reader of this page looked lately; those of others are for the resident and the audit alone."""
    events = _own_events.models(resident=resident.pk, since=now - timedelta(days=DAYS_SHOWN), by=seat.actor.id)
    return _by_day(events, {}, frozenset())


@Prepared
def _own_events() -> QuerySet[AuditEvent]:
    since, by = Told("since", DateTimeField()), Told("by", CharField())
    return _events_since(Told("resident", BigIntegerField()), since).filter(by_id=by)[:MOST_EVENTS]


def _by_day(events: list[AuditEvent], names: dict[int, str], demo: Collection[str]) -> list[tuple[date, list[Look]]]:
    days = []
    for day, of_day in groupby(events, key=lambda event: localtime(event.at).date()):
        found: dict[tuple[str, int | None, str], Look] = {}
        for event in of_day:
            key = (event.by_id, event.organization_id, event.kind)
            one = found.setdefault(key, _look(event, names, is_demo=event.by_id in demo))
            one.times += 1
            one.bases |= {kind for kind in event.basis.split(",") if kind}
            one.is_listed &= bool(event.detail.get("listed"))
        days.append((day, list(found.values())))
    return days


def _events(resident: Resident, now: datetime) -> QuerySet[AuditEvent]:
    return _events_since(resident.pk, now - timedelta(days=DAYS_SHOWN))


def _events_since(resident_id: int | Told, since: datetime | Told) -> QuerySet[AuditEvent]:
    shown = Q(kind=READ, outcome=AuditEvent.Outcome.SUCCESS) | Q(kind=REFUSED)
    return AuditEvent.objects.filter(shown, resident_id=resident_id, at__gte=since).order_by("-at", "-id")


def _look(event: AuditEvent, names: dict[int, str], *, is_demo: bool) -> Look:
    role = event.detail.get("role", "")
    return Look(
        event_id=event.pk, at=event.at, who=event.by_name, role=str(ROLE_NAMES.get(role, "")),
        organization=names.get(event.organization_id or 0, ""), is_refused=event.kind == REFUSED,
        is_demo=is_demo,
    )  # fmt: skip


def _organizations(ids: Iterable[int | None]) -> dict[int, str]:
    return dict(Organization.objects.filter(pk__in={one for one in ids if one}).values_list("pk", "zh"))


def _invented(actor_ids: Iterable[str]) -> set[str]:
    """Those of the actors who are invented people of the demonstration."""
    ids = {int(one.removeprefix("user:")) for one in actor_ids if one.removeprefix("user:").isdigit()}
    return {f"user:{pk}" for pk in User.objects.filter(pk__in=ids, is_demo=True).values_list("pk", flat=True)}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who made one look, where and when."""

    actor: Actor
    organization_id: int | None
    organization: str
    at: datetime


def look(seat: Seat, resident: Resident, event_id: int) -> Reader:
    """One look in the resident's log. Raises NotVisible."""
    rows = AuditEvent.objects.filter(pk=event_id, resident_id=resident.pk, kind__in=(READ, REFUSED))
    event = rows.exclude(by_id=seat.actor.id).first()
    if event is None:
        raise NotVisible(_("没有这条查看记录。"), next_step=_("请回到“谁看过我的档案”再选。"))
    name = _organizations([event.organization_id]).get(event.organization_id or 0, "")
    return Reader(Actor(event.by_id, event.by_name), event.organization_id, name, event.at)


def questions(seat: Seat, limit: int = 100) -> list[Question]:
    """The questions a seat asked, has to answer or watches over, newest first."""
    found = list(_questions(seat)[:limit])
    _note_oversight(seat, [one.resident_id for one in found], listed=True)
    return found


def _questions(seat: Seat) -> QuerySet[Question]:
    rows = Question.objects.filter(questions_visible_to(seat))
    return rows.select_related("reader", "organization", "asked_by", "emergency")


def question(seat: Seat, question_id: int) -> Question:
    """One question. Raises NotVisible."""
    found = _questions(seat).filter(pk=question_id).first()
    if found is None:
        reads.missed("residents.question", question_id)
        raise NotVisible(_("没有这个疑问，或不归您看。"), next_step=_("请回到消息里查看。"))
    _note_oversight(seat, [found.resident_id], listed=False)
    return found


def state_of(one: Question) -> State:
    """The state of a question, with its name and look."""
    return QUESTION.state(one.status)


def questions_about(resident: Resident) -> list[Question]:
    """What was asked about looks at a resident by the resident's side, newest first, for their own page."""
    rows = Question.objects.filter(resident=resident, kind=Question.Kind.RESIDENT)
    return list(rows.select_related("reader", "organization")[:20])


def waiting_questions(seat: Seat) -> tuple[int, datetime | None]:
    """How many questions of residents wait for the security administrator, and since when the oldest does."""
    rows = _questions(seat).filter(kind=Question.Kind.RESIDENT, status="asked")
    times = list(rows.order_by("asked_at").values_list("asked_at", flat=True))
    return len(times), times[0] if times else None


def open_questions(seat: Seat, limit: int = 50) -> list[Question]:
    """What `waiting_questions` counts, the oldest first."""
    rows = _questions(seat).filter(kind=Question.Kind.RESIDENT, status="asked").order_by("asked_at")
    found = list(rows[:limit])
    _note_oversight(seat, [one.resident_id for one in found], listed=True)
    return found


def emergencies(seat: Seat, limit: int = 100) -> list[Emergency]:
    """Looks in an emergency in the organisations the seat watches over, newest first."""
    rows = Emergency.objects.filter(overseen_by(seat)).select_related("user", "organization")
    found = list(rows.prefetch_related("questions")[:limit])
    _note_oversight(seat, [one.resident_id for one in found], listed=True)
    return found


def emergency(seat: Seat, emergency_id: int) -> Emergency:
    """One look in an emergency that the seat watches over. Raises NotVisible."""
    found = Emergency.objects.filter(overseen_by(seat), pk=emergency_id).select_related("user", "organization").first()
    if found is None:
        reads.missed("residents.emergency", emergency_id)
        raise NotVisible(_("没有这次紧急查阅，或不归您看。"), next_step=_("请回到核查页查看。"))
    _note_oversight(seat, [found.resident_id], listed=False)
    return found


def _note_oversight(seat: Seat, resident_ids: Iterable[int], *, listed: bool) -> None:
    """A reason or a question about a resident is read by whoever watches over looks."""
    if seat.role == Role.SECURITY_ADMIN:
        reads.saw(dict.fromkeys(resident_ids, OVERSIGHT), listed=listed)


def overseers_of(organization_id: int, on: date) -> list[int]:
    """The organisations whose security administrator answers for a reader's: its own, or an authority of its place."""
    place = institutions.organization_by_id(organization_id).place.code
    held = Membership.objects.filter(Q(until__isnull=True) | Q(until__gt=on), role=Role.SECURITY_ADMIN, since__lte=on)
    return sorted(
        {
            row.organization_id
            for row in held.select_related("organization__place")
            if row.organization_id == organization_id
            or (row.organization.kind == Organization.Kind.HEALTH_BUREAU and covers(row.organization.place.code, place))
        }
    )


def who_decides(resident_id: int, at: datetime) -> list[int]:
    """The users who decide about a resident's record and hear what happens with it: the person, the guardian."""
    rows = valid_at(at).filter(resident_id=resident_id, kind__in=DECIDING, user__isnull=False)
    return sorted(set(rows.values_list("user_id", flat=True)))


def accounts_deciding(resident_ids: Iterable[int], at: datetime) -> dict[int, list[int]]:
    """The accounts that decide for each of these residents: the person's own, or the guardians'."""
    found: dict[int, list[int]] = defaultdict(list)
    held = valid_at(at).filter(resident__in=list(resident_ids), kind__in=DECIDING, user__isnull=False)
    for resident_id, user_id in held.order_by("pk").values_list("resident_id", "user_id"):
        found[resident_id].append(user_id or 0)
    return found


def who_acts(resident: Resident, at: datetime) -> list[int]:
    """The users who act for a resident and hear what becomes of their places: the person, guardians, proxies."""
    rows = valid_at(at).filter(resident=resident, kind__in=PERSONAL, user__isnull=False)
    own = {resident.user_id} if resident.user_id is not None else set()
    return sorted(own | set(rows.values_list("user_id", flat=True)))


def person_in_danger(name: str, identifier: str) -> Resident:
    """The resident of exactly this name and identifier. Raises NotVisible as for anybody out of reach."""
    rows = Resident.objects.select_related("centre__place")
    found = rows.filter(name=name.strip(), identifier=identifier.strip().upper()).first()
    if found is None:
        raise not_found()
    return found
