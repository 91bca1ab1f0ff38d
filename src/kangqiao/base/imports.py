"""Tables people fill in: looked through row by row, mended in place, entered as long work, taken back as a batch.

One pipeline for every list. A list says what it is by a `ListKind`: its columns, who may, how a row is judged, how good
rows are entered and how they are taken back. Nothing here knows what the rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.jobs import begin_job
from kangqiao.base.models import ImportBatch, ImportRow
from kangqiao.kernel.errors import AlreadyMoved, NotVisible, RuleBroken

Cells = Mapping[str, str]
Mark = ImportRow.Mark
# Rows entered in one transaction; a killed worker loses no more of its work than this.
PIECE = 500
# The words of a batch go after this time; who the rows became stays in the audit.
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head in the file, what to write there, and the words it may hold if they are few."""

    head: str
    how: Any
    is_required: bool = False
    choices: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong or odd about one cell: a code for the sentence, and what the sentence needs."""

    head: str
    code: str
    is_bad: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {"head": self.head, "code": self.code, "bad": self.is_bad, "more": dict(self.more)}


Findings = Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Entered:
    """The row of ours a line became, and what is needed to put back what it replaced."""

    own_id: int
    was: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListKind:
    """One list that can be read in. `judge` sees all rows at once, so that it asks the database once.

    `enter` answers an id for each row; `leave` takes rows back and answers why those stay that stay. `is_joined` tells
    that rows name one another: then they are judged and entered all together. `columns_for` gives the columns where
    they differ by house and day; without a `key_head` no row repeats another by itself.

    Where lines change what is there already: `now` gives it as lines, so that the table comes filled in; `enter`
    answers `Entered`, and `put_back` takes back by it; `is_seen` leaves a line out that by the time it is entered
    would do something else than the person was told.
    """

    key: str
    title: Any
    roles: tuple[str, ...]
    columns: tuple[Column, ...]
    key_head: str
    said: Mapping[str, Any]
    judge: Callable[[Sequence[Cells], Actor, datetime], Sequence[Findings]]
    enter: Callable[[Sequence[Cells], Actor, datetime], Sequence[int | Entered]]
    leave: Callable[[Sequence[int], Actor, datetime], Mapping[int, str]]
    stays: Mapping[str, Any] = field(default_factory=dict)
    is_joined: bool = False
    columns_for: Callable[[Actor, datetime], tuple[Column, ...]] | None = None
    now: Callable[[Actor, datetime], Sequence[Cells]] | None = None
    put_back: Callable[[Mapping[int, Mapping[str, Any]], Actor, datetime], Mapping[int, str]] | None = None
    is_seen: bool = False

    def seen_by(self, by: Actor, at: datetime) -> ListKind:
        """The list as somebody has it, with the columns of their house."""
        return self if self.columns_for is None else replace(self, columns=self.columns_for(by, at))

    @property
    def comes_filled(self) -> bool:
        """Whether the table that is downloaded holds what is there already."""
        return self.now is not None

    @property
    def heads(self) -> list[str]:
        """The heads in the order of the file."""
        return [column.head for column in self.columns]


def read_batch(*, kind: ListKind, rows: Sequence[tuple[int, Cells]], by: Actor, at: datetime) -> ImportBatch:
    """An uploaded table is kept row by row with what was found; nothing is entered. Raises RuleBroken without rows."""
    if not rows:
        raise RuleBroken(_("表格里只有列名，没有内容。"), next_step=_("从第二行起填写，再上传。"))
    found = _judged(kind, [cells for _line, cells in rows], by, at)
    with transaction.atomic():
        batch = ImportBatch.objects.create(
            kind=kind.key, by_id=by.id, by_name=by.name, organization_id=by.organization_id, created_at=at
        )
        new = [
            ImportRow(batch=batch, line=line, key=_key(kind, cells), cells=dict(cells), findings=seen, mark=_mark(seen))
            for (line, cells), seen in zip(rows, found, strict=True)
        ]
        ImportRow.objects.bulk_create(new, batch_size=2_000)
        record("base.read_batch", batch, by=by, at=at, kind=kind.key, rows=len(new))
    return batch


def mend_row(*, kind: ListKind, batch_id: int, row_id: int, cells: Cells, by: Actor, at: datetime) -> ImportRow:
    """Somebody corrects a row; it and the rows that share its key, before or now, are judged anew; joined rows all."""
    with transaction.atomic():
        batch = _open(batch_id, by)
        row = batch.rows.filter(pk=row_id).first()
        if row is None:
            raise NotVisible(_("这一批里没有这一行。"))
        keys = {row.key}
        row.cells = {head: str(cells.get(head, "")).strip()[:500] for head in kind.heads}
        row.key = _key(kind, row.cells)
        keys.add(row.key)
        row.save(update_fields=("cells", "key"))
        others = batch.rows.exclude(pk=row.pk)
        together = list(others if kind.is_joined else others.filter(key__in=keys - {""}))
        _judge_anew(kind, sorted([row, *together], key=lambda one: one.line), by, at)
        record("base.mend_row", batch, by=by, at=at, line=row.line)
    return row


def send_batch(
    *, kind: ListKind, batch_id: int, seen_bad: int | None, label: str, url: str, by: Actor, at: datetime
) -> ImportBatch:
    """The good rows are to be entered. With faulty rows left, only when the person has seen how many and decided so.

    Raises RuleBroken, AlreadyMoved. The caller puts the job into the queue.
    """
    with transaction.atomic():
        batch = _open(batch_id, by)
        counts = counts_of(batch)
        if counts["bad"] and seen_bad != counts["bad"]:
            raise RuleBroken(
                _("还有 %(count)s 行有错，没有写入。") % {"count": counts["bad"]},
                next_step=_("请改好，或勾选“先写入其余的”再提交。"),
            )
        ready = counts["good"] + counts["warn"]
        if not ready:
            raise RuleBroken(_("没有可以写入的行。"), next_step=_("请先改好有错的行。"))
        batch.job = begin_job(kind=f"import.{kind.key}", label=label, url=url, total=ready, by=by, at=at)
        batch.sent_at = at
        batch.save(update_fields=("job", "sent_at"))
        record("base.send_batch", batch, by=by, at=at, rows=ready, left_out=counts["bad"])
    return batch


def enter_piece(*, kind: ListKind, batch_id: int, by: Actor, at: datetime) -> int:
    """The next good rows of a batch become rows of ours. Returns how many were looked at; 0 when none is left.

    A row that has become wrong since it was looked through is marked so and left out.
    """
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        left = batch.rows.filter(entered_id__isnull=True).exclude(mark=Mark.BAD).order_by("line")
        rows = list(left if kind.is_joined else left[:PIECE])
        told = {row.pk: row.findings for row in rows}
        _judge_anew(kind, rows, by, at)
        if kind.is_seen:
            _leave_out([row for row in rows if row.findings != told[row.pk] and row.mark != Mark.BAD], kind)
        good = [row for row in rows if row.mark != Mark.BAD]
        for row, one in zip(good, kind.enter([row.cells for row in good], by, at), strict=True):
            row.entered_id, row.was = (one.own_id, dict(one.was)) if isinstance(one, Entered) else (one, {})
        ImportRow.objects.bulk_update(good, ("entered_id", "was"), batch_size=1_000)
    return len(rows)


def close_batch(*, batch_id: int, at: datetime) -> ImportBatch:
    """All good rows are in."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    batch.entered_at = batch.entered_at or at
    batch.save(update_fields=("entered_at",))
    return batch


