"""What goes wrong with a letter on its page: a clear sentence, nothing lost, nothing doubled."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent
from kangqiao.base.tests.test_kept_files import png
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.models import Document
from kangqiao.domain.referral import actions, rules
from kangqiao.domain.referral.models import Attachment, Referral
from kangqiao.domain.referral.tests import factories
from kangqiao.domain.referral.tests.factories import LETTER, Cast, cast, organization, seat
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.terminology.models import Concept
from kangqiao.kernel.errors import Denied, RuleBroken
from kangqiao.kernel.identifiers import id_check_digit

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MORE = {"history": "昨夜胸闷 2 小时，含服硝酸甘油后缓解。", "medicines": "加用阿司匹林 100 mg"}


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The cast of today: pages read the clock themselves."""
    monkeypatch.setattr(factories, "AT", timezone.now() - timedelta(minutes=1))
    return cast()


def client(who: Any) -> Client:
    found = Client()
    found.force_login(User.objects.get(pk=who.user_id))
    return found


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def write(people: Cast, number: int = 0, **changes: Any) -> Any:
    """The letter about the resident, sent from its page."""
    body = {
        "to_organization": people.hospital.pk, "specialty": "cardiology", "urgency": "routine", "reason": "", **LETTER,
        "has_consent": "on", FIELD: f"letter-{number}", **changes,
    }  # fmt: skip
    return client(people.gp).post(f"/referrals/new/?resident={people.resident.pk}", body)


def sent(people: Cast, **changes: Any) -> Referral:
    return people.up(at=factories.AT, **changes)


def test_second_letter_for_the_same_problem_is_shown_and_joined(people: Cast) -> None:
    first = sent(people)
    page = client(people.gp).get(f"/referrals/new/?resident={people.resident.pk}")
    assert first.number in text(page)
    assert f"/referrals/{first.pk}/" in page.content.decode()

    refused = write(people, **MORE)
    assert refused.status_code == 422
    assert f"已有一张未结束的转诊单 {first.number}" in text(refused)
    assert MORE["history"] in refused.content.decode()
    assert f'name="join" value="{first.pk}"' in refused.content.decode()
    joined = write(people, 1, join=first.pk, urgency="urgent", diagnosis="不稳定型心绞痛", **MORE)

    first = Referral.objects.get()
    assert joined["Location"] == f"/referrals/{first.pk}/"
    assert first.history.startswith(LETTER["history"])
    assert MORE["history"] in first.history
    assert "诊断：不稳定型心绞痛；缓急：加急" in first.history
    assert f"{people.gp.user_name}】{MORE['medicines']}" in first.medicines
    assert (first.status, first.urgency, first.examination) == ("sent", "urgent", LETTER["examination"])
    assert first.due_at is not None
    assert first.due_at - first.clock_from == timedelta(minutes=30)
    assert Notice.objects.filter(organization=people.hospital, subject__contains="补充了转诊单").count() == 1
    trace = AuditEvent.objects.get(action="referral.join_letter")
    assert trace.detail == {"items": ["history", "medicines"]}


def test_the_letter_that_is_open_names_its_specialty_in_the_language_of_the_reader(people: Cast) -> None:
    Concept.objects.filter(system="specialty", code="cardiology").update(zh="心血管内科", en="Cardiology")
    sent(people)
    doctor, address = client(people.gp), f"/referrals/new/?resident={people.resident.pk}"

    assert "（心血管内科）" in text(doctor.get(address))
    doctor.cookies["kq-language"] = "en"
    assert "(Cardiology)" in text(doctor.get(address))


def test_what_is_joined_travels_with_its_file_and_says_nothing_twice(people: Cast) -> None:
    first = sent(people)
    said = dict(LETTER)
    again = write(people, join=first.pk)
    assert again.status_code == 422
    assert "那张转诊单里都有了" in text(again)
    assert Referral.objects.get().history == said["history"]

    file = SimpleUploadedFile("心电图.png", png())
    assert write(people, 1, join=first.pk, attachment=file, **MORE).status_code == 302

    assert Attachment.objects.get().referral_id == first.pk


def test_what_is_joined_asks_for_no_hospital_and_no_specialty(people: Cast) -> None:
    first = sent(people, specialty="cardiology")
    unsaid = {"to_organization": "", "specialty": ""}

    assert write(people, join=first.pk, **MORE, **unsaid).status_code == 302
    first.refresh_from_db()
    assert MORE["history"] in first.history
    assert (first.specialty, first.to_organization_id) == ("cardiology", people.hospital.pk)
    assert write(people, 1, **MORE, **unsaid).status_code == 422, "a letter of its own still says where it goes"


