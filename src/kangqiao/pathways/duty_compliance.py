"""Whether an agreement's duties are kept: promises of `agreements` against what `roster` counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.domain.agreements import parameters, queries, rules
from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.agreements.rules import Verdict
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.roster import queries as roster
from kangqiao.kernel.period import Period, week

WEEKS_SHOWN = 4
WEEK = timedelta(days=7)
LOOKS = {Verdict.MET: "done", Verdict.SHORT: "back", Verdict.NOT_YET_DUE: "wait", Verdict.IN_WORDS: "go"}
WORDS = {
    Verdict.MET: gettext_lazy("做到"),
    Verdict.SHORT: gettext_lazy("不足"),
    Verdict.NOT_YET_DUE: gettext_lazy("未到期"),
    Verdict.IN_WORDS: gettext_lazy("按记录"),
}


@dataclass(frozen=True, slots=True)
class WeekCount:
    """Half-days kept at the centre in one week, from its Monday; an open week is still running."""

    monday: date
    kept: int
    is_closed: bool
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class DutyResult:
    """One duty, what was counted, and how it stands; `weeks` are given for a weekly duty, oldest first."""

    duty: Duty
    target: Decimal | None
    observed: int | None
    verdict: Verdict
    sentence: str
    needs_reason: bool = False
    weeks: tuple[WeekCount, ...] = ()

    @property
    def look(self) -> str:
        """How the page draws the verdict."""
        return LOOKS[self.verdict]

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return str(WORDS[self.verdict])

    @property
    def missing(self) -> Decimal:
        """How much is missing to the target."""
        return max(Decimal(0), (self.target or Decimal(0)) - (self.observed or 0))


def compliance_of(agreement: Agreement, *, on: date) -> list[DutyResult]:
    """How each duty of an agreement stands on a day, in the order of the agreement.

    A weekly duty is judged by its last closed week within the term; the running week cannot be short. After the term
    the last day of the term is judged. A duty the system does not count stays in words.
    """
    day = min(on, agreement.last_day)
    holds = agreement.status in queries.HELD and agreement.starts_on <= day
    return [_result(agreement, duty, day, on) if holds else _waiting(duty) for duty in queries.duties_of(agreement)]


def shortfalls(agreements: list[Agreement], *, on: date) -> dict[int, list[DutyResult]]:
    """The duties that are short, by agreement; agreements without one are left out."""
    found = {
        each.pk: [row for row in compliance_of(each, on=on) if row.verdict is Verdict.SHORT] for each in agreements
    }
    return {pk: rows for pk, rows in found.items() if rows}


def _result(agreement: Agreement, duty: Duty, day: date, on: date) -> DutyResult:
    match duty.measure:
        case parameters.HALF_DAYS:
            return _half_days(agreement, duty, day, on)
        case parameters.EXPERTS:
            return _counted(
                agreement, duty, roster.experts_posted([agreement.centre_id], day).get(agreement.centre_id, 0)
            )
        case parameters.CENTRES:
            return _counted(agreement, duty, _centres(agreement, day))
        case parameters.OFFICE:
            return _counted(agreement, duty, int(institutions.guidance_office_of(agreement.hospital_id) is not None))
        case _:
            return DutyResult(duty, duty.target, None, Verdict.IN_WORDS, _("按记录评定，系统不计数。"))


def _waiting(duty: Duty) -> DutyResult:
    verdict = Verdict.IN_WORDS if duty.target is None else Verdict.NOT_YET_DUE
    return DutyResult(duty, duty.target, None, verdict, _("协议生效后开始计算。"))


def _counted(agreement: Agreement, duty: Duty, observed: int) -> DutyResult:
    verdict = rules.compliance(duty.target, observed)
    asks = rules.needs_justification(verdict, duty.force, agreement.justification)
    sentence = _("现有 %(observed)s，要求 %(target)s。") % {"observed": observed, "target": _plain(duty.target)}
    if asks:
        sentence += _("原则上的要求，请医院说明原因。")
    elif verdict is Verdict.SHORT and agreement.justification:
        sentence += _("医院说明：%(reason)s") % {"reason": agreement.justification}
    return DutyResult(duty, duty.target, observed, verdict, sentence, asks)


def _centres(agreement: Agreement, day: date) -> int:
    scope = queries.scope_of(agreement.centre.place.code, day)
    return queries.centres_of_hospital(agreement.hospital_id, day, own_count=bool(scope and scope.own_centres_count))


def _half_days(agreement: Agreement, duty: Duty, day: date, on: date) -> DutyResult:
    weeks = _weeks(agreement, day, on)
    closed = [each for each in weeks if each.is_closed]
    running = next((each for each in weeks if not each.is_closed), None)
    judged = closed[-1] if closed else running
    observed = judged.kept if judged else 0
    verdict = rules.compliance(duty.target, observed, is_due=bool(closed))
    words = []
    if closed:
        words.append(
            _("%(monday)s 那周 %(kept)s 个半天，要求 %(target)s 个。")
            % {"monday": f"{closed[-1].monday:%m-%d}", "kept": closed[-1].kept, "target": _plain(duty.target)}
        )
        if verdict is Verdict.SHORT and closed[-1].cancelled:
            words.append(_("停诊 %(n)s 个，没有替诊的不算。") % {"n": closed[-1].cancelled})
    if running:
        words.append(_("本周已确认 %(kept)s／%(target)s。") % {"kept": running.kept, "target": _plain(duty.target)})
    return DutyResult(duty, duty.target, observed, verdict, "".join(words), weeks=tuple(weeks))


def _weeks(agreement: Agreement, day: date, on: date) -> list[WeekCount]:
    """The last weeks that lie wholly within the term, and the running one."""
    monday = week(day).start
    mondays = [monday - WEEK * back for back in range(WEEKS_SHOWN, -1, -1)]
    period = Period(mondays[0], monday + WEEK)
    counts = roster.half_days_per_week([agreement.centre_id], period).get(agreement.centre_id, {})
    found = []
    for start in mondays:
        is_closed = start + WEEK <= on
        if start + WEEK <= agreement.starts_on or (is_closed and not _is_whole(agreement, start)):
            continue
        by_status = counts.get(start, {})
        kept = sum(by_status.get(status, 0) for status in roster.KEPT_STATES)
        found.append(WeekCount(start, kept, is_closed, by_status.get("cancelled", 0)))
    return found


def _is_whole(agreement: Agreement, monday: date) -> bool:
    return agreement.starts_on <= monday and monday + WEEK <= agreement.ends_on


def _plain(number: Decimal | None) -> str:
    """A figure as people write it: 3, not 3.00."""
    return "" if number is None else f"{number.normalize():f}"
