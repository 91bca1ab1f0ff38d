"""A list of institutions comes in: what is impossible is left out with its reason, what is odd is shown first."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kangqiao.base import imports
from kangqiao.base.models import ImportBatch, ImportRow
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.rules import COLUMNS
from kangqiao.domain.institutions.tests.factories import organization, place
from kangqiao.edges.excel.tests.test_imports import Desk, excel, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper() -> Desk:
    """The system administrator of a place."""
    place("440402", "香洲区", place())
    return Desk(seat(Role.SYSTEM_ADMIN, organization("b1", "health_bureau")))


def line(code: str, name: str = "", **more: str) -> list[str]:
    """One right row, with cells changed by their head."""
    row = {"代码": code, "名称": name or code, "种类": "医院", "地区代码": "440402", "级别": "三级", "举办": "市属"}
    return [(row | more).get(head, "") for head in COLUMNS]


def read(keeper: Desk, file: SimpleUploadedFile) -> ImportBatch:
    assert keeper.send("imports-upload", "institutions", table=file).status_code == 302
    return ImportBatch.objects.latest("pk")


def entered(keeper: Desk, *rows: list[str], **sure: Any) -> int:
    """How many of these rows enter."""
    batch = read(keeper, excel(rows, COLUMNS))
    assert keeper.send("imports-enter", batch.pk, **sure).status_code == 302
    return run(batch, keeper)


def test_right_list_is_entered_as_it_stands_and_taken_back(keeper: Desk) -> None:
    odd = "𠮷田䶮⿰亻尔·买买提" + "很长的名字" * 8

    many = entered(
        keeper, line("w1", odd, 简称="𠮷院", 服务人口="120,000", 开办日期="1951-10-01"),
        line("w2", "二院", 上级机构代码="w1"),
    )  # fmt: skip

    first, second = Organization.objects.get(code="w1"), Organization.objects.get(code="w2")
    assert many == 2
    assert first.zh == odd
    assert (first.population_served, str(first.opened_on), first.level) == (120_000, "1951-10-01", 3)
    assert second.part_of == first
    assert keeper.send("imports-undo", ImportBatch.objects.get().pk).status_code == 302
    assert not Organization.objects.filter(code__in=("w1", "w2")).exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_of_both_encodings_is_read(keeper: Desk, encoding: str) -> None:
    text = "\n".join(",".join(row) for row in (COLUMNS, line("w1", "𠮷䶮医院")))

    batch = read(keeper, SimpleUploadedFile("a.csv", text.encode(encoding)))

    assert batch.rows.get().cells["名称"] == "𠮷䶮医院"


@pytest.mark.trust("T-VAL")
@pytest.mark.parametrize(
    ("row", "said"),
    [
        (line("w1", 服务人口="-1"), "不可能是这个数"),
        (line("w1", 服务人口="9000000"), "不可能是这个数"),
        (line("w1", 服务人口="十二万"), "写法不对"),
        (line("w1", 开办日期="2021-02-31"), "写法不对"),
        (line("w1", 开办日期="1790-01-01"), "不可能是这个数"),
        (line("w1", 级别="四级"), "没有这个代码或名称"),
        (line("w1", 种类="饭店"), "没有这个代码或名称"),
        (line("w1", 地区代码="999999"), "没有这个代码或名称"),
        (line("w1", 电话="call me"), "写法不对"),
        (line("w1", "名\u202e字"), "看不见的符号"),
        (line("w1", "长" * 121), "太长"),
        (line("W 1"), "写法不对"),
        (line("", "无代码"), "没有填"),
        (line("w1", "长" * 41), "没有填"),
        (line("b1"), "已经登记"),
        (line("w1", 上级机构代码="nobody"), "没有这个代码或名称"),
    ],
)
def test_impossible_line_is_left_out_only_after_it_was_seen(keeper: Desk, row: list[str], said: str) -> None:
    batch = read(keeper, excel([line("right"), row], COLUMNS))
    page = keeper.get(f"/imports/batch/{batch.pk}/?show=all").content.decode()

    assert said in page
    assert keeper.send("imports-enter", batch.pk).status_code == 422
    assert keeper.send("imports-enter", batch.pk, seen_bad="1").status_code == 302
    assert run(batch, keeper) == 1
    assert Organization.objects.filter(code="right").exists()
    assert not Organization.objects.filter(code="w1").exists()


@pytest.mark.trust("T-VAL")
@pytest.mark.parametrize("cells", [{"服务人口": "12"}, {"服务人口": "900000"}, {"开办日期": "1890-05-01"}])
def test_unusual_line_is_marked_before_it_enters(keeper: Desk, cells: dict[str, str]) -> None:
    batch = read(keeper, excel([line("w1", **cells)], COLUMNS))

    page = keeper.get(f"/imports/batch/{batch.pk}/?show=all").content.decode()

    assert batch.rows.get().mark == "warn"
    assert "少见，请核对" in page
    assert keeper.send("imports-enter", batch.pk).status_code == 302
    assert run(batch, keeper) == 1


def test_part_of_a_line_that_is_left_out_is_left_out_too(keeper: Desk) -> None:
    many = entered(keeper, line("w1", 级别="四级"), line("w2", 上级机构代码="w1"), line("w3"), seen_bad="1")

    assert many == 1
    assert not Organization.objects.filter(code="w2").exists()


def test_a_part_far_from_what_it_is_part_of_enters_with_it(keeper: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PIECE", 2)

    many = entered(keeper, line("w1", 上级机构代码="w9"), line("w2"), line("w3"), line("w9"))

    assert many == 4
    assert Organization.objects.get(code="w1").part_of == Organization.objects.get(code="w9")


def test_mending_one_row_judges_those_that_name_it(keeper: Desk) -> None:
    batch = read(keeper, excel([line("w1", 电话="无", 上级机构代码="w9"), line("w9")], COLUMNS))
    child, parent = batch.rows.all()
    assert (child.mark, parent.mark) == ("bad", "good")

    def mend(row: ImportRow, cells: list[str]) -> list[str]:
        keeper.send("imports-mend", batch.pk, row.pk, **{f"c{number}": text for number, text in enumerate(cells)})
        return list(batch.rows.order_by("line").values_list("mark", flat=True))

    assert mend(child, line("w1", 上级机构代码="w9")) == ["good", "good"]
    assert mend(parent, line("w8")) == ["bad", "good"]
    assert mend(parent, line("w9")) == ["good", "good"]
