"""Lists of places one by one and whole, places themselves, and the team's days: what goes and what is refused."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import actions, permissions, queries, rules
from kangqiao.domain.contracting.actions import NewCommunity
from kangqiao.domain.contracting.models import Affiliation, Community
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.contracting.tests.test_communities import DAY, counted, figures, listed, place
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.errors import AlreadyMoved, Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db


def test_nobody_stands_twice_on_one_list_on_one_day() -> None:
    w = f.world()
    school, other = place(w), place(w)
    said = {"name": "演示丁", "identifier": "p1234567", "by": f.JOB, "at": f.AT}
    row = actions.join_community(community_id=school.pk, **said)
    with pytest.raises(Taken, match="已经在这里的名册上"):
        actions.join_community(community_id=school.pk, **said)
    with pytest.raises(IntegrityError), transaction.atomic():
        Affiliation.objects.create(community=school, name="演示", identifier="P1234567", starts_on=f.ON + 9 * DAY)
    with pytest.raises(Taken):
        listed(school, [("演示丁", "P1234567")])

    actions.join_community(community_id=other.pk, **said)
    actions.leave_community(affiliation_id=row.pk, by=f.JOB, at=f.AT + DAY)
    actions.join_community(community_id=school.pk, **said | {"at": f.AT + DAY})

    assert row.identifier == "P1234567"
    assert (figures(school).listed, figures(school, f.ON + DAY).listed) == (1, 1)
    with pytest.raises(RuleBroken, match="已经不在名册上"):
        actions.leave_community(affiliation_id=row.pk, by=f.JOB, at=f.AT + 2 * DAY)


@pytest.mark.parametrize(
    ("name", "identifier", "said"),
    [("演示", "44040219560321002X", "校验位"), ("", "P1", "都要写"), ("演\u200b示", "P1", "看不见的符号"),
     ("演示", "4.40402E+17", "科学计数"), ("演" * 101, "P1", "太长")],
)  # fmt: skip
def test_odd_person_is_refused_in_words(name: str, identifier: str, said: str) -> None:
    w = f.world()
    with pytest.raises(RuleBroken, match=said):
        actions.join_community(community_id=place(w).pk, name=name, identifier=identifier, by=f.JOB, at=f.AT)


def test_place_needs_day_and_source_for_its_number_and_a_name_of_its_own() -> None:
    w = f.world()
    one = place(w, **counted(5))
    for given, said in (
        ({"head_count": 9}, "日期、来源"), ({"counted_on": f.ON}, "日期、来源"),
        (counted(9) | {"counted_on": f.ON + DAY}, "今天之后"),
    ):  # fmt: skip
        with pytest.raises(RuleBroken, match=said):
            place(w, **given)
    with pytest.raises(Taken, match="已有叫"):
        place(w, zh=one.zh)
    with pytest.raises(RuleBroken, match="中心、站"):
        place(w, organization_id=w.hospital.pk)

    actions.mend_community(community_id=one.pk, kind="campus", zh="演示大学", **counted(7), by=f.JOB, at=f.AT)

    one.refresh_from_db()
    assert (one.kind, one.zh, one.head_count) == ("campus", "演示大学", 7)
    for text in ("ysdx", "dx", "大学", "yanshidaxue"):
        assert [row.pk for row in queries.communities(w.seat(Role.GP), text)] == [one.pk]
    assert not queries.communities(w.seat(Role.GP), "xx")
    assert not queries.communities(w.seat(Role.GP), "", "school")


def test_visit_is_planned_by_the_house_for_its_own_team_once_a_day_and_not_made_before() -> None:
    w = f.world()
    home, team = place(w, "care_home"), w.team()
    said = {"community_id": home.pk, "team_id": team.pk, "by": f.JOB, "at": f.AT}
    later = actions.plan_community_visit(**said, on=f.ON + DAY)

    with pytest.raises(Taken, match="已经安排"):
        actions.plan_community_visit(**said, on=f.ON + DAY)
    with pytest.raises(RuleBroken, match="已经过去"):
        actions.plan_community_visit(**said, on=f.ON - DAY)
    with pytest.raises(RuleBroken, match="本中心"):
        actions.plan_community_visit(**said | {"team_id": w.team(house=w.other).pk}, on=f.ON)
    with pytest.raises(RuleBroken, match="还没到"):
        actions.finish_community_visit(visit_id=later.pk, by=f.JOB, at=f.AT)
    with pytest.raises(RuleBroken, match="写明原因"):
        actions.cancel_community_visit(visit_id=later.pk, reason=" ", by=f.JOB, at=f.AT)
    actions.cancel_community_visit(visit_id=later.pk, reason="演示", by=f.JOB, at=f.AT)
    with pytest.raises(AlreadyMoved):
        actions.finish_community_visit(visit_id=later.pk, by=f.JOB, at=f.AT + DAY)
    assert figures(home).next_on is None
    assert actions.plan_community_visit(**said, on=f.ON + DAY)


def test_list_taken_back_keeps_who_signed_there() -> None:
    w = f.world()
    firm, team, one = place(w, "enterprise"), w.team(), w.resident()
    ids = listed(firm, [(one.name, one.identifier), ("演示甲", "P1")])
    f.sign(w.accepted(team, one)[0], one.name, community_id=firm.pk)

    stay = actions.take_back_roll(affiliation_ids=ids, by=f.JOB, at=f.AT)

    assert stay == {ids[0]: "contracting.contract"}
    assert [row.pk for row in firm.people.all()] == [ids[0]]


def test_places_are_read_in_with_lists_and_visits() -> None:
    w = f.world()
    days = (f.ON - 7 * DAY, f.ON + 7 * DAY)
    new = NewCommunity(w.centre, "school", "演示小学", 3, w.team(), (("演示甲", "P1"), ("演示乙", "P2")), days)

    (made,) = actions.import_communities(
        communities=[new], since=f.ON, source="演示名单", is_demo=True, by=f.JOB, at=f.AT
    )

    found = figures(made)
    assert (found.people, found.listed, found.last_on, found.next_on) == (3, 2, *days)
    assert {one.is_demo for one in made.people.all()} == {True}
    with pytest.raises(Denied):
        actions.import_communities(communities=[], since=f.ON, source="", by=w.seat(Role.GP).actor, at=f.AT)


@pytest.mark.parametrize(
    ("one", "other", "shares"),
    [((1, 3), (3, 5), False), ((1, 4), (3, 5), True), ((1, None), (9, None), True), ((1, None), (9, 9), False),
     ((5, None), (1, 5), False)],
)  # fmt: skip
def test_terms_share_a_day(one: tuple[int, int | None], other: tuple[int, int | None], shares: bool) -> None:
    def term(pair: tuple[int, int | None]) -> tuple[date, date | None]:
        return date(2026, 1, pair[0]), date(2026, 1, pair[1]) if pair[1] else None

    assert rules.overlaps(term(one), term(other)) is shares
    assert rules.overlaps(term(other), term(one)) is shares


def test_longest_name_has_its_keys_at_once() -> None:
    """Each character may be read several ways; all ways of sixty would never be told."""
    w = f.world()
    name = "很长的名字" * 12

    made = place(w, zh=name)

    assert len(made.keys) < 40
    assert [one.pk for one in queries.communities(w.seat(Role.GP), name)] == [made.pk]


def test_each_seat_sees_the_places_of_its_house_or_its_area_alone() -> None:
    w = f.world()
    own = place(w)
    abroad = Organization.objects.create(
        code="abroad", kind="health_bureau", zh="演示外市", short_zh="外市", is_demo=True,
        place=Place.objects.create(code="4403", zh="外市"),
    )  # fmt: skip

    def seen(role: Role, house: Organization) -> list[Community]:
        return list(Community.objects.filter(permissions.communities_visible_to(w.seat(role, house))))

    reach = {role for role in Role if seen(role, w.centre)}
    assert reach == {Role.GP, Role.CENTRE_MANAGER, Role.BUREAU_OFFICER}
    assert seen(Role.BUREAU_OFFICER, w.bureau) == [own]
    for role, house in ((Role.GP, w.other), (Role.CENTRE_MANAGER, w.other), (Role.BUREAU_OFFICER, abroad)):
        assert seen(role, house) == []
