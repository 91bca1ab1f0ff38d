"""Puts invented people and a morning of places into a new site's database, and prints what a client needs, as JSON.

Run as a program of its own with the site's DATABASE_URL.
"""

from __future__ import annotations

import json
from datetime import date, timedelta

import django

PEOPLE = 200


def seed() -> dict[str, object]:
    """Two hundred residents who are signed in, and a posted expert's morning two days ahead."""
    from django.test import Client
    from django.utils import timezone

    from kangqiao.base.acting import as_system
    from kangqiao.domain.scheduling.models import Slot
    from kangqiao.domain.scheduling.tests.factories import CHINA, cast
    from kangqiao.domain.terminology.models import Concept

    now = timezone.now()
    with as_system("seed"):
        Concept.objects.filter(system="specialty", code="cardiology").delete()  # the cast brings its own
        people = cast(now)
        morning = (now + timedelta(days=2)).astimezone(CHINA).replace(hour=9, minute=0, second=0, microsecond=0)
        session = people.session(starts_at=morning)
        residents = [people.resident(number) for number in range(PEOPLE)]
        city = network(now.date())
        slots = list(Slot.objects.filter(session=session).values_list("pk", flat=True))
    cookies = []
    for resident in residents:
        client = Client()
        assert resident.user is not None
        client.force_login(resident.user)
        cookies.append("; ".join(f"{name}={one.value}" for name, one in client.cookies.items()))
    return {"cookies": cookies, "slots": slots, "session": session.pk, "city": city}


def network(today: date) -> int:
    """Hospitals, centres and posted experts of another city, as a planning run needs them; the id of the city."""
    from kangqiao.domain.agreements.models import Agreement
    from kangqiao.domain.roster.tests.factories import make_network

    made = make_network()
    term = {"starts_on": today - timedelta(days=90), "ends_on": today + timedelta(days=700)}
    Agreement.objects.filter(pk__in=[one.pk for one in made.agreements.values()]).update(**term)
    for name, hospital, centres in (("甲", "市一", "香湾 狮山"), ("乙", "市一", "香湾 狮山"), ("丙", "市二", "拱北")):
        made.expert(name, hospital)
        for centre in centres.split():
            made.post(name, centre, starts_on=today)
    return made.city.pk


if __name__ == "__main__":
    django.setup()
    print(json.dumps(seed()))
