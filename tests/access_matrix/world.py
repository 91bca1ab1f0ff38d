"""Four sides of a region, each with one row of every kind and its own marks.

Ours; a partner whose centre our hospital works for, with a patient of its own at our houses; a former partner with whom
the same held once and is over; a stranger in another city. Every text that may say something about a person carries
the mark of its side and kind, every organisation its house mark: which fields those are, the models say themselves in
`Privacy`. A new field is marked without a line here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from kangqiao.base import sealed
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts import rules
from kangqiao.domain.accounts.models import Membership, OutsideIdentity, Role, RoleChange, SecondFactor, SignIn, User
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents.models import Basis, Consent, Emergency, Question, Resident
from kangqiao.domain.roster.models import Activity, HalfDay, Posting, Roster
from kangqiao.domain.roster.rules import is_workday
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.rules import count_day
from kangqiao.domain.terminology.actions import load_concepts
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Absence, Practitioner
from tests.access_matrix.contract_rows import add_contracts
from tests.access_matrix.delivery_rows import add_deliveries
from tests.access_matrix.green_rows import add_parts
from tests.access_matrix.record_rows import add_record
from tests.access_matrix.result_rows import add_results
from tests.access_matrix.slot_rows import add_holds
from tests.access_matrix.waitlist_rows import add_lines
from tests.access_matrix.withdrawal_rows import add_displaced
from tests.access_matrix.work import add_work

SEATS = {
    Role.RESIDENT: "centre",
    Role.GP: "centre",
    Role.CENTRE_MANAGER: "centre",
    Role.PHARMACIST: "centre",
    Role.HELPER: "centre",
    Role.SCHOOL_HEALTH: "centre",
    Role.EXPERT: "hospital",
    Role.REFERRAL_DESK: "hospital",
    Role.GUIDANCE_OFFICE: "hospital",
    Role.HOSPITAL_DIRECTOR: "hospital",
    Role.DISPATCHER: "bureau",
    Role.BUREAU_OFFICER: "bureau",
    Role.SYSTEM_ADMIN: "bureau",
    Role.SECURITY_ADMIN: "bureau",
    Role.AUDIT_ADMIN: "bureau",
    Role.FINANCE_OFFICER: "treasury",
    Role.INSURER: "insurer",
}
# The same roles one level lower: an officer of a district inside the city.
DISTRICT = {
    "district_bureau_officer": (Role.BUREAU_OFFICER, "district_bureau"),
    "district_finance_officer": (Role.FINANCE_OFFICER, "district_treasury"),
}
# Words of an operational field that outsiders may not read either.
ALSO_MARKED = {"agreements.Agreement": ("justification",)}
# Whose reach decides who may read a model's words; a resident's, where nothing else is said.
RESIDENT = "resident"
MARKS = {
    "agreements.Agreement": "agreement", "scheduling.Booking": "booking", "referral.Referral": "referral",
    "messaging.Notice": "notice", "records.Document": "document", "residents.Consent": "consent",
    "residents.Emergency": "emergency", "residents.Question": "question", "base.ImportRow": "import_row",
    "base.Job": "job", "contracting.Contract": "contract", "quality.SampledItem": "sampled_item",
    "referral.SchoolCase": "school_case",
}  # fmt: skip
LONG_AGO = date(2020, 1, 1)


@dataclass
class Side:
    """One network: `mark` is what others may not read of its people, `house` the names of its organisations.

    `host` is the side whose hospital this side's centre works with, if it is not its own; `is_over` says that this is
    the past.
    """

    key: str
    place_code: str
    at: datetime
    host: Side | None = None
    is_over: bool = False
    rows: dict[str, Any] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    def mark(self, kind: str) -> str:
        """What marks every text of a kind of row of this side."""
        return f"§{self.key}·{kind}§"

    @property
    def house(self) -> str:
        """What marks the names of its organisations."""
        return f"«{self.key}·HOUSE»"

    @property
    def today(self) -> date:
        """The day of the place."""
        return timezone.localtime(self.at).date()

    def __getattr__(self, name: str) -> Any:
        rows = self.__dict__.get("rows", {})  # a copy is asked before it has any
        if name not in rows:
            raise AttributeError(name)
        return rows[name]

    def row(self, name: str, actor: str) -> Any:
        """The row of a kind that stands before this actor: its own house's where there is one of its own."""
        role, where = seat(actor)
        names = (f"{name}@{actor}", f"{name}@{role}", f"{name}@{where}", name, f"{name}@gp")
        return next(self.rows[one] for one in names if one in self.rows)

    def add(self, name: str, model: type[models.Model], **given: Any) -> Any:
        """One row, filled by the types of its fields, kept under its name."""
        row = model(**self._filled(model, given) | given)
        row.save()
        self.rows[name] = row
        return row

    def _filled(self, model: type[models.Model], given: dict[str, Any]) -> dict[str, Any]:
        marked = marked_fields(model)
        values: dict[str, Any] = {}
        for column in model._meta.local_fields:
            if column.name in given or column.attname in given or column.primary_key:
                continue
            is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
            if is_text and column.name in marked:
                text = f"{self.mark(MARKS.get(model._meta.label, RESIDENT))}{column.name}{len(self.rows)}"
                values[column.name] = text[: column.max_length or 200]
            elif not (column.null or column.blank or column.has_default()):
                values[column.name] = self._plain(model, column)
        return values

    def _plain(self, model: type[models.Model], column: models.Field[Any, Any]) -> Any:
        if column.choices:
            return next(iter(column.choices))[0]
        match column:
            case models.ForeignKey():
                return next(row for row in self.rows.values() if isinstance(row, column.related_model))  # type: ignore[arg-type]
            case models.DateTimeField():
                return self.at
            case models.DateField():
                return self.today
            case models.CharField() | models.TextField():
                name = f"{self.key}-{model._meta.model_name}-{column.name}-{len(self.rows)}"
                return name[: column.max_length or 200]
            case _:
                return 1


