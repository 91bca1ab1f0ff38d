"""What a team did in a month: how much of each kind, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.templatetags.kq import called, is_english
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import permissions, queries
from kangqiao.domain.contracting.models import Act, Team
from kangqiao.domain.records.models import Document
from kangqiao.domain.records.parameters import measures, topics
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.terminology import queries as terminology
from kangqiao.kernel.period import Period
from kangqiao.pathways.team_month import TeamAct, has_kinds, month_named, team_month

PAGE = 50


@require_safe
@access("role", roles=permissions.READERS)
@exports
def month(request: SeatedRequest, team_id: int) -> HttpResponse:
    """The month of a team: a number for each kind, and the acts of one kind or of all; a bureau reads the numbers."""
    team, today = queries.get_team(request.seat, team_id), timezone.localdate()
    found = team_month(request.seat, team, month_named(request.GET.get("month", ""), today))
    chosen = next((one for one in found.counts if one.kind.key == request.GET.get("kind")), None)
    acts = [one for one in found.acts or () if chosen is None or one.kind == chosen.kind.key]
    page = page_of(request, acts, PAGE)
    residents.note_read(request.seat, [one.resident_id for one in page], listed=True)
    kinds = {one.kind.key: one.kind for one in found.counts}
    context = {
        "team": team,
        "found": found,
        "chosen": chosen,
        "page_obj": page,
        "lines": [(one, kinds[one.kind], words) for one, words in _told(page)],
        **_neighbours(team, found.month, today),
    }
    return render(request, "team_month/month.html", context)


def _neighbours(team: Team, shown: Period, today: date) -> dict[str, date | None]:
    """The first days of the month before and of the month after, as far as there is one."""
    after = shown.end if shown.end is not None and shown.end <= today else None
    before = (shown.start - timedelta(days=1)).replace(day=1)
    return {"before": before if has_kinds(team, before) else None, "after": after}


def _told(acts: Iterable[TeamAct]) -> Iterator[tuple[TeamAct, str]]:
    """Each act with what it was, in words."""
    diagnoses = terminology.labels("diagnosis", "en" if is_english() else "zh")
    noted = {**measures(), **topics()}
    for one in acts:
        match one.source:
            case "visit":
                name = diagnoses.get(one.code) or diagnoses.get(one.code.partition(".")[0]) or one.code
                yield one, _("就诊 · %(what)s") % {"what": name} if name else _("就诊")
            case "correction":
                yield one, _("更正档案 · %(what)s") % {"what": called(noted.get(one.code, one.code))}
            case "value":
                yield one, called(noted.get(one.code, one.code))
            case "letter":
                yield one, str(Document.Kind(one.code).label)
            case "assessment":
                yield one, _("健康评估")
            case "item":
                yield one, _("健康方案 · %(what)s") % {"what": Act(one.code).label}
            case _:
                yield one, _("上门 · %(what)s") % {"what": Act(one.code).label}
