"""Checking in by the code on the phone: whoever shows it is in, and every way it cannot be has its sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, first_slot
from kangqiao.kernel.errors import Denied, RuleBroken

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def people() -> Cast:
    return cast()


def booked(people: Cast, **session: object) -> Booking:
    """A place in two hours."""
    slot = first_slot(people.session(**{"starts_at": people.at + 2 * HOUR, **session}))
    return actions.book(
        slot_id=slot.pk, resident_id=people.resident(1).pk, channel="self", attempt="a", by=SYSTEM, at=people.at
    )


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


def test_whoever_shows_the_code_is_checked_in_as_by_hand(people: Cast) -> None:
    place, desk = booked(people), people.staff(Role.CENTRE_MANAGER)

    came = actions.check_in_scanned(code=place.code.lower().replace(" ", ""), by=desk.actor, at=people.at + HOUR)

    assert (came.pk, came.status) == (place.pk, "arrived")
    assert [one.action for one in history(came)][-1] == "check_in"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("arrived", "已经签到"),
        ("fulfilled", "已经看完"),
        ("cancelled", "已经取消"),
        ("no_show", "已记为未到"),
    ],
)
def test_what_is_over_says_what_became_of_it(people: Cast, status: str, words: str) -> None:
    place, desk = booked(people), people.staff(Role.CENTRE_MANAGER)
    Booking.objects.filter(pk=place.pk).update(status=status)

    with pytest.raises(RuleBroken, match=words):
        actions.check_in_scanned(code=place.code, by=desk.actor, at=people.at + HOUR)


def test_another_day_another_house_and_another_code_are_refused_with_a_sentence(people: Cast) -> None:
    place, desk = booked(people), people.staff(Role.CENTRE_MANAGER)
    away = people.staff(Role.CENTRE_MANAGER, people.far_centre, name="away")

    for code, by, at, words in (
        (place.code, desk, people.at + DAY, "不是今天"),
        (place.code, away, people.at + HOUR, "不是约在本机构"),
        (str(place.pk), desk, people.at + HOUR, "没有扫完整"),
        (place.code[:-1], desk, people.at + HOUR, "没有扫完整"),
        ("", desk, people.at + HOUR, "没有扫完整"),
    ):
        with pytest.raises(RuleBroken, match=words):
            actions.check_in_scanned(code=code, by=by.actor, at=at)

    assert Booking.objects.get().status == "booked"


def test_who_has_no_desk_there_checks_nobody_in(people: Cast) -> None:
    place = booked(people)

    with pytest.raises(Denied):
        actions.check_in_scanned(code=place.code, by=people.staff(Role.DISPATCHER).actor, at=people.at + HOUR)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A place of today, whatever the hour: pages read the clock themselves."""
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    made = cast(noon - 3 * HOUR)
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon)
    return made


def test_at_the_desk_the_field_waits_for_the_next_one_and_a_refusal_stands_above_it(today: Cast) -> None:
    place, desk = booked(today, starts_at=today.at + 4 * HOUR), signed_in(today.staff(Role.CENTRE_MANAGER))

    done = desk.post("/slots/scan/", {"code": place.code}, follow=True)
    again = desk.post("/slots/scan/", {"code": place.code})

    assert "演示1已签到" in done.content.decode()
    assert "autofocus" in done.content.decode()
    assert again.status_code == 422
    assert "已经签到。 不用再扫，请候诊。" in again.content.decode()
    assert place.code not in again.content.decode()
    assert "ABCD" in desk.post("/slots/scan/", {"code": "ABCD"}).content.decode()
    assert "autofocus" not in desk.get("/slots/day/").content.decode().split('id="id_code"')[1].split(">")[0]


def test_the_phone_shows_the_code_as_long_as_the_place_waits(today: Cast) -> None:
    place = booked(today, starts_at=today.at + 4 * HOUR)
    phone = Client()
    phone.force_login(place.resident.user)

    waiting = phone.get(f"/slots/bookings/{place.pk}/").content.decode()
    actions.cancel_booking(booking_id=place.pk, by=SYSTEM, at=today.at)
    over = phone.get(f"/slots/bookings/{place.pk}/").content.decode()

    assert place.code in waiting
    assert "data:image/svg+xml" in waiting
    assert place.code not in over


def test_a_resident_checks_nobody_in_with_a_code_of_their_own(today: Cast) -> None:
    place = booked(today, starts_at=today.at + 4 * HOUR)
    phone = Client()
    phone.force_login(place.resident.user)

    assert phone.post("/slots/scan/", {"code": place.code}).status_code == 403
    assert Booking.objects.get().status == "booked"
