"""What is kept about a person as a file: who gets it, what stands in it, and that its resources keep R4's rules."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kangqiao.base.models import AuditEvent, Job
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.models import Allergy, Condition, Document, Encounter, Medication, Observation
from kangqiao.domain.records.parameters import measures
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.edges.jobs.mydata import gather
from kangqiao.edges.mydata import bundle
from kangqiao.kernel.errors import NotVisible
from kangqiao.pathways.own_data import everything_kept

pytestmark = pytest.mark.django_db
# What R4 (4.0.1) requires of each resource, and the codes its required bindings allow.
NEEDED = {
    "Patient": (), "Encounter": ("status", "class"), "Condition": ("subject", "clinicalStatus"),
    "Observation": ("status", "code"), "AllergyIntolerance": ("patient", "clinicalStatus"),
    "MedicationStatement": ("status", "subject", "medicationCodeableConcept"),
    "Appointment": ("status", "participant", "start", "end"), "ServiceRequest": ("status", "intent", "subject"),
    "DocumentReference": ("status", "content"), "AuditEvent": ("type", "recorded", "agent", "source"),
}  # fmt: skip
STATUS = {
    "Encounter": {"planned", "arrived", "in-progress", "finished", "cancelled"},
    "Observation": {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error"},
    "MedicationStatement": {"active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown"},
    "Appointment": {"proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow", "checked-in"},
    "ServiceRequest": {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"},
    "DocumentReference": {"current", "superseded", "entered-in-error"},
}  # fmt: skip
MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2}))?$")
TIMES = {"start", "end", "recorded", "issued", "authoredOn", "birthDate", "timestamp", "date", "created"}


@pytest.fixture
def w() -> f.World:
    return f.world()


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


def kept(w: f.World, one: Resident, number: int = 1) -> None:
    """A row of every kind, current and past."""
    doctor = w.person("gp")
    visit = Encounter.objects.create(
        resident=one, organization=w.centre, practitioner=doctor, started_at=f.AT, diagnosis="I10", reason="头晕",
        outcome="treated", summary="血压偏高<b>", origin="walk_in",
    )  # fmt: skip
    Condition.objects.create(resident=one, code=f"I1{number}", zh="高血压", since=f.ON)
    Condition.objects.create(resident=one, code=f"J1{number}", zh="肺炎", since=f.ON, abated_on=f.ON)
    taken = {"resident": one, "recorded_by": "演示", "source": "visit", "unit": "mmHg", "code": "systolic"}
    at = f.AT + timedelta(minutes=number)
    wrong = Observation.objects.create(value=1460 / 10, taken_at=at, recorded_at=at, encounter=visit, **taken)
    Observation.objects.create(
        value=136, taken_at=at, recorded_at=at + timedelta(hours=1), corrects=wrong, reason="写错了", **taken
    )
    smokes = {**taken, "unit": "", "code": "smoking"}
    Observation.objects.create(text="never", taken_at=at, recorded_at=at, **smokes)
    Allergy.objects.create(
        resident=one, zh=f"青霉素{number}", code="J01C", reaction="皮疹", severity="severe", recorded_by="演示",
        recorded_at=f.AT,
    )  # fmt: skip
    Medication.objects.create(
        resident=one, zh=f"氨氯地平{number}", code="C08CA01", dose="5mg", since=f.ON, recorded_by="演示"
    )
    Document.objects.create(
        resident=one, encounter=visit, kind="visit_summary", organization=w.centre, signed_by="演示", signed_at=f.AT,
        text="小结正文",
    )  # fmt: skip
    asked_for(w, one, doctor, number)


def asked_for(w: f.World, one: Resident, doctor: Practitioner, number: int) -> None:
    """A booking, a referral, and somebody who looked."""
    starts = f.AT + timedelta(days=number)
    session = Session.objects.create(
        organization=w.centre, practitioner=doctor, specialty="cardiology", kind="posted_expert", starts_at=starts,
        ends_at=starts + timedelta(hours=1), source="x", policy_ref="x",
    )  # fmt: skip
    slot = Slot.objects.create(
        session=session, starts_at=starts, ends_at=starts + timedelta(hours=1), opens_at=f.AT, pool="public", capacity=1
    )
    Booking.objects.create(
        slot=slot, session=session, resident=one, status="no_show", channel="self", booked_by="演示", booked_at=f.AT,
        attempt=f"a{one.pk}-{number}",
    )  # fmt: skip
    Referral.objects.create(
        number=f"U{one.pk}-{number}", direction="up", resident=one, from_organization=w.centre,
        to_organization=w.hospital, specialty="cardiology", diagnosis="高血压", reason="难治", status="closed",
        sent_at=f.AT, clock_from=f.AT, answer_by=f.AT, policy_ref="x",
    )  # fmt: skip
    AuditEvent.objects.create(
        kind="read", at=timezone.now(), by_id=f"user:{doctor.pk + 9000}", by_name="演示医生", action="a",
        organization_id=w.centre.pk, subject_type="residents.resident", resident_id=one.pk, basis="registration",
    )  # fmt: skip


def run(seat: Seat, one: Resident, wanted: str) -> Job:
    job = Job.objects.create(kind=f"mydata.{wanted}", label="x", by_id=seat.actor.id, by_name="x", started_at=f.AT)
    gather(
        resident_id=one.pk, membership_id=seat.membership_id, wanted=wanted, language="zh-hans", by=asdict(seat.actor),
        job_id=job.pk,
    )  # fmt: skip
    job.refresh_from_db()
    return job


def resources(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in told["entry"]]


def walked(value: Any, key: str = "") -> Any:
    """Every key with its value, at any depth."""
    yield key, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walked(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from walked(inner, key)


def test_person_takes_everything_along_as_a_sheet_and_as_a_bundle(w: f.World) -> None:
    one = w.resident(with_user=True)
    kept(w, one)
    seat = w.own(one)

    sheet, told = run(seat, one, "sheet"), run(seat, one, "bundle")

    page = bytes(sheet.result or b"").decode()
    for words in (
        "高血压",
        "肺炎",
        "青霉素1",
        "氨氯地平1",
        "头晕",
        "136",
        "小结正文",
        "未到诊",
        "难治",
        "演示医生",
        one.identifier,
    ):
        assert words in page, words
    assert "血压偏高&lt;b&gt;" in page
    assert "src=" not in page
    found = resources(json.loads(bytes(told.result or b"")))
    kinds = [row["resourceType"] for row in found]
    assert set(kinds) == set(NEEDED)
    assert kinds[0] == "Patient"
    values = [row for row in found if row["resourceType"] == "Observation" and "valueQuantity" in row]
    assert sorted((row["status"], row["valueQuantity"]["value"]) for row in values) == [
        ("corrected", 136.0), ("entered-in-error", 146.0),
    ]  # fmt: skip
    assert {row["valueQuantity"]["code"] for row in values} == {"mm[Hg]"}
    assert told.done == told.total == len(found) - 1
    assert (told.failure, told.result_name[-5:], sheet.result_name[-5:]) == ("", ".json", ".html")
    assert Notice.objects.filter(user=one.user, kind="job").count() == 2


def test_bundle_keeps_the_rules_of_r4(w: f.World) -> None:
    one = w.resident(with_user=True)
    kept(w, one)
    Allergy.objects.create(
        resident=one,
        zh="",
        recorded_by="演示",
        recorded_at=f.AT,
        refuted_at=f.AT,
        refuted_why="有过敏了",
        refuted_by="演示",
    )
    Medication.objects.filter(resident=one).update(until=f.ON, stop_reason="咳嗽")

    told = json.loads(bundle.written(everything_kept(w.own(one), None, f.AT)))

    assert (told["resourceType"], told["type"]) == ("Bundle", "collection")
    addresses = [entry["fullUrl"] for entry in told["entry"]]
    assert len(addresses) == len(set(addresses))
    for row in resources(told):
        kind = row["resourceType"]
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", row["id"])
        assert all(row.get(name) for name in NEEDED[kind]), (kind, row)
        assert row.get("status") in STATUS.get(kind, {None}), (kind, row)
        assert sum(key.startswith("value") for key in row) <= 1
        assert not ("dataAbsentReason" in row and any(key.startswith("value") for key in row))
        if kind == "Condition" and "abatementDateTime" in row:
            assert row["clinicalStatus"]["coding"][0]["code"] in ("inactive", "resolved", "remission")
    for key, value in walked(told):
        assert value not in ("", [], {}, None), key
        if key == "reference":
            assert value in addresses
        if key in TIMES and isinstance(value, str):
            assert MOMENT.match(value), (key, value)
        if key == "coding":
            assert all("system" in each and "code" in each for each in ([value] if isinstance(value, dict) else value))


def test_page_puts_it_into_the_queue_and_the_read_is_logged_with_its_basis(w: f.World) -> None:
    one = w.resident(with_user=True)
    browser = signed_in(w.own(one))
    before = AuditEvent.objects.filter(kind="read", resident_id=one.pk).count()

    sent = browser.post(reverse("mydata"), {"wanted": "sheet", "idempotency_key": "k"})

    assert sent.status_code == 302
    assert Job.objects.get(kind="mydata.sheet").label.startswith(one.name)
    read = AuditEvent.objects.filter(kind="read", resident_id=one.pk).order_by("-pk")
    assert read.count() > before
    assert read[0].basis == "own"
    assert one.name in browser.get(reverse("mydata")).content.decode()
    run(w.own(one), one, "bundle")
    assert AuditEvent.objects.filter(action="mydata.export", resident_id=one.pk).count() == 1


def test_parent_takes_the_childs_along_without_what_is_protected_and_who_runs_errands_gets_nothing(w: f.World) -> None:
    child, parent, helper = w.resident(date(2020, 1, 1)), w.resident(with_user=True), w.resident(with_user=True)
    for kind, who in ((Basis.Kind.GUARDIAN, parent), (Basis.Kind.PROXY, helper)):
        residents.grant_basis(
            resident_id=child.pk, kind=kind, source="test", since=f.AT, user_id=who.user_id, by=f.JOB, at=f.AT
        )
    kept(w, child)
    Condition.objects.create(resident=child, code="B24", zh="特别保护", since=f.ON)
    own = w.own(parent)

    told = everything_kept(own, child.pk, f.AT)

    assert not told.is_whole
    assert "B24" not in [row.code for row in told.conditions]
    assert [row.code for row in told.conditions]
    page = bytes(run(own, child, "sheet").result or b"").decode()
    assert "特别保护的内容和转诊单不写进这份文件" in page
    for seat in (w.own(helper), w.own(w.resident(with_user=True))):
        with pytest.raises(NotVisible):
            everything_kept(seat, child.pk, f.AT)
        assert signed_in(seat).get(reverse("mydata"), {"resident": child.pk}).status_code == 404
    mine = w.resident(with_user=True)
    Condition.objects.create(resident=mine, code="B24", zh="特别保护", since=f.ON)
    assert [row.code for row in everything_kept(w.own(mine), None, f.AT).conditions] == ["B24"]


def test_right_that_ended_meanwhile_ends_the_work_with_a_sentence(w: f.World) -> None:
    one, other = w.resident(with_user=True), w.resident(with_user=True)
    seat = w.own(one)
    job = Job.objects.create(kind="mydata.sheet", label="x", by_id=seat.actor.id, by_name="x", started_at=f.AT)

    with pytest.raises(NotVisible):
        gather(
            resident_id=other.pk, membership_id=seat.membership_id, wanted="sheet", language="zh-hans",
            by=asdict(seat.actor), job_id=job.pk,
        )  # fmt: skip

    job.refresh_from_db()
    assert job.failure
    assert job.result is None


def test_more_rows_ask_no_more(w: f.World) -> None:
    one, asks = w.resident(with_user=True), []
    for number in (1, *range(2, 9)):
        kept(w, one, number)
        if number in (1, 8):
            with CaptureQueriesContext(connection) as found:
                bundle.written(everything_kept(w.own(one), None, f.AT))
                asks.append(len(found))

    assert asks[1] <= asks[0]


def test_every_unit_of_the_packs_has_its_ucum_code() -> None:
    assert {one.unit for one in measures().values()} <= set(bundle.UNITS)
