from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kangqiao import policy
from kangqiao.domain.contracting import actions, queries
from kangqiao.domain.contracting.models import Act, Contract, Team, TeamMember
from kangqiao.domain.contracting.parameters import packages_at, ways_at
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.contracting.views.contracts import WAYS
from kangqiao.domain.followup.models import Assessment
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.records.models import Encounter, Medication, Observation
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.pathways.contract_services import count_since

SHENZHEN = "4403"
DAY = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
TEN = [
    "健康档案", "慢性病管理", "用药指导", "健康促进", "网络药师", "社区临床药师", "预防保健", "家庭病床", "社区康复",
    "医养融合",
]  # fmt: skip


def term() -> list[str]:
    """The services of the package as the pack of Shenzhen names them."""
    found = next(one for one in packages_at(SHENZHEN, f.ON) if one.code == "medical_group")
    assert found.clause == "SZ17-B9.c"
    return [one.zh for one in found.items]


@pytest.mark.clause("SZ17-B9.c")
def test_the_package_names_as_many_services_as_the_paper() -> None:
    asked = policy.at(SHENZHEN, f.ON).value("contracting", "package_services_named")

    assert term() == TEN
    assert len(TEN) == asked.integer()


def test_every_kind_of_service_has_a_way_to_ask_that_leads_somewhere() -> None:
    ways = ways_at(SHENZHEN, f.ON)

    assert set(ways) == set(Act.values)
    assert {one.link for one in ways.values()} == {*WAYS, "phone"}
    assert all(reverse(address) for address, _words in WAYS.values())


def in_shenzhen() -> tuple[f.World, Team, Resident, Contract]:
    """A resident of a centre in Shenzhen whose contract holds the package alone."""
    w = f.world()
    city = Place.objects.create(code=SHENZHEN, zh="深圳市")
    bureau, centre = (
        Organization.objects.create(
            code=f"sz-{kind.replace('_', '-')}", kind=kind, zh=f"演示深圳{kind}", short_zh=kind, place=city,
            is_demo=True, phone="0755-00000000",
        )
        for kind in ("health_bureau", "centre")
    )  # fmt: skip
    package = actions.adopt_packages(
        organization_id=bureau.pk, codes=["medical_group"], starts_on=date(2026, 1, 1), by=f.JOB, at=f.AT
    )[0]
    team = w.team(*f.WHOLE, "pharmacist", house=centre)
    resident = w.resident(house=centre, with_user=True)
    contract = w.applied(team, resident, package_ids=[package.pk])[0]
    actions.accept_contract(contract_id=contract.pk, by=f.JOB, at=f.AT)
    f.sign(contract, resident.name)
    contract.refresh_from_db()
    return w, team, resident, contract


def use_them(team: Team, resident: Resident, contract: Contract) -> None:
    """Each of the services that the record shows today is used, chronic care and prevention twice."""

    def visit(code: str, days: int = 0, kind: str = "gp") -> Encounter:
        member = TeamMember.objects.get(team=team, kind=kind)
        return Encounter.objects.create(
            resident=resident, organization=team.organization, practitioner=member.practitioner, origin="walk_in",
            started_at=DAY + timedelta(days=days), diagnosis=code,
        )  # fmt: skip

    ill = visit("I10.1")
    visit("E11", 1)
    for code, day in (("Z24", 2), ("Z25", 3), ("Z74", 4), ("Z50", 5), ("Z75", 6), ("J06", 7)):
        visit(code, day)
    visit("I10", 8, "pharmacist")
    for zh in ("氨氯地平", "二甲双胍"):  # two medicines of one visit are one advice
        Medication.objects.create(resident=resident, encounter=ill, zh=zh, since=DAY.date(), recorded_by="演示医生")
    Observation.objects.create(
        resident=resident, encounter=ill, organization=team.organization, code="education", text="少盐", taken_at=DAY,
        source="visit", recorded_by="演示医生", recorded_at=DAY,
    )  # fmt: skip
    Assessment.objects.create(
        resident=resident, contract=contract, on=DAY.date(), level="managed", zh="慢病管理", en="Managed",
        by_name="演示医生", policy_ref="test",
    )  # fmt: skip
    for kind, hours in (("pharmacist", 1), ("gp", 2)):
        Enquiry.objects.create(
            resident=resident, contract=contract, asked_by=resident.user, status="answered", asked_at=DAY,
            holder=TeamMember.objects.get(team=team, kind=kind), answered_at=DAY + timedelta(hours=hours),
            policy_ref="test",
        )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.clause("SZ17-B9.c")
