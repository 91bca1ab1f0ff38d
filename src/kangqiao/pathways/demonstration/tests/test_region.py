"""The demonstration regions on a small number of residents."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from kangqiao import policy
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts import actions as accounts
from kangqiao.domain.accounts import queries as accounts_queries
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.contracting.models import Contract, Service, Team, TeamMember, Zone
from kangqiao.domain.contracting.states import PLACED
from kangqiao.domain.finance.models import SettlementLine
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.records import queries as records
from kangqiao.domain.records.models import Condition, Encounter
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.roster.models import HalfDay
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.identifiers import is_citizen_id
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import contracts, load, staff

pytestmark = pytest.mark.django_db
TODAY = date(2026, 5, 14)
RESIDENTS = 160
PEOPLE = ("concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-residents", "zhuhai-cast", "zhuhai-history")
WHOLE = list(load.STEPS)


@pytest.fixture(autouse=True)
def _people_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests ask about the people; the work of the region is loaded once, by the test that asks about it."""
    monkeypatch.setattr(load, "STEPS", [step for step in WHOLE if step.key in PEOPLE])


def _load(region: str = "zhuhai") -> demonstration.Loaded:
    return demonstration.load_region(region, today=TODAY, residents=RESIDENTS)


def _seat(username: str) -> Seat:
    found = accounts_queries.seat_of(User.objects.get(username=username), None)
    assert found is not None
    return found


def test_the_region_is_the_network_of_the_paper() -> None:
    _load()

    data = policy.default().pack("zhuhai-lianjian").data("network")
    assert institutions.hospitals_in("4404").count() == len(data["hospitals"]) == 7
    assert institutions.centres_in("4404").count() == len(data["centres"]) == 16
    assert {row["zh"] for row in data["centres"]} == {row.zh for row in institutions.centres_in("4404")}
    districts = Counter(row.place.zh for row in institutions.centres_in("4404"))
    assert districts == {"香洲区": 11, "金湾区": 2, "横琴新区": 1, "高新区": 1, "高栏港区": 1}
    assert not Organization.objects.filter(is_stand_in=True).exists()
    assert [row.code for row in institutions.hospitals_without_guidance_office("4404")] == ["xz_people2"]


def test_everybody_and_everything_is_marked_invented() -> None:
    _load()

    for model in (User, Resident, Practitioner, Organization):
        assert model._default_manager.exists()
        assert not model._default_manager.filter(is_demo=False).exists()


def test_a_second_call_does_nothing() -> None:
    first = _load()
    counts = [model._default_manager.count() for model in (User, Resident, Basis, Encounter, AuditEvent)]

    second = _load()

    assert second.taken == []
    assert second.there == [key for key, _rows, _seconds in first.taken]
    assert counts == [model._default_manager.count() for model in (User, Resident, Basis, Encounter, AuditEvent)]


def test_an_interrupted_loader_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(run: demonstration.Run) -> int:
        staff.load_zhuhai(run)
        raise KeyboardInterrupt

    whole = list(load.STEPS)
    monkeypatch.setattr(load, "STEPS", [*whole[:2], demonstration.Step(whole[2].key, "", break_off), *whole[3:]])
    with pytest.raises(KeyboardInterrupt):
        _load()
    half_done = User.objects.count()
    monkeypatch.setattr(load, "STEPS", whole)

    rest = _load()

    assert half_done == 0
    assert [key for key, _rows, _seconds in rest.taken] == [step.key for step in whole[2:]]
    assert Resident.objects.count() == RESIDENTS + 5


@pytest.mark.django_db(transaction=True)
def test_a_second_process_takes_the_steps_beside() -> None:
    alone = _load()
    counts = [model._default_manager.count() for model in (User, Resident, Basis, Encounter)]
    call_command("flush", interactive=False, verbosity=0)

    in_two = demonstration.load_region("zhuhai", today=TODAY, residents=RESIDENTS, in_two=True)

    beside = {step.key for step in load.STEPS if step.beside}
    assert {key for key, _rows, _seconds in alone.taken} - {key for key, _rows, _seconds in in_two.taken} == beside
    assert counts == [model._default_manager.count() for model in (User, Resident, Basis, Encounter)]
    assert _load().taken == []


