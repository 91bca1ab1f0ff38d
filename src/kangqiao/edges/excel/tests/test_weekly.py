"""A hospital's week as a table: taken out, changed, looked through with what it touches, entered, taken back."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from datetime import date, time, timedelta
from typing import Any

import openpyxl
import pytest
from django.utils import timezone

from kangqiao.base import imports
from kangqiao.base.models import ImportBatch
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, queries, rules
from kangqiao.domain.scheduling.models import Booking, ClinicTemplate, Session, Slot
from kangqiao.domain.scheduling.rules import Weekly, sheets
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, practitioner
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.edges.excel.tests.test_imports import Desk, excel
from kangqiao.edges.jobs.imports import enter

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
# A day from Monday to Friday that is not today; what is opened is opened whether the year was announced or not.
WEEKDAY = next(day for n in range(2, 6) if (day := (TODAY + timedelta(days=n)).isoweekday()) <= 5)


class Room:
    """A hospital's director at a desk, two cardiologists, a resident."""

    def __init__(self) -> None:
        self.people: Cast = cast(timezone.now() - timedelta(minutes=5))
        self.desk = Desk(self.people.staff(Role.HOSPITAL_DIRECTOR, self.people.hospital))

    def weekly(self, **changes: Any) -> Weekly:
        values = Weekly(
            self.people.expert.pk, "cardiology", "305", WEEKDAY, time(9), time(11), 30, 1, 0, TODAY, None
        )  # fmt: skip
        return replace(values, **changes)

    def template(self, **changes: Any) -> ClinicTemplate:
        return actions.add_template(
            organization_id=self.people.hospital.pk, weekly=self.weekly(**changes), by=SYSTEM, at=timezone.now()
        )

    def opened(self) -> list[Session]:
        last, now = TODAY + timedelta(weeks=4, days=-1), timezone.now()
        seen = len(queries.plan_of(self.people.hospital, TODAY, last, now, is_unannounced_open=True).opens)
        return actions.open_weeks(
            organization_id=self.people.hospital.pk, weeks=4, is_unannounced_open=True, seen=seen, by=SYSTEM, at=now
        )

    def taken(self, session: Session) -> Booking:
        slot = Slot.objects.filter(session=session).order_by("starts_at")[0]
        Slot.objects.filter(pk=slot.pk).update(opens_at=timezone.now() - timedelta(hours=1))
        gp = self.people.staff(Role.GP)
        return actions.book(
            slot_id=slot.pk, resident_id=self.people.resident(1).pk, channel="gp", attempt="a",
            as_partner_centre_id=self.people.centre.pk, by=gp.actor, at=timezone.now(),
        )  # fmt: skip

    def lines(self) -> list[list[str]]:
        """What the table that is downloaded says."""
        answer = self.desk.get("/imports/weekly_templates/empty.xlsx")
        page = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        assert [cell.value for cell in page[1]] == list(sheets.HEADS)
        return [[cell.value or "" for cell in row] for row in page.iter_rows(min_row=2) if row[0].value or row[2].value]

    def upload(self, *rows: list[str]) -> ImportBatch:
        answer = self.desk.send("imports-upload", "weekly_templates", table=excel(rows, sheets.HEADS))
        assert answer.status_code == 302, answer.content.decode()[-2000:]
        return ImportBatch.objects.latest("pk")

    def enter(self, batch: ImportBatch) -> int:
        self.desk.send("imports-enter", batch.pk, seen_bad=imports.counts_of(batch)["bad"])
        return enter(batch.pk, asdict(self.desk.seat.actor))

    def undo(self, batch: ImportBatch) -> None:
        self.desk.send("imports-undo", batch.pk)


def line(was: list[str] | None = None, **given: str) -> list[str]:
    """A line of the table, with some cells changed; a new one unless told which."""
    first = dict(zip(sheets.HEADS, was, strict=True)) if was else dict.fromkeys(sheets.HEADS, "") | {
        "医生": "沈青黛", "周几": sheets.DAYS[WEEKDAY - 1], "开始": "09:00", "结束": "11:00", "每段分钟": "30",
        "每段号数": "1", "从哪天起": TODAY.isoformat(),
    }  # fmt: skip
    return list((first | given).values())


def found(batch: ImportBatch) -> list[list[tuple[str, str]]]:
    return [[(one["head"], one["code"]) for one in row.findings] for row in batch.rows.order_by("line")]


def values(template: ClinicTemplate) -> Weekly:
    template.refresh_from_db()
    return queries.weekly_of(template)


def test_what_comes_out_goes_in_again_and_changes_nothing() -> None:
    room = Room()
    assert "下载现在的内容来改" in room.desk.get("/imports/weekly_templates/").content.decode()
    kept = [
        room.template(),
        room.template(starts=time(14), ends=time(16), walk_in_percent=20, until=TODAY + timedelta(9)),
    ]
    stamps = [one.set_at for one in kept]

    batch = room.upload(*room.lines())
    room.enter(batch)

    assert found(batch) == [[], []]
    assert [ClinicTemplate.objects.get(pk=one.pk).set_at for one in kept] == stamps
    assert ClinicTemplate.objects.count() == 2


