"""The pages of the fund: computing, recording, verifying, paying, and what a yuan opens to."""

from __future__ import annotations

import io
import re
from decimal import Decimal

import openpyxl
import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.finance import queries
from kangqiao.domain.finance.models import BudgetFigure, Settlement
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing
from kangqiao.domain.indicators.tests.factories import (
    Network,
    add_hospital,
    add_organization,
    make_network,
    signed_in,
    sit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-01-20 10:00 +0800", tick=False):
        yield


@pytest.fixture
def network() -> Network:
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_hospital(network, "district1", "district")
    add_organization(network, "finance", "finance_bureau", network.city)
    add_pairing(network, "people1", "xiangwan", "xiangzhou", 30_000, half_days=3)
    add_pairing(network, "people1", "shishan", "xiangzhou", 10_000)
    add_pairing(network, "district1", "qianshan", "xiangzhou", 42_000)
    return network


@pytest.fixture
def finance(network: Network) -> Client:
    return signed_in(sit(network.organizations["finance"], "finance_officer"))


def computed(client: Client) -> Settlement:
    assert client.post(reverse("finance-compute"), {"year": "2025"}).status_code == 302
    return Settlement.objects.get()


def test_missing_and_unverified_inputs_are_named_and_the_page_stays(network: Network, finance: Client) -> None:
    missing = finance.post(reverse("finance-compute"), {"year": "2025"})
    assert missing.status_code == 422
    assert "香洲区基本公共卫生服务经费总额（2025年）还没有录入" in missing.content.decode()
    add_fund(network, "xiangzhou", 10_000_000, verified=False)
    unverified = finance.post(reverse("finance-compute"), {"year": "2025"})
    assert unverified.status_code == 422
    assert "还没有核实" in unverified.content.decode()
    assert not Settlement.objects.exists()


def test_figure_is_recorded_with_its_source_and_verified_once(network: Network, finance: Client) -> None:
    inputs = f"{reverse('finance-inputs')}?year=2025"
    what = f"basic_public_health_fund:{network.places['xiangzhou'].pk}:"
    assert finance.post(inputs, {"what": what, "number": "10000000", "source": ""}).status_code == 422
    assert finance.post(inputs, {"what": what, "number": "-1", "source": "决算表"}).status_code == 422
    assert finance.post(inputs, {"what": what, "number": "10000000", "source": "决算表"}).status_code == 302
    figure = BudgetFigure.objects.get(kind="basic_public_health_fund")
    assert (figure.amount_fen, figure.verified_at) == (1_000_000_000, None)
    verify = reverse("finance-verify", args=(figure.pk,))
    assert finance.post(verify).status_code == 302
    again = finance.post(verify)
    assert again.status_code == 409
    assert "已由韩景天于" in again.content.decode()
    computed(finance)


@pytest.mark.clause("ZH-4.2d")
def test_amount_opens_to_formula_inputs_and_clause(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    line = computed(finance).lines.get(centre__code="xiangwan")
    page = finance.get(reverse("finance-line", args=(line.pk,))).content.decode()
    for shown in ("900,000.00", "10,000,000.00", "12%", "30,000", "40,000", "测试用数", "玖拾万元整"):
        assert shown in page
    assert "市财政按辖区基本公共卫生服务经费总额12%标准拨付年度专项补助经费" in page
    assert "文件未规定，此处自设" in page


def test_sum_opens_from_payer_by_rule_to_each_agreement(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    settlement = computed(finance)
    page = finance.get(reverse("finance-settlement", args=(settlement.pk,))).content.decode()
    tree = page.split("这个数怎么来的")[1].split("逐笔")[0]

    assert "辖区经费总额 10,000,000.00 × 12%" in tree
    assert "每人每年补助" in tree
    for line in settlement.lines.all():
        assert reverse("finance-line", args=(line.pk,)) in tree
        assert line.agreement.number in tree
    tops = re.findall(r'class="nv">([\d,.]+)</span><span class="ns">\d+ 份协议', tree)
    assert sum(Decimal(one.replace(",", "")) for one in tops) == Decimal(settlement.total_fen) / 100


def test_district_sees_no_branch_of_another_payer(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    settlement = computed(finance)
    bureau = add_organization(network, "finance-x", "finance_bureau", network.places["xiangzhou"])
    page = signed_in(sit(bureau, "finance_officer")).get(reverse("finance-settlement", args=(settlement.pk,)))

    tree = page.content.decode().split("这个数怎么来的")[1].split("逐笔")[0]
    assert "辖区经费总额" not in tree
    assert tree.count("份协议") == 1


def test_district_amount_shows_its_rate_per_person(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    line = computed(finance).lines.get(centre__code="qianshan")
    page = finance.get(reverse("finance-line", args=(line.pk,))).content.decode()
    assert "42,000 <b>×</b> ¥3" in page
    assert "126,000.00" in page


def test_submit_twice_tells_who_did_it_and_pay_tells_what_is_held(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    settlement = computed(finance)
    early = finance.post(reverse("finance-pay", args=(settlement.pk,)))
    assert early.status_code == 422
    submit = reverse("finance-submit", args=(settlement.pk,))
    assert finance.post(submit).status_code == 302
    again = finance.post(submit)
    assert again.status_code == 409
    assert "已由韩景天于" in again.content.decode()
    held = finance.post(reverse("finance-pay", args=(settlement.pk,)))
    assert held.status_code == 422
    assert "2 笔待考核定案" in held.content.decode()


def test_tiles_count_what_waits(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    settlement = computed(finance)
    seat = seat_of(User.objects.get(username="finance_officer-finance"), None)
    assert queries.to_submit(seat) == (1, settlement.computed_at)
    settlement.lines.filter(payer=network.city).update(status="payable", amount_fen=1, pay_percent=100)
    finance.post(reverse("finance-submit", args=(settlement.pk,)))
    assert queries.to_submit(seat)[0] == 0
    assert queries.to_pay(seat) == (1, settlement.computed_at)


def test_hospital_sees_its_own_lines_and_moves_nothing(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    settlement = computed(finance)
    director = signed_in(sit(network.organizations["people1"], "hospital_director"))
    page = director.get(reverse("finance-settlement", args=(settlement.pk,))).content.decode()
    assert "xiangwan" in page
    assert "qianshan" not in page
    other = settlement.lines.get(centre__code="qianshan")
    assert director.get(reverse("finance-line", args=(other.pk,))).status_code == 404
    assert director.post(reverse("finance-submit", args=(settlement.pk,))).status_code == 403


def test_district_finance_neither_computes_nor_submits_for_the_city(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    settlement = computed(finance)
    bureau = add_organization(network, "finance-x", "finance_bureau", network.places["xiangzhou"])
    district = signed_in(sit(bureau, "finance_officer"))
    assert district.get(reverse("finance-settlement", args=(settlement.pk,))).status_code == 200
    assert district.post(reverse("finance-submit", args=(settlement.pk,))).status_code == 403
    again = district.post(reverse("finance-compute"), {"year": "2025"})
    assert again.status_code == 403
    assert Settlement.objects.get() == settlement
    listed = district.get(reverse("finance-list")).content.decode()
    assert "126,000.00" in listed
    assert "1,326,000.00" not in listed
    assert reverse("finance-compute") not in listed
    far = add_organization(network, "finance-j", "finance_bureau", network.places["jinwan"])
    stranger = signed_in(sit(far, "finance_officer"))
    assert stranger.get(reverse("finance-settlement", args=(settlement.pk,))).status_code == 404


def test_export_is_a_workbook_of_the_lines(network: Network, finance: Client) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    answer = finance.get(reverse("finance-settlement", args=(computed(finance).pk,)), {"as": "xlsx"})

    payers, lines = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets
    rows = list(lines.values)
    assert (payers.title, lines.title) == ("由谁支付", "逐笔")
    assert rows[-1][0] == "合计"
    assert rows[-1][3] == pytest.approx(sum(row[3] for row in rows[1:-1]))
    assert len(rows) > 3


def test_page_asks_the_database_little_however_many_lines(network: Network, finance: Client, asks_at_most) -> None:
    add_fund(network, "xiangzhou", 10_000_000)
    for number in range(8):
        add_pairing(network, "people1", f"more{number}", "jinwan", 1_000)
    settlement = computed(finance)
    with asks_at_most(24):
        finance.get(reverse("finance-settlement", args=(settlement.pk,)))
