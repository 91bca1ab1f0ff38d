from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import localtime, make_aware

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting import actions, queries, rules
from kangqiao.domain.contracting.models import Contract, KeyPerson, OneStop, OneStopStep, Team, TeamMember
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.actions import Told
from kangqiao.domain.terminology.actions import load_concepts
from kangqiao.domain.workforce.models import Absence
from kangqiao.edges.home.board import board_of
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken
from kangqiao.pathways.record_visit import record_visit

DAY = timedelta(days=1)
KINDS = ("gp", "nurse", "public_health", "nutritionist")


def at(text: str, on: date = f.ON) -> datetime:
    return make_aware(datetime.combine(on, time.fromisoformat(text)))


class Site:
    """A pilot in the district of the paper, with a whole team and people with diabetes under contract."""

    def __init__(self, *kinds: str, begun: bool = True) -> None:
        self.w = f.world()
        Place.objects.filter(pk=self.w.centre.place_id).update(code="440304", zh="福田区")
        self.w.centre.place.refresh_from_db()
        self.team: Team = self.w.team(*(kinds or KINDS))
        self.held = self.signed()
        if begun:
            self.begin()

    def begin(self, starts_on: date = f.ON) -> None:
        self.pilot = actions.begin_pilot(organization_id=self.w.centre.pk, starts_on=starts_on, by=f.JOB, at=f.AT)

    def signed(self, group: str = "diabetes") -> Contract:
        resident = self.w.resident(with_user=True)
        [held] = self.w.signed(self.team, resident)
        KeyPerson.objects.create(resident=resident, group=group, since=f.ON, evidence="record")
        return held

    def plan(self, held: Contract | None = None, on: date = f.ON, begins: str = "09:00", **more: object) -> OneStop:
        said = {"flow": "diabetes_visit", "by": f.JOB, "at": f.AT} | more
        return actions.plan_one_stop(
            contract_id=(held or self.held).pk, on=on, begins=time.fromisoformat(begins), **said
        )

    def member(self, kind: str) -> TeamMember:
        return self.team.members.get(kind=kind)


def spans(visit: OneStop) -> list[tuple[str, str, str]]:
    return [
        (one.kind, f"{localtime(one.starts_at):%H:%M}", f"{localtime(one.ends_at):%H:%M}") for one in visit.steps.all()
    ]


def test_each_step_follows_the_one_before_with_who_is_free_first() -> None:
    nine, ten = at("09:00"), at("10:00")
    steps = [("gp", 15), ("nurse", 10)]
    place = rules.one_after_another

    assert place(steps, {"gp": [1], "nurse": [2]}, {}, nine, ten) == [
        (1, nine, at("09:15")), (2, at("09:15"), at("09:25")),
    ]  # fmt: skip
    assert place(steps, {"gp": [1, 3], "nurse": [2]}, {1: [(nine, ten)]}, nine, ten) is not None
    busy = {1: [(at("09:05"), at("09:20"))], 2: [(at("09:40"), at("09:50")), (at("09:30"), at("09:40"))]}
    assert place(steps, {"gp": [1], "nurse": [2]}, busy, nine, ten) == [
        (1, at("09:20"), at("09:35")), (2, at("09:50"), ten),
    ]  # fmt: skip
    assert place(steps, {"gp": [1], "nurse": [2]}, busy, nine, at("09:59")) is None


