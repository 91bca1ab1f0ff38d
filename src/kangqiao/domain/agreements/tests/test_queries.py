from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import actions, queries
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.rules import Verdict
from kangqiao.domain.agreements.tests import factories as f
from kangqiao.kernel.errors import NotVisible

pytestmark = pytest.mark.django_db
SZ_AT = datetime(2016, 6, 1, 2, 0, tzinfo=UTC)
SZ_ON = date(2016, 6, 1)
SZ_TERM = {"starts": SZ_ON, "ends": date(2019, 6, 1)}


def centres_seen(region: f.Region, code: str, role: str = "") -> set[str]:
    rows = queries.visible_agreements(f.seat(region[code], role))
    return set(rows.values_list("centre__code", flat=True))


def second_hospital_in_three_districts() -> f.Region:
    region = f.zhuhai()
    for centre in ("gongbei", "hengqin", "pingsha"):
        f.signed(region, "people2", centre)
    return region


@pytest.mark.clause("ZH-A2b")
def test_district_authority_sees_its_own_centre_only() -> None:
    region = second_hospital_in_three_districts()

    assert centres_seen(region, "bureau_glg") == {"pingsha"}
    assert centres_seen(region, "people2") == {"gongbei", "hengqin", "pingsha"}
    assert centres_seen(region, "bureau") == {"gongbei", "hengqin", "pingsha"}


def test_parties_and_their_offices_see_theirs_and_strangers_nothing() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")

    assert centres_seen(region, "office1") == {"xiangwan"}
    assert centres_seen(region, "xiangwan", Role.GP) == {"xiangwan"}
    assert centres_seen(region, "people2", Role.DISPATCHER) == {"xiangwan"}
    assert centres_seen(region, "people2") == set()
    assert centres_seen(region, "shishan") == set()
    assert centres_seen(region, "xiangwan", Role.RESIDENT) == set()
    assert centres_seen(region, "bureau", Role.SYSTEM_ADMIN) == set()


def test_get_agreement_of_another_region_looks_like_one_that_does_not_exist() -> None:
    region = f.zhuhai()
    agreement = f.drafted(region, "people1", "xiangwan")

    with pytest.raises(NotVisible) as hidden:
        queries.get_agreement(f.seat(region["people2"]), agreement.pk)
    with pytest.raises(NotVisible) as absent:
        queries.get_agreement(f.seat(region["people2"]), 0)

    assert hidden.value.message == absent.value.message


def test_in_force_follows_term_and_place() -> None:
    region = second_hospital_in_three_districts()
    f.proposed(region, "people1", "xiangwan")

    assert queries.in_force(f.STARTS).count() == 3
    assert queries.in_force(f.STARTS, "440404-GLG").get().centre == region["pingsha"]
    assert not queries.in_force(f.ENDS).exists()
    assert queries.is_paired(region["people2"].pk, region["pingsha"].pk, f.STARTS)
    assert not queries.is_paired(region["people1"].pk, region["xiangwan"].pk, f.STARTS)
    assert set(queries.paired_centres(region["people2"].pk, f.STARTS).values_list("code", flat=True)) == {
        "gongbei",
        "hengqin",
        "pingsha",
    }
    assert queries.paired_hospitals(region["pingsha"].pk, f.STARTS).get() == region["people2"]


def test_target_agreement_alone_pairs_nobody() -> None:
    region = f.zhuhai()
    f.signed(region, "people1", "xiangwan")
    f.signed(region, "people1", "xiangwan", kind="target", ends=date(2014, 3, 1))

    assert queries.paired_centres(region["people1"].pk, f.STARTS).count() == 1
    Agreement.objects.filter(kind="joint_building").update(status="discarded")
    assert queries.paired_centres(region["people1"].pk, f.STARTS).count() == 0


@pytest.mark.clause("ZH-0b")
def test_network_draws_the_relations_of_a_hospital() -> None:
    region = f.zhuhai()
    for centre in ("xiangwan", "shishan", "hongqi"):
        f.signed(region, "people1", centre)

    found = queries.network(f.seat(region["bureau"]), f.STARTS)

    (node,) = found.hospitals
    assert node.hospital == region["people1"]
    assert [relation.get_kind_display() for relation in node.relations] == ["联建协管"] * 3
    assert all((relation.starts_on, relation.ends_on) == (f.STARTS, f.ENDS) for relation in node.relations)
    assert {relation.responsible_office for relation in node.relations} == {region["office1"]}


@pytest.mark.clause("ZH-A2c")
def test_network_shows_the_gaps_of_the_table() -> None:
    region = f.zhuhai()
    region.add("xz_people", f.Kind.HOSPITAL, "香洲区人民医院", "440402", level=2, ownership="district")
    region.add("zh_people1", f.Kind.HOSPITAL, "市人民医院本部", "440402", level=3, ownership="municipal")
    f.signed(region, "xz_people", "xiangwan")
    f.signed(region, "zh_people1", "shishan")

    found = queries.network(f.seat(region["bureau"]), f.STARTS)

    doumen = next(row for row in found.coverage if row.place.zh == "斗门区")
    assert (doumen.institutions, doumen.covered, doumen.is_whole) == (0, 0, False)
    assert {node.hospital.code: node.has_seat for node in found.hospitals} == {"xz_people": False, "zh_people1": True}


