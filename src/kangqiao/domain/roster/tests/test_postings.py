"""Postings: the title rule, overlaps, and what the end of one brings about."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.roster import actions, queries
from kangqiao.domain.roster.tests.factories import (
    AT,
    SHENZHEN,
    SYSTEM,
    day,
    instant,
    make_network,
    staffed_network,
)
from kangqiao.kernel.errors import Denied, RuleBroken

pytestmark = pytest.mark.django_db


def nominate(network, name: str, centre: str, **fields):
    values = {"starts_on": date(2026, 5, 1), "by": SYSTEM, "at": AT} | fields
    return actions.nominate_expert(
        practitioner_id=network.experts[name].pk, centre_id=network.organizations[centre].pk, **values
    )


@pytest.mark.clause("SZ16-1c")
def test_only_a_licensed_associate_senior_physician_is_posted() -> None:
    network = make_network(SHENZHEN)
    network.expert("主治", "市一", title_grade="attending")
    network.expert("药师", "市一", title_kind="pharmacist")
    network.expert("副高", "市一")

    for name, word in (("主治", "主治医师"), ("药师", "副主任药师")):
        with pytest.raises(RuleBroken, match=word) as refusal:
            nominate(network, name, "香湾")
        assert refusal.value.clause == "SZ16-1c"
    assert nominate(network, "副高", "香湾").status == "nominated"


def test_posting_is_judged_again_when_the_title_fell_meanwhile() -> None:
    network = make_network()
    expert = network.expert("甲", "市一")
    posting = nominate(network, "甲", "香湾")
    expert.is_licensed = False
    expert.save()

    with pytest.raises(RuleBroken, match="执业资格"):
        actions.approve_posting(posting_id=posting.pk, by=SYSTEM, at=AT)


def test_overlapping_posting_names_the_existing_one() -> None:
    network = staffed_network()

    with pytest.raises(RuleBroken, match="甲在香湾已有派驻：2026-05-01 至 2029-01-01"):
        nominate(network, "甲", "香湾", starts_on=date(2026, 6, 1), ends_on=date(2026, 7, 1))


def test_database_refuses_an_overlapping_posting_by_itself() -> None:
    network = staffed_network()
    posting = network.postings["甲", "香湾"]
    posting.pk = None

    with pytest.raises(IntegrityError, match="posting_once_per_centre"), transaction.atomic():
        posting.save(force_insert=True)


def test_posting_needs_an_agreement_of_the_own_hospital() -> None:
    network = staffed_network()

    with pytest.raises(RuleBroken, match="没有生效的协议"):
        nominate(network, "甲", "拱北")


def test_posting_stays_within_the_agreement() -> None:
    network = make_network()
    network.expert("甲", "市一")

    with pytest.raises(RuleBroken, match="协议期内"):
        nominate(network, "甲", "香湾", ends_on=date(2030, 1, 1))


def test_only_the_own_hospital_posts() -> None:
    network = make_network()
    network.expert("甲", "市一")
    stranger = network.seat(Role.GUIDANCE_OFFICE, "市二")
    own = network.seat(Role.GUIDANCE_OFFICE, "市一")

    with pytest.raises(Denied):
        nominate(network, "甲", "香湾", by=stranger.actor)
    assert nominate(network, "甲", "香湾", by=own.actor).status == "nominated"


def test_refusing_a_nominee_needs_a_reason() -> None:
    network = make_network()
    network.expert("甲", "市一")
    posting = nominate(network, "甲", "香湾")

    with pytest.raises(RuleBroken, match="原因"):
        actions.refuse_posting(posting_id=posting.pk, reason=" ", by=SYSTEM, at=AT)
    refused = actions.refuse_posting(posting_id=posting.pk, reason="科里抽不出人", by=SYSTEM, at=AT)
    assert refused.status == "refused"


@pytest.mark.clause("SZ16-2.1a")
def test_ending_one_of_two_postings_shows_one_of_two_the_next_day_and_tells_the_hospital() -> None:
    network = staffed_network(SHENZHEN)
    centre = network.organizations["香湾"].pk
    today = AT.date()

    actions.end_posting(posting_id=network.postings["甲", "香湾"].pk, reason="调离", by=SYSTEM, at=AT)

    assert queries.experts_posted([centre], today)[centre] == 2
    assert queries.experts_posted([centre], today + timedelta(days=1))[centre] == 1
    notice = Notice.objects.get(kind="experts_missing")
    assert "1/2" in notice.subject
    assert (notice.organization, notice.role, notice.clause) == (
        network.organizations["市一"], "guidance_office", "SZ16-2.1a",
    )  # fmt: skip


def test_ending_a_posting_cancels_its_later_half_days() -> None:
    network = staffed_network()
    kept = network.sit("甲", "香湾", 0)
    gone = network.sit("甲", "香湾", 2)

    actions.end_posting(posting_id=network.postings["甲", "香湾"].pk, ends_on=day(1), reason="调离", by=SYSTEM, at=AT)

    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.status, gone.status) == ("planned", "cancelled")


def test_ended_before_it_began_a_posting_never_counts() -> None:
    network = make_network()
    network.expert("甲", "市一")
    posting = nominate(network, "甲", "香湾", starts_on=date(2026, 6, 1))
    actions.approve_posting(posting_id=posting.pk, by=SYSTEM, at=AT)
    actions.end_posting(posting_id=posting.pk, reason="不来了", by=SYSTEM, at=AT)

    centre = network.organizations["香湾"].pk
    assert queries.experts_posted([centre], date(2026, 6, 1)) == {}


def test_end_due_postings_closes_those_whose_term_is_over_once() -> None:
    network = make_network()
    network.expert("甲", "市一")
    network.post("甲", "香湾", ends_on=date(2026, 5, 20))

    assert actions.end_due_postings(on=date(2026, 5, 19), by=SYSTEM, at=AT) == []
    ended = actions.end_due_postings(on=date(2026, 5, 20), by=SYSTEM, at=instant(date(2026, 5, 20)))
    assert [posting.status for posting in ended] == ["ended"]
    assert actions.end_due_postings(on=date(2026, 5, 20), by=SYSTEM, at=AT) == []
