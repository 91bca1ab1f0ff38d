"""A posted expert's half-day called off counts against the duty, one with a substitute does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.rules import Verdict
from kangqiao.domain.agreements.tests import factories as f
from kangqiao.domain.roster import actions as roster
from kangqiao.domain.roster.models import HalfDay
from kangqiao.domain.roster.tests.factories import AT as PLANNED
from kangqiao.domain.roster.tests.factories import SYSTEM, staffed_network
from kangqiao.domain.scheduling.models import Displaced, Session
from kangqiao.kernel.errors import AlreadyMoved, Denied, Taken
from kangqiao.pathways import withdraw_sitting
from kangqiao.pathways.tests.test_duty_compliance import AT, MONDAY, TERM, confirmed, posted, result

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=1)


def sessions() -> list[Session]:
    return list(Session.objects.order_by("starts_at"))


@pytest.fixture
def kept():
    """An agreement whose duty of three half-days is met in the week, published."""
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan", at=AT, **TERM)
    posting = posted(region, "people1", "xiangwan", "演示 甲")
    other = posted(region, "people1", "xiangwan", "演示 乙")
    for day in range(3):
        confirmed(posting, MONDAY + timedelta(days=day))
    (plan,) = {row.roster_id for row in HalfDay.objects.all()}
    roster.publish_roster(roster_id=plan, by=f.JOB, at=AT)
    return agreement, other


def verdict(agreement) -> Verdict:
    return result(agreement, "half_days_per_week", MONDAY + timedelta(days=7)).verdict


@pytest.mark.clause("ZH-3.2.1a")
def test_a_half_day_called_off_counts_against_the_duty_and_the_page_says_so(kept):
    agreement, _other = kept
    assert verdict(agreement) is Verdict.MET

    withdraw_sitting.withdraw(session_id=sessions()[0].pk, why="leave", reason="请假", by=f.JOB, at=LATER)

    short = result(agreement, "half_days_per_week", MONDAY + timedelta(days=7))
    assert (short.verdict, short.observed, short.missing) == (Verdict.SHORT, 2, 1)
    assert "停诊 1 个" in short.sentence
    assert (HalfDay.objects.filter(status="cancelled").count(), sessions()[0].withdrawn_for) == (1, "leave")


def test_a_substitute_keeps_it(kept):
    agreement, other = kept
    session = sessions()[0]

    withdraw_sitting.substitute(
        session_id=session.pk, practitioner_id=other.practitioner_id, reason="请假", by=f.JOB, at=LATER
    )

    assert verdict(agreement) is Verdict.MET
    half_day = HalfDay.objects.get(session=session)
    session.refresh_from_db()
    assert half_day.practitioner_id == session.practitioner_id == other.practitioner_id
    assert half_day.posting.practitioner_id == session.stands_in_for_id


def test_a_substitute_who_is_rostered_elsewhere_is_refused_and_nothing_changes(kept):
    _agreement, other = kept
    session = sessions()[0]
    day = HalfDay.objects.get(session=session)
    HalfDay.objects.create(
        roster=day.roster, posting=other, practitioner=other.practitioner, centre=day.centre, day=day.day, half=day.half
    )

    with pytest.raises(Taken, match="已排在别处"):
        withdraw_sitting.substitute(
            session_id=session.pk, practitioner_id=other.practitioner_id, reason="请假", by=f.JOB, at=LATER
        )

    session.refresh_from_db()
    assert session.stands_in_for_id is None


def test_taken_back_within_the_moment_the_duty_is_met_again(kept):
    agreement, _other = kept
    session = sessions()[0]
    withdraw_sitting.withdraw(session_id=session.pk, why="other", reason="点错了", by=f.JOB, at=LATER)

    withdraw_sitting.undo(session_id=session.pk, by=f.JOB, at=LATER + timedelta(seconds=8))

    assert verdict(agreement) is Verdict.MET
    session.refresh_from_db()
    assert session.status == "open"
    with pytest.raises(AlreadyMoved):
        withdraw_sitting.undo(session_id=session.pk, by=f.JOB, at=LATER + timedelta(seconds=9))


def test_twice_or_by_a_stranger_is_refused_in_words():
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    roster.confirm_half_day(half_day_id=row.pk, by=SYSTEM, at=PLANNED)
    roster.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=PLANNED)
    session = Session.objects.get()
    given = {"session_id": session.pk, "why": "other", "reason": "请假", "at": PLANNED}
    with pytest.raises(Denied):
        withdraw_sitting.withdraw(**given, by=network.seat(Role.CENTRE_MANAGER, "狮山").actor)
    withdraw_sitting.withdraw(**given, by=network.seat(Role.CENTRE_MANAGER, "香湾").actor)
    with pytest.raises(AlreadyMoved, match="已由"):
        withdraw_sitting.withdraw(**given, by=SYSTEM)
    assert Displaced.objects.count() == 0


class TestPages:
    """The desk's walk: page before, withdrawal, undo; a substitute; bad input."""

    @pytest.fixture
    def desk(self):
        from kangqiao.domain.scheduling.tests import factories as clinic

        people = clinic.cast()
        client = Client()
        client.force_login(_user(people.staff(Role.CENTRE_MANAGER)))
        return people, client

    def test_the_page_lists_proposes_withdraws_and_takes_back(self, desk, monkeypatch):
        from kangqiao.domain.scheduling.tests import factories as clinic

        people, client = desk
        now = people.at
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        session, later = people.session(), people.session(starts_at=people.at + timedelta(days=9))
        resident = people.resident()
        clinic.actions.book(
            slot_id=clinic.first_slot(session).pk, resident_id=resident.pk, channel="self", attempt="a", by=SYSTEM,
            at=people.at,
        )  # fmt: skip
        address = f"/slots/sessions/{session.pk}/withdraw/"

        before = client.get(address).content.decode()
        bad = client.post(address, {"why": "", "reason": "x", "idempotency_key": "k1"})
        done = client.post(address, {"why": "illness", "reason": "医生发热", "idempotency_key": "k2"}, follow=True)

        assert all(word in before for word in (resident.name, f"{later.starts_at:%m-%d}", "有 1 人约了"))
        assert (bad.status_code, 'value="x"' in bad.content.decode()) == (422, True)
        assert all(word in done.content.decode() for word in (resident.name, "待安置", "撤销"))
        listed = client.get("/slots/displaced/").content.decode()
        assert all(word in listed for word in (resident.name, "医生发热", f"{later.starts_at:%m-%d}"))
        assert "停诊待安置" in client.get("/?list=displaced").content.decode()
        back = client.post(address, {"step": "undo", "idempotency_key": "k3"}, follow=True)
        assert "停诊已撤销" in back.content.decode()
        assert resident.name not in client.get("/slots/displaced/").content.decode()

    def test_one_tap_places_again_and_whoever_is_too_late_reads_why(self, desk, monkeypatch):
        from kangqiao.domain.scheduling.tests import factories as clinic

        people, _client = desk
        now = people.at
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        session, later = people.session(), people.session(starts_at=people.at + timedelta(days=9))
        resident, faster = people.resident(1), people.resident(2)
        for slot in (clinic.first_slot(session),):
            clinic.actions.book(
                slot_id=slot.pk, resident_id=resident.pk, channel="self", attempt="a", by=SYSTEM, at=people.at
            )
        clinic.actions.withdraw_session(session_id=session.pk, reason="生病", why="illness", by=SYSTEM, at=people.at)
        own = Client()
        own.force_login(resident.user)
        address, slot = f"/slots/displaced/{Displaced.objects.get().pk}/", clinic.first_slot(later)

        assert address in own.get("/slots/mine/").content.decode()
        page = own.get(address).content.decode()
        nothing = own.post(address, {"step": "place", "idempotency_key": "k0"})
        clinic.actions.book(
            slot_id=slot.pk, resident_id=faster.pk, channel="self", attempt="f", by=SYSTEM, at=people.at
        )
        late = own.post(address, {"step": "place", "slot": slot.pk, "idempotency_key": "k1"})
        next_slot = list(later.slots.order_by("starts_at"))[1]
        done = own.post(address, {"step": "place", "slot": next_slot.pk, "idempotency_key": "k2"}, follow=True)

        assert all(word in page for word in ("医生生病：生病", f'value="{slot.pk}"', "不用另约了"))
        assert (nothing.status_code, "还没有选改到哪个时间" in nothing.content.decode()) == (422, True)
        assert (late.status_code, "刚刚被约走了" in late.content.decode()) == (409, True)
        assert "已改好时间" in done.content.decode()
        assert "已另约" in own.get(address).content.decode()
        assert address not in own.get("/slots/mine/").content.decode()

    def test_a_substitute_is_chosen_from_those_who_can(self, desk, monkeypatch):
        people, client = desk
        now = people.at
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        session = people.session()
        address = f"/slots/sessions/{session.pk}/substitute/"

        page = client.get(address).content.decode()
        bad = client.post(address, {"practitioner": people.expert.pk, "reason": "请假", "idempotency_key": "k1"})
        done = client.post(
            address, {"practitioner": people.other_expert.pk, "reason": "请假", "idempotency_key": "k2"}, follow=True
        )

        assert people.other_expert.name in page
        assert (bad.status_code, "请假" in bad.content.decode()) == (422, True)
        assert all(word in done.content.decode() for word in ("已换医生", f"替 {people.expert.name}"))


def _user(seat):
    from kangqiao.domain.accounts.models import User

    return User.objects.get(pk=seat.user_id)
