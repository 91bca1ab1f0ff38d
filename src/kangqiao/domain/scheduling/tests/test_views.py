"""The pages: who may open them, what they show, what they answer to bad input."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao import policy
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.parameters import first_visit_cut
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, first_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


@pytest.fixture
def session(people: Cast) -> Session:
    return people.session(starts_at=people.at + timedelta(days=3))


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id))
    return client


def client_of(resident: Resident) -> Client:
    assert resident.user_id is not None
    return signed_in(resident.user_id)


def booked(people: Cast, slot: Slot, resident: Resident) -> Booking:
    return actions.book(
        slot_id=slot.pk,
        resident_id=resident.pk,
        channel="self",
        attempt=f"{resident.pk}-{slot.pk}",
        by=SYSTEM,
        at=people.at,
    )


def text(answer) -> str:
    return re.sub(r"<[^>]+>", " ", answer.content.decode())


def test_a_resident_books_in_five_taps(people, session):
    """我的 → 预约 → 日子 → 时间 → 确认: each page holds the link to the next."""
    client, slot = client_of(people.resident()), first_slot(session)

    mine = client.get("/slots/mine/")
    assert 'href="/slots/"' in mine.content.decode()
    found = client.get("/slots/")
    assert f'href="/slots/sessions/{session.pk}/"' in found.content.decode()
    times = client.get(f"/slots/sessions/{session.pk}/")
    assert f'formaction="/slots/{slot.pk}/hold/"' in times.content.decode()
    held = client.post(f"/slots/{slot.pk}/hold/", {"idempotency_key": "time"})
    confirm = client.get(held.headers["Location"])
    assert "为您留着" in text(confirm)
    key = re.search(r'name="idempotency_key" value="([^"]+)"', confirm.content.decode())
    assert key
    answer = client.post(f"/slots/{slot.pk}/book/", {"idempotency_key": key[1]})

    result = client.get(answer.headers["Location"])
    assert "带身份证或医保卡" in text(result)
    assert "已预约" in text(result)
    assert "沈青黛" in text(client.get("/slots/mine/"))


def test_a_form_sent_twice_is_one_booking(people, session):
    client, slot = client_of(people.resident()), first_slot(session)

    first, again = (client.post(f"/slots/{slot.pk}/book/", {"idempotency_key": "k"}) for _ in range(2))

    assert first.headers["Location"] == again.headers["Location"]
    assert Booking.objects.count() == 1


def test_a_full_slot_answers_409_with_the_nearest_times_as_buttons(people, session):
    slot = first_slot(session)
    booked(people, slot, people.resident(1))

    answer = client_of(people.resident(2)).post(f"/slots/{slot.pk}/book/", {"idempotency_key": "k"})

    assert answer.status_code == 409
    assert len(re.findall(r'action="/slots/\d+/book/"', answer.content.decode())) == 3
    assert "刚刚被约走" in text(answer)


def test_bad_input_gets_a_clear_answer(people, session):
    resident = people.resident()
    client, slots = client_of(resident), list(Slot.objects.filter(session=session))
    withdrawn = people.session(starts_at=people.at + timedelta(days=5))
    actions.withdraw_session(session_id=withdrawn.pk, reason="专家生病", by=SYSTEM, at=people.at)
    reserved = people.clinic(starts_at=people.at + timedelta(days=20))
    booked(people, slots[0], resident)

    def post(slot_id: int, **body: str):
        return client.post(f"/slots/{slot_id}/book/", {"idempotency_key": f"k{slot_id}", **body})

    assert (post(slots[1].pk).status_code, "一人一次门诊只留一个号" in text(post(slots[1].pk))) == (422, True)
    assert (post(first_slot(withdrawn).pk).status_code, "已停诊" in text(post(first_slot(withdrawn).pk))) == (422, True)
    assert (post(first_slot(reserved).pk).status_code, "协作中心" in text(post(first_slot(reserved).pk))) == (422, True)
    assert post(999_999).status_code == 404
    assert client.post(f"/slots/{slots[1].pk}/book/", {}).status_code == 422
    assert client.get("/slots/999999/").status_code == 404
    assert client.get("/slots/sessions/999999/").status_code == 404
    assert Booking.objects.count() == 1


def test_a_past_slot_is_refused(people, session):
    slot = first_slot(session)
    Session.objects.filter(pk=session.pk).update(starts_at=people.at - timedelta(hours=1))
    Slot.objects.filter(pk=slot.pk).update(starts_at=people.at - timedelta(hours=1))

    answer = client_of(people.resident()).post(f"/slots/{slot.pk}/book/", {"idempotency_key": "k"})

    assert answer.status_code == 422
    assert "已经过了" in text(answer)


def test_a_strangers_booking_is_not_found(people, session):
    booking = booked(people, first_slot(session), people.resident(1))
    stranger = client_of(people.resident(2))

    assert stranger.get(f"/slots/bookings/{booking.pk}/").status_code == 404
    assert stranger.post(f"/slots/bookings/{booking.pk}/cancel/", {"idempotency_key": "k"}).status_code == 404
    other_gp = signed_in(people.staff(Role.GP, people.far_centre).user_id)
    assert other_gp.get(f"/slots/bookings/{booking.pk}/").status_code == 404
    assert other_gp.get(f"/slots/?resident={booking.resident_id}").status_code == 404


def test_cancel_asks_once_more_and_then_frees_the_place(people, session):
    resident, slot = people.resident(), first_slot(session)
    booking, client = booked(people, slot, resident), client_of(resident)

    asked = client.get(f"/slots/bookings/{booking.pk}/cancel/")
    done = client.post(f"/slots/bookings/{booking.pk}/cancel/", {"idempotency_key": "k", "reason": "临时有事"})

    assert "还是去，保留预约" in text(asked)
    assert done.status_code == 302
    slot.refresh_from_db()
    assert slot.taken == 0
    assert "临时有事" in text(client.get(f"/slots/bookings/{booking.pk}/"))


def test_a_doctor_books_for_a_resident_of_the_centre(people, session):
    resident, slot = people.resident(with_user=False), first_slot(session)
    client = signed_in(people.staff(Role.GP).user_id)

    confirm = client.get(f"/slots/{slot.pk}/?resident={resident.pk}")
    answer = client.post(f"/slots/{slot.pk}/book/", {"idempotency_key": "k", "resident": resident.pk})

    assert resident.name in text(confirm)
    assert answer.status_code == 302
    assert Booking.objects.get().channel == "gp"


def test_a_doctor_of_a_paired_centre_takes_a_reserved_place(people):
    clinic = people.clinic(starts_at=people.at + timedelta(days=20))
    resident = people.resident(with_user=False)
    client = signed_in(people.staff(Role.GP).user_id)

    answer = client.post(f"/slots/{first_slot(clinic).pk}/book/", {"idempotency_key": "k", "resident": resident.pk})

    assert answer.status_code == 302


class TestDesk:
    def test_the_day_from_arrival_to_record(self, people):
        near = people.at + timedelta(minutes=1)
        if timezone.localtime(near).date() != timezone.localtime(people.at).date():
            pytest.fail("started within the last minute of the day; run again")
        session = people.session(starts_at=near, ends_at=near + timedelta(hours=1))
        booking = booked(people, first_slot(session), people.resident())
        client = signed_in(people.staff(Role.CENTRE_MANAGER).user_id)

        sheet = client.get("/slots/day/")
        client.post(f"/slots/bookings/{booking.pk}/step/", {"step": "check_in", "idempotency_key": "a"})
        refused = client.post(f"/slots/bookings/{booking.pk}/visit/", {"idempotency_key": "b"})
        done = client.post(
            f"/slots/bookings/{booking.pk}/visit/", {"idempotency_key": "c", "diagnosis": "高血压", "summary": "稳定"}
        )

        assert "签到" in text(sheet)
        assert refused.status_code == 422
        assert done.status_code == 302
        booking.refresh_from_db()
        assert booking.status == "fulfilled"
        assert Encounter.objects.get().is_posted_expert
        assert "已就诊" in text(client.get("/slots/day/"))

    def test_an_empty_day_says_what_to_do_next(self, people):
        client = signed_in(people.staff(Role.CENTRE_MANAGER).user_id)

        assert "这一天没有出诊" in text(client.get("/slots/day/"))

    def test_withdraw_lists_whom_to_phone(self, people, session):
        resident = people.resident()
        booked(people, first_slot(session), resident)
        client = signed_in(people.staff(Role.CENTRE_MANAGER).user_id)

        asked = client.get(f"/slots/sessions/{session.pk}/withdraw/")
        empty = client.post(f"/slots/sessions/{session.pk}/withdraw/", {"reason": "", "idempotency_key": "a"})
        sent = {"why": "illness", "reason": "专家生病", "idempotency_key": "b"}
        done = client.post(f"/slots/sessions/{session.pk}/withdraw/", sent, follow=True)

        assert "有 1 人约了这一场" in text(asked)
        assert empty.status_code == 422
        assert resident.name in text(done)
        session.refresh_from_db()
        assert session.status == "withdrawn"

    def test_withdraw_is_not_there_for_another_place(self, people, session):
        client = signed_in(people.staff(Role.CENTRE_MANAGER, people.far_centre).user_id)

        asked = client.get(f"/slots/sessions/{session.pk}/withdraw/")
        answer = client.post(f"/slots/sessions/{session.pk}/withdraw/", {"reason": "不该由我", "idempotency_key": "a"})

        assert (asked.status_code, answer.status_code) == (404, 404)
        session.refresh_from_db()
        assert session.status == "open"

    @pytest.mark.parametrize("role", [Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.SYSTEM_ADMIN, Role.RESIDENT])
    def test_the_day_is_for_the_desk(self, people, role):
        assert signed_in(people.staff(role).user_id).get("/slots/day/").status_code == 403


def test_without_a_session_one_is_sent_to_sign_in(people, session):
    for address in ("/slots/", "/slots/mine/", "/slots/day/", f"/slots/{first_slot(session).pk}/"):
        answer = Client().get(address)
        assert (answer.status_code, "next=" in answer.headers["Location"]) == (302, True)


def test_an_expert_page_shows_where_and_when(people, session):
    answer = client_of(people.resident()).get(f"/slots/experts/{people.expert.pk}/")

    assert people.centre.zh in text(answer)
    assert f"/slots/sessions/{session.pk}/" in answer.content.decode()


def test_an_empty_search_says_what_to_do_next(people, session):
    answer = client_of(people.resident()).get("/slots/?q=zzzz")

    assert "没有找到能约的专家" in text(answer)


@pytest.mark.clause("ZH-4.4a")
@pytest.mark.parametrize(("cut", "said"), [(0, "直接到医院目前不影响报销"), (15, "门诊统筹少报15个百分点")])
def test_a_resident_reads_beside_hospital_clinics_what_going_past_the_centre_costs(people, monkeypatch, cut, said):
    people.clinic(starts_at=people.at + timedelta(days=3))
    ruled = first_visit_cut(policy.at("440402", timezone.localdate()))
    assert ruled is not None
    assert ruled.value == 0
    monkeypatch.setattr("kangqiao.domain.scheduling.views.booking.first_visit_cut", lambda _: replace(ruled, value=cut))

    page = text(client_of(people.resident()).get(reverse("slots-find")))

    assert f"您的首诊中心是{people.centre.short_zh}" in page
    assert said in page


def test_where_no_paper_asks_for_first_visits_nothing_is_said_of_them(people):
    people.clinic(starts_at=people.at + timedelta(days=3))

    page = text(client_of(people.resident()).get(reverse("slots-find")))

    assert "医院门诊" in page
    assert "首诊" not in page
