"""Small regions for agreement tests: places, hospitals, centres and bureaus, and agreements brought to a state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.actions import create_user, grant_membership
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import actions
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.agreements.queries import parties_of
from kangqiao.domain.institutions.actions import create_organization, create_place
from kangqiao.domain.institutions.models import Organization, Place

AT = datetime(2013, 3, 1, 2, 0, tzinfo=UTC)
STARTS, ENDS = date(2013, 3, 1), date(2016, 3, 1)
JOB = Actor.system("test")
Kind = Organization.Kind


@dataclass
class Region:
    """Places and organisations of one region by code."""

    places: dict[str, Place] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)

    def __getitem__(self, code: str) -> Organization:
        return self.organizations[code]

    def place(self, code: str, zh: str, part_of: str = "", **more: object) -> Place:
        """One more place of the region."""
        upper = self.places[part_of].pk if part_of else None
        self.places[code] = create_place(code=code, zh=zh, part_of_id=upper, by=JOB, at=AT, **more)
        return self.places[code]

    def add(self, code: str, kind: str, zh: str, place: str, **more: object) -> Organization:
        """One more organisation of the region."""
        self.organizations[code] = create_organization(
            code=code, kind=kind, zh=zh, place_id=self.places[place].pk, by=JOB, at=AT, **more
        )
        return self.organizations[code]

    def more_centres(self, count: int, place: str = "440402") -> list[str]:
        """Centres without a name of the paper, where the number is what matters; answers their codes."""
        codes = [f"centre{number}" for number in range(1, count + 1)]
        for code in codes:
            self.add(code, Kind.CENTRE, f"{code}社区卫生服务中心", place)
        return codes


def zhuhai() -> Region:
    """The city with four districts, its bureaus, two hospitals of the paper and six centres."""
    region = Region()
    region.place("4404", "珠海市")
    region.place("440402", "香洲区", "4404")
    region.place("440403", "斗门区", "4404")
    region.place("440402-HQ", "横琴新区", "4404", is_functional_zone=True)
    region.place("440404-GLG", "高栏港区", "4404", is_functional_zone=True)
    region.add("bureau", Kind.HEALTH_BUREAU, "珠海市卫生局", "4404")
    region.add("bureau_glg", Kind.HEALTH_BUREAU, "高栏港区人口计生与卫生局", "440404-GLG")
    region.add("people1", Kind.HOSPITAL, "市人民医院", "440402", level=3, ownership="municipal")
    region.add("people2", Kind.HOSPITAL, "市第二人民医院", "440402", level=2, ownership="municipal")
    region.add("level1", Kind.HOSPITAL, "一级医院", "440402", level=1, ownership="district")
    region.add("office1", Kind.GUIDANCE_OFFICE, "市人民医院社区指导科", "440402", part_of_id=region["people1"].pk)
    for code, zh, place in (
        ("xiangwan", "香湾社区卫生服务中心", "440402"),
        ("shishan", "狮山社区卫生服务中心", "440402"),
        ("hongqi", "红旗社区卫生服务中心", "440402"),
        ("gongbei", "拱北社区卫生服务中心", "440402"),
        ("hengqin", "横琴社区卫生服务中心", "440402-HQ"),
        ("pingsha", "平沙社区卫生服务中心", "440404-GLG"),
    ):
        region.add(code, Kind.CENTRE, zh, place)
    return region


def shenzhen(centres: int = 1) -> Region:
    """The city with its hospital authority, a municipal hospital, a host hospital and the host's centres."""
    region = Region()
    region.place("4403", "深圳市")
    region.add("authority", Kind.HOSPITAL_AUTHORITY, "市公立医院管理中心", "4403")
    region.add("sz1", Kind.HOSPITAL, "市第一医院", "4403", level=3, ownership="municipal", opened_on=date(1990, 1, 1))
    region.add("host", Kind.HOSPITAL, "举办医院", "4403", level=2, ownership="district")
    for number in range(1, centres + 1):
        region.add(f"c{number}", Kind.CENTRE, f"第{number}社康中心", "4403", part_of_id=region["host"].pk)
    return region


def actor(organization: Organization, role: str = "", name: str = "演示 李明") -> Actor:
    """A person acting from a seat at the organisation, in the role that heads it unless another is given."""
    heads = {
        Kind.HOSPITAL: Role.HOSPITAL_DIRECTOR,
        Kind.CENTRE: Role.CENTRE_MANAGER,
        Kind.GUIDANCE_OFFICE: Role.GUIDANCE_OFFICE,
    }
    return Actor(
        "user:1", name, organization.pk, organization.zh, str(role or heads.get(organization.kind, Role.BUREAU_OFFICER))
    )


def seat(organization: Organization, role: str = "") -> Seat:
    """The seat of such a person."""
    who = actor(organization, role)
    place = organization.place
    return Seat(
        1, who.name, 1, who.role, who.role, organization.pk, organization.zh, organization.kind, place.code, place.pk,
        organization.part_of_id,
    )  # fmt: skip


def user(organization: Organization, role: str = "", username: str = "demo") -> User:
    """A person who can sign in and sits at the organisation."""
    who = actor(organization, role)
    row = create_user(username=username, name=who.name, password="x-12345678", is_demo=True, by=JOB, at=AT)
    grant_membership(
        user=row, organization=organization, role=who.role, since=date(2012, 1, 1), until=None, by=JOB, at=AT
    )
    return row


def drafted(
    region: Region, hospital: str, centre: str, kind: str = "joint_building", starts: date = STARTS, ends: date = ENDS
) -> Agreement:
    """A draft by the hospital's director."""
    return actions.draft_agreement(
        kind=kind, hospital_id=region[hospital].pk, centre_id=region[centre].pk, starts_on=starts, ends_on=ends,
        by=actor(region[hospital]), at=AT,
    )  # fmt: skip


def proposed(region: Region, hospital: str, centre: str, kind: str = "joint_building", **term: date) -> Agreement:
    """A draft sent out for signature."""
    draft = drafted(region, hospital, centre, kind, **term)
    return actions.propose_agreement(agreement_id=draft.pk, by=actor(region[hospital]), at=AT)


def sign(agreement: Agreement, party: Party, at: datetime = AT) -> Agreement:
    """One party's head signs."""
    return actions.sign_agreement(agreement_id=agreement.pk, by=actor(party.organization), at=at)


def signed(
    region: Region, hospital: str, centre: str, kind: str = "joint_building", at: datetime = AT, **term: date
) -> Agreement:
    """An agreement every party has signed; in force when its first day has come."""
    agreement = proposed(region, hospital, centre, kind, **term)
    for party in parties_of(agreement):
        sign(agreement, party, at)
    return Agreement.objects.get(pk=agreement.pk)
