from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import actions, queries
from kangqiao.domain.contracting.models import Team, TeamDuty, TeamMember, Zone
from kangqiao.domain.contracting.parameters import ItemTerm
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.residents.queries import residents_of
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db
Asks = Callable[[int], AbstractContextManager[list[str]]]
ZONE = {"kind": "grid", "zh": "一网格", "street": f.STREET, "by": f.JOB, "at": f.AT}


@pytest.mark.clause("ZH-4.5b")
def test_incomplete_team_cannot_be_published() -> None:
    w = f.world()
    team = w.team("gp", "public_health", is_open=False)

    with pytest.raises(RuleBroken) as refused:
        actions.open_team(team_id=team.pk, by=f.JOB, at=f.AT)

    assert "护理" in refused.value.message
    assert refused.value.clause == "ZH-4.5b"
    assert Team.objects.get(pk=team.pk).status == "forming"
    line = queries.team_lines([team], f.ON)[0]
    assert line.missing == ("护理",)


def test_list_of_teams_asks_the_same_for_one_centre_and_for_many(asks_at_most: Asks) -> None:
    w = f.world()
    bureau = w.seat(Role.BUREAU_OFFICER, w.bureau)
    w.team()
    with asks_at_most(6) as for_one:
        assert len(queries.centre_teams(bureau, f.ON)) == 1
    for house in (w.centre, w.other, w.other):
        w.team(house=house)

    with asks_at_most(len(for_one)):
        found = queries.centre_teams(bureau, f.ON)

    assert sorted(len(one.lines) for one in found) == [2, 2]
    assert all(one.needed and line.members == 3 for one in found for line in one.lines)


def test_another_centres_manager_forms_no_team_here() -> None:
    w = f.world()
    manager = w.seat(Role.CENTRE_MANAGER, w.other).actor

    with pytest.raises(Denied):
        actions.form_team(organization_id=w.centre.pk, zh="演示", by=manager, at=f.AT)


def test_panel_larger_than_the_pack_allows_is_refused_in_words() -> None:
    w = f.world()

    with pytest.raises(RuleBroken) as refused:
        actions.form_team(organization_id=w.centre.pk, zh="演示", ceiling=2001, by=f.JOB, at=f.AT)

    assert "1 到 2000" in refused.value.message


@pytest.mark.clause("FT18-2.4c")
def test_specialist_of_a_hospital_joins_and_is_shown_with_the_others() -> None:
    w = f.world()
    team = w.team()
    expert = w.person("specialist", w.hospital)
    pharmacist = w.person("pharmacist", w.hospital)
    for person, kind in ((expert, "specialist"), (pharmacist, "pharmacist")):
        actions.add_member(team_id=team.pk, practitioner_id=person.pk, kind=kind, by=f.JOB, at=f.AT)

    members = queries.members_of([team.pk], f.ON)

    assert [one.kind for one in members if one.is_lead] == ["gp"]
    assert {one.practitioner_id for one in members} >= {expert.pk, pharmacist.pk}
    assert len(members) == 5
    line = queries.team_lines([team], f.ON)[0]
    assert (line.members, line.houses) == (5, 2)


def test_duties_of_a_kind_are_written_and_can_be_worded_anew() -> None:
    w = f.world()
    team = w.team()

    assert set(TeamDuty.objects.filter(team=team).values_list("kind", flat=True)) == set(f.WHOLE)
    actions.word_duty(
        team_id=team.pk, kind="nurse", duties="上门换药", standard="", scope=["nursing"], by=f.JOB, at=f.AT
    )

    assert TeamDuty.objects.get(team=team, kind="nurse").scope == ["nursing"]


def test_outside_member_sees_the_residents_in_person_until_leaving() -> None:
    w = f.world()
    team, resident = w.team(), w.resident()
    w.signed(team, resident)
    user = w.user("演示专家", Role.EXPERT, w.hospital)
    seat = w.seat(Role.EXPERT, w.hospital, user)
    at = f.AT + timedelta(hours=1)
    assert not residents_of(seat).filter(pk=resident.pk).exists()

    member = actions.add_member(
        team_id=team.pk, practitioner_id=w.person("specialist", w.hospital, user).pk, kind="specialist", by=f.JOB,
        at=f.AT,
    )  # fmt: skip
    mine = Basis.objects.filter(user=user, resident=resident, kind="contract")
    assert mine.filter(until__gt=at).count() == 1
    actions.end_member(member_id=member.pk, by=f.JOB, at=at)

    assert not mine.filter(until__gt=at).exists()


@pytest.mark.clause("ZH-4.5c")
def test_an_address_has_exactly_one_responsible_team() -> None:
    w = f.world()
    one, two = w.team(), w.team()
    actions.add_zone(team_id=one.pk, first=1, last=10, **ZONE)
    actions.add_zone(team_id=two.pk, first=11, last=20, **ZONE)
    resident = w.resident(door=10)

    with pytest.raises(Taken) as refused:
        actions.add_zone(team_id=two.pk, first=5, last=30, **ZONE)
    assert one.zh in refused.value.message
    assert refused.value.clause == "ZH-4.5c"
    assert queries.responsible_team(resident) == one

    resident.address = f"{f.STREET}11号"
    resident.save(update_fields=("address",))

    assert queries.responsible_team(resident) == two


def test_database_refuses_a_second_team_for_a_house_number() -> None:
    w = f.world()
    actions.add_zone(team_id=w.team().pk, first=1, last=10, **ZONE)

    with pytest.raises(IntegrityError), transaction.atomic():
        Zone.objects.create(team=w.team(), kind="grid", zh="二", street=f.STREET, first=10, last=12)


def test_one_lead_and_a_second_takes_over() -> None:
    w = f.world()
    team = w.team()
    actions.add_member(team_id=team.pk, practitioner_id=w.person("gp").pk, kind="gp", is_lead=True, by=f.JOB, at=f.AT)

    assert TeamMember.objects.filter(team=team, is_lead=True).count() == 1


def test_team_with_residents_is_not_closed() -> None:
    w = f.world()
    team = w.team()
    w.signed(team, w.resident())

    with pytest.raises(RuleBroken):
        actions.close_team(team_id=team.pk, reason="合并", by=f.JOB, at=f.AT)


def test_own_package_replaces_its_earlier_version_from_its_day() -> None:
    w = f.world()
    items = [ItemTerm("dental", "洁牙", "", 2, 5000, ())]
    said = {"organization_id": w.centre.pk, "code": "dental", "zh": "口腔包", "group": "everyone", "by": f.JOB}
    said |= {"reason": "按价目", "items": items}
    old = actions.add_package(starts_on=date(2026, 3, 2), at=f.AT, **said)
    new = actions.add_package(starts_on=date(2026, 4, 1), at=f.AT, **said)

    assert old.year_fen == 10_000
    assert old not in queries.offered(w.centre, date(2026, 4, 1))
    assert new in queries.offered(w.centre, date(2026, 4, 1))
    assert old in queries.offered(w.centre, date(2026, 3, 31))
    with pytest.raises(RuleBroken):
        actions.add_package(starts_on=date(2026, 5, 1), at=f.AT, **{**said, "reason": " "})
