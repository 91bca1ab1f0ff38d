"""Letters up and down, and everybody who has a hand in them, with what people forget, refuse, and call off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import BigIntegerField, QuerySet

from bench.district.places import PARTS
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.records import actions as records
from kangqiao.domain.referral import actions as referrals
from kangqiao.domain.referral import queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Displaced

if TYPE_CHECKING:
    from bench.district.demand import Case
    from bench.district.life import Life

LETTER = {
    "history": "演示病史", "examination": "血压 152/92 mmHg", "question": "请协助诊治", "medicines": "照旧",
    "allergies": "无", "has_consent": True, "reason": "演示：超出本中心能力",
}  # fmt: skip
PLAN = "用药：照旧\n监测：每周测血压\n危险信号：再次加重即上转\n复诊：4 周后"
AGAIN = ("sent", "unplaced")
# Of a hundred: what is forgotten until somebody looks at a list, and what else befalls a letter.
FORGOTTEN, WITHOUT_PLACE, RETURNED, ADVISED, TAKEN_BACK, MOVED, ABSENT, DECLINED = 3, 20, 4, 5, 3, 4, 7, 6
EMERGENCY, URGENT, WITH_PARTS, HOLD_LEFT = 2, 15, 8, 6


class Letters:
    """What happens to referrals."""

    def __init__(self, life: Life) -> None:
        self.life = life

    # Up.

    def refer(self, case: Case) -> None:
        """A family doctor sends somebody up, with a place where one is free and there is time to choose."""
        life, district = self.life, self.life.district
        hospital, centre = district.hospitals[case.hospital].body.pk, district.centres[case.centre].body.pk
        resident, doctor = district.people[case.row], life.doctor(centre)
        emergency = life.chance(EMERGENCY)
        urgency = "emergency" if emergency else "urgent" if life.chance(URGENT) else "routine"
        slot = None
        if not emergency and not life.chance(WITHOUT_PLACE):
            slot = life.free(hospital, case.specialty, life.as_centre(hospital, centre), timedelta(hours=20))
        if slot is not None and life.chance(50):
            held = life.act(
                scheduling.hold_slot, slot_id=slot.pk, resident_id=resident, channel="referral",
                as_partner_centre_id=centre, by=doctor,
            )  # fmt: skip
            slot = None if held is None or life.chance(HOLD_LEFT) else slot
        parts = {}
        if slot is not None and life.chance(WITH_PARTS):
            parts = self._parts(hospital, centre, slot.ends_at)
        sent = life.act(
            referrals.send_up, resident_id=resident, to_organization_id=hospital, specialty=case.specialty,
            urgency=urgency, diagnosis=case.reason, slot_id=slot.pk if slot else None, parts=parts,
            attempt=life.attempt(), by=doctor, **LETTER,
        )  # fmt: skip
        if sent is not None:
            self._unless_forgotten(0.2 if emergency else 2.5, self.answer, sent.pk)
        elif slot is not None:
            life.at(life.later(1), self.refer, case)  # somebody was faster, or is on the way there already

    def _parts(self, hospital: int, centre: int, after: datetime) -> dict[str, int]:
        found = {}
        for kind in PARTS[: 1 + self.life.chance(40)]:
            standing = self.life.as_centre(hospital, centre)
            slot = self.life.free(hospital, kind, standing, after - self.life.now + timedelta(days=len(found)))
            if slot is not None:
                found[kind], after = slot.pk, slot.ends_at
        return found

    def answer(self, pk: int) -> None:
        """The desk answers a letter, however it came to look at it."""
        life, one = self.life, self._referral(pk)
        if one.status not in AGAIN:
            return
        desk, given = life.desk(one.to_organization_id), {"referral_id": pk}
        visit = queries.visit_time(one)
        held = visit is not None and visit > life.now
        if one.status == "sent" and one.urgency != "emergency":
            if life.chance(RETURNED):
                if life.act(referrals.return_referral, **given, reason="资料不全", by=desk):
                    self._unless_forgotten(20, self.complete, pk)
                return
            if life.chance(ADVISED):
                if life.act(referrals.advise_referral, **given, reply="先调整用药，两周后复测。", by=desk):
                    self._unless_forgotten(30, self.close, pk)
                return
        if held or one.urgency == "emergency":
            accepted = life.act(referrals.accept_referral, **given, by=desk)
        else:
            standing = life.as_centre(one.to_organization_id, one.from_organization_id)
            soonest = timedelta(hours=16)
            slot = life.free(one.to_organization_id, one.specialty, standing, soonest)
            if slot is None:
                self._seek(one)
                return
            accepted = life.act(referrals.accept_referral, **given, slot_id=slot.pk, by=desk)
        if accepted is not None:
            self.expect(pk)
        else:
            life.at(life.later(2), self.answer, pk)

    def _seek(self, one: Referral) -> None:
        """No place here: taken on, looked for again the next days, then sent where there is one."""
        life, desk = self.life, self.life.desk(one.to_organization_id)
        if one.status == "sent":
            life.act(referrals.defer_referral, referral_id=one.pk, reason="近期没有号", by=desk)
        elif life.now - one.clock_from > timedelta(days=2):
            for other in life.district.hospitals:
                standing = life.as_centre(other.body.pk, one.from_organization_id)
                if other.body.pk == one.to_organization_id:
                    continue
                if life.free(other.body.pk, one.specialty, standing, timedelta(hours=20)) is None:
                    continue
                if life.act(
                    referrals.redirect_referral, referral_id=one.pk, to_organization_id=other.body.pk,
                    specialty=one.specialty, reason="本院近期没有号", is_agreed=True, by=desk,
                ):  # fmt: skip
                    self._unless_forgotten(3, self.answer, one.pk)
                    return
        self._unless_forgotten(20, self.answer, one.pk)

    def complete(self, pk: int) -> None:
        """The family doctor completes what came back, or takes it back."""
        life, one = self.life, self._referral(pk)
        if one.status != "returned":
            return
        doctor = life.doctor(one.from_organization_id)
        if life.chance(75):
            if life.act(referrals.resend_referral, referral_id=pk, history="补充：演示病史", by=doctor):
                self._unless_forgotten(3, self.answer, pk)
        else:
            life.act(referrals.withdraw_referral, referral_id=pk, reason="居民改在本中心治疗", by=doctor)

    def expect(self, pk: int) -> None:
        """What will become of somebody who has a place: they come, stay away, want another time, or need it no more."""
        life, one = self.life, self._referral(pk)
        if one.booking is None:
            life.at(life.now + timedelta(hours=2), self.see, pk, None)
            return
        visit, booking = one.booking.slot.starts_at, one.booking_id
        ahead = life.now + (visit - life.now) * life.dice.random()
        if life.chance(TAKEN_BACK):
            life.at(life.at_work(ahead), self.take_back, pk)
        elif life.chance(MOVED):
            life.at(life.at_work(ahead), self.move, pk, "居民改不了班")
        if life.chance(ABSENT):
            life.at(life.at_work(visit + timedelta(hours=20)), self.miss, pk, booking)
        else:
            life.at(visit, self.see, pk, booking)

    def take_back(self, pk: int) -> None:
        """The family doctor takes a letter back that is no longer needed."""
        one = self._referral(pk)
        if one.status == "accepted":
            doctor = self.life.doctor(one.from_organization_id)
            self.life.act(referrals.withdraw_referral, referral_id=pk, reason="已自行就诊", by=doctor)

    def move(self, pk: int, _why: str = "") -> bool:
        """The desk gives an accepted patient another time."""
        life, one = self.life, self._referral(pk)
        if one.status != "accepted":
            return False
        standing = life.as_centre(one.to_organization_id, one.from_organization_id)
        slot = life.free(one.to_organization_id, one.specialty, standing, timedelta(hours=30))
        desk = life.desk(one.to_organization_id)
        if slot is None or life.act(referrals.rebook_referral, referral_id=pk, slot_id=slot.pk, by=desk) is None:
            return False
        self.expect(pk)
        return True

    def see(self, pk: int, booking: int | None) -> None:
        """The patient comes: window, visit, what else was ordered; the letter back follows."""
        life, one = self.life, self._referral(pk)
        if one.status != "accepted" or one.booking_id != booking:
            return
        if one.booking is not None and one.booking.status != "booked":
            return  # called off meanwhile: the desk owes another place
        desk = life.desk(one.to_organization_id)
        if one.booking is not None:
            life.act(referrals.receive_patient, referral_id=pk, by=desk)
        if life.act(referrals.confirm_visit, referral_id=pk, by=desk) is None:
            return
        for part in queries.parts_of(one):
            life.at(part.booking.slot.starts_at, self._part, pk, part.kind)
        self._unless_forgotten(10, self.write_back, pk)

    def _part(self, pk: int, kind: str) -> None:
        desk = self.life.desk(self._referral(pk).to_organization_id)
        self.life.act(referrals.complete_part, referral_id=pk, kind=kind, by=desk)

    def miss(self, pk: int, booking: int | None) -> None:
        """Nobody came; the desk writes it down the next morning."""
        one = self._referral(pk)
        if one.status == "accepted" and one.booking_id == booking and one.booking and one.booking.status == "booked":
            desk = self.life.desk(one.to_organization_id)
            self.life.act(referrals.mark_not_attended, referral_id=pk, reason="电话未接，未到院", by=desk)

    def write_back(self, pk: int) -> None:
        """The hospital writes what was found."""
        one = self._referral(pk)
        if one.status == "seen":
            desk = self.life.desk(one.to_organization_id)
            if self.life.act(referrals.return_summary, referral_id=pk, reply="已明确诊断，按方案治疗。", by=desk):
                self._unless_forgotten(30, self.close, pk)

    def close(self, pk: int) -> None:
        """The family doctor has read it."""
        one = self._referral(pk)
        if one.status in ("summarised", "advised"):
            self.life.act(referrals.close_referral, referral_id=pk, by=self.life.doctor(one.from_organization_id))

    def again(self, lost: Displaced) -> bool:
        """Somebody whose session was called off, and who came by letter: moved in the letter, or sent back to think."""
        one = Referral.objects.filter(booking=lost.booking_id, direction="up").first()
        if one is None:
            return False
        if one.status != "accepted" or self.move(one.pk):
            return True
        if self.life.now - lost.since > timedelta(days=7):
            desk = self.life.desk(one.to_organization_id)
            if self.life.act(referrals.return_referral, referral_id=one.pk, reason="停诊后近期无号", by=desk):
                self._unless_forgotten(20, self.complete, one.pk)
        return True

    # Down.

    def admit(self, case: Case) -> None:
        """Somebody lies in a hospital for a long-term disease; when fit for it, they are handed down."""
        life, hospital = self.life, self.life.district.hospitals[case.hospital].body
        desk = life.desk(hospital.pk)
        life.act(
            records.record_encounter, resident_id=life.district.people[case.row], organization_id=hospital.pk,
            practitioner_id=None, specialty=case.specialty, started_at=life.now, by=desk,
        )  # fmt: skip
        life.at(life.later(24 * 8), self.hand_down, case)

    def hand_down(self, case: Case) -> None:
        """The hospital hands somebody down with a plan."""
        life, district = self.life, self.life.district
        sent = life.act(
            referrals.propose_down, resident_id=district.people[case.row],
            to_organization_id=district.centres[case.centre].body.pk, specialty=case.specialty,
            diagnosis=case.reason, reason_code="stable_for_community", medicines="照旧", plan=PLAN, has_consent=True,
            by=life.desk(district.hospitals[case.hospital].body.pk),
        )  # fmt: skip
        if sent is not None:
            self._unless_forgotten(6, self.receive, sent.pk)

    def receive(self, pk: int) -> None:
        """The centre takes somebody over, or says why not."""
        life, one = self.life, self._referral(pk)
        if one.status != "proposed":
            return
        doctor = life.doctor(one.to_organization_id)
        if life.chance(DECLINED):
            if life.act(referrals.decline_down, referral_id=pk, reason="缺少康复条件", by=doctor):
                self._unless_forgotten(20, self.propose_again, pk)
        elif life.act(referrals.take_over, referral_id=pk, by=doctor):
            self._unless_forgotten(60, self.follow, pk)

    def propose_again(self, pk: int) -> None:
        """The hospital completes what was declined, or keeps the patient."""
        life, one = self.life, self._referral(pk)
        if one.status != "declined":
            return
        desk, given = life.desk(one.from_organization_id), {"referral_id": pk}
        if life.chance(80):
            if life.act(referrals.propose_again, **given, plan=PLAN, medicines="照旧", by=desk):
                self._unless_forgotten(6, self.receive, pk)
        else:
            life.act(referrals.withdraw_referral, **given, reason="继续住院康复", by=desk)

    def follow(self, pk: int) -> None:
        """The first contact at the centre."""
        one = self._referral(pk)
        if one.status == "taken_over":
            doctor = self.life.doctor(one.to_organization_id)
            self.life.act(referrals.record_first_contact, referral_id=pk, note="电话随访，血压平稳。", by=doctor)

    # Lists: what was forgotten is found where the product shows it.

    def look_through(self, hospital_id: int) -> None:
        """The desk goes through its lists: whatever waits longer than it should is done."""
        seat, late = self.life.home(hospital_id).seats[Role.REFERRAL_DESK], self.life.now - timedelta(hours=24)
        for one in queries.desk_queue(seat, "up", (*AGAIN, "seen", "accepted")):
            since = queries.visit_time(one) or one.clock_from or one.answered_at or one.sent_at
            if since > late:
                continue
            match one.status:
                case "sent" | "unplaced":
                    self.answer(one.pk)
                case "seen":
                    self.write_back(one.pk)
                case _:
                    self._settle(one)
        for one in queries.handed_down(seat, ("declined",)):
            self.propose_again(one.pk)

    def _settle(self, one: Referral) -> None:
        """An accepted letter whose visit is past: the desk writes down what it was."""
        if one.booking is not None and one.booking.status == "booked":
            self.miss(one.pk, one.booking_id)
        elif one.booking is None:
            self.see(one.pk, None)

    def read_through(self, centre_id: int) -> None:
        """A family doctor goes through the lists of the centre."""
        seat, late = self.life.home(centre_id).seats[Role.GP], self.life.now - timedelta(hours=48)
        for one in queries.sent_by(seat, ("returned", "summarised", "advised")):
            if (one.answered_at or one.sent_at) < late:
                (self.complete if one.status == "returned" else self.close)(one.pk)
        for one in queries.received_by(seat, ("proposed", "taken_over")):
            if (one.clock_from or one.sent_at) < late - timedelta(days=3 * (one.status == "taken_over")):
                (self.receive if one.status == "proposed" else self.follow)(one.pk)

    def _unless_forgotten(self, hours: float, what: object, pk: int) -> None:
        if not self.life.chance(FORGOTTEN):
            self.life.at(self.life.later(hours), what, pk)  # type: ignore[arg-type]

    def _referral(self, pk: int) -> Referral:
        (found,) = _with_visit.models(referral=pk)
        assert isinstance(found, Referral)
        return found


@Prepared
def _with_visit() -> QuerySet[Referral]:
    return Referral.objects.select_related("booking__slot").filter(pk=Told("referral", BigIntegerField())).order_by()
