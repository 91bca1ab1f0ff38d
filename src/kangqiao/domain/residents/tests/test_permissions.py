"""Each right of `permissions`, on rows: which bases and refusals count, who decides, registers, watches and answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, centre, hospital, organization, place
from kangqiao.domain.residents import permissions, queries
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Basis, Consent, Question, Resident
from kangqiao.domain.residents.rules import birthday
from kangqiao.domain.residents.tests.factories import resident

pytestmark = pytest.mark.django_db
NOW, DAY = timezone.now(), timedelta(days=1)  # a right to see is a right now
TREATING = {"gp", "expert", "centre_manager", "referral_desk", "guidance_office", "pharmacist"}
KINDS = {kind.value for kind in Basis.Kind}
PERSONAL = {"own", "guardian", "proxy"}


def _by(role: str, house: Organization | None = None, who: User | None = None) -> Actor:
    return Actor(f"user:{who.pk if who else 0}", "演示", house.pk if house else None, role=role)


def _basis(who: Resident, kind: str = "referral", **holder: int) -> Basis:
    return grant_basis(
        resident_id=who.pk, kind=kind, source=f"test:{kind}", since=NOW - DAY, by=TESTER, at=NOW, **holder
    )  # type: ignore[arg-type]


def _consent(who: Resident, house: Organization, given_by: User, **more: object) -> Consent:
    values = {"decision": "refuse", "purpose": "record", "since": NOW - 2 * DAY}
    return Consent.objects.create(resident=who, organization=house, given_by=given_by, **(values | more))


def _stranger() -> Resident:
    """Somebody registered at a centre that has nothing to do with the case."""
    return resident(centre(f"c{Organization.objects.count()}"))


class TestLedger:
    """What holds at a moment, and for whom."""

    def test_a_basis_holds_from_its_beginning_to_its_end(self) -> None:
        who = _stranger()
        Basis.objects.all().delete()
        terms = {
            "over": (-2, -1),
            "now": (-2, 1),
            "open": (-1, None),
            "just": (0, None),
            "last": (-1, 0),
            "next": (1, 2),
        }
        for source, (since, until) in terms.items():
            end = None if until is None else NOW + until * DAY
            Basis.objects.create(
                resident=who,
                kind="referral",
                source=source,
                since=NOW + since * DAY,
                until=end,
                organization=who.centre,
            )

        assert {basis.source for basis in permissions.valid_at(NOW)} == {"now", "open", "just"}

    def test_a_consent_holds_until_its_end_or_its_withdrawal(self) -> None:
        who, me = _stranger(), user("me")
        terms = {
            "open": (-1, None, None), "term": (-1, 1, None), "over": (-2, -1, None), "last": (-1, 0, None),
            "next": (1, None, None), "taken back": (-2, None, -1), "later": (-2, None, 1), "just": (-2, None, 0),
        }  # fmt: skip
        for code, (since, until, withdrawn) in terms.items():
            _consent(
                who, hospital(code), me, since=NOW + since * DAY,
                until=None if until is None else NOW + until * DAY,
                withdrawn_at=None if withdrawn is None else NOW + withdrawn * DAY,
                withdrawn_by=None if withdrawn is None else me,
            )  # fmt: skip

        held = {one.organization.code for one in permissions.consents_at(NOW) if one.organization}

        assert held == {"open", "term", "later"}

    def test_a_refusal_is_about_the_record_and_a_no(self) -> None:
        who, me = _stranger(), user("me")
        refused = _consent(who, hospital("a"), me)
        _consent(who, hospital("b"), me, purpose="sensitive")
        _consent(who, hospital("c"), me, decision="permit")

        assert list(permissions.refusals_at(NOW)) == [refused]

    def test_a_house_is_refused_with_the_hospital_whose_guidance_office_it_is(self) -> None:
        house = hospital("h")
        office = organization("office", "guidance_office", part_of_id=house.pk)
        ward = organization("ward", "department", part_of_id=house.pk)

        def refused_with(one: Organization) -> set[int]:
            return set(permissions.houses_of(one.pk))

        assert refused_with(office) == {office.pk, house.pk}
        assert refused_with(ward) == {ward.pk}
        assert refused_with(house) == {house.pk}
        assert refused_with(centre()) == {Organization.objects.get(code="centre").pk}

    def test_a_refusal_concerns_that_resident_and_that_house(self) -> None:
        who, other, house = _stranger(), _stranger(), hospital("h")
        _consent(who, house, user("me"))

        assert permissions.is_refused(who.pk, house.pk, NOW)
        assert not permissions.is_refused(other.pk, house.pk, NOW)
        assert not permissions.is_refused(who.pk, who.centre_id, NOW)


class TestBases:
    """The bases of a seat, and the same for somebody at work in an action."""

    def _all_kinds(self, **holder: int) -> Resident:
        who = _stranger()
        Basis.objects.filter(resident=who).delete()
        for kind in KINDS:
            _basis(who, kind, **holder)
        return who

    @pytest.mark.parametrize("role", [role.value for role in Role if role != Role.RESIDENT])
    def test_whoever_treats_has_those_of_the_house_and_at_work_their_own(self, role: str) -> None:
        house, me = hospital("h"), user("me")
        mine = seat(role, house, me)
        self._all_kinds(organization_id=house.pk)
        self._all_kinds(user_id=me.pk)
        self._all_kinds(user_id=user("colleague").pk)
        self._all_kinds(organization_id=hospital("other").pk)

        found = permissions.bases_of(mine)

        of_house = {basis.kind for basis in found if basis.organization_id == house.pk}
        of_person = {basis.kind for basis in found if basis.user_id == me.pk}
        assert (of_house, of_person) == ((KINDS, KINDS - PERSONAL) if role in TREATING else (set(), set()))
        assert len(found) == len(of_house) + len(of_person)

    def test_a_resident_has_the_personal_ones_of_the_account_alone(self) -> None:
        house, me = hospital("h"), user("me")
        who = self._all_kinds(user_id=me.pk)
        self._all_kinds(user_id=user("other").pk)
        self._all_kinds(organization_id=house.pk)

        found = permissions.bases_of(seat("resident", house, me))

        assert {(basis.resident_id, basis.kind) for basis in found} == {(who.pk, kind) for kind in PERSONAL}

    def test_those_of_another_moment_are_asked_for_by_it(self) -> None:
        house = hospital("h")
        who = _stranger()
        _basis(who, organization_id=house.pk)
        desk = seat("referral_desk", house)

        assert permissions.bases_of(desk).exists()
        assert not permissions.bases_of(desk, NOW - 2 * DAY).exists()

    def test_a_refusal_closes_that_resident_to_that_house_but_for_an_emergency(self) -> None:
        house = hospital("h")
        refusing, other = (self._all_kinds(organization_id=house.pk) for _number in range(2))
        elsewhere = hospital("other")
        _basis(refusing, organization_id=elsewhere.pk)
        _consent(refusing, house, user("me"))

        def kinds(who: Resident, at: Organization) -> set[str]:
            return {basis.kind for basis in permissions.bases_of(seat("gp", at, user(f"{who.pk}-{at.code}"))).filter(
                resident=who
            )}  # fmt: skip

        assert kinds(refusing, house) == {"emergency"}
        assert kinds(other, house) == KINDS
        assert kinds(refusing, elsewhere) == {"referral"}

    def test_at_work_one_sees_through_the_house_or_in_person(self) -> None:
        house, me = hospital("h"), user("me")
        by_house, by_person, personal, nobody = (_stranger() for _number in range(4))
        _basis(by_house, organization_id=house.pk)
        _basis(by_person, "booking", user_id=me.pk)
        _basis(personal, "guardian", user_id=me.pk)
        doctor = _by("expert", house, me)

        seen = [permissions.sees(doctor, one.pk, NOW) for one in (by_house, by_person, personal, nobody)]

        assert seen == [True, True, False, False]
        assert not permissions.sees(doctor, by_house.pk, NOW - 2 * DAY)

    def test_at_work_a_refusal_leaves_the_emergency_alone(self) -> None:
        house, me = hospital("h"), user("me")
        refusing, in_need = _stranger(), _stranger()
        for who in (refusing, in_need):
            _basis(who, organization_id=house.pk)
            _consent(who, house, me)
        _basis(in_need, "emergency", user_id=me.pk)
        doctor = _by("expert", house, me)

        assert [permissions.sees(doctor, one.pk, NOW) for one in (refusing, in_need)] == [False, True]

    def test_one_acts_for_whom_one_has_a_personal_basis(self) -> None:
        me = user("me")
        by_kind = {}
        for kind in KINDS:
            by_kind[kind] = _stranger()
            _basis(by_kind[kind], kind, user_id=me.pk)

        assert {kind for kind, who in by_kind.items() if permissions.may_act_for(me.pk, who.pk, NOW)} == PERSONAL
        assert not permissions.may_act_for(user("other").pk, by_kind["own"].pk, NOW)
        assert not permissions.may_act_for(me.pk, _stranger().pk, NOW)


class TestDeciding:
    """Who decides about a record."""

    def test_the_person_decides_and_for_a_child_the_guardian_alone(self) -> None:
        own, me, guardian = centre("own"), user("me"), user("guardian")
        child = resident(own, "江小满", birth_date=birthday(timezone.localdate(), -6), user_id=me.pk)
        adult, other = resident(own, user_id=user("adult").pk), resident(own, user_id=user("other").pk)
        for who in (child, adult):
            _basis(who, "guardian", user_id=guardian.pk)
            _basis(who, "proxy", user_id=user(f"proxy-{who.pk}").pk)
        people = [me, guardian, *User.objects.filter(username__in=("adult", "other")), *User.objects.filter(
            username__startswith="proxy"
        )]  # fmt: skip

        def decide(who: Resident) -> list[str]:
            return [one.username for one in people if permissions.can_decide(one.pk, who, NOW)]

        assert (decide(child), decide(adult), decide(other)) == (["guardian"], ["adult"], ["other"])
        assert "监护人决定" in permissions.can_decide(me.pk, child, NOW).reason
        assert "只有本人" in permissions.can_decide(guardian.pk, adult, NOW).reason

    def test_person_and_guardian_hear_what_happens_with_a_record(self) -> None:
        me, guardian, proxy = user("me"), user("guardian"), user("proxy")
        who = resident(centre("own"), user_id=me.pk)
        _basis(who, "guardian", user_id=guardian.pk)
        _basis(who, "proxy", user_id=proxy.pk)
        _basis(_stranger(), "guardian", user_id=proxy.pk)

        assert queries.who_decides(who.pk, NOW) == [me.pk, guardian.pk]

    def test_a_child_is_one_until_the_birthday_of_its_place(self) -> None:
        own, today = centre("own"), timezone.localdate()
        years = permissions.access_at(own.place.code, today).guardian_until_years
        eve = resident(own, birth_date=birthday(today, -years) + DAY)
        day = resident(own, birth_date=birthday(today, -years))

        assert (permissions.is_child(eve, NOW), permissions.is_child(day, NOW)) == (True, False)


class TestRegister:
    """Who writes the register, opens in an emergency and answers."""

    def test_a_centre_registers_and_reads_in_its_own(self) -> None:
        own, other = centre("own"), centre("other")
        roles = [role.value for role in Role]

        registers = {role for role in roles if permissions.can_register(_by(role, own), own.pk)}
        reads_in = {role for role in roles if permissions.can_import(_by(role, own), [own.pk])}

        assert registers == {"gp", "centre_manager"}
        assert reads_in == {"centre_manager", "system_admin"}
        assert not any(permissions.can_register(_by(role, own), other.pk) for role in roles)
        assert {role for role in roles if permissions.can_import(_by(role, own), [own.pk, other.pk])} == {
            "system_admin"
        }
        assert permissions.can_register(TESTER, own.pk)
        assert permissions.can_import(TESTER, [own.pk])

    def test_doctors_open_in_an_emergency(self) -> None:
        assert {role.value for role in Role if permissions.can_break_glass(_by(role.value))} == {"gp", "expert"}

    def test_a_security_administrator_watches_over_the_own_house_a_bureaus_over_its_place(self) -> None:
        city = place()
        district = place("440402", "香洲区", part_of=city)
        bureau, house = organization("bureau", "health_bureau"), hospital("h", where=district)
        abroad = organization("abroad", "hospital", where=place("4403", "深圳市"))
        rows = {one.code: _question(resident(centre(f"c-{one.code}")), one) for one in (bureau, house, abroad)}

        def watched(role: str, at: Organization) -> set[str]:
            found = Question.objects.filter(permissions.overseen_by(seat(role, at)))
            return {code for code, row in rows.items() if row in found}

        assert watched("security_admin", bureau) == {"bureau", "h"}
        assert watched("security_admin", house) == {"h"}
        assert not watched("system_admin", bureau)

    def test_questions_are_seen_by_who_asked_who_must_answer_and_who_it_is_about(self) -> None:
        own, me, guard = centre("own"), user("me"), user("guard")
        who = resident(own, user_id=me.pk)
        reader, nobody = seat("gp", own, user("reader")), seat("gp", own, user("nobody"))
        asked_by_me, asked_for_another = (_question(one, own, asked_by=me) for one in (who, _stranger()))
        about_me = _question(who, own, asked_by=guard)
        review = _question(who, own, asked_by=guard, kind="review", reader=User.objects.get(username="reader"))
        of_reader = _question(_stranger(), own, asked_by=guard, reader=User.objects.get(username="reader"))

        def seen(one: Seat) -> set[Question]:
            return set(Question.objects.filter(permissions.questions_visible_to(one)))

        assert seen(seat("resident", own, me)) == {asked_by_me, asked_for_another, about_me}
        assert seen(reader) == {review}
        assert seen(nobody) == set()
        assert seen(seat("expert", hospital("h"), guard)) == {about_me, review, of_reader}
        assert seen(seat("security_admin", own)) == {
            asked_by_me, asked_for_another, about_me, review, of_reader,
        }  # fmt: skip
        for kind in ("resident", "review"):  # a review is between those at work, also where the patient asked it
            Question.objects.filter(pk=about_me.pk).update(kind=kind)
            assert (about_me in seen(seat("resident", own, me))) is (kind == "resident")

    def test_the_security_administrator_asks_and_whoever_is_asked_answers(self) -> None:
        own = centre("own")
        seats = {role.value: seat(role.value, own) for role in Role}
        reader, reads = user("reader"), seat("gp", own, user("second"))
        review = Question(kind="review", reader_id=reads.user_id)
        asked = Question(kind="resident", reader=reader)

        assert [role for role, one in seats.items() if permissions.can_question(one)] == ["security_admin"]
        assert [role for role, one in seats.items() if permissions.can_answer(one, asked)] == ["security_admin"]
        assert permissions.can_answer(reads, review)
        assert not any(permissions.can_answer(one, review) for one in seats.values())
        assert "由查看的人" in permissions.can_answer(seats["security_admin"], review).reason

    def test_the_user_behind_an_actor(self) -> None:
        ids = ("user:12", "system:12", "user:x", "user:")

        assert [permissions.user_id_of(Actor(one, "演示")) for one in ids] == [12, None, None, None]


def _question(who: Resident, house: Organization, **more: object) -> Question:
    asked_by = more.pop("asked_by", None) or user(f"asker-{Question.objects.count()}")
    values = {"kind": "resident", "reader": asked_by, "looked_at": NOW, "text": "为什么查看？", "asked_at": NOW}
    return Question.objects.create(resident=who, organization=house, asked_by=asked_by, **(values | more))
