"""An invented pilot of the one-stop service at the centre of the reference story: two months of visits, and today's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.utils.timezone import make_aware

from kangqiao.domain.contracting import actions, queries
from kangqiao.domain.contracting.models import Contract, Team, TeamMember
from kangqiao.domain.workforce import actions as workforce
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.pathways.demonstration.contracts import WAITING_AT
from kangqiao.pathways.demonstration.run import Run
from kangqiao.pathways.demonstration.staff import GIVEN, SURNAMES

SINCE_DAYS = 60
# Days before today on which two people came; of some of them a step was left.
CAME, LEFT = (54, 47, 40, 33, 26, 19, 12, 5), 3
# How many come today, who are of the register's accounts first.
TODAY = 3
AIM = "慢病居民来一次，几步一次办完"  # untranslated: what an invented centre says
MORNING = time(8)
SATURDAY = 5


def load_one_stop(run: Run) -> int:
    """A nutritionist joins the first team, the pilot begins, people of its key groups come."""
    team = Team.objects.filter(organization__code=WAITING_AT, status="open").order_by("pk").first()
    if team is None:
        return 0
    _nutritionist(run, team)
    since = run.today - timedelta(days=SINCE_DAYS)
    actions.begin_pilot(
        organization_id=team.organization_id, starts_on=since, aim=AIM, is_demo=True, by=run.by, at=_morning(since)
    )
    found = _people(run, team)
    today = [one for one, _number in zip(found, range(TODAY), strict=False)]
    came = 0
    for number, days in enumerate(CAME):
        on = run.today - timedelta(days=days)
        on -= timedelta(days=max(0, on.weekday() - SATURDAY + 1))
        for place in range(2):
            one = next(found, None)
            if one is not None:
                _come(run, one, on, left=(number + place) % LEFT == 0)
                came += 1
    for one in today:
        _plan(run, one, run.today, run.at)
    return came + len(today)


def _nutritionist(run: Run, team: Team) -> None:
    row = Practitioner(
        name=SURNAMES[7] + GIVEN[23], sex="female", licence_number="DEMON0000001",
        title_kind=Practitioner.TitleKind.TECHNICIAN, title_grade=Practitioner.TitleGrade.ATTENDING,
        field=Practitioner.Field.NUTRITION, organization=team.organization, is_demo=True,
    )  # fmt: skip
    workforce.import_practitioners(practitioners=[row], by=run.by, at=run.at)
    who = Practitioner.objects.get(licence_number=row.licence_number)
    actions.add_member(
        team_id=team.pk, practitioner_id=who.pk, kind=TeamMember.Kind.NUTRITIONIST.value, since=run.start, by=run.by,
        at=run.at,
    )  # fmt: skip


def _people(run: Run, team: Team) -> Iterator[Contract]:
    """The team's contracted people for whom there is a flow, those with an account first."""
    held = Contract.objects.select_related("team__organization__place").filter(
        team=team, status="active", resident__deceased_on=None, starts_on__lte=run.today - timedelta(days=SINCE_DAYS)
    )
    for one in held.order_by("resident__user", "pk"):
        if queries.flows_for(one, run.today):
            yield one


def _plan(run: Run, one: Contract, on: date, at: datetime) -> list[int]:
    flow = queries.flows_for(one, run.today)[0]
    visit = actions.plan_one_stop(contract_id=one.pk, flow=flow.key, on=on, begins=time(9), by=run.by, at=at)
    return [step.pk for step in visit.steps.order_by("number")]


def _come(run: Run, one: Contract, on: date, *, left: bool) -> None:
    steps = _plan(run, one, on, _morning(on))
    for number, pk in enumerate(steps[:-1] if left else steps, 1):
        actions.finish_one_stop_step(step_id=pk, by=run.by, at=_morning(on) + timedelta(hours=1, minutes=20 * number))


def _morning(on: date) -> datetime:
    return make_aware(datetime.combine(on, MORNING))
