from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.portal import actions, queries
from kangqiao.domain.portal.models import Enquiry, Rating
from kangqiao.domain.records.models import Document
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
DANGER = "从早上起胸痛"


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


def ask(w: f.World, one: Contract, text: str = "血压药什么时候吃", minutes: int = 0) -> Enquiry:
    by, at = w.own(one.resident).actor, f.AT + timedelta(minutes=minutes)
    return actions.ask_team(resident_id=one.resident_id, text=text, by=by, at=at)


def signed_in(seat: Seat) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=seat.user_id))
    browser.get("/")
    return browser


@pytest.mark.clause("FT18-2.2l")
def test_answer_after_twenty_minutes_stands_in_the_thread_with_its_time(w: f.World, signed: Contract) -> None:
    row = ask(w, signed)
    assert row.due_at == f.AT + timedelta(hours=24)

    actions.answer_enquiry(
        enquiry_id=row.pk, text="早饭后吃", by=w.seat(Role.GP).actor, at=f.AT + timedelta(minutes=20)
    )

    seen = queries.get_enquiry(w.own(signed.resident), row.pk)
    assert [one.side for one in queries.messages_of(seen)] == ["resident", "team"]
    assert queries.waited(seen) == 20
    assert "20 分钟" in queries.sentence(seen, f.AT)
    assert Notice.objects.filter(user=signed.resident.user, kind="enquiry").count() == 1


def test_each_answer_is_one_entry_of_the_record_and_one_row_of_the_desk(w: f.World, signed: Contract) -> None:
    row, gp = ask(w, signed), w.seat(Role.GP)
    actions.answer_enquiry(enquiry_id=row.pk, text="早饭后吃", by=gp.actor, at=f.AT + timedelta(minutes=5))

    letter = Document.objects.get(resident=signed.resident, kind="online_advice")
    assert letter.text == "问：血压药什么时候吃\n答：早饭后吃"
    page = signed_in(gp).get(reverse("portal-desk"), {"tab": "answered"}).content.decode()
    assert page.count(f'id="e{row.pk}"') == 1

    actions.write_more(
        enquiry_id=row.pk, text="饭前行吗", by=w.own(signed.resident).actor, at=f.AT + timedelta(hours=1)
    )
    actions.answer_enquiry(enquiry_id=row.pk, text="也行", by=gp.actor, at=f.AT + timedelta(hours=2))
    texts = Document.objects.filter(resident=signed.resident).values_list("text", flat=True)
    assert list(texts)[-1] == "问：饭前行吗\n答：也行"


def test_danger_is_answered_at_once_and_reaches_the_team_marked(w: f.World, signed: Contract) -> None:
    type(signed.team).objects.filter(pk=signed.team_id).update(phone="0756-1234567")
    browser = signed_in(w.own(signed.resident))

    page = browser.post(reverse("portal-mine"), {"text": DANGER}, follow=True).content.decode()

    row = Enquiry.objects.get(resident=signed.resident)
    assert 'href="tel:120"' in page
    assert 'href="tel:0756-1234567"' in page
    assert (row.is_urgent, row.red_flags) == (True, ["胸痛"])
    assert row.due_at is not None
    assert row.due_at - row.asked_at == timedelta(minutes=15)
    assert Notice.objects.filter(organization=w.centre, subject="签约居民急问：先看这一条").exists()


def test_urgent_come_first_and_then_what_is_due_longest(w: f.World) -> None:
    team, gp = w.team(), w.seat(Role.GP)
    people = [w.signed(team, w.resident(with_user=True))[0] for _number in range(3)]
    late, later = ask(w, people[0]), ask(w, people[1], minutes=30)
    urgent = ask(w, people[2], DANGER, minutes=60)

    assert [one.pk for one in queries.listed(gp, "asked")] == [urgent.pk, late.pk, later.pk]
    assert queries.waiting(gp).counted() == (3, f.AT)


def test_more_words_join_the_question_that_waits(w: f.World, signed: Contract) -> None:
    row = ask(w, signed)
    again = ask(w, signed, DANGER, minutes=60)

    assert again.pk == row.pk
    assert again.is_urgent
    assert again.due_at == f.AT + timedelta(minutes=75)
    assert row.messages.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Enquiry.objects.create(
            resident=signed.resident, contract=signed, asked_by=row.asked_by, asked_at=f.AT, due_at=f.AT, policy_ref="x"
        )


def test_handing_over_goes_to_a_colleague_with_a_note_and_keeps_the_clock(w: f.World, signed: Contract) -> None:
    row, gp = ask(w, signed), w.seat(Role.GP).actor
    nurse = next(one for one in queries.may_hold(row, f.ON) if one.kind == "nurse")
    with pytest.raises(RuleBroken):
        actions.hand_over(enquiry_id=row.pk, member_id=nurse.pk, reason=" ", by=gp, at=f.AT)

    moved = actions.hand_over(enquiry_id=row.pk, member_id=nurse.pk, reason="护理的事", by=gp, at=f.AT)

    assert (moved.holder, moved.due_at, moved.status) == (nurse, row.due_at, "asked")
    assert history(moved).last().reason == "护理的事"  # type: ignore[union-attr]
    with pytest.raises(RuleBroken):
        actions.hand_over(enquiry_id=row.pk, member_id=nurse.pk, reason="再转", by=gp, at=f.AT)


