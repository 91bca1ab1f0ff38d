"""A place kept for some minutes: seen by its owner, closed to others, free again by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Hold, Slot
from kangqiao.domain.scheduling.tests.factories import (
    SYSTEM,
    Cast,
    cast,
    first_slot,
    own_actor,
    parameters,
)
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
MINUTES = timedelta(minutes=parameters().hold_minutes)


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


def hold(people: Cast, slot: Slot, resident: Resident, **changes) -> Hold:
    values = {
        "slot_id": slot.pk,
        "resident_id": resident.pk,
        "channel": "self",
        "by": changes.get("by") or own_actor(resident),
        "at": people.at,
    }
    return actions.hold_slot(**{**values, **changes})


def book(people: Cast, slot: Slot, resident: Resident, **changes) -> Booking:
    values = {
        "slot_id": slot.pk,
        "resident_id": resident.pk,
        "channel": "self",
        "attempt": f"{resident.pk}-{slot.pk}",
        "by": changes.get("by") or own_actor(resident),
        "at": people.at,
    }
    return actions.book(**{**values, **changes})


def is_listed(people: Cast, slot: Slot, at) -> bool:
    """Whether the lists of everybody show the place as free."""
    found = queries.free_slots([people.centre.pk], starts=people.at, ends=people.at + timedelta(days=30), now=at)
    return slot.pk in {one.pk for one in found}


class TestHoldSlot:
    def test_a_held_place_is_taken_for_others_and_its_owners_to_book(self, people):
        slot, first, second = first_slot(people.session()), people.resident(1), people.resident(2)

        held = hold(people, slot, first)

        assert held.until == people.at + MINUTES
        assert not is_listed(people, slot, people.at)
        for taking in (hold, book):
            with pytest.raises(Taken, match="正有人留着") as refusal:
                taking(people, slot, second)
            assert len(refusal.value.alternatives) == queries.NEAREST
        assert book(people, slot, first).slot_id == slot.pk
        slot.refresh_from_db()
        assert (slot.taken, slot.held) == (1, [])
        assert queries.holds_of(first.pk, people.at) == []

    def test_a_hold_ends_by_itself_at_its_last_instant(self, people):
        slot, first, second = first_slot(people.session()), people.resident(1), people.resident(2)
        hold(people, slot, first)
        last = people.at + MINUTES

        assert not is_listed(people, slot, last - timedelta(microseconds=1))
        assert is_listed(people, slot, last)
        book(people, slot, second, at=last)

        slot.refresh_from_db()
        assert (slot.taken, slot.held) == (1, [])
        with pytest.raises(Taken, match="约走了"):
            book(people, slot, first, at=last)

    def test_held_again_it_lasts_no_longer(self, people):
        slot, resident = first_slot(people.session()), people.resident()
        first = hold(people, slot, resident)

        again = hold(people, slot, resident, at=people.at + timedelta(minutes=1))

        assert (again.pk, again.until) == (first.pk, first.until)

    def test_another_time_of_the_same_session_moves_the_hold(self, people):
        slots = list(Slot.objects.filter(session=people.session()))
        resident = people.resident()
        hold(people, slots[0], resident)

        hold(people, slots[3], resident)

        assert is_listed(people, slots[0], people.at)
        assert [one.slot_id for one in queries.holds_of(resident.pk, people.at)] == [slots[3].pk]

    def test_a_second_hold_at_the_same_hour_is_refused_in_words(self, people):
        posted = people.session()
        clinic = people.clinic(organization_id=people.far_centre.pk, kind="posted_expert")
        resident = people.resident()
        hold(people, first_slot(posted), resident)

        with pytest.raises(RuleBroken, match="是同一时间") as refusal:
            hold(people, first_slot(clinic), resident)

        assert "放弃留着的号" in refusal.value.next_step
        hold(people, Slot.objects.filter(session=clinic).order_by("starts_at")[2], resident)
        later = people.at + MINUTES
        assert hold(people, first_slot(clinic), resident, at=later), "the first has ended by itself"

    def test_a_failed_move_keeps_what_was_held(self, people):
        slots = list(Slot.objects.filter(session=people.session()))
        resident = people.resident(1)
        hold(people, slots[0], resident)
        book(people, slots[1], people.resident(2))

        with pytest.raises(Taken):
            hold(people, slots[1], resident)

        assert [one.slot_id for one in queries.holds_of(resident.pk, people.at)] == [slots[0].pk]
        assert not is_listed(people, slots[0], people.at)

    def test_whoever_has_a_place_in_the_session_holds_no_second(self, people):
        slots = list(Slot.objects.filter(session=people.session()))
        resident = people.resident()
        book(people, slots[0], resident)

        with pytest.raises(RuleBroken, match="一人一次门诊只留一个号"):
            hold(people, slots[1], resident)

    def test_a_hold_never_outlasts_the_beginning(self, people):
        slot, resident = first_slot(people.session()), people.resident()
        late = slot.starts_at - timedelta(minutes=1)

        assert hold(people, slot, resident, at=late).until == slot.starts_at

    def test_reserved_places_are_held_only_by_whom_they_are_for(self, people):
        slot, resident = first_slot(people.clinic()), people.resident()
        doctor = people.staff(Role.GP)

        with pytest.raises(RuleBroken, match="先留给协作中心"):
            hold(people, slot, resident)
        assert hold(people, slot, resident, by=doctor.actor, channel="gp", as_partner_centre_id=people.centre.pk)

    def test_nobody_holds_for_a_stranger(self, people):
        slot, resident, other = first_slot(people.session()), people.resident(1), people.resident(2)

        with pytest.raises(Denied):
            hold(people, slot, resident, by=own_actor(other))
        with pytest.raises(Denied):
            actions.release_slot(
                slot_id=slot.pk, resident_id=resident.pk, channel="self", by=own_actor(other), at=people.at
            )

    def test_the_database_refuses_what_a_statement_forgot(self, people):
        slot, resident = first_slot(people.session()), people.resident(1)
        hold(people, slot, resident)

        with pytest.raises(IntegrityError, match="slot_never_oversold"), transaction.atomic():
            Slot.objects.filter(pk=slot.pk).update(taken=1)
        with pytest.raises(IntegrityError, match="hold_one_at_a_time"), transaction.atomic():
            Hold.objects.create(
                slot=slot, resident=resident, starts_at=slot.starts_at, ends_at=slot.ends_at, held_by="",
                since=people.at, until=people.at + timedelta(minutes=1),
            )  # fmt: skip

    def test_who_held_is_written_down(self, people):
        slot, resident = first_slot(people.session()), people.resident()

        hold(people, slot, resident)

        event = AuditEvent.objects.get(action="hold_slot")
        assert (event.resident_id, event.detail["slot_id"]) == (resident.pk, slot.pk)
        assert event.policy_ref.startswith("cn-national")


class TestEnds:
    def test_going_back_frees_the_place_at_once(self, people):
        slot, resident = first_slot(people.session()), people.resident(1)
        hold(people, slot, resident)

        for _twice in range(2):
            actions.release_slot(
                slot_id=slot.pk, resident_id=resident.pk, channel="self", by=own_actor(resident), at=people.at
            )

        assert is_listed(people, slot, people.at)
        assert book(people, slot, people.resident(2))

    def test_a_session_called_off_ends_its_holds(self, people):
        session, resident = people.session(), people.resident()
        slot = first_slot(session)
        hold(people, slot, resident)

        actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at)

        assert queries.holds_of(resident.pk, people.at) == []
        with pytest.raises(RuleBroken, match="已停诊"):
            book(people, slot, resident)

    def test_the_sweep_forgets_old_holds_alone(self, people):
        session, resident = people.session(), people.resident()
        hold(people, first_slot(session), resident)

        assert actions.sweep_holds(by=SYSTEM, at=people.at + timedelta(days=3)) == 0
        assert actions.sweep_holds(by=SYSTEM, at=people.at + timedelta(days=15)) == 1
        assert not Hold.objects.exists()


class TestPages:
    @pytest.fixture
    def client(self, people) -> Client:
        client = Client()
        client.force_login(people.resident(1).user)
        return client

    def test_from_the_list_to_a_hold_and_back(self, people, client):
        session = people.session()
        slot = first_slot(session)

        held = client.post(f"/slots/{slot.pk}/hold/", {"idempotency_key": "a"})
        confirm = client.get(held.headers["Location"]).content.decode()
        times = client.get(f"/slots/sessions/{session.pk}/").content.decode()
        back = client.post(f"/slots/{slot.pk}/release/", {"idempotency_key": "b"})

        assert held.headers["Location"] == f"/slots/{slot.pk}/"
        assert "data-until=" in confirm
        assert f'action="/slots/{slot.pk}/release/"' in confirm
        assert f'aria-current="true" href="/slots/{slot.pk}/"' in times
        assert "为您留着" in times
        assert back.headers["Location"] == f"/slots/sessions/{session.pk}/"
        assert is_listed(people, slot, timezone.now())
        assert "data-until=" not in client.get(f"/slots/{slot.pk}/").content.decode()

    def test_the_slower_is_shown_the_nearest_times(self, people, client):
        slot = first_slot(people.session())
        hold(people, slot, people.resident(2), at=timezone.now())

        answer = client.post(f"/slots/{slot.pk}/hold/", {"idempotency_key": "a"})

        assert answer.status_code == 409
        assert "正有人留着" in answer.content.decode()

    def test_a_doctor_holds_for_a_patient_and_stays_with_them(self, people):
        doctor, resident = people.staff(Role.GP), people.resident(2)
        slot, client = first_slot(people.session()), Client()
        client.force_login(User.objects.get(pk=doctor.user_id))

        held = client.post(f"/slots/{slot.pk}/hold/", {"idempotency_key": "a", "resident": str(resident.pk)})
        nobody = client.post(f"/slots/{slot.pk}/hold/", {"idempotency_key": "b"})

        assert held.headers["Location"] == f"/slots/{slot.pk}/?resident={resident.pk}"
        assert nobody.status_code == 422
        assert client.get(f"/slots/{slot.pk}/?resident={resident.pk}").status_code == 200


def test_a_stranger_learns_nothing_of_a_resident(people):
    slot, resident = first_slot(people.session()), people.resident(1)
    far = people.staff(Role.GP, people.far_centre)

    with pytest.raises((Denied, NotVisible)):
        hold(people, slot, resident, by=far.actor, channel="gp")