def test_a_new_and_a_changed_line_are_entered_and_taken_back() -> None:
    room = Room()
    kept = room.template()
    before = values(kept)
    (was,) = room.lines()

    batch = room.upload(line(was, 诊室="306", 每段号数="２"), line(医生="顾南星", 科室="心血管内科", 到哪天为止=""))
    assert found(batch) == [[("诊室", "changes")], []]
    assert "会改：诊室、每段号数。" in room.desk.get(f"/imports/batch/{batch.pk}/").content.decode()
    assert room.enter(batch) == 2

    assert values(kept) == replace(before, room="306", capacity=2)
    new = ClinicTemplate.objects.exclude(pk=kept.pk).get()
    assert (new.practitioner, new.specialty, new.set_by) == (
        room.people.other_expert, "cardiology", room.desk.seat.actor.name,
    )  # fmt: skip
    room.undo(batch)
    assert values(kept) == before
    assert ClinicTemplate.objects.get() == kept


def test_a_changed_line_says_what_follows_and_never_touches_who_is_booked() -> None:
    room = Room()
    kept = room.template()
    sessions = room.opened()
    booking = room.taken(sessions[-1])
    (was,) = room.lines()

    batch = room.upload(line(was, 开始="10:00", 结束="12:00"))
    page = room.desk.get(f"/imports/batch/{batch.pk}/").content.decode()
    room.enter(batch)

    assert found(batch) == [[("开始", "touches")]]
    assert f"{len(sessions) - 1} 场没有人约，跟着改，不再有的停掉；1 场有人约，原样不动。" in page
    booking.refresh_from_db()
    assert booking.status == "booked"
    stays = Session.objects.get(pk=sessions[-1].pk)
    assert (stays.status, stays.starts_at) == ("open", sessions[-1].starts_at)
    hours = {timezone.localtime(one.starts_at).hour for one in queries.open_of(kept, timezone.now())}
    assert hours == {9, 10}
    room.undo(batch)
    assert values(kept).starts == time(9)
    assert {timezone.localtime(one.starts_at).hour for one in queries.open_of(kept, timezone.now())} == {9}
    assert Session.objects.get(pk=sessions[-1].pk).status == "open"


def test_a_clinic_booked_between_looking_and_entering_leaves_the_line_out() -> None:
    room = Room()
    kept = room.template()
    sessions = room.opened()
    (was,) = room.lines()
    batch = room.upload(line(was, 诊室="306"), line(医生="顾南星"))
    before = values(kept)
    room.taken(sessions[0])

    room.enter(batch)

    assert values(kept) == before
    assert found(batch)[0][-1] == ("编号", "moved")
    assert ClinicTemplate.objects.count() == 2
    again = room.upload(line(was, 诊室="306"))
    assert room.enter(again) == 1
    assert values(kept).room == "306"


def test_what_was_changed_since_stays_and_says_so() -> None:
    room = Room()
    kept = room.template()
    (was,) = room.lines()
    batch = room.upload(line(was, 诊室="306"))
    room.enter(batch)
    actions.mend_template(
        template_id=kept.pk, weekly=replace(values(kept), room="307"), seen=0, by=SYSTEM, at=timezone.now()
    )

    room.undo(batch)

    assert values(kept).room == "307"
    assert "后来又改过" in room.desk.get(f"/imports/batch/{batch.pk}/").content.decode()


def test_a_new_template_from_which_clinics_were_opened_ends_when_taken_back() -> None:
    room = Room()
    batch = room.upload(line())
    room.enter(batch)
    kept = ClinicTemplate.objects.get()
    sessions = [one for one in room.opened() if timezone.localtime(one.starts_at).date() > TODAY]
    booking = room.taken(sessions[0])

    room.undo(batch)

    assert values(kept).until is not None
    booking.refresh_from_db()
    assert booking.status == "booked"
    assert {one.pk for one in queries.open_of(kept, timezone.now())} >= {sessions[0].pk}
    assert not {one.pk for one in sessions[1:]} & {one.pk for one in queries.open_of(kept, timezone.now())}


def test_ended_by_its_last_day_it_is_given_up() -> None:
    room = Room()
    kept = room.template()
    (was,) = room.lines()

    room.enter(room.upload(line(was, 到哪天为止=TODAY.isoformat())))

    assert values(kept).until == TODAY + timedelta(days=1)


