"""The guards of the database go up with every migration, and putting them up again changes nothing."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from kangqiao.base import guards


@pytest.mark.django_db
def test_migrate_puts_up_the_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(guards, "put_up", ran.append)

    call_command("migrate", verbosity=0)
    call_command("migrate", plan=True, verbosity=0)

    assert ran == ["default"]


@pytest.mark.django_db
def test_put_up_can_be_repeated() -> None:
    assert guards.put_up() == guards.put_up()
