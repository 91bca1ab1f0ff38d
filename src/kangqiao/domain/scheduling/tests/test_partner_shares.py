"""A paired centre gets so many places of each session at least, and no more than so many."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling import actions, queries, rules
from kangqiao.domain.scheduling.models import Booking, PartnerCount, PartnerRule, Session, Slot
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, parameters
from kangqiao.kernel.errors import Denied, RuleBroken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    """Hospital and two centres, both paired with it."""
    made = cast()
    Agreement.objects.create(
        kind=Agreement.Kind.PAIRING, number="A-2", hospital=made.hospital, centre=made.far_centre,
        starts_on=date(2020, 1, 1), ends_on=date(2099, 1, 1), status="in_force", policy_ref="test",
    )  # fmt: skip
    return made


def limit(people: Cast, **changes: Any) -> tuple[PartnerRule, int]:
    """A rule for the centre."""
    values = {
        "organization_id": people.hospital.pk, "centre_id": people.centre.pk, "since": people.at.date(), "least": 0,
        "most": None, "reason": "按协议", "by": SYSTEM, "at": people.at, **changes,
    }  # fmt: skip
    return actions.set_partner_rule(**values)


def clinic(people: Cast, places: int = 6) -> Session:
    """A clinic whose places all begin with the paired centres."""
    figures = parameters(head_start_days=0, reserved_share=1, slots_per_session=places)
    return people.clinic(parameters=figures)


def free(people: Cast, session: Session, centre: Any, **later: Any) -> int:
    """How many places a centre finds free."""
    standing = Standing(partner=frozenset({people.hospital.pk}), centre_id=centre.pk)
    now = people.at + timedelta(**later)
    return len([cell for cell in queries.slots_of(session, now, standing) if cell.left])


def listed(people: Cast, session: Session, centre: Any) -> int:
    """The same by the statement that takes."""
    standing = Standing(partner=frozenset({people.hospital.pk}), centre_id=centre.pk)
    return Slot.objects.filter(queries.is_free(people.at, standing), session=session, session__status="open").count()


def take(people: Cast, session: Session, number: int, centre: Any = None) -> Booking:
    """The centre books the first place it finds free."""
    where = centre or people.centre
    standing = Standing(partner=frozenset({people.hospital.pk}), centre_id=where.pk)
    cell = next(one for one in queries.slots_of(session, people.at, standing) if not one.slot.taken)
    return actions.book(
        slot_id=cell.slot.pk, resident_id=people.resident(number, centre=where).pk, channel="referral",
        attempt=f"a{number}", as_partner_centre_id=where.pk, by=SYSTEM, at=people.at,
    )  # fmt: skip


def test_a_minimum_is_kept_for_its_centre_until_the_contracted_may_come(people: Cast) -> None:
    limit(people, least=2)
    session = clinic(people)

    assert (free(people, session, people.centre), free(people, session, people.far_centre)) == (6, 4)
    assert (listed(people, session, people.centre), listed(people, session, people.far_centre)) == (6, 4)
    kept = Slot.objects.filter(session=session, kept_for=people.centre)
    resident = people.resident(50, centre=people.far_centre)
    with pytest.raises(RuleBroken, match="先留给另一家中心"):
        actions.book(
            slot_id=kept[0].pk, resident_id=resident.pk, channel="referral", attempt="x",
            as_partner_centre_id=people.far_centre.pk, by=SYSTEM, at=people.at,
        )  # fmt: skip
    # 48 hours before its time a place falls to the contracted, and to the other centres with them.
    assert free(people, session, people.far_centre, days=4) == 6


def test_a_maximum_ends_where_it_is_reached_and_begins_again_when_one_is_given_back(people: Cast) -> None:
    limit(people, most=2)
    session = clinic(people)
    first, _second = take(people, session, 1), take(people, session, 2)

    with pytest.raises(RuleBroken, match="已经用满"):
        take(people, session, 3)
    assert (free(people, session, people.centre), listed(people, session, people.centre)) == (0, 0)
    assert (free(people, session, people.far_centre), listed(people, session, people.far_centre)) == (4, 4)
    take(people, session, 4, people.far_centre)
    actions.cancel_booking(booking_id=first.pk, reason="改期", by=SYSTEM, at=people.at)
    assert PartnerCount.objects.get(session=session, centre=people.centre).taken == 1
    take(people, session, 5)


def test_what_was_released_to_all_counts_for_nobody(people: Cast) -> None:
    limit(people, most=1)
    session = clinic(people)
    take(people, session, 1)
    released = Slot.objects.filter(session=session, taken=0).order_by("starts_at")[0]

    booked = actions.book(
        slot_id=released.pk, resident_id=people.resident(2).pk, channel="referral", attempt="late",
        as_partner_centre_id=people.centre.pk, by=SYSTEM, at=session.starts_at - timedelta(hours=2),
    )  # fmt: skip

    assert (booked.pool, booked.centre_id) == ("public", None)
    assert PartnerCount.objects.get(session=session).taken == 1


def test_a_rule_follows_to_coming_clinics_and_takes_nothing_away(people: Cast) -> None:
    session = clinic(people)
    for number in range(3):
        take(people, session, number)

    _rule, count = limit(people, least=1, most=2)

    row = PartnerCount.objects.get(session=session)
    assert (count, row.taken, row.most) == (1, 3, 3)
    assert not Slot.objects.filter(session=session, kept_for__isnull=False).exists()
    with pytest.raises(RuleBroken, match="已经用满"):
        take(people, session, 9)


def test_the_departments_word_comes_before_the_hospitals(people: Cast) -> None:
    limit(people, most=1)
    limit(people, most=5, specialty="cardiology")
    session = clinic(people)

    assert PartnerCount.objects.get(session=session).most == 5


def test_a_withdrawal_and_its_undo_keep_the_count(people: Cast) -> None:
    limit(people, most=2)
    session = clinic(people)
    take(people, session, 1)

    actions.withdraw_session(session_id=session.pk, reason="开会", by=SYSTEM, at=people.at)
    assert PartnerCount.objects.get(session=session).taken == 0
    actions.undo_withdrawal(session_id=session.pk, by=SYSTEM, at=people.at)
    assert PartnerCount.objects.get(session=session).taken == 1


def test_a_rule_made_while_a_session_is_called_off_holds_when_it_goes_ahead(people: Cast) -> None:
    session = clinic(people)
    actions.withdraw_session(session_id=session.pk, reason="开会", by=SYSTEM, at=people.at)
    limit(people, least=1, most=1)
    actions.undo_withdrawal(session_id=session.pk, by=SYSTEM, at=people.at)

    assert PartnerCount.objects.get(session=session).most == 1
    assert Slot.objects.filter(session=session, kept_for=people.centre).count() == 1


def test_a_new_rule_leaves_a_taken_place_kept_for_when_it_is_given_back(people: Cast) -> None:
    limit(people, least=1)
    session = clinic(people)
    kept = Slot.objects.get(session=session, kept_for=people.centre)
    booking = actions.book(
        slot_id=kept.pk, resident_id=people.resident(1, centre=people.centre).pk, channel="referral", attempt="kept",
        as_partner_centre_id=people.centre.pk, by=SYSTEM, at=people.at,
    )  # fmt: skip

    limit(people, least=1, most=4)
    actions.cancel_booking(booking_id=booking.pk, by=SYSTEM, at=people.at)

    assert [one.pk for one in Slot.objects.filter(session=session, kept_for=people.centre)] == [kept.pk]


def test_a_new_share_of_all_leaves_the_minimum_of_one(people: Cast) -> None:
    limit(people, least=4)
    session = clinic(people)
    assert Slot.objects.filter(session=session, kept_for=people.centre).count() == 4

    actions.set_pool_rule(
        organization_id=people.hospital.pk, since=people.at.date(), partner_percent=33, team_percent=0,
        contracted_percent=0, team_hours=96, contracted_hours=48, release_hours=24, reason="少留", by=SYSTEM,
        at=people.at,
    )  # fmt: skip

    kept = Slot.objects.filter(session=session, kept_for=people.centre)
    assert {slot.pool for slot in kept} == {"partner"}
    assert kept.count() == 4
    assert PartnerCount.objects.get(session=session).taken == 0


def test_bad_rules_are_refused(people: Cast) -> None:
    with pytest.raises(RuleBroken, match="最多不能少于最少"):
        limit(people, least=3, most=2)
    with pytest.raises(RuleBroken, match="没有协议"):
        limit(people, centre_id=people.hospital.pk)
    with pytest.raises(Denied):
        limit(people, by=people.staff(Role.GP).actor)
    assert not PartnerRule.objects.exists()


def test_where_places_are_short_the_centres_take_turns(people: Cast) -> None:
    at, hours = people.at, timedelta(hours=24)
    places = [(at + n * hours, at + n * hours - hours, int(n != 1)) for n in range(4)]

    assert rules.keep_least(places, {7: 2, 8: 2}) == [7, None, 8, 7]
    assert rules.keep_least(places, {7: 2, 8: 2}, {7: 2}) == [8, None, 8, None]
    assert rules.keep_least([], {7: 2}) == []
    # A time with several places is kept whole, and no more times than the places need.
    wide = [(starts_at, release_at, 3 * count) for starts_at, release_at, count in places]
    assert rules.keep_least(wide, {7: 4, 8: 2}) == [7, None, 8, 7]
    assert rules.keep_least(wide, {7: 2}) == [7, None, None, None]


def test_a_minimum_is_counted_in_places(people: Cast) -> None:
    session = clinic(people)
    Slot.objects.filter(session=session).update(capacity=2)
    limit(people, least=3)

    assert Slot.objects.filter(session=session, kept_for=people.centre).count() == 2
    assert [one.kept for one in queries.partners_of(people.hospital, people.at)] == [4]


def test_the_page_tells_the_figures_of_each_rule_alone(people: Cast) -> None:
    limit(people, least=1, most=5)
    limit(people, least=2, most=3, specialty="cardiology")
    take(people, clinic(people), 1)
    figures = parameters(head_start_days=0, reserved_share=1, slots_per_session=6)
    people.clinic(practitioner_id=people.expert.pk, specialty="neurology", source="half_day:2", parameters=figures)

    shown = {one.rule.specialty: (one.kept, one.taken) for one in queries.partners_of(people.hospital, people.at)}
    assert shown == {"": (1, 0), "cardiology": (1, 1)}


def contracted(people: Cast, number: int) -> Any:
    """A resident the centre contracted."""
    resident = people.resident(number)
    Basis.objects.create(
        resident=resident, organization=people.centre, kind="contract", source=f"contract:{number}", since=people.at,
        until=people.at + timedelta(days=365),
    )  # fmt: skip
    return resident


def test_at_its_maximum_a_centre_books_for_whom_it_contracted_and_it_is_not_counted(people: Cast) -> None:
    limit(people, most=1)
    session = clinic(people)
    take(people, session, 1)
    one, other = (contracted(people, number) for number in (2, 3))
    slots = list(Slot.objects.filter(session=session, taken=0).order_by("starts_at"))
    now = session.starts_at - timedelta(hours=40)
    given = {"channel": "referral", "as_partner_centre_id": people.centre.pk, "by": SYSTEM, "at": now}

    actions.hold_slot(slot_id=slots[0].pk, resident_id=one.pk, **given)
    held = actions.book(slot_id=slots[0].pk, resident_id=one.pk, attempt="b", **given)
    booked = actions.book(slot_id=slots[1].pk, resident_id=other.pk, attempt="c", **given)

    assert (held.centre_id, booked.centre_id, booked.pool) == (None, None, "partner")
    assert PartnerCount.objects.get(session=session).taken == 1
    with pytest.raises(RuleBroken, match="已经用满"):
        actions.book(slot_id=slots[2].pk, resident_id=people.resident(4).pk, attempt="d", **given)


def test_at_its_maximum_a_centre_moves_its_own_place_within_a_session_and_no_other(people: Cast) -> None:
    limit(people, most=1)
    session = clinic(people)
    old = take(people, session, 1)
    free = Slot.objects.filter(session=session, taken=0).order_by("starts_at")[0]
    next_day = people.clinic(
        starts_at=session.starts_at + timedelta(days=1), source="half_day:3",
        parameters=parameters(head_start_days=0, reserved_share=1, slots_per_session=6),
    )  # fmt: skip
    take(people, next_day, 2)
    full = Slot.objects.filter(session=next_day, taken=0).order_by("starts_at")[0]
    Booking.objects.update(channel="gp")
    given = {"booking_id": old.pk, "as_partner_centre_id": people.centre.pk, "by": SYSTEM, "at": people.at}

    with pytest.raises(RuleBroken, match="已经用满"):
        actions.move_booking(slot_id=full.pk, attempt="m", **given)
    new = actions.move_booking(slot_id=free.pk, attempt="n", **given)

    assert (new.slot_id, new.centre_id) == (free.pk, people.centre.pk)
    assert PartnerCount.objects.get(session=session).taken == 1
