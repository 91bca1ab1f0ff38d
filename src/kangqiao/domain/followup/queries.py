"""Every read of follow-up: facts for a class, who is to be assessed, what is due, surveys, whom to ask again."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, Count, Exists, Min, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, Service, Team, TeamMember
from kangqiao.domain.contracting.permissions import visible_to as contracts_visible_to
from kangqiao.domain.contracting.queries import members_of, running_of
from kangqiao.domain.contracting.queries.outreach import months_before
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.followup.models import Assessment, CarePlan, GroupChannel, Invitation, PlanItem, Survey, TeamTask
from kangqiao.domain.followup.parameters import FollowupParameters, Questionnaire, followup_at, questionnaires_at
from kangqiao.domain.followup.permissions import (
    READERS,
    invited_visible_to,
    survey_parties,
    surveys_visible_to,
    visible_to,
)
from kangqiao.domain.followup.rules import body_mass_index
from kangqiao.domain.followup.states import ANSWERED, SURVEY
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Condition, Observation
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import PERSONAL, valid_at
from kangqiao.domain.residents.queries import age, note_read
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible
from kangqiao.kernel.states import State

MEASURED = ("systolic", "diastolic", "glucose_fasting", "height", "weight")
SMOKES = "current"
SURVEY_TABS = ("answered", "unanswered", "asked", "planned", "read")


def facts_of(people: Iterable[Resident], terms: FollowupParameters, on: date) -> dict[int, dict[str, Decimal]]:
    """What the record says of each of these residents: latest values, age, long-term problems."""
    found: dict[int, dict[str, Decimal]] = {one.pk: {"age": Decimal(age(one, on))} for one in people}
    since = months_before(on, terms.facts_months.integer())
    rows = Observation.objects.filter(
        resident__in=list(found), code__in=(*MEASURED, "smoking"), taken_at__date__gte=since,
        correction__isnull=True, is_void=False,
    )  # fmt: skip
    latest = rows.order_by("resident_id", "code", "-taken_at", "-pk").distinct("resident_id", "code")
    for pk, code, value, text in latest.values_list("resident_id", "code", "value", "text"):
        found[pk][code] = value if value is not None else Decimal(text == SMOKES)
    problems: dict[int, set[str]] = defaultdict(set)
    lived = Condition.objects.filter(resident__in=list(found), abated_on__isnull=True)
    for pk, code in lived.values_list("resident_id", "code"):
        problems[pk] |= {code.partition(".")[0]} & set(terms.problems)
    for pk, facts in found.items():
        facts["problems"] = Decimal(len(problems[pk]))
        index = body_mass_index(facts.pop("height", None), facts.pop("weight", None))
        facts |= {"bmi": index} if index is not None else {}
    return found


def no_plan() -> NotVisible:
    """The one answer for what does not exist and what is out of reach."""
    return NotVisible(_("没有这一项，或不在您的服务范围。"), next_step=_("请从“健康方案”打开。"))


def terms_of(team: Team, on: date) -> FollowupParameters:
    """What the packs say for a team's place on a day. Raises NoPolicyInForce."""
    return followup_at(team.organization.place.code, on)


def contract_of(seat: Seat, resident_id: int) -> Contract | None:
    """The running contract of a resident with a team of the seat's house, or one's own."""
    found = running_of([resident_id]).get(resident_id)
    is_seen = found is not None and Contract.objects.filter(contracts_visible_to(seat), pk=found.pk).exists()
    return found if is_seen else None


def plans(seat: Seat) -> QuerySet[CarePlan]:
    """The plans a seat may see."""
    return CarePlan.objects.select_related("assessment", "contract__team", "resident").filter(visible_to(seat))


def plan_of(seat: Seat, resident_id: int) -> CarePlan | None:
    """The plan that runs for a resident."""
    return plans(seat).filter(resident=resident_id, status="running").first()


def items_of(plan: CarePlan | None) -> tuple[list[PlanItem], list[PlanItem]]:
    """What is to do of a plan, and what was done, the latest first."""
    rows = list(plan.items.all()) if plan is not None else []
    done = [one for one in rows if one.done_on is not None]
    return [one for one in rows if one.done_on is None], done[::-1]


