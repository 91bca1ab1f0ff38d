"""What a typed value means, and what is due when."""

from datetime import date
from decimal import Decimal

import pytest

from kangqiao.domain.records.parameters import (
    allergens,
    drugs,
    life_course,
    measures,
    next_visit,
    substance,
    targets,
)
from kangqiao.domain.records.rules import (
    Due,
    Fault,
    Person,
    at_target,
    days_to_next,
    due_services,
    fits_together,
    read_value,
)

TODAY = date(2026, 5, 14)


@pytest.mark.parametrize(
    ("code", "text", "value", "fault"),
    [
        ("systolic", "138", "138", None),
        ("systolic", "１３８", "138", None),
        ("systolic", "280", "280", Fault.UNUSUAL),
        ("systolic", "300", "300", Fault.IMPOSSIBLE),
        ("systolic", "16", "120", Fault.OTHER_UNIT),
        ("systolic", "18.4 kPa", "138", None),
        ("diastolic", "5", "38", Fault.OTHER_UNIT),
        ("diastolic", "2", "2", Fault.IMPOSSIBLE),
        ("glucose_fasting", "7.2", "7.2", None),
        ("glucose_fasting", "126", "7.0", Fault.OTHER_UNIT),
        ("glucose_fasting", "126 mg/dl", "7.0", None),
        ("glucose_fasting", "7.0mmol/L", "7.0", None),
        ("glucose_fasting", "2.5", "2.5", Fault.UNUSUAL),
        ("glucose_fasting", "2000", "2000.0", Fault.IMPOSSIBLE),
        ("height", "1.7", "170.0", Fault.OTHER_UNIT),
        ("weight", "130斤", "65.0", None),
        ("weight", "65 磅", "65", Fault.UNIT),
        ("temperature", "高", "0", Fault.NO_NUMBER),
        ("temperature", "-3", "0", Fault.NO_NUMBER),
    ],
)
def test_a_value_is_read_with_its_unit_and_limits(code: str, text: str, value: str, fault: Fault | None) -> None:
    found = read_value(measures()[code], text)

    assert (found.value, found.fault) == (Decimal(value), fault)


def test_a_blood_pressure_is_whole_and_its_upper_value_higher() -> None:
    def pair(*values: int) -> dict[str, Decimal]:
        return dict(zip(("systolic", "diastolic"), map(Decimal, values), strict=False))

    assert fits_together(pair(138, 86))
    assert fits_together({})
    assert not fits_together(pair(138))
    assert not fits_together(pair(86, 138))
    assert not fits_together(pair(90, 90))


@pytest.mark.parametrize(
    ("age", "upper", "lower", "days"),
    [(60, 138, 88, 90), (66, 148, 86, 90), (64, 148, 86, 14), (66, 150, 86, 14), (60, 130, 90, 14)],
)
def test_the_next_visit_follows_the_target_of_the_age(age: int, upper: int, lower: int, days: int) -> None:
    values = {"systolic": Decimal(upper), "diastolic": Decimal(lower)}

    assert days_to_next(values, targets(), age, next_visit()) == days
    assert at_target(values, targets(), age) is (days == 90)


def test_danger_values_are_those_of_the_pack() -> None:
    assert measures()["systolic"].is_danger(Decimal(180))
    assert not measures()["systolic"].is_danger(Decimal(179))
    assert measures()["glucose_fasting"].is_danger(Decimal("3.9"))


def test_a_substance_is_known_by_either_name_and_another_is_kept_as_written() -> None:
    assert substance(allergens(), "penicillins").zh == "青霉素类"
    assert substance(drugs(), " 氨氯地平 ").code == "C08CA01"
    assert substance(drugs(), "祖传膏药").code == ""


def due(born: date, conditions: dict[str, date | None] | None = None, **done: list[tuple[str, date]]) -> dict[str, Due]:
    """What is due within a year, by key."""
    person = Person(born, conditions or {}, done.get("visits", []), done.get("observed", []))
    return {one.service.key: one for one in due_services(person, life_course(), TODAY, 366)}


@pytest.mark.clause("SZ17-B8.a")
def test_at_67_with_diabetes_the_check_up_and_the_follow_up_are_due_and_no_infant_is() -> None:
    found = due(date(1959, 1, 2), {"E11": None}, visits=[("E11", date(2026, 1, 10))])

    assert {"elderly_check", "diabetes", "fasting_glucose"} <= set(found)
    assert (found["diabetes"].on, found["diabetes"].last) == (date(2026, 4, 10), date(2026, 1, 10))
    assert found["diabetes"].is_late
    assert (found["elderly_check"].on, found["elderly_check"].is_late) == (TODAY, False)
    assert not {"vaccination", "child_check", "newborn_visit", "hypertension"} & set(found)
    assert {one.stage for one in life_course()} == {"birth", "childhood", "adulthood", "old_age"}


@pytest.mark.clause("XH23-4.3a")
def test_at_50_screening_education_and_follow_up_are_due_with_dates() -> None:
    found = due(date(1976, 3, 1), visits=[("J06", date(2025, 9, 1))], observed=[("systolic", date(2025, 9, 1))])

    days = {one.service.element: one.on for one in found.values()}
    assert days == {"screening": date(2026, 9, 1), "follow_up": date(2026, 9, 1), "education": TODAY}


def test_a_child_is_due_at_the_point_that_has_come_until_it_was_met() -> None:
    born = date(2025, 8, 31)
    late = due(born)["child_check"]
    met = due(born, visits=[("Z01", date(2026, 5, 3))])["child_check"]

    assert (late.on, late.is_late) == (date(2026, 5, 1), True)  # eight months after the 31st: the 1st of May
    assert (met.on, met.last, met.is_late) == (date(2026, 8, 31), date(2026, 5, 3), False)


def test_pregnancy_counts_from_its_first_day_and_is_over_in_time() -> None:
    start = date(2026, 3, 1)

    assert due(date(1996, 1, 1), {"Z34": start})["antenatal"].on == date(2026, 4, 12)
    assert due(date(1996, 1, 1), {"Z34": start}, visits=[("Z34", date(2026, 4, 20))])["antenatal"].on == date(
        2026, 6, 21
    )
    assert "antenatal" not in due(date(1996, 1, 1), {"Z34": date(2025, 1, 1)})
    assert "antenatal" not in due(date(1996, 1, 1), {"Z34": None})


def test_who_turns_65_tomorrow_is_not_due_yet() -> None:
    assert "elderly_check" not in due(date(1961, 5, 15))
    assert "elderly_check" in due(date(1961, 5, 14))
