"""Pages of emergencies at schools: the school's, the centre's, and the hospital's desk."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.referral.models import SchoolCase
from kangqiao.domain.referral.tests import factories as f
from kangqiao.domain.referral.tests.test_schools import NUMBER, School, made

pytestmark = pytest.mark.django_db


@pytest.fixture
def s() -> School:
    return made(f.cast())


def _user(seat: Seat) -> User:
    return User.objects.get(pk=seat.user_id)


def test_school_reports_from_its_page_once_and_keeps_its_words(s: School, client: Client) -> None:
    client.force_login(_user(s.seat))
    first = client.get("/referrals/school/new/").content.decode()
    assert "拨 120" in first
    assert "演示第1小学" in first
    body = {
        "community_id": s.place.pk, "identifier": NUMBER, "contact": "演示王", "contact_phone": "12", "what": "摔倒",
        "happened_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}", "consciousness": "awake", "breathing": "normal",
        "signs": ["injury"], "idempotency_key": "k1",
    }  # fmt: skip
    bad = client.post("/referrals/school/new/", body)
    assert bad.status_code == 422
    assert "不像电话号码" in bad.content.decode()
    assert NUMBER in bad.content.decode()
    body |= {"contact_phone": "13800001111", "idempotency_key": "k2"}
    sent, again = client.post("/referrals/school/new/", body), client.post("/referrals/school/new/", body)
    case = SchoolCase.objects.get()
    assert sent.status_code == again.status_code == 302
    assert sent["Location"] == f"/referrals/school/{case.pk}/"
    other = client.post("/referrals/school/new/", body | {"what": "晕倒", "idempotency_key": "k3"})
    assert other.status_code == 409
    assert "已经报过" in other.content.decode()
    assert "晕倒" in other.content.decode()
    assert "已报给" in client.get("/referrals/school/").content.decode()


def test_centre_sends_on_from_its_page_and_the_hospital_reads_the_report(s: School, client: Client) -> None:
    case = s.report()
    client.force_login(_user(s.c.gp))
    home = client.get("/").content.decode()
    assert "校园急诊" in home
    assert "已等" in home
    page = client.get(f"/referrals/school/{case.pk}/forward/").content.decode()
    assert "随单子一起送的" in page
    assert "没有绿色通道" not in page
    to = {"to_organization_id": s.c.hospital.pk, "specialty": "paediatrics", "diagnosis": "外伤", "student": "演示小明"}
    bad = client.post(f"/referrals/school/{case.pk}/forward/", to | {"idempotency_key": "k4"})
    assert bad.status_code == 422
    assert "性别和出生日期" in bad.content.decode()
    done = client.post(f"/referrals/school/{case.pk}/forward/", to | {"identifier": NUMBER, "idempotency_key": "k5"})
    case.refresh_from_db()
    assert done.status_code == 302
    assert case.status == "forwarded"
    client.force_login(_user(s.c.desk))
    desk = client.get(f"/referrals/desk/?open={case.referral_id}").content.decode()
    assert "演示第1小学" in desk
    assert "第一眼看到的" in desk
    assert "13800001111" in desk
    client.force_login(_user(s.seat))
    assert "等医院接收" in client.get(f"/referrals/school/{case.pk}/").content.decode()
    assert client.get(f"/referrals/{case.referral_id}/").status_code in (403, 404)
