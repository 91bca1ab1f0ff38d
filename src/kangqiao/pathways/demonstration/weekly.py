"""The week of the hospital of the reference story: its morning clinics stand in templates, and come from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import ClinicTemplate
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import Weekly
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.pathways.demonstration.run import Run

HOSPITAL = "zh_people1"
FLOOR = "门诊楼3层"  # untranslated: a room of an invented week
FIRST_ROOM = 301

Week = dict[tuple[int, int], ClinicTemplate]


def keep_week(
    run: Run, hospital: Organization, sitting: Iterable[tuple[Practitioner, int]], hours: tuple[time, time],
    slots: SlotParameters, by: Actor,
) -> Week:  # fmt: skip
    """A template for each doctor and weekday (1 Monday), by both; each doctor keeps one room."""
    rooms: dict[int, str] = {}
    week: Week = {}
    for doctor, weekday in sitting:
        room = rooms.setdefault(doctor.pk, f"{FLOOR}{FIRST_ROOM + len(rooms)}")
        weekly = Weekly(
            practitioner_id=doctor.pk, specialty=doctor.specialty.code if doctor.specialty else "", room=room,
            weekday=weekday, starts=hours[0], ends=hours[1], slot_minutes=slots.slot_minutes, capacity=1,
            walk_in_percent=0, since=run.today, until=None,
        )  # fmt: skip
        week[doctor.pk, weekday] = actions.add_template(organization_id=hospital.pk, weekly=weekly, by=by, at=run.at)
    return week
