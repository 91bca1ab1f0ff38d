"""Which rows of a table a seat may see, said a second time in Python: what the database's policies are held against."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q

from kangqiao.base import rows
from kangqiao.base.sealing import SITE
from kangqiao.domain.accounts.models import ADMINISTRATORS, Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.queries import accounts_in_reach
from kangqiao.domain.messaging import permissions as messaging
from kangqiao.domain.publication import permissions as publication
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Basis, Consent, Question, Resident
from kangqiao.edges.audit.queries import scope as chains_of
from tests.access_matrix.community_rows import on_lists
from tests.access_matrix.helper_rows import sent_on
from tests.access_matrix.one_stop_rows import of_one_stop
from tests.access_matrix.school_rows import reported

Allowed = Callable[[Seat], Q]


def by_ledger(seat: Seat) -> Q:
    """Rows of residents the seat may see."""
    return residents.visible_to(seat, field="resident_id")


def bases(seat: Seat) -> Q:
    """The house's own and one's own, refused ones too, and all of the residents one sees."""
    held = Q(organization=seat.organization_id) if seat.role in residents.TREATING else Q(pk__in=())
    own = Q(user=seat.user_id, kind__in=residents.PERSONAL)
    if seat.role != Role.RESIDENT:
        own = Q(user=seat.user_id) & ~Q(kind__in=residents.PERSONAL) & held if held else Q(pk__in=())
    return held | own | by_ledger(seat)


def kept(seat: Seat, field: str = "user") -> Q:
    """One's own, and those of the accounts an administrator keeps."""
    own = Q(**{field: seat.user_id})
    return own | Q(**{f"{field}__in": accounts_in_reach(seat.actor)}) if seat.role in ADMINISTRATORS else own


def known(seat: Seat, field: str = "pk") -> Q:
    """Those kept, and whoever works somewhere."""
    return kept(seat, field) | Q(**{f"{field}__in": Membership.objects.exclude(role=Role.RESIDENT).values("user")})


def met(seat: Seat) -> Q:
    """Those known, who acts for a resident one sees, and who asked what one watches over."""
    acting_for = Basis.objects.filter(by_ledger(seat), kind__in=residents.PERSONAL).values("user")
    gave = Consent.objects.filter(by_ledger(seat)).values("given_by")
    asked = Question.objects.filter(residents.overseen_by(seat)).values("asked_by")
    return known(seat) | Q(pk__in=acting_for) | Q(pk__in=gave) | Q(pk__in=asked)


def traces(seat: Seat) -> Q:
    """One's own doings, those about oneself, and the chains an audit administrator reads."""
    found = Q(by_id=seat.actor.id)
    if seat.role == Role.RESIDENT:
        found |= Q(resident_id__in=Resident.objects.filter(residents.visible_to(seat)).values("pk"))
    if seat.role == Role.AUDIT_ADMIN:
        chains = chains_of(seat)
        found |= Q(organization_id__in=chains)
        found |= Q(organization_id=None) if SITE in chains else Q()
    return found


def histories(seat: Seat) -> Q:
    """The histories of what one sees, and of what names no person."""
    found = Q()
    for model in rows.protected():
        if "status" in {field.name for field in model._meta.local_fields}:
            seen = model._default_manager.filter(SCOPES[model._meta.label](seat)).values("pk")
            found &= ~Q(subject_type=model._meta.label_lower) | Q(subject_id__in=seen)
    return found


def by_oneself(seat: Seat) -> Q:
    """What one asked for or uploaded oneself."""
    return Q(by_id=seat.actor.id)


def everything(seat: Seat) -> Q:
    """Names of staff at work: whoever has a seat."""
    return Q()


def of_staff(seat: Seat) -> Q:
    """Whoever works here."""
    return Q(pk__in=()) if seat.role == Role.RESIDENT else Q()


def of_contract(seat: Seat) -> Q:
    """What belongs to a contract of a resident the seat may see."""
    return residents.visible_to(seat, field="contract__resident_id")


def of_letter(seat: Seat) -> Q:
    """What belongs to a letter about a resident the seat may see."""
    return residents.visible_to(seat, field="referral__resident_id")


