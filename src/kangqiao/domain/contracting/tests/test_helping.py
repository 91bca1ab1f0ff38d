from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.application_plugin import as_application

from kangqiao.base import acting, rows
from kangqiao.base.actor import Actor
from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions, permissions, queries
from kangqiao.domain.contracting.models import Contract, Helper, HomeVisit, Team, TeamDuty
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.records.models import Condition
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Consent, Resident
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
Asks = Callable[[int], AbstractContextManager[list[str]]]
NOW = timezone.now()
DAY = timedelta(days=1)


@dataclass
class Helping:
    """A team with a contracted resident who has a diagnosis, and helpers."""

    w: f.World
    team: Team
    resident: Resident

    def helper(self, kind: str) -> tuple[Helper, Seat]:
        """Somebody who helps as that kind, and their seat."""
        user = self.w.user(f"演示{kind}", Role.HELPER, self.w.centre)
        row = actions.add_helper(team_id=self.team.pk, user_id=user.pk, kind=kind, by=f.JOB, at=NOW)
        return row, self.w.seat(Role.HELPER, user=user)

    def patient(self) -> Resident:
        """One more under contract."""
        one = self.w.resident(door=self.w.next())
        self.w.signed(self.team, one, at=NOW)
        return one

    def visit(self, helper: Helper, resident: Resident | None = None, **more: object) -> HomeVisit:
        """A visit of today, unless told otherwise."""
        said = {"act": "home_visit", "on": timezone.localdate(NOW), "by": f.JOB, "at": NOW, **more}
        return actions.plan_visit(resident_id=(resident or self.resident).pk, helper_id=helper.pk, **said)

    def awaited(self) -> None:
        """The resident is awaited at the hospital tomorrow, at a cardiologist's."""
        doctor = self.w.person("specialist", self.w.hospital)
        start = NOW + DAY
        span = {"starts_at": start, "ends_at": start + timedelta(hours=1)}
        session = Session.objects.create(
            organization=self.w.hospital, practitioner=doctor, specialty="cardiology", kind="hospital_clinic", **span
        )
        slot = Slot.objects.create(session=session, opens_at=NOW, taken=1, **span)
        Booking.objects.create(
            slot=slot, session=session, resident=self.resident, channel="gp", booked_by="user:1", booked_at=NOW
        )


@pytest.fixture
def there() -> Helping:
    """The team with its resident."""
    w = f.world()
    team, resident = w.team(), w.resident(door=37)
    Resident.objects.filter(pk=resident.pk).update(phone="13900000037")
    w.signed(team, resident, at=NOW)
    Condition.objects.create(resident=resident, code="I10", zh="演示高血压")
    return Helping(w, team, Resident.objects.get(pk=resident.pk))


@contextmanager
def seated(seat: Seat) -> Iterator[None]:
    """The database is asked by the application's role, from a seat."""
    with as_application(), transaction.atomic():
        acting.as_seat(seat, request="helping")
        yield


def client(user: User | int) -> Client:
    found = Client()
    found.force_login(user if isinstance(user, User) else User.objects.get(pk=user))
    return found


def post(who: Client, name: str, *arguments: int, **body: object):
    return who.post(reverse(name, args=arguments), {FIELD: secrets.token_hex(8), **body})


@pytest.mark.clause("FT18-2.2c")
def test_two_of_the_workstation_see_contact_and_appointments_and_no_diagnosis(there: Helping) -> None:
    there.awaited()
    seats = [there.helper("workstation")[1] for _number in range(2)]

    for seat in seats:
        browser = client(seat.user_id)
        page = browser.get(reverse("contracting-helped-person", args=(there.resident.pk,))).content.decode()
        for shown in (there.resident.name, "13900000037", f"{f.STREET}37号", there.w.hospital.short_zh):
            assert shown in page
        whole = page + browser.get(reverse("contracting-helped")).content.decode()
        assert not [word for word in ("高血压", "I10", "cardiology", "心血管") if word in whole]
        for name in ("records-resident", "contracting-of", "contracting-groups", "followup-plan"):
            assert browser.get(reverse(name, args=(there.resident.pk,))).status_code == 403


@pytest.mark.clause("XH23-5.2.3b")
def test_volunteer_sees_date_and_address_of_three_visits_and_no_clinical_field(there: Helping) -> None:
    helper, seat = there.helper("volunteer")
    people = [there.patient() for _number in range(3)]
    for number, one in enumerate(people):
        there.visit(helper, one, on=timezone.localdate(NOW) + number * DAY)
    browser = client(seat.user_id)

    page = browser.get(reverse("contracting-helped")).content.decode()

    for number, one in enumerate(people):
        assert (timezone.localdate(NOW) + number * DAY).isoformat() in page
        assert one.address in page
    assert there.resident.name not in page  # under contract, not to be visited
    assert "高血压" not in page
    assert HomeVisit.Privacy.clinical == ()
    home = browser.get("/").content.decode()
    assert people[0].address in home
    assert browser.get(reverse("contracting-helped-person", args=(there.resident.pk,))).status_code == 404


