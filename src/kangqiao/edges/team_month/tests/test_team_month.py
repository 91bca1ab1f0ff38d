from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kangqiao import policy
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.models import Act, Contract, Helper, HomeVisit, Team
from kangqiao.domain.contracting.parameters import act_kinds_at
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup.models import Assessment, CarePlan, PlanItem
from kangqiao.domain.records.models import Document, Encounter, Observation
from kangqiao.domain.records.parameters import topics
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import RuleBroken
from kangqiao.pathways.team_month import TeamMonth, month_named, team_month

Asks = Callable[[int], AbstractContextManager[list[str]]]
KINDS = [
    "common_disease", "follow_up", "record_keeping", "health_education", "mother_and_child", "disease_control",
]  # fmt: skip
MARCH = month_named("2026-03", date(2026, 3, 20))
LATER = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
IN_MARCH = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@dataclass
class Clinic:
    """A team with two residents under contract, and a doctor of its house."""

    w: f.World
    team: Team
    one: Resident
    other: Resident
    doctor: Practitioner

    def visit(self, diagnosis: str, at: datetime = IN_MARCH, resident: Resident | None = None) -> Encounter:
        """A visit at the team's house."""
        return Encounter.objects.create(
            resident=resident or self.one, organization=self.w.centre, practitioner=self.doctor, started_at=at,
            origin="walk_in", diagnosis=diagnosis,
        )  # fmt: skip

    def note(self, code: str, at: datetime = IN_MARCH, **more: object) -> Observation:
        """Something noted in words."""
        said = {"text": "少盐", "recorded_by": self.doctor.name, "recorded_at": at, "source": "visit", **more}
        return Observation.objects.create(
            resident=self.one, organization=self.w.centre, code=code, taken_at=at, **said
        )  # fmt: skip

    def month(self, role: str = Role.GP) -> TeamMonth:
        """The month as somebody of the house reads it."""
        return team_month(self.w.seat(role), self.team, MARCH)


@pytest.fixture
def clinic() -> Clinic:
    w = f.world()
    team, one, other = w.team(), w.resident(), w.resident()
    w.signed(team, one)
    w.signed(team, other)
    return Clinic(w, team, one, other, w.person("gp"))


def every_kind(clinic: Clinic) -> None:
    """Something of each source, and what is no act of its own."""
    contract = Contract.objects.get(resident=clinic.one)
    clinic.visit("J06")
    clinic.visit("I10.1")
    clinic.visit("Z00", resident=clinic.other)
    clinic.visit("Z34")
    clinic.visit("Z24", resident=clinic.other)
    wrong = clinic.note("education")
    clinic.note("smoking", text="never")
    clinic.note("drinking", text="never")
    clinic.note("education", LATER, corrects=wrong, reason="写错人", text="少油")
    Document.objects.create(
        resident=clinic.one, kind="online_advice", organization=clinic.w.centre, signed_by="演示医生",
        signed_at=IN_MARCH, text="多休息",
    )  # fmt: skip
    assessed = Assessment.objects.create(
        resident=clinic.one, contract=contract, on=date(2026, 3, 5), level="managed", zh="慢病管理", en="Managed",
        by_name="演示医生", policy_ref="test",
    )  # fmt: skip
    plan = CarePlan.objects.create(
        resident=clinic.one, contract=contract, assessment=assessed, goals="少盐", goals_en="less salt",
        review_on=date(2026, 9, 1),
    )  # fmt: skip
    for done_on in (date(2026, 3, 10), date(2026, 3, 18)):  # the first is the visit of that day
        PlanItem.objects.create(
            plan=plan, act="follow_up", zh="随访", en="Follow-up", every_days=90, since=date(2026, 3, 5),
            due_on=date(2026, 3, 19), done_on=done_on, by_name="演示护士",
        )  # fmt: skip
    user = clinic.w.user("演示协助", Role.HELPER, clinic.w.centre)
    helper = Helper.objects.create(team=clinic.team, user=user, kind="volunteer", since=date(2026, 3, 1))
    for act, status in (("activity", "done"), ("home_visit", "planned"), ("escort", "done")):
        HomeVisit.objects.create(
            resident=clinic.one, helper=helper, act=act, on=date(2026, 3, 12), status=status
        )  # fmt: skip


