"""Invented places where people of the centre of the reference story work, study and live, and the team's days there."""

from __future__ import annotations

from datetime import date, timedelta

from kangqiao.domain.accounts.models import User
from kangqiao.domain.contracting import actions
from kangqiao.domain.contracting.actions import NewCommunity
from kangqiao.domain.contracting.models import Community, Team
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.identifiers import id_check_digit
from kangqiao.kernel.period import years_after
from kangqiao.pathways.demonstration.contracts import WAITING_AT
from kangqiao.pathways.demonstration.people import CAST_DIVISION
from kangqiao.pathways.demonstration.run import Run
from kangqiao.pathways.demonstration.staff import GIVEN, SCHOOL_HEALTH, SURNAMES

KIND = Community.Kind
# Kind, name, ages from and to, people of the register, more without a record, how many the place says it has, and the
# team's days from today.
PLACES = (
    (KIND.SCHOOL, "香湾演示小学", (6, 12), 40, 4, 44, (-60, 30)),
    (KIND.CARE_HOME, "香湾演示养老院", (70, 120), 20, 0, 20, (-21, -7, 7)),
    (KIND.OFFICE_BUILDING, "香湾演示商务大厦", (22, 60), 30, 2, 120, (14,)),
    (KIND.INDUSTRIAL_PARK, "香湾演示产业园", (18, 60), 20, 0, 20, ()),
)
SOURCE = "演示名单"  # untranslated: what an invented place says


def load_communities(run: Run) -> int:
    """The same people each time: those of the register in the order of their numbers, by age."""
    team = Team.objects.filter(organization__code=WAITING_AT, status="open").order_by("pk").first()
    if team is None:
        return 0
    new = [_place(run, team, number) for number in range(len(PLACES))]
    made = actions.import_communities(
        communities=new, since=run.today - timedelta(days=90), source=SOURCE, is_demo=True, by=run.by, at=run.at
    )
    user = User.objects.filter(username=SCHOOL_HEALTH, is_demo=True).first()
    for place in made:
        if user is not None and place.kind == KIND.SCHOOL:
            actions.add_health_worker(community_id=place.pk, user_id=user.pk, by=run.by, at=run.at)
    return len(made) + sum(len(one.people) for one in new)


def _place(run: Run, team: Team, number: int) -> NewCommunity:
    kind, zh, (youngest, oldest), known, unknown, head_count, days = PLACES[number]
    rows = Resident.objects.filter(
        centre=team.organization_id, user__isnull=True, deceased_on__isnull=True,
        birth_date__gt=years_after(run.today, -oldest), birth_date__lte=years_after(run.today, -youngest),
    )  # fmt: skip
    # From either end, so that the building and the park, which share ages, take different people.
    order = "-pk" if number % 2 else "pk"
    there = list(rows.order_by(order).values_list("name", "identifier")[:known])
    born = years_after(run.today, -(youngest + 1))
    return NewCommunity(
        organization=team.organization, kind=kind.value, zh=zh, head_count=head_count, team=team,
        people=(*there, *(_unknown(number * 10 + one, born) for one in range(unknown))),
        visits=tuple(run.today + timedelta(days=day) for day in days),
    )  # fmt: skip


def _unknown(number: int, born: date) -> tuple[str, str]:
    """Somebody of the list without a record."""
    name = SURNAMES[number * 7 % len(SURNAMES)] + GIVEN[number * 13 % len(GIVEN)]
    first = f"{CAST_DIVISION}{born:%Y%m%d}{900 + number:03d}"
    return name, first + id_check_digit(first)
