"""Visits, problems and letters, and the page that shows them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital
from kangqiao.domain.records import actions, queries
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents import actions as consents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.domain.terminology import actions as terminology
from kangqiao.domain.workforce.tests.factories import practitioner
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# A right to see is a right now, so visits lie in the last days.
LATELY = timezone.now() - DAY


def _visit(who: Resident, place: Organization, by: Actor = TESTER, **more: Any) -> Encounter:
    values: dict[str, Any] = {
        "practitioner_id": None, "specialty": "cardiology", "started_at": LATELY - DAY, "diagnosis": "I10",
        "summary": "血压平稳。",
    }  # fmt: skip
    return actions.record_encounter(resident_id=who.pk, organization_id=place.pk, by=by, at=LATELY, **(values | more))


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
    first, second = _visit(who, own, started_at=LATELY - 2 * DAY), _visit(who, own)
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
        _visit(who, own, started_at=LATELY + DAY)
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
        actions.PastVisit(who.pk, place.pk, None, "cardiology", LATELY - number * DAY, "I10") for number in (3, 9, 5)
    ]
    known = [actions.KnownCondition(who.pk, "I10", "原发性高血压", None)]

    with pytest.raises(Denied):
        actions.import_history(visits=visits, conditions=known, by=seat("gp", own).actor, at=LATELY)
    actions.import_history(visits=visits, conditions=known, by=TESTER, at=LATELY)

    desk = seat("referral_desk", place)
    assert queries.encounters_of(desk, who).count() == 3
    assert queries.conditions_of(desk, who).get().code == "I10"
    basis = who.bases.get(kind="encounter")
    assert (basis.since, basis.until) == (LATELY - 9 * DAY, LATELY - 3 * DAY + 30 * DAY)
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
    looked = AuditEvent.objects.get(kind="read", resident_id=who.pk)
    assert (looked.by_id, looked.action) == (f"user:{gp.user_id}", "records-resident")
    assert looked.basis == "encounter,registered"


def test_the_whole_id_is_shown_on_asking_and_the_asking_is_written_down(client: Client) -> None:
    own = centre()
    who = resident(own, identifier="47040419640305121X")
    _sign_in(client, seat("gp", own))

    answer = client.post(f"/residents/{who.pk}/identifier/")

    assert "47040419640305121X" in answer.content.decode()
    assert AuditEvent.objects.filter(kind="read", action="records-identifier", resident_id=who.pk).count() == 1


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
    assert not AuditEvent.objects.filter(kind="read").exists()
    assert AuditEvent.objects.filter(kind="refused", resident_id=who.pk).count() == 2


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


def test_staff_write_in_the_name_of_their_own_house_alone() -> None:
    own, other = centre("a"), centre("b")
    who = resident(own)
    gp = seat("gp", own).actor

    assert _visit(who, own, by=gp).organization_id == own.pk
    with pytest.raises(Denied):
        _visit(who, other, by=gp)
    with pytest.raises(Denied):
        actions.write_document(
            resident_id=who.pk, kind="care_plan", organization_id=other.pk, text="每周测血压", by=gp, at=LATELY
        )
    with pytest.raises(Denied):
        actions.record_condition(resident_id=resident(other).pk, code="I10", zh="高血压", by=gp, at=LATELY)


def test_a_posted_expert_writes_the_own_visit_at_the_centre_and_no_other() -> None:
    own, house = centre("a"), hospital("h")
    who, doctor = resident(own), seat("expert", house)
    expert = practitioner(house, user_id=doctor.user_id)

    assert _visit(who, own, by=doctor.actor, practitioner_id=expert.pk).practitioner_id == expert.pk
    with pytest.raises(Denied):
        _visit(who, own, by=doctor.actor)


class TestSensitive:
    """Mental health, HIV and tuberculosis: the house that treats, the person, and whom the person allows."""

    def _known(self) -> tuple[Resident, Organization, Organization]:
        own, house = centre("a"), hospital("h")
        who = resident(own, user_id=user("me").pk)
        for place, code in ((house, "F20.0"), (own, "I10")):
            _visit(who, place, diagnosis=code, summary="")
        actions.record_condition(resident_id=who.pk, code="F20", zh="精神分裂症", by=TESTER, at=LATELY)
        actions.write_document(
            resident_id=who.pk, kind="care_plan", organization_id=house.pk, text="抑郁复诊", by=TESTER, at=LATELY
        )
        return who, own, house

    def test_other_houses_see_that_something_is_withheld_without_what(self, client: Client) -> None:
        who, own, _house = self._known()
        gp = seat("gp", own)
        _sign_in(client, gp)

        page = client.get(f"/residents/{who.pk}/").content.decode()

        assert queries.protection_of(gp, who).hides
        assert [one.diagnosis for one in queries.encounters_of(gp, who)] == ["I10"]
        assert not queries.conditions_of(gp, who).exists()
        assert not queries.documents_of(gp, who).exists()
        assert "有特殊保护的内容没有显示" in page
        assert not [word for word in ("精神分裂", "F20", "抑郁") if word in page]

    def test_a_letter_withheld_is_as_if_it_were_not_there(self) -> None:
        who, own, house = self._known()
        letter = queries.documents_of(seat("referral_desk", house), who).get()

        with pytest.raises(NotVisible):
            queries.document(seat("gp", own), letter.pk)

    def test_the_house_that_treats_sees_it(self) -> None:
        who, _own, house = self._known()
        desk = seat("referral_desk", house)

        assert not queries.protection_of(desk, who).hides
        assert queries.encounters_of(desk, who).count() == 2
        assert queries.conditions_of(desk, who).get().code == "F20"

    def test_the_person_lets_a_house_see_it_and_takes_that_back(self) -> None:
        who, own, _house = self._known()
        gp, me = seat("gp", own), seat("resident", own, User.objects.get(username="me"))

        given = consents.permit_sensitive(resident_id=who.pk, organization_id=own.pk, by=me.actor, at=LATELY)
        seen = queries.encounters_of(gp, who).count()
        consents.withdraw_consent(consent_id=given.pk, by=me.actor, at=timezone.now())

        assert seen == 2
        assert queries.encounters_of(gp, who).count() == 1
        assert not queries.protection_of(me, who).hides

    def test_one_group_treated_opens_no_other(self) -> None:
        who, own, _house = self._known()
        _visit(who, own, diagnosis="A15.0")

        shown = {one.diagnosis for one in queries.encounters_of(seat("gp", own), who)}

        assert shown == {"A15.0", "I10"}
