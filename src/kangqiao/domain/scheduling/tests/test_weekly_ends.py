"""How weekly templates end, and what becomes of those whose doctor has left."""

from __future__ import annotations

from datetime import date

import pytest

from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import ClinicTemplate, Session
from kangqiao.domain.scheduling.rules import Skip
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast
from kangqiao.domain.scheduling.tests.test_weekly import AT, mend, opened, plan, template, weekly
from kangqiao.kernel.errors import RuleBroken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    """The house, its doctors and its people."""
    return cast(AT)


def test_a_template_that_ended_is_not_revived_by_ending_it(people: Cast) -> None:
    kept = template(people)
    ClinicTemplate.objects.filter(pk=kept.pk).update(until=date(2026, 9, 18))

    with pytest.raises(RuleBroken, match="已经停用"):
        actions.end_template(template_id=kept.pk, seen=0, by=SYSTEM, at=AT)
    assert ClinicTemplate.objects.get(pk=kept.pk).until == date(2026, 9, 18)


def test_of_a_doctor_who_left_nothing_is_opened_and_the_template_can_be_ended(people: Cast) -> None:
    kept = template(people)
    first, *_rest = opened(people, 2)
    people.expert.is_licensed = False
    people.expert.save()

    assert {one.skip for one in plan(people).skips} == {Skip.LEFT}
    assert "不在本院" in plan(people).skips[0].why
    with pytest.raises(RuleBroken, match="没有可以开的门诊"):
        opened(people)
    assert mend(kept, weekly(people, room="306")).followed == 1
    first.refresh_from_db()
    assert (first.status, Session.objects.filter(status="open").count()) == ("withdrawn", 0)
    done = actions.end_template(template_id=kept.pk, seen=0, by=SYSTEM, at=AT)
    assert done.template.until == date(2026, 9, 19)
