"""The pages of the yearly list: each side does its part, nobody the other's."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.indicators.tests.factories import signed_in, sit
from kangqiao.domain.publication import queries
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.tests.factories import Region

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2016-02-01 10:00 +0800", tick=False):
        yield


@pytest.fixture
def region() -> Region:
    return Region()


@pytest.fixture
def guide(region: Region) -> Client:
    return signed_in(sit(region.office, "guidance_office", "江半夏"))


@pytest.fixture
def officer(region: Region) -> Client:
    return signed_in(sit(region.bureau, "bureau_officer", "韩景天"))


def seat(role: str, code: str):
    return seat_of(User.objects.get(username=f"{role}-{code}"), None)


def drafted(guide: Client) -> Publication:
    assert guide.post(reverse("publication-draft"), {"year": "2016"}).status_code == 302
    return Publication.objects.get()


def move(client: Client, publication: Publication, step: str, **typed: str) -> int:
    return client.post(reverse("publication-step", args=(publication.pk,)), {"step": step, **typed}).status_code


@pytest.mark.clause("SZ16-4.3b")
def test_list_goes_from_draft_over_return_and_approval_to_the_public(guide: Client, officer: Client) -> None:
    one = drafted(guide)
    assert "还剩 28 天" in guide.get(reverse("publication-detail", args=(one.pk,))).content.decode()
    assert queries.to_prepare(seat("guidance_office", "office"))[0] == 1
    assert move(guide, one, "submit") == 302
    assert queries.to_approve(seat("bureau_officer", "bureau"))[0] == 1
    assert move(officer, one, "return") == 422
    assert move(officer, one, "return", reason="缺一个中心") == 302
    assert "缺一个中心" in guide.get(reverse("publication-detail", args=(one.pk,))).content.decode()
    for client, step in ((guide, "submit"), (officer, "approve"), (guide, "publish")):
        assert move(client, one, step) == 302
    one.refresh_from_db()
    assert (one.status, one.days_late) == ("published", 0)
    assert move(guide, one, "publish") == 409


def test_publishing_without_approval_is_refused_with_the_reason(guide: Client) -> None:
    one = drafted(guide)
    answer = guide.post(reverse("publication-step", args=(one.pk,)), {"step": "publish"})
    assert answer.status_code == 422
    assert "还没有经卫生行政部门批准" in answer.content.decode()


def test_hospital_does_not_approve_and_bureau_does_not_draft(guide: Client, officer: Client) -> None:
    one = drafted(guide)
    move(guide, one, "submit")
    assert move(guide, one, "approve") == 403
    assert officer.post(reverse("publication-draft"), {"year": "2016"}).status_code == 403


def test_stranger_hospital_finds_no_draft_and_unknown_step_is_not_found(region: Region, guide: Client) -> None:
    one = drafted(guide)
    stranger = signed_in(sit(region.other, "guidance_office"))
    assert stranger.get(reverse("publication-detail", args=(one.pk,))).status_code == 404
    assert move(stranger, one, "submit") == 404
    assert move(guide, one, "delete") == 404


def test_owing_hospitals_are_named_to_the_bureau_until_they_begin(guide: Client, officer: Client) -> None:
    page = f"{reverse('publication-list')}?year=2016"
    assert "还没有开始准备：" in officer.get(page).content.decode()
    drafted(guide)
    assert "还没有开始准备：" not in officer.get(page).content.decode()


def test_gp_may_not_open_the_lists(region: Region) -> None:
    gp = signed_in(sit(region.hospital, "gp"))
    assert gp.get(reverse("publication-list")).status_code == 403


def test_list_asks_the_database_little(guide: Client, asks_at_most) -> None:
    drafted(guide)
    with asks_at_most(20):
        guide.get(reverse("publication-list"))
