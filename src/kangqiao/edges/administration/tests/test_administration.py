"""Three administrators: what each does, what needs two of them, and what none of them can do alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.models import ADMINISTRATORS, Membership, Role, RoleChange, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import SINCE, seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD, enrol, enrolled
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, centre, organization, place
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db


def bureau(code: str = "health", where: str = "4404") -> Organization:
    return organization(code, Organization.Kind.HEALTH_BUREAU, where=place(where, where))


def office(role: str, code: str = "health", where: str = "4404") -> Seat:
    """Somebody in one of the three offices of a city."""
    found = Organization.objects.filter(code=code).first() or bureau(code, where)
    return seat(role, found, user(f"{role}-{code}-{User.objects.count()}", PASSWORD, is_demo=False))


def browser(who: Seat) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=who.user_id))
    return client


def proposed(system: Seat, role: str = "gp", name: str = "new") -> RoleChange:
    actions.open_account(
        username=name, name=name, organization=centre(f"of-{name}"), role=role, since=SINCE, by=system.actor, at=NOW
    )
    return RoleChange.objects.get(user__username=name)


@pytest.mark.trust("T-AUTH-5")
def test_a_role_is_proposed_by_one_and_approved_by_another_before_it_holds(measured: Callable[[str], None]) -> None:
    system, security = office("system_admin"), office("security_admin")
    here = centre()
    desk, second = browser(system), browser(security)
    form = {"name": "周玉竹", "username": "zhou", "organization": here.pk, "role": "gp", "since": "2024-01-01"}
    page = desk.post("/people/new/", form).content.decode()
    found = re.search(r'<code class="b">([0-9a-z-]{19})</code>', page)
    assert found
    who = User.objects.get(username="zhou")
    change = RoleChange.objects.get(user=who)

    before = Client().post("/sign-in/", {"username": "zhou", "password": found[1]}).status_code
    alone = desk.post(f"/people/role-changes/{change.pk}/", {"step": "approve"})
    agreed = second.post(f"/people/role-changes/{change.pk}/", {"step": "approve"})
    fresh = Client()
    after = fresh.post("/sign-in/", {"username": "zhou", "password": found[1]})
    fresh.post("/sign-in/password/", {"new": PASSWORD, "again": PASSWORD})
    enrolled(fresh)

    assert (before, alone.status_code, agreed.status_code) == (422, 403, 302)
    assert after.headers["Location"] == "/sign-in/password/"
    assert fresh.get("/notices/").status_code == 200
    assert queries.seat_of(who, None).role == "gp"  # type: ignore[union-attr]
    assert AuditEvent.objects.get(action="accounts.approve_role").by_id == security.actor.id
    measured("a role holds after 2 different people, refused to 1")


@pytest.mark.trust("T-AUTH-5")
@pytest.mark.parametrize("held", ADMINISTRATORS)
def test_no_page_and_no_statement_makes_one_person_two_administrators(
    held: Role, measured: Callable[[str], None]
) -> None:
    system, security = office("system_admin"), office("security_admin", "other-office")
    who = office(held, "third-office")
    person = User.objects.get(pk=who.user_id)
    refused = 0
    for wanted in set(ADMINISTRATORS) - {held}:
        term = {"organization": who.organization_id, "role": wanted.value, "since": "2026-05-14"}
        page = browser(system).post(f"/people/{person.pk}/role/", term)
        assert "不能由同一个人兼任" in page.content.decode()
        # A proposal that was there before the office was taken is refused when it is approved.
        late = RoleChange.objects.create(
            user=person, organization_id=who.organization_id, role=wanted, since=SINCE, proposed_by="user:0",
            proposed_at=NOW,
        )  # fmt: skip
        if held != Role.SECURITY_ADMIN:
            with pytest.raises(RuleBroken, match="兼任"):
                actions.approve_role(role_change_id=late.pk, by=security.actor, at=NOW)
        with pytest.raises(IntegrityError, match="membership_one_administrator"), transaction.atomic():
            Membership.objects.create(user=person, organization_id=who.organization_id, role=wanted, since=SINCE)
        refused += 1
    measured(f"{held.value}: {refused} of 2 other offices refused by page, action and database")


def test_nobody_approves_their_own_role_or_proposal() -> None:
    system, security = office("system_admin"), office("security_admin")
    own = actions.propose_role(
        user=User.objects.get(pk=security.user_id), organization=centre(), role="gp", since=SINCE, by=system.actor,
        at=NOW,
    )  # fmt: skip
    proposal = proposed(system)
    RoleChange.objects.filter(pk=proposal.pk).update(proposed_by=security.actor.id)

    for change in (own, proposal):
        with pytest.raises(Denied, match="另一位安全管理员"):
            actions.approve_role(role_change_id=change.pk, by=security.actor, at=NOW)


def test_a_refusal_says_why_and_what_was_decided_stays() -> None:
    system, security = office("system_admin"), office("security_admin")
    change = proposed(system)
    client = browser(security)

    bare = client.post(f"/people/role-changes/{change.pk}/", {"step": "refuse"})
    refused = client.post(f"/people/role-changes/{change.pk}/", {"step": "refuse", "reason": "没有聘书"})
    page = browser(system).get("/people/role-changes/").content.decode()

    assert (bare.status_code, refused.status_code) == (422, 302)
    assert "没有聘书" in page
    with pytest.raises(AlreadyMoved):
        actions.approve_role(role_change_id=change.pk, by=security.actor, at=NOW)
    assert not Membership.objects.filter(user=change.user).exists()


def test_taking_away_needs_one_and_ends_the_seat() -> None:
    system = office("system_admin")
    doctor = seat("gp", centre(), user("gp-1", PASSWORD, is_demo=False))
    today = timezone.localdate()

    browser(system).post(f"/people/memberships/{doctor.membership_id}/end/", {"until": today.isoformat()})

    assert queries.seat_of(User.objects.get(pk=doctor.user_id), None) is None


def test_the_only_administrator_of_a_kind_stays() -> None:
    system, security = office("system_admin"), office("security_admin")

    closed = browser(system).post(f"/people/{security.user_id}/step/", {"step": "close"})
    ended = browser(system).post(
        f"/people/memberships/{security.membership_id}/end/", {"until": timezone.localdate().isoformat()}
    )
    office("security_admin", "second-office")
    allowed = browser(system).post(f"/people/{security.user_id}/step/", {"step": "close"})

    assert (closed.status_code, ended.status_code, allowed.status_code) == (422, 422, 302)
    assert "唯一的安全管理员" in closed.content.decode()


@pytest.mark.trust("T-AUTH-5", "none comes into an account alone")
def test_neither_administrator_comes_into_an_account_alone() -> None:
    system, security = office("system_admin"), office("security_admin")
    who = user("gp-1", PASSWORD, is_demo=False)
    seat("gp", centre(), who)
    enrol(who)

    page = browser(system).post(f"/people/{who.pk}/password/").content.decode()
    handed = re.search(r'<code class="b">([0-9a-z-]{19})</code>', page)
    assert handed
    door = Client()
    door.post("/sign-in/", {"username": "gp-1", "password": handed[1]})
    stopped = door.post("/sign-in/password/", {"new": PASSWORD, "again": PASSWORD})

    assert stopped.headers["Location"] == "/sign-in/second/"
    assert door.get("/notices/").status_code == 302
    assert browser(security).post(f"/people/{who.pk}/password/").status_code == 403
    assert browser(system).post(f"/people/{who.pk}/step/", {"step": "reset"}).status_code == 403


@pytest.mark.parametrize(
    ("role", "step", "status"),
    [
        ("system_admin", "close", 302), ("security_admin", "close", 403), ("audit_admin", "close", 403),
        ("system_admin", "unlock", 403), ("security_admin", "unlock", 302), ("audit_admin", "unlock", 403),
        ("system_admin", "leave", 403), ("security_admin", "leave", 302), ("audit_admin", "leave", 403),
        ("system_admin", "reset", 403), ("security_admin", "reset", 302), ("gp", "close", 403),
        ("security_admin", "no such step", 404),
    ],
)  # fmt: skip
def test_each_office_has_its_own_steps(role: str, step: str, status: int) -> None:
    keeper = office(role)
    who = user("gp-1", PASSWORD, is_demo=False)
    seat("gp", centre(), who)

    assert browser(keeper).post(f"/people/{who.pk}/step/", {"step": step}).status_code == status


def test_administrators_keep_the_people_of_their_own_place_only() -> None:
    near, far = office("system_admin"), office("system_admin", "far", "4403")
    who = user("gp-1", PASSWORD, is_demo=False)
    seat("gp", centre(), who)
    change = proposed(near)

    assert browser(near).get(f"/people/{who.pk}/").status_code == 200
    assert browser(far).get(f"/people/{who.pk}/").status_code == 404
    assert browser(far).get(f"/people/{who.pk + 1000}/").status_code == 404
    assert "gp-1" not in browser(far).get("/people/").content.decode()
    assert "of-new" not in browser(far).get("/people/role-changes/").content.decode()
    with pytest.raises(NotVisible):
        actions.withdraw_role(role_change_id=change.pk, by=far.actor, at=NOW)
    with pytest.raises(NotVisible):
        actions.propose_role(user=who, organization=centre("b"), role="expert", since=SINCE, by=far.actor, at=NOW)


def test_a_residents_account_is_found_by_its_whole_name_only() -> None:
    system = office("system_admin")
    seat("resident", centre(), user("resident-li", PASSWORD, name="李芳", is_demo=False))
    client = browser(system)

    pages = [client.get(f"/people/?q={asked}").content.decode() for asked in ("", "李", "resident-l", "resident-li")]

    assert ["李芳" in page for page in pages] == [False, False, False, True]


def test_the_home_of_the_security_administrator_shows_what_waits() -> None:
    system, security = office("system_admin"), office("security_admin")
    proposed(system)

    page = browser(security).get("/").content.decode()

    assert "待审核的岗位变动" in page
    assert "输错太多被锁的账号" in page


def test_no_administrator_sees_a_resident() -> None:
    for role in ADMINISTRATORS:
        client = browser(office(role))
        assert client.get("/residents/").status_code == 403
        assert client.get("/referrals/").status_code == 403