def undo_batch(*, kind: ListKind, batch_id: int, by: Actor, at: datetime) -> tuple[int, int]:
    """The batch is taken back, as far as nothing stands on its rows. Returns how many went and how many stay."""
    with transaction.atomic():
        batch = get_batch(by, batch_id, lock=True)
        if batch.entered_at is None or batch.undone_at is not None:
            raise AlreadyMoved(_("这一批没有写入，或已经撤回。"), next_step=_("请刷新后看最新情况。"))
        rows = list(batch.rows.filter(entered_id__isnull=False))
        entered = {row.entered_id: row.was for row in rows if row.entered_id}
        why = kind.put_back(entered, by, at) if kind.put_back else kind.leave(list(entered), by, at)
        for row in rows:
            row.stays = why.get(row.entered_id or 0, "")
            row.entered_id = row.entered_id if row.stays else None
        ImportRow.objects.bulk_update(rows, ("entered_id", "stays"), batch_size=1_000)
        batch.undone_at = at
        batch.save(update_fields=("undone_at",))
        record("base.undo_batch", batch, by=by, at=at, rows=len(rows) - len(why), stay=len(why))
    return len(rows) - len(why), len(why)


def drop_batch(*, batch_id: int, by: Actor, at: datetime) -> None:
    """What was uploaded is thrown away; nothing of it was entered."""
    with transaction.atomic():
        batch = _open(batch_id, by)
        batch.rows.all().delete()
        batch.dropped_at = at
        batch.save(update_fields=("dropped_at",))
        record("base.drop_batch", batch, by=by, at=at)


