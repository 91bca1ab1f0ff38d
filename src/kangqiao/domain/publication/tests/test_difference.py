"""What differs between two lists: a row whose term or title moved is one change, not a removal and an addition."""

from kangqiao.domain.publication.rules import difference

ROW = {
    "name": "沈青黛",
    "title": "副主任医师",
    "specialty": "儿科",
    "place": "香湾",
    "starts_on": "2026-01-01",
    "ends_on": "2026-06-30",
}


def told(old: list[dict[str, str]], new: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    found = difference({"experts_planned": old}, {"experts_planned": new})
    return [(one.kind, one.before.get("ends_on", ""), one.row["ends_on"]) for one in found]


def test_a_longer_term_is_a_change() -> None:
    assert told([ROW], [ROW | {"ends_on": "2026-12-31"}]) == [("changed", "2026-06-30", "2026-12-31")]


def test_another_place_or_first_day_is_another_row() -> None:
    other = ROW | {"starts_on": "2027-01-01", "ends_on": "2027-06-30"}

    assert told([ROW], [other]) == [("added", "", "2027-06-30"), ("removed", "", "2026-06-30")]
    assert told([ROW], [ROW, other]) == [("added", "", "2027-06-30")]
    assert told([ROW], [ROW]) == []
