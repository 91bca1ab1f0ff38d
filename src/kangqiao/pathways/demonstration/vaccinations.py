"""Vaccinations of the invented children: by the programme, some behind with a dose, some with nothing on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangqiao.domain.records import actions as records
from kangqiao.domain.records.actions import PastDose
from kangqiao.domain.records.parameters import programme
from kangqiao.domain.records.rules import Given, next_dose
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.rules import birthday
from kangqiao.pathways.demonstration.run import Run

# Of so many children one has nothing on record, and one lacks what fell due in the last months.
NOTHING, BEHIND = 12, 5
LACKS = timedelta(days=120)
BY, MADE_BY = "演示接种护士", "演示生物制品公司"  # untranslated: invented names
LASTS = timedelta(days=400)


def load_vaccinations(run: Run) -> int:
    """Everything that was due until yesterday, a few days after its day."""
    _first, end = programme().unknown_years
    children = Resident.objects.filter(is_demo=True, birth_date__gt=birthday(run.today, -end)).order_by("pk")
    rows = (one for number, child in enumerate(children) if number % NOTHING for one in _given(run, child, number))
    return records.import_doses(doses=rows, by=run.by, at=run.at)


def _given(run: Run, child: Resident, number: int) -> Iterator[PastDose]:
    until = run.today - (LACKS if number % BEHIND == 1 else timedelta(days=1))
    rules = programme()
    for series in rules.series:
        known: list[Given] = []
        if series.instead_of or not series.is_for(child.birth_date, child.sex):
            continue
        while (due := next_dose(series, child.birth_date, known, child.birth_date)) is not None:
            # What is due at birth is given in the first two days, the rest in the week after it falls due.
            on = due.on + timedelta(days=number % (7 if due.on > child.birth_date else 2))
            if on > until:
                break
            vaccine = rules.vaccines[series.doses[due.dose - 1].vaccines[0]]
            known.append(Given(vaccine.key, series.key, due.dose, on))
            yield _dose(child, known[-1], vaccine.route)


def _dose(child: Resident, one: Given, route: str) -> PastDose:
    site = "mouth" if route == "po" else "left_thigh" if one.on < birthday(child.birth_date, 1) else "left_arm"
    return PastDose(
        child.pk, child.centre_id, one.vaccine, one.series, one.dose, one.on, BY, MADE_BY, _lot(one), one.on + LASTS,
        site, route,
    )  # fmt: skip


def _lot(one: Given) -> str:
    return f"演示{one.vaccine.upper()}{_quarter(one.on)}"  # untranslated: invented lots


def _quarter(on: date) -> str:
    return f"{on:%y}{(on.month - 1) // 3 + 1:02d}"
