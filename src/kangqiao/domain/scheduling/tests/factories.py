"""A small cast and its clinic: two places, a paired hospital and centre, a stranger, doctors and residents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.base.search import search_keys
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.identifiers import id_check_digit

CHINA = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
SYSTEM = Actor.system("test")
CITY = "4403"  # Shenzhen: its paper orders the head start


def parameters(place: str = "440304", on: date = date(2026, 3, 2), **changes: object) -> SlotParameters:
    """The figures of the pack, or the same with some changed."""
    from dataclasses import replace

    return replace(SlotParameters.read(policy.at(place, on)), **changes)


def no_priority() -> SlotParameters:
    """Figures under which every slot is public from the start."""
    return parameters(reserved_share=Fraction(0), head_start_days=0)


@dataclass
class Cast:
    """Who is there."""

    hospital: Organization
    centre: Organization
    far_centre: Organization
    expert: Practitioner
    other_expert: Practitioner
    at: datetime

    def session(self, **changes: object) -> Session:
        """A posted expert's morning at the centre, five days ahead unless told otherwise."""
        starts = changes.pop("starts_at", (self.at + timedelta(days=5)).astimezone(CHINA).replace(hour=9, minute=0))
        values: dict[str, object] = {
            "organization_id": self.centre.pk,
            "practitioner_id": self.expert.pk,
            "specialty": "cardiology",
            "kind": Session.Kind.POSTED_EXPERT,
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=3),
            "source": "half_day:1",
            "parameters": no_priority(),
            "by": SYSTEM,
            "at": self.at,
        }
        return actions.open_session(**{**values, **changes})

    def clinic(self, **changes: object) -> Session:
        """The same at the hospital, with the priority of the pack."""
        values = {
            "organization_id": self.hospital.pk,
            "practitioner_id": self.other_expert.pk,
            "kind": Session.Kind.HOSPITAL_CLINIC,
            "parameters": parameters(),
        }
        return self.session(**{**values, **changes})

    def resident(self, number: int = 0, *, centre: Organization | None = None, with_user: bool = True) -> Resident:
        """One resident, registered through the action, with an account unless told otherwise."""
        user = user_with(f"resident-{number}", Role.RESIDENT, centre or self.centre, self.at) if with_user else None
        return residents.register_resident(
            name=f"演示{number}",
            sex="female",
            birth_date=date(1960, 1, 1),
            identifier=identifier(number),
            centre_id=(centre or self.centre).pk,
            user_id=user.pk if user else None,
            is_demo=True,
            by=SYSTEM,
            at=self.at,
        )

    def staff(self, role: str, organization: Organization | None = None, name: str = "") -> Seat:
        """A seat of a member of staff."""
        where = organization or self.centre
        return seat_for(user_with(name or f"{role}-{where.code}", role, where, self.at))


def cast(at: datetime = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)) -> Cast:
    """Hospital and centre of one district, paired; one centre without a pairing; two cardiologists."""
    city = Place.objects.create(code=CITY, zh="深圳市")
    district = Place.objects.create(code="440304", zh="福田区", part_of=city)
    hospital = organization("h1", "hospital", "演示市人民医院", district, level=3)
    centre = organization("c1", "centre", "演示香湾社区卫生服务中心", district)
    far = organization("c2", "centre", "演示远山社区卫生服务中心", district)
    cardiology = Concept.objects.create(
        system="specialty", code="cardiology", zh="心血管内科", en="Cardiology", keys=search_keys("心血管内科")
    )
    expert = practitioner("沈青黛", hospital, cardiology)
    other = practitioner("顾南星", hospital, cardiology)
    Agreement.objects.create(
        kind=Agreement.Kind.PAIRING,
        number="A-1",
        hospital=hospital,
        centre=centre,
        starts_on=date(2020, 1, 1),
        ends_on=date(2099, 1, 1),
        status="in_force",
        policy_ref="test",
    )
    return Cast(hospital, centre, far, expert, other, at)


def organization(code: str, kind: str, zh: str, place: Place, level: int | None = None) -> Organization:
    """An organisation, marked as a demonstration."""
    return Organization.objects.create(
        code=code, kind=kind, zh=zh, short_zh=zh[2:6], place=place, level=level, is_demo=True, keys=search_keys(zh)
    )


def practitioner(name: str, employer: Organization, specialty: Concept) -> Practitioner:
    """An associate chief physician."""
    return Practitioner.objects.create(
        name=name,
        sex="female",
        licence_number=f"demo-{name}",
        title_kind="physician",
        title_grade="associate_senior",
        specialty=specialty,
        organization=employer,
        is_demo=True,
        keys=search_keys(name),
    )


def user_with(username: str, role: str, where: Organization, at: datetime) -> User:
    """A user with one membership since long ago."""
    user = User.objects.create(username=username, name=f"演示{username}", is_demo=True)
    Membership.objects.create(user=user, organization=where, role=role, since=date(2020, 1, 1))
    return user


def seat_for(user: User) -> Seat:
    """The seat a user acts from."""
    seat = seat_of(user, None)
    assert seat is not None
    return seat


def identifier(number: int) -> str:
    """A well-formed citizen id of an invented person."""
    first = f"44030019600101{number % 1000:03d}"
    return first + id_check_digit(first)


def own_actor(resident: Resident) -> Actor:
    """The resident as the one who acts."""
    assert resident.user is not None
    return seat_for(resident.user).actor


def first_slot(session: Session) -> Slot:
    """The first slot of a session."""
    return Slot.objects.filter(session=session).order_by("starts_at")[0]


def one_place(people: Cast) -> Session:
    """A session of one single place."""
    made = people.session()
    keep = first_slot(made)
    Slot.objects.filter(session=made).exclude(pk=keep.pk).delete()
    return made


def book(people: Cast, session: Session, resident: Resident) -> Booking:
    """The one place of a session is taken."""
    slot = Slot.objects.get(session=session)
    return actions.book(
        slot_id=slot.pk, resident_id=resident.pk, channel="self", attempt=f"{resident.pk}", by=SYSTEM, at=people.at
    )


def join(people: Cast, session: Session, resident: Resident, minute: int = 0, **changes: Any) -> Waiting:
    """Somebody waits for a place of the session's specialty."""
    values = {
        "is_for_all": True, "channel": "self", "by": own_actor(resident) if resident.user_id else SYSTEM,
        "at": people.at + timedelta(minutes=minute),
    }  # fmt: skip
    return actions.join_line(session_id=session.pk, resident_id=resident.pk, **{**values, **changes})


def offered(at: datetime) -> list[int]:
    """Who is being asked about a place, by id."""
    return list(Hold.objects.filter(waiting__isnull=False, until__gt=at).values_list("resident_id", flat=True))
