"""A small network for roster tests: one city, two hospitals, three centres, experts, all marked as invented."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster import actions
from kangqiao.domain.roster.models import HalfDay, Posting
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner

ZONE = ZoneInfo("Asia/Shanghai")
# Monday of ISO week 21 of 2026; its five days are ordinary working days.
MONDAY = date(2026, 5, 18)
AT = datetime(2026, 5, 11, 10, 0, tzinfo=ZONE)
SYSTEM = Actor.system("test")
ZHUHAI, SHENZHEN = "4404", "4403"


def day(number: int) -> date:
    """The `number`-th day of the test week, Monday is 0."""
    return date.fromordinal(MONDAY.toordinal() + number)


def instant(on: date, hour: int = 10) -> datetime:
    """An hour of a day in local time."""
    return datetime(on.year, on.month, on.day, hour, tzinfo=ZONE)


@dataclass
class Network:
    """What a test made, by short name."""

    city: Place
    district: Place
    kind: str
    organizations: dict[str, Organization] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    experts: dict[str, Practitioner] = field(default_factory=dict)
    postings: dict[tuple[str, str], Posting] = field(default_factory=dict)

    def organization(self, code: str, kind: str, **fields: object) -> Organization:
        """One organisation in the district."""
        place = fields.pop("place", self.district)
        row = Organization.objects.create(
            code=code, kind=kind, zh=f"{code}（演示）", short_zh=code, place=place, is_demo=True, **fields
        )
        self.organizations[code] = row
        return row

    def pair(self, hospital: str, centre: str, starts_on: date = date(2026, 1, 1)) -> Agreement:
        """An agreement in force between a hospital and a centre of the network."""
        row = Agreement.objects.create(
            kind=self.kind, number=f"{hospital}-{centre}", hospital=self.organizations[hospital],
            centre=self.organizations[centre], starts_on=starts_on, ends_on=date(2029, 1, 1), status="in_force",
            policy_ref="test", is_demo=True,
        )  # fmt: skip
        self.agreements[centre] = row
        return row

    def expert(self, name: str, hospital: str, specialty: str = "paediatrics", **fields: object) -> Practitioner:
        """One expert of a hospital; an associate chief physician unless told otherwise."""
        concept, _made = Concept.objects.get_or_create(
            system="specialty", code=specialty, defaults={"zh": specialty, "position": len(specialty)}
        )
        values: dict[str, object] = {"title_kind": "physician", "title_grade": "associate_senior"} | fields
        row = Practitioner.objects.create(
            name=name, sex="female", licence_number=f"demo-{name}", specialty=concept,
            organization=self.organizations[hospital], is_demo=True, **values,
        )  # fmt: skip
        self.experts[name] = row
        return row

    def post(self, name: str, centre: str, starts_on: date = date(2026, 5, 1), ends_on: date | None = None) -> Posting:
        """The expert is posted to the centre, through nomination and approval."""
        at = min(AT, instant(starts_on))
        posting = actions.nominate_expert(
            practitioner_id=self.experts[name].pk, centre_id=self.organizations[centre].pk, starts_on=starts_on,
            ends_on=ends_on, by=SYSTEM, at=at,
        )  # fmt: skip
        actions.approve_posting(posting_id=posting.pk, by=SYSTEM, at=at)
        posting = actions.post_expert(posting_id=posting.pk, by=SYSTEM, at=at)
        self.postings[name, centre] = posting
        return posting

    def sit(self, name: str, centre: str, number: int, half: str = "am") -> HalfDay:
        """A half-day put by hand into the test week."""
        return actions.add_half_day(
            posting_id=self.postings[name, centre].pk, day=day(number), half=half, by=SYSTEM, at=AT
        )

    def seat(self, role: Role, organization: str) -> Seat:
        """A seat of a new demonstration user at an organisation of the network."""
        house = self.organizations[organization]
        user = User.objects.create(username=f"{role}-{organization}", name=f"{role}（演示）", is_demo=True)
        membership = Membership.objects.create(user=user, organization=house, role=role, since=date(2026, 1, 1))
        return Seat(
            user_id=user.pk, user_name=user.name, membership_id=membership.pk, role=role, role_name=str(role.label),
            organization_id=house.pk, organization_name=house.zh, organization_kind=house.kind,
            place_code=house.place.code, place_id=house.place_id, part_of_id=house.part_of_id,
        )  # fmt: skip


def make_network(code: str = ZHUHAI) -> Network:
    """A city with a dispatching group, a bureau, hospitals `市一` and `市二`, and centres `香湾`, `狮山`, `拱北`.

    `市一` is bound to the first two centres, `市二` to the third.
    """
    city = Place.objects.create(code=code, zh="演示市")
    district = Place.objects.create(code=f"{code}02", zh="演示区", part_of=city)
    kind = Agreement.Kind.JOINT_BUILDING if code == ZHUHAI else Agreement.Kind.PAIRING
    network = Network(city, district, kind)
    network.organization("集团", Organization.Kind.GROUP, place=city)
    network.organization("卫健局", Organization.Kind.HEALTH_BUREAU)
    for hospital in ("市一", "市二"):
        network.organization(hospital, Organization.Kind.HOSPITAL, level=3)
    for hospital, centre in (("市一", "香湾"), ("市一", "狮山"), ("市二", "拱北")):
        network.organization(centre, Organization.Kind.CENTRE)
        network.pair(hospital, centre)
    return network


def staffed_network(code: str = ZHUHAI) -> Network:
    """The network with two posted experts at each of the first two centres and one at the third."""
    network = make_network(code)
    for name, hospital in (("甲", "市一"), ("乙", "市一"), ("丙", "市二")):
        network.expert(name, hospital)
    for name, centre in (("甲", "香湾"), ("乙", "香湾"), ("甲", "狮山"), ("乙", "狮山"), ("丙", "拱北")):
        network.post(name, centre)
    return network
