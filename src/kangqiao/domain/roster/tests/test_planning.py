"""Planning runs: what is met, what stays, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.roster import actions, queries
from kangqiao.domain.roster.models import HalfDay
from kangqiao.domain.roster.tests.factories import (
    AT,
    MONDAY,
    SYSTEM,
    day,
    instant,
    make_network,
    staffed_network,
)
from kangqiao.domain.scheduling.models import CalendarDay, Session
from kangqiao.domain.workforce.models import Absence
from kangqiao.kernel.errors import Denied, RuleBroken
from kangqiao.kernel.period import week

pytestmark = pytest.mark.django_db


def plan(network, weeks: int = 1, **fields):
    values = {"starts_on": MONDAY, "weeks": weeks, "time_limit_seconds": 1.0, "by": SYSTEM, "at": AT} | fields
    return actions.plan_roster(place_id=network.city.pk, **values)


@pytest.mark.clause("ZH-3.2.1a")
def test_plan_gives_every_centre_its_half_days_or_says_why_not() -> None:
    network = staffed_network()

    roster = plan(network)

    counts = queries.half_days_per_week([each.pk for each in network.organizations.values()], week(MONDAY))
    per_centre = {network.organizations[name].pk: name for name in ("香湾", "狮山", "拱北")}
    planned = {per_centre[pk]: sum(by[MONDAY].values()) for pk, by in counts.items()}
    # Two experts give three half-days each to two centres; the third centre's only expert gives three.
    assert planned == {"香湾": 3, "狮山": 3, "拱北": 3}
    assert roster.status == "draft"
    assert roster.gap is not None
    assert 0 <= roster.gap <= 1
    assert [(item["what"], item["reason"]) for item in roster.unmet] == [("expert_per_week", "too_few_experts")]
    assert roster.policy_ref.startswith("zhuhai-lianjian@")


def test_plan_reads_the_calendar_of_the_place_and_of_each_hospital() -> None:
    network = staffed_network()
    CalendarDay.objects.create(place=network.city, day=day(0), reason="台风停诊", set_by="演示", set_at=AT)
    CalendarDay.objects.create(place=network.city, day=day(5), works_as=1, reason="补周一", set_by="演示", set_at=AT)
    house = network.organizations["市二"]
    CalendarDay.objects.create(organization=house, day=day(1), reason="搬迁", set_by="演示", set_at=AT)

    roster = plan(network)

    rows = list(roster.half_days.select_related("practitioner"))
    assert day(0) not in {row.day for row in rows}
    assert day(5) in queries.workdays(network.city, day(0), day(7))
    second = [row for row in rows if row.practitioner.organization_id == house.pk]
    assert second
    assert day(1) not in {row.day for row in second}


def test_a_half_day_is_not_moved_to_a_day_the_bureau_closed() -> None:
    network = staffed_network()
    roster = plan(network)
    row = roster.half_days.order_by("day", "half")[0]
    CalendarDay.objects.create(place=network.city, day=day(8), reason="停诊", set_by="演示", set_at=AT)

    with pytest.raises(RuleBroken, match="休息日"):
        actions.move_half_day(half_day_id=row.pk, centre_id=row.centre_id, day=day(8), half="am", by=SYSTEM, at=AT)


def test_plan_leaves_absences_and_hospital_clinics_free() -> None:
    network = staffed_network()
    third = network.experts["丙"]
    Absence.objects.create(practitioner=third, starts_on=day(0), ends_on=day(2))
    Session.objects.create(
        organization=network.organizations["市二"], practitioner=third, specialty="paediatrics", kind="hospital_clinic",
        starts_at=instant(day(3), 8), ends_at=instant(day(3), 11), source="test", policy_ref="test",
    )  # fmt: skip

    plan(network)

    found = HalfDay.objects.filter(practitioner=third).values_list("day", "half")
    assert sorted(found) == [(day(3), "pm"), (day(4), "am"), (day(4), "pm")]


def test_plan_again_replaces_the_draft_and_keeps_what_a_person_fixed() -> None:
    network = staffed_network()
    first = plan(network)
    row = HalfDay.objects.filter(practitioner=network.experts["丙"]).first()
    free = next(
        (each, half)
        for each in map(day, range(5))
        for half in ("am", "pm")
        if not HalfDay.objects.filter(practitioner=row.practitioner, day=each, half=half).exists()
    )
    moved = actions.move_half_day(half_day_id=row.pk, day=free[0], half=free[1], by=SYSTEM, at=AT)

    second = plan(network)

    first.refresh_from_db()
    moved.refresh_from_db()
    assert (first.status, second.status, second.version) == ("superseded", "draft", 2)
    assert (moved.day, moved.half, moved.roster) == (*free, second)
    assert not HalfDay.objects.filter(roster=first).exists()
    assert HalfDay.objects.filter(roster=second, practitioner=row.practitioner).count() == 3


def test_plan_keeps_published_half_days() -> None:
    network = staffed_network()
    actions.publish_roster(roster_id=plan(network).pk, by=SYSTEM, at=AT)
    before = set(HalfDay.objects.values_list("pk", flat=True))

    again = plan(network)

    assert set(HalfDay.objects.values_list("pk", flat=True)) == before
    assert not again.half_days.exists()


def test_plan_refuses_when_what_must_stay_has_become_unlawful() -> None:
    network = staffed_network()
    network.sit("丙", "拱北", 0)
    Absence.objects.create(practitioner=network.experts["丙"], starts_on=day(0), ends_on=day(0))

    with pytest.raises(RuleBroken, match="丙5月18日上午不能出诊：请假"):
        plan(network)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"starts_on": day(1)}, "不是周一"),
        ({"weeks": 0}, "至少要排一周"),
        ({"starts_on": date(2026, 5, 4)}, "过去"),
    ],
)
def test_plan_refuses_a_bad_horizon(fields: dict[str, object], word: str) -> None:
    with pytest.raises(RuleBroken, match=word):
        plan(staffed_network(), **fields)


def test_only_the_dispatcher_of_the_place_plans() -> None:
    network = staffed_network()

    with pytest.raises(Denied):
        plan(network, by=network.seat(Role.CENTRE_MANAGER, "香湾").actor)
    assert plan(network, by=network.seat(Role.DISPATCHER, "集团").actor).status == "draft"


def test_plan_of_a_place_without_agreements_is_refused() -> None:
    network = make_network()
    for agreement in network.agreements.values():
        agreement.status = "discarded"
        agreement.save()

    with pytest.raises(RuleBroken, match="没有生效的协议"):
        plan(network)
