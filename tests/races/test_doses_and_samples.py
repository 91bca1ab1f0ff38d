"""One dose given, one sample drawn or checked by many, a hundred who sign: first the race, then that one wins."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.utils import timezone

from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting.models import Contract, Team
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.institutions.tests.factories import TESTER, centre
from kangqiao.domain.quality import actions as quality
from kangqiao.domain.quality.models import SampledItem, Sampling
from kangqiao.domain.quality.tests.test_sampling import NOW, Region
from kangqiao.domain.records.models import Encounter, Immunization
from kangqiao.domain.terminology import actions as terminology
from kangqiao.edges.chart.tests.test_immunizations import HEPB, child
from kangqiao.pathways.vaccinate import vaccinate
from tests.races.test_booking import together
from tests.races.test_contracts import refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
MANY = 8
SIGNERS, AT_ONCE, CEILING = 100, 50, 30


@contextmanager
def without(model: type[models.Model], *names: str) -> Iterator[None]:
    """The model's table without these guards, until its rows are gone again."""
    guards = [one for one in model._meta.constraints if one.name in names]
    assert len(guards) == len(names)
    with connection.schema_editor() as editor:
        for one in guards:
            editor.remove_constraint(model, one)
    try:
        yield
    finally:
        model._default_manager.all().delete()
        with connection.schema_editor() as editor:
            for one in guards:
                editor.add_constraint(model, one)


def test_without_the_guard_one_dose_is_given_four_times() -> None:
    who = child(centre())
    all_have_read = threading.Barrier(4)
    row = {
        "resident": who,
        "organization": who.centre,
        "vaccine": "hepb",
        "series": "hepb",
        "dose": 1,
        "is_here": False,
    }

    def naive(number: int) -> str:
        with transaction.atomic():
            is_there = Immunization.objects.filter(resident=who, series="hepb", dose=1).exists()
            all_have_read.wait(timeout=30)
            if is_there:
                return "there"
            Immunization.objects.create(given_on=timezone.localdate(), place="演示", recorded_at=NOW, **row)
        return "won"

    with without(Immunization, "immunization_dose_once", "immunization_day_once"):
        assert together(4, naive) == ["won"] * 4


def test_one_dose_given_by_many_at_once_is_one() -> None:
    """Also one visit: the box and the certificate of the same child lie on two desks."""
    terminology.load_concepts(by=TESTER, at=NOW)
    own = centre()
    who, by = child(own), seat("gp", own).actor

    told = together(
        MANY, lambda _number: refused(lambda: vaccinate(resident_id=who.pk, told=HEPB, by=by, at=timezone.now()))
    )

    assert Counter(told) == {"RuleBroken": MANY - 1, "won": 1}
    assert Immunization.objects.get().dose == 1
    assert Encounter.objects.filter(resident=who).count() == 1


def test_without_the_guard_one_sample_is_drawn_four_times() -> None:
    region = Region((1,))
    all_have_read = threading.Barrier(4)
    row: dict[str, Any] = {
        "bureau": region.world.bureau, "centre": region.world.centre, "starts_on": f.ON, "ends_on": f.ON, "seed": 7,
    }  # fmt: skip

    def naive(number: int) -> str:
        with transaction.atomic():
            is_there = Sampling.objects.filter(**row).exists()
            all_have_read.wait(timeout=30)
            if is_there:
                return "there"
            Sampling.objects.create(size=1, drawn_at=NOW, by_name="演示", policy_ref="x", **row)
        return "won"

    with without(Sampling, "sampling_drawn_once"):
        assert together(4, naive) == ["won"] * 4


def test_one_sample_drawn_by_many_at_once_is_one() -> None:
    region = Region((3, 2))

    told = together(MANY, lambda _number: refused(lambda: region.draw(size=2)))

    assert Counter(told) == {"Taken": MANY - 1, "won": 1}
    assert SampledItem.objects.count() == Sampling.objects.get().items.count()


def test_one_item_checked_and_answered_by_many_at_once_has_one_result_and_one_answer() -> None:
    region = Region((1,))
    item = region.draw().items.filter(kind="contract").get()
    notes = [f"第 {number} 个人核查" for number in range(MANY)]

    told = together(MANY, lambda number: refused(lambda: region.check(item, "unaware", note=notes[number])))
    answers = together(
        MANY,
        lambda number: refused(
            lambda: quality.correct_item(item_id=item.pk, answer=f"整改 {number}", by=region.house.actor, at=NOW)
        ),
    )

    item.refresh_from_db()
    assert Counter(told) == Counter(answers) == {"AlreadyMoved": MANY - 1, "won": 1}
    assert item.note == notes[told.index("won")]
    assert item.answer == f"整改 {answers.index('won')}"


def test_no_panel_is_over_its_ceiling_when_a_hundred_sign_at_once() -> None:
    """Each is accepted and signs in one go; whoever comes too late reads that the panel is full and stays applied."""
    w = f.world()
    team = w.team(ceiling=CEILING)
    rows = [w.applied(team, w.resident(door=number + 1))[0] for number in range(SIGNERS)]

    def sign(number: int) -> None:
        one = rows[number]
        contracting.accept_contract(contract_id=one.pk, by=f.JOB, at=f.AT)
        f.sign(one, one.resident.name, at=f.AT + timedelta(minutes=1))

    told: list[str] = []
    for turn in range(0, SIGNERS, AT_ONCE):
        told += together(AT_ONCE, lambda number, turn=turn: refused(lambda: sign(turn + number)))

    assert Counter(told) == {"won": CEILING, "Taken": SIGNERS - CEILING}
    assert Team.objects.get(pk=team.pk).taken == CEILING
    assert Counter(Contract.objects.values_list("status", flat=True)) == {
        "active": CEILING, "applied": SIGNERS - CEILING,
    }  # fmt: skip
