"""Two letters want the last bed at once: one gets everything it asked for, the other nothing at all."""

from __future__ import annotations

import pytest

from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import cast
from kangqiao.domain.referral.tests.test_green import ordered
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.kernel.errors import Taken
from tests.races.test_referral import at_once


@pytest.mark.django_db(transaction=True)
@pytest.mark.trust("T-RACE-1", "a letter with several places")
def test_two_letters_for_the_last_bed(measured) -> None:
    people = cast()
    visits, beds, other = people.clinic(), ordered(people, "ward", 16), people.person(2)
    letters = (
        lambda: people.up(slot_id=visits[1].pk, parts={"ward": beds[0].pk}, attempt="one"),
        lambda: people.up(
            resident_id=other.pk, slot_id=visits[2].pk, parts={"ward": beds[0].pk}, attempt="two"
        ),
    )  # fmt: skip

    found = at_once(*letters)

    assert [type(one) for one in found].count(Referral) == 1
    lost = next(one for one in found if isinstance(one, Taken))
    assert "住院床位没有占到" in lost.message
    assert Booking.objects.count() == 2
    assert sum(Slot.objects.values_list("taken", flat=True)) == 2
    measured("1 letter with visit and bed, 1 told which place went; 2 places taken of 4 asked")
