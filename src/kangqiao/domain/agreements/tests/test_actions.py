from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import actions, queries
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.agreements.tests import factories as f
from kangqiao.domain.messaging.models import Notice
from kangqiao.kernel.errors import AlreadyMoved, Denied, KangqiaoError, NoPolicyInForce, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
LATER = f.AT + timedelta(days=40)


def status(agreement: Agreement) -> str:
    return Agreement.objects.get(pk=agreement.pk).status


@pytest.mark.clause("ZH-1a")
def test_joint_building_needs_a_hospital_of_level_two() -> None:
    region = f.zhuhai()

    accepted = f.signed(region, "people2", "gongbei")
    with pytest.raises(RuleBroken) as refused:
        f.drafted(region, "level1", "shishan")

    assert accepted.status == "in_force"
    assert refused.value.clause == "ZH-1a"
    assert "至少要2级" in refused.value.message
    assert Agreement.objects.filter(hospital=region["level1"]).count() == 0


@pytest.mark.clause("ZH-2a")
def test_second_responsible_hospital_is_refused_and_the_present_one_named() -> None:
    region = f.zhuhai()
    present = [code for code, house in region.organizations.items() if house.kind == f.Kind.CENTRE]
    centres = [*present, *region.more_centres(16 - len(present))]
    for centre in centres:
        f.signed(region, "people1", centre)

    with pytest.raises(RuleBroken) as refused:
        f.drafted(region, "people2", "xiangwan")

    assert "市人民医院" in refused.value.message
    assert refused.value.clause == "ZH-2a"
    assert queries.in_force(f.STARTS, "4404").count() == 16
    assert queries.responsible_agreement(region["xiangwan"].pk, f.STARTS).hospital == region["people1"]


def test_two_hospitals_may_hold_one_centre_one_after_the_other() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")

    after = f.signed(region, "people2", "xiangwan", starts=f.ENDS, ends=date(2019, 1, 1))

    assert after.status == "signed"
    assert queries.responsible_agreement(region["xiangwan"].pk, f.ENDS).hospital == region["people2"]


def test_loser_of_two_open_proposals_is_refused_at_the_last_signature() -> None:
    region = f.zhuhai()
    first, second = f.proposed(region, "people1", "xiangwan"), f.proposed(region, "people2", "xiangwan")
    for party in queries.parties_of(first):
        f.sign(first, party)
    *others, last = queries.parties_of(second)
    for party in others:
        f.sign(second, party)

    with pytest.raises(Taken) as refused:
        f.sign(second, last)

    assert "市人民医院" in refused.value.message
    assert status(second) == "signing"
    assert Party.objects.get(pk=last.pk).signed_at is None


@pytest.mark.clause("ZH-4.6b")
def test_target_agreement_holds_the_duties_of_both_sides_for_the_appraisal() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")

    agreement = f.signed(region, "people1", "xiangwan", kind="target", ends=date(2014, 3, 1))

    duties = list(queries.duties_of(agreement))
    assert [party.side for party in queries.parties_of(agreement)] == ["hospital", "centre"]
    assert {side: sum(duty.side == side for duty in duties) for side in ("hospital", "centre")} == {
        "hospital": 5,
        "centre": 4,
    }
    half_days = next(duty for duty in duties if duty.measure == "half_days_per_week")
    assert (half_days.target, half_days.clause, half_days.is_setting) == (3, "ZH-3.2.1a", False)
    assert half_days.policy_ref == "zhuhai-lianjian@1.0.0#2013-03-01"
    assert all(duty.clause for duty in duties)


def test_duty_whose_figure_the_paper_leaves_open_is_marked_as_setting() -> None:
    region = f.zhuhai()

    agreement = f.drafted(region, "people1", "xiangwan")

    experts = Duty.objects.get(agreement=agreement, measure="posted_experts")
    assert (experts.target, experts.is_setting) == (2, True)


def test_target_agreement_needs_the_responsible_hospital() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")

    with pytest.raises(RuleBroken, match="不是这家中心的责任医院"):
        f.drafted(region, "people2", "xiangwan", kind="target")


