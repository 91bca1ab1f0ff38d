"""Two sides that have nothing to do with each other, each with one row of every kind and its own marked words.

Every text that may say something about a person carries the word of its side: which fields those are, the models say
themselves in `Privacy`. A new field is marked without a line here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from kangqiao.domain.accounts.models import Membership, OutsideIdentity, Role, RoleChange, SecondFactor, SignIn, User
from kangqiao.domain.agreements.models import Agreement, Duty, Party
from kangqiao.domain.appraisal.models import Appraisal, AppraisalItem
from kangqiao.domain.finance.models import BudgetFigure, Settlement, SettlementLine
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.records.models import Condition, Document, Encounter
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents.models import Basis, Consent, Emergency, Question, Resident
from kangqiao.domain.roster.models import Activity, HalfDay, Posting, Roster
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.workforce.models import Absence, Practitioner

SEATS = {
    Role.RESIDENT: "centre",
    Role.GP: "centre",
    Role.CENTRE_MANAGER: "centre",
    Role.PHARMACIST: "centre",
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
INDICATOR = "duty_compliance"
# Words of an operational field that outsiders may not read either.
ALSO_MARKED = {"agreements.Agreement": ("justification",)}


@dataclass
class Side:
    """One city's network: `word` marks what nobody of the other side may read."""

    key: str
    place_code: str
    word: str
    at: datetime
    rows: dict[str, Any] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.rows[name]
        except KeyError:
            raise AttributeError(name) from None

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
                values[column.name] = f"{self.word}{column.name}"[: column.max_length or 200]
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
                return self.at.date()
            case models.CharField() | models.TextField():
                return f"{self.key}-{model._meta.model_name}-{column.name}"[: column.max_length or 200]
            case _:
                return 1


def marked_fields(model: type[models.Model]) -> frozenset[str]:
    """Fields whose text carries the word of its side: clinical ones, and identifying ones of a resident's rows."""
    privacy: Any = getattr(model, "Privacy", None)
    clinical, identifying = getattr(privacy, "clinical", ()), getattr(privacy, "identifying", ())
    is_of_resident = model is Resident or "resident" in identifying
    return frozenset((*clinical, *(identifying if is_of_resident else ()), *ALSO_MARKED.get(model._meta.label, ())))


def two_sides() -> tuple[Side, Side]:
    """Ours in Zhuhai, and a stranger's in Shenzhen."""
    at = timezone.now()
    return build(Side("a", "440402", "§甲A1C9§", at)), build(Side("b", "440304", "§乙B7F3§", at))


def build(side: Side) -> Side:
    """Everything a side has, from its organisations to its money."""
    _organizations(side)
    _people(side)
    _promises(side)
    _visits(side)
    _results(side)
    return side


def _organizations(side: Side) -> None:
    place = side.add("place", Place, code=side.place_code, zh=f"{side.key}区")
    kinds = {
        "hospital": "hospital", "centre": "centre", "bureau": "health_bureau", "treasury": "finance_bureau",
        "insurer": "insurer",
    }  # fmt: skip
    for name, kind in kinds.items():
        code = f"{side.key}-{name}"
        side.add(
            name, Organization, code=code, kind=kind, zh=f"{side.key}{name}", short_zh=code, place=place, level=3,
            ownership="municipal" if kind == "hospital" else "", population_served=1000,
        )  # fmt: skip


