"""Who acts is told to the database, for one transaction and not longer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db import connection, transaction

from kangqiao.base import acting
from kangqiao.base.actor import Actor


@dataclass(frozen=True)
class Sitting:
    """A seat of nobody's."""

    user_id: int = 12
    organization_id: int = 3
    role: str = "gp"
    place_id: int = 5

    @property
    def actor(self) -> Actor:
        return Actor(id=f"user:{self.user_id}", name="演示", organization_id=self.organization_id, role=self.role)


def told() -> dict[str, str]:
    """What the database knows of who acts; empty settings left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('kangqiao.{name}', true)" for name in acting.NAMES))
        return {name: value for name, value in zip(acting.NAMES, cursor.fetchone(), strict=True) if value}


SEATED = {"actor": "user:12", "user": "12", "organization": "3", "role": "gp", "place": "5", "request": "r1"}


@pytest.mark.django_db(transaction=True)
def test_settings_end_with_the_transaction() -> None:
    with transaction.atomic():
        acting.as_seat(Sitting(), request="r1")
        assert told() == SEATED

    assert told() == {}
    with transaction.atomic():
        assert told() == {}


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nobody_can_act() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        acting.as_seat(Sitting())


@pytest.mark.django_db(transaction=True)
def test_system_is_a_transaction_of_its_own() -> None:
    with acting.as_system("clocks") as actor:
        assert connection.in_atomic_block
        assert told() == {"actor": "system:clocks"}

    assert actor == Actor.system("clocks")
    assert told() == {}


@pytest.mark.django_db
def test_after_a_step_of_the_system_the_person_acts_again() -> None:
    acting.as_seat(Sitting(), request="r1")

    with acting.as_system("counts"):
        assert told() == {"actor": "system:counts", "request": "r1"}

    assert told() == SEATED


@pytest.mark.django_db
def test_a_failed_step_gives_the_settings_back() -> None:
    acting.as_seat(Sitting(), request="r1")

    with pytest.raises(ValueError, match="planted"), acting.beyond("counts"):
        raise ValueError("planted")

    assert told() == SEATED


@pytest.mark.django_db
def test_beyond_keeps_who_acts() -> None:
    acting.as_seat(Sitting(), request="r1")

    with acting.beyond("notices"):
        assert told() == SEATED | {"reach": "notices"}

    assert told() == SEATED


@pytest.mark.django_db
def test_a_job_in_somebodys_name_keeps_the_name() -> None:
    person = Actor(id="user:7", name="演示排班员", organization_id=4, role="dispatcher")

    with acting.on_behalf(person, "roster.plan"):
        assert told() == {
            "actor": "user:7", "user": "7", "organization": "4", "role": "dispatcher", "reach": "roster.plan",
        }  # fmt: skip


@pytest.mark.django_db
def test_a_reader_without_a_seat_is_anonymous() -> None:
    acting.as_seat(Sitting(), request="r1")
    acting.as_seat(None, request="r2")

    assert told() == {"actor": "anonymous", "request": "r2"}
