"""Residents for tests, made through actions."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER
from kangqiao.domain.residents import actions
from kangqiao.domain.residents.models import Resident

_numbers = count(1)


def resident(centre: Organization, name: str = "林惊蛰", **more: Any) -> Resident:
    """An invented person registered at the centre."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "sex": "male", "birth_date": date(1964, 3, 5), "identifier": f"4704041964{number:08d}",
        "phone": f"154{number:08d}", "is_demo": True,
    }  # fmt: skip
    return actions.register_resident(name=name, centre_id=centre.pk, by=TESTER, at=NOW, **(values | more))
