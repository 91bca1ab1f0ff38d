"""Invented staff with names of herbs and trees: experts some of whom may not be posted, and everybody else at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from kangqiao.domain.accounts import actions as accounts
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce import actions as workforce
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.pathways.demonstration.network import AUTHORITIES, CITY
from kangqiao.pathways.demonstration.run import PASSWORD, Run

SURNAMES = "沈顾韩方陆许秦宋苏叶程梁谢罗唐郑袁邓冯彭曾潘田任解单仇"
GIVEN = tuple(
    word
    for line in (
        "青黛 白芷 景天 海桐 玉竹 紫苏 半夏 连翘 杜仲 佩兰 泽兰 苏木 远志 合欢 木槿 辛夷",
        "忍冬 决明 云实 南星 白薇 麦冬 天冬 玄参 石斛 香附 郁金 紫菀 款冬 桔梗 荆芥 青蒿",
        "银杏 松节 枫香 乌桕 木棉 凤竹 紫荆 海棠 梧桐 水杉 冬青 石楠 女贞 黄杨 茵陈 白术",
        "苍术 茯苓 川芎 丹参 黄芪 甘松 秋石 芫花 白榆 香樟 云杉 月桂 红豆 金桂",
    )
    for word in line.split()
)
SEX_BY_TURN = ("female", "male")

# The specialties a hospital can send: the named four of SZ16-1c among them, and what its kind is known for.
GENERAL = (
    "cardiology", "endocrinology", "paediatrics", "tcm", "internal_medicine", "gynaecology", "neurology",
    "respiratory_medicine", "geriatrics", "orthopaedics",
)  # fmt: skip
MOTHER_AND_CHILD = (
    "paediatrics", "gynaecology", "child_health", "paediatrics", "obstetrics", "gynaecology", "tcm",
    "internal_medicine",
)  # fmt: skip
CHINESE_MEDICINE = (
    "tcm", "tcm", "internal_medicine", "rehabilitation", "gynaecology", "paediatrics", "cardiology", "orthopaedics",
)  # fmt: skip
SPECIALTIES = {"zh_mch": MOTHER_AND_CHILD, "gdtcm_zh": CHINESE_MEDICINE}
FIELDS = {"tcm": Practitioner.Field.TCM, "child_health": Practitioner.Field.MCH}
# Names the reference story knows.
KNOWN_EXPERTS = {
    ("zh_people1", 0): ("沈青黛", "female"),
    ("zh_people1", 1): ("顾白芷", "female"),
    ("zh_people1", 2): ("韩景天", "male"),
    ("zh_people1", 3): ("方海桐", "male"),
}
KNOWN_GP = ("c_xiangwan", "周玉竹")
HELPER = "helper-xiangwan"
SCHOOL_HEALTH = "school-xiangwan"


@dataclass(frozen=True, slots=True)
class Person:
    """One invented member of staff: account, seat, and for those who treat title and specialty."""

    username: str
    name: str
    sex: str
    role: Role
    organization: Organization
    title_kind: str = ""
    title_grade: str = ""
    specialty: str = ""


class Names:
    """Names without repetition; the two lists have no common divisor, so every pair comes once before one returns."""

    def __init__(self) -> None:
        self._turn = count(4)

    def next(self) -> tuple[str, str]:
        """The next name and sex."""
        turn = next(self._turn)
        return SURNAMES[turn % len(SURNAMES)] + GIVEN[turn * 7 % len(GIVEN)], SEX_BY_TURN[turn % 2]


def load_zhuhai(run: Run) -> int:
    """Everybody at work in the demonstration, with accounts, seats, titles and specialties."""
    people = list(_everybody())
    users = accounts.import_demo_people(
        people=[(one.username, one.name) for one in people], password=PASSWORD, by=run.by, at=run.at
    )
    accounts.import_memberships(
        memberships=[
            Membership(user=users[one.username], organization=one.organization, role=one.role.value, since=run.start)
            for one in people
        ],
        by=run.by,
        at=run.at,
    )
    specialties = {row.code: row for row in Concept.objects.filter(system=Concept.System.SPECIALTY)}
    workforce.import_practitioners(
        practitioners=[
            Practitioner(
                user=users[one.username],
                name=one.name,
                sex=one.sex,
                licence_number=f"DEMO{number:08d}",
                title_kind=one.title_kind,
                title_grade=one.title_grade,
                field=FIELDS.get(one.specialty, Practitioner.Field.CLINICAL),
                specialty=specialties[one.specialty],
                organization=one.organization,
                is_demo=True,
            )
            for number, one in enumerate(people, 1)
            if one.title_kind
        ],
        by=run.by,
        at=run.at,
    )
    return len(people)


def _everybody() -> Iterator[Person]:
    names = Names()
    yield from _city(names)
    for hospital in institutions.hospitals_in(CITY).order_by("pk"):
        yield from _hospital(names, hospital)
    for centre in institutions.centres_in(CITY).order_by("pk"):
        yield from _centre(names, centre)
    for hospital in institutions.hospitals_in(CITY).order_by("pk"):
        for kind in ORDERED:
            name, sex = names.next()
            doctor = (Practitioner.TitleKind.PHYSICIAN, Practitioner.TitleGrade.RESIDENT, kind)
            yield Person(f"{kind}-{hospital.code}", name, sex, Role.EXPERT, hospital, *doctor)
    yield _plain(names, HELPER, Role.HELPER, institutions.organization(KNOWN_GP[0]))
    yield _plain(names, SCHOOL_HEALTH, Role.SCHOOL_HEALTH, institutions.organization(KNOWN_GP[0]))


def _city(names: Names) -> Iterator[Person]:
    health = institutions.organization("zhuhai-health")
    yield _plain(names, "dispatcher", Role.DISPATCHER, health)
    yield _plain(names, "bureau-zhuhai", Role.BUREAU_OFFICER, health)
    yield _plain(names, "finance-zhuhai", Role.FINANCE_OFFICER, institutions.organization("zhuhai-finance"))
    yield _plain(names, "insurer", Role.INSURER, institutions.organization("zhuhai-insurer"))
    yield _plain(names, "system-admin", Role.SYSTEM_ADMIN, health)
    yield _plain(names, "security-admin", Role.SECURITY_ADMIN, health)
    yield _plain(names, "audit-admin", Role.AUDIT_ADMIN, health)
    for key in AUTHORITIES:
        yield _plain(names, f"bureau-{key}", Role.BUREAU_OFFICER, institutions.organization(f"{key}-health"))
        yield _plain(names, f"finance-{key}", Role.FINANCE_OFFICER, institutions.organization(f"{key}-finance"))


def _hospital(names: Names, hospital: Organization) -> Iterator[Person]:
    code = hospital.code
    yield _plain(names, f"director-{code}", Role.HOSPITAL_DIRECTOR, hospital)
    yield _plain(names, f"guidance-{code}", Role.GUIDANCE_OFFICE, hospital)
    yield _plain(names, f"desk-{code}", Role.REFERRAL_DESK, hospital)
    grades = Practitioner.TitleGrade
    physician = Practitioner.TitleKind.PHYSICIAN
    for index, specialty in enumerate(SPECIALTIES.get(code, GENERAL)):
        name, sex = KNOWN_EXPERTS.get((code, index)) or names.next()
        grade = grades.SENIOR if index % 3 == 0 else grades.ASSOCIATE_SENIOR
        yield Person(f"expert-{code}-{index + 1}", name, sex, Role.EXPERT, hospital, physician, grade, specialty)
    # Two whom a posting must refuse: a title below the rule, and a senior title that is no physician's.
    name, sex = names.next()
    yield Person(
        f"attending-{code}", name, sex, Role.EXPERT, hospital, physician, grades.ATTENDING, "internal_medicine"
    )
    name, sex = names.next()
    kind = Practitioner.TitleKind.PHARMACIST
    yield Person(f"pharmacist-{code}", name, sex, Role.PHARMACIST, hospital, kind, grades.ASSOCIATE_SENIOR, "pharmacy")


def _centre(names: Names, centre: Organization) -> Iterator[Person]:
    code = centre.code.removeprefix("c_")
    yield _plain(names, f"manager-{code}", Role.CENTRE_MANAGER, centre)
    for index, grade in enumerate((Practitioner.TitleGrade.ATTENDING, Practitioner.TitleGrade.RESIDENT)):
        name, sex = names.next()
        if (centre.code, index) == (KNOWN_GP[0], 0):
            name = KNOWN_GP[1]
        kind = Practitioner.TitleKind.PHYSICIAN
        yield Person(f"gp-{code}-{index + 1}", name, sex, Role.GP, centre, kind, grade, "general_practice")


def _plain(names: Names, username: str, role: Role, organization: Organization) -> Person:
    name, sex = names.next()
    return Person(username, name, sex, role, organization)
