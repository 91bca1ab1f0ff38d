from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.queries import parties_of
from kangqiao.domain.agreements.tests import factories as f

pytestmark = pytest.mark.django_db


def as_user(region: f.Region, code: str, role: str = "") -> Client:
    client = Client()
    client.force_login(f.user(region[code], role, username=f"{code}-{role}"))
    return client


def this_year() -> dict[str, date]:
    today = timezone.localdate()
    return {"starts": today, "ends": today + timedelta(days=365)}


def current(region: f.Region, hospital: str = "people1", centre: str = "xiangwan") -> Agreement:
    return f.signed(region, hospital, centre, at=timezone.now(), **this_year())


def test_list_shows_what_the_seat_may_see_with_counts() -> None:
    region = f.zhuhai()
    current(region)
    f.drafted(region, "people2", "gongbei")

    page = as_user(region, "people1").get(reverse("agreements-list")).content.decode()

    assert "香湾社区卫生服务中心" in page
    assert "拱北社区卫生服务中心" not in page
    assert "生效中 1" in page


def test_list_filters_by_state_and_export_holds_the_same_rows() -> None:
    region = f.zhuhai()
    kept = current(region)
    f.drafted(region, "people2", "gongbei")
    client = as_user(region, "bureau")

    page = client.get(reverse("agreements-list"), {"status": "in_force"}).content.decode()
    answer = client.get(reverse("agreements-list"), {"status": "in_force", "as": "xlsx"})

    assert kept.number in page
    assert "拱北社区卫生服务中心</a>" not in page
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
    assert [row[5] for row in rows[1:]] == [kept.number]
    assert rows[1][4] == "3/3"


def test_detail_shows_parties_duties_and_history() -> None:
    region = f.zhuhai()
    agreement = current(region)

    page = as_user(region, "xiangwan").get(reverse("agreements-detail", args=(agreement.pk,))).content.decode()

    assert "ZH-3.2.1a" in page
    assert "本地设定" in page
    assert "珠海市卫生局" in page
    assert "申请终止" in page


@pytest.mark.parametrize("name", ["agreements-detail", "agreements-paper", "agreements-duties"])
def test_pages_of_a_strangers_agreement_are_not_found(name: str) -> None:
    region = f.zhuhai()
    agreement = current(region)

    assert as_user(region, "people2").get(reverse(name, args=(agreement.pk,))).status_code == 404


@pytest.mark.parametrize("name", ["agreements-list", "agreements-network", "agreements-draft"])
def test_residents_are_refused_and_the_signed_out_sent_to_sign_in(name: str) -> None:
    region = f.zhuhai()

    assert as_user(region, "xiangwan", Role.RESIDENT).get(reverse(name)).status_code == 403
    assert Client().get(reverse(name)).status_code == 302


def test_gp_may_read_but_not_draft_nor_sign() -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan", **this_year())
    client = as_user(region, "xiangwan", Role.GP)

    assert client.get(reverse("agreements-list")).status_code == 200
    assert client.get(reverse("agreements-draft")).status_code == 403
    assert client.post(reverse("agreements-sign", args=(agreement.pk,))).status_code == 403


@pytest.mark.parametrize("name", ["agreements-step", "agreements-sign", "agreements-justify"])
def test_writing_addresses_answer_post_only(name: str) -> None:
    region = f.zhuhai()
    agreement = current(region)

    assert as_user(region, "people1").get(reverse(name, args=(agreement.pk,))).status_code == 405


