"""Who writes the record, in whose name and about whom, and who sees what is specially protected."""

from __future__ import annotations

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital, organization
from kangqiao.domain.records import permissions
from kangqiao.domain.records.models import Observation
from kangqiao.domain.residents.actions import grant_basis, link_user
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.domain.workforce.tests.factories import practitioner

pytestmark = pytest.mark.django_db
WRITERS = {"gp", "expert", "centre_manager", "referral_desk", "guidance_office"}


def _by(role: str, house: Organization, who: User | None = None) -> Actor:
    return Actor(f"user:{who.pk if who else 0}", "演示", house.pk, role=role)


def test_only_a_job_reads_records_in() -> None:
    assert permissions.can_import(TESTER)
    assert not any(permissions.can_import(Actor("user:1", "演示", role=role.value)) for role in Role)


def test_those_who_treat_write_for_their_own_house_alone() -> None:
    own, other = centre("a"), centre("b")

    assert {role for role in Role if permissions.can_write_for(_by(role.value, own), own.pk)} == WRITERS
    assert not any(permissions.can_write_for(_by(role.value, own), other.pk) for role in Role)
    assert permissions.can_write_for(TESTER, other.pk)


def test_a_guidance_office_writes_for_the_hospital_it_belongs_to() -> None:
    own, other = hospital("h"), hospital("other")
    office = organization("office", "guidance_office", part_of_id=own.pk)
    ward = organization("ward", "department", part_of_id=own.pk)

    assert permissions.can_write_for(_by("guidance_office", office), own.pk)
    assert not permissions.can_write_for(_by("guidance_office", office), other.pk)
    assert not permissions.can_write_for(_by("hospital_director", office), own.pk)
    assert not permissions.can_write_for(_by("referral_desk", ward), own.pk)
    assert not permissions.can_write_for(_by("gp", centre()), own.pk)


def test_a_posted_expert_writes_the_own_visit_and_not_a_colleagues() -> None:
    own, house, me = centre(), hospital(), user("me")
    mine, colleague = practitioner(house, user_id=me.pk), practitioner(house, "顾南星", user_id=user("other").pk)

    assert permissions.can_write_for(_by("expert", house, me), own.pk, mine.pk)
    assert not permissions.can_write_for(_by("expert", house, me), own.pk, colleague.pk)
    assert not permissions.can_write_for(_by("gp", house, me), own.pk, mine.pk)


def test_about_a_resident_write_those_who_treat_where_a_basis_holds() -> None:
    own, other = centre("a"), centre("b")
    who = resident(own)

    assert {role for role in Role if permissions.can_write_about(_by(role.value, own), who.pk, NOW)} == WRITERS
    assert permissions.can_write_about(TESTER, who.pk, NOW)
    outside = permissions.can_write_about(_by("gp", other), who.pk, NOW)
    assert "不在您的服务范围" in outside.reason
    for house in (own, other):
        assert "医务人员书写" in permissions.can_write_about(_by("dispatcher", house), who.pk, NOW).reason


def test_the_person_and_the_guardian_see_what_is_protected_and_nobody_else_at_home() -> None:
    own = centre()
    people = {name: user(name) for name in ("me", "guardian", "proxy", "other")}
    who, other = resident(own, user_id=people["me"].pk), resident(own, user_id=people["other"].pk)
    for kind in (Basis.Kind.GUARDIAN, Basis.Kind.PROXY):
        grant_basis(
            resident_id=who.pk, kind=kind, source=f"test:{kind}", since=NOW, user_id=people[kind.value].pk, by=TESTER,
            at=NOW,
        )  # fmt: skip
    seats = {name: seat("resident", own, one) for name, one in people.items()}

    def sees(whom: Resident) -> set[str]:
        return {name for name, one in seats.items() if permissions.sees_sensitive(one, whom.pk, NOW)}

    assert sees(who) == {"me", "guardian"}
    assert sees(other) == {"other"}


def test_a_house_sees_what_is_protected_by_that_consent_of_that_resident_alone() -> None:
    own, other, me = centre("a"), centre("b"), user("me")
    allows, refuses, general = (resident(own) for _number in range(3))
    sensitive, record = Consent.Purpose.SENSITIVE, Consent.Purpose.RECORD
    for who, decision, purpose in (
        (allows, Consent.Decision.PERMIT, sensitive),
        (refuses, Consent.Decision.REFUSE, sensitive),
        (general, Consent.Decision.PERMIT, record),
    ):
        Consent.objects.create(
            resident=who, decision=decision, purpose=purpose, organization=own, given_by=me, since=NOW
        )
    gp, elsewhere = seat("gp", own), seat("gp", other)

    seen = [who for who in (allows, refuses, general) if permissions.sees_sensitive(gp, who.pk, NOW)]

    assert seen == [allows]
    assert not permissions.sees_sensitive(elsewhere, allows.pk, NOW)


def test_a_value_is_corrected_where_it_was_written() -> None:
    own, other, me = centre("a"), centre("b"), user("me")
    who = resident(own)
    link_user(resident_id=who.pk, user_id=me.pk, by=TESTER, at=NOW)
    at_home, there = Observation(resident=who), Observation(resident=who, organization=own)
    myself, stranger = _by("resident", own, me), _by("resident", own, user("other"))

    assert permissions.can_correct(myself, at_home, NOW)
    assert not permissions.can_correct(stranger, at_home, NOW)
    assert not permissions.can_correct(_by("gp", own), at_home, NOW)
    assert permissions.can_correct(_by("gp", own), there, NOW)
    assert not permissions.can_correct(_by("resident", own, me), there, NOW)
    assert not permissions.can_correct(_by("gp", other), there, NOW)
