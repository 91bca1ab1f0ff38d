"""What a resident reaches from the first page, for themselves and for a child."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident

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


@pytest.mark.clause("FT18-2.6e")
def test_six_functions_work_for_oneself_and_for_a_child() -> None:
    w, now = f.world(), timezone.now()
    team, parent, child = w.team(), w.resident(with_user=True), w.resident(date(2020, 1, 1))
    w.signed(team, parent, child, at=now)
    residents.grant_basis(
        resident_id=child.pk, kind=Basis.Kind.GUARDIAN, source="test", since=now, user_id=parent.user_id, by=f.JOB,
        at=now,
    )  # fmt: skip
    browser = signed_in(parent)

    for query in ("", f"?resident={child.pk}"):
        answers = {name: browser.get(reverse(name) + query).status_code for name in SIX}
        assert set(answers.values()) == {200}, answers
    home = {"systolic": "138", "diastolic": "86", "taken_at": f"{timezone.localtime(now):%Y-%m-%dT%H:%M}"}
    for who in ({}, {"resident": str(child.pk)}):
        assert browser.post(reverse("records-mine"), home | who).status_code == 302
    for query, who in (("", parent), (f"?resident={child.pk}", child)):
        assert browser.post(reverse("portal-mine") + query, {"text": "咳嗽三天了"}).status_code == 302
        assert Enquiry.objects.filter(resident=who).count() == 1
    # A child of strangers is not reached.
    other = w.resident(date(2020, 1, 1))
    assert browser.get(reverse("portal-mine") + f"?resident={other.pk}").status_code == 404
