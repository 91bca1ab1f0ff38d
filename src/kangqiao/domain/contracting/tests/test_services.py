from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import actions, queries
from kangqiao.domain.contracting.actions import Done
from kangqiao.domain.contracting.models import Contract, KeyPerson, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.indicators.queries import measure_all
from kangqiao.domain.records.models import Condition, Encounter
from kangqiao.domain.residents.models import Resident
from kangqiao.pathways.contract_services import count_since

pytestmark = pytest.mark.django_db
LATER = f.AT + timedelta(days=120)
ON = LATER.date()


def visit(resident: Resident, house: object, at: datetime, diagnosis: str = "I10") -> Encounter:
    return Encounter.objects.create(
        resident=resident, organization=house, started_at=at, origin="walk_in", diagnosis=diagnosis
    )


@pytest.mark.clause("XH23-5.2.2a")
def test_each_visit_is_counted_once_for_one_item() -> None:
    w = f.world()
    team, resident = w.team(), w.resident()
    Condition.objects.create(resident=resident, code="I10", zh="高血压")
    actions.flag_key_groups(on=f.ON, by=f.JOB, at=f.AT)
    wanted = [w.packages[code].pk for code in ("basic", "hypertension")]
    one = w.applied(team, resident, package_ids=wanted)[0]
    actions.accept_contract(contract_id=one.pk, by=f.JOB, at=f.AT)
    f.sign(one, resident.name)
    day = f.AT + timedelta(days=10)
    visit(resident, w.centre, day)
    visit(resident, w.centre, day, "J06")
    visit(resident, w.hospital, day)
    visit(resident, w.centre, f.AT - timedelta(days=10))

    assert count_since(since=f.AT - timedelta(days=30), by=f.JOB, at=LATER) == 2
    assert count_since(since=f.AT - timedelta(days=30), by=f.JOB, at=LATER) == 0

    items = {row.item.zh: (row.done, row.left) for row in queries.promised(one, ON)}
    assert items["高血压随访"] == (1, 3)
    assert items["常见病多发病诊治"] == (1, 3)
    used = Service.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Service.objects.create(contract=one, item=used.item, on=used.on, source=used.source)


@pytest.mark.clause("SZ17-B9.a")
def test_signed_and_not_served_are_listed_by_team() -> None:
    w = f.world()
    team, gp = w.team(), w.seat(Role.GP)
    people = [w.resident() for _ in range(5)]
    rows = [w.signed(team, one)[0] for one in people]
    fresh = w.signed(team, w.resident(), at=LATER - timedelta(days=10))[0]
    acts = [Done(one.pk, f.ON + timedelta(days=5), "visit", "", f"encounter:{one.pk}") for one in people[:3]]
    actions.count_services(acts=acts, by=f.JOB, at=LATER)

    panel = queries.panel_of(gp, team, ON)
    listed = queries.unserved(gp, panel.unserved)

    assert listed == sorted(rows[3:], key=lambda one: one.pk)
    assert fresh not in listed
    assert (panel.settled, panel.served) == (5, 3)
    assert queries.unserved(w.seat(Role.GP, w.other), panel.unserved) == [], "another house reads none of them"
    measured = measure_all("contract_served_share", date(2026, 1, 1), ON)[w.centre.pk]
    assert (measured.numerator, measured.denominator) == (3, 6)


@pytest.mark.clause("XH23-5.2.1c")
def test_gap_of_the_key_groups_by_team() -> None:
    w = f.world()
    team, gp = w.team(), w.seat(Role.GP)
    actions.add_zone(team_id=team.pk, kind="grid", zh="一", street=f.STREET, first=1, last=9, by=f.JOB, at=f.AT)
    old = [w.resident(date(1940, 1, number + 1), door=number + 1) for number in range(3)]
    far = w.resident(date(1940, 2, 1), door=50)
    w.resident(date(1990, 1, 1))
    actions.flag_key_groups(on=f.ON, by=f.JOB, at=f.AT)
    w.signed(team, old[0])

    assert queries.campaign(gp, team) == old[1:]
    assert queries.campaign(gp, team, group="child") == []
    count = queries.key_counts(gp, w.centre.pk)[0]
    assert (count.group, count.people, count.signed, count.percent) == ("elderly", 4, 1, 25)
    assert far not in queries.campaign(gp, team)
    measured = measure_all("key_group_signed_share", date(2026, 1, 1), ON)[w.centre.pk]
    assert (measured.numerator, measured.denominator) == (1, 4)


