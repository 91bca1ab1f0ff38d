from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting import actions, queries, rules
from kangqiao.domain.contracting.models import Approval, Contract
from kangqiao.domain.contracting.parameters import approval_terms_at
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.messaging.models import Notice
from kangqiao.kernel.errors import AlreadyMoved, Denied, RuleBroken, Taken

AT = datetime(2025, 6, 2, 1, 0, tzinfo=UTC)
ON = date(2025, 6, 2)
DAY = timedelta(days=1)


class Xuhui:
    """The district with its bureau, a private clinic that has a team, and somebody registered there."""

    def __init__(self, ownership: str = "private") -> None:
        self.world = f.world()
        city = Place.objects.create(code="31", zh="上海市")
        self.place = Place.objects.create(code="310104", zh="徐汇区", part_of=city)
        self.bureau = self.house("health_bureau", "")
        self.clinic = self.house("clinic", ownership)
        self.team = self.world.team(house=self.clinic)
        self.resident = self.world.resident(house=self.clinic, with_user=True)
        self.manager = self.world.user("演示负责人", Role.CENTRE_MANAGER, self.clinic)
        self.officer = self.world.user("演示科员", Role.BUREAU_OFFICER, self.bureau)

    def house(self, kind: str, ownership: str) -> Organization:
        return Organization.objects.create(
            code=f"xh-{kind.replace('_', '-')}", kind=kind, zh=f"演示{kind}", short_zh=kind, place=self.place,
            ownership=ownership, is_demo=True,
        )  # fmt: skip

    def actor(self, user: User, role: str, house: Organization) -> Actor:
        return self.world.seat(role, house, user).actor

    @property
    def by_manager(self) -> Actor:
        return self.actor(self.manager, Role.CENTRE_MANAGER, self.clinic)

    @property
    def by_officer(self) -> Actor:
        return self.actor(self.officer, Role.BUREAU_OFFICER, self.bureau)

    def asked(self, at: datetime = AT) -> Approval:
        return actions.ask_approval(
            organization_id=self.clinic.pk, said="2 名全科医生，为园区职工签约", by=self.by_manager, at=at
        )

    def granted(self, starts_on: date = ON, last_day: date | None = None) -> Approval:
        return actions.grant_approval(
            approval_id=self.asked().pk, starts_on=starts_on, last_day=last_day, answer="同意", by=self.by_officer,
            at=AT,
        )  # fmt: skip

    def signed_share(self, on: date) -> tuple[int, int]:
        whole = queries.coverage(self.world.seat(Role.BUREAU_OFFICER, self.bureau, self.officer), on).whole
        return whole.signed, whole.people


def client(user: User) -> Client:
    found = Client()
    found.force_login(user)
    return found


def test_ownership_decides_who_needs_an_approval() -> None:
    terms = approval_terms_at("310104", ON)
    assert terms is not None
    needing = terms.ownerships.list_()

    assert (terms.ownerships.clause, terms.runs_on, terms.when_over.setting) == ("XH23-5.2.3c", True, True)
    for ownership, is_approved, expected in (
        ("private", False, False), ("private", True, True), ("in_house", False, False), ("district", False, True),
        ("", False, True),
    ):  # fmt: skip
        verdict = rules.may_contract("演示诊所", ownership, needing, is_approved=is_approved, clause="XH23-5.2.3c")
        assert bool(verdict) is expected
    assert approval_terms_at("440402", ON) is None
    assert approval_terms_at("310104", date(2023, 6, 18)) is None


@pytest.mark.django_db
@pytest.mark.clause("XH23-5.2.3c")
def test_private_clinic_is_refused_until_approved_and_then_counts_in_coverage() -> None:
    x = Xuhui()
    with pytest.raises(RuleBroken, match="还没有区卫生行政部门对签约服务的批准") as refused:
        x.world.applied(x.team, x.resident, at=AT)
    assert (refused.value.clause, "申请" in refused.value.next_step) == ("XH23-5.2.3c", True)
    assert not Contract.objects.exists()
    assert x.signed_share(ON + DAY) == (0, 1)

    x.granted(starts_on=ON + DAY)
    with pytest.raises(RuleBroken, match="批准"):
        x.world.applied(x.team, x.resident, at=AT)
    x.world.signed(x.team, x.resident, at=AT + DAY)

    assert [x.signed_share(on) for on in (ON, ON + DAY)] == [(0, 1), (1, 1)]


