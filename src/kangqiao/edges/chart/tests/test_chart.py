"""The resident's page and the visit written beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, centre, hospital
from kangqiao.domain.records import actions
from kangqiao.domain.records.models import Allergy, Condition, Encounter, Medication, Observation
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.domain.terminology import actions as terminology
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.tests.factories import practitioner

pytestmark = pytest.mark.django_db
NOW = timezone.now()
VISIT = {
    "reason": "高血压复诊", "systolic": "152", "diastolic": "92", "pulse": "76", "diagnosis": "I10",
    "outcome": "treated", "next_visit": "auto",
}  # fmt: skip


@pytest.fixture
def room(client: Client) -> tuple[Client, Seat, Resident, Organization]:
    """A family doctor signed in, and a resident of the centre with hypertension."""
    terminology.load_concepts(by=TESTER, at=NOW)
    own = centre()
    gp = seat("gp", own)
    practitioner(
        own, user_id=gp.user_id, specialty=Concept.objects.get(system="specialty", code="general_practice").code
    )
    client.force_login(User.objects.get(pk=gp.user_id))
    who = resident(own)
    actions.record_condition(
        resident_id=who.pk, code="I10", zh="原发性高血压", since=date(2018, 1, 1), by=TESTER, at=NOW
    )
    return client, gp, who, own


def send(client: Client, who: Resident, number: int = 0, **more: str) -> Any:
    """A visit sent from its page."""
    return client.post(f"/residents/{who.pk}/visit/", {**VISIT, FIELD: f"visit-{number}", **more}, follow=True)


def test_a_visit_is_one_act_and_stands_everywhere(room: Any) -> None:
    client, gp, who, own = room

    page = send(
        client, who, allergy="青霉素类", medicine_1="氨氯地平", dose_1="5mg 每日一次", smoking="never",
        education="低盐饮食", weight="71.5", summary="加药。",
    ).content.decode()  # fmt: skip

    row = Encounter.objects.get()
    assert (row.organization_id, row.practitioner.user_id, row.outcome) == (own.pk, gp.user_id, "treated")
    assert row.next_visit_on == timezone.localdate() + timedelta(days=14)  # above the target: two weeks
    assert set(row.observations.values_list("code", flat=True)) == {
        "systolic", "diastolic", "pulse", "weight", "smoking", "education"
    }  # fmt: skip
    assert Allergy.objects.get().code == "J01C"
    assert Medication.objects.get().encounter_id == row.pk
    for words in (
        "已同步到：健康档案、趋势图、就诊指标",
        "收缩压 152 mmHg",
        "高于目标",
        "青霉素类",
        "氨氯地平",
        "不吸",
        "低盐饮食",
    ):
        assert words in page, words


def test_the_same_visit_sent_twice_is_one(room: Any) -> None:
    client, _gp, who, _own = room

    for _ in range(2):
        client.post(f"/residents/{who.pk}/visit/", {**VISIT, FIELD: "visit"})

    assert (Encounter.objects.count(), Observation.objects.count()) == (1, 3)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"systolic": "300", "diastolic": "5"}, "不可能"),
        ({"systolic": "92", "diastolic": "152"}, "收缩压在前"),
        ({"diastolic": ""}, "收缩压在前"),
        ({"systolic": "230"}, "核对无误就勾选"),
        ({"glucose_fasting": "126"}, "mg/dL"),
        ({"reason": ""}, "还没有保存"),
        ({"outcome": ""}, "还没有保存"),
        ({"diagnosis": "X99"}, "还没有保存"),
    ],
)
def test_what_is_refused_keeps_what_was_written(room: Any, more: dict[str, str], words: str) -> None:
    client, _gp, who, _own = room

    answer = send(client, who, summary="写了很久的医嘱", **more)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert "写了很久的医嘱" in page
    assert not Encounter.objects.exists()


def test_a_medicine_of_the_allergy_is_asked_about_and_nothing_half_is_written(room: Any) -> None:
    client, _gp, who, _own = room
    actions.record_allergy(resident_id=who.pk, name="青霉素类", by=TESTER, at=NOW)

    refused = send(client, who, 1, medicine_1="阿莫西林")
    assert refused.status_code == 422
    assert not Encounter.objects.exists()
    sure = send(client, who, 2, medicine_1="阿莫西林", is_sure="on")

    assert sure.status_code == 200
    assert Medication.objects.get().zh == "阿莫西林"


def test_a_dead_person_is_not_seen(room: Any) -> None:
    client, _gp, who, _own = room
    Resident.objects.filter(pk=who.pk).update(deceased_on=date(2026, 1, 1))

    answer = send(client, who)

    assert answer.status_code == 422
    assert "去世" in answer.content.decode()


@pytest.mark.clause("XH23-4.1a")
def test_three_visits_with_chest_pain_end_in_three_ways_and_the_third_opens_its_letter(room: Any) -> None:
    client, _gp, who, _own = room
    actions.start_medication(resident_id=who.pk, name="阿司匹林", dose="100mg", by=TESTER, at=NOW)
    actions.record_allergy(resident_id=who.pk, name="", by=TESTER, at=NOW)
    chest = {"diagnosis": "R07", "differential": "排除心绞痛", "reason": "胸痛两天"}

    without = send(client, who, 9, **chest, outcome="")
    for number, outcome in enumerate(("treated", "tested")):
        send(client, who, number, **chest, outcome=outcome)
    letter = send(client, who, 2, **chest, outcome="referred")

    assert without.status_code == 422
    assert sorted(Encounter.objects.values_list("outcome", flat=True)) == ["referred", "tested", "treated"]
    path, _query = letter.redirect_chain[-1][0].split("?")
    assert path.endswith("/referrals/new/")
    page = letter.content.decode()
    for words in ("胸痛两天", "排除心绞痛", "收缩压 152 mmHg", "阿司匹林 100mg", "无已知过敏", 'value="胸痛"'):
        assert words in page, words


@pytest.mark.clause("SZ17-B9.b")
def test_the_record_says_when_it_was_updated_last(room: Any) -> None:
    client, _gp, who, _own = room
    before = timezone.localtime(NOW) - timedelta(hours=5)
    actions.write_document(
        resident_id=who.pk, kind="care_plan", organization_id=hospital().pk, text="出院小结", by=TESTER, at=before
    )
    first = client.get(f"/residents/{who.pk}/").content.decode()
    send(client, who)
    second = client.get(f"/residents/{who.pk}/").content.decode()

    assert f"档案最近更新 {before:%Y-%m-%d %H:%M}" in first
    assert "康复与随访计划" in first
    assert f"档案最近更新 {timezone.localtime():%Y-%m-%d %H}" in second


def test_card_of_looks_tells_the_reader_of_the_own_ones_alone(room: Any) -> None:
    client, gp, who, own = room
    colleague = seat("gp", own, user("another-gp"))
    other = Client()
    other.force_login(User.objects.get(pk=colleague.user_id))
    first = client.get(f"/residents/{who.pk}/").content.decode()
    other.get(f"/residents/{who.pk}/")

    page = client.get(f"/residents/{who.pk}/").content.decode()

    card = page.split("谁看过", 1)[1].split("</section>")[0]
    assert "您以前没有打开过；这一次已经记下。" in first
    assert "打开了这份档案" in card
    assert card.count("<p>") == 1, "nobody's look but the reader's"
    assert colleague.actor.name not in card
    assert "审计管理员" in card
    assert gp.actor.id != colleague.actor.id


def test_pressure_that_was_never_measured_teaches_where_it_comes_from(room: Any) -> None:
    client, _gp, who, _own = room
    before = client.get(f"/residents/{who.pk}/").content.decode()
    send(client, who)
    after = client.get(f"/residents/{who.pk}/").content.decode()

    assert "还没有量过血压" in before
    assert f'href="/residents/{who.pk}/visit/">接诊</a>' in before.split("还没有量过血压")[1]
    assert "还没有量过血压" not in after
    assert 'class="trend"' in after


def test_nobody_is_taught_to_measure_a_child(room: Any) -> None:
    client, _gp, _who, own = room
    child = resident(own, birth_date=date(NOW.year - 6, 1, 1))

    assert "还没有量过血压" not in client.get(f"/residents/{child.pk}/").content.decode()


def test_the_page_costs_few_questions_and_little_time(room: Any) -> None:
    client, _gp, who, _own = room
    for number in range(12):
        send(client, who, number, next_visit="none")
    client.get(f"/residents/{who.pk}/")

    with CaptureQueriesContext(connection) as asked:
        client.get(f"/residents/{who.pk}/")
    tables = ("residents_", "records_", "referral_", "contracting_", "terminology_", "base_auditevent")
    own = [one["sql"] for one in asked if (one["sql"].lstrip("(").startswith("SELECT") and '"records_' in one["sql"])
           or any(f'FROM "{table}' in one["sql"] for table in tables)]  # fmt: skip
    fast = min(_cpu(lambda: client.get(f"/residents/{who.pk}/")) for _ in range(5))
    usual = min(_cpu(lambda: client.get("/residents/")) for _ in range(5))

    assert len(own) <= 20, "\n".join(own)
    assert len(asked) <= 32
    # Against the search page, which costs some 10 ms of a quiet machine.
    assert fast < 8 * usual


def _cpu(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def test_problem_of_the_visit_enters_the_list_when_asked(room: Any) -> None:
    client, _gp, who, _own = room

    send(client, who, diagnosis="E78", is_problem="on")

    assert set(Condition.objects.values_list("code", flat=True)) == {"I10", "E78"}