def past_of(seat: Seat, resident_id: int) -> list[Assessment]:
    """The assessments of a resident, the latest first."""
    return list(Assessment.objects.filter(visible_to(seat), resident=resident_id)[:10])


def get_item(seat: Seat, item_id: int) -> PlanItem:
    """One item of a running plan. Raises NotVisible."""
    rows = PlanItem.objects.select_related("plan__resident", "plan__contract__team")
    found = rows.filter(pk=item_id, plan__in=plans(seat).filter(status="running")).first()
    if found is None:
        raise no_plan()
    note_read(seat, [found.plan.resident_id])
    return found


# --- worklists ------------------------------------------------------------------------------------------------


def to_assess(seat: Seat, on: date) -> QuerySet[Contract]:
    """Contracts of the house without an assessment after the limit, or whose plan is to be reviewed (XH23-5.2.2b).

    `review_on` is the day the plan that runs named for it.
    """
    days = followup_at(seat.place_code, on).assess_days.integer()
    done = Assessment.objects.filter(resident=OuterRef("resident"), on__gte=OuterRef("starts_on"))
    running = CarePlan.objects.filter(resident=OuterRef("resident"), status="running").values("review_on")
    rows = Contract.objects.select_related("resident", "team").filter(contracts_visible_to(seat), status="active")
    late = ~Exists(done) & Q(starts_on__lte=on - timedelta(days=days))
    rows = rows.annotate(review_on=Subquery(running)).filter(late | Q(review_on__lte=on))
    return rows.order_by(Coalesce("review_on", "starts_on"), "pk")


def due_items(seat: Seat, on: date) -> QuerySet[PlanItem]:
    """What is due of the plans of the house, or soon, the longest overdue first."""
    rows = PlanItem.objects.select_related("plan__resident", "plan__contract__team", "plan__assessment")
    return rows.filter(_open_until(seat, shown_until(seat, on)))


def _open_until(seat: Seat, until: date) -> Q:
    running = CarePlan.objects.filter(visible_to(seat), status="running")
    return Q(plan__in=running, done_on__isnull=True, due_on__lte=until)


def shown_until(seat: Seat, on: date) -> date:
    """What is due until then is shown on a day. Raises NoPolicyInForce."""
    return on + timedelta(days=followup_at(seat.place_code, on).ahead_days.integer())


def waiting_items(seat: Seat, until: date) -> Waits:
    """The items that are due, or soon, see `shown_until`."""
    return Waits(PlanItem.objects.filter(_open_until(seat, until)))


def waiting_rows(seat: Seat, now: datetime, most: int) -> list[PlanItem]:
    """What `waiting_items` counts; the log of reads has whose lines were shown."""
    found = list(due_items(seat, localtime(now).date())[:most])
    note_read(seat, [one.plan.resident_id for one in found], listed=True)
    return found


def team_tasks(seat: Seat, on: date) -> QuerySet[TeamTask]:
    """What is to do of the tasks of the house's teams by a day, one's own first (XH23-5.2.3a)."""
    rows = TeamTask.objects.select_related("resident", "contract__team", "member__practitioner")
    mine = Case(When(member__practitioner__user=seat.user_id, then=0), default=1)
    return rows.filter(visible_to(seat), done_on__isnull=True, since__lte=on).order_by(mine, "due_on", "pk")


def get_task(seat: Seat, task_id: int) -> TeamTask:
    """One task that is not done yet. Raises NotVisible."""
    rows = TeamTask.objects.select_related("resident", "contract__team", "member__practitioner")
    found = rows.filter(visible_to(seat), pk=task_id, done_on__isnull=True).first()
    if found is None or seat.role == Role.RESIDENT:
        raise no_plan()
    note_read(seat, [found.resident_id])
    return found


def tasks_waiting(seat: Seat, on: date) -> Waits:
    """The tasks of the teams that wait on a day."""
    return Waits(team_tasks(seat, on))


