from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions, queries
from kangqiao.domain.followup.models import CarePlan, GroupChannel, Invitation
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.models import Condition, Observation
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


def measured(one: Contract, code: str, value: int, days: int = 1) -> Observation:
    at = f.AT - timedelta(days=days)
    return Observation.objects.create(
        resident=one.resident, code=code, value=value, unit="mmHg", taken_at=at, source="visit", recorded_by="演示",
        recorded_at=at,
    )  # fmt: skip


@pytest.mark.clause("XH23-5.2.2b")
def test_contract_without_assessment_is_listed_after_thirty_days_and_a_plan_with_goals_follows(
    w: f.World, signed: Contract
) -> None:
    gp = w.seat(Role.GP)
    measured(signed, "systolic", 150)
    assert list(queries.to_assess(gp, f.ON + timedelta(days=29))) == []
    assert list(queries.to_assess(gp, f.ON + timedelta(days=30))) == [signed]

    plan = actions.assess(contract_id=signed.pk, by=gp.actor, at=f.AT + timedelta(days=30))

    assert list(queries.to_assess(gp, f.ON + timedelta(days=31))) == []
    assert (plan.assessment.level, plan.assessment.grounds) == ("managed", ["收缩压 140 及以上"])
    assert plan.goals
    on = f.ON + timedelta(days=30)
    assert [(one.act, one.due_on) for one in plan.items.all()] == [
        ("follow_up", on + timedelta(days=90)), ("check_up", on + timedelta(days=365)),
    ]  # fmt: skip
    assert Notice.objects.filter(user=signed.resident.user, kind="plan").exists()


def test_facts_are_the_latest_that_hold_and_say_nothing_protected(w: f.World, signed: Contract) -> None:
    wrong = measured(signed, "systolic", 190)
    measured(signed, "systolic", 150, days=5)
    Observation.objects.create(
        resident=signed.resident, code="systolic", value=130, unit="mmHg", taken_at=wrong.taken_at, source="visit",
        recorded_by="演示", recorded_at=f.AT, corrects=wrong, reason="记错",
    )  # fmt: skip
    measured(signed, "glucose_fasting", 12, days=500)
    for code in ("I10", "F20", "E11.9"):
        Condition.objects.create(resident=signed.resident, code=code, zh=code)

    facts = queries.facts_of([signed.resident], queries.terms_of(signed.team, f.ON), f.ON)[signed.resident_id]

    assert facts == {"age": 76, "systolic": 130, "problems": 2}


def test_new_assessment_replaces_the_plan_and_keeps_what_was_due(w: f.World, signed: Contract) -> None:
    gp, later = w.seat(Role.GP).actor, f.AT + timedelta(days=60)
    first = actions.assess(contract_id=signed.pk, by=gp, at=f.AT)
    with pytest.raises(Taken):
        actions.assess(contract_id=signed.pk, by=gp, at=f.AT)

    second = actions.assess(contract_id=signed.pk, goals="少盐", by=gp, at=later)

    assert CarePlan.objects.get(pk=first.pk).status == "replaced"
    assert second.goals == "少盐"
    due = {one.zh: one.due_on for one in first.items.all()}
    assert {one.zh: one.due_on for one in second.items.all()} == due
    with pytest.raises(IntegrityError), transaction.atomic():
        CarePlan.objects.filter(pk=first.pk).update(status="running")


def test_item_done_by_hand_or_by_a_service_is_due_again(w: f.World, signed: Contract) -> None:
    gp = w.seat(Role.GP)
    plan = actions.assess(contract_id=signed.pk, by=gp.actor, at=f.AT)
    check, call = plan.items.get(act="check_up"), plan.items.get(act="follow_up")
    on = f.ON + timedelta(days=20)
    Service.objects.create(
        contract=signed, item=signed.packages.get().items.get(act="check_up"), on=on, source="encounter:1"
    )

    assert actions.follow_services(by=f.JOB, at=f.AT + timedelta(days=21)) == {"done": 1, "closed": 0}
    assert actions.follow_services(by=f.JOB, at=f.AT + timedelta(days=22)) == {"done": 0, "closed": 0}
    actions.finish_item(item_id=call.pk, note="平稳", by=gp.actor, at=f.AT + timedelta(days=175))
    with pytest.raises(Taken):
        actions.finish_item(item_id=call.pk, by=gp.actor, at=f.AT + timedelta(days=175))

    check.refresh_from_db()
    assert (check.done_on, check.by_name) == (on, "test")
    again = plan.items.get(act="follow_up", done_on=None)
    assert again.due_on == f.ON + timedelta(days=175 + 180)
    assert [one.pk for one in queries.due_items(gp, again.due_on - timedelta(days=7))] == [again.pk]
    assert list(queries.due_items(gp, f.ON + timedelta(days=200))) == []


