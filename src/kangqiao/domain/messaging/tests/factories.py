"""Somebody who wants text messages, and a carrier that keeps what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kangqiao.base.actor import Actor
from kangqiao.base.carriers import Carrier, Letter, NotCarried, Receipt
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER
from kangqiao.domain.messaging import actions
from kangqiao.domain.messaging.models import Delivery, Notice
from kangqiao.domain.messaging.rules import Visit

MOBILE = "13800000000"


@dataclass
class Shelf:
    """Takes each key once and answers what it is told to; an answer that is an error is raised once."""

    leaves: bool = True
    reports: bool = False
    answers: list[Receipt | NotCarried] = field(default_factory=list)
    letters: dict[str, Letter] = field(default_factory=dict)
    asked: int = 0

    def carry(self, letter: Letter) -> Receipt:
        """Keeps the letter."""
        self.asked += 1
        answer = self._answer(letter.key)
        self.letters.setdefault(letter.key, letter)
        return answer

    def ask(self, number: str, *, at: datetime) -> Receipt:
        """The next answer."""
        self.asked += 1
        return self._answer(number)

    def _answer(self, number: str) -> Receipt:
        answer = self.answers.pop(0) if self.answers else Receipt(number)
        if isinstance(answer, NotCarried):
            raise answer
        return answer


def listener(house: Organization, name: str = "listener", *, is_demo: bool = False, channel: str = "sms") -> Seat:
    """A resident of the house who turned text messages, or another channel, on."""
    one = seat("resident", house, user(name, is_demo=is_demo))
    actions.choose_channel(user_id=one.user_id, channel=channel, is_on=True, by=one.actor, at=NOW)
    return one


def tell(
    to: int, cause: str = "c", *, kind: str = "referral", visit: Visit | None = None, at: datetime = NOW,
    by: Actor = TESTER,
) -> Notice | None:  # fmt: skip
    """A notice with words about health to one person."""
    return actions.notify(
        cause=cause,
        kind=kind,
        subject="糖尿病足，请尽快住院",
        body="HIV 抗体阳性",
        user_id=to,
        visit=visit,
        by=by,
        at=at,
    )


def step(carrier: Carrier, *, at: datetime = NOW, number: str = MOBILE, channel: str = "sms") -> Delivery | None:
    """The worker's next step."""
    return actions.step_due(channel=channel, carrier=carrier, address_of=lambda _user: number, by=TESTER, at=at)


def people(*seats: Seat) -> list[User]:
    """The accounts of seats."""
    return [User.objects.get(pk=one.user_id) for one in seats]
