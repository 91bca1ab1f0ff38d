"""The only writer of a `status` column: compare, swap, and append the history row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.models import StatusChange
from kangqiao.base.prepared import insert, move
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken
from kangqiao.kernel.states import State, StateTable

# The page offers 8 seconds; a slow line, or a pointer that rests on the bar, gets the rest.
UNDO_FOR = timedelta(minutes=1)


def transition(
    subject: models.Model, table: StateTable, action: str, *, by: Actor, at: datetime, reason: str = "", **fields: Any
) -> None:
    """Moves one row by one step of its table, together with `fields`, and appends who, when and why.

    The row moves only if its status is still the one the caller read: the loser of a race is told who moved it
    and when. Raises AlreadyMoved, or RuleBroken when the step does not start here or its reason is missing.
    """
    step = table.step(action)
    seen = subject.status  # type: ignore[attr-defined]
    if step.needs_reason and not reason.strip():
        raise RuleBroken(_("“%(step)s”要写明原因。") % {"step": step.zh}, next_step=_("请写一句原因后再提交。"))
    if seen not in step.sources:
        raise _moved(subject, table, action)
    # Nothing was written where it had moved, and nothing in here is caught: no savepoint is needed.
    with transaction.atomic(savepoint=False):
        moved = move(subject, seen, {"status": step.target, **fields})
        if moved:
            _append(subject, table, action, seen, step.target, by, at, reason)
    if not moved:
        raise _moved(subject, table, action)
    subject.status = step.target  # type: ignore[attr-defined]
    for name, value in fields.items():
        setattr(subject, name, value)


def transition_all(
    subjects: Sequence[models.Model], table: StateTable, action: str, *, by: Actor, at: datetime, **fields: Any
) -> None:
    """Moves many rows of one model by the same step, or none: what `transition` does, in three statements.

    For steps without a reason. Raises AlreadyMoved for the first row that no longer stands where the caller read it,
    RuleBroken when the step wants a reason.
    """
    step = table.step(action)
    if step.needs_reason:
        raise RuleBroken(_("“%(step)s”要写明原因。") % {"step": step.zh}, next_step=_("请写一句原因后再提交。"))
    if not subjects:
        return
    rows = type(subjects[0])._default_manager.order_by("pk")
    with transaction.atomic():
        held = rows.select_for_update().filter(pk__in=[one.pk for one in subjects])
        stands = dict(held.values_list("pk", "status"))
        for one in subjects:
            seen = one.status  # type: ignore[attr-defined]
            if seen not in step.sources or stands.get(one.pk) != seen:
                raise _moved(one, table, action)
        rows.filter(pk__in=stands).update(status=step.target, **fields)
        changes = [_change(one, table, action, stands[one.pk], step.target, by, at, "") for one in subjects]
        StatusChange.objects.bulk_create(changes)
    for one in subjects:
        for name, value in {"status": step.target, **fields}.items():
            setattr(one, name, value)


def take_back(subject: models.Model, table: StateTable, action: str, *, by: Actor, at: datetime, **fields: Any) -> None:
    """The last step of a row did not happen after all: its doer takes it back while the moment lasts.

    The history keeps both; `fields` get the values they had before. Raises AlreadyMoved when somebody went on from
    there, RuleBroken for a step of another person, one too long ago, or one that cannot be taken back.
    """
    step, last = next((one for one in table.steps if one.action == action), None), history(subject).last()
    if step is None or last is None or last.action != action or subject.status != step.target:  # type: ignore[attr-defined]
        raise _moved(subject, table, action)
    if not step.undo or last.by_id != by.id or at - last.at > UNDO_FOR:
        raise RuleBroken(_("这一步不能再撤销了。"), next_step=_("请用页面上的其他步骤更正，并写明原因。"))
    with transaction.atomic():
        rows = type(subject)._default_manager.filter(pk=subject.pk, status=step.target)
        if not rows.update(status=last.from_status, **fields):
            raise _moved(subject, table, action)
        _append(subject, table, f"undo_{action}", step.target, last.from_status, by, at, "")
    for name, value in {"status": last.from_status, **fields}.items():
        setattr(subject, name, value)


def begin(subject: models.Model, table: StateTable, *, by: Actor, at: datetime, reason: str = "") -> None:
    """Writes the first history row of a new process; the row itself was created in the table's initial state."""
    _append(subject, table, "begin", "", table.initial, by, at, reason)


def begin_all(subjects: Sequence[models.Model], table: StateTable, *, by: Actor, at: datetime) -> None:
    """Writes the first history row of many new processes of one model, in one statement."""
    StatusChange.objects.bulk_create(_change(one, table, "begin", "", table.initial, by, at, "") for one in subjects)


def history(subject: models.Model) -> models.QuerySet[StatusChange]:
    """Every step this row took, in the order they were taken; a clock that was set back does not change it."""
    rows = StatusChange.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)
    return rows.order_by("pk")


def since_of(subjects: Sequence[models.Model]) -> dict[int, datetime]:
    """Since when each of these rows of one model stands where it stands, in one statement."""
    if not subjects:
        return {}
    rows = StatusChange.objects.filter(
        subject_type=subjects[0]._meta.label_lower, subject_id__in=[one.pk for one in subjects]
    )
    return dict(rows.order_by().values_list("subject_id").annotate(last=models.Max("at")))


def moved_meanwhile(subject: models.Model, table: StateTable) -> AlreadyMoved:
    """What to raise when the row no longer stands where the person saw it: who moved it, when, and to what."""
    return _moved(subject, table, "")


@dataclass(frozen=True, slots=True)
class Told:
    """One step as a page tells it: when, who, the state it led to, and why."""

    at: datetime
    who: str
    to_state: State
    reason: str


def told(subject: models.Model, table: StateTable) -> list[Told]:
    """The history of a row in words, oldest first."""
    return [
        Told(
            row.at,
            _("系统") if row.by_id.startswith("system:") else f"{row.by_name} {row.by_organization}".strip(),
            table.state(row.to_status),
            row.reason,
        )
        for row in history(subject)
    ]


def _append(
    subject: models.Model, table: StateTable, action: str, source: str, target: str, by: Actor, at: datetime, why: str
) -> None:
    insert(_change(subject, table, action, source, target, by, at, why))


def _change(
    subject: models.Model, table: StateTable, action: str, source: str, target: str, by: Actor, at: datetime, why: str
) -> StatusChange:
    return StatusChange(
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        process=table.name,
        action=action,
        from_status=source,
        to_status=target,
        by_id=by.id,
        by_name=by.name,
        by_organization=by.organization,
        at=at,
        reason=why,
    )


def _moved(subject: models.Model, table: StateTable, action: str) -> AlreadyMoved:
    status = type(subject)._default_manager.values_list("status", flat=True).get(pk=subject.pk)
    state, last = table.state(status), history(subject).last()
    if last is None:
        return AlreadyMoved(_("现在是“%(state)s”，不能这样做。") % {"state": state.zh})
    return AlreadyMoved(
        _("已由%(who)s于%(when)s处理，现在是“%(state)s”。")
        % {"who": last.by_name, "when": date_format(localtime(last.at), "m-d H:i"), "state": state.zh},
        next_step=_("请看最新情况再决定。"),
    )
