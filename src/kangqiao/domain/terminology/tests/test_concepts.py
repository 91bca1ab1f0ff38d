"""The code lists."""

from datetime import UTC, datetime

import pytest

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.domain.terminology import actions, queries
from kangqiao.domain.terminology.models import Concept
from kangqiao.kernel.errors import Denied, RuleBroken

pytestmark = pytest.mark.django_db
TESTER, NOW = Actor.system("test"), datetime(2026, 5, 14, 2, 0, tzinfo=UTC)


def test_load_concepts_twice_adds_nothing_and_keeps_what_a_city_changed() -> None:
    first = actions.load_concepts(by=TESTER, at=NOW)
    Concept.objects.filter(code="tcm").update(zh="中医内科")

    second = actions.load_concepts(by=TESTER, at=NOW)

    assert first == Concept.objects.count() > 60
    assert second == 0
    assert queries.label("specialty", "tcm") == "中医内科"
    assert AuditEvent.objects.filter(action="terminology.load_concepts").count() == 1


def test_the_four_specialties_of_the_paper_come_first_in_an_open_list() -> None:
    actions.load_concepts(by=TESTER, at=NOW)

    codes = [row.code for row in queries.concepts("specialty")]
    actions.add_concept(system="specialty", code="pain", zh="疼痛科", position=99, by=TESTER, at=NOW)

    assert codes[:4] == ["internal_medicine", "paediatrics", "gynaecology", "tcm"]
    assert queries.label("specialty", "pain") == "疼痛科"


@pytest.mark.parametrize("typed", ["心血管", "xxgnk", "xinxueguan", "XXG"])
def test_search_finds_by_characters_pinyin_and_initials(typed: str) -> None:
    actions.load_concepts(by=TESTER, at=NOW)

    assert [row.code for row in queries.search_concepts("specialty", typed, 5)] == ["cardiology"]


def test_unknown_code_is_refused_where_it_matters_and_shown_where_it_does_not() -> None:
    with pytest.raises(RuleBroken, match="astrology"):
        queries.concept("specialty", "astrology")
    assert queries.label("diagnosis", "X99") == "X99"


@pytest.mark.parametrize("role", ["expert", "bureau_officer", "system_admin"])
def test_no_person_changes_the_lists_of_the_whole_site(role: str) -> None:
    person = Actor("user:1", "沈青黛", role=role)

    with pytest.raises(Denied):
        actions.add_concept(system="specialty", code="pain", zh="疼痛科", by=person, at=NOW)
    with pytest.raises(Denied):
        actions.load_concepts(by=person, at=NOW)
