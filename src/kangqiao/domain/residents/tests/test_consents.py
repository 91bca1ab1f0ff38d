"""What residents decide: refusals, proxies, guardians, and the end of each."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, centre, hospital
from kangqiao.domain.residents import actions, queries
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.domain.residents.permissions import refusing_education, visible_to
from kangqiao.domain.residents.rules import birthday
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def _now() -> datetime:
    return timezone.now()


def _person(own: Organization, name: str, **more: object) -> tuple[Resident, Seat]:
    """A resident with an account, and the seat of it."""
    account = user(name)
    row = resident(own, name, user_id=account.pk, identifier=f"ID-{name.upper()}", **more)
    return row, seat("resident", own, account)


def _child(own: Organization, years: int = 6) -> Resident:
    return resident(own, "江小满", birth_date=birthday(timezone.localdate(), -years))


def _at_hospital(row: Resident) -> tuple[Organization, Seat]:
    place = hospital("h")
    actions.grant_basis(
        resident_id=row.pk, kind="referral", source="referral:1", since=_now() - DAY, organization_id=place.pk,
        by=TESTER, at=_now(),
    )  # fmt: skip
    return place, seat("referral_desk", place)


def test_refusing_health_education_is_a_decision_of_its_own_and_is_taken_back() -> None:
    row, me = _person(centre("a"), "me")
    place, desk = _at_hospital(row)

    actions.refuse_organization(resident_id=row.pk, organization_id=place.pk, by=me.actor, at=_now())
    actions.permit_sensitive(resident_id=row.pk, organization_id=place.pk, by=me.actor, at=_now())
    # A permission for it, should a register from elsewhere bring one, is no refusal.
    kept = {"given_by_id": me.user_id, "organization": place, "since": _now() - DAY}
    Consent.objects.create(resident=row, decision="permit", purpose="education", **kept)
    before = refusing_education(_now()).exists()
    refused = actions.refuse_education(resident_id=row.pk, by=me.actor, at=_now())

    assert not before
    assert list(refusing_education(_now())) == [refused]
    with pytest.raises(Denied):
        actions.want_education(resident_id=row.pk, by=desk.actor, at=_now())
    actions.want_education(resident_id=row.pk, by=me.actor, at=_now())
    assert not refusing_education(_now()).exists()
    assert Consent.objects.filter(decision="refuse", purpose="record", withdrawn_at__isnull=True).count() == 1


def test_a_refusal_wins_over_every_basis_and_ends_with_its_withdrawal() -> None:
    row, me = _person(centre("a"), "me")
    place, desk = _at_hospital(row)

    refused = actions.refuse_organization(resident_id=row.pk, organization_id=place.pk, by=me.actor, at=_now())
    again = actions.refuse_organization(resident_id=row.pk, organization_id=place.pk, by=me.actor, at=_now())
    hidden = not queries.residents_of(desk).exists()
    actions.withdraw_consent(consent_id=refused.pk, by=me.actor, at=_now())

    assert again.pk == refused.pk
    assert hidden
    assert queries.get_resident(desk, row.pk) == row
    assert Consent.objects.get().withdrawn_by_id == me.user_id


def test_a_refused_hospital_is_refused_with_its_guidance_office() -> None:
    row, me = _person(centre("a"), "me")
    place, _desk = _at_hospital(row)
    office = Organization.objects.create(
        code="office", kind="guidance_office", zh="指导科", short_zh="指导科", place=place.place, part_of=place
    )
    actions.grant_basis(
        resident_id=row.pk, kind="referral", source="referral:1", since=_now() - DAY, organization_id=office.pk,
        by=TESTER, at=_now(),
    )  # fmt: skip
    guide = seat("guidance_office", office)
    seen = queries.residents_of(guide).exists()

    actions.refuse_organization(resident_id=row.pk, organization_id=place.pk, by=me.actor, at=_now())

    assert seen
    assert not queries.residents_of(guide).exists()


def test_nobody_else_decides_or_withdraws() -> None:
    own = centre("a")
    (row, me), (_other, stranger) = _person(own, "me"), _person(own, "stranger")
    given = actions.permit_sensitive(resident_id=row.pk, organization_id=own.pk, by=me.actor, at=_now())

    for who in (stranger, seat("gp", own), seat("system_admin", own)):
        with pytest.raises(Denied):
            actions.refuse_organization(resident_id=row.pk, organization_id=own.pk, by=who.actor, at=_now())
        with pytest.raises(NotVisible):
            actions.withdraw_consent(consent_id=given.pk, by=who.actor, at=_now())


def test_a_consent_to_a_day_past_is_refused() -> None:
    own = centre("a")
    row, me = _person(own, "me")

    with pytest.raises(RuleBroken):
        actions.permit_sensitive(
            resident_id=row.pk, organization_id=own.pk, until=timezone.localdate() - DAY, by=me.actor, at=_now()
        )


class TestProxy:
    """Somebody who books and cancels in another's name."""

    def _appoint(self, row: Resident, me: Seat, name: str, identifier: str, until: date | None = None) -> Consent:
        return actions.appoint_proxy(
            resident_id=row.pk, name=name, identifier=identifier, until=until, by=me.actor, at=_now()
        )

    def test_a_proxy_sees_the_person_until_withdrawn_and_decides_nothing(self) -> None:
        own = centre("a")
        (row, me), (_helper, proxy) = _person(own, "me"), _person(own, "helper")

        given = self._appoint(row, me, "helper", "id-helper")
        seen = queries.get_resident(proxy, row.pk)
        with pytest.raises(Denied):
            actions.refuse_organization(resident_id=row.pk, organization_id=own.pk, by=proxy.actor, at=_now())
        actions.withdraw_consent(consent_id=given.pk, by=me.actor, at=_now())

        assert seen == row
        with pytest.raises(NotVisible):
            queries.get_resident(proxy, row.pk)

    def test_the_proxy_has_nothing_at_work(self) -> None:
        own, place = centre("a"), hospital("h")
        (row, me), (_helper, proxy) = _person(own, "me"), _person(own, "helper")
        self._appoint(row, me, "helper", "ID-HELPER")
        at_work = seat("expert", place, User.objects.get(pk=proxy.user_id))

        assert not queries.residents_of(at_work).exists()

    def test_name_and_identifier_must_both_match_and_nobody_appoints_themselves(self) -> None:
        own = centre("a")
        (row, me), _helper = _person(own, "me"), _person(own, "helper")

        said = set()
        for name, identifier in (("helper", "ID-ME"), ("nobody", "ID-HELPER"), ("nobody", "ID-NOBODY")):
            with pytest.raises(RuleBroken) as refused:
                self._appoint(row, me, name, identifier)
            said.add(str(refused.value))
        with pytest.raises(RuleBroken, match="不能是本人"):
            self._appoint(row, me, "me", "ID-ME")

        assert len(said) == 1


