"""How satisfied people are: who is counted, whose words are shown, and until when a service is rated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.portal import actions, queries
from kangqiao.domain.portal.models import Rating
from kangqiao.domain.residents import actions as residents
from kangqiao.kernel.errors import RuleBroken

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


def rated(w: f.World, one: Contract, stars: int, words: str = "") -> Rating:
    item = one.packages.get().items.first()
    service = Service.objects.create(contract=one, item=item, on=f.ON, source=f"encounter:{w.next()}")
    by = w.own(one.resident).actor
    return actions.rate_service(service_id=service.pk, stars=stars, words=words, by=by, at=f.AT)


def test_mean_counts_those_who_left_and_their_words_are_not_shown(w: f.World, signed: Contract) -> None:
    stays = w.signed(signed.team, w.resident(with_user=True))[0]
    rated(w, signed, 1, "等太久")
    rated(w, stays, 5, "很耐心")
    own = w.own(signed.resident)
    residents.refuse_organization(resident_id=signed.resident_id, organization_id=w.centre.pk, by=own.actor, at=f.AT)

    line = queries.ratings_by_team(w.seat(Role.CENTRE_MANAGER), [signed.team])[0]

    assert (line.count, line.mean, line.stars) == (2, 3.0, (1, 0, 0, 0, 1))
    assert [one.words for one in line.words] == ["很耐心"]
    # As the database lets the page read it: 3.0 of two, and the words of who stays.
    gp, browser = w.seat(Role.GP), Client()
    browser.force_login(User.objects.get(pk=gp.user_id))
    browser.get("/")
    page = browser.get(reverse("portal-ratings")).content.decode()
    assert ("3.0" in page, "很耐心" in page, "等太久" in page) == (True, True, False)
    assert queries.ratings_by_team(w.seat(Role.GP, w.other), [signed.team]) == []
    assert queries.ratings_by_team(own, [signed.team]) == []


def test_ratings_of_more_teams_ask_no_more(w: f.World, signed: Contract) -> None:
    seat, teams = w.seat(Role.CENTRE_MANAGER), [signed.team, w.team(), w.team()]
    for _number in range(7):
        rated(w, signed, 4, "好")

    counts = []
    for some in (teams[:1], teams):
        with CaptureQueriesContext(connection) as found:
            lines = queries.ratings_by_team(seat, some)
        counts.append(len(found))

    assert counts[0] == counts[1]
    assert [(one.count, len(one.words)) for one in lines] == [(7, 5), (0, 0), (0, 0)]


def test_service_is_rated_within_the_days_of_the_pack(w: f.World, signed: Contract) -> None:
    item, own = signed.packages.get().items.first(), w.own(signed.resident)
    service = Service.objects.create(contract=signed, item=item, on=f.ON, source="encounter:1")
    last, late = f.ON + timedelta(days=59), f.ON + timedelta(days=60)
    assert queries.to_rate(own, signed.resident, last) == [service]
    assert queries.to_rate(own, signed.resident, late) == []

    with pytest.raises(RuleBroken, match="过了评价的时间"):
        actions.rate_service(service_id=service.pk, stars=4, by=own.actor, at=f.AT + timedelta(days=60))

    assert actions.rate_service(service_id=service.pk, stars=4, by=own.actor, at=f.AT + timedelta(days=59)).pk
