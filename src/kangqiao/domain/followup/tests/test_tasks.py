"""What a doctor finds gives other members of the team their tasks, and they come back done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, TeamMember
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions, queries
from kangqiao.domain.followup.models import TeamTask
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.actions import Told
from kangqiao.domain.terminology.actions import load_concepts
from kangqiao.edges.home.board import board_of
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken
from kangqiao.pathways.record_visit import record_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> f.World:
    return f.world()


def contracted(w: f.World) -> Contract:
    [made] = w.signed(w.team(), w.resident())
    return made


def officer_of(w: f.World, held: Contract) -> User:
    """The public health physician of the team, with a seat at the centre."""
    one = TeamMember.objects.get(team=held.team, kind="public_health").practitioner
    one.user = w.user("演示公卫医师", Role.GP, w.centre)
    one.save()
    return one.user


def visit(w: f.World, held: Contract, diagnosis: str = "Z20.1", doctor: Seat | None = None) -> list[TeamTask]:
    """A visit is written in the consulting room."""
    by = doctor or w.seat(Role.GP)
    told = Told(reason="家里有人得了结核", outcome="treated", diagnosis=diagnosis)
    record_visit(resident_id=held.resident_id, told=told, by=by.actor, at=timezone.now())
    return list(TeamTask.objects.order_by("pk"))


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


@pytest.mark.clause("XH23-5.2.3a")
def test_tuberculosis_contact_found_by_the_doctor_gives_one_task_to_the_public_health_physician(w: f.World) -> None:
    load_concepts(by=f.JOB, at=f.AT)
    held = contracted(w)
    officer = officer_of(w, held)

    [task] = visit(w, held)

    assert task.member is not None
    assert task.member.practitioner.user == officer
    assert task.due_on == timezone.localdate() + timedelta(days=3)
    [told] = Notice.objects.filter(kind="team_task")
    assert (told.user, told.url) == (officer, reverse("followup-task", args=(task.pk,)))
    browser = signed_in(w.seat(Role.GP, w.centre, officer))
    desk = browser.get(reverse("followup-desk"), {"tab": "tasks"}).content.decode()
    assert "结核病接触者随访" in desk
    assert held.resident.name in desk

    browser.post(told.url, {"note": "已上门，无咳嗽，约了胸片", "idempotency_key": "done-1"})

    task.refresh_from_db()
    assert (task.done_on, task.by_name) == (timezone.localdate(), officer.name)
    assert held.resident.name not in browser.get(reverse("followup-desk"), {"tab": "tasks"}).content.decode()


def test_another_diagnosis_and_somebody_without_a_contract_make_no_task(w: f.World) -> None:
    load_concepts(by=f.JOB, at=f.AT)
    held = contracted(w)
    stranger = w.resident()

    assert visit(w, held, "I10") == []
    told = Told(reason="家里有人得了结核", outcome="treated", diagnosis="Z20.1")
    record_visit(resident_id=stranger.pk, told=told, by=w.seat(Role.GP).actor, at=timezone.now())

    assert not TeamTask.objects.exists()


def test_splitting_the_same_visit_again_makes_nothing_new_and_a_person_splits_none(w: f.World) -> None:
    load_concepts(by=f.JOB, at=f.AT)
    [task] = visit(w, contracted(w))
    encounter = int(task.source.split(":")[1])

    assert actions.split_visit(encounter_id=encounter, by=f.JOB, at=timezone.now()) == []
    assert TeamTask.objects.count() == Notice.objects.filter(kind="team_task").count() == 1
    with pytest.raises(Denied):
        actions.split_visit(encounter_id=encounter, by=w.seat(Role.GP).actor, at=timezone.now())


def test_where_the_team_lacks_that_member_or_they_have_no_account_the_house_is_told(w: f.World) -> None:
    load_concepts(by=f.JOB, at=f.AT)
    held = contracted(w)
    TeamMember.objects.filter(team=held.team, kind="public_health").update(until=timezone.localdate())

    [task] = visit(w, held)

    assert task.member is None
    [told] = Notice.objects.filter(kind="team_task")
    assert (told.organization, told.role, told.user) == (w.centre, Role.GP, None)
    assert "团队还没有公共卫生人员" in signed_in(w.seat(Role.GP)).get("/plans/?tab=tasks").content.decode()


def test_a_task_is_done_once_with_words_by_the_house_of_the_team(w: f.World) -> None:
    load_concepts(by=f.JOB, at=f.AT)
    held = contracted(w)
    [task] = visit(w, held)
    doctor, now = w.seat(Role.GP), timezone.now()

    with pytest.raises(RuleBroken, match="做了什么"):
        actions.finish_task(task_id=task.pk, note=" ", by=doctor.actor, at=now)
    with pytest.raises(Denied):
        actions.finish_task(task_id=task.pk, note="做了", by=w.seat(Role.GP, w.other).actor, at=now)
    for stranger in (w.seat(Role.GP, w.other), w.seat(Role.REFERRAL_DESK, w.hospital)):
        with pytest.raises(NotVisible):
            queries.get_task(stranger, task.pk)
    actions.finish_task(task_id=task.pk, note="做了", by=doctor.actor, at=now)
    with pytest.raises(AlreadyMoved, match=doctor.actor.name):
        actions.finish_task(task_id=task.pk, note="又做了", by=doctor.actor, at=now)


def test_the_own_tasks_stand_first_at_home(w: f.World) -> None:
    load_concepts(by=f.JOB, at=f.AT)
    first = contracted(w)
    visit(w, first)
    second = contracted(w)
    officer = officer_of(w, second)
    visit(w, second)

    seat = w.seat(Role.GP, w.centre, officer)

    assert [one.contract for one in queries.team_tasks(seat, timezone.localdate())] == [second, first]
    board = board_of(seat, timezone.now(), wanted="team_tasks")
    assert [row.title for row in board.rows] == [second.resident.name, first.resident.name]
