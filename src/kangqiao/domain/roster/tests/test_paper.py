"""Postings read in from paper are what naming, approving and sending one by one would have left."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from kangqiao.base.models import AuditEvent
from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.roster import actions
from kangqiao.domain.roster.models import Posting
from kangqiao.domain.roster.tests.factories import AT, SYSTEM, Network, make_network, staffed_network
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2026, 5, 1), date(2029, 1, 1)


def on_paper(network: Network, name: str, centre: str, **fields: Any) -> Posting:
    """A posting as the list of a hospital gives it."""
    agreement = network.agreements[centre]
    values = {"starts_on": FIRST, "ends_on": LAST} | fields
    return Posting(practitioner=network.experts[name], centre=agreement.centre, agreement=agreement, **values)


def read_in(*postings: Posting) -> list[Posting]:
    return actions.import_posted(postings=postings, office=lambda _posting: SYSTEM, by=SYSTEM, at=AT)


def left_by(posting: Posting) -> dict[str, Any]:
    events = AuditEvent.objects.filter(subject_type="roster.posting", subject_id=posting.pk)
    posting.refresh_from_db()
    return {
        "row": (posting.status, posting.starts_on, posting.ends_on, posting.policy_ref),
        "steps": [(one.action, one.from_status, one.to_status, one.by_name) for one in history(posting)],
        "events": Counter((one.action, one.policy_ref, str(one.detail)) for one in events if one.kind == "action"),
    }


def test_what_is_read_in_leaves_what_posting_one_by_one_leaves() -> None:
    network = staffed_network()
    network.expert("丁", "市一")

    (posting,) = read_in(on_paper(network, "丁", "香湾"))

    by_hand = left_by(network.postings["甲", "香湾"])
    assert by_hand["row"][0] == "posted"
    assert sum(by_hand["events"].values()) == 3
    assert left_by(posting) == by_hand


def test_the_title_rule_holds_for_what_is_read_in() -> None:
    network = make_network()
    network.expert("主治", "市一", title_grade="attending")

    with pytest.raises(RuleBroken, match="没有达到派驻专家要求的职称"):
        read_in(on_paper(network, "主治", "香湾"))


def test_a_term_beyond_the_agreement_or_without_one_is_refused() -> None:
    network = make_network()
    network.expert("甲", "市一")

    with pytest.raises(RuleBroken, match="协议期内"):
        read_in(on_paper(network, "甲", "香湾", ends_on=date(2029, 1, 2)))
    network.agreements["香湾"].status = "ended"
    with pytest.raises(RuleBroken, match="没有生效的协议"):
        read_in(on_paper(network, "甲", "香湾"))


def test_overlapping_rows_are_refused_all_together() -> None:
    network = make_network()
    network.expert("甲", "市一")
    network.expert("乙", "市一")

    with pytest.raises(Taken, match="重叠"):
        read_in(*(on_paper(network, name, "香湾") for name in "乙甲甲"))

    assert not Posting.objects.exists()


def test_only_a_job_reads_in() -> None:
    network = make_network()
    network.expert("甲", "市一")
    person = network.seat(Role.GUIDANCE_OFFICE, "市一").actor

    with pytest.raises(Denied):
        actions.import_posted(
            postings=[on_paper(network, "甲", "香湾")], office=lambda _posting: person, by=person, at=AT
        )
