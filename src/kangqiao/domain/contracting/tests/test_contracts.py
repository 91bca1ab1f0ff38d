from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import actions, queries
from kangqiao.domain.contracting.models import Contract, KeyPerson, Team
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.residents.permissions import sees
from kangqiao.kernel.errors import AlreadyMoved, Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db
YEAR = date(2027, 3, 2)


def taken(team: Team) -> int:
    return Team.objects.get(pk=team.pk).taken


def now(one: Contract) -> Contract:
    return Contract.objects.get(pk=one.pk)


def test_contract_from_application_to_its_term() -> None:
    w = f.world()
    team, resident = w.team(), w.resident(with_user=True)
    gp = w.seat(Role.GP).actor
    one = w.applied(team, resident, by=w.own(resident).actor)[0]
    assert taken(team) == 0

    actions.accept_contract(contract_id=one.pk, by=gp, at=f.AT)
    assert taken(team) == 1
    actions.sign_contract(contract_id=one.pk, way="screen", where="online", by=w.own(resident).actor, at=f.AT)

    one = now(one)
    assert (one.status, one.starts_on, one.ends_on) == ("active", f.ON, YEAR)
    assert one.signed_by == resident.name
    assert Notice.objects.filter(user=resident.user, kind="contract").count() == 2
    assert [row.code for row in one.packages.all()] == ["basic"]


def test_contract_opens_the_record_to_the_team_and_closes_it() -> None:
    w = f.world()
    team, resident = w.team(house=w.other), w.resident(with_user=True)
    gp = w.seat(Role.GP, w.other).actor
    later = f.AT + timedelta(hours=1)
    assert not sees(gp, resident.pk, later)

    one = w.applied(team, resident, by=w.own(resident).actor)[0]
    assert sees(gp, resident.pk, later)
    actions.accept_contract(contract_id=one.pk, by=f.JOB, at=f.AT)
    actions.sign_contract(contract_id=one.pk, way="screen", where="online", by=w.own(resident).actor, at=f.AT)
    assert Basis.objects.get(source=f"contract:{one.pk}").kind == "contract"
    assert sees(gp, resident.pk, later)
    actions.end_contract(contract_id=one.pk, why="wish", reason="搬家", by=w.own(resident).actor, at=later)

    assert not sees(gp, resident.pk, later + timedelta(seconds=1))
    assert taken(team) == 0


@pytest.mark.clause("XH23-5.2.1a")
def test_household_of_four_signs_as_one() -> None:
    w = f.world()
    team = w.team()
    people = [w.resident(), w.resident(date(1980, 1, 1)), w.resident(date(2012, 1, 1)), w.resident(date(2022, 1, 1))]
    with pytest.raises(RuleBroken) as refused:
        actions.apply_for_contract(
            team_id=team.pk, resident_ids=[one.pk for one in people], by=w.seat(Role.GP).actor, at=f.AT
        )
    assert people[1].name in refused.value.message

    rows = w.signed(team, *people)

    assert len({one.household_id for one in rows}) == 1
    assert rows[0].household.head == people[0]
    assert {now(one).status for one in rows} == {"active"}
    assert {now(one).signed_by for one in rows} == {people[0].name}
    assert taken(team) == 4


def test_panel_that_is_too_small_takes_nobody_of_a_household() -> None:
    w = f.world()
    team = w.team(ceiling=1)
    rows = w.applied(team, w.resident(), w.resident())

    with pytest.raises(Taken) as refused:
        actions.accept_contract(contract_id=rows[0].pk, by=f.JOB, at=f.AT)

    assert "名额 1 人，已占 0 人，容不下 2 人" in refused.value.message
    assert (taken(team), now(rows[0]).status) == (0, "applied")


