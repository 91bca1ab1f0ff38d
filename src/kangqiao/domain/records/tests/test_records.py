"""Visits, problems and letters, and the page that shows them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital
from kangqiao.domain.records import actions, queries
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.domain.terminology import actions as terminology
from kangqiao.domain.workforce.tests.factories import practitioner
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def _visit(who: Resident, place: Organization, by: Actor = TESTER, **more: Any) -> Encounter:
    values: dict[str, Any] = {
        "practitioner_id": None, "specialty": "cardiology", "started_at": NOW - DAY, "diagnosis": "I10",
        "summary": "血压平稳。",
    }  # fmt: skip
    return actions.record_encounter(resident_id=who.pk, organization_id=place.pk, by=by, at=NOW, **(values | more))


def _sign_in(client: Client, who: Seat) -> None:
    client.force_login(User.objects.get(pk=who.user_id))


def test_a_visit_opens_the_record_to_the_place_of_the_visit() -> None:
    who, place = resident(centre()), hospital()
    desk = seat("referral_desk", place)
    with pytest.raises(NotVisible):
        queries.encounters_of(desk, who)

    made = _visit(who, place)

    assert list(queries.encounters_of(desk, who)) == [made]


def test_visits_and_letters_are_read_latest_first() -> None:
    own = centre()
    who = resident(own)
    first, second = _visit(who, own, started_at=NOW - 2 * DAY), _visit(who, own)
    letters = [
        actions.write_document(
            resident_id=who.pk, kind="visit_summary", organization_id=own.pk, text=text, by=TESTER, at=NOW + shift
        )
        for text, shift in (("早", -DAY), ("晚", 0 * DAY))
    ]
    gp = seat("gp", own)

    assert list(queries.encounters_of(gp, who)) == [second, first]
    assert list(queries.documents_of(gp, who)) == letters[::-1]
    assert queries.document(gp, letters[0].pk).text == "早"


def test_a_visit_ahead_and_an_empty_letter_are_refused() -> None:
    own = centre()
    who = resident(own)

    with pytest.raises(RuleBroken):
        _visit(who, own, started_at=NOW + DAY)
    with pytest.raises(RuleBroken):
        actions.write_document(
            resident_id=who.pk, kind="care_plan", organization_id=own.pk, text=" ", by=TESTER, at=NOW
        )
    assert not Encounter.objects.exists()


@pytest.mark.parametrize("role", ["resident", "bureau_officer", "finance_officer", "dispatcher", "insurer"])
def test_who_does_not_treat_writes_nothing(role: str) -> None:
    own = centre()
    who = resident(own)

    with pytest.raises(Denied):
        _visit(who, own, by=seat(role, own).actor)


def test_a_problem_is_listed_once() -> None:
    own = centre()
    who = resident(own)

    for _ in range(2):
        actions.record_condition(resident_id=who.pk, code="I10", zh="原发性高血压", by=TESTER, at=NOW)

    assert queries.conditions_of(seat("gp", own), who).count() == 1
    assert AuditEvent.objects.filter(action="records.record_condition").count() == 1


def test_a_letter_of_somebody_out_of_reach_is_not_visible() -> None:
    own = centre("a")
    letter = actions.write_document(
        resident_id=resident(own).pk, kind="care_plan", organization_id=own.pk, text="每周测血压", by=TESTER, at=NOW
    )

    for number in (letter.pk, letter.pk + 1):
        with pytest.raises(NotVisible, match="未找到，或不在您的服务范围"):
            queries.document(seat("gp", centre(f"b{number}")), number)


def test_a_history_is_read_in_with_one_basis_for_each_place() -> None:
    own, place = centre(), hospital()
    who = resident(own)
    visits = [
        actions.PastVisit(who.pk, place.pk, None, "cardiology", NOW - number * DAY, "I10") for number in (3, 9, 5)
    ]
    known = [actions.KnownCondition(who.pk, "I10", "原发性高血压", None)]

    actions.import_history(visits=visits, conditions=known, by=TESTER, at=NOW)

    desk = seat("referral_desk", place)
    assert queries.encounters_of(desk, who).count() == 3
    assert queries.conditions_of(desk, who).get().code == "I10"
    assert who.bases.get(kind="encounter").since == NOW - 9 * DAY
    assert AuditEvent.objects.filter(action="records.import_history").count() == 1


def test_the_page_shows_visits_problems_and_why_and_writes_down_the_look(client: Client) -> None:
    terminology.load_concepts(by=TESTER, at=NOW)
    own = centre()
    who = resident(own, identifier="47040419640305121X")
    expert = practitioner(hospital())
    _visit(who, own, practitioner_id=expert.pk, is_posted_expert=True)
    actions.record_condition(resident_id=who.pk, code="I10", zh="原发性高血压", by=TESTER, at=NOW)
    gp = seat("gp", own)
    _sign_in(client, gp)

    page = client.get(f"/residents/{who.pk}/").content.decode()

    for words in ("林惊蛰", "心血管内科", "沈青黛", "驻点专家", "原发性高血压", "血压平稳。", "登记中心"):
        assert words in page
    assert "47040419640305121X" not in page
    looked = AuditEvent.objects.get(action="residents.open", resident_id=who.pk)
    assert looked.by_id == f"user:{gp.user_id}"
    assert looked.detail["bases"] == ["encounter", "registered"]


def test_the_whole_id_is_shown_on_asking_and_the_asking_is_written_down(client: Client) -> None:
    own = centre()
    who = resident(own, identifier="47040419640305121X")
    _sign_in(client, seat("gp", own))

    answer = client.post(f"/residents/{who.pk}/identifier/")

    assert "47040419640305121X" in answer.content.decode()
    assert AuditEvent.objects.filter(action="residents.open", detail__bases=["identifier"]).count() == 1


def test_a_stranger_gets_the_same_page_for_nobody_and_for_somebody_out_of_reach(client: Client) -> None:
    who = resident(centre("a"))
    _sign_in(client, seat("gp", centre("b")))

    answers = [client.get(f"/residents/{number}/") for number in (who.pk, who.pk + 1)]

    assert [answer.status_code for answer in answers] == [404, 404]
    pages = [answer.content.decode() for answer in answers]
    bodies = [page[page.index("<main") : page.index("</main>")] for page in pages]
    assert bodies[0] == bodies[1]
    assert "未找到，或不在您的服务范围" in bodies[0]
    assert "林惊蛰" not in pages[0]
    assert client.post(f"/residents/{who.pk}/identifier/").status_code == 404
    assert not AuditEvent.objects.filter(action="residents.open").exists()


@pytest.mark.parametrize("role", ["resident", "bureau_officer", "finance_officer", "dispatcher", "system_admin"])
def test_other_roles_may_not_open_a_record_even_at_the_own_centre(client: Client, role: str) -> None:
    own = centre()
    who = resident(own)
    _sign_in(client, seat(role, own))

    answer = client.get(f"/residents/{who.pk}/")

    assert answer.status_code == 403
    assert "林惊蛰" not in answer.content.decode()


def test_a_letter_opens_for_those_who_may_see_the_resident(client: Client) -> None:
    own = centre()
    letter = actions.write_document(
        resident_id=resident(own).pk, kind="care_plan", organization_id=own.pk, text="每周测血压", by=TESTER, at=NOW
    )
    _sign_in(client, seat("gp", own))

    assert "每周测血压" in client.get(f"/residents/documents/{letter.pk}/").content.decode()
    assert client.get(f"/residents/documents/{letter.pk + 1}/").status_code == 404
