"""The plan of a side's resident, an invitation of the neighbour, and a group of the team."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.followup.models import Assessment, CarePlan, GroupChannel, Invitation, PlanItem, TeamTask

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def _grounds(side: Side) -> dict[str, list[str]]:
    return {name: [side.mark("resident")] for name in ("grounds", "grounds_en")}


def add_followup(side: Side) -> None:
    """An assessment of some days ago with its plan and one item due today."""
    before = side.today - timedelta(days=9)
    held = {"resident": side.resident, "contract": side.contract}
    level = f"{side.mark('resident')}"[:24]
    side.add("assessment", Assessment, on=before, level=level, **_grounds(side), **held)
    review = side.today + timedelta(days=90)
    side.add("care_plan", CarePlan, assessment=side.assessment, review_on=review, **held)
    term = {"since": before, "due_on": side.today, "every_days": 90}
    side.add("plan_item", PlanItem, plan=side.care_plan, act="follow_up", note="", by_name="", **term)
    given = {"kind": "public_health", "member": side.member, "note": "", "by_name": ""}
    side.add("team_task", TeamTask, since=before, due_on=side.today, **given, **held)
    asked = {"resident": side.neighbour, "team": side.team, "group": "elderly", "on": before, "outcome": "later"}
    side.add("invitation", Invitation, again_on=side.today, **asked)
    side.add("channel", GroupChannel, team=side.team, owner=side.member, kind="mothers", people=9)