def test_each_fault_stands_at_its_cell_with_a_sentence() -> None:
    room = Room()
    kept = room.template()
    (was,) = room.lines()
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    batch = room.upload(
        line(医生="没有这个人"), line(科室="算命"), line(周几="周八"), line(开始="9点半"), line(每段号数="很多"),
        line(从哪天起="明天"), line(开始=""), line(编号="999999"), line(医院="别家"),
        line(从哪天起=yesterday, 开始="17:00", 结束="18:00"),
        line(开始="11:00", 结束="10:00"), line(每段号数="9999"), line(开始="10:00", 结束="12:00"), line(was),
        line(was, 诊室="x" * 61),
        line(编号="第一个"),
    )  # fmt: skip
    codes = [[code for _head, code in row] for row in found(batch)]

    assert codes == [
        ["doctor"], ["specialty"], ["weekday"], ["clock"], ["number"], ["day"], ["missing"], ["unknown"], ["house"],
        ["rule"], ["rule"], ["rule"], ["rule"], [], ["long", "twice"], ["number_of"],
    ]  # fmt: skip
    page = room.desk.get(f"/imports/batch/{batch.pk}/").content.decode()
    assert "第一天已经过去" in page
    assert "结束时间不在开始时间之后" in page
    assert "已有" in page
    assert imports.counts_of(batch)["good"] == 1
    assert values(kept) == room.weekly()


def test_a_change_that_breaks_a_rule_is_marked_where_it_changes() -> None:
    room = Room()
    room.template()
    (was,) = room.lines()

    for head, wrong in (("每段分钟", "0"), ("当天号", "300"), ("结束", "08:00")):
        assert found(room.upload(line(was, **{head: wrong}))) == [[(head, "rule")]]


def test_lines_are_held_against_those_above_them() -> None:
    room = Room()
    room.template()
    (was,) = room.lines()

    moved = room.upload(line(was, 开始="14:00", 结束="16:00"), line(), line(开始="10:30", 结束="12:00"))

    assert [[code for _head, code in row] for row in found(moved)] == [["changes"], [], ["rule"]]
    assert room.enter(moved) == 2


def test_namesakes_are_told_apart_by_their_licence() -> None:
    room = Room()
    other = practitioner("某某", room.people.hospital, room.people.expert.specialty)  # type: ignore[arg-type]
    Practitioner.objects.filter(pk=other.pk).update(name="沈青黛", licence_number="110440000000001")
    room.template(practitioner_id=other.pk)

    (was,) = room.lines()
    batch = room.upload(line(was), line(), line(医生="沈青黛（110440000000001）", 开始="14:00", 结束="15:00"))

    assert was[2] == "沈青黛（110440000000001）"
    assert [[code for _head, code in row] for row in found(batch)] == [[], ["doctor"], []]


def test_only_who_plans_a_week_has_this_list_and_of_the_own_hospital() -> None:
    room = Room()
    room.template()
    doctor = Desk(room.people.staff(Role.GP))

    assert doctor.get("/imports/weekly_templates/").status_code in (403, 404)
    elsewhere = Desk(room.people.staff(Role.REFERRAL_DESK, room.people.centre))
    answer = elsewhere.get("/imports/weekly_templates/empty.xlsx")
    page = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert page.max_row == 1


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({"周几": "星期日", "开始": "8:05", "结束": "09:00:00"}, (7, time(8, 5), time(9))),
        ({"周几": "周天", "开始": "８：００", "结束": "9点30"}, (7, time(8), time(9, 30))),
        ({"周几": "4", "开始": "08:00", "结束": "10:00"}, (4, time(8), time(10))),
    ],
)
def test_what_people_write_is_read(told: dict[str, str], meant: tuple[int, time, time]) -> None:
    cells = dict(
        zip(
            sheets.HEADS, line(**told, 从哪天起="2026年5月14日", 到哪天为止="2026/6/1 00:00", 当天号="20%"), strict=True
        )
    )

    read = rules.read_template(cells)

    assert read.faults == ()
    got = read.weekly(1, "cardiology")
    assert (got.weekday, got.starts, got.ends) == meant
    assert (got.since, got.until, got.walk_in_percent) == (date(2026, 5, 14), date(2026, 6, 2), 20)
    assert rules.unpacked(rules.packed(got)) == got
    again = rules.read_template(rules.write_template(7, "市医院", "沈青黛", "心血管内科", got))
    assert (again.number, again.weekly(1, "cardiology")) == (7, got)


def test_two_weeks_meet_only_on_the_same_days_and_hours() -> None:
    one = Weekly(1, "c", "", 4, time(9), time(11), 30, 1, 0, date(2026, 5, 1), date(2026, 6, 1))

    assert rules.meet(one, replace(one, starts=time(10), ends=time(12), until=None))
    assert rules.meet(one, replace(one, since=date(2026, 5, 31), until=None))
    for other in (
        replace(one, practitioner_id=2), replace(one, weekday=5), replace(one, starts=time(11), ends=time(12)),
        replace(one, since=date(2026, 6, 1), until=None), replace(one, since=date(2026, 4, 1), until=date(2026, 5, 1)),
    ):  # fmt: skip
        assert not rules.meet(one, other)
