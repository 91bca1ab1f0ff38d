"""Work at the desk of a centre: a record kept twice, a vaccination, a quality check, a month of the stations."""

from __future__ import annotations

import pathlib
import re
from dataclasses import asdict
from datetime import date, time, timedelta
from typing import Any

import openpyxl
from django.forms.models import model_to_dict
from django.utils import timezone
from playwright.sync_api import expect

from kangqiao.base.acting import as_system
from kangqiao.base.models import ImportBatch
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.quality.models import SampledItem
from kangqiao.domain.records import queries as records
from kangqiao.domain.records.models import Encounter, Immunization
from kangqiao.domain.residents.models import Basis, Merge, Resident
from kangqiao.domain.stations.models import StationReport
from kangqiao.edges.jobs.imports import enter
from tests.journey_plugin import DAY, Site
from tests.journeys.steps import Person


def rows_of(*residents: Resident) -> list[dict[str, Any]]:
    """Every row that names one of them, as it stands."""
    kept = [model_to_dict(one) for one in Resident.objects.filter(pk__in=[one.pk for one in residents]).order_by("pk")]
    for model in (Basis, Encounter, Immunization):
        kept += [model_to_dict(one) for one in model._default_manager.filter(resident__in=residents).order_by("pk")]
    return kept


def registered_again(doctor: Person, known: Resident) -> Resident:
    """Somebody came without papers, and was not recognised: a second record with a visit of its own."""
    doctor.opens("/residents/new/")
    doctor.page.select_option("#id_identifier_kind", "none")
    doctor.page.fill("#id_name", known.name)
    doctor.page.select_option("#id_sex", known.sex)
    doctor.page.fill("#id_birth_date", known.birth_date.isoformat())
    doctor.presses(re.compile("^建档"))
    doctor.sees("可能已经建过档，请先看下面的人")
    doctor.page.get_by_label("都不是这个人，另建一份").check()
    doctor.presses(re.compile("^建档"))
    doctor.page.wait_for_url(re.compile(r"/residents/\d+/"))
    doctor.keys("Alt+v")
    doctor.page.wait_for_url(re.compile("/visit/"))
    doctor.page.fill("#id_reason", "没带证件，咽痛")
    doctor.page.select_option("#id_diagnosis", "J06")
    doctor.keys("Alt+s")
    doctor.sees("已同步到")
    return Resident.objects.exclude(pk=known.pk).get(name=known.name)


def test_a_record_kept_twice_is_merged_and_taken_apart_again(people: Any, site: Site, faults: list[str]) -> None:
    """One reason for each; what was moved goes back, and both stand as they stood."""
    site.clock.go_to(DAY, time(9, 0))
    known = Resident.objects.get(name="林惊蛰")
    doctor: Person = people("gp-xiangwan-1")
    again = registered_again(doctor, known)
    before = rows_of(known, again)

    doctor.opens(f"/residents/{known.pk}/")
    doctor.presses(re.compile("合并"))
    doctor.page.fill("#id_identifier", again.record_number)
    doctor.page.fill("#id_reason", "同一张照片，本人到场确认")
    doctor.presses("合并")
    doctor.sees("合并记录")
    assert not Encounter.objects.filter(resident=again).exists()
    doctor.opens(f"/residents/{known.pk}/")
    doctor.sees("没带证件，咽痛")
    answer = doctor.page.goto(f"/residents/{again.pk}/")
    assert answer is not None
    assert answer.status == 404

    doctor.opens(f"/residents/{known.pk}/merge/")
    doctor.presses("分开")
    doctor.sees("还没有保存")
    doctor.page.get_by_label("分开的原因").fill("是同名的双胞胎姐妹")
    doctor.presses("分开")
    doctor.sees("是同名的双胞胎姐妹")
    doctor.opens(f"/residents/{again.pk}/")
    doctor.sees("没带证件，咽痛")

    assert rows_of(known, again) == before
    assert Merge.objects.get().undone_at is not None
    assert [one for one in faults if "404" not in one and "422" not in one] == []


