"""Accounts, roles and seats."""

from datetime import date

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import IntegrityError, transaction

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.pages import Display
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.models import ADMINISTRATORS, ROLE_DESCRIPTIONS, Membership, Role
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db


def test_every_role_says_what_it_is_for() -> None:
    assert set(ROLE_DESCRIPTIONS) == set(Role)


def test_the_right_password_signs_in_and_every_refusal_sounds_the_same() -> None:
    who, closed = user("gp-1", "bamboo-rain"), user("gp-2", "bamboo-rain")
    seat("gp", centre(), who)
    actions.set_active(user_id=closed.pk, is_active=False, by=TESTER, at=NOW)
    tried = (("gp-1", "wrong"), ("nobody", "bamboo-rain"), ("gp-2", "bamboo-rain"), ("gp-1", ""))

    found = actions.sign_in(username="gp-1", password="bamboo-rain", demo="zhuhai", at=NOW)
    sentences = set()
    for username, password in tried:
        with pytest.raises(RuleBroken) as refused:
            actions.sign_in(username=username, password=password, demo="zhuhai", at=NOW)
        sentences.add(str(refused.value))

    assert found == who
    assert len(sentences) == 1
    assert AuditEvent.objects.filter(action="accounts.refuse_sign_in").count() == len(tried)
    assert "nobody" not in str(list(AuditEvent.objects.values()))


def test_an_invented_person_signs_in_nowhere_but_in_a_demonstration() -> None:
    invented, real = user("demo-1", "published"), user("real-1", "secret", is_demo=False)
    own = centre()
    seat("gp", own, invented)
    seat("gp", own, real)

    assert actions.sign_in_as_demo(user_id=invented.pk, demo="zhuhai", at=NOW) == invented
    assert actions.sign_in(username="real-1", password="secret", demo="none", at=NOW) == real
    with pytest.raises(RuleBroken):
        actions.sign_in(username="demo-1", password="published", demo="none", at=NOW)
    with pytest.raises(NotVisible):
        actions.sign_in_as_demo(user_id=invented.pk, demo="none", at=NOW)
    with pytest.raises(NotVisible):
        actions.sign_in_as_demo(user_id=real.pk, demo="zhuhai", at=NOW)


def test_an_account_without_a_seat_does_not_come_in() -> None:
    user("seatless", "bamboo-rain")

    with pytest.raises(RuleBroken, match="没有岗位"):
        actions.sign_in(username="seatless", password="bamboo-rain", demo="zhuhai", at=NOW)


def test_a_password_is_kept_as_an_argon2_hash() -> None:
    assert user("gp-1", "bamboo-rain").password.startswith("argon2$argon2id$")


def test_a_password_costs_who_guesses_it_what_owasp_asks(
    guessing_costs: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least 19 MiB and two rounds. Tests have a cheaper price; here the one outside is set again."""
    for name, value in guessing_costs.items():
        monkeypatch.setattr(Argon2PasswordHasher, name, value)

    kept = user("gp-1", "bamboo-rain").password
    price = dict(one.split("=") for one in kept.split("$")[3].split(","))

    assert int(price["m"]) >= 19 * 1024
    assert int(price["t"]) >= 2


def test_a_membership_counts_from_its_first_day_to_the_day_before_its_last() -> None:
    who, own = user(), centre()
    row = actions.grant_membership(
        user=who, organization=own, role="gp", since=date(2026, 1, 1), until=date(2026, 3, 1), by=TESTER, at=NOW
    )

    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1))

    assert [queries.membership_of(who, row.pk, day) is not None for day in days] == [False, True, True, False]


def test_granting_twice_changes_nothing_and_ending_ends_the_seat() -> None:
    who, own = user(), centre()
    first = seat("gp", own, who)
    again = seat("gp", own, who)

    actions.end_membership(membership_id=first.membership_id, until=date(2025, 1, 1), by=TESTER, at=NOW)

    assert again.membership_id == first.membership_id
    assert queries.seat_of(who, None) is None


def test_a_seat_of_somebody_else_cannot_be_taken() -> None:
    mine, other = seat("gp", centre("a")), seat("hospital_director", hospital("b"))
    me = queries.User.objects.get(pk=mine.user_id)

    chosen = queries.seat_of(me, other.membership_id)

    assert chosen is not None
    assert chosen.role == "gp"


def test_only_the_administrator_opens_accounts() -> None:
    doctor = Actor("user:1", "沈青黛", role="expert")

    with pytest.raises(Denied):
        actions.create_user(username="x", name="x", by=doctor, at=NOW)
    with pytest.raises(Denied):
        actions.grant_membership(user=user(), organization=centre(), role="gp", since=NOW.date(), by=doctor, at=NOW)


def test_a_taken_user_name_and_an_empty_term_are_refused() -> None:
    who = user("same")

    with pytest.raises(RuleBroken, match="same"):
        user("same")
    with pytest.raises(RuleBroken):
        actions.grant_membership(
            user=who, organization=centre(), role="gp", since=NOW.date(), until=NOW.date(), by=TESTER, at=NOW
        )


def test_a_person_sets_their_own_language_only() -> None:
    who, other = user("me"), user("other")
    me = Actor(f"user:{who.pk}", "me")

    actions.set_language(user_id=who.pk, language="en", by=me, at=NOW)
    actions.set_display(user_id=who.pk, display=Display(is_elder=True, scale=150), by=me, at=NOW)
    with pytest.raises(Denied):
        actions.set_language(user_id=other.pk, language="en", by=me, at=NOW)

    who.refresh_from_db()
    assert (who.language, who.display) == ("en", "elder-150")


PAIRS = [(one, other) for one in ADMINISTRATORS for other in ADMINISTRATORS if one != other]


@pytest.mark.parametrize(("held", "wanted"), PAIRS)
def test_one_person_is_never_two_of_the_three_administrators(held: Role, wanted: Role) -> None:
    who, here, there = user("liu", name="刘安"), centre("a"), centre("b")
    seat(held, here, who)

    for where in (here, there):
        with pytest.raises(RuleBroken, match=f"刘安 已经是{held.label}"):
            actions.grant_membership(user=who, organization=where, role=wanted, since=NOW.date(), by=TESTER, at=NOW)

    with pytest.raises(IntegrityError, match="membership_one_administrator"), transaction.atomic():
        Membership.objects.create(user=who, organization=there, role=wanted, since=NOW.date())
    with pytest.raises(IntegrityError, match="membership_one_administrator"), transaction.atomic():
        Membership.objects.bulk_create([Membership(user=who, organization=there, role=wanted, since=NOW.date())])


def test_an_administrator_may_change_office_and_hold_the_same_one_twice() -> None:
    who, here, there = user("liu"), centre("a"), centre("b")
    first = seat("system_admin", here, who)
    seat("system_admin", there, who)
    for row in Membership.objects.filter(user=who):
        actions.end_membership(membership_id=row.pk, until=date(2026, 1, 1), by=TESTER, at=NOW)

    row = actions.grant_membership(
        user=who, organization=here, role="audit_admin", since=date(2026, 1, 1), by=TESTER, at=NOW
    )
    seat("gp", here, who)

    assert row.role == "audit_admin"
    assert first.role == "system_admin"
    with pytest.raises(RuleBroken, match="已经是系统管理员"):
        actions.grant_membership(
            user=who, organization=here, role="security_admin", since=date(2025, 12, 1), by=TESTER, at=NOW
        )