def test_database_keeps_the_ceiling() -> None:
    team = f.world().team(ceiling=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        Team.objects.filter(pk=team.pk).update(taken=2)


def test_second_application_is_refused_and_nobody_has_two_contracts_on_a_day() -> None:
    w = f.world()
    team, resident = w.team(), w.resident()
    w.applied(team, resident)
    with pytest.raises(RuleBroken):
        w.applied(team, resident)
    signed = w.signed(team, w.resident())[0]

    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.create(
            number="X", resident=signed.resident, team=team, status="active", starts_on=date(2026, 9, 1),
            ends_on=date(2027, 9, 1), applied_at=f.AT, policy_ref="x",
        )  # fmt: skip


@pytest.mark.clause("SZ16-2.1d")
def test_contract_names_the_team_with_the_expert_who_joined() -> None:
    w = f.world()
    team = w.team()
    expert = w.person("specialist", w.hospital)
    actions.add_member(team_id=team.pk, practitioner_id=expert.pk, kind="specialist", by=f.JOB, at=f.AT)

    rows = w.signed(team, w.resident(), w.resident(), at=f.AT + timedelta(days=1))

    members = queries.members_of([rows[0].team_id], f.ON + timedelta(days=1))
    assert expert in {one.practitioner for one in members}


def test_new_team_begins_the_day_the_old_one_ends() -> None:
    w = f.world()
    old_team, new_team, resident = w.team(), w.team(), w.resident()
    old = w.signed(old_team, resident)[0]
    later = f.AT + timedelta(days=40)

    new = w.signed(new_team, resident, at=later)[0]

    old, day = now(old), date(2026, 4, 11)
    assert (old.status, old.ends_on) == ("transferred", day)
    assert (new.starts_on, new.previous_id) == (day, old.pk)
    assert (taken(old_team), taken(new_team)) == (0, 1)
    assert not Basis.objects.filter(source=f"contract:{old.pk}", until__gt=later).exists()


@pytest.mark.clause("XH23-5.2.1b")
def test_renewal_goes_on_the_day_the_term_ends_in_the_same_place() -> None:
    w = f.world()
    team, resident = w.team(ceiling=1), w.resident()
    old = w.signed(team, resident)[0]
    early, due = f.AT + timedelta(days=100), f.AT + timedelta(days=340)
    said = {"way": "paper", "where": "home", "signed_by": resident.name, "filed_as": "2"}
    with pytest.raises(RuleBroken):
        actions.renew_contract(contract_id=old.pk, by=f.JOB, at=early, **said)

    new = actions.renew_contract(contract_id=old.pk, by=f.JOB, at=due, **said)[0]
    with pytest.raises(RuleBroken):
        actions.renew_contract(contract_id=old.pk, by=f.JOB, at=due, **said)
    assert (new.status, new.starts_on, now(old).status) == ("signed", YEAR, "active")
    assert actions.expire_due(on=YEAR, by=f.JOB, at=due) == []
    after = f.AT + timedelta(days=365)
    assert actions.begin_due(on=YEAR, by=f.JOB, at=after) == [new]

    assert (now(old).status, now(new).status, taken(team)) == ("expired", "active", 1)
    assert actions.begin_due(on=YEAR, by=f.JOB, at=after) == []


def test_expired_contract_frees_its_place_and_is_renewed_within_the_grace() -> None:
    w = f.world()
    team, resident = w.team(), w.resident()
    old = w.signed(team, resident)[0]
    after = f.AT + timedelta(days=366)
    assert actions.expire_due(on=YEAR, by=f.JOB, at=after) == [old]
    assert taken(team) == 0

    new = actions.renew_contract(
        contract_id=old.pk, way="paper", where="centre", signed_by=resident.name, filed_as="3", by=f.JOB, at=after
    )[0]

    assert (new.status, new.starts_on, new.previous_id) == ("active", YEAR + timedelta(days=1), old.pk)
    assert taken(team) == 1


def test_unsigned_acceptance_lapses_and_frees_the_place() -> None:
    w = f.world()
    team = w.team()
    one = w.accepted(team, w.resident())[0]
    assert actions.lapse_due(on=f.ON + timedelta(days=30), by=f.JOB, at=f.AT) == []

    assert actions.lapse_due(on=f.ON + timedelta(days=31), by=f.JOB, at=f.AT) == [one]

    assert (now(one).status, taken(team)) == ("lapsed", 0)


def test_code_signs_at_a_distance_and_wears_out() -> None:
    w = f.world()
    one = w.accepted(w.team(), w.resident())[0]
    gp = w.seat(Role.GP).actor
    said = {"contract_id": one.pk, "way": "code", "where": "home", "by": gp, "at": f.AT}
    right = queries.sign_code(now(one))
    wrong = "000000" if right != "000000" else "000001"

    with pytest.raises(RuleBroken) as refused:
        actions.sign_contract(code=wrong, **said)
    assert "还可以试 4 次" in refused.value.message
    actions.sign_contract(code=right, **said)
    assert now(one).way == "code"

    other = w.accepted(w.team(), w.resident())[0]
    said["contract_id"] = other.pk
    for _try in range(5):
        with pytest.raises(RuleBroken):
            actions.sign_contract(code="bad", **said)
    with pytest.raises(RuleBroken, match="输错太多"):
        actions.sign_contract(code=queries.sign_code(now(other)), **said)
    assert now(other).status == "accepted"


def test_who_may_not_sign_uses_up_no_code() -> None:
    w = f.world()
    one = w.accepted(w.team(), w.resident())[0]
    stranger = w.seat(Role.GP, w.other).actor

    with pytest.raises(Denied):
        actions.sign_contract(contract_id=one.pk, way="code", where="home", code="bad", by=stranger, at=f.AT)

    assert now(one).wrong_codes == 0


def test_child_is_signed_for_by_the_guardian() -> None:
    w = f.world()
    child = w.resident(date(2020, 1, 1))
    one = w.accepted(w.team(), child)[0]

    with pytest.raises(RuleBroken, match="监护人"):
        f.sign(one, child.name)
    f.sign(one, "演示妈妈")

    assert now(one).signed_by == "演示妈妈（监护人）"


def test_guardian_applies_on_the_portal_and_a_stranger_does_not() -> None:
    w = f.world()
    team, child, mother = w.team(), w.resident(date(2020, 1, 1)), w.resident(date(1990, 1, 1), with_user=True)
    with pytest.raises(Denied):
        w.applied(team, child, by=w.own(mother).actor)
    residents.grant_basis(
        resident_id=child.pk, kind="guardian", source="guardian:1", since=f.AT, user_id=mother.user_id, by=f.JOB,
        at=f.AT,
    )  # fmt: skip

    one = w.applied(team, child, by=w.own(mother).actor)[0]
    actions.accept_contract(contract_id=one.pk, by=f.JOB, at=f.AT)
    actions.sign_contract(contract_id=one.pk, way="screen", where="online", by=w.own(mother).actor, at=f.AT)

    assert now(one).status == "active"


def test_package_of_a_group_needs_the_group_and_declared_ones_are_entered() -> None:
    w = f.world()
    team, resident = w.team(), w.resident(date(1990, 1, 1))
    with pytest.raises(RuleBroken):
        w.applied(team, resident, package_ids=[w.packages["elderly"].pk])

    one = w.applied(team, resident, package_ids=[w.packages["basic"].pk, w.packages["pregnant"].pk])[0]

    assert set(one.packages.values_list("code", flat=True)) == {"basic", "pregnant"}
    assert KeyPerson.objects.get(resident=resident).evidence == "declared"


def test_another_house_can_do_nothing_and_the_loser_is_told() -> None:
    w = f.world()
    one = w.applied(w.team(), w.resident())[0]
    with pytest.raises(Denied):
        actions.accept_contract(contract_id=one.pk, by=w.seat(Role.GP, w.other).actor, at=f.AT)
    actions.accept_contract(contract_id=one.pk, by=f.JOB, at=f.AT)

    with pytest.raises(AlreadyMoved):
        actions.accept_contract(contract_id=one.pk, by=f.JOB, at=f.AT)


def test_end_takes_the_renewal_with_it_and_death_ends_everything() -> None:
    w = f.world()
    team, resident, dead = w.team(), w.resident(), w.resident()
    old = w.signed(team, resident)[0]
    due = f.AT + timedelta(days=340)
    new = actions.renew_contract(
        contract_id=old.pk, way="paper", where="home", signed_by=resident.name, filed_as="2", by=f.JOB, at=due
    )[0]
    w.signed(team, dead)
    dead.deceased_on = f.ON
    dead.save(update_fields=("deceased_on",))

    actions.end_contract(contract_id=old.pk, why="moved", reason="迁出", by=f.JOB, at=due)
    ended = actions.end_deceased(by=f.JOB, at=due)

    assert now(new).status == "withdrawn"
    assert [one.resident for one in ended] == [dead]
    assert taken(team) == 0


def test_suspended_contract_keeps_its_place_and_goes_on() -> None:
    w = f.world()
    team = w.team()
    one = w.signed(team, w.resident())[0]

    actions.suspend_contract(contract_id=one.pk, reason="外地住院", by=f.JOB, at=f.AT)
    assert (now(one).status, taken(team)) == ("suspended", 1)
    actions.resume_contract(contract_id=one.pk, by=f.JOB, at=f.AT)

    assert now(one).status == "active"


def test_resident_is_reminded_once() -> None:
    w = f.world()
    resident = w.resident(with_user=True)
    w.signed(w.team(), resident)
    on = YEAR - timedelta(days=30)

    assert actions.remind_due(on=on - timedelta(days=1), by=f.JOB, at=f.AT) == 0
    assert actions.remind_due(on=on, by=f.JOB, at=f.AT) == 1
    assert actions.remind_due(on=on, by=f.JOB, at=f.AT) == 0


DRAWN = "M40 120L80 60L120 130M200 90"


def test_what_was_drawn_on_the_screen_stands_under_the_contract() -> None:
    w = f.world()
    team, resident = w.team(), w.resident(with_user=True)
    one = w.applied(team, resident, by=w.own(resident).actor)[0]
    gp = w.seat(Role.GP).actor
    actions.accept_contract(contract_id=one.pk, by=gp, at=f.AT)

    with pytest.raises(RuleBroken, match="手写签名"):
        actions.sign_contract(contract_id=one.pk, way="screen", where="home", signed_by=resident.name, by=gp, at=f.AT)
    actions.sign_contract(
        contract_id=one.pk, way="screen", where="home", signed_by=resident.name, signature=DRAWN, by=gp, at=f.AT
    )

    assert (now(one).signature, now(one).signed_by) == (DRAWN, resident.name)


@pytest.mark.parametrize("words", ['M1 1"/><script>', "M1 1L", "L1 1", "M1 1000 1"])
def test_database_keeps_no_signature_but_strokes(words: str) -> None:
    w = f.world()
    one = w.applied(w.team(), w.resident(), by=f.JOB)[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.filter(pk=one.pk).update(signature=words)
