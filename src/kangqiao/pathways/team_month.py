"""The month of a family doctor's team: what its house did for the residents who hold a contract with it (ZH-4.5d).

Read off the record, the plans and the visits at home; each act belongs to one kind, and what is one act in two places
counts once. Figures and the list behind them come from the one statement in `_acts`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, CharField, Exists, F, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, TruncDate
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from kangqiao import policy as papers
from kangqiao.base.acting import beyond
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, HomeVisit, Team
from kangqiao.domain.contracting.parameters import ActKind, act_kinds_at
from kangqiao.domain.contracting.states import TERMED
from kangqiao.domain.followup.models import Assessment, PlanItem
from kangqiao.domain.records.models import Document, Encounter, Observation
from kangqiao.domain.residents.permissions import visible_to
from kangqiao.kernel.errors import NoPolicyInForce, RuleBroken
from kangqiao.kernel.period import Period

# untranslated: how a month is written in an address
_MONTH = re.compile(r"^([1-9]\d{3})-(0[1-9]|1[0-2])$")
_WORD = CharField()


@dataclass(frozen=True, slots=True)
class TeamAct:
    """One act: on which day, for whom, of which kind, what it was (`source` and its code), and by whom."""

    on: date
    resident_id: int
    resident_name: str
    is_demo: bool
    kind: str
    source: str
    code: str
    by: str


@dataclass(frozen=True, slots=True)
class KindCount:
    """One kind with the number of its acts in the month."""

    kind: ActKind
    count: int


@dataclass(frozen=True, slots=True)
class TeamMonth:
    """A team's month: the kinds with their counts, and the acts; `acts` is None for a seat that sees counts alone.

    `asked` is what the paper of the place says of the number of kinds, None where no paper does.
    """

    team: Team
    month: Period
    counts: list[KindCount]
    acts: list[TeamAct] | None
    asked: papers.Value | None

    @property
    def total(self) -> int:
        """All acts of the month."""
        return sum(one.count for one in self.counts)


def month_named(text: str, today: date) -> Period:
    """The month an address names as 2026-03, the running one for an empty word; not one still to come.

    Raises RuleBroken.
    """
    found = _MONTH.match(text)
    first = date(int(found[1]), int(found[2]), 1) if found else today.replace(day=1)
    if (text and not found) or first > today:
        raise RuleBroken(
            _("没有“%(month)s”这个月的服务。") % {"month": text[:20]},
            next_step=_("请写成“2026-03”这样的年月，最晚到本月。"),
        )
    return Period(first, _next(first))


def has_kinds(team: Team, on: date) -> bool:
    """Whether the rules of the team's place say what is counted on a day."""
    try:
        return bool(act_kinds_at(team.organization.place.code, on))
    except NoPolicyInForce:
        return False


def team_month(seat: Seat, team: Team, month: Period) -> TeamMonth:
    """What a team did in a month, by kind; for a centre with the acts themselves, for a bureau as counts of everybody.

    Raises RuleBroken for a month before any rule of the place.
    """
    place = team.organization.place.code
    if not has_kinds(team, month.start):
        raise RuleBroken(_("这个月这里还没有生效的规定，没有可数的。"), next_step=_("请看后面的月份。"))
    kinds = act_kinds_at(place, month.start)
    acts: list[TeamAct] | None = None
    if seat.role == Role.BUREAU_OFFICER:
        found = _counted(team, month, kinds)
    else:
        acts = _acts(team, month, kinds, lambda field: visible_to(seat, field=field))
        found = Counter(one.kind for one in acts)
    counts = [KindCount(kind, found[kind.key]) for kind in kinds]
    asked = papers.at(place, month.start).get("records", "team_service_kinds")
    return TeamMonth(team, month, counts, acts, asked)


@beyond("contracting.team_month")
def _counted(team: Team, month: Period, kinds: Sequence[ActKind]) -> Counter[str]:
    """How many acts of each kind, also for people whom the seat may not see."""
    return Counter(one.kind for one in _acts(team, month, kinds, lambda _field: Q()))


# --- inside ---------------------------------------------------------------------------------------------------

Seen = Callable[[str], Q]


