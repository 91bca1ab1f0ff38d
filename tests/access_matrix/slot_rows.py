"""Places held at a side of the world."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling.models import (
    CalendarDay,
    ClinicException,
    ClinicTemplate,
    Hold,
    OpeningNote,
    OverbookRight,
    PartnerCount,
    PartnerRule,
    PoolRule,
    Session,
    Slot,
)
from kangqiao.domain.workforce.models import Practitioner

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_holds(side: Side) -> None:
    """The resident holds a place at the centre and, an hour later, one at the hospital: one at a time."""
    begins, ends = side.slot.starts_at + timedelta(days=1), side.slot.ends_at + timedelta(days=1)
    other = side.add(
        "other_session", Session, organization=side.centre, practitioner=side.clinician, kind="posted_expert",
        specialty="cardiology", starts_at=begins, ends_at=begins + timedelta(hours=3),
    )  # fmt: skip
    side.add(
        "pool_rule", PoolRule, organization=side.hospital, since=side.today, team_percent=20, contracted_percent=20,
        partner_percent=50, team_hours=72, contracted_hours=48, release_hours=24, reason="门诊办公会议定",
    )  # fmt: skip
    side.add(
        "partner_rule", PartnerRule, organization=side.hospital, centre=side.centre, since=side.today, least=0, most=9
    )
    side.add("partner_count", PartnerCount, session=side.rows["session@hospital"], centre=side.centre, most=9)
    opens = side.at - timedelta(days=60)
    side.add("other_slot", Slot, session=other, starts_at=begins, ends_at=ends, opens_at=opens, capacity=9)
    side.rows["pool_house"] = side.hospital
    add_week(side)
    for number, name in enumerate(("", "@hospital")):
        slot, until = side.rows[f"slot{name}"], side.at + timedelta(days=1)
        span = {"starts_at": side.at + timedelta(hours=number), "ends_at": side.at + timedelta(hours=number + 1)}
        since = side.at - timedelta(minutes=1)
        side.add(f"hold{name}", Hold, slot=slot, resident=side.resident, since=since, until=until, **span)
        slot.held = [until]
        slot.save(update_fields=("held",))


def add_week(side: Side) -> None:
    """A doctor of the hospital holds a clinic tomorrow evening and never after; the day after counts as closed."""
    tomorrow, doctor = side.today + timedelta(days=1), {"title_kind": "physician", "title_grade": "senior"}
    weekly = side.add(
        "weekly_doctor", Practitioner, organization=side.hospital, specialty=side.expert.specialty, **doctor
    )
    side.add(
        "template", ClinicTemplate, organization=side.hospital, practitioner=weekly, weekday=tomorrow.isoweekday(),
        specialty="cardiology", starts=time(18), ends=time(20), slot_minutes=30, capacity=1, since=side.today,
        until=side.today + timedelta(days=2),
    )  # fmt: skip
    side.add("clinic_exception", ClinicException, template=side.template, day=side.rows["free_day"])
    last = side.today + timedelta(days=35)
    side.add("opening_note", OpeningNote, organization=side.hospital, last_day=last, opened=0)
    today = {"organization": side.hospital, "since": side.today, "until": tomorrow}
    for role in (Role.REFERRAL_DESK, Role.EXPERT):
        side.add("overbook_right", OverbookRight, user=side.users[role], **today)
    side.rows |= {"sitting": side.session, "sitting@hospital": side.rows["session@hospital"]}
    named = {"organization": side.hospital, "place": None}
    side.add("calendar_day", CalendarDay, **named, day=tomorrow, works_as=tomorrow.isoweekday())
    side.add("closed_day", CalendarDay, **named, day=side.today + timedelta(days=2), works_as=None)