@pytest.mark.clause("XH23-5.2.3b")
def test_database_opens_no_row_of_a_resident_to_a_helper(there: Helping) -> None:
    there.awaited()
    helper, seat = there.helper("workstation")
    there.visit(helper)
    names = {"residents_resident", "contracting_contract", "records_condition", "scheduling_booking"}
    assert names <= {model._meta.db_table for model in rows.protected()}

    with seated(seat), connection.cursor() as cursor:
        for model in rows.protected():
            if not any(field.related_model is Resident for field in model._meta.local_fields):
                continue
            cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}"')
            assert cursor.fetchone()[0] == (1 if model is HomeVisit else 0), model
        cursor.execute("SELECT name, phone FROM kangqiao_helped()")
        assert cursor.fetchall() == [(there.resident.name, "13900000037")]
        cursor.execute("SELECT count(*) FROM kangqiao_awaited(%s, %s)", [[there.resident.pk], NOW])
        assert cursor.fetchone()[0] == 1
    for other in (there.w.seat(Role.GP), there.w.seat(Role.HELPER), there.w.seat(Role.BUREAU_OFFICER, there.w.bureau)):
        with seated(other), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM kangqiao_helped()")
            assert cursor.fetchone()[0] == 0
            cursor.execute("SELECT count(*) FROM kangqiao_awaited(%s, %s)", [[there.resident.pk], NOW])
            assert cursor.fetchone()[0] == 0


def test_helper_sees_nobody_once_they_leave_or_the_contract_ends_or_the_house_is_refused(there: Helping) -> None:
    helper, seat = there.helper("workstation")

    def shown() -> int:
        with seated(seat):
            return len(queries.helped(seat))

    assert shown() == 1
    who = there.w.user("演示本人", Role.RESIDENT, there.w.centre)
    refusal = Consent.objects.create(
        resident=there.resident, decision="refuse", purpose="record", organization=there.w.centre, given_by=who,
        since=NOW - DAY,
    )  # fmt: skip
    assert shown() == 0
    refusal.delete()
    duty = TeamDuty.objects.get(team=there.team, kind="workstation")
    said = {"kind": "workstation", "duties": duty.duties, "standard": "", "by": f.JOB, "at": NOW}
    actions.word_duty(team_id=there.team.pk, scope=["home_visit"], **said)
    assert shown() == 0
    there.visit(helper)
    assert shown() == 1
    with pytest.raises(RuleBroken):
        actions.end_helper(helper_id=helper.pk, by=f.JOB, at=NOW)
    actions.cancel_visit(visit_id=HomeVisit.objects.get().pk, reason="有变化", by=f.JOB, at=NOW)
    actions.word_duty(team_id=there.team.pk, scope=["contact"], **said)
    contract = Contract.objects.get(resident=there.resident)
    Contract.objects.filter(pk=contract.pk).update(status="ended")
    assert shown() == 0
    Contract.objects.filter(pk=contract.pk).update(status="active")
    actions.end_helper(helper_id=helper.pk, by=f.JOB, at=NOW)
    assert shown() == 0


def test_each_look_stands_in_the_log_of_reads(there: Helping) -> None:
    _helper, seat = there.helper("workstation")

    client(seat.user_id).get(reverse("contracting-helped-person", args=(there.resident.pk,)))

    event = AuditEvent.objects.get(kind="read", resident_id=there.resident.pk, by_id=seat.actor.id)
    assert event.basis == "contract"


@pytest.mark.clause("FT18-2.4d")
def test_prescription_is_refused_to_a_health_manager_whose_scope_lists_five_acts(there: Helping) -> None:
    helper, _seat = there.helper("health_manager")
    duty = TeamDuty.objects.get(team=there.team, kind="health_manager")
    assert len(duty.scope) == 5
    assert duty.duties
    assert duty.standard

    with pytest.raises(RuleBroken) as refused:
        there.visit(helper, act="prescription")

    assert refused.value.clause == "FT18-2.4d"
    assert "健康管理师" in refused.value.message
    assert "开处方" in refused.value.message
    assert not HomeVisit.objects.exists()
    there.visit(helper, act="measuring")


