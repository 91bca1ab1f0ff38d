"""Monthly reports of stations come in as a table: a list of one's own stations, looked through, entered, taken back."""

from __future__ import annotations

import io
from dataclasses import asdict
from datetime import date

import openpyxl
import pytest
from django.utils import timezone

from kangqiao.base import imports
from kangqiao.base.models import ImportBatch
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.actions import register_station
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.stations import actions, queries
from kangqiao.domain.stations.models import StationCount, StationReport
from kangqiao.domain.stations.parameters import kinds_at
from kangqiao.edges.excel.kinds import kind_for
from kangqiao.edges.excel.tests.test_imports import Desk, excel
from kangqiao.edges.jobs.imports import enter

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
MONTH = queries.last_month(TODAY)
BEFORE = queries.last_month(MONTH)
KINDS = kinds_at("440402", TODAY)
HEADS = ("服务站", "月份", *(one.zh for one in KINDS), "更正原因")


class Room:
    """A manager at a desk, and two stations of the centre."""

    def __init__(self) -> None:
        self.w = f.world()
        self.desk = Desk(self.w.seat(Role.CENTRE_MANAGER))
        self.stations = [self.station(zh) for zh in ("海湾站", "梅溪站")]

    def station(self, zh: str) -> Organization:
        return register_station(centre_id=self.w.centre.pk, zh=zh, opened_on=BEFORE, by=f.JOB, at=timezone.now())

    def report(self, of_each: int, month: date = MONTH, why: str = "", place: int = 0) -> StationReport:
        return actions.report_month(
            station_id=self.stations[place].pk, month=month, numbers={one.key: of_each for one in KINDS}, why=why,
            by=f.JOB, at=timezone.now(),
        )  # fmt: skip

    def upload(self, *rows: list[str]) -> ImportBatch:
        answer = self.desk.send("imports-upload", "station_reports", table=excel(rows, HEADS))
        assert answer.status_code == 302, answer.content.decode()[-2000:]
        return ImportBatch.objects.latest("pk")

    def enter(self, batch: ImportBatch) -> int:
        self.desk.send("imports-enter", batch.pk, seen_bad=imports.counts_of(batch)["bad"])
        return enter(batch.pk, asdict(self.desk.seat.actor))

    def undo(self, batch: ImportBatch) -> None:
        self.desk.send("imports-undo", batch.pk)


def line(station: str = "海湾站", month: date | str = MONTH, of_each: str = "10", why: str = "") -> list[str]:
    told = f"{month:%Y-%m}" if isinstance(month, date) else month
    return [station, told, *(of_each for _one in KINDS), why]


def codes(batch: ImportBatch) -> list[list[str]]:
    return [[one["code"] for one in row.findings] for row in batch.rows.order_by("line")]


@pytest.mark.clause("ZH-4.3d")
def test_reports_come_in_as_a_table_and_go_again_as_a_batch() -> None:
    room = Room()
    batch = room.upload(line(), line("梅溪站", f"{MONTH:%Y年}{MONTH.month}月", "１２"), line(month=BEFORE))
    assert imports.counts_of(batch)["good"] == 3

    assert room.enter(batch) == 3

    [month] = queries.centre_months(room.desk.seat, MONTH, TODAY)
    assert month.is_whole
    assert month.sums == [22] * len(KINDS)
    assert {one.by_name for one in StationReport.objects.all()} == {room.desk.seat.actor.name}
    room.undo(batch)
    assert (StationReport.objects.count(), StationCount.objects.count()) == (0, 0)


def test_a_correction_is_amber_and_taking_it_back_brings_the_former_numbers() -> None:
    room = Room()
    former = room.report(10)
    batch = room.upload(line(of_each="11", why="漏了一天"))
    assert codes(batch) == [["corrects"]]
    assert imports.counts_of(batch)["warn"] == 1

    room.enter(batch)
    now = StationReport.objects.get(station=room.stations[0], is_current=True)
    assert (now.version, now.why) == (2, "漏了一天")
    room.undo(batch)

    former.refresh_from_db()
    assert former.is_current
    assert StationReport.objects.count() == 1


def test_what_was_corrected_since_stays_and_says_so() -> None:
    room = Room()
    batch = room.upload(line())
    room.enter(batch)
    room.report(20, why="重新点过")

    room.undo(batch)

    assert StationReport.objects.count() == 2
    assert "后来又更正过" in room.desk.get(f"/imports/batch/{batch.pk}/").content.decode()


def test_each_fault_stands_at_its_row_with_a_sentence() -> None:
    room = Room()
    room.report(10)
    ahead = TODAY.replace(day=1)
    batch = room.upload(
        line("别家站"), line(month="五月"), line(of_each="-3"), line(of_each=""), line(month=ahead),
        line(month=date(2001, 1, 1)), line(), line(of_each="11"), line("梅溪站"), line("梅溪站", of_each="9"),
    )  # fmt: skip

    found = codes(batch)

    assert found[0] == ["station"]
    assert found[1] == ["month"]
    assert set(found[2]) == {"number"}
    assert set(found[3]) >= {"missing"}
    assert found[4] == ["not_over"]
    assert found[5] == ["not_open"]
    assert found[6][0] == "same"
    assert found[7][0] == "why"
    assert found[8] == []
    assert found[9] == ["repeated"]
    assert imports.counts_of(batch)["good"] == 1
    page = room.desk.get(f"/imports/batch/{batch.pk}/").content.decode()
    assert "本中心没有这个服务站" in page


def test_a_row_mended_in_place_frees_the_one_it_repeated() -> None:
    room = Room()
    batch = room.upload(line(), line())
    second = batch.rows.order_by("line").last()
    assert second is not None
    assert codes(batch)[1] == ["repeated"]
    told = {f"c{number}": text for number, text in enumerate(line("梅溪站"))}

    room.desk.send("imports-mend", batch.pk, second.pk, **told)

    assert codes(batch) == [[], []]


def test_the_empty_table_offers_the_own_stations_however_many() -> None:
    room = Room()
    for number in range(30):
        room.station(f"演示很远很远的社区卫生服务站{number}号")

    answer = room.desk.get("/imports/station_reports/empty.xlsx")

    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    page = book.worksheets[0]
    assert [cell.value for cell in page[1]] == list(HEADS)
    rules = {f"{one.sqref}"[0]: one.formula1 for one in page.data_validations.dataValidation}
    assert rules["A"] == "words!$A$1:$A$32"
    assert rules["B"].startswith(f'"{MONTH:%Y-%m},')
    assert book["words"]["A1"].value in {"海湾站", "梅溪站"}


def test_only_a_centres_manager_has_this_list() -> None:
    room = Room()
    other = Desk(room.w.seat(Role.GP))

    assert other.get("/imports/station_reports/").status_code in (403, 404)
    assert kind_for("station_reports", room.desk.seat.actor).heads == list(HEADS)
