"""One hospital with a guidance office, a paired centre and an unpaired one; doctors, a desk, residents, a clinic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.referral import actions
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.terminology.actions import load_concepts
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.identifiers import id_check_digit

CHINA = ZoneInfo("Asia/Shanghai")
SYSTEM = Actor.system("test")
AT = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)  # Monday 09:00 in Zhuhai

LETTER = {
    "diagnosis": "高血压 3 级",
    "reason_code": "htn_resistant",
    "history": "患高血压 8 年，近 3 次随访均未达标。",
    "examination": "血压 152/92 mmHg，心率 78 次/分。",
    "question": "请调整联合用药方案。",
    "medicines": "缬沙坦 80 mg 每日一次",
    "allergies": "青霉素",
    "has_consent": True,
}
HAND_OVER = {
    "diagnosis": "脑梗死恢复期",
    "reason_code": "rehabilitation",
    "medicines": "阿司匹林 100 mg 每日一次",
    "plan": "用药：照旧\n监测：每周测血压\n危险信号：再次肢体无力即上转\n复诊：4 周后",
    "has_consent": True,
}


@dataclass
class Cast:
    """Who is there."""

    hospital: Organization
    office: Organization
    centre: Organization
    far_centre: Organization
    expert: Practitioner
    resident: Resident
    gp: Seat
    far_gp: Seat
    desk: Seat
    other_desk: Seat
    office_seat: Seat
    specialist: Seat

    def person(self, number: int, centre: Organization | None = None, *, with_user: bool = False) -> Resident:
        """One more resident, registered at the paired centre unless told otherwise."""
        where = centre or self.centre
        user = seat(Role.RESIDENT, where, f"resident-{number}").user_id if with_user else None
        first = f"44040219600101{number:03d}"
        return residents.register_resident(
            name=f"演示{number}", sex="female", birth_date=date(1960, 1, 1), phone="13800000000",
            identifier=first + id_check_digit(first), centre_id=where.pk, user_id=user, is_demo=True, by=SYSTEM, at=AT,
        )  # fmt: skip

    def clinic(self, days: int = 2, hour: int = 9, at: datetime = AT) -> list[Slot]:
        """A morning of the expert at the hospital some days ahead; its slots in order."""
        starts = (at + timedelta(days=days)).astimezone(CHINA).replace(hour=hour, minute=0)
        parameters = SlotParameters.read(policy.at(self.hospital.place.code, at.date()))
        session = scheduling.open_session(
            organization_id=self.hospital.pk, practitioner_id=self.expert.pk, specialty="cardiology",
            kind=Session.Kind.HOSPITAL_CLINIC, starts_at=starts, ends_at=starts + timedelta(hours=3), source="test",
            parameters=parameters, by=SYSTEM, at=at,
        )  # fmt: skip
        return list(Slot.objects.filter(session=session).order_by("starts_at"))

    def booked(self, slot: Slot, resident: Resident | None = None) -> Booking:
        """The place a GP of the paired centre takes for a patient."""
        return scheduling.book(
            slot_id=slot.pk, resident_id=(resident or self.resident).pk, channel="referral", attempt=f"a{slot.pk}",
            as_partner_centre_id=self.centre.pk, by=self.gp.actor, at=AT,
        )  # fmt: skip

    def up(self, **changes: Any) -> Referral:
        """The resident is sent up by the GP of the paired centre."""
        values = {
            "resident_id": self.resident.pk, "to_organization_id": self.hospital.pk, "specialty": "cardiology",
            "by": self.gp.actor, "at": AT, **LETTER, **changes,
        }  # fmt: skip
        return actions.send_up(**values)

    def accepted(self, **changes: Any) -> Referral:
        """A referral accepted with the place the GP had taken two days ahead."""
        sent = self.up(booking_id=self.booked(self.clinic()[1]).pk, **changes)
        return actions.accept_referral(referral_id=sent.pk, by=self.desk.actor, at=AT + timedelta(hours=1))

    def seen(self, **changes: Any) -> Referral:
        """The same after the visit."""
        taken = self.accepted(**changes)
        assert taken.booking is not None
        return actions.confirm_visit(referral_id=taken.pk, by=self.desk.actor, at=taken.booking.slot.starts_at)

    def summarised(self, **changes: Any) -> Referral:
        """The same after the letter of the hospital."""
        seen = self.seen(**changes)
        return actions.return_summary(
            referral_id=seen.pk, reply="冠脉未见狭窄，改用联合用药。", by=self.desk.actor,
            at=seen.clock_from + timedelta(hours=2),
        )  # fmt: skip

    def down(self, **changes: Any) -> Referral:
        """The resident is handed to the paired centre, whom the hospital knows from a visit."""
        know(self.resident, self.hospital)
        values = {
            "resident_id": self.resident.pk, "to_organization_id": self.centre.pk, "specialty": "neurology",
            "by": self.desk.actor, "at": AT, **HAND_OVER, **changes,
        }  # fmt: skip
        return actions.propose_down(**values)


def cast(city: str = "4404", district: str = "440402") -> Cast:
    """The cast in Zhuhai, or in another city of a pack."""
    load_concepts(by=SYSTEM, at=AT)
    upper = Place.objects.create(code=city, zh="演示市")
    place = Place.objects.create(code=district, zh="演示区", part_of=upper)
    hospital = organization("h1", "hospital", "演示市人民医院", place, level=3)
    office = organization("o1", "guidance_office", "演示市人民医院社区指导科", place, part_of=hospital)
    centre = organization("c1", "centre", "香湾社区卫生服务中心", place)
    far = organization("c2", "centre", "远山社区卫生服务中心", place)
    specialist = seat(Role.EXPERT, hospital, "expert")
    expert = Practitioner.objects.create(
        name="沈青黛", sex="female", licence_number="demo-1", title_kind="physician", title_grade="senior",
        specialty=Concept.objects.get(system="specialty", code="cardiology"), organization=hospital, is_demo=True,
        user_id=specialist.user_id,
    )  # fmt: skip
    Agreement.objects.create(
        kind=Agreement.Kind.JOINT_BUILDING, number="A-1", hospital=hospital, centre=centre, status="in_force",
        starts_on=date(2020, 1, 1), ends_on=date(2099, 1, 1), policy_ref="test",
    )  # fmt: skip
    found = Cast(
        hospital, office, centre, far, expert, resident=None, gp=seat(Role.GP, centre, "gp"),  # type: ignore[arg-type]
        far_gp=seat(Role.GP, far, "far-gp"), desk=seat(Role.REFERRAL_DESK, hospital, "desk"),
        other_desk=seat(Role.REFERRAL_DESK, hospital, "desk-2"),
        office_seat=seat(Role.GUIDANCE_OFFICE, office, "office"), specialist=specialist,
    )  # fmt: skip
    found.resident = found.person(1, with_user=True)
    return found


def organization(code: str, kind: str, zh: str, place: Place, **more: Any) -> Organization:
    """An organisation, marked as a demonstration."""
    return Organization.objects.create(code=code, kind=kind, zh=zh, short_zh=zh[:8], place=place, is_demo=True, **more)


def seat(role: str, where: Organization, username: str) -> Seat:
    """A user with one membership since long ago, and the seat."""
    user = User.objects.create(username=username, name=f"演示{username}", is_demo=True)
    member = Membership.objects.create(user=user, organization=where, role=role, since=date(2020, 1, 1))
    return Seat(
        user.pk, user.name, member.pk, role, str(Role(role).label), where.pk, where.zh, where.kind, where.place.code,
        where.place_id, where.part_of_id,
    )  # fmt: skip


def know(resident: Resident, where: Organization, until: datetime | None = None) -> None:
    """An organisation has a basis to see a resident because of an earlier visit."""
    residents.grant_basis(
        resident_id=resident.pk, kind="encounter", source=f"encounter:0-{where.pk}", since=AT - timedelta(days=300),
        until=until, organization_id=where.pk, by=SYSTEM, at=AT,
    )  # fmt: skip
