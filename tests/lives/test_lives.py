"""Random lives of places, referrals, agreements and settlements: whatever comes, the sums and the histories hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import ClassVar

import pytest
from django.db.models import Count, Q, Sum
from django.utils.timezone import localtime
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from kangqiao.base.actor import Actor
from kangqiao.domain.agreements import actions as agreements
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.tests import factories as agreement_cast
from kangqiao.domain.finance import actions as finance
from kangqiao.domain.finance.models import Settlement
from kangqiao.domain.finance.tests.factories import add_fund, add_pairing, scored
from kangqiao.domain.indicators.tests import factories as network_cast
from kangqiao.domain.referral import actions as referrals
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests import factories as referral_cast
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.pathways.close_appraisal import close_appraisal
from tests.lives.life import Life
from tests.lives.places import FEW, Places

pytestmark = pytest.mark.django_db


class Referrals(Life):
    """Both houses and both desks do anything at any time, with a referral up or down."""

    tally: ClassVar[dict[str, int]] = {}
    STEPS = (
        ("accept_referral", {}), ("return_referral", {"reason": "演示"}), ("resend_referral", {}),
        ("withdraw_referral", {"reason": "演示"}), ("confirm_visit", {}), ("mark_not_attended", {"reason": "演示"}),
        ("return_summary", {"reply": "演示"}), ("close_referral", {}), ("take_over", {}),
        ("decline_down", {"reason": "演示"}), ("propose_again", {"plan": "随访", "medicines": "同前"}),
        ("record_first_contact", {"note": "演示"}), ("defer_referral", {"reason": "演示"}),
        ("advise_referral", {"reply": "演示"}),
    )  # fmt: skip

    def begin(self) -> None:
        self.people = referral_cast.cast()
        self.at = referral_cast.AT
        self.slots = self.people.clinic()
        cast = self.people
        self.other = referral_cast.organization("h9", "hospital", "演示市中医院", cast.hospital.place, level=3)
        self.hands = [seat.actor for seat in (cast.gp, cast.desk, cast.specialist, cast.other_desk, cast.far_gp)]
        self.people.up(booking_id=self.people.booked(self.slots[1]).pk)
        self.people.down()

    @rule(which=st.integers(0, 3), step=st.sampled_from(STEPS), hand=st.integers(0, 4))
    def somebody_takes_a_step(self, which: int, step: tuple[str, dict[str, str]], hand: int) -> None:
        rows = list(Referral.objects.order_by("pk"))
        act, words = step
        pk = rows[which % len(rows)].pk
        self.by_somebody(
            self.hands, hand, lambda by: getattr(referrals, act)(referral_id=pk, by=by, at=self.at, **words)
        )

    @rule(slot=FEW)
    def the_desk_moves_the_visit(self, slot: int) -> None:
        pk = Referral.objects.filter(direction="up").earliest("pk").pk
        wanted = self.slots[slot % len(self.slots)].pk
        self.attempt(
            lambda: referrals.rebook_referral(referral_id=pk, slot_id=wanted, by=self.people.desk.actor, at=self.at)
        )

    @rule(is_here=st.booleans())
    def the_desk_sends_it_on(self, is_here: bool) -> None:
        one = Referral.objects.filter(direction="up").earliest("pk")
        house, specialty = (self.people.hospital.pk, "neurology") if is_here else (self.other.pk, one.specialty)
        self.attempt(
            lambda: referrals.redirect_referral(
                referral_id=one.pk,
                to_organization_id=house,
                specialty=specialty,
                reason="演示",
                is_agreed=True,
                by=self.people.desk.actor,
                at=self.at,
            )
        )

    @rule()
    def clocks_are_read(self) -> None:
        self.attempt(lambda: referrals.escalate_overdue(by=Actor.system("clocks"), at=self.at))
        assert referrals.escalate_overdue(by=Actor.system("clocks"), at=self.at) == 0, "told once"

    @invariant()
    def one_place_for_one_referral(self) -> None:
        for slot in Slot.objects.annotate(booked=Count("bookings", filter=~Q(bookings__status="cancelled"))):
            assert slot.taken == slot.booked <= slot.capacity
        assert Booking.objects.filter(status="booked").count() <= 1
        for row in Referral.objects.filter(status="seen", direction="up").select_related("booking"):
            assert row.booking is None or row.booking.status in ("arrived", "fulfilled")


class Agreements(Life):
    """Two hospitals and a centre draft, sign, end, and the days go by."""

    tally: ClassVar[dict[str, int]] = {}

    def begin(self) -> None:
        self.region = agreement_cast.zhuhai()
        self.at = agreement_cast.AT
        names = ("people1", "people2", "xiangwan", "shishan", "bureau")
        self.hands = [agreement_cast.actor(self.region[name]) for name in names]

    @rule(hospital=st.sampled_from(("people1", "people2")), centre=st.sampled_from(("xiangwan", "shishan")))
    def one_is_drafted(self, hospital: str, centre: str) -> None:
        starts = localtime(self.at).date()
        by = agreement_cast.actor(self.region[hospital])
        self.attempt(
            lambda: agreements.draft_agreement(
                kind="joint_building",
                hospital_id=self.region[hospital].pk,
                centre_id=self.region[centre].pk,
                starts_on=starts,
                ends_on=date(starts.year + 3, 3, 1),
                by=by,
                at=self.at,
            )
        )

    @rule(
        which=st.integers(0, 9),
        act=st.sampled_from(("propose_agreement", "sign_agreement", "sign_agreement", "discard_agreement")),
        hand=st.integers(0, 4),
    )
    def it_goes_forward(self, which: int, act: str, hand: int) -> None:
        self._act(which, act, hand, {})

    @rule(
        which=st.integers(0, 9),
        act=st.sampled_from(("request_end", "refuse_end", "end_agreement")),
        hand=st.integers(0, 4),
    )
    def it_comes_to_an_end(self, which: int, act: str, hand: int) -> None:
        self._act(which, act, hand, {"reason": "演示"})

    def _act(self, which: int, act: str, hand: int, words: dict[str, str]) -> None:
        rows = list(Agreement.objects.order_by("pk"))
        if rows:
            pk = rows[which % len(rows)].pk
            self.by_somebody(
                self.hands, hand, lambda by: getattr(agreements, act)(agreement_id=pk, by=by, at=self.at, **words)
            )

    @rule()
    def the_hourly_job_runs_twice(self) -> None:
        on, by = localtime(self.at).date(), Actor.system("terms")
        self.attempt(
            lambda: (
                agreements.take_effect_due(on=on, by=by, at=self.at),
                agreements.lapse_due(on=on, by=by, at=self.at),
            )
        )
        assert agreements.take_effect_due(on=on, by=by, at=self.at) == []
        assert agreements.lapse_due(on=on, by=by, at=self.at) == []

    @invariant()
    def a_centre_has_one_responsible_hospital(self) -> None:
        bound = Agreement.objects.filter(status__in=("signed", "in_force", "ending_requested")).values("centre")
        assert all(row["n"] == 1 for row in bound.annotate(n=Count("pk")))
        for row in Agreement.objects.filter(status__in=("signed", "in_force")).prefetch_related("parties"):
            assert all(party.signed_at for party in row.parties.all())


class Settlements(Life):
    """A year is computed, corrected, appraised, submitted and paid, in any order."""

    tally: ClassVar[dict[str, int]] = {}

    def begin(self) -> None:
        self.at = network_cast.AT
        self.net = network_cast.make_network()
        network_cast.add_hospital(self.net, "people1", "municipal")
        network_cast.add_hospital(self.net, "district1", "district")
        add_fund(self.net, "xiangzhou", 10_000_000)
        for hospital, centre, people in (
            ("people1", "xiangwan", 30_001), ("people1", "shishan", 9_999), ("district1", "qianshan", 42_007),
        ):  # fmt: skip
            add_pairing(self.net, hospital, centre, "xiangzhou", people, half_days=30)
        self.by = network_cast.BY
        self.appraisals: dict[str, int] = {}
        self.paid: dict[int, int] = {}

    @rule(reason=st.sampled_from(("", "人口更正")))
    def it_is_computed(self, reason: str) -> None:
        self.attempt(
            lambda: finance.compute_settlement(
                place_id=self.net.city.pk, year=network_cast.YEAR, reason=reason, by=self.by, at=self.at
            )
        )

    @rule(hospital=st.sampled_from(("people1", "district1")))
    def a_hospital_is_appraised(self, hospital: str) -> None:
        if hospital not in self.appraisals:
            done = self.attempt(lambda: scored(self.net, hospital))
            if done is not None:
                self.appraisals[hospital] = done.pk
            return
        self.attempt(lambda: close_appraisal(appraisal_id=self.appraisals[hospital], by=self.by, at=self.at))

    @rule(which=st.integers(0, 3))
    def it_is_submitted(self, which: int) -> None:
        rows = list(Settlement.objects.order_by("-pk"))
        if rows:
            pk = rows[which % len(rows)].pk
            self.attempt(lambda: finance.submit_settlement(settlement_id=pk, by=self.by, at=self.at))

    @rule(which=st.integers(0, 3), payer=st.sampled_from(("city", "xiangzhou", "jinwan")))
    def a_payer_pays(self, which: int, payer: str) -> None:
        rows = list(Settlement.objects.order_by("-pk"))
        place = self.net.city if payer == "city" else self.net.places[payer]
        if rows:
            pk = rows[which % len(rows)].pk
            self.attempt(lambda: finance.pay_lines(settlement_id=pk, payer_id=place.pk, by=self.by, at=self.at))

    @invariant()
    def no_money_is_made(self) -> None:
        for row in Settlement.objects.prefetch_related("lines"):
            lines = list(row.lines.all())
            assert sum(line.base_fen for line in lines) == row.total_fen
            assert all(0 <= (line.amount_fen or 0) <= line.base_fen for line in lines)
            paid = sum(line.amount_fen or 0 for line in lines if line.status == "paid")
            assert self.paid.get(row.pk, 0) <= paid <= row.total_fen, "what was paid stays paid"
            self.paid[row.pk] = paid
        current = Settlement.objects.exclude(status="superseded").values("place", "year").annotate(n=Count("pk"))
        assert all(row["n"] == 1 for row in current)
        lines = Settlement.objects.exclude(status="superseded").aggregate(sum=Sum("total_fen"))["sum"] or 0
        # Twelve per cent of the fund, and three yuan for each person of the district's own hospital.
        assert lines in (0, 120_000_000 + 42_007 * 300)


LIVES = (Places, Referrals, Agreements, Settlements)


def live(machine: type[Life], examples: int, steps: int) -> str:
    """Runs that many lives of that many steps; what happened, in numbers."""
    machine.tally.clear()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    tally = machine.tally
    assert tally["steps"] > tally.get("refused", 0) > 0, "some steps are taken, and some refused"
    kinds = sum(": " in name and not name.endswith(": begin") for name in tally)
    done, refused = tally["steps"] - tally["refused"], tally["refused"]
    return f"{machine.__name__}: {tally['lives']} lives, {done} steps of {kinds} kinds, {refused} refused"


@pytest.mark.trust("T-FUZZ-2")
@pytest.mark.parametrize("machine", LIVES, ids=lambda one: one.__name__)
def test_invariants_hold_in_short_lives(machine: type[Life], measured: Callable[[str], None]) -> None:
    measured(live(machine, examples=12, steps=30))


@pytest.mark.slow
@pytest.mark.trust("T-FUZZ-2", "200 examples × 50 steps, invariants always hold")
@pytest.mark.parametrize("machine", LIVES, ids=lambda one: one.__name__)
def test_invariants_hold_in_long_lives(machine: type[Life], measured: Callable[[str], None]) -> None:
    measured(live(machine, examples=200, steps=50))


def test_a_broken_rule_is_found() -> None:
    """A place that is not counted is found at once."""

    class Broken(Places):
        tally: ClassVar[dict[str, int]] = {}

        @rule(slot=FEW)
        def a_count_is_forgotten(self, slot: int) -> None:
            Slot.objects.filter(pk=self.slots[slot].pk).update(taken=1)

    with pytest.raises(AssertionError):
        live(Broken, examples=20, steps=10)
