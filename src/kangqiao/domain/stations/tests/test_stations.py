from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from kangqiao.base.actor import Actor
from kangqiao.base.sheets import BOOK
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.actions import register_station
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.stations import actions, queries, rules
from kangqiao.domain.stations.models import StationReport
from kangqiao.domain.stations.parameters import due_day_at, kinds_at
from kangqiao.edges.home.board import board_of
from kangqiao.kernel.errors import Denied, NoPolicyInForce, NotVisible, RuleBroken

MAY, AT = date(2026, 5, 1), datetime(2026, 6, 3, 2, 0, tzinfo=UTC)
ON = date(2026, 6, 3)
DAY = timedelta(days=1)
NAMES = ("海湾站", "梅溪站", "山场站")


class Centre:
    """A centre in Zhuhai with three stations."""

    def __init__(self) -> None:
        self.w = f.world()
        self.stations = [
            register_station(centre_id=self.w.centre.pk, zh=zh, opened_on=date(2026, 1, 10), by=f.JOB, at=AT)
            for zh in NAMES
        ]
        self.keys = [one.key for one in kinds_at("440402", MAY)]

    def numbers(self, of_each: int = 10, **other: int) -> dict[str, int]:
        return dict.fromkeys(self.keys, of_each) | other

    def report(
        self, place: int, of_each: int = 10, *, month: date = MAY, at: datetime = AT, by: Actor = f.JOB, why: str = "",
        **other: int,
    ) -> StationReport:  # fmt: skip
        return actions.report_month(
            station_id=self.stations[place].pk, month=month, numbers=self.numbers(of_each, **other), why=why, by=by,
            at=at,
        )  # fmt: skip

    def month(self, on: date = ON, month: date = MAY, role: str = Role.CENTRE_MANAGER) -> queries.CentreMonth:
        house = self.w.bureau if role == Role.BUREAU_OFFICER else self.w.centre
        [found] = queries.centre_months(self.w.seat(role, house), month, on)
        return found


def test_days_late_and_missing_are_counted_from_the_due_day() -> None:
    due = rules.due_on(MAY, 5)

    assert due == date(2026, 6, 5)
    assert rules.due_on(date(2026, 1, 1), 30) == date(2026, 2, 28)
    assert rules.due_on(date(2026, 12, 1), 5) == date(2027, 1, 5)
    assert rules.standing(due, due, ON) == ("in_time", 0)
    assert rules.standing(due, due + DAY, ON) == ("late", 1)
    assert rules.standing(due, None, due) == ("awaited", 0)
    assert rules.standing(due, None, due + 3 * DAY) == ("missing", 3)


def test_due_day_is_a_marked_setting_of_the_paper_and_nobody_elses() -> None:
    value = due_day_at("440402", MAY)

    assert (value.integer(), value.setting, value.clause) == (5, True, "ZH-4.3d")
    with pytest.raises(NoPolicyInForce):
        due_day_at("310104", MAY)


@pytest.mark.django_db
@pytest.mark.clause("ZH-4.3d")
def test_sum_of_may_with_two_of_three_reports_is_incomplete_and_names_the_third() -> None:
    c = Centre()
    c.report(0, 10)
    c.report(1, 20, follow_up=5)

    found = c.month()

    assert (found.is_whole, [one.zh for one in found.missing]) == (False, ["山场站"])
    assert dict(zip(c.keys, found.sums, strict=True)) == dict.fromkeys(c.keys, 30) | {"follow_up": 15}
    assert found.total == 5 * 30 + 15
    c.report(2, 1)
    assert c.month().is_whole


@pytest.mark.django_db
def test_late_and_missing_reports_show_their_days() -> None:
    c = Centre()
    c.report(0, at=AT + 2 * DAY)
    c.report(1, at=AT + 4 * DAY)

    lines = c.month(on=date(2026, 6, 15)).lines

    assert [(one.standing, one.days) for one in lines] == [("in_time", 0), ("late", 2), ("missing", 10)]
    assert [one.standing for one in c.month(month=date(2026, 4, 1), on=date(2026, 6, 15)).lines] == ["missing"] * 3


@pytest.mark.django_db
def test_a_correction_says_why_keeps_the_former_numbers_and_makes_nobody_late() -> None:
    c = Centre()
    c.report(0, 10)
    with pytest.raises(RuleBroken, match="写明原因"):
        c.report(0, 12, at=AT + 9 * DAY)
    with pytest.raises(RuleBroken, match="没有改动"):
        c.report(0, 10, why="再报一次", at=AT + 9 * DAY)
    made = c.report(0, 12, why="漏了下村的一天", at=AT + 9 * DAY)

    assert (made.version, made.why) == (2, "漏了下村的一天")
    versions = queries.versions_of(c.stations[0], MAY)
    assert [(one.version, one.is_current, numbers["follow_up"]) for one, numbers, _on in versions] == [
        (2, True, 12), (1, False, 10),
    ]  # fmt: skip
    found = c.month(on=ON + 20 * DAY)
    assert found.sums[0] == 12
    assert found.lines[0].standing == "in_time"