@pytest.mark.clause("SZ16-2b")
def test_pairing_is_in_force_only_after_all_three_parties_signed() -> None:
    region = f.shenzhen()
    when = datetime(2016, 6, 1, 2, 0, tzinfo=UTC)
    agreement = f.proposed(region, "sz1", "c1", kind="pairing", starts=date(2016, 6, 1), ends=date(2019, 6, 1))
    parties = queries.parties_of(agreement)
    assert [party.side for party in parties] == ["hospital", "centre", "host_hospital"]

    f.sign(agreement, parties[0], when)
    assert actions.take_effect_due(on=date(2016, 6, 2), by=f.JOB, at=when) == []
    assert status(agreement) == "signing"
    f.sign(agreement, parties[1], when)
    assert status(agreement) == "signing"
    f.sign(agreement, parties[2], when)

    assert status(agreement) == "in_force"
    assert queries.is_paired(region["sz1"].pk, region["c1"].pk, date(2016, 6, 1))


@pytest.mark.clause("ZH-1b")
def test_hospital_cannot_end_alone() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan")
    hospital, bureau = f.actor(region["people1"]), f.actor(region["bureau"])

    actions.request_end(agreement_id=agreement.pk, reason="人手不足", by=hospital, at=LATER)
    with pytest.raises(Denied, match="珠海市卫生局"):
        actions.end_agreement(agreement_id=agreement.pk, reason="我们自己定", by=hospital, at=LATER)

    assert status(agreement) == "ending_requested"
    assert queries.responsible_agreement(region["xiangwan"].pk, LATER.date()) == agreement
    assert Notice.objects.filter(organization=region["bureau"], subject__contains="终止申请").count() == 1

    with pytest.raises(RuleBroken) as refused:
        actions.end_agreement(agreement_id=agreement.pk, reason="同意", by=bureau, at=LATER)
    assert refused.value.clause == "ZH-1b"
    actions.end_agreement(agreement_id=agreement.pk, reason="同意", handover="移交市二院", by=bureau, at=LATER)

    assert status(agreement) == "ended"
    assert "移交市二院" in queries.history_of(agreement).last().reason
    assert queries.responsible_agreement(region["xiangwan"].pk, LATER.date()) is None
    assert queries.responsible_agreement(region["xiangwan"].pk, f.STARTS) == agreement


def test_refused_end_leaves_the_agreement_in_force() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan")
    actions.request_end(agreement_id=agreement.pk, reason="人手不足", by=f.actor(region["xiangwan"]), at=LATER)

    actions.refuse_end(agreement_id=agreement.pk, reason="请先补充人手", by=f.actor(region["bureau"]), at=LATER)

    assert status(agreement) == "in_force"


def test_request_end_needs_a_reason_and_a_party() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan")

    with pytest.raises(RuleBroken):
        actions.request_end(agreement_id=agreement.pk, reason=" ", by=f.actor(region["people1"]), at=LATER)
    with pytest.raises(Denied):
        actions.request_end(agreement_id=agreement.pk, reason="要换", by=f.actor(region["people2"]), at=LATER)
    assert status(agreement) == "in_force"


def test_sign_twice_is_refused() -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan")
    party = queries.parties_of(agreement)[0]
    f.sign(agreement, party)

    with pytest.raises(AlreadyMoved, match="不用再签"):
        f.sign(agreement, party)


@pytest.mark.parametrize(("code", "role"), [("people2", Role.HOSPITAL_DIRECTOR), ("people1", Role.GP)])
def test_sign_for_another_organisation_or_without_the_role_is_denied(code: str, role: str) -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan")

    with pytest.raises(Denied):
        actions.sign_agreement(agreement_id=agreement.pk, by=f.actor(region[code], role), at=f.AT)

    assert all(party.signed_at is None for party in queries.parties_of(agreement))


def test_sign_a_discarded_draft_is_refused() -> None:
    region = f.zhuhai()
    agreement = f.drafted(region, "people1", "xiangwan")
    actions.discard_agreement(agreement_id=agreement.pk, by=f.actor(region["people1"]), at=f.AT)

    with pytest.raises(AlreadyMoved, match="已作废"):
        actions.sign_agreement(agreement_id=agreement.pk, by=f.actor(region["people1"]), at=f.AT)


def test_sign_after_the_term_is_refused() -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan")

    with pytest.raises(RuleBroken, match="期限已过"):
        f.sign(agreement, queries.parties_of(agreement)[0], datetime(2016, 3, 1, 2, tzinfo=UTC))


