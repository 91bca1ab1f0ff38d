"""The list of a place comes in as a table: looked through, entered, recognised by number, taken back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from kangqiao.base import imports
from kangqiao.base.models import ImportBatch
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.contracting import actions, queries, rules
from kangqiao.domain.contracting.models import Affiliation, Community
from kangqiao.domain.contracting.rules import ROLL_HEADS
from kangqiao.domain.contracting.tests.factories import JOB
from kangqiao.domain.institutions.tests.factories import centre
from kangqiao.domain.residents.actions import register_resident
from kangqiao.edges.excel.roll import ROLL
from kangqiao.edges.excel.tests.test_imports import Desk, citizen, excel
from kangqiao.edges.jobs.imports import enter

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def manager() -> Desk:
    return Desk(seat("centre_manager", centre()))


@pytest.fixture
def school(manager: Desk) -> Community:
    house = manager.seat.organization_id
    return actions.add_community(organization_id=house, kind="school", zh="演示小学", by=JOB, at=NOW)


def line(number: int, **given: str) -> list[str]:
    said = dict.fromkeys(ROLL_HEADS, "") | {
        "单位": "演示小学",
        "姓名": "演示学生",
        "证件号": citizen(number, "20180321"),
    }
    return list((said | given).values())


def upload(manager: Desk, *rows: list[str]) -> ImportBatch:
    answer = manager.send("imports-upload", "roll", table=excel(rows, ROLL_HEADS))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return ImportBatch.objects.latest("pk")


def entered(manager: Desk, batch: ImportBatch) -> int:
    manager.send("imports-enter", batch.pk, seen_bad=imports.counts_of(batch)["bad"])
    return enter(batch.pk, asdict(manager.seat.actor))


@pytest.mark.clause("FT18-2.3b")
def test_students_come_in_as_a_table_and_those_registered_are_recognised(manager: Desk, school: Community) -> None:
    register_resident(
        name="演示学生", sex="female", birth_date=date(2018, 3, 21), identifier=citizen(1, "20180321"),
        centre_id=manager.seat.organization_id, by=JOB, at=NOW,
    )  # fmt: skip
    batch = upload(manager, line(1), line(2, 开始日期="2025/9/1", 离开日期="2031年7月1日"), line(3))

    assert entered(manager, batch) == 3

    (found,) = queries.reached([school], timezone.localdate())
    assert (found.listed, found.recorded, found.unrecorded) == (3, 1, 2)
    row = Affiliation.objects.get(identifier=citizen(2, "20180321"))
    assert (row.starts_on, row.ends_on) == (date(2025, 9, 1), date(2031, 7, 1))

    again = upload(manager, line(1), line(4))
    assert imports.counts_of(again)["bad"] == 1
    page = manager.get(reverse("imports-batch", args=(again.pk,))).content.decode()
    assert "这个人已经在这个单位的名册上。" in page

    manager.send("imports-undo", batch.pk)
    assert Affiliation.objects.count() == 0


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"单位": "别处"}, "本中心没有登记这个单位"),
        ({"单位": ""}, "这里必须填写。"),
        ({"姓名": ""}, "这里必须填写。"),
        ({"证件号": "4.40402E+17"}, "科学计数"),
        ({"证件号": "440402201803210000"}, "校验位不对"),
        ({"开始日期": "去年九月"}, "日期认不出来"),
        ({"开始日期": "2025-13-01"}, "日期认不出来"),
        ({"开始日期": "2025-09-01", "离开日期": "2025-09-01"}, "离开日期要在开始日期之后。"),
    ],
)
def test_bad_line_says_what_is_wrong_and_enters_nothing(
    manager: Desk, school: Community, cells: dict[str, str], said: str
) -> None:
    batch = upload(manager, line(1, **cells), line(2))

    page = manager.get(reverse("imports-batch", args=(batch.pk,))).content.decode()

    assert said in page
    assert imports.counts_of(batch)["bad"] == 1
    assert entered(manager, batch) == 1
    assert school.people.count() == 1


def test_same_person_twice_in_a_table_and_a_csv(manager: Desk, school: Community) -> None:
    text = "\n".join(",".join(row) for row in (list(ROLL_HEADS), line(1), line(1)))

    manager.send("imports-upload", "roll", table=SimpleUploadedFile("a.csv", text.encode("gb18030")))

    batch = ImportBatch.objects.latest("pk")
    page = manager.get(reverse("imports-batch", args=(batch.pk,))).content.decode()
    assert "和第 2 行的证件号相同。在两个单位的，请分两次上传。" in page


def test_only_the_manager_of_a_centre_reads_in_lists() -> None:
    assert ROLL.roles == ("centre_manager",)
    assert Desk(seat("gp", centre("g"))).get(reverse("imports-upload", args=("roll",))).status_code == 403
    assert [column.head for column in ROLL.columns] == list(rules.ROLL_HEADS)