def test_a_returned_letter_is_sent_again_with_what_is_joined(people: Cast) -> None:
    first = sent(people)
    actions.return_referral(referral_id=first.pk, reason="请补心电图", by=people.desk.actor, at=timezone.now())

    assert write(people, join=first.pk, examination="心电图：ST 段压低 0.1 mV").status_code == 302

    first.refresh_from_db()
    assert first.status == "sent"
    assert first.examination.endswith("心电图：ST 段压低 0.1 mV")


def test_nothing_is_joined_to_a_letter_of_others_of_another_person_or_past_it(people: Cast) -> None:
    first, at = sent(people), timezone.now()
    other = people.person(2)
    foreign = sent(people, resident_id=other.pk)
    assert write(people, join=foreign.pk, **MORE).status_code == 404
    with pytest.raises(Denied):
        actions.join_letter(referral_id=first.pk, words=MORE, by=people.desk.actor, at=at)
    with pytest.raises(RuleBroken, match="太长了"):
        actions.join_letter(referral_id=first.pk, words={"history": "长" * 8000}, by=people.gp.actor, at=at)
    actions.advise_referral(referral_id=first.pk, reply="先加药", by=people.desk.actor, at=at)

    with pytest.raises(RuleBroken, match="已经不能补充"):
        actions.join_letter(referral_id=first.pk, words=MORE, by=people.gp.actor, at=at)


@pytest.mark.parametrize(
    ("there", "more", "whole"),
    [
        ("旧", "新", "旧\n【】新"),
        ("", "新", "【】新"),
        ("旧", " ", "旧"),
        ("否认胸痛。无发热，咳嗽", "胸痛\n咳嗽", "否认胸痛。无发热，咳嗽\n【】胸痛\n咳嗽"),
        ("胸痛三天。\n【补充】心悸", "心悸。胸痛三天", "胸痛三天。\n【补充】心悸"),
        ("[Added 05-14 A] dizzy", "dizzy", "[Added 05-14 A] dizzy"),
        ("旧\n一", "一\n二\n\n三", "旧\n一\n【】二\n三"),
    ],
)
def test_words_are_joined_once_below_what_stands_there(there: str, more: str, whole: str) -> None:
    assert rules.joined(there, more, "【】") == whole


def test_without_an_agreement_the_letter_goes_plainly_and_keeps_nothing_beside_the_visit(people: Cast) -> None:
    stranger = people.person(2, people.far_centre)
    address = f"/referrals/new/?resident={stranger.pk}"
    doctor = client(people.far_gp)
    body = {
        "to_organization": people.hospital.pk, "specialty": "cardiology", "urgency": "routine", "reason": "", **LETTER,
        "has_consent": "on",
    }  # fmt: skip

    page = text(doctor.get(address))
    refused = doctor.post(address, {**body, "part_ct": people.clinic(at=factories.AT)[0].pk, FIELD: "a"})
    assert people.hospital.zh in page
    assert "绿色通道" not in page
    assert refused.status_code == 422
    assert "检查和床位只能由绿色通道预留" in text(refused)
    assert LETTER["history"] in refused.content.decode()
    doctor.post(address, {**body, FIELD: "b"})

    letter = Referral.objects.get()
    assert (letter.status, letter.agreement, letter.is_green_channel) == ("sent", None, False)


def test_hospital_or_department_no_longer_there_is_told_and_the_letter_stays(people: Cast) -> None:
    closed = organization("h9", "hospital", "演示外市医院", Place.objects.create(code="1101", zh="演示外市"), level=3)

    for changes, words in (
        ({"to_organization": closed.pk}, "这家医院已经不在可转的名单里"),
        ({"specialty": "closed"}, "这个专科已经不在名单里"),
    ):
        answer = write(people, **changes)
        assert answer.status_code == 422
        assert words in text(answer)
        assert LETTER["examination"] in answer.content.decode()
    assert not Referral.objects.exists()


