"""An answered survey of a side's resident about a visit to the side's doctor."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.followup.models import Survey, SurveyAnswer

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_surveys(side: Side) -> None:
    """Asked a week after the visit, answered today, read by nobody; at the centre by the expert."""
    before = side.today - timedelta(days=8)
    doctor = (side.host or side).expert
    days = {"visit_on": before, "ask_on": side.today - timedelta(days=1), "answer_by": side.today}
    seen = {"resident": side.resident, "organization": side.centre, "desk": side.centre, "practitioner": doctor}
    given = {"kind": "visit", "status": "answered", "answered_at": side.at}
    side.add("survey", Survey, **seen, **days, **given)
    side.add("survey_answer", SurveyAnswer, survey=side.survey)