def seat(actor: str) -> tuple[str, str]:
    """Role and house of an actor."""
    role, where = DISTRICT.get(actor) or (actor, SEATS.get(actor, "centre"))  # type: ignore[call-overload]
    return str(role), where


def marked_fields(model: type[models.Model]) -> frozenset[str]:
    """Fields whose text carries the word of its side: clinical ones, and identifying ones of a resident's rows."""
    privacy: Any = getattr(model, "Privacy", None)
    clinical, identifying = getattr(privacy, "clinical", ()), getattr(privacy, "identifying", ())
    is_of_resident = model is Resident or "resident" in identifying
    return frozenset((*clinical, *(identifying if is_of_resident else ()), *ALSO_MARKED.get(model._meta.label, ())))


def four_sides(at: datetime | None = None) -> dict[str, Side]:
    """Ours in Zhuhai; a partner in its next district; a former partner elsewhere; a stranger in Shenzhen."""
    at = at or timezone.now()
    ours = build(Side("甲", "440402", at))
    return {
        "own": ours,
        "partner": build(Side("乙", "440403", at, host=ours)),
        "former": build(Side("丙", "440502", at, host=ours, is_over=True)),
        "stranger": build(Side("丁", "440304", at)),
    }


def two_sides() -> tuple[Side, Side]:
    """Ours, and the stranger's."""
    at = timezone.now()
    return build(Side("甲", "440402", at)), build(Side("丁", "440304", at))


def build(side: Side) -> Side:
    """Everything a side has, from its organisations to its money."""
    _organizations(side)
    _people(side)
    _promises(side)
    _sittings(side)
    _visits(side)
    add_results(side)
    add_contracts(side)
    add_work(side)
    return side


def _organizations(side: Side) -> None:
    city, _new = Place.objects.get_or_create(code=side.place_code[:4], defaults={"zh": f"{side.key}市"})
    place = side.add("place", Place, code=side.place_code, zh=f"{side.key}区", part_of=city)
    side.rows["city"] = city
    kinds = {
        "hospital": ("hospital", place), "centre": ("centre", place), "bureau": ("health_bureau", city),
        "treasury": ("finance_bureau", city), "insurer": ("insurer", city),
        "district_bureau": ("health_bureau", place), "district_treasury": ("finance_bureau", place),
        "hospital2": ("hospital", place), "centre2": ("centre", place),
    }  # fmt: skip
    for name, (kind, where) in kinds.items():
        code = f"{side.place_code}-{name.replace('_', '-')}"
        side.add(
            name, Organization, code=code, kind=kind, zh=f"{side.house}{name}", short_zh=f"{side.house}{name}",
            place=where, level=3, ownership="municipal" if kind == "hospital" else "", population_served=1000,
        )  # fmt: skip


