"""What the server marks for a resident's phone: whose page, until when, and which pages may stay."""

from __future__ import annotations

import pytest
from django.test import Client

from kangqiao.config.phone import KEEP, KEPT, PERSON
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.parameters import LIMITS
from tests.access_matrix.cells import addresses
from tests.access_matrix.world import SEATS, two_sides


@pytest.mark.django_db
def test_only_a_residents_own_pages_may_stay_on_a_phone_and_staff_pages_carry_no_mark() -> None:
    ours, _stranger = two_sides()
    kept, marks = set(), set()
    for role in SEATS:
        client = Client(raise_request_exception=False)
        client.force_login(ours.users[role.value])
        for address in addresses():
            if address.name not in KEPT:
                continue
            answer = client.get(address.on(ours))
            assert (PERSON in answer.headers) == (role == Role.RESIDENT)
            assert answer.headers["Cache-Control"] == "no-store"
            if KEEP in answer.headers:
                kept.add(address.name)
                marks.add(answer.headers[PERSON].split()[0])

    assert kept == KEPT
    assert len(marks) == 1


@pytest.mark.django_db
def test_the_mark_says_when_the_session_ends_and_nobody_else_gets_what_was_typed() -> None:
    ours, stranger = two_sides()
    client, other = Client(), Client()
    client.force_login(ours.users["resident"])
    other.force_login(stranger.users["resident"])
    mark, idle, longest = client.get("/").headers[PERSON].split()
    theirs = other.get("/").headers[PERSON].split()[0]
    typed = {"weight": "61", "taken_at": "2026-01-01T08:00"}

    refused = other.post("/residents/record/", typed, headers={PERSON: mark})
    taken = client.post("/residents/record/", typed, headers={PERSON: mark})

    assert mark != theirs
    assert LIMITS.idle_minutes_resident * 60 - 60 < int(idle) <= LIMITS.idle_minutes_resident * 60
    assert LIMITS.longest_hours * 3600 - 60 < int(longest) <= LIMITS.longest_hours * 3600
    assert refused.status_code == 409
    assert taken.status_code == 302
