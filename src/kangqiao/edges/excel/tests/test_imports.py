"""A register comes in as a table: looked through, mended, entered piece by piece, taken back."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta

import openpyxl
import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet.worksheet import Worksheet

from kangqiao.base import imports
from kangqiao.base.models import AuditEvent, ImportBatch, Job
from kangqiao.base.upload_reader import nothing_lost
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.tests.factories import centre, organization
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.domain.residents.rules import REGISTER_HEADS
from kangqiao.edges.excel.residents import RESIDENTS
from kangqiao.edges.jobs.imports import enter, forget
from kangqiao.kernel.identifiers import id_check_digit

pytestmark = pytest.mark.django_db
TODAY = date(2026, 5, 14)


def citizen(number: int, born: str = "19560321") -> str:
    first = f"440402{born}{number:03d}"
    return first + id_check_digit(first)


def line(number: int = 1, **given: str) -> list[str]:
    said = dict.fromkeys(REGISTER_HEADS, "") | {
        "姓名": f"居民{chr(0x4E00 + number % 500)}",
        "证件号": citizen(number % 999),
    }
    return list((said | given).values())


def excel(rows: Sequence[Sequence[str]], heads: Sequence[str] = REGISTER_HEADS) -> SimpleUploadedFile:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    for row in (heads, *rows):
        page.append([as_text(page, text) for text in row])
    content = io.BytesIO()
    book.save(content)
    return SimpleUploadedFile("a.xlsx", content.getvalue())


def as_text(page: Worksheet, text: str) -> WriteOnlyCell:
    """A cell that is text also where it begins like a formula."""
    cell = WriteOnlyCell(page, text)
    cell.data_type = "s"
    return cell


class Desk(Client):
    """A browser of somebody at a seat."""

    def __init__(self, at: Seat) -> None:
        super().__init__()
        self.seat = at
        self.force_login(User.objects.get(pk=at.user_id))

    def send(self, name: str, *arguments: object, **data: object) -> HttpResponse:
        """A form with its one-time key."""
        key = {"idempotency_key": f"{name}-{time.monotonic_ns()}"}
        return self.post(reverse(name, args=arguments), data | key)  # type: ignore[return-value]


@pytest.fixture
def manager() -> Desk:
    return Desk(seat("centre_manager", centre()))


def upload(client: Desk, rows: Sequence[Sequence[str]]) -> ImportBatch:
    answer = client.send("imports-upload", "residents", table=excel(rows))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return ImportBatch.objects.latest("pk")


def run(batch: ImportBatch, client: Desk) -> int:
    return enter(batch.pk, asdict(client.seat.actor))


def mended(manager: Desk) -> ImportBatch:
    """A batch with a faulty row that was corrected in place."""
    batch = upload(manager, [line(1), line(3, 性别="女"), line(9), line(5, 电话="无")])
    page = manager.get(reverse("imports-batch", args=(batch.pk,))).content.decode()

    assert imports.counts_of(batch) | {"all": 4, "good": 2, "warn": 1, "bad": 1} == imports.counts_of(batch)
    assert "和身份证号里的不一致。" in page
    assert "不像电话号码" in page
    assert Resident.objects.count() == 0

    refused = manager.send("imports-enter", batch.pk)
    assert refused.status_code == 422
    assert "还有 1 行有错" in refused.content.decode()
    row = batch.rows.get(line=3)
    cells = {f"c{number}": text for number, text in enumerate(line(7))}
    listed = manager.post(
        reverse("imports-mend", args=(batch.pk, row.pk)) + "?show=all", cells | {"idempotency_key": "k"},
        follow=True, headers={"HX-Request": "true", "HX-Target": "import-list"},
    )  # fmt: skip
    assert listed.status_code == 200
    assert "<html" not in listed.content.decode()
    assert imports.counts_of(batch)["bad"] == 0

    return batch


def test_batch_is_looked_through_mended_entered_and_taken_back(manager: Desk) -> None:
    batch = mended(manager)
    assert manager.send("imports-enter", batch.pk).status_code == 302
    assert manager.send("imports-mend", batch.pk, batch.rows.earliest("pk").pk).status_code == 409
    assert run(batch, manager) == 4
    people = Resident.objects.order_by("identifier")
    assert [one.centre_id for one in people] == [manager.seat.organization_id] * 4
    assert people[0].birth_date == date(1956, 3, 21)
    assert people[0].keys
    assert Basis.objects.filter(resident__in=people, kind="registered").count() == 4
    assert Notice.objects.get(kind="job").subject == "做完了：导入居民名册"

    used = people[2]
    Consent.objects.create(
        resident=used, decision="permit", purpose="sensitive", organization_id=used.centre_id,
        given_by_id=manager.seat.user_id,
        since=timezone.now(),
    )  # fmt: skip
    assert manager.send("imports-undo", batch.pk).status_code == 302
    assert list(Resident.objects.all()) == [used]
    page = manager.get(reverse("imports-batch", args=(batch.pk,))).content.decode()
    assert "已有授权" in page
    assert manager.send("imports-undo", batch.pk).status_code == 409


def test_rows_of_the_same_identifier_are_told_apart_and_judged_together(manager: Desk) -> None:
    batch = upload(manager, [line(1), line(1)])
    first, second = batch.rows.all()
    assert (first.mark, second.mark) == ("good", "bad")
    assert second.findings == [{"head": "证件号", "code": "twice", "bad": True, "more": {"line": 2}}]

    cells = dict(zip(REGISTER_HEADS, line(3), strict=True))
    by, at = manager.seat.actor, timezone.now()
    imports.mend_row(kind=RESIDENTS, batch_id=batch.pk, row_id=first.pk, cells=cells, by=by, at=at)

    second.refresh_from_db()
    assert second.mark == "good"


def test_killed_worker_goes_on_and_no_row_comes_twice(manager: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PIECE", 2)
    batch = upload(manager, [line(number) for number in (1, 3, 5, 7, 9)])
    manager.send("imports-enter", batch.pk)
    by = manager.seat.actor
    imports.enter_piece(kind=RESIDENTS, batch_id=batch.pk, by=by, at=timezone.now())
    assert Resident.objects.count() == 2

    assert run(batch, manager) == 5
    assert run(batch, manager) == 5
    assert Resident.objects.count() == 5
    assert Notice.objects.filter(kind="job").count() == 1
    assert AuditEvent.objects.filter(action="base.finish_job").count() == 1


def test_row_that_became_wrong_meanwhile_is_left_out_with_its_reason(manager: Desk) -> None:
    batch = upload(manager, [line(1), line(3)])
    manager.send("imports-enter", batch.pk)
    own = manager.seat.organization_id
    Resident.objects.create(name="x", sex="male", birth_date=TODAY, identifier=citizen(3), centre_id=own)

    assert run(batch, manager) == 1
    job = Job.objects.get()
    assert (job.done, job.errors, bool(job.finished_at)) == (1, 1, True)
    file = manager.get(reverse("work-result", args=(job.pk,)))
    rows = list(openpyxl.load_workbook(io.BytesIO(file.content)).active.values)
    assert rows[1][-1] == "证件号：这个证件号已经建档。转入请走变更登记中心。"
    again = manager.send("imports-upload", "residents", table=SimpleUploadedFile("b.xlsx", file.content))
    assert again.status_code == 302
    assert "做完了" not in manager.get(reverse("work-bar", args=(job.pk,))).content.decode()
    assert "下载结果" in manager.get(reverse("work-index")).content.decode()


@pytest.mark.trust("T-FILE-4", "a sheet of many rows, one in forty of them faulty")
@pytest.mark.parametrize("many", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_many_rows_with_one_faulty_in_forty(many: int, manager: Desk, measured: Callable[[str], None]) -> None:
    """The rest comes in only after the person has seen and decided."""
    rows, bad = [], many // 40
    for number in range(many):
        born = (date(1930, 1, 1) + timedelta(days=number)).strftime("%Y%m%d")
        rows.append(line(number, 证件号=citizen(number % 900 + 1, born), 性别="错" if number % 40 == 7 else ""))
    begun = time.monotonic()
    batch = upload(manager, rows)
    read = time.monotonic() - begun
    assert {**imports.counts_of(batch), "bad": bad, "good": many - bad} == imports.counts_of(batch)

    assert manager.send("imports-enter", batch.pk).status_code == 422
    assert manager.send("imports-enter", batch.pk, seen_bad=str(bad - 1)).status_code == 422
    assert Resident.objects.count() == 0
    assert manager.send("imports-enter", batch.pk, seen_bad=str(bad)).status_code == 302
    begun = time.monotonic()
    assert run(batch, manager) == many - bad
    entered = time.monotonic() - begun

    assert Resident.objects.count() == many - bad
    assert len(list(openpyxl.load_workbook(io.BytesIO(Job.objects.get().result)).active.values)) == bad + 1
    measured(
        f"{many} rows looked through in {read:.0f} s, the good entered in {entered:.0f} s, {bad} left out with reasons"
    )


def test_sheet_of_a_batch_comes_in_again_without_change(manager: Desk) -> None:
    rows = [line(1, 电话="0756-1234567"), line(3, 姓名="=1+1", 地址="-路"), line(5, 姓名="䶮·𠮷")]
    first = upload(manager, rows)
    content = manager.get(reverse("imports-sheet", args=(first.pk,))).content
    manager.send("imports-upload", "residents", table=SimpleUploadedFile("b.xlsx", content))
    second = ImportBatch.objects.latest("pk")

    assert second.pk != first.pk
    assert list(first.rows.values_list("line", "cells", "mark")) == list(
        second.rows.values_list("line", "cells", "mark")
    )
    assert manager.get(reverse("imports-sheet", args=(second.pk,))).content[:2] == b"PK"


def test_template_has_drop_downs_text_columns_and_a_guide(manager: Desk) -> None:
    book = openpyxl.load_workbook(io.BytesIO(manager.get(reverse("imports-empty", args=("residents",))).content))
    page, guide = book.worksheets

    assert [cell.value for cell in page[1]] == list(REGISTER_HEADS)
    assert {one.formula1 for one in page.data_validations.dataValidation} == {
        '"男,女,未知"',
        '"职工医保,居民医保,其他,未参保"',
    }
    assert page.column_dimensions["D"].number_format == "@" or page.column_dimensions["D"].style
    assert guide.title == "填写说明"
    assert guide["A5"].value == "证件号"


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (excel([line()], [*REGISTER_HEADS[:-1], "备注"]), "缺这些列：登记中心代码；这些列不认识：备注"),
        (excel([line()], REGISTER_HEADS[:-1]), "缺这些列：登记中心代码"),
        (excel([[*line(), "x"]], [*REGISTER_HEADS, "备注"]), "这些列不认识：备注"),
        (excel([[*line(), "x"]], [*REGISTER_HEADS, "姓名"]), "这些列出现了两次：姓名"),
        (excel([list(REGISTER_HEADS), line()], ["居民名册", "", "", ""]), "第一行不是列名"),
        (excel([line()], [*REGISTER_HEADS[:4], "", *REGISTER_HEADS[5:]]), "空着的列名"),
        (excel([]), "只有列名"),
        (SimpleUploadedFile("a.pdf", b"%PDF-1.7 x"), "这是 PDF"),
        (SimpleUploadedFile("a.csv", "姓名\t性别\n".encode("utf-16")), "不是 Excel 或 CSV"),
    ],
)
def test_bad_file_gets_a_sentence_that_helps(manager: Desk, file: SimpleUploadedFile, sentence: str) -> None:
    file.seek(0)
    answer = manager.send("imports-upload", "residents", table=file)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert ImportBatch.objects.count() == 0


def drawn(row: Sequence[object], joined: str = "", **kinds: str) -> SimpleUploadedFile:
    """A sheet as somebody drew it by hand: formulas, joined cells, errors."""
    book = openpyxl.Workbook()
    page = book.active
    for each in (REGISTER_HEADS, line(1), row):
        page.append(list(each))
    if joined:
        page.merge_cells(joined)
    for cell, kind in kinds.items():
        page[cell].data_type = kind
    content = io.BytesIO()
    book.save(content)
    return SimpleUploadedFile("b.xlsx", content.getvalue())


@pytest.mark.parametrize(
    ("file", "sentence", "mend"),
    [
        (drawn(line(3, 地址=""), "F2:F3"), "合并的单元格（F2:F3），只有第一格有内容", "请取消合并，每一行都填上"),
        (drawn(line(3, 地址='="凤凰路"&1&"号"')), "还没算出结果的公式（F3）", "粘贴为“值”"),
        (drawn(line(3, 地址="#REF!"), F3="e"), "公式出错的单元格（F3）", "请改成要填的内容"),
    ],
)
def test_nothing_is_lost_of_joined_cells_and_formulas(
    manager: Desk, file: SimpleUploadedFile, sentence: str, mend: str
) -> None:
    file.seek(0)
    answer = manager.send("imports-upload", "residents", table=file)

    page = answer.content.decode()
    assert (answer.status_code, ImportBatch.objects.count()) == (422, 0)
    assert sentence in page
    # Said once above the form, once at the file.
    assert page.count(mend) == 2


def test_results_of_formulas_come_in_as_what_they_show(manager: Desk) -> None:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    page = book.add_worksheet()
    page.write_row(0, 0, REGISTER_HEADS)
    page.write_row(1, 0, line(1))
    page.write_formula("F2", '="凤凰路"&1&"号"', None, "凤凰路1号")
    book.close()

    answer = manager.send("imports-upload", "residents", table=SimpleUploadedFile("c.xlsx", content.getvalue()))

    assert answer.status_code == 302, answer.content.decode()[-2000:]
    assert ImportBatch.objects.get().rows.get().cells["地址"] == "凤凰路1号"
    # Excel's own way to write a formula whose result is nothing; a title joined in the first row is told by the heads.
    nothing_lost(b'<c r="E2" s="1" t="str"><f>IF(1,"","")</f><v></v></c><mergeCell ref="A1:H1"/>')


def test_text_in_gb_18030_is_read(manager: Desk) -> None:
    text = "\r\n".join(",".join(row) for row in (REGISTER_HEADS, line(1, 姓名="李桂兰"), line(3, 姓名="䶮·𠮷")))
    answer = manager.send("imports-upload", "residents", table=SimpleUploadedFile("a.csv", text.encode("gb18030")))

    assert answer.status_code == 302
    assert [row.cells["姓名"] for row in ImportBatch.objects.get().rows.all()] == ["李桂兰", "䶮·𠮷"]


def test_manager_reads_in_own_centre_only_and_strangers_see_nothing(manager: Desk) -> None:
    other = centre("c2")
    batch = upload(manager, [line(1, 登记中心代码=other.code)])
    assert [one["code"] for one in batch.rows.get().findings] == ["centre"]

    stranger, gp = Desk(seat("centre_manager", other)), Desk(seat("gp", other))
    assert stranger.get(reverse("imports-batch", args=(batch.pk,))).status_code == 404
    assert stranger.send("imports-drop", batch.pk).status_code == 404
    assert gp.get(reverse("imports-index")).status_code == 403
    assert manager.send("imports-drop", batch.pk).status_code == 302
    assert manager.get(reverse("imports-batch", args=(batch.pk,))).status_code == 404


def test_system_administrator_names_the_centre() -> None:
    bureau = organization("b1", "health_bureau")
    client = Desk(seat(Role.SYSTEM_ADMIN, bureau))
    batch = upload(client, [line(1), line(3, 登记中心代码=centre("c3").code)])

    assert [[one["code"] for one in row.findings] for row in batch.rows.all()] == [["which_centre"], []]


def test_fault_of_ours_is_said_on_the_bar_and_by_the_bell(manager: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = upload(manager, [line(1)])
    manager.send("imports-enter", batch.pk)

    def breaks(**_given: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(imports, "enter_piece", breaks)
    with pytest.raises(ZeroDivisionError):
        run(batch, manager)
    job = Job.objects.get()
    assert "已做完的部分保留着" in job.failure
    assert Notice.objects.get(kind="job").subject.startswith("没有做成")
    assert "没有做成" in manager.get(reverse("work-bar", args=(job.pk,))).content.decode()


def test_words_of_old_batches_and_files_are_forgotten(manager: Desk) -> None:
    batch = upload(manager, [line(1)])
    long_ago = timezone.now() - timedelta(days=31)
    ImportBatch.objects.update(created_at=long_ago)
    Job.objects.create(
        kind="x", label="x", by_id="x", by_name="x", started_at=long_ago, finished_at=long_ago, result=b"x"
    )

    assert forget(0) == 2
    assert batch.rows.count() == 0
    assert Job.objects.get().result is None
