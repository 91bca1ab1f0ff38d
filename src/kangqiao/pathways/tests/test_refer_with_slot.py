"""Place and letter come together or not at all."""

import pytest

from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, LETTER, cast
from kangqiao.kernel.errors import RuleBroken, Taken
from kangqiao.pathways.refer_with_slot import refer_with_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast()


def refer(people, slot, **changes):
    values = {
        "slot_id": slot and slot.pk, "resident_id": people.resident.pk, "attempt": "t1", "specialty": "cardiology",
        "to_organization_id": people.hospital.pk, "by": people.gp.actor, "at": AT, **LETTER, **changes,
    }  # fmt: skip
    return refer_with_slot(**values)


def test_the_letter_names_the_place_taken(people):
    slot = people.clinic()[1]
    assert refer(people, slot).booking.slot_id == slot.pk


def test_without_a_slot_the_desk_finds_the_place(people):
    assert refer(people, None).booking is None


def test_a_refused_letter_takes_no_place(people):
    slot = people.clinic()[1]
    with pytest.raises(RuleBroken):
        refer(people, slot, history="")
    slot.refresh_from_db()
    assert slot.taken == 0


def test_a_place_just_gone_sends_no_letter_and_names_the_nearest(people):
    slots = people.clinic()
    people.booked(slots[1], people.person(2))
    with pytest.raises(Taken) as gone:
        refer(people, slots[1])
    assert any(f"/{slots[2].pk}/" in address for _label, address in gone.value.alternatives)
    assert not Referral.objects.exists()