def test_visit_is_planned_for_a_day_to_come_at_a_resident_of_the_team_and_once(there: Helping) -> None:
    helper, seat = there.helper("volunteer")
    with pytest.raises(RuleBroken):
        there.visit(helper, on=timezone.localdate(NOW) - DAY)
    with pytest.raises(RuleBroken):
        there.visit(helper, there.w.resident())
    there.visit(helper)
    with pytest.raises(Taken):
        there.visit(helper)
    with pytest.raises(Denied):
        there.visit(helper, by=seat.actor, on=timezone.localdate(NOW) + DAY)
    with pytest.raises(Denied):
        there.visit(helper, by=there.w.seat(Role.GP, there.w.other).actor, on=timezone.localdate(NOW) + DAY)


def test_helper_says_they_were_there_and_the_house_calls_off(there: Helping) -> None:
    helper, seat = there.helper("volunteer")
    _other, stranger = there.helper("volunteer")
    one, two = there.visit(helper), there.visit(helper, on=timezone.localdate(NOW) + DAY)

    with seated(seat), pytest.raises(Denied):
        actions.cancel_visit(visit_id=one.pk, reason="不去", by=seat.actor, at=NOW)
    with seated(stranger), pytest.raises(NotVisible):
        actions.finish_visit(visit_id=one.pk, by=stranger.actor, at=NOW)
    with pytest.raises(Denied):
        actions.finish_visit(visit_id=one.pk, by=stranger.actor, at=NOW)
    with seated(seat):
        actions.finish_visit(visit_id=one.pk, by=seat.actor, at=NOW)
        with pytest.raises(RuleBroken):
            actions.finish_visit(visit_id=two.pk, by=seat.actor, at=NOW)
    with pytest.raises((AlreadyMoved, RuleBroken)):
        actions.finish_visit(visit_id=one.pk, by=f.JOB, at=NOW)
    actions.cancel_visit(visit_id=two.pk, reason="下雨", by=there.w.seat(Role.GP).actor, at=NOW)

    assert {row.pk: row.status for row in HomeVisit.objects.all()} == {one.pk: "done", two.pk: "cancelled"}


def test_manager_adds_a_helper_and_the_doctor_sends_them(there: Helping) -> None:
    user = there.w.user("演示志愿者", Role.HELPER, there.w.centre)
    away = there.w.user("演示别处", Role.HELPER, there.w.other)
    manager = client(there.w.user("演示主任", Role.CENTRE_MANAGER, there.w.centre))
    gp = client(there.w.user("演示医生", Role.GP, there.w.centre))
    refused = post(manager, "contracting-helper-add", there.team.pk, **{"helper-user_id": away.pk})
    assert refused.status_code == 422
    said = {"helper-user_id": user.pk, "helper-kind": "volunteer"}
    assert post(manager, "contracting-helper-add", there.team.pk, **said).status_code == 302
    assert "演示志愿者" in gp.get(reverse("contracting-team", args=(there.team.pk,))).content.decode()
    row, contract = Helper.objects.get(), Contract.objects.get(resident=there.resident)
    body = {"helper_id": row.pk, "act": "prescription", "on": timezone.localdate()}
    wrong = post(gp, "contracting-visit-new", contract.pk, **body)
    assert wrong.status_code == 422
    assert "职责范围里没有" in wrong.content.decode()
    assert post(gp, "contracting-visit-new", contract.pk, **body | {"act": "escort"}).status_code == 302
    assert there.resident.name in gp.get(reverse("contracting-visits")).content.decode()
    visit = HomeVisit.objects.get()
    browser = client(user)
    assert post(browser, "contracting-visit-step", visit.pk, step="cancel", reason="不去").status_code == 403
    assert post(browser, "contracting-visit-step", visit.pk, step="finish").status_code == 302
    assert post(manager, "contracting-helper-end", row.pk).status_code == 302
    assert browser.get(reverse("contracting-helped")).status_code == 200