def test_propose_twice_tells_who_moved_it() -> None:
    region = f.zhuhai()
    agreement = f.proposed(region, "people1", "xiangwan")

    with pytest.raises(AlreadyMoved, match="李明"):
        actions.propose_agreement(agreement_id=agreement.pk, by=f.actor(region["people1"]), at=f.AT)


def test_draft_with_an_end_before_its_start_is_refused() -> None:
    region = f.zhuhai()

    with pytest.raises(RuleBroken, match="晚于开始日期"):
        f.drafted(region, "people1", "xiangwan", starts=f.ENDS, ends=f.STARTS)


def test_draft_for_an_overlapping_term_of_the_same_pair_is_refused() -> None:
    region = f.zhuhai()
    earlier = f.proposed(region, "people1", "xiangwan")

    with pytest.raises(RuleBroken, match=earlier.number):
        f.drafted(region, "people1", "xiangwan", starts=f.ENDS - timedelta(days=1), ends=date(2019, 1, 1))


def test_draft_before_the_first_policy_value_is_refused() -> None:
    region = f.zhuhai()

    with pytest.raises(NoPolicyInForce):
        f.drafted(region, "people1", "xiangwan", starts=date(2011, 12, 31))


def test_draft_in_a_place_without_a_pack_is_refused() -> None:
    region = f.Region()
    region.place("110101", "东城区")
    region.add("h", f.Kind.HOSPITAL, "医院", "110101", level=3)
    region.add("c", f.Kind.CENTRE, "中心", "110101")

    with pytest.raises(NoPolicyInForce):
        f.drafted(region, "h", "c")


def test_draft_of_a_kind_the_paper_does_not_know_is_refused() -> None:
    region = f.shenzhen()

    with pytest.raises(NoPolicyInForce):
        f.drafted(region, "sz1", "c1", kind="joint_building", starts=date(2016, 6, 1), ends=date(2019, 6, 1))


def test_draft_by_another_hospital_or_another_district_is_denied() -> None:
    region = f.zhuhai()
    wanted = {"kind": "joint_building", "hospital_id": region["people1"].pk, "centre_id": region["xiangwan"].pk}

    for code in ("people2", "bureau_glg", "xiangwan"):
        with pytest.raises(Denied):
            actions.draft_agreement(**wanted, starts_on=f.STARTS, ends_on=f.ENDS, by=f.actor(region[code]), at=f.AT)
    assert not Agreement.objects.exists()


def test_draft_with_a_centre_in_the_place_of_the_hospital_is_refused() -> None:
    region = f.zhuhai()

    with pytest.raises(RuleBroken, match="不是医院"):
        f.drafted(region, "xiangwan", "shishan")
    with pytest.raises(NotVisible):
        actions.draft_agreement(
            kind="joint_building", hospital_id=0, centre_id=0, starts_on=f.STARTS, ends_on=f.ENDS, by=f.JOB, at=f.AT
        )


def test_draft_with_an_unknown_form_of_cooperation_is_refused() -> None:
    region = f.zhuhai()

    with pytest.raises(RuleBroken, match="drones"):
        actions.draft_agreement(
            kind="joint_building", hospital_id=region["people1"].pk, centre_id=region["xiangwan"].pk,
            starts_on=f.STARTS, ends_on=f.ENDS, forms=["drones"], by=f.JOB, at=f.AT,
        )  # fmt: skip


def test_pairing_with_a_centre_without_host_hospital_is_refused() -> None:
    region = f.shenzhen()
    region.add("lone", f.Kind.CENTRE, "无举办医院的中心", "4403")

    with pytest.raises(RuleBroken) as refused:
        f.drafted(region, "sz1", "lone", kind="pairing", starts=date(2016, 6, 1), ends=date(2019, 6, 1))

    assert refused.value.clause == "SZ16-2b"


def test_numbers_run_on_by_kind_and_year() -> None:
    region = f.zhuhai()

    numbers = [f.drafted(region, "people1", centre).number for centre in ("xiangwan", "shishan")]

    assert numbers == ["4404-LJ-2013-0001", "4404-LJ-2013-0002"]


