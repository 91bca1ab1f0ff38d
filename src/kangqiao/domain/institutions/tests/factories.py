"""Places and organisations for tests, made through actions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions import actions
from kangqiao.domain.institutions.models import Organization, Place

TESTER = Actor.system("test")
NOW = datetime(2026, 5, 14, 2, 0, tzinfo=UTC)


def place(code: str = "4404", zh: str = "珠海市", part_of: Place | None = None) -> Place:
    """The place of that code, made when it is not there."""
    found = Place.objects.filter(code=code).first()
    return found or actions.create_place(
        code=code, zh=zh, part_of_id=part_of.pk if part_of else None, by=TESTER, at=NOW
    )


def organization(code: str, kind: str, zh: str = "", where: Place | None = None, **more: Any) -> Organization:
    """An organisation of a kind, in the city unless told otherwise."""
    where = where or place()
    return actions.create_organization(
        code=code, kind=kind, zh=zh or code, place_id=where.pk, is_demo=True, by=TESTER, at=NOW, **more
    )


def hospital(code: str = "hospital", zh: str = "市人民医院", **more: Any) -> Organization:
    """A level-three municipal hospital unless told otherwise."""
    more = {"level": 3, "ownership": "municipal"} | more
    return organization(code, Organization.Kind.HOSPITAL, zh, **more)


def centre(code: str = "centre", zh: str = "香洲区香湾社区卫生服务中心", **more: Any) -> Organization:
    """A community health centre."""
    return organization(code, Organization.Kind.CENTRE, zh, **more)