def task_rows(seat: Seat, now: datetime, most: int) -> list[TeamTask]:
    """What `tasks_waiting` counts; the log of reads has whose lines were shown."""
    found = list(team_tasks(seat, localtime(now).date())[:most])
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


# --- surveys --------------------------------------------------------------------------------------------------


def surveys(seat: Seat) -> QuerySet[Survey]:
    """The surveys a seat may see."""
    rows = Survey.objects.select_related("resident", "organization", "desk__place", "practitioner")
    return rows.filter(surveys_visible_to(seat))


def get_survey(seat: Seat, survey_id: int) -> Survey:
    """One survey. Raises NotVisible."""
    found = surveys(seat).filter(pk=survey_id).first()
    if found is None:
        raise no_survey()
    note_read(seat, [found.resident_id])
    return found


def no_survey() -> NotVisible:
    """The one answer for a survey that does not exist and one out of reach."""
    return NotVisible(_("没有这份问卷，或不在您的服务范围。"), next_step=_("请从“诊后问卷”打开。"))


def listed_surveys(seat: Seat, tab: str) -> QuerySet[Survey]:
    """The surveys of one tab: answers that worry first, then the oldest."""
    order = {"read": ("-answered_at", "-pk"), "answered": ("-is_worrying", "answered_at", "pk")}
    return surveys(seat).filter(status=tab).order_by(*order.get(tab, ("answer_by", "pk")))


def survey_counts(seat: Seat) -> list[tuple[str, State, int]]:
    """Key, state and number of each tab."""
    found = dict(surveys(seat).order_by().values_list("status").annotate(n=Count("pk")))
    return [(key, SURVEY.state(key), found.get(key, 0)) for key in SURVEY_TABS]


def surveys_waiting(seat: Seat) -> Waits:
    """The answers nobody has read, and since when they wait."""
    return Waits(Survey.objects.filter(surveys_visible_to(seat), status="answered"), "answered_at")


def survey_rows(seat: Seat, most: int) -> list[Survey]:
    """What `surveys_waiting` counts, answers that worry first; the log of reads has whose lines were shown."""
    found = list(listed_surveys(seat, "answered").prefetch_related("answers")[:most])
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


def open_surveys(seat: Seat, resident_id: int | None = None) -> list[Survey]:
    """What a person has to answer: for themselves and their children, or for one of them."""
    rows = surveys(seat).filter(status="asked").order_by("answer_by", "pk")
    return list(rows if resident_id is None else rows.filter(resident=resident_id))


def past_surveys(seat: Seat, resident_id: int) -> list[Survey]:
    """What was answered about a resident lately, the latest first."""
    return list(surveys(seat).filter(resident=resident_id, status__in=ANSWERED).order_by("-answered_at", "-pk")[:10])


def questionnaire_of(survey: Survey) -> Questionnaire:
    """What is asked, as the place had set it on the day of asking. Raises NoPolicyInForce."""
    return questionnaires_at(survey.desk.place.code, survey.ask_on)[survey.kind]


def survey_steps(seat: Seat, survey: Survey, now: datetime) -> set[str]:
    """The moves this seat may make now."""
    parties = survey_parties(seat.actor, survey, now)
    return {one.action for one in SURVEY.steps_from(survey.status, parties)}


# --- for the actions ------------------------------------------------------------------------------------------


def done_by_services(on: date) -> list[tuple[int, date]]:
    """Open items whose act was done as a service of a contract since, with the day of the first such service."""
    rows = Service.objects.filter(
        contract__resident=OuterRef("plan__resident"), item__act=OuterRef("act"), on__gt=OuterRef("since"), on__lte=on
    )
    first = rows.order_by().values("contract__resident").annotate(first=Min("on")).values("first")
    items = PlanItem.objects.filter(plan__status="running", done_on__isnull=True).annotate(done=Subquery(first))
    return list(items.filter(done__isnull=False).order_by("plan", "pk").values_list("pk", "done"))


def over_plans() -> list[CarePlan]:
    """Running plans whose contract is over."""
    rows = CarePlan.objects.select_related("contract").filter(status="running")
    return list(rows.exclude(contract__status__in=RUNNING).order_by("pk"))