def test_proxy_asks_and_sees_what_the_proxy_asked_alone(w: f.World, signed: Contract) -> None:
    own = ask(w, signed)
    helper = w.resident(with_user=True)
    residents.grant_basis(
        resident_id=signed.resident_id, kind=Basis.Kind.PROXY, source="test", since=f.AT, user_id=helper.user_id,
        by=f.JOB, at=f.AT,
    )  # fmt: skip
    seat = w.own(helper)

    row = actions.ask_team(resident_id=signed.resident_id, text="替妈妈问", by=seat.actor, at=f.AT)

    assert [one.pk for one in queries.of_resident(seat, signed.resident_id)] == [row.pk]
    with pytest.raises(NotVisible):
        queries.get_enquiry(seat, own.pk)
    assert {one.pk for one in queries.of_resident(w.own(signed.resident), signed.resident_id)} == {own.pk, row.pk}


def test_who_has_no_contract_or_is_not_the_team_is_refused(w: f.World, signed: Contract) -> None:
    row, stranger = ask(w, signed), w.resident(with_user=True)
    with pytest.raises(RuleBroken):
        actions.ask_team(resident_id=stranger.pk, text="问", by=w.own(stranger).actor, at=f.AT)
    with pytest.raises(Denied):
        actions.ask_team(resident_id=signed.resident_id, text="问", by=w.own(stranger).actor, at=f.AT)
    with pytest.raises(Denied):
        actions.answer_enquiry(enquiry_id=row.pk, text="答", by=w.seat(Role.GP, w.other).actor, at=f.AT)
    with pytest.raises(NotVisible):
        queries.get_enquiry(w.seat(Role.GP, w.other), row.pk)


def test_conversation_closes_to_the_team_with_the_basis(w: f.World) -> None:
    team = w.team(house=w.other)
    one = w.signed(team, w.resident(with_user=True))[0]
    row, gp = ask(w, one), w.seat(Role.GP, w.other)
    assert queries.get_enquiry(gp, row.pk) == row

    contracting.end_contract(contract_id=one.pk, why="wish", reason="搬家", by=w.own(one.resident).actor, at=f.AT)

    with pytest.raises(NotVisible):
        queries.get_enquiry(gp, row.pk)
    assert actions.keep_clocks(by=f.JOB, at=f.AT + timedelta(minutes=1))["closed"] == 1
    assert Enquiry.objects.get(pk=row.pk).status == "closed"


def test_manager_hears_once_of_what_is_overdue_and_answered_ones_close(w: f.World, signed: Contract) -> None:
    row, late = ask(w, signed), f.AT + timedelta(hours=25)
    assert actions.keep_clocks(by=f.JOB, at=late) == {"told": 1, "closed": 0}
    assert actions.keep_clocks(by=f.JOB, at=late + timedelta(hours=1)) == {"told": 0, "closed": 0}
    assert "已超时" in queries.sentence(row, late)

    actions.answer_enquiry(enquiry_id=row.pk, text="答", by=w.seat(Role.GP).actor, at=late)
    assert actions.keep_clocks(by=f.JOB, at=late + timedelta(days=13)) == {"told": 0, "closed": 0}
    assert actions.keep_clocks(by=f.JOB, at=late + timedelta(days=15)) == {"told": 0, "closed": 1}
    with pytest.raises(AlreadyMoved):
        actions.write_more(enquiry_id=row.pk, text="再问", by=w.own(signed.resident).actor, at=late)


def test_service_is_rated_once_from_one_to_five_and_counted_by_team(w: f.World, signed: Contract) -> None:
    item = signed.packages.get().items.first()
    service = Service.objects.create(contract=signed, item=item, on=f.ON, source="encounter:1")
    own = w.own(signed.resident)
    assert queries.to_rate(own, signed.resident, f.ON) == [service]
    with pytest.raises(RuleBroken):
        actions.rate_service(service_id=service.pk, stars=6, by=own.actor, at=f.AT)
    with pytest.raises(NotVisible):
        actions.rate_service(service_id=service.pk, stars=4, by=w.own(w.resident(with_user=True)).actor, at=f.AT)

    actions.rate_service(service_id=service.pk, stars=4, words="很耐心", by=own.actor, at=f.AT)

    with pytest.raises(Taken):
        actions.rate_service(service_id=service.pk, stars=5, by=own.actor, at=f.AT)
    assert queries.to_rate(own, signed.resident, f.ON) == []
    line = queries.ratings_by_team(w.seat(Role.CENTRE_MANAGER), [signed.team])[0]
    assert (line.count, line.mean, line.stars) == (1, 4.0, (0, 0, 0, 1, 0))
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.filter(service=service).update(stars=0)


def test_pages_of_both_sides(w: f.World, signed: Contract) -> None:
    item = signed.packages.get().items.first()
    service = Service.objects.create(contract=signed, item=item, on=timezone.localdate(), source="encounter:1")
    own, gp = signed_in(w.own(signed.resident)), signed_in(w.seat(Role.GP))
    empty = own.post(reverse("portal-mine"), {"text": ""})
    assert empty.status_code == 422
    own.post(reverse("portal-mine"), {"text": "血压药什么时候吃"})
    row = Enquiry.objects.get()

    assert "血压药什么时候吃" in own.get(reverse("portal-mine")).content.decode()
    address = reverse("portal-enquiry", args=(row.pk,))
    assert gp.post(address, {"text": "早饭后"}).status_code == 302
    assert "早饭后" in own.get(address).content.decode()
    assert own.post(reverse("portal-close", args=(row.pk,))).status_code == 302
    assert own.post(reverse("portal-rate", args=(service.pk,)), {"stars": "5"}).status_code == 302
    assert "5.0" in gp.get(reverse("portal-ratings")).content.decode()