def test_draft_propose_and_sign_in_the_browser() -> None:
    region = f.zhuhai()
    director = as_user(region, "people1")
    typed = {
        "kind": "joint_building", "hospital": region["people1"].pk, "centre": region["xiangwan"].pk,
        "starts_on": timezone.localdate().isoformat(), "last_day": "", "ways": ["posting"],
    }  # fmt: skip

    assert director.get(reverse("agreements-draft")).status_code == 200
    answer = director.post(reverse("agreements-draft"), {**typed, "idempotency_key": "k1"})
    again = director.post(reverse("agreements-draft"), {**typed, "idempotency_key": "k1"})
    agreement = Agreement.objects.get()
    where = reverse("agreements-detail", args=(agreement.pk,))
    assert (answer.status_code, answer.headers["Location"], again.headers["Location"]) == (302, where, where)
    assert (agreement.last_day.year, agreement.forms) == (timezone.localdate().year + 3, ["posting"]) or (
        agreement.ends_on.year == timezone.localdate().year + 3
    )
    director.post(reverse("agreements-step", args=(agreement.pk,)), {"step": "propose"})
    for client in (director, as_user(region, "xiangwan"), as_user(region, "bureau")):
        client.post(reverse("agreements-sign", args=(agreement.pk,)))

    assert Agreement.objects.get().status == "in_force"
    assert all(party.signed_at for party in parties_of(agreement))


def test_draft_says_why_it_was_refused_and_keeps_what_was_typed() -> None:
    region = f.zhuhai()
    current(region)
    client = as_user(region, "people2")

    answer = client.post(
        reverse("agreements-draft"),
        {
            "kind": "joint_building", "hospital": region["people2"].pk, "centre": region["xiangwan"].pk,
            "starts_on": timezone.localdate().isoformat(), "justification": "想接手",
        },
    )  # fmt: skip

    assert answer.status_code == 422
    assert "已由市人民医院负责" in answer.content.decode()
    assert "想接手" in answer.content.decode()


def test_draft_with_the_last_day_before_the_first_is_refused() -> None:
    region = f.zhuhai()
    today = timezone.localdate()

    answer = as_user(region, "people1").post(
        reverse("agreements-draft"),
        {
            "kind": "joint_building", "hospital": region["people1"].pk, "centre": region["xiangwan"].pk,
            "starts_on": today.isoformat(), "last_day": (today - timedelta(days=2)).isoformat(),
        },
    )  # fmt: skip

    assert answer.status_code == 422
    assert not Agreement.objects.exists()


def test_step_from_the_wrong_state_is_a_conflict_and_an_unknown_one_not_found() -> None:
    region = f.zhuhai()
    agreement = current(region)
    client = as_user(region, "people1")
    address = reverse("agreements-step", args=(agreement.pk,))

    assert client.post(address, {"step": "propose"}).status_code == 409
    assert client.post(address, {"step": "take_effect"}).status_code == 404
    assert client.post(address, {"step": "request_end", "reason": ""}).status_code == 422
    assert client.post(address, {"step": "end", "reason": "x", "handover": "y"}).status_code == 403


def test_end_is_requested_with_a_reason_and_decided_by_the_authority() -> None:
    region = f.zhuhai()
    agreement = current(region)
    address = reverse("agreements-step", args=(agreement.pk,))
    bureau = as_user(region, "bureau")

    as_user(region, "people1").post(address, {"step": "request_end", "reason": "人手不足"})
    page = bureau.get(reverse("agreements-detail", args=(agreement.pk,))).content.decode()
    assert "同意终止" in page
    assert "交接记录" in page
    assert bureau.post(address, {"step": "end", "reason": "同意"}).status_code == 422
    assert bureau.post(address, {"step": "end", "reason": "同意", "handover": "移交市二院"}).status_code == 302

    assert Agreement.objects.get().status == "ended"


def test_sign_by_a_stranger_is_not_found() -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan", **this_year())

    assert as_user(region, "people2").post(reverse("agreements-sign", args=(agreement.pk,))).status_code == 404


def test_paper_lists_parties_and_signatures() -> None:
    region = f.zhuhai()
    agreement = current(region)

    page = as_user(region, "people1").get(reverse("agreements-paper", args=(agreement.pk,))).content.decode()

    assert agreement.number in page
    assert "演示 李明" in page


def test_network_page_draws_every_relation_and_names_the_gaps() -> None:
    region = f.zhuhai()
    for centre in ("xiangwan", "shishan", "hongqi"):
        current(region, "people1", centre)

    page = as_user(region, "bureau").get(reverse("agreements-network")).content.decode()

    assert page.count('<path d="M358') == 3
    assert page.count("<title>联建协管</title>") == 3
    assert "斗门区" in page
    assert "没有登记的社区机构" in page
