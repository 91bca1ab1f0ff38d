"""A right that ends while a session, a form or a page is open: the next request is refused, a repeat shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import IdempotencyKey
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.residents.models import Basis
from tests.access_matrix.cells import body, signed_in
from tests.access_matrix.test_matrix import Measured, Sides, probed
from tests.access_matrix.world import Side

pytestmark = pytest.mark.trust("T-ACL-6")


def revoked(side: Side) -> None:
    """The membership ends today."""
    Membership.objects.filter(user=side.users["gp"]).update(until=side.today)


def other_role(side: Side) -> None:
    """The same person does another job at the same place."""
    Membership.objects.filter(user=side.users["gp"]).update(role=Role.PHARMACIST)


def other_house(side: Side) -> None:
    """The same person works for another centre."""
    Membership.objects.filter(user=side.users["gp"]).update(organization=side.centre2)


def disabled(side: Side) -> None:
    """The account is closed."""
    type(side.users["gp"]).objects.filter(pk=side.users["gp"].pk).update(is_active=False)


def withdrawn(side: Side) -> None:
    """Nothing any more ties the centre to the resident."""
    Basis.objects.filter(resident=side.resident).exclude(kind="own").update(until=timezone.now())


def moved_away(side: Side) -> None:
    """Nothing ties the centre to the resident, who is registered elsewhere."""
    withdrawn(side)
    type(side.resident).objects.filter(pk=side.resident.pk).update(centre=side.centre2)


ENDINGS = (revoked, other_role, other_house, disabled, withdrawn, moved_away)
BOOK = {"resident": "{resident.pk}", FIELD: "kept-key"}


def _open(side: Side) -> dict[str, str]:
    """What somebody has open on the desk: address and what the page is about."""
    return {
        f"/slots/bookings/{side.booking.pk}/": "the booking",
        f"/referrals/{side.referral.pk}/": "the referral",
        f"/referrals/{side.referral.pk}/print/": "the printed letter",
    }


@pytest.mark.parametrize("ending", ENDINGS)
def test_open_pages_close_with_the_right(ending: Callable[[Side], None], sides: Sides, measured: Measured) -> None:
    ours = sides["own"]
    client = signed_in(ours, "gp")
    pages = _open(ours)
    assert {client.get(url).status_code for url in pages} == {200}

    ending(ours)
    answers = {url: client.get(url) for url in pages}

    assert {url: answer.status_code for url, answer in answers.items() if answer.status_code < 300} == {}
    assert not any(ours.mark(kind) in body(answer) for answer in answers.values() for kind in ("resident", "referral"))
    measured(f"{ending.__name__}: {len(pages)} open pages, 0 shown on the next request")


@pytest.mark.parametrize("ending", ENDINGS)
def test_repeated_form_shows_nothing_when_the_right_has_ended(ending: Callable[[Side], None], sides: Sides) -> None:
    ours = sides["own"]
    client = signed_in(ours, "gp")
    url, form = f"/slots/{ours.slot.pk}/book/", {"resident": str(ours.neighbour.pk), FIELD: "kept-key"}
    first = client.post(url, form)
    assert first.status_code == 302
    assert ours.mark("resident") in body(client.get(first.headers["Location"]))

    ending(ours)
    Basis.objects.filter(resident=ours.neighbour).update(until=timezone.now())
    repeat = client.post(url, form)
    onward = client.get(first.headers["Location"])

    assert ours.mark("resident") not in body(repeat)
    assert onward.status_code in (302, 403, 404)
    assert ours.mark("resident") not in body(onward)


def test_repeat_from_another_seat_is_not_answered_with_the_first_seats_answer(sides: Sides) -> None:
    ours = sides["own"]
    client = signed_in(ours, "centre_manager")
    form = {"resident": str(ours.neighbour.pk), FIELD: "kept-key"}
    first = client.post(f"/slots/{ours.slot.pk}/book/", form)
    Membership.objects.filter(user=ours.users["centre_manager"]).update(organization=ours.centre2)

    repeat = client.post(f"/slots/{ours.slot.pk}/book/", form)

    assert first.status_code == 302
    assert "Idempotent-Replay" not in repeat.headers
    assert repeat.status_code in (403, 404)


def test_no_answer_that_is_kept_is_a_page(sides: Sides, measured: Measured, nth: int) -> None:
    kept = 0
    for probe, address in probed()[::nth]:
        ours = sides["own"]
        for actor in probe.writes.get("own", ())[:1]:
            client = signed_in(ours, actor)
            with _rolled_back():
                probe.prepare(ours)
                url = address.on(ours, actor, probe.words, probe.rows) + probe.asked(ours, actor)
                client.post(url, probe.filled(ours, actor))
                rows = list(IdempotencyKey.objects.exclude(path="").values_list("path", "body"))
                assert [path for path, page in rows if page] == [], probe.name
                kept += len(rows)

    assert kept > 20 // nth
    measured(f"{kept} forms kept for repeats, 0 with a page in them")


def _rolled_back() -> object:
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def savepoint():  # type: ignore[no-untyped-def]
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return savepoint()


def test_partner_places_close_with_the_agreement(sides: Sides) -> None:
    ours = sides["own"]
    client = signed_in(ours, "gp")
    slot = ours.rows["slot@hospital"]
    last = slot.starts_at - timedelta(minutes=1)
    kept = {"pool": "partner", "teams_at": slot.opens_at, "contracted_at": last, "release_at": last}
    type(slot).objects.filter(pk=slot.pk).update(**kept)
    url = f"/slots/{slot.pk}/book/"
    form = {"resident": str(ours.neighbour.pk)}

    Agreement.objects.filter(pk=ours.agreement.pk).update(status="ended", ends_on=ours.today)
    refused = client.post(url, form | {FIELD: "after"})
    Agreement.objects.filter(pk=ours.agreement.pk).update(status="in_force", ends_on=ours.today + timedelta(days=9))
    booked = client.post(url, form | {FIELD: "before"})

    assert refused.status_code in (409, 422)
    assert booked.status_code == 302


def test_signed_out_session_is_worth_nothing(sides: Sides) -> None:
    ours = sides["own"]
    client = signed_in(ours, "gp")
    stolen = Client()
    stolen.cookies = client.cookies.copy()  # type: ignore[assignment]
    assert stolen.get(f"/referrals/{ours.referral.pk}/").status_code == 200

    client.post("/sign-out/")
    answer = stolen.get(f"/referrals/{ours.referral.pk}/")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in/")
