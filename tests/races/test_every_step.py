"""Every step of every state table against every other from the same state: one wins, the other reads who was faster."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction

from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, history, transition
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.edges.commands.states import tables
from kangqiao.kernel.errors import AlreadyMoved
from kangqiao.kernel.states import StateTable, Step
from tests.races.rows import in_state, stays

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
RIVALS = (Actor("user:1", "演示甲"), Actor("user:2", "演示乙"))
Pair = tuple[type[models.Model], StateTable, str, tuple[Step, Step]]


def model_of(module: str, table: StateTable) -> type[models.Model]:
    """The model whose status the table governs: the one of its module with the same choices."""
    found = [
        model
        for model in apps.get_app_config(module).get_models()
        for field in model._meta.concrete_fields
        if field.name == "status" and {str(key) for key, _ in field.choices or ()} >= {one.key for one in table.states}
    ]
    # Two kinds of visit go through the same states: then the name tells.
    named = [model for model in found if model.__name__.lower() == table.name.replace("_", "")]
    found = named if len(found) > 1 else found
    assert len(found) == 1, (module, table.name, found)
    return found[0]


def pairs() -> Iterator[Pair]:
    """Every two steps that start from the same state, a step against itself among them."""
    for module, table in tables():
        model = model_of(module, table)
        for state in table.states:
            steps = [step for step in table.steps if state.key in step.sources]
            for rivals in itertools.combinations_with_replacement(steps, 2):
                yield model, table, state.key, rivals


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as two:
        yield two
        list(two.map(lambda _: connection.close(), range(8)))


def race(pool: ThreadPoolExecutor, one: Pair) -> tuple[models.Model, list[AlreadyMoved | None]]:
    """Both read the row, then both move it; what each was told."""
    model, table, key, steps = one
    subject = in_state(model, table, key)
    begin(subject, table, by=Actor.system("test"), at=AT)
    both_have_read = threading.Barrier(2)

    def move(number: int) -> AlreadyMoved | None:
        step = steps[number]
        try:
            mine = model._default_manager.get(pk=subject.pk)
            both_have_read.wait(timeout=30)
            with transaction.atomic():
                transition(
                    mine, table, step.action, by=RIVALS[number], at=AT, reason="演示", **stays(model, step.target)
                )
        except AlreadyMoved as late:
            return late
        finally:
            connection.close()
        return None

    return subject, list(pool.map(move, range(2)))


@pytest.mark.trust("T-RACE-2")
def test_every_pair_of_steps_has_one_winner(pool: ThreadPoolExecutor, measured: Callable[[str], None]) -> None:
    raced = stayed = 0
    for one in pairs():
        _, table, key, steps = one
        subject, told = race(pool, one)
        said = f"{table.name}: {key} -{steps[0].action}/{steps[1].action}-> {told}"
        changes = list(history(subject))[1:]
        if any(step.target == key for step in steps):
            # A step that leaves a row in its state shuts nobody out: both may follow each other, each in the history.
            assert len(changes) == told.count(None) >= 1, said
            stayed += 1
            continue
        assert told.count(None) == 1, said
        loser = next(error for error in told if error is not None)
        winner = RIVALS[told.index(None)]
        assert f"已由{winner.name}于" in loser.message, said
        assert [change.by_id for change in changes] == [winner.id], said
        raced += 1

    measured(f"{raced} pairs, {raced} with one winner named to the other; {stayed} pairs of steps that stay, in turn")


def test_pairs_cover_every_step() -> None:
    raced = {(table.name, step.action) for _, table, _, steps in pairs() for step in steps}

    assert raced == {(table.name, step.action) for _, table in tables() for step in table.steps}
    assert {UP.name, DOWN.name} <= {name for name, _ in raced}


def test_a_write_that_does_not_compare_would_let_both_win(pool: ThreadPoolExecutor) -> None:
    """The race is real: the same two moves without the comparison both succeed, and the first is lost."""
    model, table, key, steps = next(
        one for one in pairs() if one[3][0].target != one[3][1].target and not stays(one[0], one[3][0].target)
    )
    subject = in_state(model, table, key)
    both_have_read = threading.Barrier(2)

    def move(number: int) -> bool:
        mine: Any = model._default_manager.get(pk=subject.pk)
        both_have_read.wait(timeout=30)
        try:
            if mine.status in steps[number].sources:
                return bool(model._default_manager.filter(pk=mine.pk).update(status=steps[number].target))
            return False
        finally:
            connection.close()

    assert list(pool.map(move, range(2))) == [True, True]
