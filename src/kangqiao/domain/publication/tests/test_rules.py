"""Lateness, digest and difference, without a database."""

from datetime import date

from kangqiao.domain.publication import rules

ROW = {
    "name": "沈青黛",
    "title": "正高级",
    "specialty": "内科",
    "place": "香湾",
    "starts_on": "2025-01-01",
    "ends_on": "2026-01-01",
}


def test_days_late() -> None:
    assert rules.days_late(date(2016, 2, 29), date(2016, 2, 29)) == 0
    assert rules.days_late(date(2016, 3, 1), date(2016, 2, 29)) == 1


def test_digest_depends_on_content_not_on_key_order() -> None:
    assert rules.digest({"a": 1, "b": [1, 2]}) == rules.digest({"b": [1, 2], "a": 1})
    assert rules.digest({"a": 1}) != rules.digest({"a": 2})


def test_difference_names_added_and_removed_rows() -> None:
    moved = {**ROW, "place": "狮山"}
    found = rules.difference({"experts_planned": [ROW]}, {"experts_planned": [moved]})
    assert [(change.kind, change.row["place"]) for change in found] == [("added", "狮山"), ("removed", "香湾")]
    assert rules.difference({"chc_list": []}, {"chc_list": []}) == []
