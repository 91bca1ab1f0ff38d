"""Places, organisations and the guidance office."""

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions import actions, queries
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital, organization, place
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db


@pytest.mark.clause("ZH-4.1a")
def test_of_seven_hospitals_with_six_offices_the_seventh_is_named() -> None:
    hospitals = [hospital(f"h{number}", f"第{number}医院") for number in range(1, 8)]
    for row in hospitals[:6]:
        actions.register_guidance_office(hospital_id=row.pk, by=TESTER, at=NOW)

    missing = list(queries.hospitals_without_guidance_office("4404"))

    assert [row.zh for row in missing] == ["第7医院"]
    office = queries.guidance_office_of(hospitals[0].pk)
    assert office is not None
    assert (office.kind, office.part_of_id) == ("guidance_office", hospitals[0].pk)


@pytest.mark.clause("ZH-4.1a")
def test_a_second_office_of_one_hospital_is_refused() -> None:
    own = hospital()
    actions.register_guidance_office(hospital_id=own.pk, by=TESTER, at=NOW)

    with pytest.raises(RuleBroken) as refused:
        actions.register_guidance_office(hospital_id=own.pk, by=TESTER, at=NOW)
    assert refused.value.clause == "ZH-4.1a"


def test_a_director_registers_the_office_of_the_own_hospital_only() -> None:
    own, other = hospital("own", "甲医院"), hospital("other", "乙医院")
    director = Actor("user:1", "顾白芷", own.pk, own.zh, "hospital_director")

    actions.register_guidance_office(hospital_id=own.pk, by=director, at=NOW)
    with pytest.raises(Denied):
        actions.register_guidance_office(hospital_id=other.pk, by=director, at=NOW)
    assert queries.guidance_office_of(other.pk) is None


def test_a_bureau_registers_offices_in_its_own_place_only() -> None:
    own = hospital()
    here = organization("bureau", "health_bureau", "珠海市卫生局")
    elsewhere = organization("other-bureau", "health_bureau", "深圳市卫生局", place("4403", "深圳市"))
    stranger = Actor("user:2", "韩景天", elsewhere.pk, elsewhere.zh, "bureau_officer")

    with pytest.raises(Denied):
        actions.register_guidance_office(hospital_id=own.pk, by=stranger, at=NOW)
    officer = Actor("user:1", "江半夏", here.pk, here.zh, "bureau_officer")
    actions.register_guidance_office(hospital_id=own.pk, by=officer, at=NOW)
    assert queries.guidance_office_of(own.pk) is not None


def test_what_is_no_hospital_gets_no_office() -> None:
    with pytest.raises(NotVisible):
        actions.register_guidance_office(hospital_id=centre().pk, by=TESTER, at=NOW)


def test_a_place_covers_the_places_under_it_and_no_other() -> None:
    city = place()
    district = place("440402", "香洲区", city)
    zone = place("440402-HQ", "横琴新区", city)
    inside, outside = centre("a", where=district), centre("b", where=zone)

    assert set(queries.centres_in("4404")) == {inside, outside}
    assert list(queries.centres_in("440402")) == [inside]
    assert [row.code for row in queries.place_chain(district.pk)] == ["440402", "4404"]


def test_the_payer_of_a_district_without_its_own_bureau_is_the_city() -> None:
    city = place()
    district, bare = place("440402", "香洲区", city), place("440403", "斗门区", city)
    bureau = organization("city-finance", "finance_bureau")
    own = organization("xz-finance", "finance_bureau", where=district)

    assert queries.payer_bureau(district.pk, "finance_bureau") == own
    assert queries.payer_bureau(bare.pk, "finance_bureau") == bureau


@pytest.mark.parametrize("typed", ["香湾", "xiangwan", "xw", "XZQXW"])
def test_an_organisation_is_found_by_characters_pinyin_and_initials(typed: str) -> None:
    wanted = centre()
    hospital()

    assert queries.search_organizations(typed) == [wanted]


def test_a_taken_code_is_refused() -> None:
    centre("same")

    with pytest.raises(RuleBroken, match="same"):
        centre("same")
    with pytest.raises(RuleBroken):
        actions.create_place(code="4404", zh="珠海市", by=TESTER, at=NOW)


def test_an_unknown_code_is_not_visible() -> None:
    with pytest.raises(NotVisible):
        queries.organization("nowhere")
    with pytest.raises(NotVisible):
        queries.hospitals_in("9999")


def test_a_doctor_may_not_enter_organisations_or_change_the_population() -> None:
    doctor, own = Actor("user:1", "沈青黛", role="expert"), centre()

    with pytest.raises(Denied):
        actions.create_organization(code="x", kind="centre", zh="x", place_id=own.place_id, by=doctor, at=NOW)
    with pytest.raises(Denied):
        actions.set_population_served(organization_id=own.pk, population=1, by=doctor, at=NOW)


def test_the_population_served_is_kept_and_a_negative_one_refused() -> None:
    own = centre()

    changed = actions.set_population_served(organization_id=own.pk, population=41_000, by=TESTER, at=NOW)
    with pytest.raises(RuleBroken):
        actions.set_population_served(organization_id=own.pk, population=-1, by=TESTER, at=NOW)

    assert changed.population_served == 41_000
    own.refresh_from_db()
    assert own.population_served == 41_000