def child_with_a_dose_due() -> tuple[Resident, str, int]:
    """A child whose next dose may be given today: the child, the vaccine, which dose."""
    today = timezone.localdate()
    young = Resident.objects.filter(birth_date__gt=today - timedelta(days=6 * 365), deceased_on=None)
    for child in young.select_related("centre").order_by("pk"):
        rows = list(Immunization.objects.filter(resident=child))
        for course in records.courses(child, rows, today):
            if rows and course.due is not None and course.due.on <= today and course.due.dose > 1:
                return child, course.vaccine, course.due.dose
    raise AssertionError("no child is due")


def test_a_child_is_vaccinated_from_the_list_of_the_programme_and_only_once(
    people: Any, site: Site, faults: list[str]
) -> None:
    """The list leads to the dose; what the box says is asked for; the same again is refused and stays on the page."""
    site.clock.go_to(DAY, time(10, 0))
    child, vaccine, dose = child_with_a_dose_due()
    before = Immunization.objects.filter(resident=child).count()
    doctor: Person = people(f"gp-{child.centre.code.removeprefix('c_')}-1")
    doctor.opens(f"/residents/{child.pk}/immunizations/")
    doctor.page.locator(f"a[href='?vaccine={vaccine}&dose={dose}']").click()
    expect(doctor.page.locator("#id_vaccine")).to_have_value(vaccine)
    doctor.page.fill("#id_given_on", DAY.isoformat())
    doctor.page.fill("#id_performer", "演示护士")
    doctor.presses(re.compile("^记下这次接种"))
    doctor.sees("还没有保存")
    for name, words in (("manufacturer", "演示生物"), ("lot", "演示2502"), ("expires_on", "2026-02-01")):
        doctor.page.fill(f"#id_{name}", words)
    for name in ("route", "site"):
        doctor.page.select_option(f"#id_{name}", index=1)
    doctor.presses(re.compile("^记下这次接种"))
    doctor.sees("已同步到")
    doctor.sees("第 " + str(dose) + " 剂")
    made = Immunization.objects.get(resident=child, vaccine=vaccine, dose=dose)

    assert (made.given_on, made.lot) == (DAY, "演示2502")
    assert Immunization.objects.filter(resident=child).count() == before + 1
    assert Encounter.objects.filter(pk=made.encounter_id, resident=child).exists()
    doctor.opens(f"/residents/{child.pk}/immunizations/?vaccine={vaccine}&dose={dose}")
    doctor.page.fill("#id_given_on", DAY.isoformat())
    doctor.page.get_by_role("radio", name=re.compile("别处")).check()
    doctor.page.fill("#id_place", "演示门诊部")
    doctor.presses(re.compile("^记下这次接种"))
    doctor.sees("已经记过")
    expect(doctor.page.locator("#id_place")).to_have_value("演示门诊部")
    assert Immunization.objects.filter(resident=child).count() == before + 1
    assert [one for one in faults if "422" not in one] == []


def drawn(officer: Person) -> SampledItem:
    """The bureau draws by a seed and opens the first contract of the sample."""
    officer.opens("/quality/new/")
    officer.page.locator("#id_centre_id option", has_text="香湾").first.wait_for(state="attached")
    value = officer.page.locator("#id_centre_id option", has_text="香湾").first.get_attribute("value")
    officer.page.select_option("#id_centre_id", value)
    officer.page.fill("#id_starts_on", "2024-09-01")
    officer.page.fill("#id_ends_on", "2025-12-31")
    officer.page.fill("#id_size", "2")
    officer.page.fill("#id_seed", "202502")
    officer.presses(re.compile("^抽一次"))
    officer.sees("这段时间还没有过完")
    officer.page.fill("#id_ends_on", "2025-01-31")
    officer.presses(re.compile("^抽一次"))
    officer.sees("种子 202502")
    officer.page.locator("a[data-open]", has_text="QY").first.click()
    officer.sees("查看会留痕")
    return SampledItem.objects.get(pk=int(officer.page.url.rstrip("/").rsplit("/", 1)[1]))