EXPECTED = {
    "common_disease": 2, "follow_up": 2, "record_keeping": 4, "health_education": 2, "mother_and_child": 1,
    "disease_control": 1,
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.clause("ZH-4.5d")
def test_a_month_shows_six_kinds_and_each_opens_the_acts_behind_it(clinic: Clinic) -> None:
    every_kind(clinic)
    gp = Client()
    gp.force_login(clinic.w.user("演示全科", Role.GP, clinic.w.centre))
    address = reverse("contracting-month", args=(clinic.team.pk,))

    with time_machine.travel(LATER + timedelta(days=1), tick=False):
        page = gp.get(address)
        opened = {key: gp.get(f"{address}?month=2026-03&kind={key}") for key in KINDS}

    assert {one.kind.key: one.count for one in page.context["found"].counts} == EXPECTED
    assert {one.kind.zh for one in page.context["found"].counts} == {
        "常见病诊治", "健康随访", "健康档案管理", "健康教育", "妇幼保健", "疾病控制"
    }  # fmt: skip
    for key, answer in opened.items():
        assert len(answer.context["lines"]) == EXPECTED[key]
        assert {act.kind for act, _kind, _words in answer.context["lines"]} == {key}
    follow_ups = opened["follow_up"].content.decode()
    assert "健康方案 · 随访" in follow_ups
    assert reverse("records-resident", args=(clinic.one.pk,)) in follow_ups
    assert "演示护士" in follow_ups
    assert "2026-03-18" in follow_ups
    assert "ZH-4.5d" in page.content.decode()


@pytest.mark.clause("ZH-4.5d")
def test_the_pack_names_as_many_kinds_as_the_paper() -> None:
    kinds = act_kinds_at("440402", MARCH.start)

    assert len(kinds) == policy.at("440402", MARCH.start).value("records", "team_service_kinds").integer()
    assert [one.key for one in kinds] == KINDS
    for what, known in (("acts", set(Act.values)), ("values", set(topics())), ("letters", set(Document.Kind.values))):
        named = [code for kind in kinds for code in getattr(kind, what)]
        assert len(named) == len(set(named))
        assert set(named) <= known
    visits = [code for kind in kinds for code in kind.visits]
    assert len(visits) == len(set(visits))
    assert "" in visits
    assert {entry for kind in kinds for entry in kind.entries} == {"assessment", "correction"}


@pytest.mark.django_db
def test_what_is_no_act_of_the_team_is_not_counted(clinic: Clinic) -> None:
    clinic.visit("J06", datetime(2026, 2, 28, 15, 59, tzinfo=UTC))  # the last minute of February in Shanghai
    clinic.visit("J06", datetime(2026, 3, 31, 16, 0, tzinfo=UTC))  # the first of April
    clinic.visit("J06", datetime(2026, 3, 1, 2, 0, tzinfo=UTC))  # a day before the contract
    clinic.visit("J06", resident=clinic.w.resident())  # nobody's contract
    Encounter.objects.filter(pk=clinic.visit("J06").pk).update(organization=clinic.w.other)
    taken_back = clinic.note("education")
    clinic.note("education", LATER, corrects=taken_back, reason="写错人", text="", is_void=True)

    found = clinic.month()

    assert {one.kind.key: one.count for one in found.counts if one.count} == {"record_keeping": 1}


@pytest.mark.django_db
def test_a_bureau_reads_the_numbers_alone_and_a_stranger_nothing(clinic: Clinic) -> None:
    every_kind(clinic)
    address = reverse("contracting-month", args=(clinic.team.pk,)) + "?month=2026-03"
    pages = {}
    for role, house in (
        (Role.BUREAU_OFFICER, clinic.w.bureau),
        (Role.GP, clinic.w.other),
        (Role.EXPERT, clinic.w.hospital),
    ):
        client = Client()
        client.force_login(clinic.w.user("演示", role, house))
        with time_machine.travel(LATER, tick=False):
            pages[role] = client.get(address)

    bureau = pages[Role.BUREAU_OFFICER]
    assert {one.kind.key: one.count for one in bureau.context["found"].counts} == EXPECTED
    assert bureau.context["found"].acts is None
    assert clinic.one.name not in bureau.content.decode()
    assert (pages[Role.GP].status_code, pages[Role.EXPERT].status_code) == (404, 403)


@pytest.mark.django_db
def test_an_empty_month_says_so_and_a_wrong_one_says_why(clinic: Clinic) -> None:
    gp = Client()
    gp.force_login(clinic.w.user("演示全科", Role.GP, clinic.w.centre))
    address = reverse("contracting-month", args=(clinic.team.pk,))

    with time_machine.travel(LATER, tick=False):
        empty = gp.get(address)
        wrong, ahead, old = (gp.get(f"{address}?month={one}") for one in ("2026-13", "2026-04", "1000-01"))

    assert "这个月还没有这样的服务" in empty.content.decode()
    assert (wrong.status_code, ahead.status_code, old.status_code) == (422, 422, 422)
    assert "没有“2026-13”这个月的服务" in wrong.content.decode()
    assert "还没有生效的规定" in old.content.decode()
    with time_machine.travel(LATER, tick=False):
        first = gp.get(f"{address}?month=2012-01").content.decode()
    assert "?month=2011-12" not in first
    assert "?month=2012-02" in first
    with pytest.raises(RuleBroken):
        month_named("2026-3", date(2026, 3, 20))


@pytest.mark.django_db
def test_the_sheet_holds_the_list_and_the_counts(clinic: Clinic) -> None:
    every_kind(clinic)
    for number in range(60):
        clinic.visit("J06", IN_MARCH + timedelta(minutes=number))
    gp = Client()
    gp.force_login(clinic.w.user("演示全科", Role.GP, clinic.w.centre))
    address = reverse("contracting-month", args=(clinic.team.pk,))

    with time_machine.travel(LATER, tick=False):
        answer = gp.get(address + "?as=xlsx&kind=common_disease")

    acts, counts = openpyxl.load_workbook(BytesIO(answer.content)).worksheets
    assert acts.max_row == 1 + 62
    assert {row[2].value for row in acts.iter_rows(min_row=2)} == {"常见病诊治"}
    assert [row[1].value for row in counts.iter_rows(min_row=2)] == [62, *list(EXPECTED.values())[1:], 72]


@pytest.mark.django_db
def test_a_long_month_asks_no_more_than_a_short_one(clinic: Clinic, asks_at_most: Asks) -> None:
    every_kind(clinic)
    gp = Client()
    gp.force_login(clinic.w.user("演示全科", Role.GP, clinic.w.centre))
    address = reverse("contracting-month", args=(clinic.team.pk,)) + "?month=2026-03"

    with time_machine.travel(LATER, tick=False):
        gp.get(address)
        with asks_at_most(24) as few:
            gp.get(address)
        for number in range(30):
            clinic.visit("J06", IN_MARCH + timedelta(minutes=number))
        with asks_at_most(len(few)):
            assert len(gp.get(address).context["lines"]) == 42
