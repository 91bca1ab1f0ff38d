"""The rows of a batch as the page draws them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kangqiao.base.imports import ListKind
from kangqiao.base.models import ImportRow
from kangqiao.edges.excel.files import said
from kangqiao.kernel.states import Look

LOOKS = {ImportRow.Mark.GOOD: Look.DONE, ImportRow.Mark.WARN: Look.WAIT, ImportRow.Mark.BAD: Look.BACK}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its column, what it says, the words it may hold, and what was found."""

    head: str
    text: str
    choices: tuple[str, ...]
    notes: tuple[str, ...]
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row: open while it is being mended, next if it waits for that; `stays` is why it was not taken back."""

    pk: int
    number: int
    look: Look
    cells: tuple[Cell, ...]
    is_open: bool
    is_next: bool
    is_entered: bool
    stays: str


def preview(kind: ListKind, rows: Iterable[ImportRow], edit: int | None = None) -> list[Line]:
    """The rows with the sentences for what was found in them; the first faulty one is next, while none is mended."""
    shown = list(rows)
    bad = (row.pk for row in shown if row.mark == ImportRow.Mark.BAD)
    following = next(bad, None) if edit is None else None
    return [_line(kind, row, edit, following) for row in shown]


def _line(kind: ListKind, row: ImportRow, edit: int | None, following: int | None) -> Line:
    cells = []
    for column in kind.columns:
        found = [one for one in row.findings if one["head"] == column.head]
        notes = tuple(said(kind, one) for one in found)
        text = row.cells.get(column.head, "")
        cells.append(Cell(column.head, text, column.choices, notes, any(one["bad"] for one in found)))
    stays = str(kind.stays.get(row.stays) or kind.stays[""]) if row.stays else ""
    look = LOOKS[ImportRow.Mark(row.mark)]
    is_entered = row.entered_id is not None
    return Line(row.pk, row.line, look, tuple(cells), row.pk == edit, row.pk == following, is_entered, stays)