def test_department_that_closed_while_the_letter_was_written_takes_no_place_and_loses_no_word(people: Cast) -> None:
    slot, other = people.clinic(at=factories.AT)[1], people.clinic(days=3, at=factories.AT)[1]
    scheduling.withdraw_session(session_id=slot.session_id, reason="科室停诊", by=factories.SYSTEM, at=timezone.now())

    refused = write(people, slot=slot.pk)
    assert refused.status_code in (409, 422)
    assert "停诊" in text(refused)
    assert LETTER["history"] in refused.content.decode()
    assert f'value="{other.pk}"' in refused.content.decode()
    assert not Referral.objects.exists()
    page = client(people.gp).get(f"/referrals/new/?resident={people.resident.pk}&specialty=surgery")
    assert "这个专科近期没有您能占的号。可以照样发出，由医院安排时间。" in text(page)

    assert write(people, 1, specialty="surgery").status_code == 302


OTHER = "44040219560321002"
OTHER += id_check_digit(OTHER)
WRONG = OTHER[:-1] + ("0" if OTHER[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("姓名：王五  性别：男\n诊断：胆囊结石", "王五"),
        (f"姓 名: 李桂兰\n身份证 {OTHER}", f"…{OTHER[-4:]}"),
        (f"身份证号 {OTHER.lower()}，男", f"…{OTHER[-4:]}"),
        ("姓名：演示1，血压 132/80", ""),
        ("姓名：演示1性别：男年龄：45岁", ""),
        ("姓名：王五性别：男年龄：45岁", "王五"),
        ("患者姓名：王五", "王五"),
        ("监护人姓名：王五 联系人姓名：李四 医师姓名：赵六", ""),
        (f"监护人姓名：王五，身份证号 {OTHER}", ""),
        (f"母亲身份证：{OTHER}。身份证 {OTHER}", f"…{OTHER[-4:]}"),
        (f"由其家属（{OTHER}）陪同", ""),
        (f"姓名：演**，病案号 {WRONG}", ""),
        (f"检验单号 9{OTHER}7 正常", ""),
        ("冠脉未见狭窄，改用联合用药。", ""),
    ],
)
def test_a_letter_names_its_own_person_or_nobody(words: str, said: str) -> None:
    own = "44040219600101001"
    assert rules.names_another(words, "演示1", own + id_check_digit(own)) == said


def test_summary_of_another_person_is_refused_and_stays_in_the_window(people: Cast) -> None:
    at = timezone.now()
    seen = sent(people, urgency="emergency")
    actions.accept_referral(referral_id=seen.pk, by=people.desk.actor, at=at)
    actions.confirm_visit(referral_id=seen.pk, by=people.desk.actor, at=at)
    letter = f"姓名：王五\n{LETTER['history']}"
    desk, address = client(people.desk), f"/referrals/{seen.pk}/summarise/"

    refused = desk.post(address, {"reply": letter, "seen_status": "seen", FIELD: "s-0"})
    assert refused.status_code == 422
    assert f"写的是另一个人（王五），这张转诊单是{people.resident.name}的" in text(refused)
    assert LETTER["history"] in refused.content.decode()
    assert not Document.objects.filter(kind="visit_summary").exists()
    stranger = organization("h2", "hospital", "演示二院", people.hospital.place, level=2)
    other = client(seat(Role.REFERRAL_DESK, stranger, "desk-9"))
    assert other.post(address, {"reply": "冠脉正常", "seen_status": "seen", FIELD: "s-1"}).status_code == 404
    desk.post(address, {"reply": f"姓名：{people.resident.name}\n冠脉正常", "seen_status": "seen", FIELD: "s-2"})

    assert Document.objects.get(kind="visit_summary").resident_id == people.resident.pk


@pytest.mark.parametrize(
    ("there", "more", "whole"),
    [
        ("无", "青霉素", "青霉素"),
        ("青霉素", "无", "青霉素"),
        ("青霉素", "头孢", "青霉素；头孢"),
        ("青霉素", "青霉素", "青霉素"),
        ("青霉素、头孢", "头孢", "青霉素、头孢"),
        ("无青霉素、头孢过敏", "头孢", "无青霉素、头孢过敏；头孢"),
        ("青霉素皮试阴性", "青霉素", "青霉素皮试阴性；青霉素"),
        ("青霉素", "", "青霉素"),
    ],
)
def test_an_allergy_takes_the_place_of_a_denial_and_never_the_reverse(there: str, more: str, whole: str) -> None:
    assert rules.joined_allergies(there, more) == whole


def test_an_allergy_that_is_joined_stands_where_the_desk_looks(people: Cast) -> None:
    first = sent(people, allergies="无")
    assert write(people, join=first.pk, allergies="头孢").status_code == 302

    first.refresh_from_db()
    assert first.allergies == "头孢"
    assert "过敏史：头孢（原写“无”）" in first.history