# Where a scope of the database is exactly that of Python.
EXACT: dict[str, Allowed] = {
    "residents.Resident": residents.visible_to, "records.Encounter": by_ledger, "records.Condition": by_ledger,
    "records.Observation": by_ledger, "records.Allergy": by_ledger, "records.Medication": by_ledger,
    "records.Immunization": by_ledger,
    "records.Document": by_ledger, "residents.Consent": by_ledger, "scheduling.Booking": by_ledger,
    "scheduling.Hold": by_ledger, "scheduling.Waiting": by_ledger, "scheduling.Appeal": by_ledger,
    "scheduling.Displaced": by_ledger,
    "referral.Referral": by_ledger, "referral.Part": of_letter,
    "referral.Attachment": of_letter, "messaging.Notice": messaging.visible_to,
    "messaging.Delivery": lambda seat: Q(user=seat.user_id) | messaging.kept_by(seat.actor),
    "messaging.ChannelChoice": lambda seat: Q(user=seat.user_id),
    "publication.Publication": publication.visible_to, "residents.Question": residents.questions_visible_to,
}  # fmt: skip


def of_sample(seat: Seat) -> Q:
    """What one's house drew, or what was drawn of it."""
    return Q(sampling__bureau=seat.organization_id) | Q(sampling__centre=seat.organization_id)


SCOPES: dict[str, Allowed] = {
    **EXACT,
    "residents.Basis": bases, "residents.Merge": lambda seat: residents.visible_to(seat, field="kept_id"),
    "residents.Emergency": lambda seat: residents.overseen_by(seat) | Q(user=seat.user_id),
    "accounts.User": met, "accounts.Membership": lambda seat: known(seat, "user"), "accounts.RoleChange": kept,
    "accounts.SignIn": kept, "accounts.SecondFactor": kept, "accounts.RecoveryCode": kept,
    "accounts.FailureCount": kept, "accounts.OutsideIdentity": kept, "base.AuditEvent": traces,
    "base.StatusChange": histories,
    "base.IdempotencyKey": lambda seat: Q(by_id__startswith=f"user:{seat.user_id}@"),
    "workforce.Practitioner": everything, "roster.Posting": everything, "roster.HalfDay": everything,
    "base.Draft": lambda seat: Q(owner_id=seat.user_id), "base.Job": by_oneself, "base.ImportBatch": by_oneself,
    "base.ImportRow": lambda seat: Q(batch__by_id=seat.actor.id), "base.Paper": everything,
    "base.PaperTemplate": everything, "workforce.Absence": of_staff, "agreements.Party": of_staff,
    "contracting.TeamMember": everything, "contracting.Contract": by_ledger, "contracting.KeyPerson": by_ledger,
    "contracting.Household": lambda seat: residents.visible_to(seat, field="head_id"),
    "quality.SampledItem": of_sample,
    "followup.Assessment": by_ledger, "followup.CarePlan": by_ledger, "followup.Invitation": by_ledger,
    "followup.Survey": by_ledger, "followup.TeamTask": by_ledger, "education.Sending": by_ledger,
    "followup.SurveyAnswer": lambda seat: residents.visible_to(seat, field="survey__resident_id"),
    "followup.PlanItem": lambda seat: residents.visible_to(seat, field="plan__resident_id"),
    "portal.Enquiry": by_ledger, "portal.Rating": by_ledger,
    "portal.EnquiryMessage": lambda seat: residents.visible_to(seat, field="enquiry__resident_id"),
    "contracting.Helper": everything, "contracting.HomeVisit": sent_on,
    "contracting.OneStop": by_ledger, "contracting.OneStopStep": of_one_stop,
    "contracting.Affiliation": on_lists, "contracting.SchoolHealthWorker": of_staff,
    "referral.SchoolCase": reported,
    "contracting.ContractPackage": of_contract, "contracting.Service": of_contract,
    "roster.Activity": of_staff, "scheduling.PoolRule": of_staff, "scheduling.ClinicTemplate": of_staff,
    "scheduling.ClinicException": of_staff, "scheduling.CalendarDay": of_staff, "scheduling.PartnerRule": of_staff,
    "scheduling.OverbookRight": of_staff, "scheduling.OpeningNote": of_staff,
    "finance.BudgetFigure": of_staff,
}  # fmt: skip
