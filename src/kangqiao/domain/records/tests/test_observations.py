"""Values, corrections and what is lived with."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kangqiao.base.actor import Actor
from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, centre, hospital
from kangqiao.domain.records import actions, queries
from kangqiao.domain.records.actions import Measured
from kangqiao.domain.records.models import Allergy, Condition, Medication, Observation
from kangqiao.domain.residents.actions import link_user
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.domain.terminology import actions as terminology
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
HOUR = timedelta(hours=1)
PRESSURE = [Measured("systolic", Decimal(146)), Measured("diastolic", Decimal(88))]


def measure(who: Resident, by: Actor, found: Any = PRESSURE, **more: Any) -> list[Observation]:
    """Values of a visit an hour ago."""
    values = {"taken_at": NOW - HOUR, "source": "visit"} | more
    return actions.record_observations(resident_id=who.pk, found=found, by=by, at=NOW, **values)


def at_home(place: Organization) -> tuple[Resident, Seat]:
    """A resident with an account."""
    who = resident(place)
    own = seat("resident", place, user("own"))
    link_user(resident_id=who.pk, user_id=own.user_id, by=TESTER, at=NOW - HOUR)
    return who, own


def sign_in(client: Client, who: Seat) -> None:
    client.force_login(User.objects.get(pk=who.user_id))


def test_values_are_kept_with_unit_source_and_who_and_open_to_the_house() -> None:
    own = centre()
    who, gp = resident(own), seat("gp", own)

    rows = measure(who, gp.actor)

    assert [(row.code, row.value, row.unit, row.source) for row in rows] == [
        ("systolic", 146, "mmHg", "visit"), ("diastolic", 88, "mmHg", "visit")
    ]  # fmt: skip
    assert (rows[0].organization_id, rows[0].recorded_by) == (own.pk, gp.actor.name)
    assert set(queries.observations_of(gp, who)) == set(rows)
    assert AuditEvent.objects.get(action="records.record_observations").detail == {"codes": ["systolic", "diastolic"]}
    with pytest.raises(NotVisible):
        queries.observations_of(seat("gp", centre("b")), who)


def test_a_reading_sent_five_times_counts_once_and_another_of_the_moment_is_told() -> None:
    who, own = at_home(centre())

    for _ in range(5):
        measure(who, own.actor, source="home")
    with pytest.raises(Taken, match="另一个值"):
        measure(who, own.actor, [Measured("systolic", Decimal(120)), Measured("diastolic", Decimal(80))], source="home")

    assert Observation.objects.count() == 2
    row = Observation.objects.filter(code="systolic").get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Observation.objects.create(
            resident=who, code="systolic", value=1, taken_at=row.taken_at, source="home", recorded_at=NOW
        )


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (
            [Measured("systolic", Decimal(300), is_sure=True), Measured("diastolic", Decimal(5), is_sure=True)],
            "收缩压 300",
        ),
        ([Measured("systolic", Decimal(230)), Measured("diastolic", Decimal(100))], "收缩压 230"),
        ([Measured("systolic", Decimal(120))], "收缩压和舒张压"),
        ([Measured("systolic", Decimal(80)), Measured("diastolic", Decimal(90))], "收缩压在前"),
        ([Measured("smoking", text="perhaps")], "给出的答案"),
        ([Measured("mood", Decimal(3))], "没有这个测量项目"),
    ],
)
def test_what_cannot_be_is_refused_and_what_is_uncommon_asked(found: list[Measured], word: str) -> None:
    own = centre()
    who, gp = resident(own), seat("gp", own)

    with pytest.raises(RuleBroken, match=word):
        measure(who, gp.actor, found)
    assert not Observation.objects.exists()


def test_an_uncommon_value_somebody_is_sure_of_says_so() -> None:
    own = centre()
    who, gp = resident(own), seat("gp", own)
    found = [Measured("systolic", Decimal(230), is_sure=True), Measured("diastolic", Decimal(100), is_sure=True)]

    assert [row.is_confirmed for row in measure(who, gp.actor, found)] == [True, False]
    with pytest.raises(RuleBroken, match="之后"):
        measure(who, gp.actor, taken_at=NOW + HOUR)


def test_who_may_measure() -> None:
    place = centre()
    who, own = at_home(place)

    with pytest.raises(Denied):
        measure(who, own.actor)  # a resident writes no visit
    with pytest.raises(Denied):
        measure(who, seat("gp", place).actor, source="home")  # nor a doctor a reading at home
    with pytest.raises(Denied):
        measure(who, seat("gp", centre("b")).actor)
    with pytest.raises(Denied):
        measure(resident(place), own.actor, source="home")


def test_a_correction_keeps_the_former_value_with_who_when_and_why() -> None:
    own = centre()
    who, gp = resident(own), seat("gp", own)
    first = measure(who, gp.actor)[0]

    for reason in ("", "  "):
        with pytest.raises(RuleBroken, match="原因"):
            actions.correct_observation(observation_id=first.pk, value=Decimal(136), reason=reason, by=gp.actor, at=NOW)
    made = actions.correct_observation(
        observation_id=first.pk, value=Decimal(136), reason="听错一位", by=gp.actor, at=NOW
    )
    with pytest.raises(Taken, match="更正"):
        actions.correct_observation(observation_id=first.pk, value=Decimal(130), reason="再改", by=gp.actor, at=NOW)
    other = seat("gp", centre("b"))
    with pytest.raises(Denied):
        actions.correct_observation(observation_id=made.pk, value=Decimal(130), reason="再改", by=other.actor, at=NOW)

    assert [row.value for row in queries.observations_of(gp, who).filter(code="systolic")] == [136]
    assert [row.value for row in queries.former_values(made)] == [146]
    assert (made.reason, made.taken_at, made.recorded_by) == ("听错一位", first.taken_at, gp.actor.name)
    assert not queries.is_current(first)
    void = actions.correct_observation(observation_id=made.pk, value=None, reason="不是本人", by=gp.actor, at=NOW)
    assert not queries.observations_of(gp, who).filter(code="systolic").exists()
    assert [row.value for row in queries.former_values(void)] == [136, 146]


def test_the_page_of_a_value_corrects_it(client: Client) -> None:
    own = centre()
    who, gp = resident(own), seat("gp", own)
    row = measure(who, gp.actor)[0]
    sign_in(client, gp)
    address = f"/residents/values/{row.pk}/"

    refused = client.post(address, {"value": "999", "reason": "写错", FIELD: "a"})
    asked = client.post(address, {"value": "230", "reason": "写错", FIELD: "b"})
    client.post(address, {"value": "230", "reason": "写错", "is_sure": "on", FIELD: "c"})

    assert refused.status_code == asked.status_code == 422
    assert "不可能" in refused.content.decode()
    assert "少见" in asked.content.decode()
    made = Observation.objects.get(corrects=row)
    page = client.get(f"/residents/values/{made.pk}/").content.decode()
    assert "230 mmHg" in page
    assert "146 mmHg" in page
    assert "写错" in page
    assert client.get("/residents/values/0/").status_code == 404


def test_a_protected_story_stays_closed_to_other_houses() -> None:
    own, other = centre(), hospital()
    who, gp = resident(own), seat("gp", own)
    told = measure(who, gp.actor, [Measured("family_history", text="母亲患精神分裂症")])[0]
    actions.record_condition(resident_id=who.pk, code="F20", zh="严重精神障碍", by=TESTER, at=NOW)
    actions.start_medication(resident_id=who.pk, name="奥氮平", dose="10mg", by=gp.actor, at=NOW)
    actions.start_medication(resident_id=who.pk, name="氨氯地平", dose="5mg", by=gp.actor, at=NOW)
    actions.record_encounter(
        resident_id=who.pk, organization_id=other.pk, practitioner_id=None, started_at=NOW - HOUR, by=TESTER, at=NOW
    )
    desk = seat("referral_desk", other)

    assert told not in queries.observations_of(desk, who)
    assert [one.zh for one in queries.medications_of(desk, who)] == ["氨氯地平"]
    assert queries.protection_of(desk, who).hides
    with pytest.raises(NotVisible):
        queries.observation(desk, told.pk)


def test_allergies_problems_and_medicines_end_with_a_reason_and_stay() -> None:
    own = centre()
    who, gp = resident(own), seat("gp", own)
    acts: dict[str, Any] = {"by": gp.actor, "at": NOW}

    actions.record_allergy(resident_id=who.pk, name="", **acts)
    found = actions.record_allergy(resident_id=who.pk, name="青霉素类", reaction="皮疹", **acts)
    assert actions.record_allergy(resident_id=who.pk, name="青霉素类", **acts) == found
    with pytest.raises(RuleBroken, match="无已知过敏"):
        actions.record_allergy(resident_id=who.pk, name="", **acts)
    assert [one.zh for one in queries.allergies_of(gp, who)] == ["青霉素类"]
    with pytest.raises(RuleBroken, match="过敏"):
        actions.start_medication(resident_id=who.pk, name="阿莫西林", **acts)
    sure = actions.start_medication(resident_id=who.pk, name="阿莫西林", is_sure=True, **acts)
    with pytest.raises(RuleBroken, match="原因"):
        actions.refute_allergy(allergy_id=found.pk, why=" ", **acts)
    actions.refute_allergy(allergy_id=found.pk, why="皮试阴性", **acts)
    with pytest.raises(Taken):
        actions.refute_allergy(allergy_id=found.pk, why="再一次", **acts)
    assert queries.allergies_of(gp, who) == []
    assert Allergy.objects.count() == 2

    again = actions.start_medication(resident_id=who.pk, name="阿莫西林", dose="0.5g", **acts)
    assert [one.pk for one in queries.medications_of(gp, who)] == [again.pk]
    actions.stop_medication(medication_id=again.pk, why="疗程结束", **acts)
    with pytest.raises(Taken):
        actions.stop_medication(medication_id=again.pk, why="再停", **acts)
    sure.refresh_from_db()
    assert (sure.stop_reason, Medication.objects.count()) == ("改为 0.5g", 2)

    problem = actions.record_condition(resident_id=who.pk, code="I10", zh="原发性高血压", **acts)
    actions.end_condition(condition_id=problem.pk, on=NOW.date() - timedelta(days=1), why="复核后排除", **acts)
    assert not queries.conditions_of(gp, who).exists()
    actions.record_condition(resident_id=who.pk, code="I10", zh="原发性高血压", **acts)
    assert queries.conditions_of(gp, who).get().pk == problem.pk
    assert AuditEvent.objects.filter(action="records.end_condition").get().detail["why"] == "复核后排除"


def test_the_page_of_what_is_lived_with_writes_and_refuses(client: Client) -> None:
    terminology.load_concepts(by=TESTER, at=NOW)
    own = centre()
    who, gp = resident(own), seat("gp", own)
    sign_in(client, gp)
    address = f"/residents/{who.pk}/keep/"

    sent = [
        client.post(address, {**body, FIELD: f"k{number}"}).status_code
        for number, body in enumerate(
            (
                {"step": "problem", "name": "I10", "since": "2019-01-01"},
                {"step": "none_known"},
                {"step": "allergy", "name": "青霉素类", "words": "皮疹", "severity": "severe"},
                {"step": "medicine", "name": "氨氯地平", "words": "5mg 每日一次"},
                {"step": "medicine", "name": "阿莫西林"},
                {"step": "stop", "row": "1"},
                {"step": "problem", "name": "X99"},
            )
        )
    ]

    assert sent == [302, 302, 302, 302, 422, 422, 422]
    assert Condition.objects.get().since.isoformat() == "2019-01-01"
    page = client.get(address).content.decode()
    for word in ("原发性高血压", "青霉素类", "皮疹", "氨氯地平"):
        assert word in page
    row = Medication.objects.get()
    assert client.post(address, {"step": "stop", "row": row.pk, "words": "低血压", FIELD: "s"}).status_code == 302


def test_home_readings_are_typed_asked_about_and_counted_once(client: Client) -> None:
    who, own = at_home(centre())
    sign_in(client, own)
    address, moment = "/residents/record/", timezone.localtime(NOW - HOUR).strftime("%Y-%m-%dT%H:%M")
    body = {"systolic": "146", "diastolic": "88", "glucose_fasting": "126", "taken_at": moment}

    asked = client.post(address, {**body, FIELD: "a"})
    sent = [
        client.post(address, {**body, "sure": "glucose_fasting=126", FIELD: f"h{n}"}, follow=True) for n in range(5)
    ]
    bad = client.post(address, {"systolic": "300", "diastolic": "5", "taken_at": moment, FIELD: "b"})
    none = client.post(address, {"taken_at": moment, FIELD: "c"})

    assert asked.status_code == bad.status_code == none.status_code == 422
    assert "mg/dL" in asked.content.decode()
    assert 'value="glucose_fasting=126"' in asked.content.decode()
    assert "已记下 3 项" in sent[0].content.decode()
    assert "没有重复记" in sent[4].content.decode()
    assert sorted((row.code, str(row.value)) for row in Observation.objects.filter(resident=who)) == [
        ("diastolic", "88.00"), ("glucose_fasting", "7.00"), ("systolic", "146.00")
    ]  # fmt: skip
    page = client.get(address).content.decode()
    for word in ("我的档案", "收缩压 146 mmHg", "该做的服务", "测血压"):
        assert word in page


def test_who_only_books_for_somebody_reads_no_record(client: Client) -> None:
    who, _own = at_home(centre("a"))
    _other, proxy = resident(centre("b")), seat("resident", centre("c"), user("proxy"))
    who.bases.create(kind="proxy", user_id=proxy.user_id, source="consent:1", since=NOW - HOUR)
    sign_in(client, proxy)

    assert client.get(f"/residents/record/?resident={who.pk}").status_code == 404


def test_the_own_page_asks_the_database_few_questions(client: Client) -> None:
    who, own = at_home(centre())
    measure(who, own.actor, source="home")
    sign_in(client, own)
    client.get("/residents/record/")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get("/residents/record/")

    assert len(asked) <= 40
