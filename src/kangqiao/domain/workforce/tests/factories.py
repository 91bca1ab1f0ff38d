"""Staff for tests, made through actions."""

from __future__ import annotations

from itertools import count
from typing import Any

from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER
from kangqiao.domain.terminology import actions as terminology
from kangqiao.domain.workforce import actions
from kangqiao.domain.workforce.models import Practitioner

_numbers = count(1)


def practitioner(employer: Organization, name: str = "沈青黛", **more: Any) -> Practitioner:
    """A licensed associate-senior physician unless told otherwise."""
    terminology.load_concepts(by=TESTER, at=NOW)
    values: dict[str, Any] = {
        "sex": "female", "licence_number": f"TEST{next(_numbers):08d}", "title_kind": "physician",
        "title_grade": "associate_senior", "specialty": "cardiology", "is_demo": True,
    }  # fmt: skip
    return actions.register_practitioner(name=name, organization_id=employer.pk, by=TESTER, at=NOW, **(values | more))