@pytest.mark.clause("ZH-4.3b")
def test_coverage_counts_covered_of_all_institutions() -> None:
    region = f.zhuhai()
    for number in range(18):
        region.add(f"more{number}", f.Kind.CENTRE, f"第{number}中心", "440402")
    centres = ["xiangwan", "shishan", "hongqi", "gongbei", "hengqin", "pingsha"] + [f"more{n}" for n in range(10)]
    for centre in centres:
        f.signed(region, "people1", centre)

    found = queries.network(f.seat(region["bureau"]), f.STARTS)

    assert (found.covered, found.institutions) == (16, 24)
    assert f"{float(found.share or 0):.1%}" == "66.7%"
    assert sum(len(row.uncovered) for row in found.coverage) == 8


def test_network_of_a_hospital_shows_its_own_relations_and_no_coverage() -> None:
    region = second_hospital_in_three_districts()
    f.signed(region, "people1", "xiangwan")

    found = queries.network(f.seat(region["people1"]), f.STARTS)

    assert [node.hospital for node in found.hospitals] == [region["people1"]]
    assert found.coverage == []


@pytest.mark.clause("SZ16-1a")
def test_hospital_in_scope_without_a_signed_agreement_is_the_one_shown() -> None:
    region = f.shenzhen(centres=3)
    for code in ("sz2", "sz3"):
        region.add(code, f.Kind.HOSPITAL, code, "4403", level=3, ownership="municipal", opened_on=date(2000, 1, 1))
    region.add("eye", f.Kind.HOSPITAL, "市眼科医院", "4403", level=3, ownership="municipal", specialty="eye")
    f.signed(region, "sz1", "c1", kind="pairing", at=SZ_AT, **SZ_TERM)
    f.signed(region, "sz2", "c2", kind="pairing", at=SZ_AT, **SZ_TERM)
    f.proposed(region, "sz3", "c3", kind="pairing", **SZ_TERM)

    rows = queries.scope_rows(f.seat(region["authority"]), SZ_ON)

    assert len(rows) == 3
    assert [row.hospital.code for row in rows if not row.is_compliant] == ["sz3"]


@pytest.mark.clause("SZ16-1b")
def test_new_hospital_is_exempt_until_its_fifth_anniversary() -> None:
    region = f.shenzhen()
    region.add("new", f.Kind.HOSPITAL, "新建医院", "4403", level=3, ownership="municipal", opened_on=date(2011, 9, 1))
    seat = f.seat(region["authority"])

    def stands(on: date) -> tuple[bool, bool]:
        row = next(row for row in queries.scope_rows(seat, on) if row.hospital.code == "new")
        return row.is_bound, row.is_compliant

    assert stands(date(2016, 8, 31)) == (False, True)
    assert stands(date(2016, 9, 1)) == (True, False)


@pytest.mark.clause("SZ16-1f")
def test_nine_of_ten_asks_for_a_reason_and_the_tenth_clears_it() -> None:
    region = f.shenzhen(centres=7)
    for number in range(3):
        region.add(f"own{number}", f.Kind.CENTRE, f"自办{number}", "4403", part_of_id=region["sz1"].pk)
    for number in range(1, 7):
        f.signed(region, "sz1", f"c{number}", kind="pairing", at=SZ_AT, **SZ_TERM)
    seat = f.seat(region["authority"])

    (before,) = (row for row in queries.scope_rows(seat, SZ_ON) if row.hospital.code == "sz1")
    tenth = f.signed(region, "sz1", "c7", kind="pairing", at=SZ_AT, **SZ_TERM)
    (after,) = (row for row in queries.scope_rows(seat, SZ_ON) if row.hospital.code == "sz1")

    assert (before.centres, before.centres_min, before.verdict, before.needs_reason) == (9, 10, Verdict.SHORT, True)
    assert tenth.status == "in_force"
    assert (after.centres, after.verdict, after.needs_reason) == (10, Verdict.MET, False)


def test_written_reason_answers_the_question_for_one() -> None:
    region = f.shenzhen()
    agreement = f.signed(region, "sz1", "c1", kind="pairing", at=SZ_AT, **SZ_TERM)
    actions.justify_shortfall(agreement_id=agreement.pk, justification="新院区", by=f.actor(region["sz1"]), at=SZ_AT)

    (row,) = (row for row in queries.scope_rows(f.seat(region["authority"]), SZ_ON) if row.hospital.code == "sz1")

    assert (row.needs_reason, row.justification) == (False, "新院区")


def test_scope_is_empty_where_no_paper_asks_for_pairings() -> None:
    region = f.zhuhai()

    assert queries.scope_rows(f.seat(region["bureau"]), f.STARTS) == []


def test_available_steps_follow_state_and_seat() -> None:
    region = f.zhuhai()
    agreement = f.signed(region, "people1", "xiangwan")

    def verbs(code: str, role: str = "") -> list[str]:
        fresh = Agreement.objects.select_related("hospital", "centre__place").get(pk=agreement.pk)
        return [step.action for step in queries.available_steps(f.seat(region[code], role), fresh)]

    assert verbs("people1") == ["request_end"]
    assert verbs("xiangwan", Role.GP) == []
    assert verbs("bureau") == []
    actions.request_end(agreement_id=agreement.pk, reason="人手不足", by=f.actor(region["people1"]), at=f.AT)
    assert verbs("people1") == []
    assert verbs("bureau") == ["refuse_end", "end"]
    assert verbs("bureau_glg") == []