@pytest.mark.clause("XH23-5.2.1f")
def test_signed_share_counts_every_registered_person_once() -> None:
    w = f.world()
    people = [w.resident() for _ in range(5)]
    w.signed(w.team(), people[0])
    w.signed(w.team(house=w.other), people[1])
    moved = w.signed(w.team(), people[2])[0]
    w.signed(w.team(), people[2], at=f.AT + timedelta(days=50))
    actions.end_contract(contract_id=w.signed(w.team(), people[3])[0].pk, why="wish", reason="演示", by=f.JOB, at=LATER)

    measured = measure_all("signed_share", date(2026, 1, 1), ON + timedelta(days=1))

    assert (measured[w.centre.pk].numerator, measured[w.centre.pk].denominator) == (3, 5)
    assert Contract.objects.get(pk=moved.pk).status == "transferred"


@pytest.mark.clause("XH23-5.2.1b")
def test_renewal_rate_leaves_moves_and_early_ends_out() -> None:
    w = f.world()
    team, people = w.team(), [w.resident() for _ in range(4)]
    rows = [w.signed(team, one)[0] for one in people]
    due = f.AT + timedelta(days=340)
    for one in rows[:2]:
        actions.renew_contract(
            contract_id=one.pk, way="paper", where="home", signed_by=one.resident.name, filed_as="9", by=f.JOB, at=due
        )
    actions.end_contract(contract_id=rows[3].pk, why="wish", reason="演示", by=f.JOB, at=due)

    measured = measure_all("contract_renewal_rate", date(2027, 1, 1), date(2028, 1, 1))[w.centre.pk]

    assert (measured.numerator, measured.denominator) == (2, 3)


def test_key_groups_follow_age_and_record() -> None:
    w = f.world()
    child, ill = w.resident(date(2019, 6, 1)), w.resident(date(1980, 1, 1))
    condition = Condition.objects.create(resident=ill, code="E11", zh="糖尿病")
    KeyPerson.objects.create(resident=ill, group="disabled", since=f.ON, evidence="declared")

    assert actions.flag_key_groups(on=f.ON, by=f.JOB, at=f.AT) == (2, 0)
    assert actions.flag_key_groups(on=f.ON, by=f.JOB, at=f.AT) == (0, 0)
    condition.delete()
    assert actions.flag_key_groups(on=date(2026, 6, 1), by=f.JOB, at=f.AT) == (0, 2)

    held = queries.groups_held([child.pk, ill.pk])
    assert held == {child.pk: set(), ill.pk: {"disabled"}}


def test_key_groups_of_a_resident_are_told_with_evidence_and_end() -> None:
    w = f.world()
    resident = w.resident(date(1950, 1, 1))
    about = {"resident": resident, "since": date(2026, 1, 1)}
    KeyPerson.objects.create(group="pregnant", evidence="declared", until=date(2026, 2, 1), **about)
    KeyPerson.objects.create(group="elderly", evidence="age", **about)
    KeyPerson.objects.create(group="hypertension", evidence="record", **about)

    flags = queries.flags_of(w.seat(Role.GP), resident, f.ON)

    assert [(one.name, one.why) for one in flags] == [
        ("老年人", "年满 65 岁"), ("高血压", "健康档案里的长期问题 I10"), ("孕产妇", "签约时本人说明"),
    ]  # fmt: skip
    assert flags[-1].row.until == date(2026, 2, 1)
    assert queries.flags_of(w.seat(Role.GP, w.other), resident, f.ON) == []