def test_scopes_of_python_and_who_is_a_party(there: Helping) -> None:
    helper, seat = there.helper("volunteer")
    visit = there.visit(helper)
    gp, far = there.w.seat(Role.GP), there.w.seat(Role.GP, there.w.other)

    def seen(who: Seat) -> int:
        return HomeVisit.objects.filter(permissions.visits_visible_to(who)).count()

    assert [seen(one) for one in (seat, gp, far, there.w.seat(Role.HELPER), there.w.seat(Role.PHARMACIST))] == [
        1, 1, 0, 0, 0,
    ]  # fmt: skip
    assert permissions.visit_parties(seat.actor, visit) == {"helper"}
    assert permissions.visit_parties(gp.actor, visit) == {"team"}
    assert permissions.visit_parties(far.actor, visit) == set()
    at_the_desk = replace(seat.actor, role="gp", organization_id=there.w.other.pk)
    assert permissions.visit_parties(at_the_desk, visit) == set()
    residents.grant_basis(
        resident_id=there.resident.pk, kind="booking", source="test", since=NOW, organization_id=there.w.other.pk,
        by=f.JOB, at=NOW,
    )  # fmt: skip
    assert seen(far) == 0
    assert not permissions.can_send(far.actor, helper, there.resident.pk, NOW)
    _another, colleague = there.helper("carer")
    assert list(Helper.objects.filter(permissions.helps(seat))) == [helper]
    assert helper not in Helper.objects.filter(permissions.helps(colleague))
    assert Helper.objects.filter(permissions.helps(gp)).count() == 0
    assert queries.helped(gp) == []


def test_pages_ask_the_same_for_one_and_for_many(there: Helping, asks_at_most: Asks) -> None:
    helper, seat = there.helper("workstation")
    gp = there.w.seat(Role.GP)
    there.visit(helper)

    def read(who: Seat, most: int) -> tuple[int, int]:
        with seated(who), asks_at_most(most) as asked:
            lines = queries.visit_lines(who, list(queries.home_visits(who)))
            queries.with_appointments(queries.helped(who), NOW, listed=True)
        return len(lines), len(asked)

    few, of_house = read(seat, 10), read(gp, 10)
    for _number in range(12):
        there.visit(helper, there.patient())

    assert (few[0], of_house[0]) == (1, 1)
    assert read(seat, few[1])[0] == 13
    assert read(gp, of_house[1])[0] == 13


def test_refused_house_sends_nobody_and_a_helper_who_left_is_no_party(there: Helping) -> None:
    helper, seat = there.helper("volunteer")
    visit, gp = there.visit(helper), there.w.seat(Role.GP)
    pharmacist, far = there.w.seat(Role.PHARMACIST).actor, there.w.seat(Role.GP, there.w.other).actor

    def may_send(by: Actor) -> bool:
        return bool(permissions.can_send(by, helper, there.resident.pk, NOW))

    def may_step(by: Actor, *parties: str) -> bool:
        return bool(permissions.can_step_visit(by, visit, parties, NOW))

    assert [may_send(by) for by in (gp.actor, f.JOB, pharmacist, far, seat.actor)] == [True, True, False, False, False]
    assert (may_step(gp.actor, "team"), may_step(gp.actor, "helper"), may_step(f.JOB, "team")) == (True, False, True)
    assert (may_step(pharmacist, "team"), may_step(seat.actor, "team"), may_step(seat.actor, "helper")) == (
        False, False, True,
    )  # fmt: skip
    who = there.w.user("演示本人", Role.RESIDENT, there.w.centre)
    Consent.objects.create(
        resident=there.resident, decision="refuse", purpose="record", organization=there.w.centre, given_by=who,
        since=NOW - DAY,
    )  # fmt: skip
    assert not may_send(gp.actor)
    assert not may_step(gp.actor, "team")
    assert may_step(seat.actor, "helper")
    assert not HomeVisit.objects.filter(permissions.visits_visible_to(gp)).exists()
    Helper.objects.filter(pk=helper.pk).update(until=timezone.localdate(NOW))
    visit.helper.refresh_from_db()
    assert permissions.visit_parties(seat.actor, visit) == set()
    assert not HomeVisit.objects.filter(permissions.visits_visible_to(seat)).exists()
    assert not Helper.objects.filter(permissions.helps(seat)).exists()


def test_pages_of_helpers_and_of_those_who_send_them_are_apart(there: Helping) -> None:
    row, seat = there.helper("volunteer")
    contract = Contract.objects.get()
    helper, gp = client(seat.user_id), client(there.w.user("演示医生", Role.GP, there.w.centre))

    for name, *arguments in (
        ("contracting-visits",), ("contracting-visit-new", contract.pk), ("contracting-detail", contract.pk),
        ("contracting-teams",), ("contracting-team", there.team.pk), ("contracting-coverage",),
    ):  # fmt: skip
        assert helper.get(reverse(name, args=arguments)).status_code == 403, name
    for name, *arguments in (
        ("contracting-helped",), ("contracting-helped-person", there.resident.pk), ("contracting-coverage",),
    ):  # fmt: skip
        assert gp.get(reverse(name, args=arguments)).status_code == 403, name
    assert post(gp, "contracting-helper-add", there.team.pk).status_code == 403
    assert post(gp, "contracting-helper-end", row.pk).status_code == 403
