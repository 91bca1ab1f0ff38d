from __future__ import annotations

from datetime import date

import pytest

from kangqiao.domain.contracting import rules

WANTED = ("preventive", "clinical", "nursing")


@pytest.mark.clause("ZH-4.5b")
def test_team_without_a_nurse_is_not_whole() -> None:
    verdict = rules.team_is_whole(["gp", "public_health"], WANTED, has_lead=True, clause="ZH-4.5b")

    assert not verdict
    assert "护理" in verdict.reason
    assert verdict.clause == "ZH-4.5b"


def test_team_with_all_three_is_whole_and_needs_its_lead() -> None:
    kinds = ["gp", "nurse", "public_health", "pharmacist"]

    assert rules.team_is_whole(kinds, WANTED, has_lead=True, clause="")
    assert "牵头" in rules.team_is_whole(kinds, WANTED, has_lead=False, clause="").reason


@pytest.mark.parametrize(
    ("kind", "title", "field", "fits"),
    [
        ("gp", "physician", "clinical", True), ("gp", "nurse", "clinical", False), ("nurse", "nurse", "clinical", True),
        ("tcm", "physician", "clinical", False), ("public_health", "technician", "mch", True),
    ],
)  # fmt: skip
def test_member_fits_by_title_and_field(kind: str, title: str, field: str, fits: bool) -> None:
    assert bool(rules.member_fits(kind, title, field)) is fits


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("香洲区香湾辖区演示路37号", ("香洲区香湾辖区演示路", 37)),
        ("演示路12号3栋502", ("演示路", 12)),
        ("演示新村", None),
        ("", None),
    ],
)
def test_address_is_read_up_to_the_house_number(text: str, read: object) -> None:
    assert rules.read_address(text) == read


def test_renewing_opens_and_closes_on_its_days() -> None:
    ends = date(2027, 3, 2)

    assert not rules.may_renew(ends, date(2027, 1, 30), 30, 90)
    assert rules.may_renew(ends, date(2027, 1, 31), 30, 90)
    assert rules.may_renew(ends, date(2027, 5, 30), 30, 90)
    assert not rules.may_renew(ends, date(2027, 5, 31), 30, 90)


def test_groups_by_age_and_record() -> None:
    bounds = {"elderly_from": 65, "child_below": 7, "conditions": {"hypertension": ["I10"]}}

    assert rules.groups_of(date(1961, 3, 2), ["I10"], date(2026, 3, 2), **bounds) == {"elderly", "hypertension"}
    assert rules.groups_of(date(1961, 3, 3), [], date(2026, 3, 2), **bounds) == set()
    assert rules.groups_of(date(2019, 3, 3), [], date(2026, 3, 2), **bounds) == {"child"}
    assert rules.groups_of(date(2019, 3, 2), [], date(2026, 3, 2), **bounds) == set()


def test_an_act_fulfils_one_item_the_closest() -> None:
    items = [(1, "visit", []), (2, "follow_up", ["I10"]), (3, "referral", [])]

    assert rules.item_of("visit", "I10", items) == 2
    assert rules.item_of("visit", "J06", items) == 1
    assert rules.item_of("referral", "", items) == 3
    assert rules.item_of("visit", "J06", items[1:]) is None


@pytest.mark.clause("ZH-4.5a")
def test_teams_needed_for_the_people_served() -> None:
    assert rules.teams_needed(40_000, 8_000) == 5
    assert rules.teams_needed(40_001, 8_000) == 6
