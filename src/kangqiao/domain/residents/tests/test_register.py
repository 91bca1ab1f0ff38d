"""Registering at the desk, merging and death."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Condition, Encounter
from kangqiao.domain.residents import actions, queries, rules
from kangqiao.domain.residents.models import Basis, Merge, Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken
from kangqiao.kernel.identifiers import id_check_digit

pytestmark = pytest.mark.django_db
TODAY = date(2026, 5, 14)


def citizen(born: str = "19560321", order: str = "002") -> str:
    """A well-formed citizen id of nobody."""
    first = f"440402{born}{order}"
    return first + id_check_digit(first)


@pytest.mark.parametrize(
    ("kind", "number", "sex", "born", "faults"),
    [
        ("citizen", citizen(), "", None, ()),
        ("citizen", citizen()[:-1] + ("0" if citizen()[-1] != "0" else "1"), "", None, ("check_digit",)),
        ("citizen", "", "female", date(1990, 1, 1), ("check_digit",)),
        ("citizen", citizen(), "male", None, ("sex_not_as_id",)),
        ("citizen", citizen(), "female", date(1956, 3, 12), ("born_not_as_id",)),
        (
            "citizen",
            citizen("19030515"),
            "",
            None,
            ("old",),
        ),  # 122 until tomorrow; nobody is known to have lived longer
        ("citizen", citizen("19030514"), "", None, ("too_old",)),
        ("citizen", citizen("19060514"), "", None, ("old",)),  # 120 today
        ("citizen", citizen("19250101"), "", None, ("old",)),
        ("passport", "", "male", date(1990, 1, 1), ("number_missing",)),
        ("none", "", "male", date(1990, 1, 1), ()),
        ("none", "", "", None, ("sex_missing", "born_missing")),
        ("birth", "T440000001", "female", date(2026, 5, 15), ("ahead",)),
    ],
)
def test_papers_and_what_is_told_fit_together(
    kind: str, number: str, sex: str, born: date | None, faults: tuple[str, ...]
) -> None:
    found = rules.read_identity(kind, number, sex, born, TODAY)

    assert found.faults == faults
    if kind == "citizen" and not faults:
        assert (found.sex, found.born) == ("female", date(1956, 3, 21))


def test_a_record_number_has_17_digits_and_counts_up() -> None:
    own = centre()

    numbers = [resident(own).record_number for _ in range(2)]

    assert numbers == ["44040000100100001", "44040000100100002"]
    assert rules.record_prefix("440402-HQ", "003101") == "440402003101"
    with pytest.raises(IntegrityError), transaction.atomic():
        Resident.objects.update(record_number=numbers[0])


@pytest.fixture
def desk(client: Client) -> tuple[Client, Seat, Organization]:
    """A family doctor signed in."""
    own = centre()
    gp = seat("gp", own)
    client.force_login(User.objects.get(pk=gp.user_id))
    return client, gp, own


def send(client: Client, number: int = 0, **more: str) -> Any:
    """A registration sent from its page."""
    body = {
        "identifier_kind": "citizen", "identifier": citizen(), "name": "李桂兰", "insurance": "resident",
        "neighbourhood": "003101",
    }  # fmt: skip
    return client.post("/residents/new/", {**body, FIELD: f"new-{number}", **more})


def test_a_citizen_is_registered_by_name_and_number(desk: Any) -> None:
    client, _gp, own = desk

    answer = send(client, name="欧阳·阿卜杜热合曼𠮷䶮")

    row = Resident.objects.get()
    assert answer.status_code == 302
    assert (row.name, row.sex, row.birth_date, row.centre_id) == (
        "欧阳·阿卜杜热合曼𠮷䶮", "female", date(1956, 3, 21), own.pk
    )  # fmt: skip
    assert (row.identifier_kind, row.record_number) == ("citizen", "44040000310100001")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"identifier": "440402195603210020"}, "校验位"),
        ({"sex": "male"}, "性别不一致"),
        ({"birth_date": "1956-12-03"}, "出生日期不一致"),
        ({"identifier": citizen("19250101")}, "超过一百岁"),
        ({"identifier": citizen("19030101")}, "没有人活到"),
        ({"name": "李\u200b桂兰"}, "看不见的符号"),
        ({"name": "李" * 101}, "100"),
        ({"phone": "call me"}, "不像电话号码"),
        ({"neighbourhood": "31"}, "6 位"),
        ({"identifier_kind": "passport", "identifier": ""}, "请写证件号"),
        ({"identifier_kind": "none", "identifier": ""}, "请写出生日期"),
        ({"mother": "X1"}, "母亲没有"),
    ],
)
def test_what_does_not_fit_is_told_and_kept(desk: Any, more: dict[str, str], words: str) -> None:
    client, _gp, _own = desk

    answer = send(client, address="凤凰路 1 号", **more)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "凤凰路 1 号" in page
    assert not Resident.objects.exists()


def test_somebody_of_a_hundred_and_twenty_is_asked_about_and_confirmed(desk: Any) -> None:
    client, _gp, _own = desk
    told = {"identifier": citizen(f"{timezone.localdate().year - 120}0101"), "address": "凤凰路 1 号"}

    asked = send(client, **told)
    sure = send(client, 1, is_sure="on", **told)

    assert (asked.status_code, sure.status_code) == (422, 302)
    assert "超过一百岁" in asked.content.decode()
    assert "凤凰路 1 号" in asked.content.decode()
    assert Resident.objects.get().birth_date.year == timezone.localdate().year - 120


def test_a_newborn_without_papers_has_the_mother_and_a_number(desk: Any) -> None:
    client, gp, own = desk
    mother = resident(own, name="白露", identifier="M1")
    newborn = {"identifier_kind": "none", "identifier": "", "name": "白露之女", "sex": "female", "mother": "M1"}

    assert send(client, **newborn, birth_date=timezone.localdate().isoformat()).status_code == 302

    row = Resident.objects.get(name="白露之女")
    assert (row.mother_id, row.identifier) == (mother.pk, f"N{row.record_number}")
    assert queries.by_identifier(gp, row.record_number) == row


def test_who_might_be_the_same_is_shown_and_who_is_out_of_reach_only_counted(desk: Any) -> None:
    client, _gp, own = desk
    born = {"birth_date": date(1956, 3, 21), "sex": "female"}
    seen = resident(own, name="李桂蓝", **born)  # sounds alike
    resident(centre("b"), name="李桂兰", **born)

    asked = send(client)
    page = asked.content.decode()
    made = send(client, 1, is_new="on")

    assert asked.status_code == 422
    assert f"/residents/{seen.pk}/" in page
    assert "别的中心还有 1 人" in page
    assert made.status_code == 302


def test_the_papers_of_another_person_are_refused_even_when_sure(desk: Any) -> None:
    client, _gp, _own = desk
    resident(centre("b"), name="王五", identifier=citizen())

    answer = send(client, is_new="on", address="凤凰路 1 号")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "已经建档" in page
    assert "凤凰路 1 号" in page
    assert "王五" not in page
    assert Resident.objects.get().name == "王五"


def two(own: Organization) -> tuple[Resident, Resident]:
    """One person registered twice, with a visit, a problem each and one more of the second."""
    rows = resident(own, identifier="K1"), resident(own, identifier="G1")
    for row in rows:
        records.record_condition(resident_id=row.pk, code="I10", zh="原发性高血压", by=TESTER, at=NOW)
        records.record_encounter(
            resident_id=row.pk, organization_id=own.pk, practitioner_id=None, started_at=NOW - timedelta(days=1),
            by=TESTER, at=NOW,
        )  # fmt: skip
    records.record_condition(resident_id=rows[1].pk, code="E11", zh="2型糖尿病", by=TESTER, at=NOW)
    own_seat = seat("resident", own, user("own"))
    actions.link_user(resident_id=rows[1].pk, user_id=own_seat.user_id, by=TESTER, at=NOW)
    return rows


def state() -> list[dict[str, Any]]:
    """Every row that names a resident."""
    models = (Resident, Basis, Encounter, Condition)
    return [model_to_dict(row) for model in models for row in model.objects.order_by("pk")]


def test_merging_moves_everything_and_undoing_restores_both_exactly() -> None:
    own = centre()
    kept, gone = two(own)
    gp, before = seat("gp", own), state()

    row = actions.merge_residents(kept_id=kept.pk, gone_id=gone.pk, reason="同一张身份证", by=gp.actor, at=NOW)

    assert Encounter.objects.filter(resident=kept).count() == 2
    assert set(Condition.objects.filter(resident=kept).values_list("code", flat=True)) == {"I10", "E11"}
    assert Condition.objects.filter(resident=gone).get().code == "I10"  # the one kept has it in the same form
    assert (Resident.objects.get(pk=kept.pk).user_id, Resident.objects.get(pk=gone.pk).user_id) == (
        User.objects.get(username="own").pk, None
    )  # fmt: skip
    with pytest.raises(NotVisible):
        queries.get_resident(gp, gone.pk)
    assert [one.pk for one in queries.search_residents(gp, "林惊蛰", 9)] == [kept.pk]
    with pytest.raises(Taken, match="已经合并过"):
        actions.merge_residents(kept_id=kept.pk, gone_id=gone.pk, reason="再来", by=gp.actor, at=NOW)

    # What was kept stays the one that is kept: from any number it is one step to the person.
    third = resident(own, identifier="T1")
    with pytest.raises(RuleBroken, match="已经并入过"):
        actions.merge_residents(kept_id=third.pk, gone_id=kept.pk, reason="还是她", by=gp.actor, at=NOW)
    Basis.objects.filter(resident=third).delete()
    third.delete()

    actions.undo_merge(merge_id=row.pk, why="是孪生姐妹", by=gp.actor, at=NOW)

    assert state() == before
    assert queries.get_resident(gp, gone.pk) == gone
    with pytest.raises(Taken, match="分开了"):
        actions.undo_merge(merge_id=row.pk, why="再分", by=gp.actor, at=NOW)
    done = AuditEvent.objects.filter(action__in=("residents.merge_residents", "residents.undo_merge"))
    assert [(one.by_id, one.detail) for one in done] == [(gp.actor.id, {"gone": gone.pk})] * 2
    row.refresh_from_db()
    assert (row.reason, row.merged_by, row.undone_why) == ("同一张身份证", gp.actor.name, "是孪生姐妹")


def test_what_came_after_a_merge_stays_with_the_one_kept() -> None:
    own = centre()
    kept, gone = two(own)
    row = actions.merge_residents(kept_id=kept.pk, gone_id=gone.pk, reason="同一人", by=TESTER, at=NOW)
    since = records.record_condition(resident_id=kept.pk, code="E78", zh="血脂异常", by=TESTER, at=NOW)

    actions.undo_merge(merge_id=row.pk, why="不是", by=TESTER, at=NOW)

    since.refresh_from_db()
    assert since.resident_id == kept.pk


def test_merging_is_refused_without_reason_right_or_likeness() -> None:
    own = centre()
    kept, gone = two(own)
    twin = resident(own, sex="female")
    stranger = resident(centre("b"))
    by = seat("gp", own).actor

    for other, reason, error in (
        (gone, " ", RuleBroken), (twin, "像", RuleBroken), (stranger, "像", Denied), (kept, "像", RuleBroken)
    ):  # fmt: skip
        with pytest.raises(error):
            actions.merge_residents(kept_id=kept.pk, gone_id=other.pk, reason=reason, by=by, at=NOW)
    with pytest.raises(Denied):
        actions.merge_residents(
            kept_id=kept.pk, gone_id=gone.pk, reason="像", by=seat("referral_desk", own).actor, at=NOW
        )
    assert not Merge.objects.exists()
    assert actions.merge_residents(kept_id=kept.pk, gone_id=twin.pk, reason="登记错", is_sure=True, by=by, at=NOW)


def test_the_page_merges_and_takes_apart(desk: Any) -> None:
    client, _gp, own = desk
    kept, gone = two(own)
    address = f"/residents/{kept.pk}/merge/"

    unknown = client.post(address, {"step": "merge", "identifier": "X", "reason": "像", FIELD: "a"})
    client.post(address, {"step": "merge", "identifier": "G1", "reason": "同一人", FIELD: "b"})
    row = Merge.objects.get()
    page = client.get(address).content.decode()
    foreign = client.post(address, {"step": "undo", "merge": row.pk + 1, "reason": "不是", FIELD: "c"})
    client.post(address, {"step": "undo", "merge": row.pk, "reason": "不是", FIELD: "d"})

    assert unknown.status_code == foreign.status_code == 422
    assert "同一人" in page
    row.refresh_from_db()
    assert row.undone_at is not None
    assert Encounter.objects.filter(resident=gone).count() == 1


def test_a_death_is_written_once_and_not_before_the_birth() -> None:
    own = centre()
    who = resident(own)
    by, today = seat("gp", own).actor, timezone.localtime(NOW).date()

    for day in (date(1960, 1, 1), today + timedelta(days=1)):
        with pytest.raises(RuleBroken, match="去世日期"):
            actions.record_death(resident_id=who.pk, on=day, by=by, at=NOW)
    with pytest.raises(Denied):
        actions.record_death(resident_id=who.pk, on=today, by=seat("gp", centre("b")).actor, at=NOW)
    actions.record_death(resident_id=who.pk, on=today, by=by, at=NOW)
    with pytest.raises(Taken):
        actions.record_death(resident_id=who.pk, on=today, by=by, at=NOW)


def test_who_has_a_visit_is_not_taken_back_and_says_what_stands_there() -> None:
    own = centre()
    seen, alone = resident(own), resident(own)
    records.record_encounter(
        resident_id=seen.pk, organization_id=own.pk, practitioner_id=None, started_at=NOW - timedelta(days=1),
        by=TESTER, at=NOW,
    )  # fmt: skip
    Basis.objects.filter(resident=seen).exclude(kind="registered").delete()

    stay = actions.take_back(resident_ids=[seen.pk, alone.pk], by=TESTER, at=NOW)

    assert stay == {seen.pk: "records.encounter"}
    assert list(Resident.objects.all()) == [seen]
