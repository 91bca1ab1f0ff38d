"""The vaccinations of the demonstration: nothing ahead, nothing the programme refuses, some children behind."""

from datetime import date

import pytest

from kangqiao.domain.records.models import Immunization
from kangqiao.domain.records.parameters import programme
from kangqiao.domain.records.queries.immunizations import doses_due, given_of
from kangqiao.domain.records.rules import judge_dose, series_of
from kangqiao.domain.residents.models import Resident
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import load

TODAY = date(2026, 5, 14)
STEPS = ("concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-residents", "zhuhai-vaccinations")


@pytest.mark.django_db
def test_children_are_vaccinated_as_the_programme_says_and_some_are_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STEPS", [step for step in load.STEPS if step.key in STEPS])

    demonstration.load_region("zhuhai", today=TODAY, residents=600)

    children = Resident.objects.filter(birth_date__gt=date(2019, 5, 14))
    held = {one.pk: list(Immunization.objects.filter(resident=one)) for one in children}
    late, rules = 0, programme()
    for one in children:
        known = given_of(held[one.pk])
        late += any(due.is_late for due in doses_due(one, held[one.pk], TODAY, 0))
        for row in held[one.pk]:
            before = [given for given in known if (given.series, given.dose) != (row.series, row.dose)]
            series = series_of(row.vaccine, one.birth_date, one.sex, rules)
            told = next(given for given in known if (given.series, given.dose) == (row.series, row.dose))
            found = judge_dose(told, one.birth_date, None, series, before, rules, TODAY, is_here=True)
            assert found == []
    empty = sum(not rows for rows in held.values())
    assert 0 < empty < len(held) // 6
    assert 0 < late < len(held) // 2
    assert not Immunization.objects.exclude(resident__is_demo=True).exists()
