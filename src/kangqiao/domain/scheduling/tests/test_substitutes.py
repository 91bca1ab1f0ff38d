"""Another doctor sits instead: who can, who is told, and what no longer counts."""

from __future__ import annotations

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Displaced, Session
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, first_slot, practitioner
from kangqiao.domain.scheduling.tests.test_withdrawals import HOUR, booked, called_off, slots_of
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.kernel.errors import Denied, RuleBroken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


class TestSubstitute:
    def test_the_places_stay_and_everybody_is_told(self, people):
        session, resident = people.session(), people.resident()
        booking = booked(people, first_slot(session), resident)

        changed = substituted(people, session, people.other_expert)

        booking.refresh_from_db()
        assert (booking.status, changed.practitioner_id) == ("booked", people.other_expert.pk)
        assert (changed.stands_in_for_id, changed.stands_in_since) == (people.expert.pk, people.at)
        notice = Notice.objects.get(kind="session_substituted")
        assert (notice.user_id, notice.url) == (resident.user_id, f"/slots/bookings/{booking.pk}/")
        assert all(word in notice.body for word in ("沈青黛", "外出会诊", "退号"))
        assert Displaced.objects.count() == 0

    def test_the_announced_doctor_may_come_after_all(self, people):
        session = people.session()
        substituted(people, session, people.other_expert)

        back = substituted(people, session, people.expert)

        assert (back.practitioner_id, back.stands_in_for_id, back.stands_in_since) == (people.expert.pk, None, None)

    def test_giving_back_or_staying_away_is_not_counted(self, people):
        session = people.session()
        before, after = people.resident(1), people.resident(2)
        first = booked(people, slots_of(session)[0], before)
        substituted(people, session, people.other_expert, at=people.at + HOUR)
        second = booked(people, slots_of(session)[1], after, at=people.at + 2 * HOUR)

        over = session.ends_at
        for booking in (first, second):
            actions.miss_booking(booking_id=booking.pk, by=SYSTEM, at=over)

        assert queries.absence_sheet(before, over).count == 0
        assert queries.absence_sheet(after, over).count == 1

    @pytest.mark.parametrize("changes", [
        {"title_grade": "attending"}, {"is_licensed": False}, {"title_kind": "nurse"}, {"specialty": None},
    ])  # fmt: skip
    def test_not_everybody_can(self, people, changes):
        session = people.session()
        Practitioner.objects.filter(pk=people.other_expert.pk).update(**changes)

        assert queries.free_substitutes(session) == []
        with pytest.raises(RuleBroken, match="不能替这一场"):
            substituted(people, session, people.other_expert)

    def test_nobody_of_another_house_nor_who_is_away_or_sits_elsewhere(self, people):
        session = people.session()
        stranger = practitioner("方竹", people.far_centre, people.expert.specialty)
        with pytest.raises(RuleBroken, match="不能替这一场"):
            substituted(people, session, stranger)
        elsewhere = people.clinic(starts_at=session.starts_at)
        assert queries.free_substitutes(session) == []
        with pytest.raises(RuleBroken, match="已在别处出诊"):
            substituted(people, session, people.other_expert)
        session.refresh_from_db()
        assert (session.practitioner_id, session.stands_in_for_id) == (people.expert.pk, None)
        called_off(people, elsewhere, by=SYSTEM)
        Absence.objects.create(
            practitioner=people.other_expert, starts_on=session.starts_at.date(), ends_on=session.starts_at.date()
        )
        with pytest.raises(RuleBroken, match="不能替这一场"):
            substituted(people, session, people.other_expert)

    def test_not_once_begun_or_called_off_nor_by_a_stranger_nor_without_a_reason(self, people):
        session = people.session()
        stranger = people.staff(Role.CENTRE_MANAGER, people.far_centre).actor
        with pytest.raises(Denied):
            substituted(people, session, people.other_expert, by=stranger)
        with pytest.raises(RuleBroken, match="原因"):
            substituted(people, session, people.other_expert, reason=" ")
        with pytest.raises(RuleBroken, match="已经开始"):
            substituted(people, session, people.other_expert, at=session.starts_at)
        called_off(people, session)
        with pytest.raises(RuleBroken, match="已经停诊"):
            substituted(people, session, people.other_expert)


def substituted(people: Cast, session: Session, doctor: Practitioner, **changes) -> Session:
    values = {"reason": "外出会诊", "by": SYSTEM, "at": people.at}
    return actions.substitute_session(session_id=session.pk, practitioner_id=doctor.pk, **{**values, **changes})