class TestGuardian:
    """The guardian of a child acts and decides for it, to the day it comes of the age."""

    def _name(self, child: Resident, own: Organization, at: datetime | None = None) -> Basis:
        gp = seat("gp", own).actor
        return actions.name_guardian(
            resident_id=child.pk, name="mother", identifier="ID-MOTHER", by=gp, at=at or _now()
        )

    def test_the_guardian_sees_and_decides_and_the_child_alone_does_not(self) -> None:
        own = centre("a")
        _mother, guardian = _person(own, "mother")
        account = user("child")
        child = _child(own)
        actions.link_user(resident_id=child.pk, user_id=account.pk, by=TESTER, at=_now())

        self._name(child, own)

        given = actions.refuse_organization(resident_id=child.pk, organization_id=own.pk, by=guardian.actor, at=_now())
        assert given.is_by_guardian
        assert queries.get_resident(guardian, child.pk) == child
        with pytest.raises(Denied, match="监护人"):
            actions.refuse_organization(
                resident_id=child.pk, organization_id=own.pk, by=seat("resident", own, account).actor, at=_now()
            )

    def test_it_ends_by_itself_at_midnight_of_the_birthday(self) -> None:
        own = centre("a")
        _mother, guardian = _person(own, "mother")
        child = _child(own)

        basis = self._name(child, own)

        turns = birthday(child.birth_date, 14)
        assert basis.until is not None
        assert timezone.localtime(basis.until).isoformat()[:16] == f"{turns}T00:00"
        before, after = basis.until - timedelta(seconds=1), basis.until
        seen = [Resident.objects.filter(visible_to(guardian, at=at), pk=child.pk).exists() for at in (before, after)]
        assert seen == [True, False]

    def test_whoever_is_of_the_age_gets_no_guardian_and_strangers_name_none(self) -> None:
        own, other = centre("a"), centre("b")
        _person(own, "mother")

        with pytest.raises(RuleBroken, match="本人决定"):
            self._name(_child(own, years=14), own)
        with pytest.raises(Denied):
            self._name(_child(own), other)


@pytest.mark.parametrize(
    ("born", "years", "day"), [((2012, 2, 29), 14, (2026, 3, 1)), ((2012, 5, 1), 14, (2026, 5, 1))]
)
def test_who_was_born_on_a_leap_day_turns_on_the_first_of_march(
    born: tuple[int, int, int], years: int, day: tuple[int, int, int]
) -> None:
    assert birthday(date(*born), years) == date(*day)


def test_the_page_lists_who_may_look_and_refuses_and_takes_back(client: Client) -> None:
    row, me = _person(centre("a"), "me")
    place, desk = _at_hospital(row)
    client.force_login(User.objects.get(pk=me.user_id))

    page = client.get("/residents/consents/").content.decode()
    sent = {"organization": place.pk, "decision": "refuse", "idempotency_key": "one"}
    answer = client.post("/residents/consents/decide/", sent)
    refused = not queries.residents_of(desk).exists()
    given = Consent.objects.get()
    client.post(f"/residents/consents/{given.pk}/withdraw/", {"idempotency_key": "two"})

    assert place.zh in page
    assert answer.headers["Location"] == "/residents/consents/"
    assert refused
    assert queries.residents_of(desk).exists()


def test_the_guardian_finds_the_child_on_the_page_and_opens_its_own(client: Client) -> None:
    own = centre("a")
    _mother, guardian = _person(own, "mother")
    child = _child(own)
    client.force_login(User.objects.get(pk=seat("gp", own).user_id))
    named = {"name": "mother", "identifier": "ID-MOTHER", "idempotency_key": "one"}
    answer = client.post(f"/residents/{child.pk}/guardian/", named)
    client.force_login(User.objects.get(pk=guardian.user_id))

    pages = [
        client.get(address, {"resident": wanted}).content.decode()
        for address, wanted in (
            ("/residents/consents/", ""),
            ("/residents/consents/", child.pk),
            ("/slots/mine/", child.pk),
            ("/referrals/mine/", child.pk),
            ("/residents/reads/", child.pk),
        )
    ]

    assert answer.status_code == 302
    assert all("江小满" in page for page in (pages[0], pages[1], pages[2], pages[4]))
    assert client.get("/slots/mine/", {"resident": resident(own, "别人").pk}).status_code == 404