def forget_rows(*, at: datetime) -> int:
    """The words of old batches go: they say who people are, and nobody mends or takes back so late."""
    return ImportRow.objects.filter(batch__created_at__lt=at - KEPT_FOR).delete()[0]


def batches_of(by: Actor) -> models.QuerySet[ImportBatch]:
    """What somebody uploaded from this seat and did not throw away, newest first."""
    mine = ImportBatch.objects.filter(by_id=by.id, organization_id=by.organization_id, dropped_at__isnull=True)
    return mine.select_related("job").defer("job__result")


def get_batch(by: Actor, batch_id: int, *, lock: bool = False) -> ImportBatch:
    """One's own batch. Raises NotVisible."""
    mine = batches_of(by)
    found = (mine.select_for_update(of=("self",)) if lock else mine).filter(pk=batch_id).first()
    if found is None:
        raise NotVisible(_("没有这一批，或不是您上传的。"))
    return found


def counts_of(batch: ImportBatch) -> dict[str, int]:
    """How many rows of each colour, how many are in and how many stay after the batch was taken back."""
    marks = {mark: models.Count("pk", filter=models.Q(mark=mark)) for mark in Mark.values}
    is_in = models.Q(entered_id__isnull=False)
    return batch.rows.aggregate(
        all=models.Count("pk"), entered=models.Count("pk", filter=is_in),
        stays=models.Count("pk", filter=~models.Q(stays="")), **marks,
    )  # fmt: skip


def _open(batch_id: int, by: Actor) -> ImportBatch:
    batch = get_batch(by, batch_id, lock=True)
    if batch.sent_at is not None:
        raise AlreadyMoved(_("这一批已经提交写入，不能再改。"), next_step=_("请刷新后看进度；写完可以整批撤回。"))
    return batch


def _leave_out(rows: Sequence[ImportRow], kind: ListKind) -> None:
    """Lines that would do something else by now: they wait for somebody to look again."""
    for row in rows:
        row.findings = [*row.findings, Finding(kind.heads[0], "moved").stored()]
        row.mark = Mark.BAD
    ImportRow.objects.bulk_update(rows, ("findings", "mark"), batch_size=1_000)


def _judge_anew(kind: ListKind, rows: Sequence[ImportRow], by: Actor, at: datetime) -> None:
    found = _judged(kind, [row.cells for row in rows], by, at, [row.line for row in rows])
    for row, seen in zip(rows, found, strict=True):
        row.findings, row.mark = seen, _mark(seen)
    ImportRow.objects.bulk_update(rows, ("findings", "mark"), batch_size=1_000)


def _judged(
    kind: ListKind, cells: Sequence[Cells], by: Actor, at: datetime, lines: Sequence[int] | None = None
) -> list[list[dict[str, Any]]]:
    """What was found in each row, that it repeats an earlier one included."""
    first: dict[str, int] = {}
    found = []
    for number, (row, seen) in enumerate(zip(cells, kind.judge(cells, by, at), strict=True)):
        stored = [one.stored() for one in seen]
        key, line = _key(kind, row), lines[number] if lines else number + 2
        if key and first.setdefault(key, line) != line:
            stored.append(Finding(kind.key_head, "twice", more={"line": first[key]}).stored())
        found.append(stored)
    return found


def _key(kind: ListKind, cells: Cells) -> str:
    return cells.get(kind.key_head, "").strip().upper()[:200]


def _mark(seen: Sequence[Mapping[str, Any]]) -> str:
    if any(one["bad"] for one in seen):
        return Mark.BAD
    return Mark.WARN if seen else Mark.GOOD
