"""An open letter and a running contract let their houses through by themselves (ADR 38): never more than the ledger.

The real actions send, accept, hand back, sign, refuse and end; after each, what the policy lets through and what the
short scopes of Python count is what the ledger says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.db.models import Model, Q

from kangqiao.base import acting
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting import permissions as contracts
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.tests import factories as signing
from kangqiao.domain.referral import actions, permissions
from kangqiao.domain.referral.models import OPEN, Referral
from kangqiao.domain.referral.tests.factories import AT, Cast, cast
from kangqiao.domain.residents.models import Consent, Resident
from tests.application_plugin import as_application

pytestmark = [pytest.mark.trust("T-ACL-7"), pytest.mark.django_db]

Scope = Callable[[Seat], Q]


def let_through(model: type[Model], seat: Seat) -> set[int]:
    """What the policy shows to a seat that asks without any scope."""
    with as_application(), transaction.atomic():
        acting.as_seat(seat, request="row-is-its-basis")
        found = set(model._default_manager.values_list("pk", flat=True))
        transaction.set_rollback(True)
    return found


def of(model: type[Model], scope: Q) -> set[int]:
    """What a scope of Python allows, as the owner reads it."""
    return set(model._default_manager.filter(scope).values_list("pk", flat=True))


def refuse(resident: Resident, organization_id: int, given_by_id: int, at: datetime) -> None:
    Consent.objects.create(
        resident=resident, decision="refuse", purpose="record", organization_id=organization_id, since=at,
        given_by_id=given_by_id,
    )  # fmt: skip


def letters(people: Cast) -> Iterator[tuple[str, datetime]]:
    """A letter through its life, and a person who keeps the hospital out; what happened and when."""
    sent = people.up(at=AT)
    yield "sent", AT
    actions.return_referral(referral_id=sent.pk, by=people.desk.actor, at=AT + timedelta(hours=1), reason="缺检查结果")
    yield "returned", AT + timedelta(hours=2)
    actions.withdraw_referral(referral_id=sent.pk, by=people.gp.actor, at=AT + timedelta(hours=3), reason="居民改主意")
    yield "withdrawn", AT + timedelta(hours=4)
    other = people.person(77, people.centre, with_user=True)
    people.up(resident_id=other.pk, at=AT + timedelta(hours=5))
    yield "another sent", AT + timedelta(hours=6)
    refuse(other, people.hospital.pk, other.user_id or 0, AT + timedelta(hours=6))
    yield "the hospital kept out", AT + timedelta(hours=7)


def test_an_open_letter_shows_no_more_than_the_ledger() -> None:
    people, told, hidden = cast(), set[str](), set[str]()

    for happened, at in letters(people):
        with time_machine.travel(at, tick=False):
            for seat in (
                people.gp,
                people.desk,
                people.office_seat,
                people.specialist,
                people.far_gp,
                people.other_desk,
            ):
                by_ledger = of(Referral, permissions.visible_to(seat))
                assert let_through(Referral, seat) == by_ledger, (happened, seat.role)
                counted = of(Referral, permissions.open_at_ends(seat))
                assert counted == of(Referral, permissions.visible_to(seat) & Q(status__in=OPEN)), (happened, seat.role)
                (told if by_ledger else hidden).add(f"{happened}: {seat.role}")

    assert "sent: referral_desk" in told
    assert {"withdrawn: referral_desk", "the hospital kept out: referral_desk"} <= hidden
    assert "the hospital kept out: gp" in told


def test_a_running_contract_shows_no_more_than_the_ledger() -> None:
    w = signing.world()
    team = w.team()
    kept, left = w.resident(), w.resident()
    first, second = w.signed(team, kept)[0], w.signed(team, left)[0]
    doctor, at = w.seat(Role.GP), signing.AT + timedelta(days=2)

    def seen(moment: datetime) -> set[int]:
        with time_machine.travel(moment, tick=False):
            by_ledger = of(Contract, contracts.visible_to(doctor))
            assert let_through(Contract, doctor) == by_ledger
            running = of(Contract, contracts.visible_to(doctor) & Q(status__in=("active", "suspended")))
            assert of(Contract, contracts.running_in_house(doctor)) == running
        return by_ledger

    assert {first.pk, second.pk} <= seen(at)
    refuse(left, w.centre.pk, w.own(left).user_id, at)
    assert second.pk not in seen(at + timedelta(hours=1))
    contracting.end_contract(
        contract_id=first.pk, why="wish", by=doctor.actor, at=at + timedelta(hours=2), reason="搬走了"
    )  # fmt: skip
    assert first.pk in of(Contract, Q(status="ended"))
    seen(at + timedelta(hours=3))
