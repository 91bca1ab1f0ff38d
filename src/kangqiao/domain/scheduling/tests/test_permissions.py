"""Who may call off a session."""

from __future__ import annotations

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.tests.factories import cast, organization
from kangqiao.kernel.errors import Denied

pytestmark = pytest.mark.django_db


def test_dispatcher_withdraws_in_the_own_region_only() -> None:
    people = cast()
    session = people.session()
    elsewhere = organization("g2", "group", "演示珠海调度集团", Place.objects.create(code="4404", zh="珠海市"))
    here = organization("g1", "group", "演示深圳调度集团", Place.objects.get(code="4403"))
    asked = {"session_id": session.pk, "reason": "停电", "at": people.at}

    with pytest.raises(Denied):
        actions.withdraw_session(by=people.staff(Role.DISPATCHER, elsewhere).actor, **asked)
    actions.withdraw_session(by=people.staff(Role.DISPATCHER, here).actor, **asked)

    session.refresh_from_db()
    assert session.status == "withdrawn"
