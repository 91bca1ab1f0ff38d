"""The yearly list from draft to the public, on the database."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.publication import actions, queries, rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.roster.models import Posting
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import AlreadyMoved, Denied, NoPolicyInForce, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
JANUARY = datetime(2016, 1, 20, 2, 0, tzinfo=UTC)
LAST_DAY = datetime(2016, 2, 29, 8, 0, tzinfo=UTC)
DAY_AFTER = datetime(2016, 3, 1, 2, 0, tzinfo=UTC)


class Region:
    """A hospital of Shenzhen with two paired centres, one expert of last year and one planned."""

    def __init__(self) -> None:
        self.city = Place.objects.create(code="4403", zh="深圳市")
        self.bureau = self.organization("bureau", Organization.Kind.HEALTH_BUREAU)
        self.hospital = self.organization("hospital", Organization.Kind.HOSPITAL)
        self.office = self.organization("office", Organization.Kind.GUIDANCE_OFFICE, part_of=self.hospital)
        self.other = self.organization("other", Organization.Kind.HOSPITAL)
        self.guide = Actor("user:1", "江半夏", self.office.pk, "指导科", "guidance_office")
        self.officer = Actor("user:2", "韩景天", self.bureau.pk, "卫生局", "bureau_officer")
        self.stranger = Actor("user:3", "顾白芷", self.other.pk, "别院", "guidance_office")
        self.agreements = [self.agreement(f"centre{number}") for number in (1, 2)]
        self.posting("沈青黛", self.agreements[0], date(2015, 8, 1), date(2016, 1, 1))
        self.posting("方海桐", self.agreements[1], date(2016, 1, 1), date(2017, 1, 1))

    def organization(self, code: str, kind: str, **fields: object) -> Organization:
        return Organization.objects.create(code=code, kind=kind, zh=code, short_zh=code, place=self.city, **fields)

    def agreement(self, code: str) -> Agreement:
        return Agreement.objects.create(
            kind=Agreement.Kind.PAIRING, number=f"DX-{code}", hospital=self.hospital,
            centre=self.organization(code, Organization.Kind.CENTRE), starts_on=date(2015, 8, 1),
            ends_on=date(2018, 8, 1), status="in_force", policy_ref="x",
        )  # fmt: skip

    def posting(self, name: str, agreement: Agreement, starts_on: date, ends_on: date) -> Posting:
        expert = Practitioner.objects.create(
            name=name, sex="female", licence_number=f"执业-{name}", title_kind="physician",
            title_grade="associate_senior", organization=self.hospital,
        )  # fmt: skip
        return Posting.objects.create(
            practitioner=expert, centre=agreement.centre, agreement=agreement, starts_on=starts_on, ends_on=ends_on,
            status="posted", policy_ref="x",
        )  # fmt: skip

    def draft(self) -> Publication:
        return actions.draft_publication(organization_id=self.hospital.pk, year=2016, by=self.guide, at=JANUARY)

    def approved(self) -> Publication:
        pk = self.draft().pk
        actions.submit_publication(publication_id=pk, by=self.guide, at=JANUARY)
        return actions.approve_publication(publication_id=pk, by=self.officer, at=JANUARY)


@pytest.fixture
def region() -> Region:
    return Region()


@pytest.mark.clause("SZ16-4.3b")
@pytest.mark.parametrize(("at", "late"), [(LAST_DAY, 0), (DAY_AFTER, 1)])
def test_deadline_is_the_last_day_of_february_and_a_late_list_is_marked(
    region: Region, at: datetime, late: int
) -> None:
    approved = region.approved()
    assert approved.due_on == date(2016, 2, 29)
    published = actions.publish_publication(publication_id=approved.pk, by=region.guide, at=at)
    assert (published.status, published.days_late) == ("published", late)


@pytest.mark.clause("SZ16-4.3b")
def test_task_opens_in_january_and_is_told_once_a_month(region: Region) -> None:
    def remind(at: datetime) -> int:
        return actions.remind_hospitals(place_code="4403", year=2016, by=Actor.system("remind"), at=at)

    assert (remind(JANUARY), remind(JANUARY), remind(LAST_DAY)) == (1, 0, 1)
    assert Notice.objects.filter(role="guidance_office", clause="SZ16-4.3b").count() == 2


@pytest.mark.clause("SZ16-4.3c")
def test_list_holds_agreements_and_experts_with_place_and_term_and_nothing_else(region: Region) -> None:
    content = region.approved().content
    assert [row["centre"] for row in content["chc_list"]] == ["centre1", "centre2"]
    assert [row["name"] for row in content["experts_completed"]] == ["沈青黛"]
    assert [(row["name"], row["place"], row["ends_on"]) for row in content["experts_planned"]] == [
        ("方海桐", "centre2", "2017-01-01")
    ]
    for row in content["experts_completed"] + content["experts_planned"]:
        assert set(row) == set(rules.EXPERT_COLUMNS)
    assert "执业-" not in str(content)


def test_published_list_stays_as_it_was_when_live_data_change(region: Region) -> None:
    published = actions.publish_publication(publication_id=region.approved().pk, by=region.guide, at=JANUARY)
    region.agreement("centre3")
    again = Publication.objects.get(pk=published.pk)
    assert len(again.content["chc_list"]) == 2
    assert rules.digest(again.content) == again.sha256


def test_correction_is_a_new_version_with_its_difference(region: Region) -> None:
    actions.publish_publication(publication_id=region.approved().pk, by=region.guide, at=JANUARY)
    region.agreement("centre3")
    second = region.approved()
    assert second.version == 2
    assert [(change.kind, change.row["centre"]) for change in queries.changes(second) if change.part == "chc_list"] == [
        ("added", "centre3")
    ]


def test_nothing_is_published_without_approval(region: Region) -> None:
    draft = region.draft()
    with pytest.raises(RuleBroken, match="还没有经卫生行政部门批准"):
        actions.publish_publication(publication_id=draft.pk, by=region.guide, at=JANUARY)
    actions.submit_publication(publication_id=draft.pk, by=region.guide, at=JANUARY)
    with pytest.raises(RuleBroken, match="还没有经卫生行政部门批准"):
        actions.publish_publication(publication_id=draft.pk, by=region.guide, at=JANUARY)
    assert queries.published() == []


def test_hospital_cannot_approve_its_own_list(region: Region) -> None:
    draft = region.draft()
    actions.submit_publication(publication_id=draft.pk, by=region.guide, at=JANUARY)
    with pytest.raises(Denied):
        actions.approve_publication(publication_id=draft.pk, by=region.guide, at=JANUARY)


def test_stranger_neither_sees_nor_drafts(region: Region) -> None:
    draft = region.draft()
    with pytest.raises(NotVisible):
        actions.submit_publication(publication_id=draft.pk, by=region.stranger, at=JANUARY)
    with pytest.raises(Denied):
        actions.draft_publication(organization_id=region.hospital.pk, year=2017, by=region.stranger, at=JANUARY)


def test_changed_content_is_not_published(region: Region) -> None:
    approved = region.approved()
    Publication.objects.filter(pk=approved.pk).update(content={**approved.content, "hospital": "别的医院"})
    with pytest.raises(RuleBroken, match="不一致"):
        actions.publish_publication(publication_id=approved.pk, by=region.guide, at=JANUARY)


def test_second_draft_second_publish_and_return_without_reason_are_refused(region: Region) -> None:
    approved = region.approved()
    with pytest.raises(RuleBroken, match="正在办理"):
        region.draft()
    actions.publish_publication(publication_id=approved.pk, by=region.guide, at=JANUARY)
    with pytest.raises(AlreadyMoved):
        actions.publish_publication(publication_id=approved.pk, by=region.guide, at=JANUARY)
    second = region.draft()
    actions.submit_publication(publication_id=second.pk, by=region.guide, at=JANUARY)
    with pytest.raises(RuleBroken, match="原因"):
        actions.return_publication(publication_id=second.pk, reason=" ", by=region.officer, at=JANUARY)


def test_empty_list_is_not_submitted(region: Region) -> None:
    Agreement.objects.all().update(status="lapsed")
    with pytest.raises(RuleBroken, match="名单是空的"):
        actions.submit_publication(publication_id=region.draft().pk, by=region.guide, at=JANUARY)


def test_no_list_before_the_paper(region: Region) -> None:
    with pytest.raises((NoPolicyInForce, RuleBroken)):
        actions.draft_publication(organization_id=region.hospital.pk, year=2014, by=region.guide, at=JANUARY)
