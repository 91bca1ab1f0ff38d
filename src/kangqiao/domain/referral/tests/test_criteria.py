"""Criteria met by the record, rules alone: values, days in a row, medicines, age of onset; who is fit to leave."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from kangqiao.domain.records.parameters import measures
from kangqiao.domain.referral import parameters, rules

BORN, TODAY = date(1960, 1, 1), date(2026, 5, 4)


def reading(code, value, day=TODAY):
    return rules.Reading(code, Decimal(str(value)), day)


def known(*readings, problems=None, medicines=0, born=BORN):
    return rules.Known({"I10": None} if problems is None else problems, readings, medicines, born)


def codes(direction, record):
    return [one.code for one in rules.met(parameters.criteria(direction), record)]


@pytest.mark.parametrize(
    ("systolic", "diastolic", "is_severe"), [(179, 109, False), (180, 80, True), (150, 110, True)]
)  # fmt: skip
def test_severe_pressure_is_met_at_the_figure(systolic, diastolic, is_severe):
    record = known(reading("systolic", systolic), reading("diastolic", diastolic))
    assert ("htn_severe" in codes("up", record)) is is_severe


def test_two_days_in_a_row_are_the_newest_two():
    days = [date(2026, 5, 1), date(2026, 4, 1), date(2026, 3, 1)]
    high = [reading("systolic", 150, day) for day in days]
    assert codes("up", known(*high)) == ["htn_two_visits"]
    assert codes("up", known(reading("systolic", 130, days[0]), *high[1:])) == []
    assert codes("up", known(high[0])) == []


def test_the_values_that_meet_it_are_named_newest_first():
    rows = (reading("systolic", 150, date(2026, 4, 1)), reading("systolic", 160, date(2026, 5, 1)))
    found = rules.met(parameters.criteria("up"), known(*rows))
    assert [one.value for one in found[0].by] == [160, 150]


def test_three_medicines_and_still_high():
    assert "htn_resistant" in codes("up", known(reading("systolic", 150), medicines=3))
    assert "htn_resistant" not in codes("up", known(reading("systolic", 150), medicines=2))


def test_the_age_of_onset_counts_birthdays():
    born = date(1996, 6, 1)
    assert codes("up", known(problems={"I10": date(2026, 5, 31)}, born=born)) == ["htn_young"]
    assert codes("up", known(problems={"I10": date(2026, 6, 1)}, born=born)) == []
    assert codes("up", known(problems={"I10": None}, born=born)) == []


def test_glucose_is_judged_for_people_with_diabetes():
    high = reading("glucose_fasting", "16.7")
    assert codes("up", known(high, problems={"E11": None})) == ["dm_danger"]
    assert codes("up", known(high, problems={})) == []
    rows = (reading("glucose_fasting", 8), reading("glucose_fasting", 8, date(2026, 2, 3)))
    assert codes("up", known(*rows, problems={"E11": None})) == ["dm_not_at_target"]
    near = (rows[0], reading("glucose_fasting", 8, date(2026, 4, 4)))
    assert codes("up", known(*near, problems={"E11": None})) == []


def test_down_wants_every_value_at_target():
    good = (reading("systolic", 130), reading("diastolic", 80))
    assert codes("down", known(*good)) == ["chronic_at_target"]
    assert codes("down", known(good[0])) == []
    assert codes("down", known(reading("systolic", 140), good[1])) == []


@pytest.mark.parametrize(
    ("day", "dangers", "fits"), [(9, [], False), (10, [], True), (12, [2], False), (12, [3], True)]
)  # fmt: skip
def test_fit_to_leave_after_the_days_without_danger(day, dangers, fits):
    assert rules.fits_discharge(day, 10, dangers, 3) is fits


@pytest.mark.parametrize(
    ("words", "found"),
    [("I63 脑梗死", ["I63"]), ("脑梗死（i63.902）", ["I63"]), ("E11.9，I10", ["E11", "I10"]), ("MRI100、I1000", [])],
)
def test_categories_are_read_out_of_a_diagnosis(words, found):
    assert rules.icd_categories(words) == found


def test_the_pack_names_known_measures_reasons_and_comparisons():
    for direction in ("up", "down"):
        for one in parameters.criteria(direction):
            for test in (*one.any_of, *one.all_of):
                assert test[0] in measures()
                rules.holds(test, reading(test[0], 1))
            assert (one.code in rules.DOWN_CRITERIA) is (direction == "down")
    assert {one.code for one in parameters.stays().values()} <= set(rules.DOWN_CRITERIA)


def test_the_fingerprint_changes_with_a_word():
    one = rules.digest({"a": "血压 150", "b": [1]})
    assert len(one) == 64
    assert one == rules.digest({"b": [1], "a": "血压 150"})
    assert one != rules.digest({"a": "血压 151", "b": [1]})
