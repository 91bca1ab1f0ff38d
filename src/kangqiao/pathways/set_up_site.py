"""An empty site gets its place, the health bureau of it, and the three administrators who sit there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.actions import Newcomer, open_first_administrators
from kangqiao.domain.accounts.models import User
from kangqiao.domain.institutions import actions as institutions
from kangqiao.domain.institutions.models import Organization, Place


def set_up_site(
    *, place_code: str, place_name: str, bureau_name: str, people: Sequence[Newcomer], by: Actor, at: datetime
) -> list[User]:
    """Place and bureau enter the network where they are not there yet, and the three take their offices there.

    All or nothing. Raises Denied, or RuleBroken with what is wrong.
    """
    with transaction.atomic():
        place = Place.objects.filter(code=place_code).first() or institutions.create_place(
            code=place_code, zh=place_name, by=by, at=at
        )
        kind = Organization.Kind.HEALTH_BUREAU
        bureau = Organization.objects.filter(place=place, kind=kind).order_by("pk").first()
        bureau = bureau or institutions.create_organization(
            code=f"{place_code}-bureau", kind=kind, zh=bureau_name, place_id=place.pk, by=by, at=at
        )
        return open_first_administrators(people=people, organization=bureau, by=by, at=at)