@pytest.mark.django_db
@pytest.mark.clause("FT18-3.1a")
def test_diabetic_resident_at_a_pilot_site_has_three_steps_in_one_visit() -> None:
    site = Site()

    visit = site.plan()

    assert OneStop.objects.count() == 1
    assert spans(visit) == [
        ("gp", "09:00", "09:15"), ("public_health", "09:15", "09:25"), ("nutritionist", "09:25", "09:40"),
    ]  # fmt: skip
    assert [one.practitioner_id for one in visit.steps.all()] == [
        site.member(kind).practitioner_id for kind in ("gp", "public_health", "nutritionist")
    ]
    assert Notice.objects.filter(user=site.held.resident.user, subject__contains="一次办完").count() == 1
    for one in visit.steps.all():
        actions.finish_one_stop_step(step_id=one.pk, by=f.JOB, at=f.AT)
    visit.refresh_from_db()
    assert visit.status == "done"
    [month] = queries.pilot_months([site.pilot.pk], f.ON)[site.pilot.pk]
    assert (month.month, month.visits, month.steps, month.done, month.whole, month.share) == (
        date(2026, 3, 1), 1, 3, 3, 1, 1.0,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_second_person_takes_the_next_free_time_and_a_second_doctor_shares() -> None:
    site = Site()
    site.plan()
    assert spans(site.plan(site.signed())) == [
        ("gp", "09:15", "09:30"), ("public_health", "09:30", "09:40"), ("nutritionist", "09:40", "09:55"),
    ]  # fmt: skip
    actions.add_member(team_id=site.team.pk, practitioner_id=site.w.person("gp").pk, kind="gp", by=f.JOB, at=f.AT)
    assert spans(site.plan(site.signed()))[0] == ("gp", "09:00", "09:15")


@pytest.mark.django_db
def test_a_kind_that_is_missing_or_away_is_named() -> None:
    site = Site("gp", "nurse", "public_health")
    with pytest.raises(RuleBroken, match="还没有营养师") as refused:
        site.plan()
    assert "加上这类成员" in refused.value.next_step
    actions.add_member(
        team_id=site.team.pk, practitioner_id=site.w.person("nutritionist").pk, kind="nutritionist", by=f.JOB, at=f.AT
    )
    away = site.member("public_health").practitioner
    Absence.objects.create(practitioner=away, starts_on=f.ON, ends_on=f.ON)
    with pytest.raises(RuleBroken, match="公共卫生人员那天都不在"):
        site.plan()
    Absence.objects.update(half="am")
    assert spans(site.plan())[1] == ("public_health", "12:00", "12:10")
    assert not OneStop.objects.exclude(on=f.ON).exists()


@pytest.mark.django_db
def test_what_cannot_be_arranged_is_said() -> None:
    site = Site(begun=False)
    with pytest.raises(RuleBroken, match="不是一站式试点") as refused:
        site.plan()
    assert refused.value.clause == "FT18-3.1a"
    site.begin(f.ON + DAY)
    with pytest.raises(RuleBroken, match="不是一站式试点"):
        site.plan()
    tomorrow = f.ON + DAY
    with pytest.raises(RuleBroken, match="没有适用的一站式流程"):
        site.plan(site.signed("hypertension"), tomorrow)
    with pytest.raises(RuleBroken, match="没有有效的签约"):
        site.plan(on=f.ON + 400 * DAY)
    actions.suspend_contract(contract_id=site.held.pk, reason="去外地", by=f.JOB, at=f.AT)
    with pytest.raises(RuleBroken, match="没有有效的签约"):
        site.plan(on=tomorrow)
    actions.resume_contract(contract_id=site.held.pk, by=f.JOB, at=f.AT)
    with pytest.raises(RuleBroken, match="已经过去"):
        site.plan(on=f.ON - DAY)
    with pytest.raises(RuleBroken, match="17:00 以后排不下"):
        site.plan(on=tomorrow, begins="17:00")
    site.plan(on=tomorrow)
    with pytest.raises(Taken, match="已经安排了一次"):
        site.plan(on=tomorrow, begins="14:00")
    outsider = site.w.seat(Role.GP, site.w.other).actor
    with pytest.raises(Denied):
        site.plan(on=tomorrow + DAY, by=outsider)


@pytest.mark.django_db
def test_today_begins_no_earlier_than_now() -> None:
    site = Site()
    visit = site.plan(begins="08:00", at=at("10:02"))

    assert spans(visit)[0] == ("gp", "10:05", "10:20")


@pytest.mark.django_db
def test_steps_are_done_once_on_the_day_and_a_cancelled_visit_frees_everybody() -> None:
    site = Site()
    later = site.plan(on=f.ON + DAY)
    with pytest.raises(RuleBroken, match="还没到"):
        actions.finish_one_stop_step(step_id=later.steps.first().pk, by=f.JOB, at=f.AT)
    actions.cancel_one_stop(one_stop_id=later.pk, reason="居民有事", by=f.JOB, at=f.AT)
    with pytest.raises(AlreadyMoved):
        actions.cancel_one_stop(one_stop_id=later.pk, reason="再取消", by=f.JOB, at=f.AT)
    with pytest.raises(AlreadyMoved):
        actions.finish_one_stop_step(step_id=later.steps.first().pk, by=f.JOB, at=f.AT + DAY)
    assert spans(site.plan(on=f.ON + DAY))[0] == ("gp", "09:00", "09:15")
    today = site.plan()
    first = today.steps.first()
    actions.finish_one_stop_step(step_id=first.pk, by=f.JOB, at=f.AT)
    with pytest.raises(AlreadyMoved, match="已经记下"):
        actions.finish_one_stop_step(step_id=first.pk, by=f.JOB, at=f.AT)
    with pytest.raises(RuleBroken, match="已经做了一步"):
        actions.cancel_one_stop(one_stop_id=today.pk, reason="居民走了", by=f.JOB, at=f.AT)
    [month] = queries.pilot_months([site.pilot.pk], f.ON)[site.pilot.pk]
    assert (month.visits, month.steps, month.done, month.whole, month.share) == (1, 3, 1, 0, 0.0)


@pytest.mark.django_db
def test_the_record_of_the_visit_marks_the_step_of_its_doctor() -> None:
    site = Site()
    load_concepts(by=f.JOB, at=f.AT)
    doctor = site.w.user("演示医生", Role.GP, site.w.centre)
    lead = site.member("gp").practitioner
    lead.user = doctor
    lead.save()
    visit = site.plan()
    told = Told(reason="复查血糖", outcome="treated", diagnosis="E11")

    with time_machine.travel(f.AT, tick=False):
        row, _services = record_visit(
            resident_id=site.held.resident_id, told=told, by=site.w.seat(Role.GP, user=doctor).actor, at=f.AT
        )

    first, second, _third = visit.steps.all()
    assert (first.source, first.by_name, first.done_at) == (f"encounter:{row.pk}", lead.name, f.AT)
    assert second.done_at is None


@pytest.mark.django_db
def test_pilots_are_begun_once_and_ended_by_manager_or_bureau() -> None:
    site = Site()
    manager, officer = site.w.seat(Role.CENTRE_MANAGER), site.w.seat(Role.BUREAU_OFFICER, site.w.bureau)
    doctor = site.w.seat(Role.GP)
    with pytest.raises(Taken, match="已经在试点"):
        actions.begin_pilot(organization_id=site.w.centre.pk, starts_on=f.ON + DAY, by=manager.actor, at=f.AT)
    with pytest.raises(Denied):
        actions.end_pilot(pilot_id=site.pilot.pk, by=doctor.actor, at=f.AT)
    with pytest.raises(RuleBroken, match="过去"):
        actions.begin_pilot(organization_id=site.w.other.pk, starts_on=f.ON - DAY, by=officer.actor, at=f.AT)
    with pytest.raises(RuleBroken, match="有家庭医生团队"):
        actions.begin_pilot(organization_id=site.w.hospital.pk, starts_on=f.ON, by=officer.actor, at=f.AT)
    ahead = site.plan(on=f.ON + DAY)
    with pytest.raises(RuleBroken, match="还有 1 次"):
        actions.end_pilot(pilot_id=site.pilot.pk, by=manager.actor, at=f.AT)
    actions.cancel_one_stop(one_stop_id=ahead.pk, reason="试点结束", by=f.JOB, at=f.AT)
    ended = actions.end_pilot(pilot_id=site.pilot.pk, by=manager.actor, at=f.AT)
    assert ended.last_day == f.ON
    with pytest.raises(RuleBroken, match="已经结束"):
        actions.end_pilot(pilot_id=site.pilot.pk, by=manager.actor, at=f.AT)
    with pytest.raises(RuleBroken, match="不是一站式试点"):
        site.plan(on=f.ON + DAY)
    assert site.w.other in queries.may_pilot(officer)
    assert queries.may_pilot(manager) == [site.w.centre]


@pytest.mark.django_db
def test_other_houses_see_neither_visit_nor_pilot() -> None:
    site = Site()
    visit = site.plan()
    other = site.w.seat(Role.GP, site.w.other)

    with pytest.raises(NotVisible):
        queries.get_one_stop(other, visit.pk)
    with pytest.raises(NotVisible):
        queries.get_one_stop_step(other, visit.steps.first().pk)
    with pytest.raises(NotVisible):
        queries.get_pilot(other, site.pilot.pk)
    assert queries.one_stops(other, f.ON) == []
    assert [one.pk for one in queries.one_stops(site.w.seat(Role.GP), f.ON)] == [visit.pk]


@pytest.mark.django_db
def test_results_of_many_pilots_are_one_question() -> None:
    site = Site()
    asked = []
    for ids in ([site.pilot.pk], [site.pilot.pk, 0, -1]):
        with CaptureQueriesContext(connection) as found:
            months = queries.pilot_months(ids, f.ON)
        asked.append(len(found))
        assert list(months) == ids
    assert asked[0] == asked[1]


def browser(user: User) -> Client:
    found = Client()
    found.force_login(user)
    return found


@pytest.mark.django_db
def test_pages_arrange_it_by_one_press_and_show_it_to_team_and_resident() -> None:
    site = Site(begun=False)
    manager = browser(site.w.user("演示主任", Role.CENTRE_MANAGER, site.w.centre))
    doctor_user = site.w.user("演示医生", Role.GP, site.w.centre)
    doctor, resident = browser(doctor_user), browser(site.held.resident.user)
    with time_machine.travel(at("09:05"), tick=False):
        assert "还没有试点" in manager.get(reverse("contracting-pilots")).content.decode()
        begin = {"organization_id": site.w.centre.pk, "starts_on": f.ON.isoformat(), "aim": "三步一次办完"}
        assert manager.post(reverse("contracting-pilot-begin"), begin | {"starts_on": "x"}).status_code == 422
        manager.post(reverse("contracting-pilot-begin"), begin)
        detail = doctor.get(reverse("contracting-detail", args=(site.held.pk,))).content.decode()
        new = reverse("contracting-one-stop-new", args=(site.held.pk,))
        assert new in detail
        assert "糖尿病一站式" in doctor.get(new).content.decode()
        bad = doctor.post(new, {"flow": "diabetes_visit", "on": "2026-03-01"})
        assert (bad.status_code, "已经过去" in bad.content.decode()) == (422, True)
        doctor.post(new, {"flow": "diabetes_visit", "on": f.ON.isoformat()})
        day = doctor.get(reverse("contracting-one-stop-day")).content.decode()
        assert all(word in day for word in ("09:05", "09:20", "09:30", "营养评估"))
        mine = resident.get(reverse("contracting-mine")).content.decode()
        order = [mine.index(word) for word in ("家庭医生看诊", "随访、测量", "营养评估")]
        assert order == sorted(order)
        board = board_of(site.w.seat(Role.GP, user=doctor_user), at("09:05"), wanted="one_stops")
        assert board.chosen.count == 3
        for one in OneStopStep.objects.order_by("number"):
            doctor.post(reverse("contracting-one-stop-done", args=(one.pk,)))
        assert "一次办完" in doctor.get(reverse("contracting-one-stop-day")).content.decode()
        pilot = manager.get(reverse("contracting-pilots")).content.decode()
        assert "100.0%" in pilot
        manager.post(reverse("contracting-pilot-end", args=(queries.pilot_on(site.w.centre.pk, f.ON).pk,)))
        shown = manager.get(reverse("contracting-pilot", args=(queries.pilot_on(site.w.centre.pk, f.ON).pk,)))
        assert "2026-03-02 到 2026-03-02" in shown.content.decode()
