"""Places shared out among centres, teams, contracted residents and everyone, and what became of them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, PoolRule, Session, Slot
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, own_actor, parameters
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
FIGURES = {
    "partner_percent": 20, "team_percent": 20, "contracted_percent": 20, "team_hours": 96, "contracted_hours": 72,
    "release_hours": 48, "reason": "演示：按协议试一个月",
}  # fmt: skip


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


def set_rule(people: Cast, **changes) -> tuple[PoolRule, int]:
    values = {"organization_id": people.hospital.pk, "since": people.at.date(), "by": SYSTEM, "at": people.at}
    return actions.set_pool_rule(**{**values, **FIGURES, **changes})


def wide(people: Cast, places: int, share: Fraction, **changes) -> Session:
    """A clinic of many places, one minute each."""
    starts = people.at + timedelta(days=10)
    given = parameters(slot_minutes=1, slots_per_session=places, reserved_share=share, head_start_days=0, **changes)
    return people.clinic(starts_at=starts, ends_at=starts + timedelta(minutes=places), parameters=given)


def free(people: Cast, standing: Standing, at=None) -> list[Slot]:
    span = {"starts": people.at, "ends": people.at + timedelta(days=40)}
    return queries.free_slots([people.hospital.pk], **span, now=at or people.at, standing=standing)


def here(people: Cast, circle: str) -> Standing:
    return Standing(**{circle: frozenset({people.hospital.pk})})


def book(people: Cast, slot: Slot, resident: Resident, **changes) -> Booking:
    values = {
        "slot_id": slot.pk, "resident_id": resident.pk, "channel": "self", "attempt": f"{resident.pk}-{slot.pk}",
        "by": changes.get("by") or own_actor(resident), "at": people.at,
    }  # fmt: skip
    return actions.book(**{**values, **changes})


def contracted(people: Cast, number: int, *, is_signed: bool = True) -> Resident:
    resident = people.resident(number)
    grant_basis(
        resident_id=resident.pk, kind="contract", source=f"contract:{number}", since=people.at - timedelta(days=9),
        until=people.at + timedelta(days=300) if is_signed else None, organization_id=people.centre.pk,
        by=SYSTEM, at=people.at,
    )  # fmt: skip
    return resident


class TestCircles:
    @pytest.mark.clause("SZ17-B5.a")
    def test_of_forty_places_sixteen_are_the_centres(self, people):
        wide(people, 40, Fraction(16, 40))
        doctor = people.staff(Role.GP)
        own = {"channel": "gp", "as_partner_centre_id": people.centre.pk, "by": doctor.actor}

        public = {slot.pk for slot in free(people, Standing())}
        reserved = [slot for slot in free(people, here(people, "team")) if slot.pk not in public]
        taken = book(people, reserved[0], people.resident(1), **own)

        assert (len(public), len(reserved)) == (24, 16)
        assert taken.pool == "partner"
        left = {slot.pk for slot in free(people, here(people, "team"))}
        assert (len(left - public), len(free(people, Standing()))) == (15, 24)

    @pytest.mark.clause("XH23-5.1.2b")
    def test_of_two_hundred_places_sixty_are_the_communitys_first_and_fall_back(self, people):
        session = wide(people, 200, Fraction(3, 10))
        hours = timedelta(hours=parameters().release_hours_before)

        assert len(free(people, here(people, "partner"))) == 200
        assert len(free(people, Standing())) == 140
        assert len(free(people, Standing(), session.starts_at - hours)) == 140
        assert len(free(people, Standing(), session.ends_at - hours)) == 200

    def test_places_fall_to_teams_then_to_the_contracted_then_to_all(self, people):
        set_rule(people)
        session = people.clinic(starts_at=people.at + timedelta(days=10), parameters=parameters(head_start_days=0))
        first = session.starts_at

        def seen(hours: int) -> list[int]:
            at = first - timedelta(hours=hours)
            circles = (here(people, name) for name in ("partner", "team", "contracted"))
            return [len(free(people, one, at)) for one in (*circles, Standing())]

        assert seen(200) == [12, 10, 7, 5]
        assert seen(93) == [12, 12, 7, 5]
        assert seen(69) == [12, 12, 12, 5]
        assert seen(45) == [12, 12, 12, 12]

    def test_a_doctor_waits_for_the_teams_turn_while_the_centre_refers(self, people):
        set_rule(people, team_percent=0, contracted_percent=0)
        people.clinic(starts_at=people.at + timedelta(days=10))
        doctor, resident = people.staff(Role.GP), people.resident(1)
        slot = Slot.objects.filter(pool="partner").earliest("starts_at")
        own = {"as_partner_centre_id": people.centre.pk, "by": doctor.actor}

        with pytest.raises(RuleBroken, match="起您可以约"):
            book(people, slot, resident, channel="gp", **own)
        assert book(people, slot, resident, channel="referral", attempt="r", **own).pool == "partner"

    def test_who_is_contracted_books_before_everyone_and_an_application_is_no_contract(self, people):
        people.clinic(starts_at=people.at + timedelta(days=10), parameters=parameters(head_start_days=0))
        slots = list(Slot.objects.filter(pool="partner").order_by("starts_at")[:3])
        signed, applied = contracted(people, 1), contracted(people, 2, is_signed=False)
        at = slots[0].contracted_at

        with pytest.raises(RuleBroken, match="协作中心"):
            book(people, slots[0], signed, at=at - timedelta(minutes=1))
        with pytest.raises(RuleBroken, match="协作中心"):
            book(people, slots[0], applied, at=at)
        held = actions.hold_slot(
            slot_id=slots[0].pk, resident_id=signed.pk, channel="self", by=own_actor(signed), at=at
        )
        taken = book(people, slots[0], signed, at=at)

        assert held.slot_id == taken.slot_id
        assert taken.pool == "partner"
        assert book(people, slots[1], applied, at=slots[1].release_at).pool == "public"


class TestRules:
    def test_the_narrowest_rule_counts(self, people):
        one = people.clinic(starts_at=people.at + timedelta(days=12))
        later = people.at + timedelta(days=13)
        other = people.clinic(practitioner_id=people.expert.pk, specialty="neurology", starts_at=later)

        set_rule(people, partner_percent=50, team_percent=0, contracted_percent=0)
        set_rule(people, specialty="neurology", partner_percent=100, team_percent=0, contracted_percent=0)
        _rule, count = set_rule(people, session_id=one.pk, partner_percent=0, team_percent=0, contracted_percent=0)

        def kept(session: Session) -> int:
            """What stays reserved when the head start of a week is over."""
            return session.slots.filter(release_at__gt=people.at + timedelta(days=7)).count()

        assert count == 1
        assert (kept(one), kept(other)) == (0, 12)
        assert kept(people.clinic(starts_at=people.at + timedelta(days=9))) == 6, "clinics opened later follow too"

    def test_what_is_taken_stays_taken(self, people):
        session = people.clinic(starts_at=people.at + timedelta(days=10), parameters=parameters(head_start_days=0))
        slot = Slot.objects.filter(session=session, pool="public").earliest("starts_at")
        booking = book(people, slot, people.resident(1))

        set_rule(people, partner_percent=100, team_percent=0, contracted_percent=0)

        booking.refresh_from_db()
        slot.refresh_from_db()
        assert (booking.status, booking.pool, slot.taken, slot.pool) == ("booked", "public", 1, "partner")

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"partner_percent": 61}, "超过了100%"),
            ({"team_hours": 10}, "从里到外"),
            ({"release_hours": 80}, "从里到外"),
        ],
    )
    def test_figures_that_cannot_be_are_refused_in_words(self, people, changes, said):
        with pytest.raises(RuleBroken, match=said):
            set_rule(people, **{"team_percent": 20, "contracted_percent": 20, **changes})
        assert not PoolRule.objects.exists()

    def test_the_database_refuses_them_too(self, people):
        rule, _count = set_rule(people)
        for changes in ({"partner_percent": 90}, {"team_hours": 1}, {"reason": ""}):
            with pytest.raises(IntegrityError), transaction.atomic():
                PoolRule.objects.filter(pk=rule.pk).update(**changes)
        slot = Slot.objects.filter(session=people.clinic(starts_at=people.at + timedelta(days=10))).exclude(
            pool="public"
        )[0]
        for changes in ({"teams_at": None}, {"release_at": slot.teams_at - timedelta(hours=1)}, {"pool": "public"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Slot.objects.filter(pk=slot.pk).update(**changes)

    def test_only_the_hospital_and_the_dispatcher_share_out(self, people):
        for role, where, may in (
            (Role.REFERRAL_DESK, people.hospital, True),
            (Role.HOSPITAL_DIRECTOR, people.hospital, True),
            (Role.GP, people.centre, False),
            (Role.CENTRE_MANAGER, people.centre, False),
        ):
            by = people.staff(role, where).actor
            if may:
                set_rule(people, by=by)
            else:
                with pytest.raises(Denied):
                    set_rule(people, by=by)

    def test_a_session_of_another_house_is_refused(self, people):
        with pytest.raises(RuleBroken, match="不在这家医院"):
            set_rule(people, session_id=people.session().pk)


class TestAfterwards:
    def days_past(self, people: Cast) -> tuple[Session, dict]:
        """A clinic with six reserved places: two used by the centre, one on release, three of the open ones."""
        session = people.clinic(starts_at=people.at + timedelta(days=10), parameters=parameters(head_start_days=0))
        kept = list(Slot.objects.filter(session=session, pool="partner").order_by("starts_at"))
        public = list(Slot.objects.filter(session=session, pool="public").order_by("starts_at"))
        doctor = people.staff(Role.GP)
        own = {"channel": "gp", "as_partner_centre_id": people.centre.pk, "by": doctor.actor}
        for number in (0, 1):
            book(people, kept[number], people.resident(number), **own)
        book(people, kept[2], people.resident(2), at=kept[2].release_at)
        for number in (3, 4, 5):
            book(people, public[number], people.resident(number))
        gone = book(people, public[0], people.resident(6))
        actions.cancel_booking(booking_id=gone.pk, by=own_actor(gone.resident), at=people.at + timedelta(hours=1))
        return session, {"starts": session.starts_at - timedelta(days=1), "ends": session.ends_at}

    def test_each_pool_says_what_became_of_it(self, people):
        _session, days = self.days_past(people)

        span = queries.pools_between(people.hospital.pk, **days)

        pools = {pool.key: pool for pool in span.pools}
        kept, public = pools["partner"], pools["public"]
        assert (kept.places, kept.used, kept.released, kept.used_later, kept.wasted) == (6, 2, 4, 1, 3)
        assert (public.places, public.used, public.wasted) == (6, 3, 3)
        assert (span.community, span.public, span.wasted, span.community_percent) == (2, 4, 6, 33)

    def test_the_same_demand_under_another_share(self, people):
        _session, days = self.days_past(people)

        def under(percent: int):
            return queries.replayed(people.hospital.pk, **days, share=Fraction(percent, 100), release_hours=24)

        as_it_was, all_kept = under(50), under(100)
        assert (as_it_was.community, as_it_was.public, as_it_was.turned_away, as_it_was.wasted) == (2, 4, 0, 6)
        assert (all_kept.community, all_kept.public, all_kept.turned_away) == (2, 1, 4)

    def test_the_page_shows_pools_tries_a_share_and_sets_a_rule(self, people):
        self.days_past(people)
        seat, client = people.staff(Role.REFERRAL_DESK, people.hospital), Client()
        client.force_login(User.objects.get(pk=seat.user_id))
        address = f"/slots/pools/{people.hospital.pk}/"
        body = {**FIGURES, "since": people.at.date().isoformat(), "idempotency_key": "a"}

        own = client.get("/slots/pools/")
        page = client.get(address + "?share=80").content.decode()
        odd = client.get(address + "?share=999&session=1")
        wrong = client.post(address + "share/", {**body, "partner_percent": "200", "idempotency_key": "b"})
        done = client.post(address + "share/", body)

        assert own.headers["Location"] == address
        assert "留 80%" in page
        assert odd.status_code == 200
        assert wrong.status_code == 422
        assert FIGURES["reason"] in wrong.content.decode(), "what was typed stays"
        assert done.headers["Location"] == address
        assert PoolRule.objects.get().reason in client.get(address).content.decode()

    def test_another_houses_pools_are_not_there(self, people):
        seat = people.staff(Role.REFERRAL_DESK, people.hospital)

        with pytest.raises(NotVisible):
            queries.get_pool_house(seat.actor, people.centre.pk)
