"""Plans under a new contract, reviews that come due, and both languages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions, queries
from kangqiao.domain.followup.models import CarePlan
from kangqiao.kernel.errors import AlreadyMoved

pytestmark = pytest.mark.django_db
YEAR, NEW_TERM = date(2027, 3, 2), f.AT + timedelta(days=365)


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


def signed_in(seat: Seat, language: str) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.cookies["kq-language"] = language
    browser.get("/")
    return browser


def test_plan_goes_on_under_the_renewed_contract_with_what_was_done_in_either_term(
    w: f.World, signed: Contract
) -> None:
    plan = actions.assess(contract_id=signed.pk, by=w.seat(Role.GP).actor, at=f.AT + timedelta(days=330))
    new = contracting.renew_contract(
        contract_id=signed.pk, way="paper", where="home", signed_by=signed.resident.name, filed_as="2", by=f.JOB,
        at=f.AT + timedelta(days=340),
    )[0]  # fmt: skip
    check = signed.packages.get().items.get(act="check_up")
    Service.objects.create(contract=signed, item=check, on=YEAR - timedelta(days=1), source="encounter:1")
    contracting.begin_due(on=YEAR, by=f.JOB, at=NEW_TERM)

    assert actions.follow_services(by=f.JOB, at=NEW_TERM) == {"done": 1, "closed": 0}

    plan.refresh_from_db()
    assert (plan.status, plan.contract) == ("running", new)
    assert queries.plan_of(w.seat(Role.GP), signed.resident_id) == plan
    Service.objects.create(contract=new, item=check, on=YEAR + timedelta(days=300), source="encounter:2")
    assert actions.follow_services(by=f.JOB, at=NEW_TERM + timedelta(days=301)) == {"done": 1, "closed": 0}


def test_plan_ends_where_another_team_has_the_contract_now(w: f.World, signed: Contract) -> None:
    plan = actions.assess(contract_id=signed.pk, by=w.seat(Role.GP).actor, at=f.AT)
    own = w.own(signed.resident).actor
    contracting.end_contract(contract_id=signed.pk, why="wish", reason="搬家", by=own, at=f.AT)
    w.signed(w.team(), signed.resident, at=f.AT + timedelta(days=2))

    assert actions.follow_services(by=f.JOB, at=f.AT + timedelta(days=3)) == {"done": 0, "closed": 1}

    plan.refresh_from_db()
    assert (plan.status, plan.contract) == ("closed", signed)


def test_item_of_a_plan_that_was_replaced_says_by_whom(w: f.World, signed: Contract) -> None:
    gp = w.seat(Role.GP).actor
    item = actions.assess(contract_id=signed.pk, by=gp, at=f.AT).items.first()
    assert item is not None
    actions.assess(contract_id=signed.pk, by=gp, at=f.AT + timedelta(days=1))

    with pytest.raises(AlreadyMoved, match=gp.name):
        actions.finish_item(item_id=item.pk, by=gp, at=f.AT + timedelta(days=1))


def test_one_item_that_was_done_in_this_moment_leaves_the_others_to_be_done(
    w: f.World, signed: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    gp = w.seat(Role.GP).actor
    plan = actions.assess(contract_id=signed.pk, by=gp, at=f.AT)
    items, on = list(plan.items.all()), f.ON + timedelta(days=3)
    found = [(one.pk, on) for one in items]
    actions.finish_item(item_id=items[0].pk, by=gp, at=f.AT + timedelta(days=2))
    monkeypatch.setattr(queries, "done_by_services", lambda day: found)

    assert actions.follow_services(by=f.JOB, at=f.AT + timedelta(days=4)) == {"done": 1, "closed": 0}


def test_plan_is_listed_for_a_new_assessment_on_the_day_it_named(w: f.World, signed: Contract) -> None:
    gp = w.seat(Role.GP)
    plan = actions.assess(contract_id=signed.pk, by=gp.actor, at=f.AT)
    assert list(queries.to_assess(gp, plan.review_on - timedelta(days=1))) == []

    assert list(queries.to_assess(gp, plan.review_on)) == [signed]
    CarePlan.objects.filter(pk=plan.pk).update(review_on=f.ON)
    page = signed_in(gp, "zh-hans").get(reverse("followup-desk"), {"tab": "assess"}).content.decode()
    assert signed.resident.name in page
    assert f"{f.ON}" in page

    actions.assess(contract_id=signed.pk, by=gp.actor, at=f.AT + timedelta(days=1))
    assert list(queries.to_assess(gp, f.ON + timedelta(days=1))) == []


def test_plan_is_read_in_the_language_of_the_reader(w: f.World, signed: Contract) -> None:
    gp, own = w.seat(Role.GP), w.own(signed.resident)
    plan = actions.assess(contract_id=signed.pk, by=gp.actor, at=f.AT)
    for seat, address in ((own, reverse("followup-mine")), (gp, reverse("followup-plan", args=(signed.resident_id,)))):
        chinese, english = (signed_in(seat, one).get(address).content.decode() for one in ("zh-hans", "en"))

        assert plan.goals in chinese
        assert "65 岁及以上" in chinese
        assert plan.goals_en in english
        assert "65 years or older" in english
        assert plan.goals not in english

    mine = actions.assess(contract_id=signed.pk, goals="少盐", by=gp.actor, at=f.AT + timedelta(days=1))
    assert (mine.goals, mine.goals_en) == ("少盐", "少盐")
