from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from kangqiao.domain.agreements import queries
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.tests import factories as f
from kangqiao.edges.jobs.agreements import terms
from kangqiao.edges.network.drawing import drawing

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)


def test_duty_page_shows_the_figures_of_today_and_takes_the_reason() -> None:
    region = f.shenzhen()
    agreement = f.signed(region, "sz1", "c1", kind="pairing", at=AT, starts=date(2026, 5, 1), ends=date(2029, 5, 1))
    client = Client()
    client.force_login(f.user(region["sz1"]))
    address = reverse("agreements-duties", args=(agreement.pk,))

    page = client.get(address).content.decode()
    client.post(reverse("agreements-justify", args=(agreement.pk,)), {"reason": "新院区刚开"})
    later = client.get(address).content.decode()
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "现有 1，要求 10。" in page
    assert "记下说明" in page
    assert "医院说明：新院区刚开" in later
    assert "记下说明" not in later
    assert "<html" not in part


def test_hourly_job_moves_terms_and_counts_them() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan", starts=date(2013, 3, 1), ends=date(2014, 3, 1))
    assert agreement.status == "in_force"

    assert terms(0) == {"in_force": 0, "lapsed": 1}
    assert terms(0) == {"in_force": 0, "lapsed": 0}
    assert Agreement.objects.get().status == "lapsed"


@pytest.mark.clause("ZH-0b")
def test_drawing_leads_each_hospital_to_its_centres() -> None:
    region = f.zhuhai()
    for centre in ("xiangwan", "shishan", "hongqi"):
        f.signed(region, "people1", centre)
    f.signed(region, "people2", "gongbei")

    drawn = drawing(queries.network(f.seat(region["bureau"]), f.STARTS))

    (first, second), (*three, fourth) = drawn.hospitals, drawn.lines
    assert [(line.y1, line.kind) for line in three] == [(first.y, "联建协管")] * 3
    assert fourth.y1 == second.y
    assert [line.y2 for line in drawn.lines] == [node.y for node in drawn.centres]
    assert all(node.y + 14 <= drawn.height for node in drawn.centres)


def test_scope_page_names_the_hospital_without_an_agreement() -> None:
    region = f.shenzhen()
    client = Client()
    client.force_login(f.user(region["authority"]))

    page = client.get(reverse("agreements-network")).content.decode()

    assert "市第一医院" in page
    assert "没有签署的协议" in page
    assert "举办医院</td>" not in page
