"""Health education is written once for all centres, sent by need, read, refused, and taken back."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.education import actions, queries
from kangqiao.domain.education.models import Material, Sending
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.models import Condition
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.edges.jobs.education import send
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def w() -> f.World:
    return f.world()


def written(w: f.World, title: str, *audience: str, at: datetime = f.AT) -> Material:
    return actions.write_material(
        organization_id=w.centre.pk, title=title, text="先呼气，再吸药，屏住十秒。", source="演示指南 2024",
        audience=audience, by=f.JOB, at=at,
    )  # fmt: skip


def contracted(w: f.World, *problems: str, with_user: bool = True, born: date = date(1980, 1, 1)) -> Resident:
    one = w.resident(born, with_user=with_user)
    w_team = getattr(w, "_team", None) or w.team()
    w._team = w_team  # type: ignore[attr-defined]
    f.sign(w.accepted(w_team, one)[0], one.name if born.year < 2010 else "演示监护人")
    Condition.objects.bulk_create(Condition(resident=one, code=code, zh=code) for code in problems)
    return one


def sent_on(at: datetime) -> int:
    found, after = 0, 0
    while True:
        some, last = actions.send_materials(after=after, by=f.JOB, at=at)
        found += some
        if last is None:
            return found
        after = last


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


@pytest.mark.clause("XH23-5.4.4g")
def test_copd_patient_is_sent_two_different_items_in_two_weeks_they_are_counted_and_after_refusing_none(
    w: f.World,
) -> None:
    for title in ("吸药的方法", "冬天少出门", "戒烟"):
        written(w, title, "J44")
    written(w, "少吃盐", "hypertension")
    one = contracted(w, "J44.1")
    own, browser = w.own(one), signed_in(w.own(one))

    now = timezone.now()
    assert (sent_on(now - 2 * WEEK), sent_on(now - WEEK)) == (1, 1)

    rows = list(queries.received(own, one.pk))
    assert len({row.material_id for row in rows}) == 2
    assert all(row.material.audience == ["J44"] for row in rows)
    told = Notice.objects.filter(user=one.user, kind="education")
    assert {notice.url for notice in told} == {reverse("education-read", args=(row.pk,)) for row in rows}
    page = browser.get(reverse("education-read", args=(rows[0].pk,))).content.decode()
    assert "屏住十秒" in page
    assert "演示指南 2024" in page
    for key in ("read-1", "read-2"):  # reading again is not read twice
        browser.post(reverse("education-read", args=(rows[0].pk,)), {"idempotency_key": key})
    read = queries.readings([row.material_id for row in rows], w.centre.pk)
    assert sorted((one.sent, one.opened) for one in read.values()) == [(1, 0), (1, 1)]

    browser.post(reverse("education-mine"), {"wanted": "no", "idempotency_key": "refuse-1"})

    assert sent_on(timezone.now()) == 0
    assert Sending.objects.count() == 2
    ledger = browser.get(reverse("residents-consents")).content.decode()
    assert "推送健康科普" in ledger
    browser.post(reverse("education-mine"), {"wanted": "yes", "idempotency_key": "want-1"})
    assert sent_on(timezone.now()) == 1


def test_refusing_it_keeps_no_house_out_of_the_record(w: f.World) -> None:
    one = contracted(w, "J44")
    own, doctor = w.own(one), w.seat(Role.GP)

    actions.choose_education(resident_id=one.pk, is_wanted=False, by=own.actor, at=f.AT)
    actions.choose_education(resident_id=one.pk, is_wanted=False, by=own.actor, at=f.AT)

    assert Consent.objects.get(resident=one).purpose == "education"
    page = signed_in(own).get(reverse("residents-consents")).content.decode()
    assert "您已拒绝，现在不能看" not in page
    assert signed_in(doctor).get(reverse("records-resident", args=(one.pk,))).status_code == 200


def test_before_the_days_are_over_and_on_the_same_day_nothing_is_sent(w: f.World) -> None:
    written(w, "一")
    written(w, "二")
    contracted(w)

    assert [sent_on(f.AT + timedelta(days=n)) for n in (0, 0, 6, 7)] == [1, 0, 0, 1]


def test_whoever_cannot_read_or_is_not_contracted_or_is_dead_or_has_the_wrong_problem_gets_nothing(
    w: f.World,
) -> None:
    written(w, "吸药的方法", "J44")
    contracted(w, "J44", with_user=False)
    contracted(w, "I25")
    stranger = w.resident(with_user=True)
    Condition.objects.create(resident=stranger, code="J44", zh="慢阻肺")
    dead = contracted(w, "J44")
    Resident.objects.filter(pk=dead.pk).update(deceased_on=f.ON)
    over = contracted(w, "J45")
    Condition.objects.create(resident=over, code="J44", zh="慢阻肺", abated_on=f.ON)

    assert sent_on(f.AT) == 0


def test_the_guardian_reads_for_the_child(w: f.World) -> None:
    written(w, "哮喘的孩子", "J45")
    mother = w.resident(with_user=True)
    child = contracted(w, "J45", with_user=False, born=date(2020, 1, 1))
    residents.grant_basis(
        resident_id=child.pk, kind=Basis.Kind.GUARDIAN, source="guardian:1", since=f.AT, user_id=mother.user_id,
        by=f.JOB, at=f.AT,
    )  # fmt: skip

    assert sent_on(f.AT) == 1

    sending, browser = Sending.objects.get(), signed_in(w.own(mother))
    assert "屏住十秒" in browser.get(reverse("education-read", args=(sending.pk,))).content.decode()
    listed = browser.get(reverse("education-mine"), {"resident": child.pk}).content.decode()
    assert "哮喘的孩子" in listed


def test_nobody_reads_what_was_sent_to_another(w: f.World) -> None:
    written(w, "吸药的方法", "J44")
    contracted(w, "J44")
    other = contracted(w)
    sent_on(f.AT)
    # Who runs errands for somebody reads nothing that tells of their problems.
    residents.grant_basis(
        resident_id=Sending.objects.get().resident_id, kind=Basis.Kind.PROXY, source="consent:1", since=f.AT,
        user_id=other.user_id, by=f.JOB, at=f.AT,
    )  # fmt: skip
    sending = Sending.objects.get(material__title="吸药的方法")

    with pytest.raises(NotVisible):
        queries.get_sending(w.own(other), sending.pk)
    assert not queries.received(w.seat(Role.GP), sending.resident_id).exists()
    assert Sending.objects.get(pk=sending.pk).opened_at is None


def test_what_is_taken_back_is_sent_no_more_and_still_read(w: f.World) -> None:
    first = written(w, "吸药的方法", "J44")
    one = contracted(w, "J44")
    sent_on(f.AT)
    actions.retire_material(material_id=first.pk, by=w.seat(Role.GP).actor, at=f.AT)
    contracted(w, "J44")

    assert sent_on(f.AT + WEEK) == 0
    assert queries.received(w.own(one), one.pk).count() == 1
    actions.resume_material(material_id=first.pk, by=w.seat(Role.CENTRE_MANAGER).actor, at=f.AT)
    assert sent_on(f.AT + WEEK) == 1


def test_another_house_reads_it_and_does_not_take_it_back(w: f.World) -> None:
    one = written(w, "吸药的方法", "J44")
    other = w.seat(Role.GP, w.other)

    assert "吸药的方法" in signed_in(other).get(reverse("education-desk")).content.decode()
    with pytest.raises(Denied):
        actions.retire_material(material_id=one.pk, by=other.actor, at=f.AT)
    with pytest.raises(Denied):
        actions.write_material(organization_id=w.centre.pk, title="一", text="二", source="三", by=other.actor, at=f.AT)
    desk = w.seat(Role.REFERRAL_DESK)
    with pytest.raises(Denied):
        actions.write_material(organization_id=w.centre.pk, title="一", text="二", source="三", by=desk.actor, at=f.AT)
    with pytest.raises(Denied):
        actions.send_materials(after=0, by=other.actor, at=f.AT)


def test_bad_words_get_a_sentence_and_nothing_is_lost(w: f.World) -> None:
    browser = signed_in(w.seat(Role.GP))
    typed = {"title": "吸药的方法", "text": "先呼气。", "source": "演示指南", "audience": ["J44"]}
    written(w, "吸药的方法")

    again = browser.post(reverse("education-new"), typed | {"idempotency_key": "a"})

    assert again.status_code == 422
    assert "已有一篇同名的科普" in again.content.decode()
    assert "先呼气。" in again.content.decode()
    with pytest.raises(RuleBroken, match="B20"):
        written(w, "特殊保护的病情", "B20")
    with pytest.raises(RuleBroken, match="依据"):
        actions.write_material(organization_id=w.centre.pk, title="一", text="二", source=" ", by=f.JOB, at=f.AT)
    second = written(w, "另一篇")
    actions.retire_material(material_id=second.pk, by=f.JOB, at=f.AT)
    written(w, "另一篇")
    with pytest.raises(Taken):
        actions.resume_material(material_id=second.pk, by=f.JOB, at=f.AT)


def test_found_by_words_and_counted_for_the_bureau_without_a_house_of_its_own(w: f.World) -> None:
    written(w, "吸药的方法", "J44")
    written(w, "少吃盐", "hypertension", "elderly")
    one = contracted(w, "J44")
    sent_on(f.AT)
    address = reverse("education-read", args=(Sending.objects.get().pk,))
    signed_in(w.own(one)).post(address, {"idempotency_key": "read-1"})

    page = signed_in(w.seat(Role.BUREAU_OFFICER, w.bureau)).get(reverse("education-desk"), {"q": "吸药的"})

    words = page.content.decode()
    assert "吸药的方法" in words
    assert "少吃盐" not in words
    assert "写一篇" not in words
    [row] = page.context["rows"]
    assert (row["all"].sent, row["all"].opened, row["all"].percent) == (1, 1, 100)


def test_as_many_queries_for_one_as_for_many(w: f.World) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            sent_on(f.AT + timedelta(days=30))
        return len(seen)

    written(w, "给所有人")
    contracted(w)
    one = asked()
    for _number in range(5):
        contracted(w)
    Sending.objects.all().delete()
    Notice.objects.all().delete()

    assert asked() == one
    assert Sending.objects.count() == 6


def test_the_job_goes_on_until_everybody_was_looked_at(w: f.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 1)
    written(w, "给所有人")
    for _number in range(3):
        contracted(w)

    assert send(timestamp=0) == 3
    assert send(timestamp=0) == 0


def test_an_address_with_odd_digits_names_nobody_and_a_proxy_decides_nothing(w: f.World) -> None:
    one, other = contracted(w), contracted(w)
    residents.grant_basis(
        resident_id=other.pk, kind=Basis.Kind.PROXY, source="consent:1", since=f.AT, user_id=one.user_id, by=f.JOB,
        at=f.AT,
    )  # fmt: skip
    actions.choose_education(resident_id=other.pk, is_wanted=False, by=w.own(other).actor, at=f.AT)
    browser = signed_in(w.own(one))

    for name in ("education-mine", "contracting-mine", "followup-mine", "portal-mine", "portal-centre"):
        assert browser.get(reverse(name), {"resident": "²"}).status_code == 200
    page = browser.get(reverse("education-mine"), {"resident": other.pk}).content.decode()
    assert "已关闭推送" not in page
    assert "重新接收" not in page
