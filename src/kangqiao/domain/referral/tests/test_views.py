"""The pages: who may open them, what they say, what they answer to bad input and to the slower of two."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kangqiao.domain.accounts.models import User
from kangqiao.domain.referral import actions
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests import factories
from kangqiao.domain.referral.tests.factories import HAND_OVER, LETTER, Cast, cast
from kangqiao.domain.scheduling.models import Booking, Slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(monkeypatch) -> Cast:
    """The cast of today: pages read the clock themselves."""
    monkeypatch.setattr(factories, "AT", timezone.now() - timedelta(minutes=1))
    return cast()


def now():
    return timezone.now()


def client(seat) -> Client:
    found = Client()
    found.force_login(User.objects.get(pk=seat.user_id))
    return found


def patient(people: Cast) -> Client:
    found = Client()
    found.force_login(User.objects.get(pk=people.resident.user_id))
    return found


def text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def slots(people: Cast, days: int = 2) -> list[Slot]:
    return people.clinic(days=days, at=factories.AT)


def send(people: Cast, slot: Slot | None = None, **changes) -> Referral:
    booking = people.booked(slot).pk if slot else None
    return people.up(at=factories.AT, booking_id=booking, **changes)


class TestDesk:
    def test_the_desk_opens_the_most_pressing_letter_with_banner_clock_and_places(self, people):
        slot = slots(people)[1]
        sent = send(people, slot)
        page = text(client(people.desk).get("/referrals/desk/"))
        for words in (
            sent.number,
            "等演示市人民医院接收",
            "还剩 23 小时",
            "绿色通道",
            "青霉素",
            "希望贵科解决",
            "接收并占",
            "沈青黛",
        ):
            assert words in page, words

    def test_an_empty_desk_teaches(self, people):
        assert "今天没有待接的转诊" in text(client(people.desk).get("/referrals/desk/"))

    def test_the_guidance_office_has_the_same_desk(self, people):
        sent = send(people)
        assert sent.number in text(client(people.office_seat).get("/referrals/desk/"))

    @pytest.mark.parametrize("who", ["gp", "specialist"])
    def test_others_are_refused_the_desk(self, people, who):
        assert client(getattr(people, who)).get("/referrals/desk/").status_code == 403

    def test_htmx_gets_the_desk_without_the_frame(self, people):
        send(people)
        answer = client(people.desk).get("/referrals/desk/", headers={"HX-Request": "true"})
        assert 'id="desk"' in answer.content.decode()
        assert "<html" not in answer.content.decode()

    def test_another_slot_is_named_on_the_button(self, people):
        first, second = slots(people)[1:3]
        sent = send(people, first)
        page = text(client(people.desk).get(f"/referrals/desk/?open={sent.pk}&slot={second.pk}"))
        assert f"接收并占 {second.starts_at.astimezone(factories.CHINA):%-m月%-d日}" in page
        assert f"{second.starts_at.astimezone(factories.CHINA):%H:%M} 1" in page

    def test_accept_takes_the_named_place(self, people):
        first, second = slots(people)[1:3]
        sent = send(people, first)
        answer = client(people.desk).post(
            f"/referrals/{sent.pk}/accept/?desk",
            {"seen_status": "sent", "slot_id": second.pk, "idempotency_key": "k1"},
        )
        sent.refresh_from_db()
        assert (answer.status_code, answer["Location"]) == (302, "/referrals/desk/")
        assert (sent.status, sent.booking.slot_id) == ("accepted", second.pk)

    def test_the_slower_desk_is_told_who_was_faster(self, people):
        sent = send(people, slots(people)[1])
        actions.accept_referral(referral_id=sent.pk, by=people.other_desk.actor, at=now())
        answer = client(people.desk).post(
            f"/referrals/{sent.pk}/accept/", {"seen_status": "sent"}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 409
        assert people.other_desk.user_name in text(answer)

    def test_return_without_words_asks_again_and_keeps_the_page(self, people):
        sent = send(people)
        answer = client(people.desk).post(f"/referrals/{sent.pk}/return/", {"seen_status": "sent", "reason": ""})
        assert answer.status_code == 422
        assert sent.number in text(answer)
        sent.refresh_from_db()
        assert sent.status == "sent"

    def test_accept_without_any_place_says_so(self, people):
        sent = send(people)
        answer = client(people.desk).post(f"/referrals/{sent.pk}/accept/", {"seen_status": "sent"})
        assert answer.status_code == 422
        assert "还没有给这位患者占号" in text(answer)

    def test_pressed_twice_it_is_done_once(self, people):
        sent = send(people, slots(people)[1])
        desk, body = client(people.desk), {"seen_status": "sent", "idempotency_key": "once"}
        first = desk.post(f"/referrals/{sent.pk}/accept/", body)
        second = desk.post(f"/referrals/{sent.pk}/accept/", body)
        assert (first.status_code, second.status_code, second["Idempotent-Replay"]) == (302, 302, "true")

    def test_the_desk_costs_the_same_for_one_and_for_many(self, people):
        def cost() -> int:
            with CaptureQueriesContext(connection) as caught:
                assert client(people.desk).get("/referrals/desk/").status_code == 200
            return len(caught)

        send(people)
        one = cost()
        for number in range(2, 52):
            send(people, resident_id=people.person(number).pk)
        assert cost() == one


class TestLetter:
    def letter(self, people, **changes):
        return {
            "to_organization": people.hospital.pk, "specialty": "cardiology", "urgency": "routine", **LETTER,
            "has_consent": "on", "idempotency_key": "n1", **changes,
        }  # fmt: skip

    def address(self, people):
        return f"/referrals/new/?resident={people.resident.pk}"

    def test_the_page_offers_the_paired_hospital_and_free_places(self, people):
        slots(people)
        page = client(people.gp).get(f"{self.address(people)}&specialty=cardiology")
        assert "演示市人民医院 · 绿色通道" in text(page)
        assert "沈青黛" in text(page)

    def test_sent_with_a_place_in_one_go(self, people):
        slot = slots(people)[1]
        answer = client(people.gp).post(self.address(people), self.letter(people, slot=slot.pk))
        sent = Referral.objects.get()
        assert answer["Location"] == f"/referrals/{sent.pk}/"
        assert (sent.status, sent.booking.slot_id, sent.is_green_channel) == ("sent", slot.pk, True)

    def test_a_missing_item_is_named_and_what_was_typed_stays(self, people):
        slot = slots(people)[2]
        answer = client(people.gp).post(self.address(people), self.letter(people, history="", slot=slot.pk))
        assert answer.status_code == 422
        assert "先补“病史摘要”" in text(answer)
        assert LETTER["examination"] in answer.content.decode()
        assert f'value="{slot.pk}" form="letter" checked' in answer.content.decode()
        assert not Referral.objects.exists()

    def test_a_place_just_gone_is_a_409_and_what_was_typed_stays(self, people):
        slot = slots(people)[1]
        people.booked(slot, people.person(2))
        answer = client(people.gp).post(self.address(people), self.letter(people, slot=slot.pk))
        assert answer.status_code == 409
        assert "刚刚被约走" in text(answer)
        assert LETTER["history"] in answer.content.decode()

    def test_the_mark_of_the_green_channel_cannot_be_posted(self, people):
        stranger = people.person(2, people.far_centre)
        client(people.far_gp).post(
            f"/referrals/new/?resident={stranger.pk}", self.letter(people, is_green_channel="on")
        )
        assert Referral.objects.get().is_green_channel is False

    def test_somebody_elses_resident_is_not_found(self, people):
        assert client(people.far_gp).get(self.address(people)).status_code == 404

    def test_the_meter_counts_what_is_there(self, people):
        body = self.letter(people, allergies="")
        assert "资料 7/8 项" in text(client(people.gp).post("/referrals/new/whole/", body))

    def test_the_places_follow_hospital_and_specialty(self, people):
        slots(people)
        found = client(people.gp).get(
            f"/referrals/new/slots/?to_organization={people.hospital.pk}&specialty=cardiology"
        )
        none = client(people.gp).get(f"/referrals/new/slots/?to_organization={people.hospital.pk}&specialty=surgery")
        assert "沈青黛" in text(found)
        assert "沈青黛" not in text(none)

    def test_without_a_resident_one_is_searched_by_pinyin(self, people):
        page = text(client(people.gp).get("/referrals/new/?q=ys"))
        assert people.resident.name in page

    def test_the_desk_cannot_write_letters_up(self, people):
        assert client(people.desk).get(self.address(people)).status_code == 403


class TestOneReferral:
    def test_both_sides_read_state_next_step_history_and_case(self, people):
        sent = send(people, slots(people)[1])
        gp, desk = (text(client(seat).get(f"/referrals/{sent.pk}/")) for seat in (people.gp, people.desk))
        for page in (gp, desk):
            assert "等演示市人民医院接收" in page
            assert f"{people.gp.user_name} · {people.centre.zh}" in page
        assert "撤回" in gp
        assert "退回并说明" in desk
        assert "退回并说明" not in gp

    def test_a_stranger_gets_404(self, people):
        sent = send(people)
        assert client(people.far_gp).get(f"/referrals/{sent.pk}/").status_code == 404

    def test_the_visit_is_barred_before_its_day_with_the_reason(self, people):
        sent = send(people, slots(people)[1])
        actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=now())
        assert "当天再确认" in text(client(people.desk).get(f"/referrals/{sent.pk}/"))

    def test_an_unknown_step_is_404(self, people):
        sent = send(people)
        assert client(people.desk).get(f"/referrals/{sent.pk}/fly/").status_code == 404

    def test_the_sheet_prints_the_official_form(self, people):
        sent = send(people)
        page = text(client(people.gp).get(f"/referrals/{sent.pk}/print/"))
        assert "双向转诊单（上转）" in page
        assert sent.number in page

    def test_the_summary_page_shows_letter_and_field_and_returns_it(self, people):
        sent = send(people, urgency="emergency")
        actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=now())
        actions.confirm_visit(referral_id=sent.pk, by=people.desk.actor, at=now())
        doctor = client(people.specialist)
        assert "就诊小结" in text(doctor.get(f"/referrals/{sent.pk}/summarise/"))
        doctor.post(f"/referrals/{sent.pk}/summarise/", {"reply": "冠脉正常", "seen_status": "seen"})
        assert "冠脉正常" in text(client(people.gp).get(f"/referrals/{sent.pk}/"))


class TestDown:
    def test_the_form_has_five_criteria_and_the_headings_of_a_plan(self, people):
        factories.know(people.resident, people.hospital)
        page = client(people.desk).get(f"/referrals/down/?resident={people.resident.pk}").content.decode()
        assert len(re.findall(r'name="reason_code"', page)) == 5
        for heading in ("【用药】", "【监测】", "【危险信号", "【复诊】"):
            assert heading in page

    def test_handed_down_taken_over_and_followed_up(self, people):
        factories.know(people.resident, people.hospital)
        body = {**HAND_OVER, "to_organization": people.centre.pk, "specialty": "neurology", "urgency": "routine"}
        client(people.desk).post(f"/referrals/down/?resident={people.resident.pk}", body)
        down = Referral.objects.get(direction="down")
        gp = client(people.gp)
        assert "随访计划" in text(gp.get(f"/referrals/{down.pk}/"))
        gp.post(f"/referrals/{down.pk}/take_over/", {"seen_status": "proposed"})
        gp.post(f"/referrals/{down.pk}/follow_up/", {"seen_status": "taken_over", "note": "电话随访"})
        down.refresh_from_db()
        assert down.status == "followed_up"

    def test_declined_without_words_asks_again(self, people):
        down = people.down(at=factories.AT)
        answer = client(people.gp).post(f"/referrals/{down.pk}/decline/", {"seen_status": "proposed", "reason": ""})
        assert answer.status_code == 422


class TestList:
    def test_tabs_count_and_the_row_says_who_is_waited_for(self, people):
        sent = send(people)
        actions.return_referral(referral_id=sent.pk, reason="请补心电图", by=people.desk.actor, at=now())
        page = text(client(people.gp).get("/referrals/"))
        assert "被退回 1" in page
        assert "等香湾社区卫生服务中心补充" in page or "已退回，等" in page

    def test_an_empty_list_teaches(self, people):
        assert "一分钟内发出" in text(client(people.gp).get("/referrals/?tab=sent"))

    def test_the_list_costs_the_same_for_one_and_for_fifty(self, people):
        def cost() -> int:
            with CaptureQueriesContext(connection) as caught:
                assert client(people.gp).get("/referrals/?tab=sent").status_code == 200
            return len(caught)

        send(people)
        one = cost()
        for number in range(2, 52):
            send(people, resident_id=people.person(number).pk)
        assert cost() == one


class TestMine:
    def test_the_patient_reads_it_sentence_by_sentence(self, people):
        send(people, slots(people)[1])
        page = text(patient(people).get("/referrals/mine/"))
        assert "正在看您的转诊单" in page

    def test_the_address_of_a_referral_leads_the_patient_to_their_own_page(self, people):
        sent = send(people)
        assert patient(people).get(f"/referrals/{sent.pk}/")["Location"] == f"/referrals/mine/#r{sent.pk}"

    def test_nothing_there_yet_teaches(self, people):
        assert "您没有转诊" in text(patient(people).get("/referrals/mine/"))

    def test_staff_have_no_such_page(self, people):
        assert client(people.gp).get("/referrals/mine/").status_code == 403
        assert Booking.objects.count() == 0


class TestSpecialties:
    """Where the centre can take a place comes first, with how many there are and since when."""

    def test_those_with_places_stand_first_with_number_and_time(self, people):
        found = slots(people)
        patient_id = people.person(901, people.centre).pk
        page = client(people.gp).get(f"/referrals/new/?resident={patient_id}").content.decode()
        groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', page, re.DOTALL)
        first = found[0].starts_at.astimezone(factories.CHINA)
        assert [label for label, _options in groups] == ["有能占的号", "近期没有号"]
        assert re.findall(r">([^<]+)</option>", groups[0][1]) == [
            f"心血管内科 · {sum(one.capacity for one in found)} 个号，最早 {first:%m-%d %H:%M}"
        ]
        assert "心血管内科" not in groups[1][1]

    def test_a_taken_place_is_not_counted(self, people):
        found = slots(people)
        people.booked(found[0])
        page = client(people.gp).get("/referrals/new/slots/?specialties").content.decode()
        assert f"{sum(one.capacity for one in found) - 1} 个号，最早" in page

    def test_another_hospital_brings_its_own_list(self, people):
        slots(people)
        address = "/referrals/new/slots/?specialty=cardiology&to_organization="
        ours = client(people.gp).get(f"{address}{people.hospital.pk}&specialties").content.decode()
        polled = client(people.gp).get(f"{address}{people.hospital.pk}").content.decode()
        assert re.search(r'<select[^>]*hx-swap-oob="true"', ours)
        assert re.search(r'value="cardiology" selected', ours)
        assert "<select" not in polled
        assert 'data-key="1 alt+1"' in polled

    def test_the_patient_is_found_by_initials_while_typing(self, people):
        one = people.person(901, people.centre)
        part = (
            client(people.gp).get("/referrals/new/", {"q": one.name}, headers={"HX-Request": "true"}).content.decode()
        )
        assert f'href="/referrals/new/?resident={one.pk}"' in part
        assert "<form" not in part
