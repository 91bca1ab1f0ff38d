"""A doctor assesses anew while somebody notes what was done, and while the night counts services: nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions
from kangqiao.domain.followup.actions.keeping import _finish
from kangqiao.domain.followup.models import CarePlan, PlanItem
from kangqiao.kernel.errors import AlreadyMoved

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
DAY = f.AT + timedelta(days=10)


@pytest.fixture
def signed() -> Contract:
    w = f.world()
    return w.signed(w.team(), w.resident())[0]


def meanwhile(work: Callable[[], Any]) -> threading.Thread:
    """Begins work on another connection and waits until it is done or stands at a lock."""

    def run() -> None:
        try:
            work()
        except AlreadyMoved:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(2)
    return thread


def check(signed: Contract) -> None:
    """One plan runs, and what was done on the day is due again a term later in it."""
    plan = CarePlan.objects.get(resident=signed.resident, status="running")
    done = PlanItem.objects.get(act="check_up", done_on__isnull=False)
    due = plan.items.get(act="check_up", done_on__isnull=True)
    assert due.since == done.done_on
    assert due.due_on == done.done_on + timedelta(days=due.every_days)


def test_without_the_lock_what_was_done_is_lost(signed: Contract) -> None:
    """Locking the item alone lets the plan be replaced under it: the race is real on this database."""
    plan = actions.assess(contract_id=signed.pk, by=f.JOB, at=f.AT)
    row = plan.items.get(act="check_up")
    with transaction.atomic():
        item = PlanItem.objects.select_for_update(of=("self",)).get(pk=row.pk)
        _finish(item, DAY.date(), "", by=f.JOB, at=DAY)
        thread = meanwhile(lambda: actions.assess(contract_id=signed.pk, by=f.JOB, at=DAY))
    thread.join(30)

    with pytest.raises(AssertionError):
        check(signed)


def test_assessment_waits_for_what_somebody_notes_as_done(signed: Contract) -> None:
    plan = actions.assess(contract_id=signed.pk, by=f.JOB, at=f.AT)
    row = plan.items.get(act="check_up")
    with transaction.atomic():
        actions.finish_item(item_id=row.pk, by=f.JOB, at=DAY)
        thread = meanwhile(lambda: actions.assess(contract_id=signed.pk, by=f.JOB, at=DAY))
        assert thread.is_alive()
    thread.join(30)

    check(signed)


def test_night_that_meets_an_assessment_does_the_others_and_this_one_the_next_night(signed: Contract) -> None:
    actions.assess(contract_id=signed.pk, by=f.JOB, at=f.AT)
    item = signed.packages.get().items.get(act="check_up")
    Service.objects.create(contract=signed, item=item, on=DAY.date(), source="encounter:1")
    with transaction.atomic():
        actions.assess(contract_id=signed.pk, by=f.JOB, at=DAY)
        thread = meanwhile(lambda: actions.follow_services(by=f.JOB, at=DAY))
        assert thread.is_alive()
    thread.join(30)
    assert CarePlan.objects.filter(resident=signed.resident, status="running").count() == 1

    actions.follow_services(by=f.JOB, at=DAY + timedelta(days=1))

    check(signed)
