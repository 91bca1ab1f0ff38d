"""What a resident reaches from the first page, for themselves and for a child."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions as followup
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.tests.factories import no_priority
from kangqiao.domain.terminology.models import Concept

pytestmark = pytest.mark.django_db
# Contract, record and what is measured at home, booking, chat, guidance.
SIX = ("contracting-mine", "records-mine", "slots-find", "portal-mine", "followup-mine")


def signed_in(resident: Resident) -> Client:
    assert resident.user is not None
    browser = Client()
    browser.force_login(resident.user)
    return browser


@pytest.mark.clause("XH23-5.4.4e")
def test_booking_record_contract_and_consultation_are_one_step_from_the_first_page() -> None:
    w = f.world()
    resident = w.signed(w.team(), w.resident(with_user=True))[0].resident

    page = signed_in(resident).get("/").content.decode()

    for name in SIX:
        assert f'href="{reverse(name)}"' in page, name


def slot_at(w: f.World, now: datetime) -> Slot:
    """A place at the centre in some days."""
    Concept.objects.get_or_create(system="specialty", code="cardiology", defaults={"zh": "心内科", "en": "Cardiology"})
    starts = timezone.localtime(now + timedelta(days=3)).replace(hour=9, minute=0)
    made = scheduling.open_session(
        organization_id=w.centre.pk, practitioner_id=w.person("gp").pk, specialty="cardiology",
        kind=Session.Kind.POSTED_EXPERT, starts_at=starts, ends_at=starts + timedelta(hours=3), source="half_day:1",
        parameters=no_priority(), by=f.JOB, at=now,
    )  # fmt: skip
    return Slot.objects.filter(session=made).earliest("starts_at")


@pytest.mark.clause("FT18-2.6e")
def test_six_functions_work_for_oneself_and_for_a_child() -> None:
    w, now = f.world(), timezone.now()
    team, parent, child = w.team(), w.resident(with_user=True), w.resident(date(2020, 1, 1))
    own, childs = w.signed(team, parent, child, at=now)
    residents.grant_basis(
        resident_id=child.pk, kind=Basis.Kind.GUARDIAN, source="test", since=now, user_id=parent.user_id, by=f.JOB,
        at=now,
    )  # fmt: skip
    for held, goals in ((own, "每天走路半小时"), (childs, "少吃甜的")):
        followup.assess(contract_id=held.pk, goals=goals, by=f.JOB, at=now)
    slot = slot_at(w, now)
    browser, query = signed_in(parent), f"?resident={child.pk}"

    def page(name: str, query: str = "") -> str:
        found = browser.get(reverse(name) + query)
        assert found.status_code == 200, name
        return found.content.decode()

    taken = f"{timezone.localtime(now):%Y-%m-%dT%H:%M}"
    for who, systolic in (({}, "138"), ({"resident": str(child.pk)}, "97")):
        home = {"systolic": systolic, "diastolic": "66", "taken_at": taken}
        assert browser.post(reverse("records-mine"), home | who).status_code == 302
    for where, who, text in (("", parent, "我咳嗽三天了"), (query, child, "孩子咳嗽三天了")):
        assert browser.post(reverse("portal-mine") + where, {"text": text}).status_code == 302
        assert Enquiry.objects.filter(resident=who).count() == 1
    assert browser.post(reverse("slots-book", args=(slot.pk,)), {"resident": child.pk}).status_code == 302
    assert Booking.objects.get().resident == child
    for name in SIX:
        page(name)
        assert child.name in page(name, query), name
    told = {"records-mine": ("收缩压 138 mmHg", "收缩压 97 mmHg"), "portal-mine": ("我咳嗽三天了", "孩子咳嗽三天了"),
            "followup-mine": ("每天走路半小时", "少吃甜的")}  # fmt: skip
    for name, (of_parent, of_child) in told.items():
        assert of_parent in page(name), name
        assert of_child not in page(name), name
        assert of_child in page(name, query), name
        assert of_parent not in page(name, query), name
    other = w.resident(date(2020, 1, 1))
    for name in SIX:
        assert browser.get(reverse(name) + f"?resident={other.pk}").status_code == 404, name
