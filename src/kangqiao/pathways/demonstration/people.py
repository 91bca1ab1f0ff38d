"""Invented residents: a register, the visits of last year and this one, and five who can sign in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from kangqiao.domain.accounts import actions as accounts
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.actions import KnownCondition, KnownMedicine, PastValue, PastVisit
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.records.parameters import allergens, measures
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.engines import synthesis
from kangqiao.kernel.identifiers import id_check_digit
from kangqiao.pathways.demonstration.network import CITY, ZHUHAI
from kangqiao.pathways.demonstration.run import PASSWORD, Run
from kangqiao.policy import default as packs

SEED = 20121105
# At which visits something is measured, and what people with these problems take.
MONTHS_MEASURED = 8
# How ten invented people came to a hospital, and whether it was an emergency.
WAYS_TO_A_HOSPITAL = (
    *((Encounter.Origin.WALK_IN, False),) * 4,
    *((Encounter.Origin.BOOKING, False),) * 4,
    (Encounter.Origin.GP, False),
    (Encounter.Origin.WALK_IN, True),
)
MEASURED = ("I10", "E11")
TAKEN = {"I10": ("氨氯地平", "5mg 每日一次"), "E11": ("二甲双胍", "0.5g 每日两次")}
FIRST_PATIENT_AT, DAY_MINUTES = time(8), 540

# What the generator calls it, and its ICD-10 category.
CONDITION_CODES = {
    "hypertension": "I10", "diabetes": "E11", "coronary_disease": "I25", "stroke": "I63", "copd": "J44",
    "severe_mental_disorder": "F20", "tuberculosis": "A15",
}  # fmt: skip
REASON_CODES = CONDITION_CODES | {
    "upper_respiratory_infection": "J06", "gastroenteritis": "K52", "vaccination": "Z24", "child_health_check": "Z01",
    "skin_complaint": "L30", "injury": "T14", "back_and_joint_pain": "M54", "dental_complaint": "K02",
    "gynaecological_complaint": "N94", "tcm_regulation": "U69", "general_check": "Z00", "eye_complaint": "H52",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CastMember:
    """One invented resident who can sign in; named after a solar term."""

    username: str
    name: str
    sex: str
    birth_date: date
    centre: str
    conditions: tuple[str, ...] = ()


CAST = (
    CastMember("resident-linjingzhe", "林惊蛰", "male", date(1964, 3, 5), "c_xiangwan", ("I10",)),
    CastMember("resident-bailu", "白露", "female", date(1992, 9, 8), "c_xiangwan"),
    CastMember("resident-jiangxiaoman", "江小满", "female", date(1997, 5, 21), "c_shishan"),
    CastMember("resident-zhouguyu", "周谷雨", "female", date(1955, 4, 20), "c_gongbei", ("I10", "E11")),
    CastMember("resident-chenliqiu", "陈立秋", "male", date(1981, 8, 8), "c_qianshan"),
)
# As the generator's: no province bears this number, no operator this segment.
CAST_DIVISION, CAST_PHONE = "470499", "15499990"


@dataclass(frozen=True, slots=True)
class Network:
    """Centres and hospitals in the order the generator indexes them."""

    centres: list[Organization]
    hospitals: list[Organization]
    spec: synthesis.PopulationSpec


def load_residents(run: Run) -> int:
    """The register: residents by the pyramid of Zhuhai, at centres by the people they serve."""
    network = _network(run)
    population = synthesis.generate_population(network.spec, seed=SEED)
    insurance = {kind.value: kind.value for kind in Resident.Insurance}
    rows = [
        Resident(
            name=one.name,
            sex=one.sex,
            birth_date=one.birth_date,
            identifier=one.citizen_id,
            phone=one.phone,
            address=_address(network.centres[one.centre], one.household),
            centre=network.centres[one.centre],
            insurance=insurance[one.insured],
            is_demo=True,
        )
        for one in population.residents()
    ]
    residents.import_residents(residents=rows, since=run.start_at, by=run.by, at=run.at)
    return len(rows)


def load_history(run: Run) -> int:
    """Known long-term problems, and the visits from the first day of last year to yesterday."""
    network = _network(run)
    population = synthesis.generate_population(network.spec, seed=SEED)
    ids = dict(Resident.objects.filter(is_demo=True).values_list("identifier", "pk"))
    by_row = [ids[one.decode()] for one in population.citizen_id]
    labels = terminology.labels("diagnosis")
    visits = list(_visits(run, network, population, by_row))
    conditions = [
        KnownCondition(by_row[row], CONDITION_CODES[key], labels[CONDITION_CODES[key]], None)
        for row, one in enumerate(population.residents())
        for key in one.known_conditions
    ]
    records.import_history(visits=visits, conditions=conditions, by=run.by, at=run.at)
    centres = {one.pk for one in network.centres}
    seen = (one for one in visits if one.organization_id in centres and one.diagnosis in MEASURED)
    who = {pk: row for row, pk in enumerate(by_row)}
    values = (value for one in seen for value in measured(one, who[one.resident_id]))
    records.import_values(values=values, by=run.by, at=run.at)
    records.import_lived_with(
        medicines=[
            KnownMedicine(one.resident_id, *TAKEN[one.code], run.start) for one in conditions if one.code in TAKEN
        ],
        allergies=_allergies(sorted({one.resident_id for one in conditions if one.code in TAKEN})),
        by=run.by,
        at=run.at,
    )
    return len(visits)


def load_cast(run: Run) -> int:
    """Five residents with accounts; each sees their own record."""
    users = accounts.import_demo_people(
        people=[(one.username, one.name) for one in CAST], password=PASSWORD, by=run.by, at=run.at
    )
    memberships = []
    for number, one in enumerate(CAST):
        centre, user = institutions.organization(one.centre), users[one.username]
        memberships.append(Membership(user=user, organization=centre, role=Role.RESIDENT.value, since=run.start))
        row = residents.register_resident(
            name=one.name,
            sex=one.sex,
            birth_date=one.birth_date,
            identifier=_citizen_id(one, number),
            centre_id=centre.pk,
            phone=f"{CAST_PHONE}{number:03d}",
            address=_address(centre, number),
            insurance=Resident.Insurance.EMPLOYEE,
            user_id=user.pk,
            is_demo=True,
            by=run.by,
            at=run.at,
        )
        for code in one.conditions:
            zh = terminology.label("diagnosis", code)
            records.record_condition(resident_id=row.pk, code=code, zh=zh, by=run.by, at=run.at)
        records.import_values(values=_followed(run, row, number + 1, one), by=run.by, at=run.at)
    accounts.import_memberships(memberships=memberships, by=run.by, at=run.at)
    return len(CAST)


def _followed(run: Run, row: Resident, who: int, one: CastMember) -> Iterator[PastValue]:
    """What was measured month by month of those with a chronic disease."""
    first = datetime.combine(run.today, FIRST_PATIENT_AT, tzinfo=timezone.get_default_timezone())
    for code in one.conditions[-1:]:
        for month in range(1, MONTHS_MEASURED + 1):
            at = first - timedelta(days=30 * month)
            yield from measured(PastVisit(row.pk, row.centre_id, None, "", at, code), who)


def _network(run: Run) -> Network:
    data = packs().pack(ZHUHAI).data("network")
    known = {row.code: row for row in institutions.organizations_in(CITY)}
    centres = [known[row["id"]] for row in data["centres"]]
    hospitals = [known[row["id"]] for row in data["hospitals"]]
    position = {row["id"]: index for index, row in enumerate(data["hospitals"])}
    spec = synthesis.PopulationSpec(
        residents=run.residents,
        as_of=run.today,
        profile=synthesis.load_profile("zhuhai"),
        centre_weights=tuple(float(centre.population_served or 1) for centre in centres),
        centre_hospital=tuple(position[row["hospital"]] for row in data["centres"]),
        hospital_weights=tuple(float(row.level or 1) for row in hospitals),
    )
    return Network(centres, hospitals, spec)


def _visits(run: Run, network: Network, population: synthesis.Population, by_row: list[int]) -> Iterator[PastVisit]:
    yesterday = run.today - timedelta(days=1)
    table = synthesis.generate_encounters(population, network.spec, from_date=run.start, to_date=yesterday, seed=SEED)
    places = ([row.pk for row in network.centres], [row.pk for row in network.hospitals])
    doctors = _doctors()
    opening: dict[date, datetime] = {}
    codes = [REASON_CODES[reason.key] for reason in table.profile.reasons]
    columns = zip(
        table.resident.tolist(), table.date.astype("datetime64[D]").tolist(), table.level.tolist(),
        table.provider.tolist(), table.specialty.tolist(), table.reason.tolist(), strict=True,
    )  # fmt: skip
    for number, (row, day, level, provider, specialty, reason) in enumerate(columns):
        place, name = places[level][provider], table.profile.specialties[specialty]
        if day not in opening:
            opening[day] = datetime.combine(day, FIRST_PATIENT_AT, tzinfo=timezone.get_default_timezone())
        # At a centre the general practitioners see everybody; at a hospital a doctor of the specialty, if it has one.
        choice = doctors.get((place, "general_practice" if level == synthesis.COMMUNITY else name), (None,))
        yield PastVisit(
            by_row[row],
            place,
            choice[number % len(choice)],
            name,
            opening[day] + timedelta(minutes=number * 37 % DAY_MINUTES),
            codes[reason],
            *(WAYS_TO_A_HOSPITAL[number % len(WAYS_TO_A_HOSPITAL)] if level != synthesis.COMMUNITY else ()),
        )


def measured(visit: PastVisit, who: int) -> Iterator[PastValue]:
    """What was measured at a visit for a chronic disease: the same each time, scattered around a person's own value.

    `who` is the person's number among the invented, the same in every database.
    """
    own, turn = who * 7919 % 34, visit.started_at.toordinal() * 31 % 17 - 8
    upper = 124 + own + turn
    told: list[tuple[str, Decimal]] = [("systolic", Decimal(upper)), ("diastolic", Decimal(upper * 11 // 20 + own % 9))]
    if visit.diagnosis == "E11":
        told.append(("glucose_fasting", Decimal(58 + own + turn) / 10))
        told.append(("weight", Decimal(540 + own * 9 + turn) / 10))
    for code, value in told:
        unit = measures()[code].unit
        yield PastValue(visit.resident_id, visit.organization_id, code, value, unit, visit.started_at)


def _allergies(resident_ids: list[int]) -> Iterator[tuple[int, str]]:
    """One of thirty with a chronic disease has an allergy, of the others nothing is known."""
    known = allergens()
    for number, resident_id in enumerate(resident_ids):
        yield resident_id, known[number % len(known)].zh if number % 30 == 7 else ""


def _doctors() -> dict[tuple[int, str], tuple[int | None, ...]]:
    found: dict[tuple[int, str], list[int | None]] = defaultdict(list)
    rows = Practitioner.objects.filter(is_demo=True, title_kind=Practitioner.TitleKind.PHYSICIAN).order_by("pk")
    for pk, organization_id, specialty in rows.values_list("pk", "organization_id", "specialty__code"):
        found[organization_id, specialty].append(pk)
    return {key: tuple(pks) for key, pks in found.items()}


def _address(centre: Organization, household: int) -> str:
    return f"{centre.place.zh}{centre.short_zh}辖区演示路{household % 400 + 1}号"


def _citizen_id(one: CastMember, number: int) -> str:
    first17 = f"{CAST_DIVISION}{one.birth_date:%Y%m%d}{number * 10 + (1 if one.sex == 'male' else 2):03d}"
    return first17 + id_check_digit(first17)