def _people(side: Side) -> None:
    for role in SEATS:
        side.users[role.value] = user(side, role.value, role, side.rows[SEATS[role]])
    for name, (role, where) in DISTRICT.items():
        side.users[name] = user(side, name, role, side.rows[where])
    side.users["disabled"] = user(side, "disabled", Role.GP, side.centre, is_active=False)
    side.users["ended"] = user(side, "ended", Role.GP, side.centre, until=side.today - timedelta(days=2))
    side.rows |= {
        "chain": side.centre,
        "account": side.users["gp"],
        "membership": Membership.objects.get(user=side.users["gp"]),
    }
    side.add("role_change", RoleChange, user=side.users["gp"], organization=side.centre, role=Role.EXPERT)
    secret = sealed.seal(rules.new_secret())
    for name, person in side.users.items():
        key = f"{side.place_code}-{name}"
        side.add(f"sign_in@{name}", SignIn, user=person, session_key=key[-40:], way="password")
        side.add(f"identity@{name}", OutsideIdentity, user=person, subject=key)
        for _number in range(2):  # the last factor of staff stays
            side.add(f"factor@{name}", SecondFactor, user=person, kind="totp", sealed_secret=secret)
    load_concepts(by=Actor.system("matrix"), at=side.at)
    specialty = Concept.objects.get(system="specialty", code="cardiology")
    senior = {"title_kind": "physician", "title_grade": "senior", "specialty": specialty}
    side.add("expert", Practitioner, organization=side.hospital, user=side.users[Role.EXPERT], **senior)
    side.add("absence", Absence, practitioner=side.expert)
    side.add("clinician", Practitioner, organization=side.hospital, **senior)
    side.add("gp", Practitioner, organization=side.centre, user=side.users[Role.GP])
    people = {"birth_date": date(1950, 1, 1), "sex": "female", "keys": [side.key]}
    side.add("resident", Resident, centre=side.centre, user=side.users[Role.RESIDENT], **people)
    side.add("neighbour", Resident, centre=side.centre, record_number=f"{side.place_code}00100100001", **people)
    side.rows |= {"hospital@centre": side.centre, "organization@hospital": side.hospital, "organization": side.centre}


def user(
    side: Side, name: str, role: Role, organization: Organization, until: date | None = None, **options: Any
) -> User:
    """Somebody with a seat on this side."""
    made = User.objects.create(username=f"{side.place_code}-{name}", name=f"{side.key}-{name}", password="!", **options)
    Membership.objects.create(user=made, organization=organization, role=role, since=LONG_AGO, until=until)
    return made


def _bases(side: Side) -> None:
    """Why who may see its people: their centre always; the hospital and our houses as long as it lasts."""
    since = side.at - timedelta(days=30)
    until = side.at - timedelta(days=3) if side.is_over else None
    for name in ("resident", "neighbour"):
        one = side.rows[name]
        side.add(f"registered-{name}", Basis, resident=one, kind="registered", organization=side.centre, since=since)
    if side.users[Role.RESIDENT]:
        side.add("own", Basis, resident=side.resident, kind="own", user=side.users[Role.RESIDENT], since=since)
    holder = {"resident": side.resident, "since": side.at - timedelta(days=9)}
    giver = {"given_by": side.users[Role.RESIDENT], "organization": side.hospital}
    side.add("consent", Consent, decision="permit", purpose="sensitive", **giver, **holder)
    seen = {"user": side.users[Role.EXPERT], "organization": side.hospital, "until": side.at}
    side.add("emergency", Emergency, **seen, **holder)
    asker = {"asked_by": side.users[Role.RESIDENT], "reader": side.users[Role.EXPERT]}
    side.add("question", Question, kind="resident", resident=side.resident, organization=side.hospital, **asker)
    for name in ("gp", "expert"):
        about = {"resident": side.resident, "reader": side.users[name], "organization": side.hospital}
        side.add(f"question@{name}", Question, kind="review", asked_by=side.users["security_admin"], **about)
    held = {"resident": side.resident, "since": since, "until": until}
    hospital = (side.host or side).hospital
    side.add("at_hospital", Basis, kind="referral", organization=hospital, source=f"referral:{side.key}", **held)
    if side.host is not None:
        side.add(
            "at_centre", Basis, kind="booking", organization=side.host.centre, source=f"booking:{side.key}", **held
        )