@pytest.mark.django_db
def test_what_cannot_be_reported_is_said() -> None:
    c = Centre()
    with pytest.raises(RuleBroken, match="没有过完"):
        c.report(0, month=date(2026, 6, 1))
    with pytest.raises(RuleBroken, match="没有过完"):
        c.report(0, month=MAY + DAY)
    with pytest.raises(RuleBroken, match="还没有开"):
        c.report(0, month=date(2025, 12, 1))
    numbers = {key: 1 for key in c.keys if key != "common_disease"}
    with pytest.raises(RuleBroken, match="还缺常见病诊治") as refused:
        actions.report_month(station_id=c.stations[0].pk, month=MAY, numbers=numbers, by=f.JOB, at=AT)
    assert refused.value.clause == "ZH-4.3d"
    with pytest.raises(RuleBroken, match="不对"):
        c.report(0, follow_up=-1)
    with pytest.raises(NotVisible):
        actions.report_month(station_id=c.w.centre.pk, month=MAY, numbers=c.numbers(), by=f.JOB, at=AT)
    assert not StationReport.objects.exists()


@pytest.mark.django_db
def test_station_and_centre_report_and_nobody_else() -> None:
    c = Centre()
    own = c.w.seat(Role.GP, c.stations[0])
    for seat in (c.w.seat(Role.GP, c.w.other), c.w.seat(Role.BUREAU_OFFICER, c.w.bureau), c.w.seat(Role.DISPATCHER)):
        with pytest.raises(Denied):
            c.report(0, by=seat.actor)
        with pytest.raises(NotVisible):
            queries.get_station(seat, c.stations[0].pk)
    assert c.report(0, by=own.actor).by_name == own.actor.name
    assert c.report(1, by=c.w.seat(Role.CENTRE_MANAGER).actor)
    assert [one.zh for one in queries.stations(own)] == ["海湾站"]
    with pytest.raises(NotVisible):
        queries.get_station(own, c.stations[1].pk)
    assert [len(one.lines) for one in queries.centre_months(c.w.seat(Role.BUREAU_OFFICER, c.w.bureau), MAY, ON)] == [3]
    assert queries.centre_months(c.w.seat(Role.GP, c.w.other), MAY, ON) == []


@pytest.mark.django_db
def test_a_manager_registers_the_stations_of_the_own_centre() -> None:
    c = Centre()
    manager = c.w.seat(Role.CENTRE_MANAGER).actor
    made = register_station(centre_id=c.w.centre.pk, zh=" 新站 ", by=manager, at=AT)
    assert (made.zh, made.kind, made.part_of_id, made.place_id) == (
        "新站", "station", c.w.centre.pk, c.w.centre.place_id,
    )  # fmt: skip
    with pytest.raises(RuleBroken, match="已有叫"):
        register_station(centre_id=c.w.centre.pk, zh="新站", by=manager, at=AT)
    with pytest.raises(RuleBroken, match="今天之后"):
        register_station(centre_id=c.w.centre.pk, zh="后站", opened_on=ON + DAY, by=manager, at=AT)
    with pytest.raises(RuleBroken, match="名称"):
        register_station(centre_id=c.w.centre.pk, zh=" ", by=manager, at=AT)
    with pytest.raises(Denied):
        register_station(centre_id=c.w.other.pk, zh="别站", by=manager, at=AT)
    assert Organization.objects.filter(part_of=c.w.centre, kind="station").count() == 4


def client(user: User) -> Client:
    found = Client()
    found.force_login(user)
    return found


@pytest.mark.django_db
def test_pages_take_reports_name_the_missing_and_hand_out_the_sheet() -> None:
    c = Centre()
    manager = c.w.user("演示主任", Role.CENTRE_MANAGER, c.w.centre)
    page = client(manager)
    with time_machine.travel(AT + 10 * DAY, tick=False):
        report = reverse("stations-report", args=(c.stations[0].pk,)) + "?month=2026-05"
        bad = page.post(report, {key: "7" for key in c.keys if key != "follow_up"})
        assert (bad.status_code, 'value="7"' in bad.content.decode()) == (422, True)
        page.post(report, dict.fromkeys(c.keys, "7"))
        page.post(reverse("stations-report", args=(c.stations[1].pk,)), dict.fromkeys(c.keys, "3"))
        shown = page.get(reverse("stations-list")).content.decode()
        assert all(word in shown for word in ("合计不完整", "山场站", "没报，已过 8 天", "迟报 8 天"))
        seat = c.w.seat(Role.CENTRE_MANAGER, user=manager)
        board = board_of(seat, localtime(AT + 10 * DAY), wanted="station_reports")
        assert [row.title for row in board.rows] == ["山场站"]
        assert page.post(report, dict.fromkeys(c.keys, "8")).status_code == 422
        page.post(report, dict.fromkeys(c.keys, "8") | {"why": "漏了一天"})
        again = page.get(report).content.decode()
        assert all(word in again for word in ("漏了一天", "现在算这份"))
        sheet = page.get(reverse("stations-list") + "?month=2026-05&as=xlsx")
        assert (sheet.status_code, sheet.content[:2], bool(BOOK)) == (200, b"PK", True)
        page.post(reverse("stations-new"), {"zh": "新站"})
        assert "新站" in page.get(reverse("stations-list")).content.decode()
        assert "2026-05" in page.get(reverse("stations-list") + "?month=2027-01").content.decode()
    bureau = client(c.w.user("演示科员", Role.BUREAU_OFFICER, c.w.bureau))
    with time_machine.travel(AT, tick=False):
        assert "合计不完整" in bureau.get(reverse("stations-list")).content.decode()
