"""What of a notice goes out: to whom, when, once; what it never says; and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from kangqiao.base.carriers import DELIVERED, REFUSED, SENT, NotCarried, Receipt
from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital, organization, place
from kangqiao.domain.messaging import actions, queries
from kangqiao.domain.messaging.models import ChannelChoice, Delivery, Notice
from kangqiao.domain.messaging.rules import Visit
from kangqiao.domain.messaging.tests.factories import MOBILE, Shelf, listener, step, tell
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = NOW + 13 * HOUR  # 23:00 in Zhuhai
Asks = Callable[[int], AbstractContextManager[list[str]]]


@pytest.fixture(autouse=True)
def _a_carrier(settings: Any) -> None:
    settings.SMS = settings.SMS | {"carrier": "file"}


def only() -> Delivery:
    return Delivery.objects.get()


class TestQueue:
    def test_who_wants_it_is_told_outside_too_and_nobody_else(self) -> None:
        house = centre()
        wants, silent = listener(house), seat("resident", house, user("silent"))
        off = listener(house, "off")
        actions.choose_channel(user_id=off.user_id, channel="sms", is_on=False, by=off.actor, at=NOW)

        for number, one in enumerate((wants, silent, off)):
            tell(one.user_id, f"c{number}")
        actions.notify(cause="house", kind="x", subject="s", organization_id=house.pk, role="gp", by=TESTER, at=NOW)

        row = only()
        assert (row.user_id, row.organization, row.channel, row.status) == (wants.user_id, house, "sms", "queued")
        assert (row.due_at, [one.action for one in history(row)]) == (NOW, ["begin"])
        assert Notice.objects.count() == 4

    def test_many_at_once_are_queued_with_their_notices_once_per_cause(self) -> None:
        house = centre()
        ones = [listener(house, f"l{number}") for number in range(3)]
        notices = [
            Notice(cause=f"n{number}:{one.user_id}", kind="survey", subject="s", user_id=one.user_id)
            for number in range(2)
            for one in ones
        ]

        actions.notify_all(notices=notices, by=TESTER, at=NOW)
        actions.notify_all(notices=[Notice(cause=n.cause, kind="survey", subject="s", user_id=n.user_id) for n in notices], by=TESTER, at=NOW)  # fmt: skip  # noqa: E501

        assert Delivery.objects.count() == 6
        assert Delivery.objects.values("key").distinct().count() == 6

    def test_what_is_rolled_back_was_never_queued(self) -> None:
        one = listener(centre())

        with transaction.atomic():
            tell(one.user_id)
            transaction.set_rollback(True)

        assert not Delivery.objects.exists()

    def test_a_site_without_carrier_queues_nothing_and_asks_nothing_more(
        self, settings: Any, asks_at_most: Asks
    ) -> None:
        one = listener(centre())
        with asks_at_most(20) as before:
            tell(one.user_id, "with")
        settings.SMS = settings.SMS | {"carrier": ""}

        with asks_at_most(len(before) - 4):
            tell(one.user_id, "without")

        assert only().notice.cause == "with"

    def test_fifty_people_cost_no_more_statements_than_two(self, asks_at_most: Asks) -> None:
        house = centre()
        ones = [listener(house, f"l{number}") for number in range(52)]

        def told(some: list[Any], word: str) -> None:
            rows = [Notice(cause=f"{word}:{o.user_id}", kind="survey", subject="s", user_id=o.user_id) for o in some]
            actions.notify_all(notices=rows, by=TESTER, at=NOW)

        with asks_at_most(20) as few:
            told(ones[:2], "few")
        with asks_at_most(len(few)):
            told(ones[2:], "many")

    def test_a_delivery_is_there_once_for_a_notice_and_a_channel(self) -> None:
        tell(listener(centre()).user_id)
        row = only()

        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.create(
                notice=row.notice,
                user=row.user,
                organization=row.organization,
                channel="sms",
                queued_at=NOW,
                due_at=NOW,
            )

    @pytest.mark.parametrize(
        "wrong",
        [
            {"status": "sent"},
            {"status": "failed", "due_at": None},
            {"failure": "refused"},
            {"due_at": None},
            {"visit_at": NOW},
        ],
    )
    def test_the_database_keeps_states_and_their_facts_together(self, wrong: dict[str, Any]) -> None:
        tell(listener(centre()).user_id)

        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.update(**wrong)

    def test_where_no_pack_says_the_hours_nothing_is_queued(self) -> None:
        house = organization("far", "centre", "远方", place("9999", "远方"))

        assert tell(listener(house).user_id) is not None
        assert not Delivery.objects.exists()


class TestQuietHours:
    def test_at_night_it_waits_for_the_morning(self) -> None:
        tell(listener(centre()).user_id, at=NIGHT)

        assert localtime(only().due_at).hour == 8
        assert step(Shelf(), at=NIGHT + HOUR) is None
        done = step(Shelf(), at=NIGHT + 9 * HOUR)
        assert done is not None
        assert done.status == "sent"

    def test_a_visit_of_the_early_morning_called_off_is_told_at_once(self) -> None:
        house = hospital()
        one = listener(centre())
        visit = Visit(NIGHT + 10 * HOUR, house.pk)

        tell(one.user_id, kind="session_withdrawn", visit=visit, at=NIGHT)

        assert only().due_at == NIGHT
        done = step(Shelf(), at=NIGHT)
        assert done is not None
        assert done.status == "sent"

    def test_what_was_due_by_day_and_comes_to_its_turn_at_night_waits(self) -> None:
        tell(listener(centre()).user_id)
        shelf = Shelf()

        row = step(shelf, at=NIGHT)

        assert row is not None
        assert (row.status, localtime(row.due_at).hour, shelf.asked) == ("queued", 8, 0)

    def test_what_sleeps_until_the_morning_keeps_no_answer_of_the_evening(self) -> None:
        tell(listener(centre()).user_id)
        Delivery.objects.update(answer="TimeoutError", tries=1)

        row = step(Shelf(), at=NIGHT)

        assert row is not None
        assert (row.answer, row.tries) == ("", 1)


class TestWhatItSays:
    CANARIES = ("糖尿病", "住院", "HIV", "阳性", "抗体")

    @pytest.mark.parametrize("kind", ["referral", "survey", "session_withdrawn", "place_offered"])
    def test_no_word_of_the_notice_leaves(self, kind: str) -> None:
        visit = Visit(NOW + 48 * HOUR, hospital().pk)
        tell(listener(centre()).user_id, kind=kind, visit=visit)
        shelf = Shelf()

        step(shelf)

        (letter,) = shelf.letters.values()
        assert not [word for word in self.CANARIES if word in repr(letter)]
        assert letter.to == MOBILE

    def test_of_a_visit_stand_time_and_house_in_the_persons_language(self) -> None:
        house, one = hospital(zh="市人民医院", en="City Hospital"), listener(centre())
        User.objects.filter(pk=one.user_id).update(language="en")
        tell(one.user_id, kind="session_withdrawn", visit=Visit(NOW + 48 * HOUR, house.pk))
        shelf = Shelf()

        step(shelf)

        (letter,) = shelf.letters.values()
        assert "05-16 10:00 at City Hospital" in letter.text
        assert letter.values["where"] == "City Hospital"


class TestStep:
    def test_it_is_sent_and_nothing_is_left_to_do(self) -> None:
        tell(listener(centre()).user_id)

        row = step(Shelf(answers=[Receipt("r7")]))

        assert row is not None
        assert (row.status, row.receipt, row.tries, row.sent_at, row.due_at) == ("sent", "r7", 1, NOW, None)
        assert step(Shelf(), at=NOW + 48 * HOUR) is None

    def test_a_report_says_that_it_arrived(self) -> None:
        tell(listener(centre()).user_id)
        shelf = Shelf(
            reports=True, answers=[Receipt("r", SENT), NotCarried("busy"), Receipt("r"), Receipt("r", DELIVERED)]
        )

        seen = [step(shelf, at=NOW + minutes * MINUTE) for minutes in (0, 4, 5, 10, 20)]

        assert [one.status if one else None for one in seen] == ["sent", None, "sent", "sent", "delivered"]
        assert only().due_at is None

    def test_without_a_report_it_stays_sent_and_is_asked_no_more(self) -> None:
        tell(listener(centre()).user_id)
        shelf, at, last = Shelf(reports=True), NOW, NOW
        while (row := step(shelf, at=at)) is not None:
            last, at = at, row.due_at or at + 48 * HOUR

        assert (only().status, only().due_at) == ("sent", None)
        assert 24 * HOUR <= last - NOW <= 48 * HOUR
        assert shelf.asked < 12

    def test_a_report_says_that_it_did_not_arrive(self) -> None:
        tell(listener(centre()).user_id)
        shelf = Shelf(reports=True, answers=[Receipt("r"), Receipt("r", REFUSED, "switched off")])

        step(shelf)
        row = step(shelf, at=NOW + HOUR)

        assert row is not None
        assert (row.status, row.failure, row.answer) == ("failed", "refused", "switched off")

    def test_a_gateway_that_does_not_answer_is_tried_ever_more_slowly_and_then_given_up(self) -> None:
        tell(listener(centre()).user_id)
        shelf, at, waits = Shelf(answers=[NotCarried("HTTP 503")] * 9), NOW, []
        while (row := step(shelf, at=at)) is not None and row.status == "queued":
            waits.append((row.due_at - at) / MINUTE)
            at = row.due_at

        assert waits == [5, 10, 20, 40, 80]
        assert (only().status, only().failure, only().answer, shelf.letters) == ("failed", "unreached", "HTTP 503", {})

    @pytest.mark.parametrize(
        ("number", "is_demo", "failure"),
        [("", False, "no_number"), ("0756-222", False, "no_number"), (MOBILE, True, "invented")],
    )
    def test_nothing_is_sent_without_a_number_or_to_invented_people(
        self, number: str, is_demo: bool, failure: str
    ) -> None:
        tell(listener(centre(), is_demo=is_demo).user_id)
        shelf = Shelf()

        row = step(shelf, number=number)

        assert row is not None
        assert (row.status, row.failure, shelf.asked) == ("failed", failure, 0)

    def test_a_carrier_that_stays_in_the_house_shows_messages_of_invented_people(self) -> None:
        tell(listener(centre(), is_demo=True).user_id)

        row = step(Shelf(leaves=False))

        assert row is not None
        assert row.status == "sent"

    def test_who_turns_it_off_meanwhile_gets_none(self) -> None:
        one = listener(centre())
        tell(one.user_id)
        actions.choose_channel(user_id=one.user_id, channel="sms", is_on=False, by=one.actor, at=NOW)

        row = step(Shelf())

        assert row is not None
        assert row.failure == "switched_off"

    def test_a_visit_that_is_over_is_told_no_more(self) -> None:
        tell(listener(centre()).user_id, kind="session_withdrawn", visit=Visit(NOW + HOUR, hospital().pk))

        row = step(Shelf(), at=NOW + 2 * HOUR)

        assert row is not None
        assert row.failure == "too_late"

    def test_killed_after_handing_over_it_goes_out_again_under_the_same_key(self) -> None:
        tell(listener(centre()).user_id)
        shelf = Shelf()
        with transaction.atomic():
            step(shelf)
            transaction.set_rollback(True)
        assert only().status == "queued"

        step(shelf)

        assert (shelf.asked, len(shelf.letters), only().status) == (2, 1, "sent")

    def test_a_step_asks_as_little_for_a_long_queue_as_for_a_short_one(self, asks_at_most: Asks) -> None:
        ones = [listener(centre(), f"l{n}") for n in range(1)]
        for number in range(30):
            tell(ones[0].user_id, f"c{number}")
        with asks_at_most(9):
            step(Shelf())


class TestSendAgain:
    def failed(self, at: datetime = NOW) -> Delivery:
        tell(listener(centre()).user_id)
        row = step(Shelf(answers=[Receipt("", REFUSED, "no such number")]), at=at)
        assert row is not None
        return row

    def test_the_administrator_sends_again_under_the_same_key(self) -> None:
        row, shelf = self.failed(), Shelf()
        admin = seat(Role.SYSTEM_ADMIN, organization("bureau", "health_bureau"))

        actions.send_again(delivery_id=row.pk, by=admin.actor, at=NOW + HOUR)
        step(shelf, at=NOW + HOUR)

        again = only()
        assert (again.status, again.tries, again.failure, again.answer) == ("sent", 1, "", "")
        assert list(shelf.letters) == [row.key]
        assert [one.action for one in history(again)] == ["begin", "fail", "again", "send"]
        with pytest.raises(AlreadyMoved):
            actions.send_again(delivery_id=row.pk, by=admin.actor, at=NOW + HOUR)

    def test_nobody_else_does_and_only_where_they_look_after_it(self) -> None:
        row = self.failed()
        elsewhere = organization("sz", "health_bureau", where=place("4403", "深圳市"))

        with pytest.raises(NotVisible):
            actions.send_again(delivery_id=row.pk, by=seat(Role.SYSTEM_ADMIN, elsewhere).actor, at=NOW)
        for role in (Role.GP, Role.SECURITY_ADMIN, Role.RESIDENT):
            with pytest.raises(Denied):
                actions.send_again(delivery_id=row.pk, by=seat(role, row.organization).actor, at=NOW)

    def test_what_is_about_a_visit_that_is_over_is_not_sent_again(self) -> None:
        row = self.failed()
        Delivery.objects.update(visit_at=NOW + HOUR, visit_place=hospital())
        admin = seat(Role.SYSTEM_ADMIN, organization("bureau", "health_bureau"))

        with pytest.raises(RuleBroken):
            actions.send_again(delivery_id=row.pk, by=admin.actor, at=NOW + HOUR)


class TestChoice:
    def test_it_is_ones_own_and_kept_once(self) -> None:
        one = listener(centre())
        actions.choose_channel(user_id=one.user_id, channel="sms", is_on=False, by=one.actor, at=NOW + HOUR)

        row = ChannelChoice.objects.get()
        assert (row.is_on, row.chosen_at) == (False, NOW + HOUR)
        assert not queries.is_wanted(one.user_id, "sms")
        with pytest.raises(Denied):
            actions.choose_channel(user_id=one.user_id, channel="sms", is_on=True, by=TESTER, at=NOW)
