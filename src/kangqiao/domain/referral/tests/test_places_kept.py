"""What becomes of the places of a letter: arrival, absence and its undoing, another time, what went meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.queries.green import _arrival
from kangqiao.domain.referral.tests.factories import AT, cast
from kangqiao.domain.referral.tests.test_green import DAY, at_window, ordered, taken, whole
from kangqiao.domain.referral.tests.test_views import client, text
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.kernel.errors import RuleBroken

pytestmark = pytest.mark.django_db
HOUR, SECONDS = timedelta(hours=1), timedelta(seconds=8)


@pytest.fixture
def people():
    return cast()


def statuses(sent):
    return {part.kind: part.booking.status for part in queries.parts_of(Referral.objects.get(pk=sent.pk))}


def afternoon(people):
    """The letter accepted; the CT at 14:00 is over, the bed at 18:00 still ahead, and nobody came."""
    visit, ct, ward = people.clinic()[1], ordered(people, "ct")[0], ordered(people, "ward", 18)[0]
    sent = people.up(slot_id=visit.pk, parts={"ct": ct.pk, "ward": ward.pk}, attempt="whole")
    actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT + HOUR)
    return Referral.objects.get(pk=sent.pk), AT + DAY + 7 * HOUR


def absent(people, sent, at):
    return actions.mark_not_attended(referral_id=sent.pk, reason="电话未接", by=people.desk.actor, at=at)


class TestArrived:
    @pytest.mark.parametrize("way", ["received for another day", "examined"])
    def test_who_has_come_is_neither_returned_nor_withdrawn_nor_absent(self, people, way):
        """The CT is today, the visit in three days: the visit's place alone does not tell that they are here."""
        visit, ct = people.clinic(days=5)[1], ordered(people, "ct")[0]
        sent = people.up(slot_id=visit.pk, parts={"ct": ct.pk}, attempt="two days")
        actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT + HOUR)
        if way == "examined":
            actions.complete_part(referral_id=sent.pk, kind="ct", by=people.desk.actor, at=AT + DAY)
        else:
            actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=AT + DAY)
        late = AT + timedelta(days=6)

        for act, by in (
            (actions.return_referral, people.desk), (actions.withdraw_referral, people.gp),
            (actions.mark_not_attended, people.desk),
        ):  # fmt: skip
            with pytest.raises(RuleBroken, match="已经到诊"):
                act(referral_id=sent.pk, reason="演示", by=by.actor, at=late)

        other = people.clinic(days=8)[1]
        moved = actions.rebook_referral(referral_id=sent.pk, slot_id=other.pk, by=people.desk.actor, at=late)
        assert moved.booking.slot == other

    def test_a_part_the_clinic_checked_in_counts_as_come(self, people):
        sent, now = at_window(people)
        scheduling.check_in(booking_id=sent.parts.get(kind="ct").booking_id, by=people.desk.actor, at=now)
        with pytest.raises(RuleBroken, match="已经到诊"):
            actions.return_referral(referral_id=sent.pk, reason="演示", by=people.desk.actor, at=now)

    def test_an_examination_done_past_the_window_is_an_arrival(self, people):
        sent, now = at_window(people)
        actions.complete_part(referral_id=sent.pk, kind="ct", by=people.desk.actor, at=now)
        found = Referral.objects.get(pk=sent.pk)
        assert found.arrived_at == now
        assert queries.custodian(found) == people.hospital

    def test_no_examination_of_a_letter_that_is_not_accepted(self, people):
        sent = whole(people)
        with pytest.raises(RuleBroken, match="没有在办"):
            actions.complete_part(referral_id=sent.pk, kind="ct", by=people.desk.actor, at=AT + DAY)
        assert statuses(sent)["ct"] == "booked"


class TestAbsent:
    def test_what_has_passed_is_missed_and_what_lies_ahead_goes_back(self, people):
        sent, at = afternoon(people)
        absent(people, sent, at)
        assert statuses(sent) == {"ct": "no_show", "ward": "cancelled"}
        assert Booking.objects.get(pk=sent.booking_id).status == "no_show"

    def test_while_an_examination_is_in_its_grace_nobody_is_absent(self, people):
        sent, _at = afternoon(people)
        with pytest.raises(RuleBroken, match="分钟才能记为未到诊"):
            absent(people, sent, AT + DAY + 5 * HOUR + timedelta(minutes=1))
        assert statuses(sent) == {"ct": "booked", "ward": "booked"}

    def test_undone_every_place_is_kept_again(self, people):
        sent, at = afternoon(people)
        absent(people, sent, at)
        undone = actions.undo_step(referral_id=sent.pk, by=people.desk.actor, at=at + SECONDS)
        assert statuses(sent) == {"ct": "booked", "ward": "booked"}
        assert taken() == 3
        assert queries.parts_lost(undone) == []

    def test_undone_a_place_that_went_meanwhile_is_named(self, people):
        sent, at = afternoon(people)
        absent(people, sent, at)
        bed = sent.parts.get(kind="ward").booking.slot
        Slot.objects.filter(pk=bed.pk).update(taken=bed.capacity)
        undone = actions.undo_step(referral_id=sent.pk, by=people.desk.actor, at=at + SECONDS)
        assert undone.status == "accepted"
        assert statuses(sent) == {"ct": "booked", "ward": "cancelled"}
        assert queries.parts_lost(undone) == ["住院床位"]
        assert "原来留的住院床位已放回" in text(client(people.desk).get(f"/referrals/{sent.pk}/"))

    def test_what_went_back_earlier_is_not_taken_by_an_undoing(self, people):
        sent, at = afternoon(people)
        ct = sent.parts.get(kind="ct").booking
        scheduling.cancel_booking(booking_id=ct.pk, reason="演示", by=people.desk.actor, at=AT + HOUR)
        absent(people, sent, at)
        actions.undo_step(referral_id=sent.pk, by=people.desk.actor, at=at + SECONDS)
        assert statuses(sent) == {"ct": "cancelled", "ward": "booked"}


