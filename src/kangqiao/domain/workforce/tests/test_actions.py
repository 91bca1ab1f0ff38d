"""Staff and absences."""

from datetime import date

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.tests.factories import user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital, organization, place
from kangqiao.domain.workforce import actions, queries
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.domain.workforce.tests.factories import practitioner
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY = date(2026, 5, 18), date(2026, 5, 19)


def test_the_experts_of_a_hospital_are_its_licensed_physicians_of_the_title_asked_for() -> None:
    own, other = hospital("own"), hospital("other")
    senior = practitioner(own, title_grade="senior", specialty="paediatrics")
    associate = practitioner(own)
    attending = practitioner(own, title_grade="attending")
    practitioner(own, title_kind="pharmacist", specialty="pharmacy")
    practitioner(own, is_licensed=False)
    practitioner(other)

    assert set(queries.experts_of(own.pk)) == {senior, associate, attending}
    assert set(queries.experts_of(own.pk, minimum="associate_senior")) == {senior, associate}
    assert list(queries.experts_of(own.pk, specialty="paediatrics")) == [senior]


def test_a_user_leads_to_their_practitioner() -> None:
    who, nobody = user("doctor"), user("clerk")
    row = practitioner(hospital(), user_id=who.pk)

    assert queries.practitioner_of(who.pk) == row
    assert queries.practitioner_of(nobody.pk) is None


def test_a_licence_number_is_registered_once() -> None:
    own = hospital()
    practitioner(own, licence_number="L1")

    with pytest.raises(RuleBroken):
        practitioner(own, licence_number="L1")


def test_a_specialty_outside_the_list_is_refused() -> None:
    with pytest.raises(RuleBroken, match="astrology"):
        practitioner(hospital(), specialty="astrology")


def test_absences_that_touch_a_span_are_found() -> None:
    row = practitioner(hospital())
    before = actions.record_absence(
        practitioner_id=row.pk, starts_on=date(2026, 5, 1), ends_on=date(2026, 5, 17), by=TESTER, at=NOW
    )
    into = actions.record_absence(
        practitioner_id=row.pk, starts_on=date(2026, 5, 15), ends_on=MONDAY, half="am", by=TESTER, at=NOW
    )

    assert list(queries.absences_between([row.pk], MONDAY, TUESDAY)) == [into]
    assert set(queries.absences_between([row.pk], date(2026, 5, 17), MONDAY)) == {before, into}


def test_an_absence_that_runs_backwards_or_names_no_half_is_refused() -> None:
    row = practitioner(hospital())

    with pytest.raises(RuleBroken):
        actions.record_absence(practitioner_id=row.pk, starts_on=TUESDAY, ends_on=MONDAY, by=TESTER, at=NOW)
    with pytest.raises(RuleBroken):
        actions.record_absence(
            practitioner_id=row.pk, starts_on=MONDAY, ends_on=MONDAY, half="night", by=TESTER, at=NOW
        )
    with pytest.raises(NotVisible):
        actions.record_absence(practitioner_id=0, starts_on=MONDAY, ends_on=MONDAY, by=TESTER, at=NOW)


def test_the_person_the_employer_and_the_dispatcher_note_an_absence_and_nobody_else() -> None:
    own, who = hospital("own"), user("doctor")
    group = organization("group", "group")
    elsewhere = organization("other-group", "group", where=place("4403", "深圳市"))
    row = practitioner(own, user_id=who.pk)
    may = (
        Actor(f"user:{who.pk}", "本人", role="expert"),
        *(Actor("user:901", "本院", own.pk, role=role) for role in ("guidance_office", "hospital_director")),
        *(Actor("user:902", "本地", group.pk, role=role) for role in ("dispatcher", "bureau_officer", "system_admin")),
    )
    may_not = (
        Actor("user:903", "同事", own.pk, role="expert"),
        Actor("user:904", "外院指导科", group.pk, role="guidance_office"),
        *(Actor("user:905", "外地", elsewhere.pk, role=role) for role in ("dispatcher", "bureau_officer")),
        Actor("user:906", "无单位", role="dispatcher"),
    )

    for actor in may:
        absence = actions.record_absence(practitioner_id=row.pk, starts_on=MONDAY, ends_on=MONDAY, by=actor, at=NOW)
        actions.cancel_absence(absence_id=absence.pk, by=actor, at=NOW)
    for actor in may_not:
        with pytest.raises(Denied):
            actions.record_absence(practitioner_id=row.pk, starts_on=MONDAY, ends_on=MONDAY, by=actor, at=NOW)
    assert not queries.absences_between([row.pk], MONDAY, MONDAY).exists()


def test_centre_manager_registers_staff_of_the_own_centre_only() -> None:
    own, other = centre("own"), centre("other")
    values = {"name": "某医生", "sex": "female", "title_kind": "physician", "title_grade": "attending", "at": NOW}
    by = Actor("user:9", "主任", own.pk, role="centre_manager")

    actions.register_practitioner(organization_id=own.pk, licence_number="T1", by=by, **values)
    with pytest.raises(Denied):
        actions.register_practitioner(organization_id=other.pk, licence_number="T2", by=by, **values)
    with pytest.raises(Denied):
        actions.register_practitioner(organization_id=0, licence_number="T3", by=by, **values)

    assert Practitioner.objects.get().organization_id == own.pk


def test_staff_list_is_read_in_by_the_administrator_of_every_employers_place() -> None:
    bureau, here = organization("bureau", "health_bureau"), hospital("here")
    there = hospital("there", where=place("4403", "深圳市"))
    by = Actor("user:9", "系统管理员", bureau.pk, role="system_admin")

    def row(number: int, employer: Organization) -> Practitioner:
        return Practitioner(
            name="某医生", sex="female", licence_number=f"T{number}", title_kind="physician", title_grade="attending",
            field="clinical", organization=employer,
        )  # fmt: skip

    actions.import_practitioners(practitioners=[row(1, here)], by=by, at=NOW)
    for rows, who in (
        ([row(2, here), row(3, there)], by), ([row(4, here)], Actor("user:9", "科员", bureau.pk, role="bureau_officer"))
    ):  # fmt: skip
        with pytest.raises(Denied):
            actions.import_practitioners(practitioners=rows, by=who, at=NOW)

    assert Practitioner.objects.count() == 1
