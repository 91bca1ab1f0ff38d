"""What a centre offers: listed with its times, dated, endable, and featured services counted from nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.portal import actions, permissions, queries
from kangqiao.domain.portal.models import CentreService
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.terminology.models import Concept
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> f.World:
    made = f.world()
    today = timezone.localdate()
    Concept.objects.get_or_create(system="specialty", code="rehabilitation", defaults={"zh": "康复科", "en": "Rehab"})
    Agreement.objects.create(
        kind="joint_building", number="1", hospital=made.hospital, centre=made.centre, status="in_force",
        starts_on=today - timedelta(days=900), ends_on=today + timedelta(days=900), policy_ref="x",
    )  # fmt: skip
    return made


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


def offer(w: f.World, zh: str, **more: object) -> CentreService:
    given = {"organization_id": w.centre.pk, "times": "周一上午", "since": f.ON, "by": f.JOB, "at": timezone.now()}
    return actions.offer_service(zh=zh, **{**given, **more})  # type: ignore[arg-type]


@pytest.mark.clause("ZH-3.3e")
def test_exactly_the_nine_active_services_stand_on_the_page_with_their_times(w: f.World) -> None:
    today = timezone.localdate()
    for number in range(9):
        offer(w, f"服务甲{number}", times=f"周一 {number}:15")
    over = offer(w, "停了的")
    actions.change_service(offer_id=over.pk, times="周一", until=today, by=f.JOB, at=timezone.now())
    offer(w, "还没开始的", since=today + timedelta(days=1))
    offer(w, "别的中心的", organization_id=w.other.pk)

    page = signed_in(w.own(w.resident(with_user=True))).get(reverse("portal-centre")).content.decode()

    assert all(f"服务甲{number}" in page and f"周一 {number}:15" in page for number in range(9))
    assert page.count("服务甲") == 9
    assert not any(words in page for words in ("停了的", "还没开始的", "别的中心的"))


@pytest.mark.clause("ZH-3.2.3a")
def test_featured_service_is_registered_with_its_hospital_shown_and_its_visits_counted_from_nothing(w: f.World) -> None:
    manager, one, today = w.seat(Role.CENTRE_MANAGER), w.resident(with_user=True), timezone.localdate()
    seen = {"resident": one, "specialty": "rehabilitation", "origin": "walk_in"}
    Encounter.objects.create(organization=w.centre, started_at=timezone.now() - timedelta(minutes=2), **seen)
    said = {"zh": "中风康复", "times": "周三下午", "since": str(today), "supporter_id": str(w.hospital.pk)}

    sent = signed_in(manager).post(
        reverse("portal-services"), {**said, "specialty": "rehabilitation", "idempotency_key": "k"}
    )

    assert sent.status_code == 302
    phone = signed_in(w.own(one))
    page = phone.get(reverse("portal-centre")).content.decode()
    assert "中风康复" in page
    assert f"{w.hospital.short_zh}支持" in page
    assert "就诊 0 次" in page
    Encounter.objects.create(organization=w.centre, started_at=timezone.now(), **seen)
    Encounter.objects.create(organization=w.other, started_at=timezone.now(), **seen)
    Encounter.objects.create(organization=w.centre, started_at=timezone.now(), **{**seen, "specialty": "tcm"})
    assert "就诊 1 次" in phone.get(reverse("portal-centre")).content.decode()


def test_what_cannot_be_is_refused_with_a_sentence(w: f.World) -> None:
    row = offer(w, "康复")
    with pytest.raises(Taken, match="已有这个名称"):
        offer(w, "康复")
    with pytest.raises(RuleBroken, match="同时写"):
        offer(w, "中医", supporter_id=w.hospital.pk)
    with pytest.raises(RuleBroken, match="没有联建协议"):
        offer(w, "中医", organization_id=w.other.pk, supporter_id=w.hospital.pk, specialty="rehabilitation")
    with pytest.raises(RuleBroken, match="早于开始"):
        actions.change_service(
            offer_id=row.pk, times="x", until=f.ON - timedelta(days=1), by=f.JOB, at=timezone.now()
        )  # fmt: skip
    manager = signed_in(w.seat(Role.CENTRE_MANAGER))
    page = manager.post(
        reverse("portal-services"), {"zh": "康复", "times": "周二", "since": str(f.ON), "idempotency_key": "k"}
    )
    assert page.status_code == 422
    assert "周二" in page.content.decode()


def test_only_the_manager_of_the_centre_says_what_it_offers(w: f.World) -> None:
    row = offer(w, "康复")
    assert permissions.can_offer(w.seat(Role.CENTRE_MANAGER).actor, w.centre.pk)
    for seat in (w.seat(Role.GP), w.seat(Role.CENTRE_MANAGER, w.other), w.own(w.resident(with_user=True))):
        assert not permissions.can_offer(seat.actor, w.centre.pk)
        with pytest.raises(Denied):
            actions.change_service(offer_id=row.pk, times="x", by=seat.actor, at=timezone.now())
        with pytest.raises(NotVisible):
            queries.get_service_offered(seat, row.pk)


def test_page_asks_no_more_for_fifty_services_than_for_one(w: f.World) -> None:
    phone, asks = signed_in(w.own(w.resident(with_user=True))), []
    for count in (1, 50):
        for number in range(count):
            offer(w, f"服务{count}-{number}")
        phone.get(reverse("portal-centre"))
        with CaptureQueriesContext(connection) as found:
            phone.get(reverse("portal-centre"))
        asks.append(len(found))

    assert asks[1] <= asks[0]