def _promises(side: Side) -> None:
    _bases(side)
    term = {"starts_on": side.today - timedelta(days=200), "ends_on": side.today + timedelta(days=500)}
    status = "in_force"
    if side.is_over:
        term["ends_on"], status = side.today - timedelta(days=3), "ended"
    hospital = (side.host or side).hospital
    side.add(
        "agreement", Agreement, kind="joint_building", status=status, hospital=hospital, centre=side.centre, **term
    )
    parties = {"hospital": hospital, "centre": side.centre, "authority": side.bureau}
    for key, party in parties.items():
        side.add(f"party_{key}", Party, side=key, organization=party)
    side.add("duty", Duty, side="hospital")
    expert = (side.host or side).expert
    status = "ended" if side.is_over else "posted"
    side.add("posting", Posting, practitioner=expert, centre=side.centre, status=status, **term)


def _sittings(side: Side) -> None:
    """An expert's half-day at the centre, and a clinic of the hospital; each on a day of its own."""
    days = [side.today + timedelta(days=number) for number in range(1, 40)]
    free = [day for day in days if is_workday(count_day(day))]
    day = free[{"甲": 0, "乙": 1, "丙": 2, "丁": 0}[side.key]]
    if side.is_over:
        day = side.today - timedelta(days=10)
    side.rows["free_day"] = free[4]
    start = timezone.make_aware(datetime.combine(day, datetime.min.time())) + timedelta(hours=9)
    monday = side.today - timedelta(days=side.today.weekday())
    side.add("roster", Roster, starts_on=monday, ends_on=monday + timedelta(days=28), status="published")
    for suffix, house, doctor, kind in (
        ("", side.centre, (side.host or side).expert, "posted_expert"),
        ("@hospital", (side.host or side).hospital, side.clinician, "hospital_clinic"),
    ):
        span = {"starts_at": start, "ends_at": start + timedelta(hours=3)}
        session = side.add(
            f"session{suffix}",
            Session,
            organization=house,
            practitioner=doctor,
            kind=kind,
            specialty="cardiology",
            **span,
        )
        times = {"session": session, "starts_at": start, "ends_at": start + timedelta(minutes=15), "capacity": 9}
        side.add(f"slot{suffix}", Slot, opens_at=side.at - timedelta(days=60), taken=1, **times)
    side.rows |= {"clinic": side.session, "clinic@hospital": side.rows["session@hospital"]}
    half_day = {"practitioner": (side.host or side).expert, "centre": side.centre, "day": day, "half": "am"}
    status = "done" if side.is_over else "confirmed"
    side.add("half_day", HalfDay, session=side.session, status=status, **half_day)
    side.add("activity", Activity)


def _visits(side: Side) -> None:
    status = "fulfilled" if side.is_over else "booked"
    held = {"resident": side.resident, "channel": "gp", "status": status}
    side.add("booking", Booking, slot=side.slot, session=side.session, **held)
    hospital_slot = side.rows["slot@hospital"]
    side.add("booking@hospital", Booking, slot=hospital_slot, session=hospital_slot.session, **held)
    add_holds(side)
    add_lines(side)
    add_displaced(side)
    if side.host is not None:
        ours = side.host
        ours.slot.taken += 1
        ours.slot.save(update_fields=("taken",))
        side.add("booking@centre", Booking, slot=ours.slot, session=ours.session, **held)
    add_record(side)
    side.add(
        "referral", Referral, direction="up", status="closed" if side.is_over else "sent", resident=side.resident,
        from_organization=side.centre, to_organization=(side.host or side).hospital, from_practitioner=side.gp,
        agreement=side.agreement, specialty="cardiology", is_green_channel=True,
    )  # fmt: skip
    add_parts(side)
    side.add(
        "down", Referral, direction="down", status="followed_up" if side.is_over else "proposed",
        resident=side.resident, specialty="neurology",
        from_organization=(side.host or side).hospital, to_organization=side.centre, agreement=side.agreement,
    )  # fmt: skip
    for house in ("centre", "hospital", "bureau", "district_bureau", "treasury", "district_treasury", "insurer"):
        side.add(f"notice@{house}", Notice, organization=side.rows[house], subject=f"{side.mark('notice')}subject")
    side.add("notice@resident", Notice, user=side.users[Role.RESIDENT], subject=f"{side.mark('notice')}subject")
    side.rows["notice"] = side.rows["notice@centre"]
    add_deliveries(side)
