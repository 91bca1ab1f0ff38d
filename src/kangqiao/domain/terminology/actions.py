"""Writing the code lists."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.resources import files

import yaml
from django.db import transaction

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.search import search_keys
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.terminology.permissions import can_edit
from kangqiao.kernel.errors import Denied


def add_concept(
    *, system: str, code: str, zh: str, en: str = "", position: int = 0, by: Actor, at: datetime
) -> Concept:
    """A concept enters a code list, or its names change there; the code itself never does.

    Raises Denied when the actor does not keep the lists.
    """
    with transaction.atomic():
        allowed = can_edit(by)
        if not allowed:
            raise Denied(allowed.reason)
        row, _ = Concept.objects.update_or_create(
            system=Concept.System(system).value,
            code=code,
            defaults={"zh": zh, "en": en, "position": position, "keys": search_keys(zh), "is_active": True},
        )
        record("terminology.add_concept", row, by=by, at=at, system=system, code=code)
    return row


@cache
def _shipped() -> list[tuple[str, str, str, str, int, tuple[str, ...]]]:
    """The list of the product: system, code, both names, position, what each is found by. It is a part of the program,
    so a process reads it once.
    """
    text = files("kangqiao.domain.terminology").joinpath("concepts.yaml").read_text(encoding="utf-8")
    return [
        (system, code, zh, en, position, tuple(search_keys(zh)))
        for system, concepts in yaml.safe_load(text).items()
        for position, (code, zh, en) in enumerate(concepts)
    ]


def load_concepts(*, by: Actor, at: datetime) -> int:
    """The list the product ships enters the database; rows that are there stay as they are. Returns the rows added."""
    with transaction.atomic():
        allowed = can_edit(by)
        if not allowed:
            raise Denied(allowed.reason)
        known = set(Concept.objects.values_list("system", "code"))
        rows = [
            Concept(system=system, code=code, zh=zh, en=en, position=position, keys=list(keys))
            for system, code, zh, en, position, keys in _shipped()
            if (system, code) not in known
        ]
        Concept.objects.bulk_create(rows)
        if rows:
            record("terminology.load_concepts", Concept(), by=by, at=at, rows=len(rows))
    return len(rows)