def test_plan_closes_with_the_contract_and_is_not_for_strangers(w: f.World, signed: Contract) -> None:
    stranger = w.seat(Role.GP, w.other)
    with pytest.raises(Denied):
        actions.assess(contract_id=signed.pk, by=stranger.actor, at=f.AT)
    plan = actions.assess(contract_id=signed.pk, by=w.seat(Role.GP).actor, at=f.AT)
    item = plan.items.first()
    assert queries.plan_of(stranger, signed.resident_id) is None
    with pytest.raises(NotVisible):
        queries.get_item(stranger, item.pk)

    contracting.end_contract(contract_id=signed.pk, why="wish", reason="搬家", by=w.own(signed.resident).actor, at=f.AT)

    assert actions.follow_services(by=f.JOB, at=f.AT) == {"done": 0, "closed": 1}
    with pytest.raises(RuleBroken):
        actions.assess(contract_id=signed.pk, by=w.seat(Role.GP).actor, at=f.AT + timedelta(days=1))


def test_invited_once_a_day_and_followed_up_until_signed(w: f.World) -> None:
    team, resident, gp = w.team(), w.resident(), w.seat(Role.GP)
    about = {"team_id": team.pk, "resident_id": resident.pk, "group": "elderly", "way": "phone", "by": gp.actor}
    with pytest.raises(RuleBroken):
        actions.invite(**about, outcome="later", at=f.AT)
    week = f.ON + timedelta(days=7)

    row = actions.invite(**about, outcome="later", again_on=week, at=f.AT)

    with pytest.raises(Taken):
        actions.invite(**about, outcome="agreed", at=f.AT)
    assert list(queries.to_ask_again(gp, week - timedelta(days=1))) == []
    assert list(queries.to_ask_again(gp, week)) == [row]
    assert list(queries.to_ask_again(w.seat(Role.GP, w.other), week)) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.filter(pk=row.pk).update(outcome="refused")
    w.signed(team, resident)
    assert list(queries.to_ask_again(gp, week)) == []


@pytest.mark.clause("FT18-2.2k")
def test_group_of_mothers_is_counted_has_an_owner_and_holds_no_health_data(w: f.World) -> None:
    team, gp = w.team(), w.seat(Role.GP)
    owner = queries.owners(gp, f.ON)[0]
    said = {"kind": "mothers", "platform": "微信", "zh": "香湾宝妈", "people": 40}
    row = actions.register_channel(owner_id=owner.pk, **said, by=gp.actor, at=f.AT)
    with pytest.raises(Taken):
        actions.register_channel(owner_id=owner.pk, **said, by=gp.actor, at=f.AT)
    with pytest.raises(Denied):
        actions.register_channel(owner_id=owner.pk, **said, by=w.seat(Role.GP, w.other).actor, at=f.AT)

    assert ("宝妈群", 1, 40) in queries.channel_counts(gp)
    assert (row.owner, row.team) == (owner, team)
    # No column of the table names a resident or says anything about health.
    assert {one.name for one in GroupChannel._meta.fields} == set(GroupChannel.Privacy.operational) | {"id"}

    actions.count_channel(channel_id=row.pk, people=0, posts=3, is_ended=True, by=gp.actor, at=f.AT)
    assert ("宝妈群", 0, 0) in queries.channel_counts(gp)


def test_renewal_is_reminded_at_each_of_the_days(w: f.World, signed: Contract) -> None:
    end = date(2027, 3, 2)
    told = [contracting.remind_due(on=end - timedelta(days=n), by=f.JOB, at=f.AT) for n in (31, 30, 16, 15, 3, 2)]

    assert told == [0, 1, 0, 1, 1, 0]


def test_pages_of_both_sides(w: f.World) -> None:
    today = timezone.now()
    signed = w.signed(w.team(), w.resident(with_user=True), at=today)[0]
    gp, own = signed_in(w.seat(Role.GP)), signed_in(w.own(signed.resident))
    page = reverse("followup-plan", args=(signed.resident_id,))
    assert "按档案评估" in gp.get(page).content.decode()
    assert gp.post(page, {"goals": "每天走路半小时"}).status_code == 302
    item = CarePlan.objects.get().items.first()

    assert "每天走路半小时" in own.get(reverse("followup-mine")).content.decode()
    assert gp.post(reverse("followup-done", args=(item.pk,)), {"note": "平稳"}).status_code == 302
    assert "平稳" in own.get(reverse("followup-mine")).content.decode()
    for name in ("followup-desk", "followup-again", "followup-channels", "followup-channel-new"):
        assert gp.get(reverse(name)).status_code == 200
    assert gp.get(reverse("followup-desk"), {"tab": "assess"}).status_code == 200
    other = w.resident()
    address = reverse("followup-invite", args=(signed.team_id, other.pk))
    assert gp.post(address, {"way": "phone", "outcome": "later"}).status_code == 422
    assert gp.post(address, {"way": "phone", "outcome": "agreed"}).status_code == 302
    assert "愿意签约" in gp.get(address).content.decode()