@pytest.mark.django_db
def test_withdrawn_between_application_and_signing_nothing_is_signed() -> None:
    x = Xuhui("in_house")
    approval = x.granted()
    accepted = x.world.accepted(x.team, x.resident, at=AT)[0]
    actions.withdraw_approval(approval_id=approval.pk, reason="人员不足", by=x.by_officer, at=AT + DAY)

    with pytest.raises(RuleBroken, match="批准"):
        f.sign(accepted, x.resident.name, at=AT + DAY)

    approval.refresh_from_db()
    assert (approval.status, approval.ends_on, approval.last_day) == ("withdrawn", ON + DAY, ON)
    accepted.refresh_from_db()
    assert accepted.status == "accepted"


@pytest.mark.django_db
def test_contracts_run_on_as_the_setting_says_and_are_not_renewed() -> None:
    x = Xuhui()
    approval = x.granted()
    contract = x.world.signed(x.team, x.resident, at=AT)[0]
    actions.withdraw_approval(approval_id=approval.pk, reason="人员不足", by=x.by_officer, at=AT + DAY)

    assert actions.end_unapproved(on=ON + DAY, by=f.JOB, at=AT + DAY) == []
    assert x.signed_share(ON + DAY) == (1, 1)
    with pytest.raises(RuleBroken, match="批准"):
        actions.renew_contract(
            contract_id=contract.pk, way="paper", where="centre", signed_by=x.resident.name, filed_as="1", by=f.JOB,
            at=AT + timedelta(days=350),
        )  # fmt: skip


@pytest.mark.django_db
def test_where_the_setting_ends_them_contracts_end_with_the_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Xuhui()
    x.granted(last_day=ON)
    contract = x.world.signed(x.team, x.resident, at=AT)[0]
    monkeypatch.setattr("kangqiao.domain.contracting.parameters.ApprovalTerms.runs_on", False)

    assert actions.end_unapproved(on=ON, by=f.JOB, at=AT) == []
    assert [one.pk for one in actions.end_unapproved(on=ON + DAY, by=f.JOB, at=AT + DAY)] == [contract.pk]

    contract.refresh_from_db()
    assert (contract.status, contract.why_ended, contract.ends_on) == ("ended", "approval", ON + DAY)
    x.team.refresh_from_db()
    assert x.team.taken == 0
    assert Notice.objects.filter(user=x.resident.user, subject__contains="已结束").count() == 1
    assert actions.end_unapproved(on=ON + DAY, by=f.JOB, at=AT + DAY) == []


@pytest.mark.django_db
def test_register_of_an_unapproved_house_is_not_read_in() -> None:
    x = Xuhui()
    one = actions.NewContract(x.resident.pk, x.team.pk, ON, ON + 300 * DAY, (), "演示", "centre")

    with pytest.raises(RuleBroken, match="批准"):
        actions.import_contracts(contracts=[one], policy_ref="test", by=f.JOB, at=AT)

    x.granted()
    assert len(actions.import_contracts(contracts=[one], policy_ref="test", by=f.JOB, at=AT)) == 1


@pytest.mark.django_db
def test_one_application_at_a_time_and_one_approval_a_day() -> None:
    x = Xuhui()
    first = x.asked()
    with pytest.raises(Taken, match="已经有一份申请"):
        x.asked()
    actions.take_back_approval(approval_id=first.pk, by=x.by_manager, at=AT)
    x.granted(last_day=ON + 9 * DAY)
    again = x.asked()

    def grant(starts_on: date, answer: str = "同意", last_day: date | None = None) -> Approval:
        return actions.grant_approval(
            approval_id=again.pk, starts_on=starts_on, last_day=last_day, answer=answer, by=x.by_officer, at=AT
        )

    with pytest.raises(RuleBroken, match="已经有一份批准"):
        grant(ON + 9 * DAY)
    with pytest.raises(RuleBroken, match="过去的日子"):
        grant(ON - DAY)
    with pytest.raises(RuleBroken, match="最后一天"):
        grant(ON + 20 * DAY, last_day=ON + 19 * DAY)
    with pytest.raises(RuleBroken, match="写明"):
        grant(ON + 10 * DAY, answer=" ")
    assert grant(ON + 10 * DAY).status == "granted"
    with pytest.raises(AlreadyMoved):
        grant(ON + 10 * DAY)


