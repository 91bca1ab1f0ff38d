"""The log of reads: whose data a page showed to whom on which basis, and who was refused.

Queries that hand a resident's data to a seat say so with `saw`, and those that find none in scope with `missed`.
`@access` collects both for one call and writes them: reads in the call's own transaction, in one statement and once
per resident; refusals after it, since a refused call is rolled back. Outside a call (jobs, tests) nothing is collected.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.prepared import write

# The largest number a row can have; beyond it an address names none.
LARGEST_ID = 2**63 - 1
RESIDENT = "residents.resident"


@dataclass(slots=True)
class Reads:
    """What one call showed: residents with the bases they were seen on, and rows asked for that it may not see.

    `opened` were looked at or searched for; `listed` stood in the lines of a worklist.
    """

    opened: dict[int, str] = field(default_factory=dict)
    listed: dict[int, str] = field(default_factory=dict)
    missed: set[tuple[str, int]] = field(default_factory=set)
    # Set when the reader has opened strikingly many people: how many, within how many minutes.
    wide: tuple[int, int] | None = None

    @property
    def shown(self) -> set[tuple[str, int]]:
        """The residents opened, as rows."""
        return {(RESIDENT, one) for one in self.opened}

    @property
    def lines(self) -> list[tuple[int, str, bool]]:
        """Each resident once, with the bases and whether it was a line of a list only."""
        listed = ((one, basis, True) for one, basis in self.listed.items() if one not in self.opened)
        return [*((one, basis, False) for one, basis in sorted(self.opened.items())), *sorted(listed)]


_current: ContextVar[Reads | None] = ContextVar("reads", default=None)


@contextmanager
def collected() -> Iterator[Reads]:
    """Collects what is read inside."""
    found = Reads()
    token = _current.set(found)
    try:
        yield found
    finally:
        _current.reset(token)


def saw(bases: Mapping[int, str], *, listed: bool = False) -> None:
    """The running call shows these residents, each on the bases named (kinds of the ledger, joined by commas)."""
    found = _current.get()
    if found is not None:
        (found.listed if listed else found.opened).update(bases)


def unsaid(resident_ids: Iterable[int], *, listed: bool = False) -> set[int]:
    """Those of the residents the running call has not said it shows; none outside a call."""
    found = _current.get()
    if found is None:
        return set()
    known: Collection[int] = found.opened.keys() | found.listed.keys() if listed else found.opened.keys()
    return set(resident_ids) - set(known)


def missed(subject_type: str, subject_id: int) -> None:
    """The running call asked for a row that is not there or not in its scope."""
    found = _current.get()
    if found is not None:
        found.missed.add((subject_type, subject_id))


def note_wide(people: int, minutes: int) -> None:
    """The reader of the running call has opened strikingly many people in so many minutes."""
    found = _current.get()
    if found is not None:
        found.wide = (people, minutes)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a page: who, when, its name and address without what was typed, and its random number."""

    by: Actor
    at: datetime
    action: str
    path: str
    method: str
    number: str


def write_reads(found: Reads, call: Call) -> None:
    """Writes down what a call showed; nothing for a call that showed nobody."""
    _write_lines(found.lines, _event(AuditEvent.Kind.READ, AuditEvent.Outcome.SUCCESS, call))


def write_failed_reads(found: Reads, call: Call) -> None:
    """Writes down whose data a call looked at that then ended in a refusal of the rules or a lost race."""
    _write_lines(found.lines, _event(AuditEvent.Kind.READ, AuditEvent.Outcome.FAILED, call))


def write_refusals(missed_rows: Collection[tuple[str, int]], call: Call) -> None:
    """Writes down a refused call: one event for each resident it was about, or one for the call if for none.

    Whose row it was is looked up beyond the scope of who asked, so this runs as the system.
    """
    template = _event(AuditEvent.Kind.REFUSED, AuditEvent.Outcome.REFUSED, call)
    found: dict[int | None, tuple[str, int]] = {}
    for subject in sorted(row for row in missed_rows if row[1] <= LARGEST_ID):
        found.setdefault(_resident_of(*subject), subject)
    if len(found) > 1:
        found.pop(None, None)
    events = [_like(template, kind, subject_id, resident) for resident, (kind, subject_id) in found.items()]
    _write(events or [template])


def named_by(arguments: Mapping[str, Any]) -> set[tuple[str, int]]:
    """The rows about a resident that the arguments of an address name: `booking_id`, or `kind` and `pk`."""
    named = {f"{arguments['kind']}_id": arguments["pk"]} if {"kind", "pk"} <= arguments.keys() else arguments
    return {
        (_personal()[name], int(value)) for name, value in named.items() if name in _personal() and str(value).isdigit()
    }


@cache
def _personal() -> dict[str, str]:
    """Argument of an address → the kind of row it names, for every model that is about one resident."""
    return {
        f"{model._meta.model_name}_id": model._meta.label_lower
        for model in apps.get_models()
        if model._meta.label_lower == RESIDENT or any(one.name == "resident" for one in model._meta.local_fields)
    }


def _resident_of(subject_type: str, subject_id: int) -> int | None:
    rows = apps.get_model(subject_type)._default_manager.filter(pk=subject_id)
    column = "pk" if subject_type == RESIDENT else "resident_id"
    found: int | None = rows.values_list(column, flat=True).first()
    return found


def _event(kind: str, outcome: str, call: Call) -> AuditEvent:
    by = call.by
    return AuditEvent(
        kind=kind, outcome=outcome, at=call.at, by_id=by.id, by_name=by.name, organization_id=by.organization_id,
        action=call.action[:60], request=call.number,
        detail={"role": by.role, "method": call.method, "path": call.path[:200]},
    )  # fmt: skip


def _like(template: AuditEvent, subject_type: str, subject_id: int, resident_id: int | None) -> AuditEvent:
    found = copy(template)
    found.subject_type, found.subject_id, found.resident_id = subject_type, subject_id, resident_id
    return found


def _write(events: list[AuditEvent]) -> None:
    if events:
        AuditEvent.objects.bulk_create(events)


# A page lists fifty people: written from three lists, since a model for each would be made only to be written.
_LINES = """
INSERT INTO base_auditevent (kind, outcome, at, by_id, by_name, organization_id, action, request, policy_ref,
  subject_type, subject_id, resident_id, basis, detail)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, '', %s, one.resident, one.resident, left(one.basis, 200),
  CASE WHEN one.is_line THEN %s::jsonb ELSE %s::jsonb END
FROM unnest(%s::bigint[], %s::text[], %s::boolean[]) WITH ORDINALITY AS one (resident, basis, is_line, place)
ORDER BY one.place"""


def _write_lines(lines: list[tuple[int, str, bool]], event: AuditEvent) -> None:
    if not lines:
        return
    residents, bases, are_lines = (list(column) for column in zip(*lines, strict=True))
    write(_LINES, [
        event.kind, event.outcome, event.at, event.by_id, event.by_name, event.organization_id, event.action,
        event.request, RESIDENT, json.dumps({**event.detail, "listed": True}), json.dumps(event.detail),
        residents, bases, are_lines,
    ])  # fmt: skip
