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
    programme,
    substance,
    targets,
)
from kangqiao.domain.records.rules import (
    DoseFault,
    Due,
    Fault,
    Given,
    Person,
    at_target,
    days_to_next,
    due_doses,
    due_services,
    fits_together,
    judge_dose,
    read_value,
    series_of,
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
    assert not {"child_check", "newborn_visit", "hypertension"} & set(found)
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


RULES = programme()
BORN = date(2026, 1, 15)
BOY, GIRL = "male", "female"


def judge(
    vaccine: str, dose: int, on: date, *known: Given, born: date = BORN, is_here: bool = True, **more: date | None
) -> list[tuple[DoseFault, date, bool]]:
    """What is found about one dose, with the day it turns on and whether somebody may say that it is right."""
    series = series_of(vaccine, born, BOY, RULES)
    told = Given(vaccine, series.key if series else vaccine, dose, on)
    found = judge_dose(
        told, born, more.get("died"), series, known, RULES, date(2026, 12, 1), is_here=is_here,
        expires_on=more.get("expires_on"),
    )  # fmt: skip
    return [(one.fault, one.day, one.is_asked) for one in found]


HEPB_1 = Given("hepb", "hepb", 1, BORN)


@pytest.mark.parametrize(
    ("told", "known", "fault"),
    [
        (("hepb", 1, date(2026, 12, 2)), (), DoseFault.NOT_NOW),
        (("hepb", 1, date(2026, 1, 14)), (), DoseFault.BEFORE_BIRTH),
        (("hepb", 1, date(2026, 2, 14)), (HEPB_1,), DoseFault.TWICE),
        (("hepb", 2, BORN), (HEPB_1,), DoseFault.SAME_DAY),
        (("hepb", 4, date(2026, 9, 1)), (HEPB_1,), DoseFault.NO_DOSE),
        (("hepb", 1, date(2026, 5, 1)), (Given("hepb", "hepb", 2, date(2026, 2, 20)),), DoseFault.ORDER),
    ],
)
def test_a_dose_that_cannot_be_is_refused(
    told: tuple[str, int, date], known: tuple[Given, ...], fault: DoseFault
) -> None:
    assert (fault, False) in [(one, is_asked) for one, _day, is_asked in judge(*told, *known)]
    # On a certificate it cannot be either.
    assert (fault, False) in [(one, is_asked) for one, _day, is_asked in judge(*told, *known, is_here=False)]


def test_after_death_and_with_an_expired_vaccine_nothing_is_given() -> None:
    day = date(2026, 2, 20)

    assert judge("hepb", 2, day, HEPB_1, died=date(2026, 2, 19)) == [(DoseFault.AFTER_DEATH, date(2026, 2, 19), False)]
    assert judge("hepb", 2, day, HEPB_1, died=day, expires_on=day) == []
    assert judge("hepb", 2, day, HEPB_1, expires_on=date(2026, 2, 19)) == [
        (DoseFault.EXPIRED, date(2026, 2, 19), False)
    ]


def test_an_interval_is_asked_about_up_to_the_day_before() -> None:
    assert judge("hepb", 2, date(2026, 2, 15), HEPB_1) == []
    late_first = Given("hepb", "hepb", 1, date(2026, 1, 31))
    assert judge("hepb", 2, date(2026, 2, 27), late_first) == [(DoseFault.TOO_SOON, date(2026, 2, 28), True)]
    assert judge("hepb", 2, date(2026, 2, 28), late_first) == []


def test_an_age_is_asked_about_up_to_the_day_before() -> None:
    assert judge("mmr", 1, date(2026, 9, 14)) == [(DoseFault.TOO_YOUNG, date(2026, 9, 15), True)]
    assert judge("mmr", 1, date(2026, 9, 15)) == []


def test_too_old_is_refused_here_and_asked_about_on_a_certificate() -> None:
    born = date(2022, 6, 1)

    assert judge("bcg", 1, date(2026, 5, 31), born=born) == []
    assert judge("bcg", 1, date(2026, 6, 1), born=born) == [(DoseFault.TOO_OLD, date(2026, 6, 1), False)]
    assert judge("bcg", 1, date(2026, 6, 1), born=born, is_here=False) == [(DoseFault.TOO_OLD, date(2026, 6, 1), True)]


def test_live_vaccines_go_on_one_day_or_four_weeks_apart() -> None:
    mmr = Given("mmr", "mmr", 1, date(2026, 9, 15))

    assert judge("je_l", 1, date(2026, 9, 15), mmr) == []
    assert judge("je_l", 1, date(2026, 10, 12), mmr) == [(DoseFault.LIVE_TOO_SOON, date(2026, 9, 15), True)]
    assert judge("je_l", 1, date(2026, 10, 13), mmr) == []
    assert judge("hepb", 1, date(2026, 9, 16), mmr) == []


def test_a_vaccine_of_another_dose_is_asked_about() -> None:
    assert judge("bopv", 1, date(2026, 3, 15)) == [(DoseFault.UNPROGRAMMED, date(2026, 3, 15), True)]
    assert judge("influenza", 0, date(2026, 11, 1)) == []


def test_pertussis_goes_by_the_birthday() -> None:
    old, new = (series_of("dtap", born, BOY, RULES) for born in (date(2024, 12, 31), date(2025, 1, 1)))

    assert old is not None
    assert new is not None
    assert [one.at_months for one in old.doses] == [3, 4, 5, 18, 72]
    assert [one.at_months for one in new.doses] == [2, 4, 6, 18, 72]


def doses(
    born: date, *known: Given, sex: str = BOY, today: date = date(2026, 5, 14)
) -> dict[str, tuple[int, date, bool]]:
    """Series → the dose that is due within a year, its day, whether that has passed."""
    found = due_doses(born, sex, known, RULES, today, 366)
    return {one.series.key if one.series else "": (one.dose, one.on, one.is_late) for one in found}


@pytest.mark.clause("XH23-4.3a")
def test_the_next_dose_of_each_series_is_due_by_age_and_interval() -> None:
    late = Given("hepb", "hepb", 2, date(2026, 5, 10))

    found = doses(BORN, HEPB_1, late)

    assert found["hepb"] == (3, date(2026, 7, 15), False)
    assert found["polio"] == (1, date(2026, 3, 15), True)
    assert found["mmr"] == (1, date(2026, 9, 15), False)
    assert "je_i" not in found
    assert "hepa_i" not in found
    # Sixty days after a late second dose, not at six months.
    later = Given("hepb", "hepb", 2, date(2026, 6, 10))
    assert doses(BORN, HEPB_1, later, today=date(2026, 6, 11))["hepb"] == (3, date(2026, 8, 9), False)


def test_a_whole_series_is_not_due_and_the_inactivated_one_takes_its_place() -> None:
    born = date(2024, 5, 1)
    begun = Given("je_i", "je_i", 1, date(2025, 1, 5)), Given("bcg", "bcg", 1, date(2024, 5, 2))

    found = doses(born, *begun)

    assert found["je_i"][0] == 2
    assert not {"je", "bcg"} & set(found)


def test_of_a_child_without_any_record_the_certificate_is_asked_for_once() -> None:
    assert doses(BORN) == {"": (0, date(2026, 5, 14), False)}
    assert doses(date(2019, 5, 14)) == {}  # seven today
    assert doses(date(2008, 5, 14), HEPB_1) == {}  # eighteen today


def test_girls_of_thirteen_are_due_for_hpv_from_the_first_birthday_it_is_for() -> None:
    born = date(2013, 3, 1)

    assert doses(born, sex=GIRL) == {"hpv": (1, date(2026, 3, 1), True)}
    assert doses(born, sex=BOY) == {}
    assert doses(date(2011, 11, 9), sex=GIRL) == {}
    assert doses(date(2011, 11, 10), sex=GIRL) == {"hpv": (1, date(2024, 11, 10), True)}
