"""Which paper answers where and when; what a value knows; what happens when nothing holds."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from kangqiao import policy
from kangqiao.policy.nodes import Problem, read

PACKS = policy.default()
CASES = sorted(PACKS.root.glob("*/cases/*.yaml"))


def load_cases() -> list[Any]:
    problems: list[Problem] = []
    found = []
    for path in CASES:
        for case in read(path, str(path), problems):
            found.append(pytest.param(case, id=f"{path.parent.parent.name}: {case['name']}"))
    assert problems == []
    return found


@pytest.mark.parametrize("case", load_cases())
def test_case_of_a_pack(case: dict[str, Any]) -> None:
    given, expected = case["given"], case["expect"]
    topic, key = given["value"].split(".")
    asked = {"place": case["place"], "date": case["on"]}
    if expected == "no policy":
        with pytest.raises(policy.NoPolicyInForce):
            policy.at(**asked).value(topic, key)
        return

    value = policy.at(**asked).value(topic, key)

    if "in_year" in given:
        assert value.day_in_year(given["in_year"]) == expected
    elif isinstance(expected, dict):
        assert {name: getattr(value, name) for name in expected} == expected
    else:
        assert value.value == (tuple(expected) if isinstance(expected, list) else expected)


def test_every_pack_of_a_place_has_cases() -> None:
    with_cases = {path.parent.parent.name for path in CASES}

    assert with_cases == {pack.id for pack in PACKS.packs.values() if pack.places}


def test_every_parameter_of_the_catalogue_is_held_by_its_pack() -> None:
    missing = []
    for pack in PACKS.packs.values():
        held: dict[tuple[str, str], list[policy.Value]] = {}
        for dated in pack.entries.values():
            for value in dated:
                held.setdefault((value.clause, value.parameter), []).append(value)
        for clause in pack.clauses:
            for name, parameter in clause.parameters.items():
                values = held.get((clause.id, name), [])
                if not _same(parameter["value"], values):
                    missing.append(f"{clause.id}.{name} = {parameter['value']}, held: {[v.value for v in values]}")
                for extra in ("recurs", "own_chcs_count"):
                    if extra in parameter and not _same(parameter[extra], held.get((clause.id, name), [])):
                        missing.append(f"{clause.id}.{name}.{extra}")
    assert missing == []


def _same(wanted: Any, values: list[policy.Value]) -> bool:
    if wanted is None:
        return any(value.setting and value.reason for value in values)
    return any(value.value == wanted or str(value.value) == str(wanted) for value in values if not value.setting)


def test_catalogue_is_complete() -> None:
    counts = {pack.code: len(pack.clauses) for pack in PACKS.packs.values() if pack.clauses}

    assert counts == {"SZ16": 52, "ZH": 60, "FT18": 71, "SZ17": 70, "XH23": 146}
    assert len(PACKS.clauses()) == 399


def test_national_facts_are_settings_that_say_where_they_come_from() -> None:
    values = [value for dated in PACKS.pack("cn-national").entries.values() for value in dated]

    assert values
    assert all(value.setting and value.reason and value.source for value in values)


def test_place_without_a_pack() -> None:
    with pytest.raises(policy.NoPolicyInForce, match="No policy pack covers place 440100") as caught:
        policy.at("440100", date(2026, 1, 1))

    assert "4404" in str(caught.value)


def test_date_before_any_pack_of_the_place() -> None:
    with pytest.raises(policy.NoPolicyInForce, match="zhuhai-lianjian") as caught:
        policy.at("4404", date(2011, 12, 31))

    assert "(2012-01-01 to open)" in str(caught.value)


def test_missing_key_names_place_date_key_and_packs() -> None:
    with pytest.raises(policy.NoPolicyInForce) as caught:
        policy.at("440402", date(2026, 1, 1)).value("roster", "no_such_key")

    for part in ("roster.no_such_key", "440402", "2026-01-01", "zhuhai-lianjian", "cn-national"):
        assert part in str(caught.value)


@pytest.mark.parametrize("place", ["4404", "440400", "440402", "440402-HQ", "440404-GLG", "440402001"])
def test_places_below_the_city_fall_under_its_pack(place: str) -> None:
    assert policy.at(place, date(2026, 1, 1)).ref.pack == "zhuhai-lianjian"


@pytest.mark.parametrize("place", ["44", "440000", "4403", "310104-X9"])
def test_places_above_or_beside_do_not(place: str) -> None:
    assert not PACKS.pack("zhuhai-lianjian").specificity(place)


def test_extension_code_covers_itself_alone() -> None:
    assert policy.covers("440402-HQ", "440402-HQ")
    assert not policy.covers("440402-HQ", "440402-GX")
    assert not policy.covers("440402-HQ", "440402")


def test_nearest_pack_answers_first() -> None:
    futian = policy.at("440304", date(2019, 1, 1))

    assert [pack.id for pack in futian.looked_at] == [
        "futian-2018-seven-synergies",
        "shenzhen-2017-medical-group",
        "shenzhen-2016-experts",
        "cn-national",
    ]
    assert futian.value("roster", "expert_visits_per_centre_month_min").clause == "FT18-2.4g"
    assert futian.value("roster", "experts_per_centre_min").clause == "SZ16-2.1a"
    assert futian.value("slots", "slot_minutes").pack == "cn-national"


def test_later_paper_of_the_same_place_answers_first() -> None:
    assert policy.at("4403", date(2017, 8, 12)).value("referral", "priority_kinds").clause == "SZ16-2.2c"
    assert policy.at("4403", date(2017, 8, 13)).value("referral", "priority_kinds").clause == "SZ17-B5.b"


def test_local_setting_stands_before_the_national_one() -> None:
    value = policy.at("440402", date(2026, 1, 1)).value("referral", "accept_hours_routine")

    assert (value.pack, value.setting, value.clause) == ("zhuhai-lianjian", True, "ZH-4.4c")


def test_value_explains_itself() -> None:
    value = policy.at("440402", date(2026, 1, 1)).value("finance", "city_rate_percent")

    assert (value.value, value.clause, value.force, value.setting) == (12, "ZH-4.2d", "binding", False)
    assert value.since == date(2012, 1, 1)
    assert value.until is None
    assert str(value.ref) == "zhuhai-lianjian@1.0.0#2026-01-01"


def test_reference_reads_back() -> None:
    ref = policy.at("440402", date(2026, 1, 1)).ref

    assert policy.PolicyRef.parse(str(ref)) == ref
    with pytest.raises(policy.PolicyError):
        policy.PolicyRef.parse("zhuhai-lianjian")


def test_typed_readers() -> None:
    p = policy.at("440402", date(2026, 1, 1))

    assert p.number("slots", "reserved_share") == Fraction(1, 2)
    assert p.integer("slots", "slot_minutes") == 15
    assert p.fraction("referral", "accept_hours_emergency") == Fraction(1, 12)
    assert p.time("roster", "morning_start") == time(8, 0)
    assert p.text("roster", "min_title_grade") == "associate_senior"
    assert p.list_("finance", "purposes")[0] == "guidance"
    assert p.day_in_year("publication", "publish_by", 2016) == date(2016, 2, 29)
    assert policy.at("4403", date(2016, 1, 1)).flag("agreements", "own_centres_count") is True
    assert policy.at("4403", date(2017, 9, 1)).day("network", "chc_handover_by") == date(2018, 12, 31)


@pytest.mark.parametrize(
    ("reader", "topic", "key"),
    [
        ("number", "roster", "min_title_grade"),
        ("integer", "slots", "reserved_share"),
        ("text", "slots", "slot_minutes"),
        ("flag", "slots", "slot_minutes"),
        ("time", "slots", "slot_minutes"),
        ("day", "slots", "slot_minutes"),
        ("list_", "slots", "slot_minutes"),
    ],
)
def test_wrong_kind_is_refused(reader: str, topic: str, key: str) -> None:
    with pytest.raises(policy.PolicyError, match=f"{topic}.{key}"):
        getattr(policy.at("440402", date(2026, 1, 1)), reader)(topic, key)


def test_topics_and_values_list_what_holds_that_day() -> None:
    early, late = policy.at("310104", date(2023, 12, 31)), policy.at("310104", date(2024, 1, 1))

    assert "access_planning" in early.topics()
    assert early.value("access_planning", "chc_standard_rate_percent").value == Decimal("61.5")
    assert late.value("access_planning", "chc_standard_rate_percent").value == 75
    assert {value.topic for value in late.values("slots")} == {"slots"}


def test_value_past_its_last_day_holds_no_more() -> None:
    assert policy.at("4403", date(2019, 12, 31)).integer("finance", "contract_subsidy_yuan_per_person") == 120
    with pytest.raises(policy.NoPolicyInForce, match="2017-01-01 to 2019-12-31"):
        policy.at("4403", date(2020, 1, 1)).value("finance", "contract_subsidy_yuan_per_person")


def test_diff_shows_only_what_differs() -> None:
    rows = policy.diff("shenzhen-2016-experts", "zhuhai-lianjian", date(2018, 1, 1))
    by_key = {f"{row.topic}.{row.key}": row for row in rows}

    assert "slots.slot_minutes" not in by_key
    pairing = by_key["agreements.centres_per_hospital_min"]
    assert pairing.a is not None
    assert (pairing.a.value, pairing.b) == (10, None)


def test_diff_of_two_places_and_of_a_pack_folder() -> None:
    day = date(2019, 1, 1)

    assert policy.diff("4403", "440304", day)
    assert policy.diff(str(PACKS.root / "zhuhai-lianjian"), "zhuhai-lianjian", day) == []


def test_data_file_is_a_copy() -> None:
    first = PACKS.pack("zhuhai-lianjian").data("network")
    first["hospitals"].clear()

    again = PACKS.pack("zhuhai-lianjian").data("network")

    assert len(again["hospitals"]) == 7
    with pytest.raises(policy.PolicyError, match="declares no data file"):
        PACKS.pack("zhuhai-lianjian").data("netwrok")


@pytest.mark.clause("ZH-A2a")
def test_zhuhai_network_is_the_printed_table() -> None:
    network = PACKS.pack("zhuhai-lianjian").data("network")
    p = policy.at("4404", date(2026, 1, 1))

    assert len(network["hospitals"]) == p.integer("network", "hospitals_paired")
    assert len(network["centres"]) == p.integer("network", "centres_paired")
    assert [len(hospital["centres"]) for hospital in network["hospitals"]] == [3, 3, 3, 2, 2, 1, 2]
    paired = [centre for hospital in network["hospitals"] for centre in hospital["centres"]]
    assert sorted(paired) == sorted(centre["id"] for centre in network["centres"])


def test_networks_without_names_are_marked_as_stand_ins() -> None:
    luohu = PACKS.pack("shenzhen-2017-medical-group").data("network")
    futian = PACKS.pack("futian-2018-seven-synergies").data("network")

    assert (len(luohu["hospitals"]), len(luohu["centres"]), len(futian["regional_centres"])) == (5, 23, 11)
    assert all(row["stand_in"] for row in luohu["hospitals"] + luohu["centres"] + futian["regional_centres"])


def test_xuhui_tasks_and_glossary_are_carried() -> None:
    xuhui = PACKS.pack("xuhui-2023-capacity")
    tasks = xuhui.data("tasks")["tasks"]
    terms = PACKS.pack("cn-national").data("glossary")["terms"]

    assert len(tasks) == policy.at("310104", date(2024, 1, 1)).integer("tasks", "task_count")
    assert {task for clause in xuhui.clauses for task in clause.tasks} == {task["number"] for task in tasks}
    assert {"zh": "派出医院", "en": "dispatching hospital", "fhir": "Organization"} in terms


def test_unknown_pack_and_clause() -> None:
    with pytest.raises(policy.PolicyError, match="no policy pack 'nowhere'"):
        PACKS.pack("nowhere")
    with pytest.raises(policy.PolicyError, match="no clause 'ZH-99'"):
        PACKS.clause("ZH-99")


def test_packs_folder_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KANGQIAO_PACKS", str(tmp_path))

    assert policy.default_path() == tmp_path
