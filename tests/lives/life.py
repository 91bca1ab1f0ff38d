"""What every random life shares: a transaction taken back at its end, a clock that moves on, a history that holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kangqiao.base.actor import Actor
from kangqiao.base.models import StatusChange
from kangqiao.edges.commands.states import tables
from kangqiao.kernel.errors import KangqiaoError
from kangqiao.kernel.states import StateTable

# What a dice of twenty may bring; mostly it is a few minutes.
LEAPS = {0: timedelta(days=400), 1: timedelta(days=40), 2: timedelta(days=5)} | dict.fromkeys(
    range(3, 9), timedelta(hours=23)
)


class Life(RuleBasedStateMachine):
    """One life. `tally` counts over all lives what was tried, what happened and what was refused."""

    at: datetime
    tally: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._whole = transaction.atomic()
        self._whole.__enter__()
        self.tables: dict[str, StateTable] = {table.name: table for _module, table in tables()}
        self.begin()
        self.count("lives")

    def begin(self) -> None:
        """Makes the people and places of this life."""
        raise NotImplementedError

    def count(self, what: str) -> None:
        """One more of these."""
        type(self).tally[what] = type(self).tally.get(what, 0) + 1

    def attempt(self, act: Callable[[], Any]) -> Any:
        """Does it, or is told why not: a refusal is a sentence of the product's, and leaves nothing behind."""
        self.count("steps")
        before = StatusChange.objects.count()
        try:
            with transaction.atomic():
                done = act()
        except KangqiaoError:
            assert StatusChange.objects.count() == before
            self.count("refused")
            return None
        return done

    def by_somebody(self, hands: list[Actor], first: int, act: Callable[[Actor], Any]) -> None:
        """Each in turn tries it, beginning with one of them, until it is done: strangers are refused on the way."""
        for number in range(len(hands)):
            by = hands[(first + number) % len(hands)]
            if self.attempt(lambda by=by: act(by)) is not None:
                return

    @rule(dice=st.integers(0, 19))
    def time_passes(self, dice: int) -> None:
        """Clocks run out, days come and, rarely, terms end."""
        self.at += LEAPS.get(dice, timedelta(minutes=20))

    @invariant()
    def history_is_whole(self) -> None:
        """Each row began once, took only steps of its table one after the other, and stands where the last one led."""
        rows = StatusChange.objects.order_by("process", "subject_type", "subject_id", "id")
        for (process, kind, pk), steps in itertools.groupby(rows, lambda r: (r.process, r.subject_type, r.subject_id)):
            table, stands, where = self.tables[process], "", ""
            for taken in steps:
                assert taken.from_status == stands, (process, pk, taken.action)
                if taken.action != "begin":
                    step = table.step(taken.action)
                    assert stands in step.sources and taken.to_status == step.target, (process, pk, taken.action)  # noqa: PT018
                stands, where = taken.to_status, taken.to_status
            model = apps.get_model(kind)
            assert model._default_manager.values_list("status", flat=True).get(pk=pk) == where, (process, pk)

    def teardown(self) -> None:
        """What happened is counted by kind; nothing of a life stays."""
        for process, action in StatusChange.objects.values_list("process", "action").distinct():
            self.count(f"{process}: {action}")
        transaction.set_rollback(True)
        self._whole.__exit__(None, None, None)
