"""The green channel: several places with one letter, all or none; the window; the three queues."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kangqiao import policy
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.tests.factories import AT, CHINA, SYSTEM, cast, know, organization
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=2)  # the visit is two days ahead, Wednesday 09:15


@pytest.fixture
def people():
    return cast()


def ordered(people, kind, hour=14, house=None):
    """An afternoon of examinations or admissions, on the day of the visit; its slots in order."""
    hospital = house or people.hospital
    doctor, _new = Practitioner.objects.get_or_create(
        licence_number=f"demo-{kind}-{hospital.pk}", name=f"演示{kind}", sex="female", title_kind="physician",
        title_grade="attending", specialty=Concept.objects.get(system="specialty", code=kind), organization=hospital,
        is_demo=True,
    )  # fmt: skip
    starts = (AT + DAY).astimezone(CHINA).replace(hour=hour, minute=0)
    session = scheduling.open_session(
        organization_id=hospital.pk, practitioner_id=doctor.pk, specialty=kind, kind=Session.Kind.HOSPITAL_CLINIC,
        starts_at=starts, ends_at=starts + timedelta(hours=2), source="test",
        parameters=SlotParameters.read(policy.at(hospital.place.code, AT.date())), by=SYSTEM, at=AT,
    )  # fmt: skip
    return list(Slot.objects.filter(session=session).order_by("starts_at"))


def whole(people, **changes):
    """A letter with visit, CT and bed."""
    visit, ct, ward = people.clinic()[1], ordered(people, "ct")[0], ordered(people, "ward", 16)[0]
    return people.up(slot_id=visit.pk, parts={"ct": ct.pk, "ward": ward.pk}, attempt="whole", **changes)


def signed(people, number):
    """One more resident, with a contract of the centre."""
    found = people.person(number)
    residents.grant_basis(
        resident_id=found.pk, kind="contract", source=f"contract:{number}", since=AT - timedelta(days=9),
        until=AT + timedelta(days=300), organization_id=people.centre.pk, by=SYSTEM, at=AT,
    )  # fmt: skip
    return found


def taken():
    return sum(Slot.objects.values_list("taken", flat=True))


class TestTakingTogether:
    def test_visit_examination_and_bed_are_taken_with_the_letter(self, people):
        sent = whole(people)

        assert sent.booking is not None
        assert {part.kind: part.booking.status for part in sent.parts.all()} == {"ct": "booked", "ward": "booked"}
        assert taken() == 3
        assert {row.channel for row in Booking.objects.all()} == {"referral"}

    def test_who_is_late_is_told_which_place_went_and_nothing_is_taken(self, people):
        visit, ct = people.clinic()[1], ordered(people, "ct")[0]
        Slot.objects.filter(pk=ct.pk).update(taken=1)

        with pytest.raises(Taken, match="CT没有占到"):
            people.up(slot_id=visit.pk, parts={"ct": ct.pk}, attempt="late")

        assert not Booking.objects.exists()
        assert not Referral.objects.exists()
        assert taken() == 1

    def test_two_at_one_time_are_refused(self, people):
        one, other = ordered(people, "ct")[0], ordered(people, "ecg")[0]
        with pytest.raises(RuleBroken, match="重叠"):
            people.up(parts={"ct": one.pk, "ecg": other.pk}, attempt="same")

    def test_a_part_of_another_kind_or_house_is_refused(self, people):
        ct, ward = ordered(people, "ct")[0], ordered(people, "ward")[0]
        with pytest.raises(RuleBroken, match="不是这家医院的"):
            people.up(parts={"ct": ward.pk}, attempt="kind")
        other = organization("h2", "hospital", "别处医院", people.hospital.place, level=3)
        with pytest.raises(RuleBroken, match="不是这家医院的"):
            people.up(to_organization_id=people.hospital.pk, parts={"ct": ordered(people, "ct", 9, other)[0].pk})
        assert ct.taken == 0

    def test_a_place_that_is_not_there_is_not_found(self, people):
        with pytest.raises(NotVisible):
            people.up(parts={"ct": 987654}, attempt="none")

    def test_without_an_agreement_there_is_no_green_channel(self, people):
        stranger, ct = people.person(2, people.far_centre), ordered(people, "ct")[0]
        with pytest.raises(RuleBroken) as refused:
            people.up(resident_id=stranger.pk, by=people.far_gp.actor, parts={"ct": ct.pk}, attempt="far")
        assert refused.value.clause == "SZ16-2.2c"

    def test_a_resident_books_no_examination_and_no_list_names_it(self, people):
        ct = ordered(people, "ct")[-1]
        Slot.objects.filter(pk=ct.pk).update(pool="public", release_at=None, teams_at=None, contracted_at=None)
        from kangqiao.domain.accounts.queries import seat_of

        own = seat_of(people.resident.user, None)
        with pytest.raises(Denied, match="医生开单"):
            scheduling.book(
                slot_id=ct.pk, resident_id=people.resident.pk, channel="self", attempt="s", by=own.actor, at=AT
            )
        from kangqiao.domain.scheduling import queries as places

        assert places.offers(own, home_id=people.centre.pk, now=AT) == []


class TestGivingBack:
    @pytest.mark.parametrize("step", ["return", "withdraw", "advise"])
    def test_all_places_go_back_together(self, people, step):
        sent = whole(people)
        act = {
            "return": lambda: actions.return_referral(
                referral_id=sent.pk, reason="请补查体", by=people.desk.actor, at=AT
            ),
            "withdraw": lambda: actions.withdraw_referral(
                referral_id=sent.pk, reason="居民不去了", by=people.gp.actor, at=AT
            ),
            "advise": lambda: actions.advise_referral(
                referral_id=sent.pk, reply="先调药。", by=people.desk.actor, at=AT
            ),
        }[step]
        act()
        assert taken() == 0
        assert set(Booking.objects.values_list("status", flat=True)) == {"cancelled"}

    def test_redirecting_gives_all_back(self, people):
        sent = whole(people)
        other = organization("h2", "hospital", "别处医院", people.hospital.place, level=3)
        actions.redirect_referral(
            referral_id=sent.pk, to_organization_id=other.pk, specialty="cardiology", reason="没有床", is_agreed=True,
            by=people.desk.actor, at=AT,
        )  # fmt: skip
        assert taken() == 0
        assert queries.stays_of(Referral.objects.get(pk=sent.pk), AT) == []


class TestPriority:
    def test_points_are_kept_with_their_reasons_and_grow_by_a_day(self, people):
        sent = whole(people, urgency="urgent", reason_code="htn_emergency")
        assert sent.points == {"danger_sign": 60, "urgent": 30}
        assert queries.score_of(sent, AT + timedelta(days=3)) == 93
        assert queries.score_of(sent, AT + timedelta(days=30)) == 100
        assert queries.reasons_of(sent) == ["危险信号 60", "加急 30"]


def at_window(people, hours=0):
    """The letter accepted, on the morning of the visit."""
    sent = whole(people)
    actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT + timedelta(hours=1))
    return Referral.objects.get(pk=sent.pk), AT + DAY + timedelta(hours=hours)


class TestWindow:
    @pytest.mark.clause("XH23-5.1.2d")
    def test_of_five_expected_two_are_received_and_led_through_everything_from_one_list(self, people):
        visits, ct, ward = people.clinic(), ordered(people, "ct"), ordered(people, "ward", 16)
        sent = []
        for number in range(5):
            visit, scan, bed = visits[number], ct[number], ward[number]
            letter = people.up(
                resident_id=signed(people, 10 + number).pk, slot_id=visit.pk, parts={"ct": scan.pk, "ward": bed.pk},
                attempt=f"w{number}",
            )  # fmt: skip
            sent.append(letter)
            actions.accept_referral(referral_id=letter.pk, by=people.desk.actor, at=AT + timedelta(hours=1))
        now = AT + DAY

        for letter in sent[:2]:
            actions.receive_patient(referral_id=letter.pk, by=people.desk.actor, at=now)

        rows = queries.arrivals(people.desk, now)
        assert [row.line.referral.pk for row in rows if not row.is_here] == [letter.pk for letter in sent[2:]]
        here = [row for row in rows if row.is_here]
        assert [row.line.referral.pk for row in here] == [letter.pk for letter in sent[:2]]
        for row in here:
            assert [(stay.kind, stay.booking.status) for stay in row.stays] == [
                ("", "arrived"), ("ct", "arrived"), ("ward", "arrived"),
            ]  # fmt: skip
            one = row.line.referral
            actions.complete_part(referral_id=one.pk, kind="ct", by=people.desk.actor, at=now)
            actions.confirm_visit(referral_id=one.pk, by=people.desk.actor, at=now)
            actions.complete_part(referral_id=one.pk, kind="ward", by=people.desk.actor, at=now)
            assert Encounter.objects.filter(resident=one.resident, organization=people.hospital).count() == 3

    def test_the_custody_moves_on_arrival_and_not_before(self, people):
        sent, now = at_window(people)
        assert queries.custodian(sent) == people.centre

        received = actions.receive_patient(referral_id=sent.pk, by=people.office_seat.actor, at=now)

        assert queries.custodian(received) == people.hospital
        assert received.arrived_at == now

    def test_late_is_marked_after_the_grace(self, people):
        _sent, now = at_window(people, hours=2)
        assert [row.is_late for row in queries.arrivals(people.desk, now)] == [True]
        assert [row.is_late for row in queries.arrivals(people.desk, now - timedelta(hours=2))] == [False]

    def test_twice_or_on_another_day_is_refused_with_the_reason(self, people):
        sent, now = at_window(people)
        with pytest.raises(RuleBroken, match="今天没有"):
            actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=AT + timedelta(days=1))
        actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=now)
        with pytest.raises(RuleBroken, match="已经登记"):
            actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=now)

    def test_before_it_is_accepted_nobody_is_received(self, people):
        sent = whole(people)
        with pytest.raises(RuleBroken, match="还没有接收"):
            actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=AT + DAY)

    def test_the_centre_does_not_receive(self, people):
        sent, now = at_window(people)
        with pytest.raises(Denied):
            actions.receive_patient(referral_id=sent.pk, by=people.gp.actor, at=now)
        with pytest.raises(Denied):
            actions.complete_part(referral_id=sent.pk, kind="ct", by=people.gp.actor, at=now)
        with pytest.raises(NotVisible):
            actions.receive_patient(referral_id=sent.pk, by=people.far_gp.actor, at=now)

    def test_nothing_to_do_is_refused(self, people):
        sent, now = at_window(people)
        with pytest.raises(RuleBroken, match="没有待做"):
            actions.complete_part(referral_id=sent.pk, kind="ecg", by=people.desk.actor, at=now)

    def test_an_emergency_without_a_place_is_received(self, people):
        sent = people.up(urgency="emergency")
        actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT)
        assert actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=AT).arrived_at == AT


@pytest.mark.clause("SZ16-2.2c")
@pytest.mark.clause("SZ17-B5.b")
def test_in_all_three_queues_the_referred_patient_stands_before_those_who_came_earlier(people):
    """An ordinary patient comes at 08:00, the referred at 09:00; at 10:00 one bed is free."""
    sent, nine = at_window(people)
    eight, ten, ordinary = nine - timedelta(hours=1), nine + timedelta(hours=1), people.person(7)
    know(ordinary, people.hospital)
    for session in Session.objects.all():
        slot = session.slots.filter(taken=0).order_by("-starts_at")[0]
        Slot.objects.filter(pk=slot.pk).update(pool="public", release_at=None, teams_at=None, contracted_at=None)
        one = scheduling.book(
            slot_id=slot.pk, resident_id=ordinary.pk, channel="gp", attempt=f"o{slot.pk}", by=people.desk.actor, at=AT
        )
        scheduling.check_in(booking_id=one.pk, by=people.desk.actor, at=eight)
    actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=nine)

    found = {queue.key: queue.waiting for queue in queries.queues(people.desk, ten)}

    assert set(found) == {"consultation", "examination", "admission"}
    for waiting in found.values():
        assert [(row.booking.resident_id, row.minutes) for row in waiting] == [
            (people.resident.pk, 60), (ordinary.pk, 120),
        ]  # fmt: skip


@pytest.mark.clause("XH23-5.1.2e")
def test_in_all_three_queues_the_contracted_resident_leads_among_the_referred(people):
    """Both come through the green channel for everything; who has signed comes an hour later and is called first."""
    contracted = signed(people, 7)
    other, nine = at_window(people)
    places = [other.booking.session, *(part.booking.session for part in other.parts.order_by("kind"))]
    visit, ct, ward = (session.slots.filter(taken=0).order_by("starts_at")[0] for session in places)
    letter = people.up(
        resident_id=contracted.pk, slot_id=visit.pk, parts={"ct": ct.pk, "ward": ward.pk}, attempt="signed"
    )  # fmt: skip
    assert (letter.points, other.points) == ({"contracted": 20}, {})
    actions.accept_referral(referral_id=letter.pk, by=people.desk.actor, at=AT + timedelta(hours=1))
    actions.receive_patient(referral_id=other.pk, by=people.desk.actor, at=nine)
    actions.receive_patient(referral_id=letter.pk, by=people.desk.actor, at=nine + timedelta(hours=1))

    found = queries.queues(people.desk, nine + timedelta(hours=1))

    assert [queue.key for queue in found] == ["consultation", "examination", "admission"]
    for queue in found:
        assert [row.booking.resident_id for row in queue.waiting] == [contracted.pk, people.resident.pk]
        assert queue.waiting[0].reasons == ["签约居民 20"]


def test_the_guidance_office_knows_its_letters_in_the_queue_and_nobody_else(people):
    sent, nine = at_window(people)
    actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=nine)
    assert [len(queue.waiting) for queue in queries.queues(people.office_seat, nine)] == [1, 1, 1]
    assert queries.arrivals(people.office_seat, nine)[0].is_here


def test_what_may_be_kept_is_offered_by_kind_without_the_hour_of_the_visit(people):
    visit = people.clinic(hour=14)[0]
    ordered(people, "ct")
    ordered(people, "ward")
    found = queries.offers(people.hospital, people.centre, AT, {}, visit)
    assert [offer.kind for offer in found] == ["ct", "ward"]
    assert all(slot.starts_at >= visit.ends_at for offer in found for slot in offer.slots)
    assert all(len(offer.slots) <= 6 for offer in found)
    assert queries.offers(people.hospital, people.far_centre, AT, {}, visit) == []


def test_the_kind_of_a_part_is_kept_by_the_database(people):
    from django.db import IntegrityError, transaction

    sent = people.up(booking_id=people.booked(people.clinic()[1]).pk)
    other = people.booked(people.clinic(days=3)[1])
    with pytest.raises(IntegrityError), transaction.atomic():
        Part.objects.create(referral=sent, kind="massage", booking=other)