def test_a_sample_by_lot_is_checked_corrected_and_closed(people: Any, site: Site, faults: list[str]) -> None:
    """The bureau draws and calls, the centre puts right what was found, the bureau closes; the rate follows."""
    site.clock.go_to(DAY, time(11, 0))
    officer: Person = people("bureau-zhuhai")
    item = drawn(officer)
    officer.presses("看联系方式")
    officer.sees(item.contract.resident.name)
    officer.page.get_by_role("radio", name="电话").check()
    officer.page.locator("#id_findings input").first.check()
    officer.page.fill("#id_note", "居民说没有签过")
    officer.presses(re.compile("^记下核查结果"))
    officer.sees("已交中心整改")

    manager: Person = people("manager-xiangwan")
    manager.opens(f"/quality/items/{item.pk}/")
    manager.sees("居民说没有签过")
    manager.presses(re.compile("^已整改"))
    manager.gives_reason("已上门补签，协议已扫描归档。")
    manager.sees("待复核")
    officer.opens(f"/quality/items/{item.pk}/")
    officer.presses(re.compile("^销案"))
    officer.sees("已销案")
    officer.opens(f"/quality/{item.sampling_id}/")
    officer.sees("0.0%")

    item.refresh_from_db()
    assert (item.status, item.answer) == ("closed", "已上门补签，协议已扫描归档。")
    assert [one for one in faults if "422" not in one] == []


def the_worker_enters(username: str) -> None:
    """What the worker does with the batch that was sent to it."""
    seat = seat_of(User.objects.get(username=username), None)
    assert seat is not None
    with as_system("imports"):
        enter(ImportBatch.objects.latest("pk").pk, asdict(seat.actor))


def test_a_month_of_the_stations_comes_in_as_a_sheet(
    people: Any, site: Site, faults: list[str], tmp_path: pathlib.Path
) -> None:
    """The empty table is downloaded and filled in; what is wrong stands at its row and is mended there."""
    site.clock.go_to(DAY, time(15, 0))
    manager: Person = people("manager-xiangwan")
    manager.opens("/stations/")
    manager.sees("合计不完整")
    manager.presses("上传月报表格")
    with manager.page.expect_download() as came:
        manager.presses("下载空表")
    file = tmp_path / "stations.xlsx"
    came.value.save_as(file)
    book = openpyxl.load_workbook(file)
    page = book.worksheets[0]
    kinds = [cell.value for cell in page[1]][2:-1]
    page.append(["演示山场社区卫生服务站", "2025-01", *([12] * (len(kinds) - 1)), "十二", ""])
    page.append(["演示湾畔社区卫生服务站", "2025-01", *([200] * len(kinds)), ""])
    book.save(file)

    manager.page.set_input_files("input[type=file]", file)
    manager.presses(re.compile("^上传并核对"))
    manager.sees("不是 0 到 1000000 的整数")
    manager.sees("这个月已经报过，数字不同。要更正请写原因")
    manager.sees("有错 2")
    assert StationReport.objects.filter(month=date(2025, 1, 1), station__zh__contains="山场").count() == 0
    batch = ImportBatch.objects.latest("pk")
    mend(manager, batch, 0, {len(kinds) + 1: "12"})
    mend(manager, batch, 1, {len(kinds) + 2: "门诊漏报，按登记册更正"})
    manager.sees("会更正已经报的数字")
    manager.presses(re.compile("^写入 2 行"))
    the_worker_enters("manager-xiangwan")
    manager.opens(f"/imports/batch/{batch.pk}/")
    manager.sees("已写入")
    manager.opens("/stations/?month=2025-01")
    manager.sees("合计完整")
    manager.sees("更正过")

    rows = StationReport.objects.filter(month=date(2025, 1, 1), is_current=True)
    assert {one.station.zh[2:4]: one.version for one in rows} == {"湾畔": 2, "梅溪": 1, "山场": 1}
    assert faults == []


def mend(manager: Person, batch: ImportBatch, number: int, cells: dict[int, str]) -> None:
    """A row is put right in the table itself."""
    row = batch.rows.order_by("line")[number]
    manager.page.locator(f"#row-{row.pk} a", has_text="改").click()
    for place, words in cells.items():
        manager.page.fill(f"#c{row.pk}-{place}", words)
    manager.page.locator(f"#row-{row.pk} button").click()
    expect(manager.page.locator(f"#row-{row.pk} button")).to_have_count(0)
