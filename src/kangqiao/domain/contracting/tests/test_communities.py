"""Places of work, study and residence: their figures, their lists, the team's days, and contracts signed there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions, permissions, queries
from kangqiao.domain.contracting.actions import NewAffiliation
from kangqiao.domain.contracting.models import Community, CommunityVisit, Contract
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents.actions import import_residents, merge_residents
from kangqiao.domain.residents.models import Merge, Resident
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken
from kangqiao.kernel.identifiers import id_check_digit

pytestmark = pytest.mark.django_db
Asks = Callable[[int], AbstractContextManager[list[str]]]
DAY = timedelta(days=1)


def place(w: f.World, kind: str = "school", **given: object) -> Community:
    """A place the centre serves."""
    said = {"organization_id": w.centre.pk, "kind": kind, "zh": f"演示{kind}{w.next()}", **given}
    return actions.add_community(**said, by=f.JOB, at=f.AT)


def counted(number: int) -> dict[str, object]:
    """What the place says itself."""
    return {"head_count": number, "counted_on": f.ON, "counted_by": "演示名单"}


def people_of(w: f.World, number: int) -> list[Resident]:
    """Registered residents, in few statements."""
    rows = [
        Resident(
            name=f"演示学生{one}", sex="female", birth_date=date(2018, 1, 1), identifier=f"P{one:07d}", centre=w.centre,
            is_demo=True,
        )
        for one in range(number)
    ]  # fmt: skip
    import_residents(residents=rows, since=f.AT, by=f.JOB, at=f.AT)
    return list(Resident.objects.order_by("pk"))


def listed(where: Community, people: list[tuple[str, str]], since: date = f.ON) -> list[int]:
    """The list of a place is read in."""
    rows = [NewAffiliation(where.pk, *one, since) for one in people]
    return actions.import_roll(people=rows, by=f.JOB, at=f.AT)


def figures(where: Community, on: date = f.ON) -> queries.Reached:
    (found,) = queries.reached([where], on)
    return found


def desk(w: f.World, role: str, **more: object) -> tuple[Client, Seat]:
    """A browser of somebody at the centre, or elsewhere."""
    seat = w.seat(role, **more)
    client = Client()
    client.force_login(User.objects.get(pk=seat.user_id))
    return client, seat


@pytest.mark.clause("FT18-2.3b")
def test_school_of_800_with_760_records_names_the_40_missing() -> None:
    w = f.world()
    school = place(w, **counted(800))
    known = [(one.name, one.identifier) for one in people_of(w, 760)]
    missing = [(f"演示无档{number}", f"N{number:07d}") for number in range(40)]
    listed(school, known + missing)
    doctor, seat = desk(w, Role.GP)

    found = figures(school)
    with time_machine.travel(f.AT, tick=False):
        page = doctor.get(reverse("contracting-community", args=(school.pk,))).content.decode()

    assert (found.people, found.recorded, found.unrecorded, found.recorded_share) == (800, 760, 40, 0.95)
    assert "95.0%" in page
    assert "800 人中 760 人有档案" in page
    assert page.count("演示无档") == 40
    assert "演示学生" not in page
    shown = queries.listed_people(seat, school, f.ON, "unrecorded")
    assert {one.identifier for one in shown} == {number for _name, number in missing}


@pytest.mark.clause("FT18-2.3b")
def test_missing_student_is_registered_from_the_list_and_found_again_by_number() -> None:
    w = f.world()
    school = place(w)
    number = "47049920180101001" + id_check_digit("47049920180101001")
    (row_id,) = listed(school, [("演示丙", number)])
    doctor, _seat = desk(w, Role.GP)

    form = doctor.get(reverse("contracting-register", args=(row_id,)))
    body = form.context["form"].initial | {"insurance": "resident", "neighbourhood": "001001", "idempotency_key": "k"}
    answer = doctor.post(reverse("residents-register"), body)

    assert f'action="{reverse("residents-register")}"' in form.content.decode()
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    assert figures(school, date.max - 3 * DAY).recorded == 1


@pytest.mark.clause("XH23-5.2.1d")
def test_home_of_80_with_70_contracted_shows_its_share_and_the_days_of_the_team() -> None:
    w = f.world()
    home, team = place(w, "care_home", **counted(80)), w.team()
    people = people_of(w, 80)
    listed(home, [(one.name, one.identifier) for one in people])
    new = [
        actions.NewContract(one.pk, team.pk, f.ON, f.ON + 365 * DAY, (), one.name, "care_home") for one in people[:70]
    ]
    actions.import_contracts(contracts=new, policy_ref="test", by=f.JOB, at=f.AT)
    made = actions.plan_community_visit(community_id=home.pk, team_id=team.pk, on=f.ON, by=f.JOB, at=f.AT)
    actions.finish_community_visit(visit_id=made.pk, by=f.JOB, at=f.AT)
    actions.plan_community_visit(community_id=home.pk, team_id=team.pk, on=f.ON + 7 * DAY, by=f.JOB, at=f.AT)
    doctor, _seat = desk(w, Role.GP)

    with time_machine.travel(f.AT, tick=False):
        page = doctor.get(reverse("contracting-community", args=(home.pk,)) + "?show=unsigned").content.decode()
        index = doctor.get(reverse("contracting-communities")).content.decode()

    found = figures(home)
    assert (found.signed, found.signed_share) == (70, 0.875)
    assert (found.last_on, found.next_on) == (f.ON, f.ON + 7 * DAY)
    for shown in (page, index):
        assert "87.5%" in shown
        assert "2026-03-02" in shown
        assert "2026-03-09" in shown
    assert page.count("登记签约申请</a>") == 10
    assert "已经去过" not in page  # the one to come is only called off


@pytest.mark.clause("XH23-5.2.1e")
def test_employee_who_lives_in_the_district_signs_in_the_building_and_counts_once_in_the_district() -> None:
    w = f.world()
    building = place(w, "office_building", **counted(10))
    team, one = w.team(), w.resident()
    actions.join_community(community_id=building.pk, name=one.name, identifier=one.identifier, by=f.JOB, at=f.AT)
    bureau = w.seat(Role.BUREAU_OFFICER, w.bureau)
    before, district = figures(building), queries.coverage(bureau, f.ON).whole

    f.sign(w.accepted(team, one)[0], one.name, community_id=building.pk)

    after, whole = figures(building), queries.coverage(bureau, f.ON).whole
    assert (before.signed, after.signed, after.signed_here, after.listed) == (0, 1, 1, 1)
    assert after.signed_share == 0.1
    assert (district.signed, whole.signed, whole.people) == (0, 1, 1)
    signed = Contract.objects.get(resident=one)
    assert (signed.where, signed.community) == ("office_building", building)


@pytest.mark.clause("XH23-5.2.1e")
def test_who_signs_at_a_place_comes_onto_its_list_and_the_family_does_not() -> None:
    w = f.world()
    firm, other, team = place(w, "enterprise"), place(w, "industrial_park"), w.team()
    one, partner = w.resident(), w.resident(born=date(1951, 1, 1))
    first = w.accepted(team, one, partner)[0]

    f.sign(first, one.name, community_id=firm.pk)
    listed(other, [(one.name, one.identifier)])

    assert [row.identifier for row in firm.people.all()] == [one.identifier]
    assert (figures(firm).signed, figures(firm).signed_here) == (1, 1)
    assert (figures(other).signed, figures(other).signed_here) == (1, 0)
    assert queries.coverage(w.seat(Role.BUREAU_OFFICER, w.bureau), f.ON).whole.signed == 2


def test_sign_page_asks_for_the_place_and_refuses_one_of_another_house() -> None:
    w = f.world()
    firm, team, one = place(w, "enterprise"), w.team(), w.resident()
    foreign = actions.add_community(organization_id=w.other.pk, kind="campus", zh="演示外", by=f.JOB, at=f.AT)
    contract = w.accepted(team, one)[0]
    doctor, _seat = desk(w, Role.GP)
    url = reverse("contracting-step", args=(contract.pk, "sign"))
    body = {"way": "paper", "where": "centre", "signed_by": one.name, "filed_as": "1", "idempotency_key": "a"}

    with time_machine.travel(f.AT, tick=False):
        assert firm.zh in doctor.get(url).content.decode()
        refused = doctor.post(url, body | {"community_id": foreign.pk})
        signed = doctor.post(url, body | {"community_id": firm.pk, "idempotency_key": "b"})

    assert (refused.status_code, signed.status_code) == (422, 302)
    assert Contract.objects.get(pk=contract.pk).community == firm
    waiting = w.accepted(team, w.resident())[0]
    with pytest.raises(RuleBroken, match="不由团队所在的中心服务"):
        f.sign(waiting, waiting.resident.name, community_id=foreign.pk)


def test_renewal_may_be_signed_at_a_place() -> None:
    w = f.world()
    home, team, one = place(w, "care_home"), w.team(), w.resident()
    old = w.signed(team, one)[0]
    due = f.AT + timedelta(days=360)

    new = actions.renew_contract(
        contract_id=old.pk, way="paper", where="centre", signed_by=one.name, filed_as="2", community_id=home.pk,
        by=f.JOB, at=due,
    )[0]  # fmt: skip

    assert (new.community, new.where) == (home, "care_home")
    assert home.people.get().starts_on == f.ON + 360 * DAY


def test_who_is_awaited_later_is_counted_from_the_day_they_sign() -> None:
    w = f.world()
    firm, team, one = place(w, "enterprise"), w.team(), w.resident()
    listed(firm, [(one.name, one.identifier)], since=f.ON + 9 * DAY)

    f.sign(w.accepted(team, one)[0], one.name, community_id=firm.pk)

    terms = [(row.starts_on, row.ends_on) for row in firm.people.order_by("starts_on")]
    assert terms == [(f.ON, f.ON + 9 * DAY), (f.ON + 9 * DAY, None)]
    assert figures(firm).listed == 1


def test_list_longer_than_the_number_said_counts_and_a_shorter_one_says_how_many_are_not_named() -> None:
    w = f.world()
    long, short, empty = place(w, **counted(1)), place(w, **counted(4)), place(w)
    for one in (long, short):
        listed(one, [("演示甲", "P1"), ("演示乙", "P2")])

    assert (figures(long).people, figures(long).unlisted) == (2, 0)
    assert (figures(short).people, figures(short).unlisted) == (4, 2)
    assert (figures(empty).people, figures(empty).recorded_share, figures(empty).signed_share) == (0, None, None)


def test_two_registrations_of_one_person_are_one_record_with_its_contract() -> None:
    w = f.world()
    school, kept, gone = place(w), w.resident(), w.resident()
    w.signed(w.team(), kept)
    listed(school, [(gone.name, gone.identifier)])
    assert figures(school).signed == 0

    Merge.objects.create(kept=kept, gone=gone, reason="演示", merged_by="演示", merged_at=f.AT)

    assert (figures(school).recorded, figures(school).signed) == (1, 1)


def test_place_of_a_centre_is_seen_by_it_and_as_numbers_by_the_bureau() -> None:
    w = f.world()
    school, one = place(w), w.resident()
    listed(school, [(one.name, one.identifier), ("演示无档", "P1")])
    url = reverse("contracting-community", args=(school.pk,))
    officer, office = desk(w, Role.BUREAU_OFFICER, house=w.bureau)
    stranger, foreign = desk(w, Role.GP, house=w.other)

    page = officer.get(url).content.decode()

    assert "2 人中 1 人有档案" in page
    assert "演示无档" not in page
    assert one.name not in page
    assert not queries.listed_people(office, school, f.ON, "all")
    assert stranger.get(url).status_code == 404
    with pytest.raises(NotVisible):
        queries.get_community(foreign, school.pk)
    with pytest.raises(Denied, match="服务它的中心"):
        actions.join_community(community_id=school.pk, name="演示", identifier="P9", by=foreign.actor, at=f.AT)
    allowed = {r.value for r in Role if permissions.can_keep_communities(w.seat(r).actor, w.centre.pk)}
    assert allowed == {"gp", "centre_manager"}
    assert not permissions.can_keep_communities(w.seat(Role.GP).actor, w.other.pk)


def test_record_behind_a_line_opens_only_to_who_may_see_it() -> None:
    w = f.world()
    school, near, far = place(w), w.resident(), w.resident(house=w.other)
    listed(school, [(near.name, near.identifier), (far.name, far.identifier)])
    seat = w.seat(Role.GP)
    rows = queries.listed_people(seat, school, f.ON, "all")

    found = {one.row.identifier: one for one in queries.belongings(seat, school, rows, f.ON)}

    assert (found[near.identifier].is_recorded, found[near.identifier].resident) == (True, near)
    assert (found[far.identifier].is_recorded, found[far.identifier].resident) == (True, None)


def test_resident_is_put_on_a_list_from_their_own_page_and_taken_off_again() -> None:
    w = f.world()
    firm, one = place(w, "enterprise"), w.resident()
    doctor, _seat = desk(w, Role.GP)
    url = reverse("contracting-belongs", args=(one.pk,))

    with time_machine.travel(f.AT, tick=False):
        added = doctor.post(url, {"community_id": firm.pk, "idempotency_key": "a"})
        again = doctor.post(url, {"community_id": firm.pk, "idempotency_key": "b"})
        card = doctor.get(reverse("contracting-of", args=(one.pk,))).content.decode()
        row = firm.people.get()
        left = doctor.post(reverse("contracting-leave", args=(row.pk,)), {"idempotency_key": "c", "back": url})

    assert (added.status_code, again.status_code, left.url) == (302, 422, url)
    assert firm.zh in card
    row.refresh_from_db()
    assert row.ends_on == f.ON


def test_pages_ask_the_same_for_few_and_for_many(asks_at_most: Asks) -> None:
    w = f.world()
    doctor, seat = desk(w, Role.GP)
    school, team = place(w), w.team()
    listed(school, [("演示甲", "P1")])
    urls = [reverse("contracting-communities"), reverse("contracting-community", args=(school.pk,)) + "?show=all"]
    few = []
    for url in urls:
        with asks_at_most(60) as asked:
            doctor.get(url)
        few.append(len(asked))
    people = people_of(w, 40)
    listed(school, [(one.name, one.identifier) for one in people])
    for _number in range(20):
        listed(place(w), [(one.name, one.identifier) for one in people])
        on = f.ON + w.next() * DAY
        actions.plan_community_visit(community_id=school.pk, team_id=team.pk, on=on, by=f.JOB, at=f.AT)
    doctor.get(urls[1])

    for url, most in zip(urls, few, strict=True):
        with asks_at_most(most + 5):
            doctor.get(url)
    with asks_at_most(6):
        queries.reached(list(queries.communities(seat)), f.ON)
    assert CommunityVisit.objects.count() == 20


def test_places_of_another_city_and_of_houses_without_a_part_in_it_are_not_shown() -> None:
    w = f.world()
    one = place(w)
    city = Place.objects.create(code="4403", zh="深圳市")
    elsewhere = Organization.objects.create(
        code="sz-bureau", kind="health_bureau", zh="演示深圳", short_zh="演示深圳", place=city, is_demo=True
    )

    def shown(role: str, house: Organization) -> list[Community]:
        return list(Community.objects.filter(permissions.communities_visible_to(w.seat(role, house))))

    assert shown(Role.BUREAU_OFFICER, w.bureau) == shown(Role.GP, w.centre) == [one]
    assert shown(Role.BUREAU_OFFICER, elsewhere) == shown(Role.GP, w.other) == []
    assert shown(Role.EXPERT, w.hospital) == shown(Role.FINANCE_OFFICER, w.bureau) == []


def test_somebody_on_the_list_under_two_numbers_counts_once() -> None:
    w = f.world()
    kept, gone = w.resident(date(1980, 1, 1)), w.resident(date(1980, 1, 1))
    building = place(w, "office_building")
    listed(building, [(kept.name, kept.identifier), (gone.name, gone.identifier), ("演示无档", "N0000001")])
    w.signed(w.team(), kept)
    before = figures(building)

    merge_residents(kept_id=kept.pk, gone_id=gone.pk, reason="同一人", by=f.JOB, at=f.AT)

    after = figures(building)
    assert (before.listed, before.recorded, before.signed) == (3, 2, 1)
    assert (after.listed, after.recorded, after.signed) == (2, 1, 1)