def _next(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _acts(team: Team, month: Period, kinds: Sequence[ActKind], seen: Seen) -> list[TeamAct]:
    """Every act of the month that belongs to a kind, the latest first, in one statement."""
    asked = _Asked(team, month, seen, kinds)
    first, *others = (
        asked.visits(), asked.values(), asked.corrections(), asked.letters(), asked.assessments(), asked.items(),
        asked.home_visits(),
    )  # fmt: skip
    found = [TeamAct(*row) for row in first.union(*others, all=True)]
    return sorted(found, key=lambda one: (-one.on.toordinal(), one.resident_name, one.resident_id, one.source))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parts of the statement: for each source of acts its rows, with the columns of `TeamAct`."""

    team: Team
    month: Period
    seen: Seen
    kinds: Sequence[ActKind]

    def visits(self) -> QuerySet[Any, Any]:
        """Visits at the team's house, by the longest beginning of the diagnosis that a kind names."""
        named = self._named("visits")
        rows = Encounter.objects.filter(self._moments("started_at"), organization=self._house)
        rows = rows.annotate(on_day=TruncDate("started_at"), of_kind=_case("diagnosis__startswith", named))
        return self._columns(self._held(rows), "visit", "diagnosis", Coalesce("practitioner__name", Value("")))

    def values(self) -> QuerySet[Any, Any]:
        """What was noted in words; several on a day are one act, and what was taken back is none."""
        rows = Observation.objects.filter(self._moments("taken_at"), corrects=None, organization=self._house)
        rows = rows.annotate(on_day=TruncDate("taken_at"), of_kind=_case("code", self._named("values")))
        held = self._held(rows.exclude(correction__is_void=True)).order_by()
        grouped = held.values("resident_id", "resident__name", "resident__is_demo", "on_day", "of_kind")
        return self._columns(grouped, "value", Min("code"), Min("recorded_by"))

    def corrections(self) -> QuerySet[Any, Any]:
        """Values that were corrected or taken back."""
        rows = Observation.objects.filter(
            self._moments("recorded_at"), corrects__isnull=False, organization=self._house
        )
        rows = rows.annotate(on_day=TruncDate("recorded_at"), of_kind=self._entry("correction"))
        return self._columns(self._held(rows), "correction", "code", "recorded_by")

    def letters(self) -> QuerySet[Any, Any]:
        """Signed letters that belong to no visit, such as an answer given online."""
        rows = Document.objects.filter(self._moments("signed_at"), encounter=None, organization=self._house)
        rows = rows.annotate(on_day=TruncDate("signed_at"), of_kind=_case("kind", self._named("letters")))
        return self._columns(self._held(rows), "letter", "kind", "signed_by")

    def assessments(self) -> QuerySet[Any, Any]:
        """Assessments under a contract with the team."""
        rows = Assessment.objects.filter(self._days("on"), contract__team=self.team)
        rows = rows.annotate(on_day=F("on"), of_kind=self._entry("assessment"))
        return self._columns(self._held(rows), "assessment", "level", "by_name")

    def items(self) -> QuerySet[Any, Any]:
        """What was done of plans; with a visit of that day at the house it is the same act, counted as the visit."""
        same = Encounter.objects.annotate(day=TruncDate("started_at")).filter(
            self._moments("started_at"), resident=OuterRef("plan__resident"), organization=self._house,
            day=OuterRef("done_on"),
        )  # fmt: skip
        rows = PlanItem.objects.filter(self._days("done_on"), ~Exists(same), plan__contract__team=self.team)
        rows = rows.annotate(on_day=F("done_on"), of_kind=_case("act", self._named("acts")))
        return self._columns(self._held(rows, "plan__resident"), "item", "act", "by_name", "plan__resident")

    def home_visits(self) -> QuerySet[Any, Any]:
        """Where the team's helpers went."""
        rows = HomeVisit.objects.filter(self._days("on"), status="done", helper__team=self.team)
        rows = rows.annotate(on_day=F("on"), of_kind=_case("act", self._named("acts")))
        return self._columns(self._held(rows), "home_visit", "act", "helper__user__name")

    @property
    def _house(self) -> int:
        return self.team.organization_id

    def _named(self, what: str) -> dict[str, str]:
        """Code → kind; what begins with more characters comes first."""
        found = {code: kind.key for kind in self.kinds for code in getattr(kind, what)}
        return dict(sorted(found.items(), key=lambda one: -len(one[0])))

    def _entry(self, what: str) -> Value:
        return Value(next((kind.key for kind in self.kinds if what in kind.entries), None), _WORD)

    def _held(self, rows: QuerySet[Any, Any], resident: str = "resident") -> QuerySet[Any, Any]:
        """Those of a kind, for residents the seat may see whose contract with the team held on the day."""
        held = Contract.objects.filter(
            team=self.team, resident=OuterRef(resident), status__in=TERMED, starts_on__lte=OuterRef("on_day"),
            ends_on__gt=OuterRef("on_day"),
        )  # fmt: skip
        return rows.filter(self.seen(f"{resident}_id"), Exists(held), of_kind__isnull=False)

    def _moments(self, field: str) -> Q:
        """The moments of the month, so that an index on them serves."""
        zone, ends = get_current_timezone(), (self.month.start, self.month.end or date.max)
        first, last = (datetime.combine(one, time(), tzinfo=zone) for one in ends)
        return Q(**{f"{field}__gte": first, f"{field}__lt": last})

    def _days(self, field: str) -> Q:
        return Q(**{f"{field}__gte": self.month.start, f"{field}__lt": self.month.end})

    def _columns(
        self, rows: QuerySet[Any, Any], source: str, said: Any, by: Any, resident: str = "resident"
    ) -> QuerySet[Any, Any]:  # fmt: skip
        told = {"came_from": Value(source, _WORD), "said": Cast(said, _WORD), "done_by": Cast(by, _WORD)}
        person = (f"{resident}_id", f"{resident}__name", f"{resident}__is_demo")
        rows = rows.order_by().annotate(**told)
        return rows.values_list("on_day", *person, "of_kind", "came_from", "said", "done_by")


def _case(field: str, kinds: dict[str, str]) -> Case:
    """The kind by the first code that fits; nothing where none does."""
    return Case(*(When(**{field: code, "then": Value(kind)}) for code, kind in kinds.items()), output_field=_WORD)