@pytest.mark.django_db
def test_only_the_house_asks_and_only_the_bureau_of_its_place_decides() -> None:
    x = Xuhui()
    elsewhere = x.world.seat(Role.BUREAU_OFFICER, x.world.bureau).actor
    doctor = x.world.seat(Role.GP, x.clinic).actor
    for by in (doctor, x.by_officer, elsewhere):
        with pytest.raises(Denied):
            actions.ask_approval(organization_id=x.clinic.pk, said="演示", by=by, at=AT)
    asked = x.asked()
    for by in (elsewhere, x.by_manager, doctor):
        with pytest.raises(Denied) as refused:
            actions.grant_approval(approval_id=asked.pk, starts_on=ON, answer="同意", by=by, at=AT)
        assert refused.value.clause == "XH23-5.2.3c"
        with pytest.raises(Denied):
            actions.refuse_approval(approval_id=asked.pk, reason="不", by=by, at=AT)

    assert not queries.approvals(x.world.seat(Role.BUREAU_OFFICER, x.world.bureau)).exists()
    assert not queries.approvals(x.world.seat(Role.CENTRE_MANAGER)).exists()


@pytest.mark.django_db
def test_houses_that_need_none_do_not_ask() -> None:
    x = Xuhui("district")
    with pytest.raises(RuleBroken, match="不用批准"):
        x.asked()
    assert x.world.signed(x.team, x.resident, at=AT)[0].status == "active"
    private = x.world.centre
    Organization.objects.filter(pk=private.pk).update(ownership="private")
    assert x.world.signed(x.world.team(), x.world.resident())[0].status == "active"  # Zhuhai asks for no approval


@pytest.mark.django_db
def test_pages_take_it_from_the_application_to_the_approval() -> None:
    x = Xuhui()
    house, bureau = client(x.manager), client(x.officer)
    with time_machine.travel(AT, tick=False):
        assert "还不能签约" in house.get(reverse("contracting-approvals")).content.decode()
        assert reverse("contracting-approvals") in house.get(reverse("contracting-teams")).content.decode()
        empty = house.post(reverse("contracting-approval-ask"), {"said": ""})
        assert empty.status_code == 422
        house.post(reverse("contracting-approval-ask"), {"said": "2 名全科医生"})
        one = Approval.objects.get()
        waiting = bureau.get(reverse("home")).content.decode()
        assert "签约服务批准" in waiting
        page = bureau.get(reverse("contracting-approval", args=(one.pk,))).content.decode()
        assert "2 名全科医生" in page
        grant = reverse("contracting-approval-grant", args=(one.pk,))
        bad = bureau.post(grant, {"starts_on": "2025-06-01", "answer": "同意为职工签约"})
        assert (bad.status_code, "过去的日子" in bad.content.decode(), "同意为职工签约" in bad.content.decode()) == (
            422, True, True,
        )  # fmt: skip
        bureau.post(grant, {"starts_on": "2025-06-02", "answer": "同意为职工签约"})
        assert "可以签约" in house.get(reverse("contracting-approvals")).content.decode()
        bureau.post(reverse("contracting-approval-step", args=(one.pk,)), {"step": "withdraw", "reason": "人员不足"})
        after = house.get(reverse("contracting-approval", args=(one.pk,))).content.decode()
    assert "批准已收回" in after
    assert "人员不足" in after


@pytest.mark.django_db
def test_a_bureau_without_such_a_paper_reads_that_nobody_needs_an_approval() -> None:
    w = f.world()
    officer = w.user("演示科员", Role.BUREAU_OFFICER, w.bureau)

    page = client(officer).get(reverse("contracting-approvals")).content.decode()

    assert "本地区没有文件要求" in page
    assert reverse("contracting-approvals") not in client(officer).get(reverse("contracting-teams")).content.decode()