def test_own_number_may_be_used_once() -> None:
    region = f.zhuhai()
    wanted = {"kind": "joint_building", "hospital_id": region["people1"].pk, "number": "珠卫联〔2013〕1号"}
    term = {"starts_on": f.STARTS, "ends_on": f.ENDS, "by": f.JOB, "at": f.AT}
    actions.draft_agreement(**wanted, centre_id=region["xiangwan"].pk, **term)

    with pytest.raises(RuleBroken, match="已经用过"):
        actions.draft_agreement(**wanted, centre_id=region["shishan"].pk, **term)


def test_agreement_signed_early_takes_effect_on_its_day_and_lapses_after_it() -> None:
    region = f.zhuhai()
    starts, ends = date(2013, 4, 1), date(2014, 4, 1)
    agreement = f.signed(region, "people1", "xiangwan", starts=starts, ends=ends)
    assert agreement.status == "signed"

    assert actions.take_effect_due(on=date(2013, 3, 31), by=f.JOB, at=f.AT) == []
    assert actions.take_effect_due(on=starts, by=f.JOB, at=f.AT) == [agreement]
    assert actions.take_effect_due(on=starts, by=f.JOB, at=f.AT) == []
    assert status(agreement) == "in_force"
    assert actions.lapse_due(on=date(2014, 3, 31), by=f.JOB, at=f.AT) == []
    assert actions.lapse_due(on=ends, by=f.JOB, at=f.AT) == [agreement]
    assert status(agreement) == "lapsed"
    assert queries.in_force(date(2013, 12, 31)).get() == agreement


def test_every_step_tells_the_parties_and_leaves_an_audit_row() -> None:
    region = f.zhuhai()

    agreement = f.signed(region, "people1", "xiangwan")

    asked = Notice.objects.filter(subject__startswith="请签署").values_list("organization__code", "role")
    assert set(asked) == {
        ("people1", "hospital_director"),
        ("people1", "guidance_office"),
        ("xiangwan", "centre_manager"),
        ("bureau", "bureau_officer"),
    }
    written = AuditEvent.objects.filter(kind="action", subject_type="agreements.agreement", subject_id=agreement.pk)
    assert list(written.values_list("action", flat=True)) == [
        "agreement.draft", "agreement.propose", "agreement.sign", "agreement.sign", "agreement.sign",
    ]  # fmt: skip


def test_justification_is_written_by_the_hospital_alone() -> None:
    region = f.shenzhen()
    agreement = f.drafted(region, "sz1", "c1", kind="pairing", starts=date(2016, 6, 1), ends=date(2019, 6, 1))

    with pytest.raises(Denied):
        actions.justify_shortfall(agreement_id=agreement.pk, justification="x", by=f.actor(region["c1"]), at=f.AT)
    with pytest.raises(RuleBroken):
        actions.justify_shortfall(agreement_id=agreement.pk, justification=" ", by=f.actor(region["sz1"]), at=f.AT)
    actions.justify_shortfall(agreement_id=agreement.pk, justification="新院区", by=f.actor(region["sz1"]), at=f.AT)

    assert Agreement.objects.get(pk=agreement.pk).justification == "新院区"


def test_database_itself_refuses_two_responsible_hospitals() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")
    rival = f.drafted(region, "people2", "gongbei")

    with pytest.raises(IntegrityError), transaction.atomic():
        Agreement.objects.filter(pk=rival.pk).update(centre=region["xiangwan"], status="signed")


@pytest.mark.clause("ZH-2a")
@pytest.mark.django_db(transaction=True)
def test_two_last_signatures_at_once_leave_one_responsible_hospital() -> None:
    region = f.zhuhai()
    rivals = [f.proposed(region, hospital, "xiangwan") for hospital in ("people1", "people2")]
    last: list[Party] = []
    for rival in rivals:
        *others, party = queries.parties_of(rival)
        last.append(party)
        for other in others:
            f.sign(rival, other)
    gate, outcomes = threading.Barrier(2), []

    def finish(number: int) -> None:
        try:
            gate.wait(timeout=10)
            f.sign(rivals[number], last[number])
            outcomes.append("won")
        except KangqiaoError as refused:
            outcomes.append(type(refused).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(outcomes) == ["Taken", "won"]
    assert Agreement.objects.filter(status__in=("signed", "in_force")).count() == 1
