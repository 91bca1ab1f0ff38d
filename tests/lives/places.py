"""Random lives of places: whatever comes, none is given twice, a freed one is seen, and all ask the same question."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db.models import Count, Q
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling import queries
from kangqiao.domain.scheduling.models import Booking, Hold, Slot, Waiting
from kangqiao.domain.scheduling.rules import Circle, why_not
from kangqiao.domain.scheduling.tests import factories as clinic_cast
from tests.lives.life import Life

FEW = st.integers(0, 5)
PLACE_HELD = ("booked", "arrived", "fulfilled")


class Places(Life):
    """Residents hold, let go, book, cancel, move, come or stay away; holds end; a session is called off."""

    tally: ClassVar[dict[str, int]] = {}

    def begin(self) -> None:
        self.people = clinic_cast.cast()
        self.at = self.people.at
        sessions = [self.people.session(), self.people.clinic()]
        self.slots = [slot for one in sessions for slot in Slot.objects.filter(session=one).order_by("pk")[:3]]
        Slot.objects.filter(pk__in=[slot.pk for slot in self.slots]).update(capacity=2)
        self.residents = [self.people.resident(number, with_user=False) for number in range(6)]
        self.sent = 0

    def book(self, who: int, slot: int) -> Booking:
        self.sent += 1
        return scheduling.book(
            slot_id=self.slots[slot].pk, resident_id=self.residents[who].pk, channel="self",
            attempt=f"life-{self.sent}", by=clinic_cast.SYSTEM, at=self.at,
        )  # fmt: skip

    @rule(who=FEW, slot=FEW)
    def somebody_books(self, who: int, slot: int) -> None:
        self.attempt(lambda: self.book(who, slot))

    @rule(who=FEW, slot=FEW)
    def somebody_holds(self, who: int, slot: int) -> None:
        self.attempt(lambda: self.hold(who, self.slots[slot].pk))

    def hold(self, who: int, slot_id: int) -> Hold:
        return scheduling.hold_slot(
            slot_id=slot_id, resident_id=self.residents[who].pk, channel="self", by=clinic_cast.SYSTEM, at=self.at
        )

    @rule(which=st.integers(0, 20), act=st.sampled_from(("book", "release", "let it run")))
    def somebody_goes_on_from_a_hold(self, which: int, act: str) -> None:
        """What is held can be booked; what is let go or has ended is free for the next."""
        held = list(Hold.objects.filter(until__gt=self.at).order_by("pk"))
        if not held:
            return
        own = held[which % len(held)]
        who = next(n for n, one in enumerate(self.residents) if one.pk == own.resident_id)
        slot = next(n for n, one in enumerate(self.slots) if one.pk == own.slot_id)
        if act == "let it run":
            self.at = own.until
            assert own.slot_id not in {hold.slot_id for hold in queries.holds_of(own.resident_id, self.at)}
        elif act == "release":
            scheduling.release_slot(
                slot_id=own.slot_id, resident_id=own.resident_id, channel="self", by=clinic_cast.SYSTEM, at=self.at
            )
            self.count("released")
        elif not self.has_place(who, own.slot_id):
            assert self.book(who, slot).slot_id == own.slot_id, "what is held is one's own"
            self.count("booked from a hold")

    def has_place(self, who: int, slot_id: int) -> bool:
        session_id = Slot.objects.values_list("session_id", flat=True).get(pk=slot_id)
        return queries.place_in_session(session_id, self.residents[who].pk) is not None

    @rule(who=FEW, which=FEW, way=st.sampled_from(("hold", "book")))
    def what_the_list_shows_can_be_had(self, who: int, which: int, way: str) -> None:
        """List, hold and book mean the same by free; a place held or taken, and seen so, is refused by both."""
        shown = {slot.pk for slot in self.listed()}
        number = which % len(self.slots)
        slot, session_id = self.slots[number], self.slots[number].session_id
        resident = self.residents[who].pk
        is_own = any(hold.slot.session_id == session_id for hold in queries.holds_of(resident, self.at))
        elsewhere = any(
            hold.slot.session_id != session_id and hold.starts_at < slot.ends_at and slot.starts_at < hold.ends_at
            for hold in queries.holds_of(resident, self.at)
        )
        if self.has_place(who, slot.pk) or is_own or (elsewhere and way == "hold"):
            return
        done = self.attempt(lambda: self.hold(who, slot.pk) if way == "hold" else self.book(who, number))
        assert (done is not None) is (slot.pk in shown)
        self.count("asked as listed")

    def listed(self) -> list[Slot]:
        houses = [self.people.hospital.pk, self.people.centre.pk]
        return queries.free_slots(houses, starts=self.at, ends=self.at + timedelta(days=90), now=self.at)

    @rule(
        which=st.integers(0, 20), act=st.sampled_from(("cancel_booking", "check_in", "fulfil_booking", "miss_booking"))
    )
    def something_happens(self, which: int, act: str) -> None:
        bookings = list(Booking.objects.order_by("pk"))
        if bookings:
            pk = bookings[which % len(bookings)].pk
            self.attempt(lambda: getattr(scheduling, act)(booking_id=pk, by=clinic_cast.SYSTEM, at=self.at))

    @rule(which=st.integers(0, 20), slot=FEW)
    def somebody_moves(self, which: int, slot: int) -> None:
        """Both or neither: a new place that is refused leaves the old one."""
        held = list(Booking.objects.filter(status="booked").order_by("pk"))
        if held:
            old = held[which % len(held)]
            self.sent += 1
            moved = self.attempt(
                lambda: scheduling.move_booking(
                    booking_id=old.pk, slot_id=self.slots[slot].pk, attempt=f"life-{self.sent}",
                    by=clinic_cast.SYSTEM, at=self.at,
                )
            )  # fmt: skip
            assert Booking.objects.filter(resident=old.resident, status="booked").count() >= 1
            self.count("moved" if moved else "not moved")

    @rule(who=FEW, slot=FEW, is_for_all=st.booleans())
    def somebody_joins_a_line(self, who: int, slot: int, is_for_all: bool) -> None:
        self.attempt(
            lambda: scheduling.join_line(
                session_id=self.slots[slot].session_id, resident_id=self.residents[who].pk, is_for_all=is_for_all,
                channel="self", by=clinic_cast.SYSTEM, at=self.at,
            )
        )  # fmt: skip

    @rule(which=st.integers(0, 20), act=st.sampled_from(("accept", "pass", "leave", "job")))
    def a_line_goes_on(self, which: int, act: str) -> None:
        """What is offered can be had; passed or left it is offered to another or free."""
        lines = list(Waiting.objects.filter(status="waiting").order_by("pk"))
        if act == "job" or not lines:
            self.attempt(lambda: scheduling.offer_free_places(by=clinic_cast.SYSTEM, at=self.at))
            return
        pk, who = lines[which % len(lines)].pk, {"by": clinic_cast.SYSTEM, "at": self.at}
        offer = queries.offer_of(pk, self.at)
        if act == "accept":
            self.sent += 1
            attempt = f"life-{self.sent}"
            taken = self.attempt(lambda: scheduling.accept_offer(waiting_id=pk, attempt=attempt, **who))
            assert (taken is not None) is (offer is not None)
            self.count("accepted" if taken else "nothing to accept")
        else:
            step = scheduling.pass_offer if act == "pass" else scheduling.leave_line
            self.attempt(lambda: step(waiting_id=pk, **who))

    @rule(slot=FEW, dice=st.integers(0, 4))
    def a_session_is_called_off(self, slot: int, dice: int) -> None:
        if dice == 0:
            session = self.slots[slot].session_id
            self.attempt(
                lambda: scheduling.withdraw_session(
                    session_id=session, reason="演示停诊", by=clinic_cast.SYSTEM, at=self.at
                )
            )

    @invariant()
    def every_place_is_given_once(self) -> None:
        held = Count("bookings", filter=~Q(bookings__status="cancelled"), distinct=True)
        running = Count("holds", filter=Q(holds__until__gt=self.at), distinct=True)
        shown = {slot.pk: slot.left for slot in self.listed()}  # type: ignore[attr-defined]
        for slot in Slot.objects.select_related("session").annotate(booked=held, running=running):
            assert slot.taken == slot.booked
            assert slot.taken + slot.running <= slot.capacity
            assert slot.running == len([until for until in slot.held if until > self.at])
            facts = queries.facts_of(slot, slot.session.status == "open", self.at)
            free = why_not(facts, self.at, circle=Circle.PUBLIC, is_in_session=False) is None
            assert shown.get(slot.pk, 0) == (facts.left if free else 0)
        asked = Hold.objects.filter(until__gt=self.at, waiting__isnull=False).values("waiting").annotate(n=Count("pk"))
        assert all(row["n"] == 1 for row in asked), "one place at a time"
        twice = Booking.objects.filter(status__in=PLACE_HELD).values("session", "resident").annotate(n=Count("pk"))
        assert all(row["n"] == 1 for row in twice)
        assert Basis.objects.filter(source__startswith="booking:").values("source").distinct().count() == (
            Booking.objects.count()
        )
