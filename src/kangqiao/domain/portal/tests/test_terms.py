"""What becomes of questions when contracts change, who hears of them, and what stands in the letters."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting.models import Contract, TeamMember
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.portal import actions, queries, views
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.records.models import Document
from kangqiao.kernel.errors import NoPolicyInForce, RuleBroken, Taken

pytestmark = pytest.mark.django_db
YEAR, NEW_TERM = date(2027, 3, 2), f.AT + timedelta(days=365)


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


def ask(w: f.World, one: Contract, text: str = "血压药什么时候吃", days: float = 0) -> Enquiry:
    by, at = w.own(one.resident).actor, f.AT + timedelta(days=days)
    return actions.ask_team(resident_id=one.resident_id, text=text, by=by, at=at)


def renewed(one: Contract) -> Contract:
    """The contract goes on, and the day of the new term has come."""
    new = contracting.renew_contract(
        contract_id=one.pk, way="paper", where="home", signed_by=one.resident.name, filed_as="2", by=f.JOB,
        at=f.AT + timedelta(days=340),
    )[0]  # fmt: skip
    assert contracting.begin_due(on=YEAR, by=f.JOB, at=NEW_TERM) == [new]
    return new


def with_account(w: f.World, row: Enquiry) -> User:
    """Who holds the question gets an account with a seat in the house."""
    assert row.holder is not None
    user = w.user("演示组长", Role.GP, w.centre)
    type(row.holder.practitioner).objects.filter(pk=row.holder.practitioner_id).update(user=user)
    return user


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


def test_question_goes_on_under_the_renewed_contract(w: f.World, signed: Contract) -> None:
    other = w.signed(w.team(), w.resident(with_user=True))[0]
    waits, answered = ask(w, signed, days=364.9), ask(w, other, days=364.9)
    actions.answer_enquiry(enquiry_id=answered.pk, text="早饭后", by=w.seat(Role.GP).actor, at=NEW_TERM)
    new, newer = renewed(signed), renewed(other)

    assert actions.keep_clocks(by=f.JOB, at=NEW_TERM) == {"told": 0, "closed": 0}

    waits.refresh_from_db()
    answered.refresh_from_db()
    assert (waits.status, waits.contract, waits.due_at) == ("asked", new, f.AT + timedelta(days=365.9))
    assert (answered.status, answered.contract) == ("answered", newer)


def test_what_is_added_before_the_job_came_by_goes_on_under_the_renewed_contract(w: f.World, signed: Contract) -> None:
    row, new = ask(w, signed, days=364.9), renewed(signed)

    again = ask(w, signed, "还有一句", days=365.01)

    assert (again.pk, again.contract, again.messages.count()) == (row.pk, new, 2)


def test_question_to_another_team_is_a_new_one_and_the_old_one_ends(w: f.World, signed: Contract) -> None:
    old, own = ask(w, signed), w.own(signed.resident)
    contracting.end_contract(contract_id=signed.pk, why="wish", reason="搬家", by=own.actor, at=f.AT)
    with pytest.raises(RuleBroken, match="已结束"):
        actions.write_more(enquiry_id=old.pk, text="还在吗", by=own.actor, at=f.AT)
    team = w.team()
    w.signed(team, signed.resident, at=f.AT + timedelta(days=2))

    row = ask(w, signed, "新团队的问题", days=3)

    old.refresh_from_db()
    assert (old.status, old.due_at, old.messages.count()) == ("closed", None, 1)
    assert (row.contract.team, row.holder) == (team, team.members.get(is_lead=True))
    assert Notice.objects.filter(user=signed.resident.user, kind="enquiry").count() == 1


def test_nothing_is_written_to_a_team_whose_contract_is_over_and_no_word_is_lost(w: f.World, signed: Contract) -> None:
    row, own = ask(w, signed), w.own(signed.resident)
    actions.answer_enquiry(enquiry_id=row.pk, text="早饭后", by=w.seat(Role.GP).actor, at=f.AT)
    contracting.end_contract(contract_id=signed.pk, why="wish", reason="搬家", by=own.actor, at=f.AT)

    page = signed_in(own).post(reverse("portal-enquiry", args=(row.pk,)), {"text": "饭前行吗"})

    assert page.status_code == 422
    assert "饭前行吗" in page.content.decode()
    row.refresh_from_db()
    assert (row.status, row.messages.count()) == ("answered", 2)


def test_second_answer_is_headed_as_an_addition_to_what_was_asked(w: f.World, signed: Contract) -> None:
    row, gp = ask(w, signed, "血压药什么时候吃"), w.seat(Role.GP).actor
    actions.write_more(enquiry_id=row.pk, text="早上忘了", by=w.own(signed.resident).actor, at=f.AT)
    actions.answer_enquiry(enquiry_id=row.pk, text="早饭后吃", by=gp, at=f.AT + timedelta(minutes=5))

    actions.answer_enquiry(enquiry_id=row.pk, text="忘了不用补", by=gp, at=f.AT + timedelta(minutes=9))

    letters = Document.objects.filter(resident=signed.resident).order_by("pk").values_list("text", flat=True)
    asked = "问：血压药什么时候吃\n早上忘了\n"
    assert list(letters) == [f"{asked}答：早饭后吃", f"{asked}补充答复：忘了不用补"]


def test_who_answers_second_is_told_and_keeps_the_words(w: f.World, signed: Contract) -> None:
    row, gp = ask(w, signed), w.seat(Role.GP)
    browser, address = signed_in(gp), reverse("portal-enquiry", args=(row.pk,))
    seen = row.messages.get().pk
    assert f'name="seen" value="{seen}"' in browser.get(address).content.decode()
    first = actions.answer_enquiry(enquiry_id=row.pk, text="早饭后吃", seen=seen, by=gp.actor, at=f.AT)
    with pytest.raises(Taken, match="又写了一句"):
        actions.answer_enquiry(enquiry_id=row.pk, text="晚饭后吃", seen=seen, by=gp.actor, at=f.AT)

    late = browser.post(address, {"text": "晚饭后吃", "seen": seen})

    assert late.status_code == 422
    page, last = late.content.decode(), first.messages.last()
    assert last is not None
    assert "晚饭后吃" in page
    assert f'name="seen" value="{last.pk}"' in page
    assert Document.objects.filter(resident=signed.resident).count() == 1
    assert browser.post(address, {"text": "晚饭后吃", "seen": last.pk}).status_code == 302
    assert Document.objects.filter(resident=signed.resident).count() == 2


def test_holder_with_a_seat_in_the_house_hears_alone_unless_it_is_urgent(w: f.World, signed: Contract) -> None:
    row = ask(w, signed)
    house = Notice.objects.filter(organization=w.centre, role=Role.GP, kind="enquiry")
    assert house.count() == 1
    user = with_account(w, row)

    actions.write_more(enquiry_id=row.pk, text="还有", by=w.own(signed.resident).actor, at=f.AT + timedelta(hours=1))
    assert (Notice.objects.filter(user=user).count(), house.count()) == (1, 1)

    actions.write_more(enquiry_id=row.pk, text="胸痛", by=w.own(signed.resident).actor, at=f.AT + timedelta(hours=2))
    assert (Notice.objects.filter(user=user).count(), house.count()) == (2, 2)


@pytest.mark.parametrize("why", ["left the team", "no seat any more", "works elsewhere"])
def test_house_hears_where_the_holder_cannot_open_the_question(w: f.World, signed: Contract, why: str) -> None:
    row = ask(w, signed)
    user, holder = with_account(w, row), row.holder
    assert holder is not None
    if why == "left the team":
        TeamMember.objects.filter(pk=holder.pk).update(until=f.ON, is_lead=False)
    elif why == "no seat any more":
        user.memberships.update(until=f.ON)
    else:
        type(holder.practitioner).objects.filter(pk=holder.practitioner_id).update(organization=w.hospital)

    actions.write_more(enquiry_id=row.pk, text="还有", by=w.own(signed.resident).actor, at=f.AT + timedelta(hours=1))

    assert not Notice.objects.filter(user=user).exists()
    assert Notice.objects.filter(organization=w.centre, role=Role.GP, kind="enquiry").count() == 2


def test_question_is_held_by_nobody_where_the_lead_is_employed_elsewhere(w: f.World, signed: Contract) -> None:
    lead = signed.team.members.get(is_lead=True)
    type(lead.practitioner).objects.filter(pk=lead.practitioner_id).update(organization=w.hospital)

    assert ask(w, signed).holder is None


def test_overdue_is_told_at_the_time_it_is_told(w: f.World, signed: Contract) -> None:
    ask(w, signed)
    late = f.AT + timedelta(hours=30)

    actions.keep_clocks(by=f.JOB, at=late)

    assert Notice.objects.get(role=Role.CENTRE_MANAGER, kind="enquiry").created_at == late


def test_one_question_that_cannot_close_leaves_the_others_to_close(
    w: f.World, signed: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, gp = w.signed(w.team(), w.resident(with_user=True))[0], w.seat(Role.GP).actor
    rows, late = [ask(w, signed), ask(w, other)], f.AT + timedelta(days=20)
    for row in rows:
        actions.answer_enquiry(enquiry_id=row.pk, text="答", by=gp, at=f.AT)
    terms = actions._terms

    def without_paper(contract: Contract, at: object) -> object:
        if contract.pk == signed.pk:
            raise NoPolicyInForce("portal")
        return terms(contract, at)  # type: ignore[arg-type]

    monkeypatch.setattr(actions, "_terms", without_paper)

    assert actions.keep_clocks(by=f.JOB, at=late) == {"told": 0, "closed": 1}
    assert [Enquiry.objects.get(pk=row.pk).status for row in rows] == ["answered", "closed"]


def test_question_that_moved_in_this_moment_leaves_the_others_to_close(
    w: f.World, signed: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, gp = w.signed(w.team(), w.resident(with_user=True))[0], w.seat(Role.GP).actor
    rows, late = [ask(w, signed), ask(w, other)], f.AT + timedelta(days=20)
    for row in rows:
        actions.answer_enquiry(enquiry_id=row.pk, text="答", by=gp, at=f.AT)
    found = queries.maybe_over()
    actions.close_enquiry(enquiry_id=rows[0].pk, by=gp, at=late)
    monkeypatch.setattr(queries, "maybe_over", lambda: found)

    assert actions.keep_clocks(by=f.JOB, at=late) == {"told": 0, "closed": 1}


def test_clocks_ask_no_more_for_more_questions(w: f.World) -> None:
    team, gp = w.team(), w.seat(Role.GP).actor

    def statements() -> int:
        for text, days in (("答过", 0), ("没答", 0)):
            row = ask(w, w.signed(team, w.resident(with_user=True))[0], text, days)
            if text == "答过":
                actions.answer_enquiry(enquiry_id=row.pk, text="答", by=gp, at=f.AT)
        actions.keep_clocks(by=f.JOB, at=f.AT + timedelta(hours=25))
        with CaptureQueriesContext(connection) as found:
            actions.keep_clocks(by=f.JOB, at=f.AT + timedelta(hours=26))
        return len(found)

    first = statements()
    assert statements() == first


def test_what_was_asked_is_paged(w: f.World, signed: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE", 1)
    gp, own = w.seat(Role.GP).actor, w.own(signed.resident)
    for text in ("第一个问题", "第二个问题"):
        row = ask(w, signed, text)
        actions.answer_enquiry(enquiry_id=row.pk, text="答", by=gp, at=f.AT)
        actions.close_enquiry(enquiry_id=row.pk, by=gp, at=f.AT)

    browser = signed_in(own)
    first, second = (browser.get(reverse("portal-mine"), {"page": page}).content.decode() for page in (1, 2))

    assert ("第二个问题" in first, "第一个问题" in first) == (True, False)
    assert ("第二个问题" in second, "第一个问题" in second) == (False, True)