def _people(side: Side) -> None:
    long_ago = date(2020, 1, 1)
    for role, where in SEATS.items():
        side.users[role] = user(side, role.value)
        Membership.objects.create(user=side.users[role], organization=side.rows[where], role=role, since=long_ago)
    side.users["disabled"] = user(side, "disabled", is_active=False)
    Membership.objects.create(user=side.users["disabled"], organization=side.centre, role=Role.GP, since=long_ago)
    side.users["ended"] = user(side, "ended")
    gone = Membership(user=side.users["ended"], organization=side.centre, role=Role.GP, since=long_ago)
    gone.until = side.at.date() - timedelta(days=2)
    gone.save()
    side.add("sign_in", SignIn, user=side.users[Role.GP], session_key=f"{side.key}-key", way="password")
    side.add("factor", SecondFactor, user=side.users[Role.GP], kind="totp", sealed_secret=b"sealed")
    side.rows["account"] = side.users[Role.GP]
    side.rows["membership"] = Membership.objects.get(user=side.users[Role.GP])
    side.add("role_change", RoleChange, user=side.users[Role.GP], organization=side.centre, role=Role.EXPERT)
    side.add("identity", OutsideIdentity, user=side.users[Role.GP], subject=f"{side.key}-subject")
    senior = {"title_kind": "physician", "title_grade": "senior"}
    side.add("expert", Practitioner, organization=side.hospital, user=side.users[Role.EXPERT], **senior)
    side.add("absence", Absence, practitioner=side.expert)
    side.add("gp", Practitioner, organization=side.centre, licence_number=f"{side.key}-2", user=side.users[Role.GP])
    side.add(
        "resident", Resident, centre=side.centre, user=side.users[Role.RESIDENT], birth_date=date(1950, 1, 1),
        keys=[side.key], sex="female",
    )  # fmt: skip
    holder = {"resident": side.resident, "since": side.at - timedelta(days=9)}
    side.add("registered", Basis, kind="registered", organization=side.centre, **holder)
    side.add("at_hospital", Basis, kind="referral", organization=side.hospital, **holder)
    giver = {"given_by": side.users[Role.RESIDENT], "organization": side.hospital}
    side.add("consent", Consent, decision="permit", purpose="sensitive", **giver, **holder)
    seen = {"user": side.users[Role.EXPERT], "organization": side.hospital, "until": side.at}
    side.add("emergency", Emergency, **seen, **holder)
    asker = {"asked_by": side.users[Role.RESIDENT], "reader": side.users[Role.EXPERT]}
    side.add("question", Question, kind="resident", resident=side.resident, organization=side.hospital, **asker)
    side.add("own", Basis, kind="own", user=side.users[Role.RESIDENT], **holder)


def user(side: Side, name: str, **options: Any) -> User:
    """Somebody who may sign in on this side."""
    return User.objects.create(username=f"{side.key}-{name}", name=f"{side.key}-{name}", password="!", **options)


def _promises(side: Side) -> None:
    today = side.at.date()
    term = {"starts_on": today - timedelta(days=200), "ends_on": today + timedelta(days=500)}
    pair = {"hospital": side.hospital, "centre": side.centre}
    side.add("agreement", Agreement, kind="joint_building", status="in_force", **pair, **term)
    for key, party in (("hospital", side.hospital), ("centre", side.centre)):
        side.add(f"party_{key}", Party, side=key, organization=party)
    side.add("duty", Duty, side="hospital")
    side.add("posting", Posting, practitioner=side.expert, centre=side.centre, status="posted", **term)
    side.add("roster", Roster, starts_on=today, ends_on=today + timedelta(days=28))
    start = side.at.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    end = start + timedelta(hours=3)
    side.add(
        "session", Session, organization=side.centre, practitioner=side.expert, kind="posted_expert", starts_at=start,
        ends_at=end,
    )  # fmt: skip
    side.add(
        "slot", Slot, starts_at=start, ends_at=start + timedelta(minutes=15), opens_at=side.at, capacity=9, taken=1
    )
    side.add("half_day", HalfDay, practitioner=side.expert, centre=side.centre, day=start.date(), session=side.session)
    side.add("activity", Activity)


def _visits(side: Side) -> None:
    side.add("booking", Booking, channel="gp")
    side.add("encounter", Encounter, organization=side.centre, practitioner=side.gp)
    side.add("condition", Condition)
    side.add("document", Document, organization=side.hospital, encounter=side.encounter)
    side.add(
        "referral", Referral, direction="up", status="sent", from_organization=side.centre,
        to_organization=side.hospital, from_practitioner=side.gp, agreement=side.agreement,
    )  # fmt: skip
    side.add("notice", Notice, organization=side.centre, role=Role.GP)


def _results(side: Side) -> None:
    today = side.at.date()
    side.add(
        "report", MeasureReport, indicator=INDICATOR, organization=side.hospital, ends_on=today + timedelta(days=1)
    )
    side.add("appraisal", Appraisal, subject=side.hospital, authority=side.bureau, year=today.year)
    side.add("item", AppraisalItem, indicator=INDICATOR, report=side.report)
    side.add("figure", BudgetFigure, amount_fen=100, year=today.year)
    side.add("settlement", Settlement, year=today.year)
    clauses = {"payer_clause": "ZH-4.2a", "amount_clause": "ZH-4.2d"}
    side.add("line", SettlementLine, hospital=side.hospital, centre=side.centre, base_fen=100, inputs=clauses)
    side.add("publication", Publication, organization=side.hospital, year=today.year)
