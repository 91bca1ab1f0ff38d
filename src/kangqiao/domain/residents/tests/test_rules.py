"""How search text is read."""

from datetime import date

import pytest

from kangqiao.domain.residents.rules import age_on, read_line, read_search


@pytest.mark.parametrize(
    ("typed", "key", "tail"),
    [
        (" Lin Jing Zhe ", "linjingzhe", ""),
        ("林惊蛰", "林惊蛰", ""),
        ("阿依古丽•热合曼", "阿依古丽热合曼", ""),
        ("121x", "", "121X"),
        ("1216", "", "1216"),
        ("154-0000-0427", "", "15400000427"),
        ("121", "121", ""),
        ("xxxx", "xxxx", ""),
        ("  ", "", ""),
    ],
)
def test_text_is_a_key_or_the_tail_of_a_number(typed: str, key: str, tail: str) -> None:
    found = read_search(typed)

    assert (found.key, found.tail) == (key, tail)
    assert found.is_empty is (key == tail == "")


@pytest.mark.parametrize(
    ("day", "years"), [((2026, 3, 4), 61), ((2026, 3, 5), 62), ((2026, 12, 31), 62), ((1964, 3, 5), 0)]
)
def test_age_turns_on_the_birthday(day: tuple[int, int, int], years: int) -> None:
    assert age_on((1964, 3, 5), day) == years


CITIZEN = "440402195603210015"
LINE = {"姓名": "李桂兰", "证件号": CITIZEN}
OTHER = {"证件号": "E1", "性别": "女"}
ASKED = ("证件号", "other_paper", False)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({}, []),
        ({"姓名": ""}, [("姓名", "missing", True)]),
        ({"证件号": ""}, [("证件号", "missing", True), ("性别", "missing", True), ("出生日期", "missing", True)]),
        ({**OTHER, "证件号": "440402195603210016", "出生日期": "1956-3-21"}, [("证件号", "check_digit", True)]),
        ({"证件号": "440402195603210016"}, [("证件号", "check_digit", True)]),
        ({**OTHER, "证件号": "4.40402E+17", "出生日期": "1956-3-21"}, [("证件号", "by_excel", True)]),
        ({**OTHER, "出生日期": "1956年3月21日"}, [ASKED]),
        ({"性别": "女"}, [("性别", "not_as_id", True)]),
        ({"性别": "M"}, [("性别", "choice", True)]),
        ({"出生日期": "1956-03-22"}, [("出生日期", "not_as_id", True)]),
        ({"出生日期": "1956-02-31"}, [("出生日期", "date", True)]),
        ({"出生日期": "19560321"}, []),
        ({**OTHER, "出生日期": "2026-05-15"}, [ASKED, ("出生日期", "ahead", True)]),
        ({**OTHER, "出生日期": "1903-01-01"}, [ASKED, ("出生日期", "old", True)]),
        ({**OTHER, "出生日期": "1920-01-01"}, [ASKED, ("出生日期", "old", False)]),
        ({"电话": "老李家"}, [("电话", "phone", False)]),
        ({"医保": "新农合"}, [("医保", "choice", True)]),
        ({"姓名": "李\u200b四"}, [("姓名", "unseen", True)]),
        ({"地址": "路" * 201}, [("地址", "long", True)]),
        ({"姓名": "阿依古丽·买买提", "医保": "职工医保"}, []),
    ],
)
def test_line_of_a_register_is_read(given: dict[str, str], faults: list[tuple[str, str, bool]]) -> None:
    assert list(read_line(LINE | given, date(2026, 5, 14)).faults) == faults


def test_line_of_a_register_takes_sex_and_birth_date_from_the_citizen_id() -> None:
    values = read_line(LINE, date(2026, 5, 14)).values

    assert (values["sex"], values["birth_date"], values["insurance"]) == ("male", date(1956, 3, 21), "resident")
