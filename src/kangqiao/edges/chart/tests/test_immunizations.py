"""Vaccinations: written once, corrected with the former row kept, asked about, and on the pages of both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, centre
from kangqiao.domain.records import actions, queries
from kangqiao.domain.records.models import Encounter, Immunization
from kangqiao.domain.records.queries import Jab
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.domain.terminology import actions as terminology
from kangqiao.edges.mydata.bundle import bundle
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken
from kangqiao.pathways.own_data import everything_kept
from kangqiao.pathways.vaccinate import vaccinate

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = timezone.localdate(NOW)
BORN = TODAY - timedelta(days=100)
BOX: dict[str, Any] = {
    "manufacturer": "演示生物", "lot": "L2026A1", "expires_on": TODAY + timedelta(days=200), "performer": "演示护士",
    "site": "left_thigh", "route": "im",
}  # fmt: skip
HEPB = Jab("hepb", TODAY, **BOX)


def child(own: Organization) -> Resident:
    """A child of hundred days, registered after the day of the other tests."""
    who = resident(own)
    who.birth_date = BORN
    who.save(update_fields=("birth_date",))
    return who


@pytest.fixture
def room(client: Client) -> tuple[Client, Any, Resident]:
    """A family doctor signed in, and a child of hundred days of the centre."""
    terminology.load_concepts(by=TESTER, at=NOW)
    own = centre()
    gp = seat("gp", own)
    client.force_login(User.objects.get(pk=gp.user_id))
    return client, gp, child(own)


def write(gp: Any, who: Resident, told: Jab = HEPB, **more: Any) -> Immunization:
    return actions.record_immunization(resident_id=who.pk, told=told, by=gp.actor, at=NOW, **more)


def elsewhere(vaccine: str, on: date, dose: int = 0) -> Jab:
    return Jab(vaccine, on, dose, is_here=False, place="外地接种门诊")


def test_one_given_here_is_a_visit_of_that_day_once(room: Any) -> None:
    _client, gp, who = room

    first = write(gp, who)
    second = write(gp, who, replace(HEPB, vaccine="ipv"))

    assert (first.series, first.dose, second.series, second.dose) == ("hepb", 1, "polio", 1)
    visit = Encounter.objects.get()
    assert (visit.diagnosis, visit.outcome, visit.organization_id) == ("Z24", "treated", who.centre_id)
    assert {first.encounter_id, second.encounter_id} == {visit.pk}
    assert not first.is_confirmed
    told = AuditEvent.objects.filter(action="records.record_immunization").order_by("pk").first()
    assert told is not None
    assert set(told.detail) == {"is_here"}


def test_what_the_box_says_is_needed_here_and_not_of_a_certificate(room: Any) -> None:
    _client, gp, who = room

    with pytest.raises(RuleBroken, match="批号、有效期至"):
        write(gp, who, replace(HEPB, lot="", expires_on=None))
    made = write(gp, who, elsewhere("hepb", BORN))

    assert (made.encounter_id, made.place, made.dose) == (None, "外地接种门诊", 1)
    assert not Encounter.objects.exists()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (replace(HEPB, given_on=TODAY + timedelta(days=1)), "在今天之后"),
        (elsewhere("hepb", BORN - timedelta(days=1)), "早于出生日期"),
        (replace(HEPB, expires_on=TODAY - timedelta(days=1)), "已经过期"),
        (replace(HEPB, dose=4), "一共 3 剂"),
        (replace(HEPB, dose=1), "第 1 剂已经记过"),
        (replace(HEPB, vaccine="water"), "没有这种疫苗"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_whatever_is_ticked(room: Any, told: Jab, said: str) -> None:
    _client, gp, who = room
    write(gp, who, elsewhere("hepb", BORN, 1))
    every = {"too_soon", "too_young", "not_now", "twice", "before_birth", "expired", "no_dose"}

    with pytest.raises(RuleBroken, match=said):
        write(gp, who, told, sure=every)
    assert Immunization.objects.count() == 1


def test_an_odd_interval_is_asked_about_and_the_tick_is_kept(room: Any) -> None:
    _client, gp, who = room
    write(gp, who, elsewhere("hepb", TODAY - timedelta(days=27), 1))

    with pytest.raises(RuleBroken, match="离上一剂太近"):
        write(gp, who)
    made = write(gp, who, sure={"too_soon"})

    assert (made.dose, made.is_confirmed) == (2, True)


def test_an_allergy_and_a_former_reaction_are_asked_about(room: Any) -> None:
    _client, gp, who = room
    actions.record_allergy(resident_id=who.pk, name="鸡蛋", by=gp.actor, at=NOW)
    flu = replace(HEPB, vaccine="influenza")

    with pytest.raises(RuleBroken, match="鸡蛋过敏"):
        write(gp, who, flu)
    write(gp, who, replace(flu, given_on=TODAY - timedelta(days=1), reaction="高热"), sure={"allergy"})
    with pytest.raises(RuleBroken, match="接种后有不良反应"):
        write(gp, who, flu, sure={"allergy"})

    assert write(gp, who, flu, sure={"allergy", "reacted"}).is_confirmed
    assert write(gp, who).dose == 1  # nothing of egg in it


def test_nobody_dead_is_vaccinated(room: Any) -> None:
    _client, gp, who = room
    Resident.objects.filter(pk=who.pk).update(deceased_on=TODAY - timedelta(days=3))

    with pytest.raises(RuleBroken, match="去世"):
        write(gp, who, elsewhere("hepb", BORN))


def test_a_correction_keeps_the_former_row_and_a_void_one_frees_the_dose(room: Any) -> None:
    _client, gp, who = room
    first = write(gp, who)

    better = actions.correct_immunization(
        immunization_id=first.pk, told=replace(HEPB, lot="L2026A2", dose=1), reason="批号抄错", by=gp.actor, at=NOW
    )
    with pytest.raises(Taken, match="已经更正"):
        actions.correct_immunization(immunization_id=first.pk, told=None, reason="再改", by=gp.actor, at=NOW)
    with pytest.raises(RuleBroken, match="没有改动"):
        actions.correct_immunization(
            immunization_id=better.pk, told=queries.as_told(better), reason="看看", by=gp.actor, at=NOW
        )
    with pytest.raises(RuleBroken, match="原因"):
        actions.correct_immunization(immunization_id=better.pk, told=None, reason=" ", by=gp.actor, at=NOW)

    assert list(queries.immunizations_of(gp, who)) == [better]
    assert [one.lot for one in queries.former_immunizations(better)] == ["L2026A1"]
    assert better.encounter_id == first.encounter_id
    void = actions.correct_immunization(immunization_id=better.pk, told=None, reason="记错了人", by=gp.actor, at=NOW)
    assert not queries.immunizations_of(gp, who).exists()
    assert (void.lot, queries.immunizations_of(gp, who, past=True).count()) == ("L2026A2", 3)
    assert write(gp, who).dose == 1


def test_the_database_holds_one_dose_and_one_day(room: Any) -> None:
    _client, gp, who = room
    row = write(gp, who)
    twin = {name: getattr(row, name) for name in ("organization_id", "vaccine", "series", "given_on", "is_here")}
    twin |= {name: getattr(row, name) for name in (*BOX, "recorded_by", "recorded_at")}

    for change in ({"dose": 1, "given_on": BORN}, {"dose": 2}, {"dose": 2, "given_on": BORN, "lot": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Immunization.objects.create(resident=who, **twin | change)


def test_other_houses_neither_write_nor_correct(room: Any) -> None:
    _client, gp, who = room
    row = write(gp, who)
    stranger = seat("gp", centre(code="c-far"))

    with pytest.raises(Denied):
        write(stranger, who, replace(HEPB, vaccine="ipv"))
    with pytest.raises(Denied):
        actions.correct_immunization(immunization_id=row.pk, told=None, reason="不对", by=stranger.actor, at=NOW)
    with pytest.raises(NotVisible):
        queries.immunization(stranger, row.pk)


def test_a_merge_moves_them_and_its_undoing_brings_them_back(room: Any) -> None:
    _client, gp, who = room
    twin = child(who.centre)
    kept, gone = write(gp, who), write(gp, twin, elsewhere("bcg", BORN))
    same = write(gp, twin, elsewhere("hepb", BORN, 1))
    manager = seat("centre_manager", who.centre).actor

    merge = residents.merge_residents(
        kept_id=who.pk, gone_id=twin.pk, reason="同一个孩子", is_sure=True, by=manager, at=NOW
    )
    assert set(Immunization.objects.filter(resident=who)) == {kept, gone}
    assert Immunization.objects.get(resident=twin) == same  # the one kept has that dose already
    residents.undo_merge(merge_id=merge.pk, why="是双胞胎", by=manager, at=NOW)

    assert set(Immunization.objects.filter(resident=twin)) == {gone, same}


def test_the_page_asks_and_what_is_ticked_is_for_exactly_this_dose(room: Any) -> None:
    client, gp, who = room
    write(gp, who, elsewhere("hepb", TODAY - timedelta(days=20), 1))
    form = {
        "vaccine": "hepb", "given_on": f"{TODAY}", "given": "here", **BOX, "expires_on": f"{BOX['expires_on']}",
    }  # fmt: skip
    url = f"/residents/{who.pk}/immunizations/"

    asked = client.post(url, {**form, FIELD: "jab-1"})
    body = asked.content.decode()
    wrong = client.post(url, {**form, "sure": "too_soon=ipv=0=x=here", FIELD: "jab-2"})
    assert (asked.status_code, wrong.status_code) == (422, 422)
    assert "离上一剂太近" in body
    assert 'value="L2026A1"' in body
    mark = f"too_soon=hepb==={TODAY}=here".replace("===", "==")
    assert f'value="{mark}"' in body
    done = client.post(url, {**form, "sure": mark, FIELD: "jab-3"}, follow=True)

    assert "已同步到" in done.content.decode()
    assert Immunization.objects.filter(resident=who, dose=2, is_confirmed=True).count() == 1


def test_both_sides_read_it_and_what_is_due_next(room: Any, client: Client) -> None:
    client, gp, who = room
    before = client.get(f"/residents/{who.pk}/").content.decode()
    assert "对着接种证补记" in before
    made, services = vaccinate(resident_id=who.pk, told=replace(HEPB, reaction="局部红肿"), by=gp.actor, at=NOW)

    page = client.get(f"/residents/{who.pk}/").content.decode()
    own = client.get(f"/residents/{who.pk}/immunizations/").content.decode()

    assert services == 0  # no contract promised it
    assert "乙肝疫苗 第 1 剂" in page
    assert "有不良反应" in page
    assert f"/residents/immunizations/{made.pk}/" in page
    assert "乙肝疫苗第 2 剂" in page
    assert "对着接种证补记" not in page
    assert "第 2 剂" in own
    assert "局部红肿" in own
    row = client.get(f"/residents/immunizations/{made.pk}/").content.decode()
    assert "L2026A1" in row
    assert "演示护士" in row


def test_the_correction_page_voids_with_its_reason(room: Any) -> None:
    client, gp, who = room
    row = write(gp, who)
    form = {"vaccine": "hepb", "given_on": f"{TODAY}", "given": "here", "is_void": "on", FIELD: "void-1"}

    refused = client.post(f"/residents/immunizations/{row.pk}/", form)
    page = client.post(
        f"/residents/immunizations/{row.pk}/", {**form, "reason": "记错了人", FIELD: "void-2"}, follow=True
    )

    assert refused.status_code == 422
    assert "已作废" in page.content.decode()
    assert "L2026A1" in page.content.decode()


def test_ones_own_page_and_file_hold_them(client: Client) -> None:
    own = centre()
    me = seat("resident", own)
    who = resident(own, user_id=me.user_id, birth_date=date(1990, 3, 1))
    gp = seat("gp", own)
    made = write(gp, who, Jab("influenza", TODAY, **BOX | {"site": "left_arm"}))
    actions.correct_immunization(
        immunization_id=made.pk, told=Jab("influenza", TODAY, **BOX | {"site": "right_arm"}), reason="左右写反",
        by=gp.actor, at=NOW,
    )  # fmt: skip
    client.force_login(User.objects.get(pk=me.user_id))

    page = client.get("/residents/record/").content.decode()
    found = [one["resource"] for one in bundle(everything_kept(me, None, NOW))["entry"]]
    rows = [one for one in found if one["resourceType"] == "Immunization"]

    assert "流感疫苗" in page
    assert "L2026A1" in page
    assert [(one["status"], one["site"]["coding"][0]["code"]) for one in rows] == [
        ("completed", "RA"), ("entered-in-error", "LA"),
    ]  # fmt: skip
    assert rows[0]["lotNumber"] == "L2026A1"
    assert rows[0]["vaccineCode"]["coding"][0]["code"] == "J07BB02"
