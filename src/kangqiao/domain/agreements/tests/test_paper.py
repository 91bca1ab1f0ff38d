"""Agreements read in from paper are what signing them one by one would have left."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.transition import history
from kangqiao.domain.agreements import actions
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.agreements.queries import parties_of
from kangqiao.domain.agreements.tests.factories import AT, JOB, actor, drafted, signed, zhuhai
from kangqiao.domain.messaging.models import Notice
from kangqiao.kernel.errors import AlreadyMoved, Denied, Taken

pytestmark = pytest.mark.django_db


def signer(party: Party) -> Actor:
    return actor(party.organization)


def left_by(agreement: Agreement) -> dict[str, Any]:
    """What an agreement left, without ids of its own; whoever drafted and proposed it may differ."""
    events = AuditEvent.objects.filter(subject_type="agreements.agreement", subject_id=agreement.pk)
    notices = Notice.objects.filter(url__endswith=f"/{agreement.pk}/").order_by("pk")
    steps = history(agreement)
    return {
        "status": agreement.status,
        "parties": [(one.side, one.signed_by, one.signed_at) for one in parties_of(agreement)],
        "steps": [(one.action, one.from_status, one.to_status, one.at) for one in steps],
        "people": [one.by_name for one in steps][2:],
        "events": Counter((one.action, one.kind) for one in events),
        "signatures": sorted((one.detail["side"], one.by_name) for one in events.filter(action="agreement.sign")),
        "notices": [(one.cause.split(":")[2], one.role, one.cause.split(":")[-1], one.body) for one in notices],
    }


def test_what_is_read_in_leaves_what_signing_one_by_one_leaves() -> None:
    region = zhuhai()
    by_hand = left_by(signed(region, "people1", "xiangwan"))
    drafts = [drafted(region, "people1", code) for code in ("shishan", "hongqi")]

    actions.import_signed(drafts=drafts, signer=signer, by=JOB, at=AT)

    read_in = [left_by(row) for row in Agreement.objects.filter(pk__in=[one.pk for one in drafts])]
    assert by_hand["status"] == "in_force"
    assert len(by_hand["notices"]) >= 4
    assert read_in == [by_hand] * 2


def test_before_its_first_day_it_is_signed_and_not_in_force() -> None:
    region = zhuhai()
    draft = drafted(region, "people1", "xiangwan", starts=date(2014, 1, 1), ends=date(2015, 1, 1))

    actions.import_signed(drafts=[draft], signer=signer, by=JOB, at=AT)

    assert Agreement.objects.get().status == "signed"


def test_a_second_hospital_for_the_same_centre_is_refused() -> None:
    region = zhuhai()
    drafts = [drafted(region, hospital, "xiangwan") for hospital in ("people1", "people2")]

    with pytest.raises(Taken):
        actions.import_signed(drafts=drafts, signer=signer, by=JOB, at=AT)

    assert set(Agreement.objects.values_list("status", flat=True)) == {"draft"}


def test_only_a_job_reads_in_and_only_drafts() -> None:
    region = zhuhai()
    draft, done = drafted(region, "people1", "xiangwan"), signed(region, "people1", "shishan")

    with pytest.raises(Denied):
        actions.import_signed(drafts=[draft], signer=signer, by=actor(region["people1"]), at=AT)
    with pytest.raises(AlreadyMoved):
        actions.import_signed(drafts=[done], signer=signer, by=JOB, at=AT)