def test_a_returned_letter_says_that_its_parts_went_back(people):
    sent = whole(people)
    actions.return_referral(referral_id=sent.pk, reason="请补查体", by=people.desk.actor, at=AT)
    actions.resend_referral(referral_id=sent.pk, by=people.gp.actor, at=AT + HOUR)
    assert "原来留的CT、住院床位已放回" in text(client(people.gp).get(f"/referrals/{sent.pk}/"))


class TestVisit:
    def test_neither_bed_nor_examination_is_a_visit(self, people):
        bed, ct = ordered(people, "ward")[0], ordered(people, "ct", 16)
        with pytest.raises(RuleBroken, match="不是这家医院的"):
            people.up(slot_id=bed.pk, attempt="bed")
        sent = people.up()
        with pytest.raises(RuleBroken, match="不是接收医院的"):
            actions.accept_referral(referral_id=sent.pk, slot_id=ct[0].pk, by=people.desk.actor, at=AT)
        other = people.person(5)
        brought = people.booked(ct[1], other)
        with pytest.raises(RuleBroken, match="占的号不是"):
            people.up(resident_id=other.pk, booking_id=brought.pk)

    def test_no_visit_at_the_time_of_an_examination_that_is_kept(self, people):
        ct, visits = ordered(people, "ct")[0], people.clinic(hour=14)
        sent = people.up(parts={"ct": ct.pk}, attempt="ct alone")
        with pytest.raises(RuleBroken, match="重叠"):
            actions.accept_referral(referral_id=sent.pk, slot_id=visits[0].pk, by=people.desk.actor, at=AT)
        later = next(slot for slot in visits if slot.starts_at >= ct.ends_at)
        actions.accept_referral(referral_id=sent.pk, slot_id=later.pk, by=people.desk.actor, at=AT)
        with pytest.raises(RuleBroken, match="重叠"):
            actions.rebook_referral(referral_id=sent.pk, slot_id=visits[0].pk, by=people.desk.actor, at=AT)


class TestOffers:
    def offered(self, people, chosen):
        return next(one for one in queries.offers(people.hospital, people.centre, AT, chosen) if one.kind == "ct")

    def test_the_chosen_time_stays_while_it_is_free(self, people):
        slots = ordered(people, "ct")
        found = self.offered(people, {"ct": slots[-1].pk})
        assert slots[-1] in found.slots
        assert len(found.slots) == 6
        assert not found.is_gone

    def test_a_chosen_time_that_went_is_said_and_the_letter_does_not_go_without_it(self, people):
        slots = ordered(people, "ct")
        Slot.objects.filter(pk=slots[0].pk).update(taken=slots[0].capacity)
        found = self.offered(people, {"ct": slots[0].pk})
        assert found.is_gone
        far = queries.offers(people.hospital, people.far_centre, AT, {"ct": slots[0].pk})
        assert [(one.kind, one.is_gone) for one in far] == [("ct", True)]

        asked = {"to_organization": people.hospital.pk, "specialty": "cardiology", "part_ct": slots[0].pk}
        page = client(people.gp).get(reverse("referral-slots"), asked).content.decode()
        assert f'<option value="{slots[0].pk}" selected>选的时间已经没有了' in page


class TestEmergency:
    def test_it_stands_at_the_window_until_it_came_and_was_seen(self, people):
        sent = people.up(urgency="emergency")
        assert queries.arrivals(people.desk, AT) == []
        actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT)
        assert [row.is_here for row in queries.arrivals(people.desk, AT + timedelta(days=1))] == [False]
        assert "急诊，直接来院" in text(client(people.desk).get("/referrals/arrivals/"))

        actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=AT)

        row = queries.arrivals(people.desk, AT)[0]
        assert (row.is_here, row.is_to_be_seen) == (True, True)
        actions.confirm_visit(referral_id=sent.pk, by=people.desk.actor, at=AT)
        assert [row.is_to_be_seen for row in queries.arrivals(people.desk, AT)] == [False]
        assert queries.arrivals(people.desk, AT + timedelta(days=1)) == []

    def test_a_place_cancelled_while_the_page_is_made_breaks_nothing(self, people):
        sent, now = at_window(people)
        Booking.objects.filter(resident=people.resident).update(status="cancelled")
        line = queries.lines([Referral.objects.get(pk=sent.pk)], now)[0]
        assert _arrival(line, now).stays == []
