"""The pages of appraisals: who opens, who scores, who only reads."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kangqiao.domain.appraisal import queries
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.indicators.tests.factories import (
    Network,
    add_hospital,
    add_organization,
    add_pairing,
    make_network,
    signed_in,
    sit,
)
from kangqiao.domain.institutions.models import Place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-01-20 10:00 +0800", tick=False):
        yield


@pytest.fixture
def network() -> Network:
    network = make_network()
    for code, centre in (("people1", "xiangwan"), ("people2", "gongbei")):
        add_hospital(network, code, "municipal")
        add_pairing(network, code, centre, "xiangzhou", half_days=3)
    add_hospital(network, "unbound", "municipal")
    return network


@pytest.mark.clause("ZH-4.7a")
def test_city_bureau_opens_the_year_for_its_responsible_hospitals_and_scores_one(network: Network) -> None:
    seat = sit(network.organizations["bureau"], "bureau_officer")
    client = signed_in(seat)
    assert "为 2 家医院开启考核" in client.get(reverse("appraisal-list")).content.decode()
    assert client.post(reverse("appraisal-open"), {"year": "2025"}).status_code == 302
    assert set(Appraisal.objects.values_list("subject__code", flat=True)) == {"people1", "people2"}
    assert queries.to_score(seat)[0] == 2
    one = Appraisal.objects.get(subject__code="people1")
    assert client.post(reverse("appraisal-score", args=(one.pk,))).status_code == 302
    page = client.get(reverse("appraisal-detail", args=(one.pk,))).content.decode()
    assert reverse("indicators-report", args=(one.items.first().report_id,)) in page
    assert "权重自设" in page
    assert (queries.to_score(seat)[0], queries.to_close(seat)[0]) == (1, 1)


def test_opening_twice_says_there_is_nothing_to_open(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    client.post(reverse("appraisal-open"), {"year": "2025"})
    again = client.post(reverse("appraisal-open"), {"year": "2025"})
    assert again.status_code == 422
    assert "没有需要开启的考核" in again.content.decode()


def test_same_form_sent_twice_scores_once(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    sent = {"year": "2025", "idempotency_key": "one-key"}
    first = client.post(reverse("appraisal-open"), sent)
    assert client.post(reverse("appraisal-open"), sent).headers["Location"] == first.headers["Location"]


def test_district_bureau_neither_opens_nor_scores(network: Network) -> None:
    city = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    city.post(reverse("appraisal-open"), {"year": "2025"})
    bureau = add_organization(network, "district", "health_bureau", network.places["xiangzhou"])
    district = signed_in(sit(bureau, "bureau_officer"))
    one = Appraisal.objects.first()
    assert district.get(reverse("appraisal-detail", args=(one.pk,))).status_code == 200
    assert district.post(reverse("appraisal-score", args=(one.pk,))).status_code == 403
    assert district.post(reverse("appraisal-open"), {"year": "2026"}).status_code == 403


def test_hospital_reads_its_own_and_may_not_score(network: Network) -> None:
    signed_in(sit(network.organizations["bureau"], "bureau_officer")).post(reverse("appraisal-open"), {"year": "2025"})
    director = signed_in(sit(network.organizations["people1"], "hospital_director"))
    own, other = (Appraisal.objects.get(subject__code=code) for code in ("people1", "people2"))
    assert director.get(reverse("appraisal-detail", args=(own.pk,))).status_code == 200
    assert director.get(reverse("appraisal-detail", args=(other.pk,))).status_code == 404
    assert director.post(reverse("appraisal-score", args=(own.pk,))).status_code == 403


def test_stranger_finds_no_appraisal(network: Network) -> None:
    signed_in(sit(network.organizations["bureau"], "bureau_officer")).post(reverse("appraisal-open"), {"year": "2025"})
    other = add_organization(network, "sz", "health_bureau", Place.objects.create(code="4403", zh="深圳市"))
    stranger = signed_in(sit(other, "bureau_officer"))
    assert stranger.get(reverse("appraisal-detail", args=(Appraisal.objects.first().pk,))).status_code == 404


def test_list_asks_the_database_the_same_however_many_hospitals(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    client.post(reverse("appraisal-open"), {"year": "2025"})
    client.get(reverse("appraisal-list"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("appraisal-list"))
    for number in range(4):
        add_hospital(network, f"more{number}", "municipal")
        add_pairing(network, f"more{number}", f"centre{number}", "xiangzhou")
    client.post(reverse("appraisal-open"), {"year": "2025"})
    client.get(reverse("appraisal-list"))
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("appraisal-list"))
    assert len(many) == len(few)