def test_a_resident_reads_all_ten_with_how_to_ask_and_what_was_used() -> None:
    _w, team, resident, contract = in_shenzhen()
    use_them(team, resident, contract)
    count_since(since=f.AT, by=f.JOB, at=LATER)
    assert count_since(since=f.AT, by=f.JOB, at=LATER) == 0  # each counts once
    client = Client()
    client.force_login(resident.user)

    answer = client.get(reverse("contracting-mine"))

    page = answer.content.decode()
    shown = {
        item.item.zh: (item, href) for item, href, _verb in client.get(reverse("contracting-mine")).context["promised"]
    }
    assert list(shown) == TEN
    assert {zh: item.done for zh, (item, _href) in shown.items()} == dict.fromkeys(TEN, 1) | {
        "慢性病管理": 2, "预防保健": 2
    }  # fmt: skip
    for zh, (item, href) in shown.items():
        assert zh in page
        assert item.way.zh in page
        assert f'href="{href}"' in page
        assert href == "tel:0755-00000000" or client.get(href).status_code == 200
    assert "已做 2 次，一年 4 次" in page


@pytest.mark.django_db
def test_what_is_not_in_the_package_is_not_counted_for_it() -> None:
    w, team, resident, contract = in_shenzhen()
    elsewhere = Encounter.objects.create(
        resident=resident, organization=w.hospital, origin="walk_in", started_at=DAY, diagnosis="I10"
    )
    Medication.objects.create(
        resident=resident, encounter=elsewhere, zh="氨氯地平", since=DAY.date(), recorded_by="演示医生"
    )
    here = Encounter.objects.create(
        resident=resident, organization=team.organization, origin="walk_in", started_at=DAY, diagnosis="J06"
    )
    told = {
        "resident": resident, "encounter": here, "organization": team.organization, "code": "education",
        "taken_at": DAY, "source": "visit", "recorded_by": "演示医生", "recorded_at": DAY,
    }  # fmt: skip
    wrong = Observation.objects.create(text="少盐", **told)
    Observation.objects.create(corrects=wrong, is_void=True, reason="写错人", **told)

    assert count_since(since=f.AT, by=f.JOB, at=LATER) == 0
    assert [one.done for one in queries.promised(contract, DAY.date())] == [0] * len(TEN)


@pytest.mark.django_db
def test_a_guardian_asks_for_the_child() -> None:
    w = f.world()
    team, child, mother = w.team(), w.resident(date(2020, 1, 1)), w.resident(with_user=True)
    contract = w.accepted(team, child)[0]
    f.sign(contract, mother.name)
    residents.grant_basis(
        resident_id=child.pk, kind="guardian", source="guardian:1", since=f.AT, user_id=mother.user_id, by=f.JOB,
        at=f.AT,
    )  # fmt: skip
    Team.objects.filter(pk=team.pk).update(phone="0756-00000000")
    client = Client()
    client.force_login(mother.user)

    found = client.get(reverse("contracting-mine"), {"resident": child.pk}).context["promised"]

    ways = {item.item.act: (href, client.get(href).status_code) for item, href, _verb in found}
    assert ways["visit"] == (f"{reverse('slots-find')}?resident={child.pk}", 200)
    assert ways["referral"] == (f"{reverse('portal-mine')}?resident={child.pk}", 200)