def terms_by_desk(desk_ids: Iterable[int], on: date) -> dict[int, FollowupParameters]:
    """What the packs say for the place of each of these centres; one without a policy is left out."""
    found = {}
    for desk_id, code in Organization.objects.filter(pk__in=desk_ids).values_list("pk", "place__code"):
        with contextlib.suppress(NoPolicyInForce):
            found[desk_id] = followup_at(code, on)
    return found


def due_surveys(on: date, most: int) -> list[Survey]:
    """Surveys to be asked by a day, locked; what somebody else works on in this moment is left out."""
    rows = Survey.objects.select_for_update(of=("self",), skip_locked=True).select_related("resident")
    return list(rows.filter(status="planned", ask_on__lte=on).order_by("pk")[:most])


def late_surveys(on: date, most: int) -> list[Survey]:
    """Surveys nobody answered by the day named, locked as above."""
    rows = Survey.objects.select_for_update(skip_locked=True)
    return list(rows.filter(status="asked", answer_by__lt=on).order_by("pk")[:most])


def account_of_doctor(survey: Survey, at: datetime) -> int | None:
    """The account of who saw the resident, where that person serves there today and may still see the resident."""
    doctor, on = survey.practitioner, localtime(at).date()
    if doctor is None or doctor.user_id is None:
        return None
    serving = Q(since__lte=on) & (Q(until__isnull=True) | Q(until__gt=on))
    seats = Membership.objects.filter(serving, user=doctor.user_id, organization=doctor.organization_id)
    own = Q(user=doctor.user_id) & ~Q(kind__in=PERSONAL)
    held = valid_at(at).filter(own | Q(organization=doctor.organization_id), resident=survey.resident_id)
    return doctor.user_id if seats.filter(role__in=READERS).exists() and held.exists() else None


# --- invitations and channels ---------------------------------------------------------------------------------


def invitations_of(seat: Seat, resident_id: int) -> list[Invitation]:
    """How often somebody was asked, the latest first."""
    rows = Invitation.objects.select_related("team").filter(invited_visible_to(seat), resident=resident_id)
    return list(rows[:20])


def to_ask_again(seat: Seat, on: date) -> QuerySet[Invitation]:
    """Whom a team of the house wanted to ask again by now: the latest word of those who still have no contract."""
    later = Invitation.objects.filter(resident=OuterRef("resident"), on__gt=OuterRef("on"))
    signed = Contract.objects.filter(
        resident=OuterRef("resident"), status__in=("applied", "accepted", "signed", *RUNNING)
    )
    rows = Invitation.objects.select_related("resident", "team").filter(
        invited_visible_to(seat), again_on__lte=on, resident__deceased_on__isnull=True
    )
    return rows.filter(~Exists(later), ~Exists(signed)).order_by("again_on", "pk")


def group_of(groups: Iterable[str]) -> str:
    """For which key group somebody is invited: the first one."""
    return next(iter(sorted(groups)), "everyone")


def channels(seat: Seat) -> QuerySet[GroupChannel]:
    """The groups of the teams of the seat's house that are kept now."""
    rows = GroupChannel.objects.select_related("team", "owner__practitioner")
    return rows.filter(team__organization=seat.organization_id, ended_on__isnull=True)


def get_channel(seat: Seat, channel_id: int) -> GroupChannel:
    """One group of the house. Raises NotVisible."""
    found = channels(seat).filter(pk=channel_id).first()
    if found is None:
        raise no_plan()
    return found


def channel_counts(seat: Seat) -> list[tuple[str, int, int]]:
    """Each kind with the number of groups and of people in them."""
    counted = channels(seat).order_by().values_list("kind").annotate(n=Count("pk"), people=Sum("people"))
    found = {kind: (n, people) for kind, n, people in counted}
    return [(str(kind.label), *found.get(kind.value, (0, 0))) for kind in GroupChannel.Kind]


def owners(seat: Seat, on: date) -> list[TeamMember]:
    """Who may own a group: those who serve in the teams of the house."""
    teams = Team.objects.filter(organization=seat.organization_id).exclude(status="closed")
    return members_of(list(teams.values_list("pk", flat=True)), on)
