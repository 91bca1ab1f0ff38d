"""A sample the health bureau drew of the centre of the reference story: checked in part, found, corrected, closed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils.timezone import make_aware

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.quality import actions, queries, rules
from kangqiao.domain.quality.models import SampledItem
from kangqiao.pathways.demonstration.contracts import WAITING_AT
from kangqiao.pathways.demonstration.run import Run
from kangqiao.pathways.demonstration.work import person

BUREAU = "zhuhai-health"
# As many of each team as the pack says, by a lot that is told; drawn some days ago, checked two days later.
SEED, DRAWN_DAYS = 260_514, 6
# Every fourth item is still to check; of the others so many are checked, and every second has something found.
UNCHECKED_EACH, CHECKED, FOUND_EACH = 4, 9, 2
ANSWER = "已电话联系本人，补了签字和方案"  # untranslated: what an invented centre answers


def load_quality(run: Run) -> int:
    """One found item waits for the centre, one for the bureau, one is closed; the others are sound or unchecked."""
    centre = institutions.organization(WAITING_AT)
    bureau, manager = (
        person(Role.BUREAU_OFFICER, institutions.organization(BUREAU)),
        person(Role.CENTRE_MANAGER, centre),
    )
    drawn_on = run.today - timedelta(days=DRAWN_DAYS)
    ends_on = drawn_on.replace(day=1) - timedelta(days=1)
    drawn = actions.draw_sampling(
        centre_id=centre.pk, starts_on=ends_on.replace(day=1), ends_on=ends_on, seed=SEED, by=bureau,
        at=_at(drawn_on, 9),
    )  # fmt: skip
    items = list(SampledItem.objects.filter(sampling=drawn).order_by("pk"))
    checked_on = drawn_on + timedelta(days=2)
    found = []
    checked = [item for number, item in enumerate(items) if number % UNCHECKED_EACH][:CHECKED]
    for number, item in enumerate(checked):
        kinds = [one.key for one in queries.finding_kinds(drawn, item.kind)] if number % FOUND_EACH == 1 else []
        done = actions.check_item(
            item_id=item.pk, how="phone" if item.kind == rules.CONTRACT else "paper",
            findings=kinds[number // FOUND_EACH :][:1], by=bureau, at=_at(checked_on, 10),
        )  # fmt: skip
        found += [done] if kinds else []
    for item in found[1:]:
        actions.correct_item(item_id=item.pk, answer=ANSWER, by=manager, at=_at(checked_on + timedelta(days=1), 15))
    for item in found[2:]:
        actions.close_item(item_id=item.pk, by=bureau, at=_at(checked_on + timedelta(days=2), 11))
    return 1 + len(items)


def _at(day: date, hour: int) -> datetime:
    return make_aware(datetime.combine(day, time(hour)))