@pytest.mark.django_db(transaction=True)
def test_a_second_process_that_fails_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [replace(step, run=lambda run: 1 // 0) if step.beside else step for step in load.STEPS]
    monkeypatch.setattr(load, "STEPS", broken)

    with pytest.raises(RuntimeError, match="second process"):
        demonstration.load_region("zhuhai", today=TODAY, residents=RESIDENTS, in_two=True)


@pytest.mark.django_db(transaction=True)
def test_a_second_process_opens_connections_of_its_own() -> None:
    """Where a loop runs, as a browser's does, its connections are others than those of its thread."""

    def begin() -> None:
        mine = connection.cursor().execute("SELECT pg_backend_pid()").fetchone()[0]
        asyncio.run(with_a_loop(mine))
        connection.close()

    async def with_a_loop(mine: int) -> None:
        connection.cursor().execute("SELECT pg_terminate_backend(%s)", [mine])
        with load.second_process(lambda: connection.cursor().execute("SELECT 1")):
            pass
        connection.close()

    # A thread of its own: in this one a browser of other tests may have its loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(begin).result()


def test_nearly_half_of_the_residents_are_signed_with_whole_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    known = (*PEOPLE, "zhuhai-teams", "zhuhai-contracts")
    monkeypatch.setattr(load, "STEPS", [step for step in WHOLE if step.key in known])
    _load()

    teams, contracts = Team.objects.all(), Contract.objects.filter(status="active")
    assert {(team.status, team.is_demo) for team in teams} == {("open", True)}
    assert teams.count() == 32
    assert 0.35 < contracts.count() / Resident.objects.count() < 0.6
    assert set(contracts.values_list("is_demo", flat=True)) == {True}
    for team in teams:
        assert team.taken == Contract.objects.filter(team=team, status__in=PLACED).count()
    assert Service.objects.exists()
    assert _load().taken == []


def test_a_centre_of_many_people_has_as_many_teams_as_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a register of a million: with more doctors, and each house number at one team (ZH-4.5c)."""
    monkeypatch.setattr(load, "STEPS", [step for step in WHOLE if step.key in (*PEOPLE, "zhuhai-teams")])
    of_them = 12 * 100_000  # each person counts for twelve thousand
    monkeypatch.setattr(contracts, "SIGNED_OF_KEY", of_them)
    _load()

    people = Counter(Resident.objects.values_list("centre_id", flat=True))
    houses = list(range(1, contracts.HOUSE_NUMBERS + 1))
    for centre, number in people.items():
        teams = Team.objects.filter(organization=centre).order_by("pk")
        room = sum(team.ceiling for team in teams)
        assert len(teams) > contracts.TEAMS
        assert room >= number * of_them / 100 > room - teams[0].ceiling
        zones = Zone.objects.filter(team__organization=centre)
        assert sorted(at for zone in zones for at in range(zone.first, zone.last + 1)) == houses
        assert len({team.zh for team in teams}) == len(teams)
        leads = TeamMember.objects.filter(team__in=teams, is_lead=True).values_list("practitioner_id", flat=True)
        assert len(set(leads)) == len(teams)


def test_bulk_steps_write_one_line_of_audit_each_and_not_one_for_each_resident() -> None:
    _load()

    assert AuditEvent.objects.filter(action="residents.import_residents").count() == 1
    assert AuditEvent.objects.filter(action="records.import_history").count() == 1
    one_by_one = AuditEvent.objects.filter(
        kind=AuditEvent.Kind.ACTION, subject_type__in=("residents.resident", "residents.basis")
    )
    assert one_by_one.count() < RESIDENTS


def test_every_role_at_work_has_somebody_and_the_password_lets_them_in() -> None:
    _load()

    people = demonstration.accounts()

    assert {one["role"] for one in people} == {role.value for role in Role}
    assert people[0]["name"] == "林惊蛰"
    assert set(people[0]) == {"role", "role_name", "name", "username", "password", "organization", "address"}
    for username in ("gp-xiangwan-1", "resident-linjingzhe"):
        one = next(row for row in people if row["username"] == username)
        assert accounts.sign_in(username=username, password=one["password"], demo="zhuhai", at=NOW).name == one["name"]


def test_every_hospital_can_send_enough_and_has_somebody_who_must_be_refused() -> None:
    _load()

    for hospital in institutions.hospitals_in("4404"):
        may = workforce.experts_of(hospital.pk, minimum="associate_senior")
        everybody = workforce.staff_of(hospital.pk)
        assert may.count() >= 8
        assert everybody.filter(title_kind="physician", title_grade="attending").count() == 1
        assert everybody.filter(title_kind="pharmacist", title_grade="associate_senior").count() == 1
        roles = set(Membership.objects.filter(organization=hospital).values_list("role", flat=True))
        assert roles >= {"hospital_director", "guidance_office", "referral_desk", "expert"}
    names = list(Practitioner.objects.values_list("name", flat=True))
    assert len(names) == len(set(names))
    assert {"沈青黛", "顾白芷", "韩景天", "方海桐", "周玉竹"} <= set(names)


def test_residents_have_numbers_that_check_and_belong_to_nobody() -> None:
    _load()

    numbers = list(Resident.objects.values_list("identifier", flat=True))

    assert len(numbers) == RESIDENTS + 5
    assert all(is_citizen_id(number) for number in numbers)
    # No province of the country ever had the number 47.
    assert {number[:2] for number in numbers} == {"47"}


def test_a_gp_finds_the_residents_of_the_own_centre_and_their_history() -> None:
    _load()
    gp = _seat("gp-xiangwan-1")
    centre = institutions.organization("c_xiangwan")

    found = residents.search_residents(gp, "ljz", 5)[0]

    assert (found.name, found.centre_id) == ("林惊蛰", centre.pk)
    assert [row.code for row in records.conditions_of(gp, found)] == ["I10"]
    own = Resident.objects.filter(centre=centre)
    assert set(own) <= set(residents.residents_of(gp))


def test_each_resident_of_the_cast_sees_themselves_alone() -> None:
    _load()

    assert [row.name for row in residents.residents_of(_seat("resident-bailu"))] == ["白露"]


def test_the_history_lies_between_the_first_of_last_year_and_yesterday() -> None:
    _load()

    days = {value.date() for value in Encounter.objects.values_list("started_at", flat=True)}

    assert date(2024, 12, 31) <= min(days)
    assert max(days) < TODAY
    assert Encounter.objects.count() > 5 * RESIDENTS
    assert Condition.objects.filter(code="I10").exists()
    seen = set(Encounter.objects.values_list("resident", "organization"))
    assert seen <= set(Basis.objects.filter(kind="encounter").values_list("resident", "organization"))


def test_the_same_day_makes_the_same_people() -> None:
    before = transaction.savepoint()
    _load()
    first = list(Resident.objects.order_by("identifier").values_list("name", "identifier", "centre__code"))
    transaction.savepoint_rollback(before)
    assert not Resident.objects.exists()

    _load()

    assert first == list(Resident.objects.order_by("identifier").values_list("name", "identifier", "centre__code"))


def test_all_adds_three_networks_with_numbers_standing_in_for_names() -> None:
    _load()
    more = _load("all")

    assert [key for key, _rows, _seconds in more.taken] == ["luohu-network", "futian-network", "xuhui-network"]
    assert (institutions.hospitals_in("440303").count(), institutions.centres_in("440303").count()) == (5, 23)
    assert institutions.centres_in("440304").count() == 11
    assert {row.zh for row in institutions.centres_in("310104")} >= {"徐家汇社区卫生服务中心", "康健社区卫生服务中心"}
    stand_ins = Organization.objects.filter(is_stand_in=True)
    assert stand_ins.count() == 5 + 23 + 11
    assert all("编号代称" in row.zh for row in stand_ins)


def test_none_brings_the_code_lists_alone_and_an_unknown_region_is_refused() -> None:
    assert [key for key, _rows, _seconds in _load("none").taken] == ["concepts"]
    assert not User.objects.exists()
    with pytest.raises(KeyError):
        _load("atlantis")


def test_progress_hears_of_each_step() -> None:
    said: list[str] = []

    demonstration.load_region("zhuhai", today=TODAY, residents=RESIDENTS, progress=said.append)

    assert len(said) == len(load.STEPS)
    assert any("珠海：居民" in line for line in said)


def test_the_whole_chain_is_there_and_a_second_call_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STEPS", WHOLE)

    first = _load()

    assert [key for key, _rows, _seconds in first.taken] == [step.key for step in WHOLE]
    assert all(rows for _key, rows, _seconds in first.taken)
    assert _load().taken == []
    assert HalfDay.objects.filter(status="done").exists()
    coming = HalfDay.objects.filter(status="confirmed", day__gte=TODAY)
    assert coming.count() >= 16 * 3 * 3
    assert not coming.filter(session__isnull=True).exists()
    assert Referral.objects.filter(status="sent", booking__isnull=False).exists()
    assert Counter(Appraisal.objects.values_list("status", flat=True)) == {"closed": 5, "scored": 2}
    assert set(SettlementLine.objects.values_list("status", flat=True)) == {"payable", "held"}
    assert Publication.objects.filter(status="published", year=TODAY.year).count() == 5
