"""Emergencies at schools: reported, sent on to a hospital or answered, and what each side reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.application_plugin import as_application

from kangqiao.base.acting import as_seat
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting import queries as schools
from kangqiao.domain.contracting.models import Community, SchoolHealthWorker
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral import actions, permissions, queries
from kangqiao.domain.referral.models import Referral, SchoolCase
from kangqiao.domain.referral.tests import factories as f
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.domain.residents.permissions import sees
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken
from kangqiao.kernel.identifiers import id_check_digit

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
TEN = f.AT + timedelta(hours=1)  # 10:00 in Zhuhai
FIRST = "44040220160315001"
NUMBER = FIRST + id_check_digit(FIRST)


@dataclass
class School:
    """A school of the paired centre, who looks after health there, and a student of its list."""

    c: f.Cast
    place: Community
    worker: SchoolHealthWorker
    seat: Seat

    def report(self, seat: Seat | None = None, **changes: Any) -> SchoolCase:
        """A fall in the yard, reported at ten."""
        said = {
            "community_id": self.place.pk, "identifier": NUMBER, "contact": "演示王", "contact_phone": "13800001111",
            "happened_at": TEN - 5 * MINUTE, "what": "操场摔倒，右手腕肿。", "consciousness": "awake",
            "breathing": "normal", "signs": ["injury"], "temperature": "36.5", "findings": "手指能动。",
            "by": (seat or self.seat).actor, "at": TEN,
        }  # fmt: skip
        return self.run(actions.open_school_case, seat or self.seat, **said | changes)

    def forward(self, case: SchoolCase, seat: Seat | None = None, **changes: Any) -> Referral:
        """The centre sends the student to the paired hospital three minutes later."""
        said = {
            "case_id": case.pk, "to_organization_id": self.c.hospital.pk, "specialty": "paediatrics",
            "diagnosis": "右腕外伤", "student": case.student, "identifier": case.identifier,
            "by": (seat or self.c.gp).actor, "at": TEN + 3 * MINUTE,
        }  # fmt: skip
        return self.run(actions.forward_school_case, seat or self.c.gp, **said | changes)

    @staticmethod
    def run(act: Any, seat: Seat, **said: Any) -> Any:
        """A step as the database lets the application do it."""
        with as_application(), transaction.atomic():
            as_seat(seat)
            return act(**said)

    def lines(self, seat: Seat, at: Any) -> list[queries.SchoolLine]:
        """What a seat reads of the cases."""
        with as_application(), transaction.atomic():
            as_seat(seat)
            return queries.school_lines(seat, queries.school_cases(seat), at)


def made(c: f.Cast, number: int = 1, *, house: Organization | None = None) -> School:
    """A school with a health worker and one student on its list."""
    centre = house or c.centre
    place = contracting.add_community(
        organization_id=centre.pk, kind="school", zh=f"演示第{number}小学", phone="0756-1234567", by=f.SYSTEM, at=f.AT
    )
    seat = f.seat(Role.SCHOOL_HEALTH, centre, f"school-{number}")
    worker = contracting.add_health_worker(community_id=place.pk, user_id=seat.user_id, by=f.SYSTEM, at=f.AT)
    contracting.join_community(
        community_id=place.pk, name="演示小明", identifier=NUMBER, starts_on=date(2026, 1, 1), by=f.SYSTEM, at=f.AT
    )
    return School(c, place, worker, seat)


@pytest.fixture
def s() -> School:
    return made(f.cast())


@pytest.mark.clause("FT18-2.3d")
def test_a_student_reported_at_ten_stands_before_the_hospital_at_three_past(s: School) -> None:
    case = s.report()
    (waiting,) = queries.school_waiting_rows(s.c.gp, TEN + 2 * MINUTE)
    letter = s.forward(case)

    assert (waiting.case.pk, waiting.minutes, case.student) == (case.pk, 2, "演示小明")
    with as_application(), transaction.atomic():
        as_seat(s.c.desk)
        (line,) = queries.desk_lines(s.c.desk, TEN + 4 * MINUTE).own
        seen = queries.school_case_of(line.referral)
        assert seen is not None
        told = (seen.community.zh, seen.contact, seen.contact_phone, seen.opened_at, line.referral.sent_at)
    assert line.referral.pk == letter.pk
    assert (letter.urgency, letter.booking_id, letter.is_green_channel) == ("emergency", None, True)
    assert told == ("演示第1小学", "演示王", "13800001111", TEN, TEN + 3 * MINUTE)
    assert letter.examination == "清醒，呼吸正常，体温 36.5 ℃，外伤或骨折。手指能动。"
    assert "演示第1小学" in letter.reason
    assert "13800001111" in letter.reason
    words = Notice.objects.get(organization=s.c.hospital, kind="school")
    assert "演示第1小学" in words.subject
    assert "10:00" in words.body
    (own,) = s.lines(s.seat, TEN + 4 * MINUTE)
    assert own.sentence.endswith("等医院接收；不用等，可以先去急诊。")
    actions.accept_referral(referral_id=letter.pk, by=s.c.desk.actor, at=TEN + 5 * MINUTE)
    assert "已接收" in s.lines(s.seat, TEN + 6 * MINUTE)[0].sentence
    kinds = AuditEvent.objects.filter(action__contains="school_case").values_list("action", flat=True)
    assert set(kinds) == {"referral.open_school_case", "referral.forward_school_case"}


def test_a_student_of_the_list_without_a_record_is_registered_by_the_number(s: School) -> None:
    letter = s.forward(s.report())

    who = letter.resident
    assert (who.name, who.identifier, who.birth_date, who.sex) == ("演示小明", NUMBER, date(2016, 3, 15), "male")
    assert (who.identifier_kind, who.centre_id, who.phone) == ("citizen", s.c.centre.pk, "13800001111")


def test_a_student_of_the_register_is_matched_also_where_another_centre_keeps_the_record(s: School) -> None:
    known = residents.register_resident(
        name="演示小明", sex="male", birth_date=date(2016, 3, 15), identifier=NUMBER, identifier_kind="citizen",
        centre_id=s.c.far_centre.pk, by=f.SYSTEM, at=f.AT,
    )  # fmt: skip
    assert not sees(s.c.gp.actor, known.pk, TEN)
    letter = s.forward(s.report())

    assert letter.resident_id == known.pk
    assert Resident.objects.filter(identifier=NUMBER).count() == 1
    held = Basis.objects.filter(resident=known, source=f"referral:{letter.pk}", until__isnull=True)
    assert held.filter(organization__in=(s.c.centre, s.c.hospital)).count() == 2
    assert not Basis.objects.filter(source__startswith="school_case", until__isnull=True).exists()


def test_a_student_without_a_number_is_registered_without_papers(s: School) -> None:
    case = s.report(identifier="", student="演示小红", grade="三（2）班")
    with pytest.raises(RuleBroken, match="性别和出生日期"):
        s.forward(case)
    letter = s.forward(case, sex="female", birth_date=date(2017, 5, 1), has_consent=True, is_ambulance_called=True)

    assert letter.resident.identifier_kind == "none"
    assert letter.resident.identifier.startswith("N")
    assert letter.has_consent
    assert "急救车已叫" in letter.examination
    case.refresh_from_db()
    assert (case.status, case.is_ambulance_called, case.referral_id) == ("forwarded", True, letter.pk)


def test_a_number_that_is_another_name_in_the_register_opens_nobodys_record(s: School) -> None:
    residents.register_resident(
        name="演示别人", sex="male", birth_date=date(2016, 3, 15), identifier=NUMBER, identifier_kind="citizen",
        centre_id=s.c.far_centre.pk, by=f.SYSTEM, at=f.AT,
    )  # fmt: skip
    case = s.report()
    with pytest.raises(RuleBroken, match="另一个姓名") as refused:
        s.forward(case)

    assert "别人" not in str(refused.value)
    letter = s.forward(case, identifier="", sex="male", birth_date=date(2016, 3, 15))
    assert letter.resident.identifier_kind == "none"


def test_a_record_refused_to_the_centre_is_not_opened_by_an_emergency(s: School) -> None:
    known = residents.register_resident(
        name="演示小明", sex="male", birth_date=date(2016, 3, 15), identifier=NUMBER, identifier_kind="citizen",
        centre_id=s.c.far_centre.pk, by=f.SYSTEM, at=f.AT,
    )  # fmt: skip
    giver = f.seat(Role.RESIDENT, s.c.centre, "giver").user_id
    Consent.objects.create(
        resident=known, organization=s.c.centre, decision="refuse", purpose="record", given_by_id=giver, since=f.AT
    )
    with pytest.raises(RuleBroken, match="不让本中心看"):
        s.forward(s.report())


def test_a_centre_without_an_agreement_sends_the_emergency_all_the_same(s: School) -> None:
    Agreement.objects.all().delete()
    letter = s.forward(s.report())

    assert not queries.is_paired(s.c.gp, TEN)
    assert (letter.is_green_channel, letter.agreement_id, letter.urgency) == (False, None, "emergency")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"identifier": "440402201603150029"}, "名册上没有这个证件号"),
        ({"student": "演示小刚"}, "名册上这个号码是演示小明"),
        ({"identifier": "", "student": " "}, "请写学生的姓名"),
        ({"contact_phone": "138"}, "不像电话号码"),
        ({"contact_phone": "幺三八零零零零"}, "不像电话号码"),
        ({"contact": " "}, "不像电话号码"),
        ({"what": " "}, "出了什么事"),
        ({"happened_at": TEN + timedelta(hours=2)}, "在现在之后"),
        ({"happened_at": TEN - timedelta(days=2)}, "在一天以前"),
        ({"happened_at": datetime(1, 1, 1, tzinfo=TEN.tzinfo)}, "在一天以前"),
    ],
)
def test_odd_reports_are_refused_in_words(s: School, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleBroken, match=said):
        s.report(**changes)
    assert not SchoolCase.objects.exists()


def test_figures_typed_wide_are_the_same_figures(s: School) -> None:
    case = s.report(contact_phone="１３８００００１１１１", identifier=NUMBER.lower())
    assert (case.contact_phone, case.identifier) == ("13800001111", NUMBER)


def test_the_same_report_again_is_the_one_already_there(s: School) -> None:
    first, again = s.report(), s.report(at=TEN + MINUTE)

    assert first.pk == again.pk
    assert SchoolCase.objects.count() == 1
    assert Notice.objects.filter(kind="school", organization=s.c.centre).count() == 2
    with pytest.raises(Taken, match="10:00已经报过") as other:
        s.report(what="晕倒了。", at=TEN + MINUTE)
    assert "班级" in str(other.value)
    s.report(identifier="", student="演示小明", grade="二班")
    first.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save()


def test_a_student_reported_by_name_and_then_by_number_is_one(s: School) -> None:
    first = s.report(identifier="", student="演示小明")
    assert s.report(student="演示小明", at=TEN + MINUTE).pk == first.pk
    with pytest.raises(Taken, match="已经报过"):
        s.report(what="晕倒了。", student="演示小明", at=TEN + MINUTE)
    assert SchoolCase.objects.count() == 1


def test_the_school_reads_the_answer_and_nobody_answers_twice(s: School) -> None:
    case = s.report()
    with pytest.raises(RuleBroken, match="请写一两句"):
        s.run(actions.answer_school_case, s.c.gp, case_id=case.pk, kind="stays", words=" ", by=s.c.gp.actor, at=TEN)
    said = {"case_id": case.pk, "kind": "comes", "words": "带医保卡来中心。", "by": s.c.gp.actor, "at": TEN + MINUTE}
    s.run(actions.answer_school_case, s.c.gp, **said)

    (line,) = s.lines(s.seat, TEN + 2 * MINUTE)
    assert line.sentence == "香湾社区卫生服务05-04 10:01答复：来中心看。带医保卡来中心。"
    assert Notice.objects.get(user_id=s.seat.user_id).subject == "中心答复：来中心看"
    with pytest.raises(AlreadyMoved, match="中心已答复"):
        s.forward(case)
    assert not queries.school_waiting_rows(s.c.gp, TEN + 2 * MINUTE)


def test_the_school_withdraws_with_a_reason_and_the_centre_cannot(s: School) -> None:
    case = s.report()
    said = {"case_id": case.pk, "by": s.seat.actor, "at": TEN + MINUTE}
    with pytest.raises(RuleBroken, match="写明原因"):
        s.run(actions.withdraw_school_case, s.seat, reason="", **said)
    with pytest.raises(Denied):
        s.run(actions.withdraw_school_case, s.c.gp, reason="误报", **said | {"by": s.c.gp.actor})
    with pytest.raises(Denied):
        s.run(actions.answer_school_case, s.seat, kind="stays", words="好", **said)
    s.run(actions.withdraw_school_case, s.seat, reason="误报", **said)

    assert "学校已撤回" in s.lines(s.seat, TEN + 2 * MINUTE)[0].sentence
    s.report(at=TEN + 3 * MINUTE)


def test_the_clock_reminds_the_doctors_then_tells_the_manager_and_the_school_once(s: School) -> None:
    case = s.report()

    def told(minutes: float) -> int:
        return actions.escalate_school_cases(by=f.SYSTEM, at=TEN + minutes * MINUTE)

    assert case.due_at == TEN + 5 * MINUTE
    assert [told(2), told(3), told(4), told(5), told(6)] == [0, 1, 0, 2, 0]
    late = Notice.objects.get(cause__startswith="school-case-overdue", user_id=s.seat.user_id)
    assert "打中心的电话" in late.body
    assert "还没有答复" in s.lines(s.seat, TEN + 6 * MINUTE)[0].sentence
    Organization.objects.filter(pk=s.c.centre.pk).update(phone="0756-7654321")
    assert "0756-7654321" in s.lines(s.seat, TEN + 6 * MINUTE)[0].sentence


def test_who_is_in_danger_stands_first(s: School) -> None:
    calm = s.report()
    bad = s.report(identifier="", student="演示小红", breathing="difficult", at=TEN + MINUTE)

    assert [line.case.pk for line in queries.school_waiting_rows(s.c.gp, TEN + 2 * MINUTE)] == [bad.pk, calm.pk]


def test_each_school_and_each_centre_sees_its_own_cases_alone(s: School) -> None:
    other = made(s.c, 2, house=s.c.far_centre)
    case, away = s.report(), other.report()
    manager = f.seat(Role.CENTRE_MANAGER, s.c.centre, "manager")
    read = {
        seat.role + str(n): [line.case.pk for line in s.lines(seat, TEN)]
        for n, seat in enumerate((s.seat, other.seat, s.c.gp, s.c.far_gp, manager, s.c.desk))
    }

    assert list(read.values()) == [[case.pk], [away.pk], [case.pk], [away.pk], [case.pk], []]
    with pytest.raises(NotVisible):
        queries.get_school_case(s.seat, away.pk)
    with pytest.raises(NotVisible):
        s.forward(away)
    with pytest.raises(Denied, match="不管这所学校"):
        s.report(other.seat)
    assert permissions.school_parties(s.c.desk.actor, case) == set()
    with as_application(), transaction.atomic():
        as_seat(s.seat)
        assert not Resident.objects.exists()
        assert not Referral.objects.exists()
        assert schools.student_named(s.place.pk, NUMBER, TEN.date()) == "演示小明"
        assert schools.student_named(other.place.pk, NUMBER, TEN.date()) == ""
    with as_application(), transaction.atomic():
        as_seat(s.c.gp)
        assert schools.student_named(s.place.pk, NUMBER, TEN.date()) == ""


def test_who_no_longer_looks_after_the_school_sees_and_reports_nothing(s: School) -> None:
    case = s.report()
    letter = s.forward(case)
    contracting.end_health_worker(worker_id=s.worker.pk, by=f.SYSTEM, at=TEN)

    assert s.lines(s.seat, TEN) == []
    with as_application(), transaction.atomic():
        as_seat(s.seat)
        assert not SchoolCase.objects.exists()
        assert schools.student_named(s.place.pk, NUMBER, TEN.date()) == ""
    with pytest.raises(Denied, match="加到学校"):
        s.report()
    assert letter.status == "sent"


def test_only_the_manager_of_the_centre_adds_school_accounts_of_its_own_house(s: School) -> None:
    new, away = f.seat(Role.SCHOOL_HEALTH, s.c.centre, "n"), f.seat(Role.SCHOOL_HEALTH, s.c.far_centre, "a")
    manager = f.seat(Role.CENTRE_MANAGER, s.c.centre, "manager")
    said = {"community_id": s.place.pk, "user_id": new.user_id, "at": f.AT}
    with pytest.raises(Denied):
        contracting.add_health_worker(**said, by=s.c.gp.actor)
    with pytest.raises(RuleBroken, match="不是本中心"):
        contracting.add_health_worker(**said | {"user_id": away.user_id}, by=manager.actor)
    firm = contracting.add_community(
        organization_id=s.c.centre.pk, kind="enterprise", zh="演示厂", by=f.SYSTEM, at=f.AT
    )
    with pytest.raises(RuleBroken, match="只有学校"):
        contracting.add_health_worker(**said | {"community_id": firm.pk}, by=manager.actor)
    row = contracting.add_health_worker(**said, by=manager.actor)
    with pytest.raises(RuleBroken, match="已经在用"):
        contracting.add_health_worker(**said, by=manager.actor)
    Membership.objects.filter(user=away.user_id).update(until=f.AT.date())

    assert [one.pk for one in schools.health_workers_of(s.place)] == [s.worker.pk, row.pk]
    assert schools.health_workers_of(firm) == []
    assert schools.may_report(s.place, f.AT.date()) == []
    with pytest.raises(Denied):
        contracting.end_health_worker(worker_id=row.pk, by=s.c.gp.actor, at=f.AT)
    contracting.end_health_worker(worker_id=row.pk, by=manager.actor, at=f.AT)
    with pytest.raises(NotVisible):
        contracting.end_health_worker(worker_id=row.pk, by=manager.actor, at=f.AT)
