"""Visits people book by themselves, the lines they stand in, and what hospitals call off."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import BigIntegerField, QuerySet
from django.utils.timezone import localtime

from bench.district.places import CHINA
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Displaced, Hold, Session, Waiting
from kangqiao.domain.scheduling.queries import ANYBODY, Standing

if TYPE_CHECKING:
    from bench.district.demand import Case
    from bench.district.letters import Letters
    from bench.district.life import Life
    from kangqiao.base.actor import Actor

# Of a hundred: holds left alone, what becomes of a booking, of an offer, and of a clinic of tomorrow.
LEFT_ALONE, GIVEN_BACK, ABSENT, TAKEN, PASSED, LEFT_LINE = 5, 6, 5, 60, 20, 10
CALLED_OFF, SUBSTITUTED = 0.7, 0.5


class Visits:
    """What happens to places."""

    def __init__(self, life: Life, letters: Letters) -> None:
        self.life, self.letters = life, letters
        self.rows = {pk: row for row, pk in life.district.people.items()}

    def want(self, case: Case) -> None:
        """Somebody looks for a place at a hospital; where there is none, they wait in line."""
        life, hospital = self.life, self.life.district.hospitals[case.hospital].body.pk
        resident, by = life.district.people[case.row], life.district.users[case.row]
        slot = life.free(hospital, case.specialty, self._standing(hospital, case.row), timedelta(hours=2))
        if slot is None:
            self._join(hospital, case, by)
            return
        given = {"slot_id": slot.pk, "resident_id": resident, "channel": "self", "by": by}
        if life.chance(50):
            life.act(actions.hold_slot, **given)
            if life.chance(LEFT_ALONE):
                life.at(life.now + timedelta(hours=3), self.want, case)
                return
        booking = life.act(actions.book, **given, attempt=life.attempt())
        if booking is not None:
            self._expect(booking.pk, by)

    def _standing(self, hospital: int, row: int) -> Standing:
        """As the page of a contracted resident lists places."""
        contracted = queries.contracted_before(self.life.district.people[row], self.life.now)
        return Standing(contracted=contracted) if hospital in contracted else ANYBODY

    def _join(self, hospital: int, case: Case, by: Actor) -> None:
        life = self.life
        rows = Session.objects.filter(organization=hospital, specialty=case.specialty, status="open")
        session = rows.filter(starts_at__gt=life.now + timedelta(days=1)).order_by("starts_at").first()
        if session is None:
            life.done["found nothing and no clinic to wait for"] += 1
            return
        life.act(
            actions.join_line, session_id=session.pk, resident_id=life.district.people[case.row], is_for_all=True,
            channel="self", by=by,
        )  # fmt: skip

    def _expect(self, pk: int, by: Actor) -> None:
        life, booking = self.life, self._booking(pk)
        visit = booking.slot.starts_at
        if life.chance(GIVEN_BACK):
            life.at(life.now + (visit - life.now) * life.dice.random(), self._give_back, pk, by)
        elif life.chance(ABSENT):
            life.at(life.at_work(visit + timedelta(hours=6)), self._miss, pk)
        else:
            life.at(visit, self._come, pk)

    def _give_back(self, pk: int, by: Actor) -> None:
        if self._stands(pk):
            self.life.act(actions.cancel_booking, booking_id=pk, reason="来不了", by=by)

    def _miss(self, pk: int) -> None:
        if (booking := self._stands(pk)) is not None:
            desk = self.life.desk(booking.session.organization_id)
            self.life.act(actions.miss_booking, booking_id=pk, by=desk)

    def _come(self, pk: int) -> None:
        if (booking := self._stands(pk)) is None:
            return
        desk = self.life.desk(booking.session.organization_id)
        self.life.act(actions.check_in, booking_id=pk, by=desk)
        self.life.act(actions.fulfil_booking, booking_id=pk, diagnosis="Z00", by=desk)

    def _stands(self, pk: int) -> Booking | None:
        booking = self._booking(pk)
        return booking if booking.status == "booked" else None

    def _booking(self, pk: int) -> Booking:
        (found,) = _with_times.models(booking=pk)
        assert isinstance(found, Booking)
        return found

    # Lines.

    def answer_offers(self) -> None:
        """Whoever is being asked about a place takes it, passes, leaves the line, or does not look at the telephone."""
        life = self.life
        asked = Hold.objects.filter(waiting__status="waiting", until__gt=life.now).order_by("pk")
        for waiting_id, resident in asked.values_list("waiting_id", "resident_id"):
            by = life.district.users[self.rows[resident]]
            if life.chance(TAKEN):
                booking = life.act(actions.accept_offer, waiting_id=waiting_id, attempt=life.attempt(), by=by)
                if booking is not None:
                    self._expect(booking.pk, by)
            elif life.chance(PASSED):
                life.act(actions.pass_offer, waiting_id=waiting_id, by=by)

    def tire_of_waiting(self) -> None:
        """Some who stand in a line for weeks look elsewhere."""
        old = Waiting.objects.filter(status="waiting", joined_at__lt=self.life.now - timedelta(days=21)).order_by("pk")
        for pk, resident in old.values_list("pk", "resident_id"):
            if self.life.chance(LEFT_LINE):
                by = self.life.district.users[self.rows[resident]]
                self.life.act(actions.leave_line, waiting_id=pk, by=by)

    # What hospitals call off.

    def call_off(self) -> None:
        """In the evening some doctor of tomorrow's clinics is ill; where a colleague is free, they stand in."""
        life = self.life
        first = datetime.combine(localtime(life.now, CHINA).date() + timedelta(days=1), time(), CHINA)
        tomorrow = Session.objects.filter(status="open", starts_at__gte=first, starts_at__lt=first + timedelta(days=1))
        for session in tomorrow.select_related("practitioner__specialty", "organization__place").order_by("pk"):
            desk = life.desk(session.organization_id)
            if life.chance(CALLED_OFF):
                life.act(actions.withdraw_session, session_id=session.pk, reason="医生生病", why="illness", by=desk)
            elif life.chance(SUBSTITUTED):
                for doctor in queries.free_substitutes(session)[:1]:
                    life.act(
                        actions.substitute_session, session_id=session.pk, practitioner_id=doctor.pk,
                        reason="医生外出", by=desk,
                    )  # fmt: skip

    def place_again(self, hospital_id: int) -> None:
        """The desk and the people themselves see to whoever lost a place."""
        life = self.life
        rows = Displaced.objects.filter(organization=hospital_id, status="open").order_by("since", "pk")
        for lost in rows.select_related("booking__session"):
            if lost.booking.channel == "referral" and self.letters.again(lost):
                continue
            session, resident = lost.booking.session, lost.resident_id
            row = self.rows[resident]
            by = life.district.users.get(row) or life.desk(hospital_id)
            slot = life.free(hospital_id, session.specialty, self._standing(hospital_id, row), timedelta(hours=12))
            if slot is None or life.chance(10):
                life.act(actions.let_go, displaced_id=lost.pk, reason="另行就诊", by=by)
                continue
            booking = life.act(
                actions.place_again, displaced_id=lost.pk, slot_id=slot.pk, attempt=life.attempt(), by=by
            )
            if booking is not None:
                self._expect(booking.pk, by)


@Prepared
def _with_times() -> QuerySet[Booking]:
    return Booking.objects.select_related("slot", "session").filter(pk=Told("booking", BigIntegerField())).order_by()
