"""A centre in Zhuhai with a team ready to sign, a hospital that lends it a specialist, and some residents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.contracting import actions
from kangqiao.domain.contracting.models import Contract, ServicePackage, Team
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.identifiers import id_check_digit

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ON = date(2026, 3, 2)
JOB = Actor.system("test")
STREET = "香洲区香湾辖区演示路"
WHOLE = ("gp", "nurse", "public_health")
TITLES = {
    "gp": ("physician", "clinical"), "nurse": ("nurse", "clinical"), "public_health": ("physician", "public_health"),
    "specialist": ("physician", "clinical"), "pharmacist": ("pharmacist", "clinical"), "tcm": ("physician", "tcm"),
    "nutritionist": ("technician", "nutrition"),
}  # fmt: skip


@dataclass
class World:
    """The places, houses and packages of a test."""

    city: Place
    bureau: Organization
    hospital: Organization
    centre: Organization
    other: Organization
    packages: dict[str, ServicePackage]
    number: int = 0

    def next(self) -> int:
        """A number nobody has yet."""
        self.number += 1
        return self.number

    def user(self, name: str, role: str, house: Organization) -> User:
        """Somebody who can sign in."""
        made = User.objects.create(username=f"{name}-{self.next()}", name=name, password="!", is_demo=True)
        Membership.objects.create(user=made, organization=house, role=role, since=date(2020, 1, 1))
        return made

    def seat(self, role: str, house: Organization | None = None, user: User | None = None) -> Seat:
        """A seat of that role, at the centre unless told otherwise."""
        where = house or self.centre
        found = seat_of(user or self.user(f"演示{role}", role, where), None)
        assert found is not None
        return found

    def person(self, kind: str, house: Organization | None = None, user: User | None = None) -> Practitioner:
        """A member of staff whose title fits a kind of member."""
        title, field = TITLES[kind]
        return Practitioner.objects.create(
            name=f"演示{kind}{self.next()}", sex="female", licence_number=f"T{self.number:06d}", title_kind=title,
            title_grade="attending", field=field, organization=house or self.centre, user=user, is_demo=True,
        )  # fmt: skip

    def team(
        self, *kinds: str, house: Organization | None = None, ceiling: int | None = None, is_open: bool = True
    ) -> Team:
        """A team with one member of each kind, whole and published unless told otherwise."""
        where = house or self.centre
        team = actions.form_team(organization_id=where.pk, zh=f"演示团队{self.next()}", ceiling=ceiling, by=JOB, at=AT)
        for kind in kinds or WHOLE:
            actions.add_member(
                team_id=team.pk, practitioner_id=self.person(kind, where).pk, kind=kind, is_lead=kind == "gp", by=JOB,
                at=AT,
            )  # fmt: skip
        return actions.open_team(team_id=team.pk, by=JOB, at=AT) if is_open else team

    def resident(
        self,
        born: date = date(1950, 1, 1),
        *,
        with_user: bool = False,
        house: Organization | None = None,
        door: int = 1,
    ) -> Resident:  # fmt: skip
        """A resident registered at the centre, who lives at that door of the demonstration street."""
        number, where = self.next(), house or self.centre
        first17 = f"470499{born:%Y%m%d}{number:03d}"
        user = self.user(f"演示居民{number}", Role.RESIDENT, where) if with_user else None
        return residents.register_resident(
            name=f"演示居民{number}", sex="female", birth_date=born, identifier=first17 + id_check_digit(first17),
            centre_id=where.pk, address=f"{STREET}{door}号", user_id=user.pk if user else None, is_demo=True, by=JOB,
            at=AT,
        )  # fmt: skip

    def own(self, resident: Resident) -> Seat:
        """The resident's own seat."""
        return self.seat(Role.RESIDENT, resident.centre, resident.user)

    def applied(
        self, team: Team, *people: Resident, by: Actor = JOB, at: datetime = AT, **more: object
    ) -> list[Contract]:
        """An application at the desk."""
        ids = [one.pk for one in people]
        return actions.apply_for_contract(team_id=team.pk, resident_ids=ids, has_consent=True, by=by, at=at, **more)

    def accepted(self, team: Team, *people: Resident, at: datetime = AT) -> list[Contract]:
        """The same, accepted."""
        return actions.accept_contract(contract_id=self.applied(team, *people, at=at)[0].pk, by=JOB, at=at)

    def signed(self, team: Team, *people: Resident, at: datetime = AT) -> list[Contract]:
        """The same, signed on paper by the head."""
        first = self.accepted(team, *people, at=at)[0]
        return sign(first, people[0].name, at=at)


def sign(contract: Contract, name: str, *, by: Actor = JOB, at: datetime = AT, **more: str) -> list[Contract]:
    """Signed on paper at the centre."""
    said = {"way": "paper", "where": "centre", "filed_as": "演示-1", **more}
    return actions.sign_contract(contract_id=contract.pk, signed_by=name, by=by, at=at, **said)


def world() -> World:
    """Zhuhai with its bureau, a hospital and two centres; the packages of the pack are offered."""
    city = Place.objects.create(code="4404", zh="珠海市")
    district = Place.objects.create(code="440402", zh="香洲区", part_of=city)

    def house(code: str, kind: str, place: Place) -> Organization:
        return Organization.objects.create(
            code=code, kind=kind, zh=f"演示{code}", short_zh=f"演示{code}", place=place, level=2, is_demo=True,
            population_served=5000,
        )  # fmt: skip

    bureau = house("bureau", "health_bureau", city)
    hospital, centre, other = (
        house("hospital", "hospital", district), house("xiangwan", "centre", district),
        house("shishan", "centre", district),
    )  # fmt: skip
    made = actions.adopt_packages(organization_id=bureau.pk, starts_on=date(2026, 1, 1), by=JOB, at=AT)
    return World(city, bureau, hospital, centre, other, {one.code: one for one in made})
