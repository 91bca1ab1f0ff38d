"""The yearly list from draft to the public, on the database."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.publication import actions, queries, rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.tests.factories import JANUARY, Region
from kangqiao.kernel.errors import AlreadyMoved, Denied, NoPolicyInForce, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
LAST_DAY = datetime(2016, 2, 29, 8, 0, tzinfo=UTC)
DAY_AFTER = datetime(2016, 3, 1, 2, 0, tzinfo=UTC)


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
        ("方海桐", "centre2", "2016-12-31")
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
