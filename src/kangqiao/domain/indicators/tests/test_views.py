"""The pages of figures: who sees what, how little is hidden, where bad addresses lead."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.indicators import queries, rules
from kangqiao.domain.indicators.tests.factories import (
    Network,
    add_hospital,
    add_pairing,
    came,
    make_network,
    signed_in,
    sit,
)
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.workforce.models import Practitioner

pytestmark = pytest.mark.django_db
DUTY = "duty_compliance"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-01-20 10:00 +0800", tick=False):
        yield


@pytest.fixture
def network() -> Network:
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_hospital(network, "people2", "municipal")
    done(network, add_pairing(network, "people1", "xiangwan", "xiangzhou", half_days=3))
    add_pairing(network, "people2", "gongbei", "xiangzhou", half_days=3)
    return network


def done(network: Network, agreement: Agreement, weeks: int = 4) -> None:
    """Three half-days a week kept at the start of 2025."""
    expert = Practitioner.objects.create(
        name="沈青黛", sex="female", licence_number=f"L{agreement.pk}", title_kind="physician", title_grade="senior",
        organization=agreement.hospital,
    )  # fmt: skip
    posting = Posting.objects.create(
        practitioner=expert, centre=agreement.centre, agreement=agreement, starts_on=date(2025, 1, 1),
        ends_on=date(2026, 1, 1), status="posted", policy_ref="x",
    )  # fmt: skip
    start = date(2025, 1, 6)
    roster = Roster.objects.create(
        place=network.city, starts_on=start, ends_on=start + timedelta(weeks=weeks), policy_ref="x",
        planned_at="2025-01-01T00:00Z",
    )  # fmt: skip
    for number in range(weeks * 3):
        day = start + timedelta(weeks=number // 3, days=number % 3)
        HalfDay.objects.create(
            roster=roster, posting=posting, practitioner=expert, centre=agreement.centre, day=day, half="am",
            status="done",
        )  # fmt: skip


def address(name: str, *parts: object, year: int = 2025) -> str:
    return f"{reverse(f'indicators-{name}', args=parts)}?year={year}"


def test_bureau_sees_each_hospital_with_numerator_and_denominator(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    page = client.get(address("detail", DUTY)).content.decode()
    assert "people1" in page
    assert "people2" in page
    assert "156" in page
    assert "ZH-3.2.1a" in page
    assert "文件未规定，此处自设" in page


def test_hospital_sees_itself_alone(network: Network) -> None:
    client = signed_in(sit(network.organizations["people1"], "hospital_director"))
    page = client.get(address("detail", DUTY)).content.decode()
    assert "people1" in page
    assert "people2" not in page
    assert client.get(address("rows", DUTY, network.organizations["people1"].pk)).status_code == 200
    assert client.get(address("rows", DUTY, network.organizations["people2"].pk)).status_code == 404


def test_rows_hold_days_and_places_and_never_a_person(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    page = client.get(address("rows", DUTY, network.organizations["people1"].pk)).content.decode()
    assert "2025-01-06" in page
    assert "xiangwan" in page
    assert "沈青黛" not in page
    assert (
        "resident_id"
        not in client.get(
            address("rows", "community_visit_share", network.organizations["people1"].pk)
        ).content.decode()
    )


def test_small_denominator_shows_neither_value_nor_rows(network: Network) -> None:
    hospital = network.organizations["people1"]
    HalfDay.objects.exclude(pk__in=HalfDay.objects.order_by("pk").values("pk")[:9]).delete()
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    assert "分母不足 10，不显示" in client.get(address("detail", "visits_per_half_day")).content.decode()
    rows = client.get(address("rows", "visits_per_half_day", hospital.pk)).content.decode()
    assert "分母过小" in rows
    assert "2025-01-06" not in rows
    book = openpyxl.load_workbook(io.BytesIO(client.get(address("detail", "visits_per_half_day") + "&as=xlsx").content))
    hospital_row = next(row for row in book.active.values if row[0].startswith(hospital.short_zh))
    assert "不显示" in hospital_row[1]
    assert not any(hospital_row[2:])


def test_year_to_date_is_another_period(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    assert "2026-01-20" in client.get(address("list", year=2026)).content.decode()
    assert "2026-01-01" in client.get(address("list", year=1066)).content.decode()


def test_stranger_city_finds_nothing_and_unknown_indicator_is_not_found(network: Network) -> None:
    other = Place.objects.create(code="4403", zh="深圳市")
    bureau = type(network.organizations["bureau"]).objects.create(
        code="sz", kind="health_bureau", zh="深圳市卫生局", short_zh="深圳", place=other
    )
    client = signed_in(sit(bureau, "bureau_officer"))
    assert "people1" not in client.get(address("detail", DUTY)).content.decode()
    assert client.get(address("rows", DUTY, network.organizations["people1"].pk)).status_code == 404
    assert client.get(address("detail", "nothing")).status_code == 404


def test_gp_may_not_open_figures_and_nobody_without_signing_in(network: Network, client) -> None:
    gp = signed_in(sit(network.organizations["xiangwan"], "gp"))
    assert gp.get(address("list")).status_code == 403
    assert client.get(address("list")).status_code == 302


def test_page_asks_the_database_the_same_however_many_hospitals(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    client.get(address("detail", DUTY))
    with CaptureQueriesContext(connection) as few:
        client.get(address("detail", DUTY))
    for number in range(5):
        add_hospital(network, f"more{number}", "municipal")
        add_pairing(network, f"more{number}", f"centre{number}", "xiangzhou", half_days=3)
    with CaptureQueriesContext(connection) as many:
        client.get(address("detail", DUTY))
    assert len(many) == len(few)


def lines_of(page: str) -> list[str]:
    """The rows of the table of hospitals, as text."""
    table = page[page.index("医院，并排看") :]
    body = table[table.index("<tbody") : table.index("</tbody>")]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body.split("<tr")[1:]]


def test_board_puts_the_hospitals_side_by_side_and_marks_who_misses_a_target(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))

    page = client.get(address("list")).content.decode()
    assert ["people1" in row for row in lines_of(page)] == [True, False]  # misses the visits as well
    by_column = lines_of(client.get(address("list") + f"&by={DUTY}").content.decode())
    by_name = lines_of(client.get(address("list") + "&by=name").content.decode())

    assert address("rows", DUTY, network.organizations["people1"].pk) in page
    assert ["people1" in row for row in by_name] == [True, False]
    assert ["people2" in row for row in by_column] == [True, False]  # nothing done: the widest gap
    assert "0.0 ▼" in by_column[0]
    assert "7.7 ▼" in by_column[1]
    assert "未达标" in by_column[1]


def test_board_as_a_workbook_holds_the_table_and_an_unknown_order_is_none(network: Network) -> None:
    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))

    book = openpyxl.load_workbook(io.BytesIO(client.get(address("list") + "&as=xlsx").content))
    cells = [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]

    assert client.get(address("list") + "&by=' or 1=1").status_code == 200
    assert any("people1" in str(cell) for cell in cells)


def test_board_of_one_house_has_no_table_and_asks_the_same_of_the_database_however_many(network: Network) -> None:
    own = signed_in(sit(network.organizations["people1"], "hospital_director"))
    assert "并排看" not in own.get(address("list")).content.decode()

    client = signed_in(sit(network.organizations["bureau"], "bureau_officer"))
    client.get(address("list"))
    with CaptureQueriesContext(connection) as few:
        client.get(address("list"))
    for number in range(5):
        add_hospital(network, f"more{number}", "municipal")
        add_pairing(network, f"more{number}", f"centre{number}", "xiangzhou", half_days=3)
    with CaptureQueriesContext(connection) as many:
        client.get(address("list"))
    assert len(many) == len(few)


def test_target_agreement_does_not_double_the_duty_owed(network: Network) -> None:
    pair = network.agreements["xiangwan"]
    before = queries.measure_all(DUTY, date(2025, 1, 1), date(2026, 1, 1))[pair.hospital_id]
    target = Agreement.objects.create(
        kind=Agreement.Kind.TARGET, number="MB-1", hospital=pair.hospital, centre=pair.centre,
        starts_on=date(2025, 1, 1), ends_on=date(2026, 1, 1), status="in_force", policy_ref="x",
    )  # fmt: skip
    for duty in pair.duties.all():
        duty.pk, duty.agreement = None, target
        duty.save()
    after = queries.measure_all(DUTY, date(2025, 1, 1), date(2026, 1, 1))[pair.hospital_id]
    assert (before.denominator, before.numerator) == (156, 12)
    assert (after.denominator, after.numerator) == (before.denominator, before.numerator)


def test_district_without_a_hospital_sees_the_figures_of_those_that_serve_it_and_no_facts(network: Network) -> None:
    jinwan = network.places["jinwan"]
    add_pairing(network, "people1", "hongqi", "jinwan", half_days=3)
    bureau = type(network.organizations["bureau"]).objects.create(
        code="jinwan-health", kind="health_bureau", zh="金湾区卫生局", short_zh="金湾", place=jinwan
    )
    client = signed_in(sit(bureau, "bureau_officer"))

    page = client.get(address("detail", DUTY)).content.decode()
    rows = {
        name: client.get(address("rows", DUTY, network.organizations[name].pk)).status_code
        for name in ("people1", "people2")
    }

    assert "对口本地，只看合计数" in page
    assert "people1" in page
    assert "people2" not in page
    assert rows == {"people1": 404, "people2": 404}


def test_trend_shows_the_last_eight_quarters(network: Network) -> None:
    bureau = sit(network.organizations["bureau"], "bureau_officer")
    page = signed_in(bureau).get(address("detail", DUTY)).content.decode()
    found = queries.trend(bureau, queries.get_card(DUTY), queries.period_of(2025, date(2026, 1, 20)))
    table = page[page.index("看数") :]

    assert [point.label for point in found.points] == [f"{year} Q{n}" for year in (2024, 2025) for n in (1, 2, 3, 4)]
    assert found.points[4].value > 0  # type: ignore[operator]
    assert {point.value for point in found.points if point.label != "2025 Q1"} == {0}
    assert table.count("<tr>") >= 9
    assert 'class="trend"' in page


def test_card_has_a_curve_and_the_same_numbers_stand_in_a_table(network: Network) -> None:
    bureau = sit(network.organizations["bureau"], "bureau_officer")
    found = queries.board(bureau, queries.period_of(2025, date(2026, 1, 20)))
    duty = next(one for one in found.figures if one.card.key == DUTY)
    page = signed_in(bureau).get(address("list")).content.decode()
    card = page.split(f'href="{reverse("indicators-detail", args=(DUTY,))}?year=2025"')[1].split("</a>")[0]
    table = page.split("和卡片上的曲线是同一组数")[1].split("</details>")[0]
    row = next(one for one in table.split("<tr>") if reverse("indicators-detail", args=(DUTY,)) in one)

    quarters = queries.trend(bureau, queries.get_card(DUTY), queries.period_of(2025, date(2026, 1, 20)))
    assert duty.curve is not None
    assert [(one.label, one.value) for one in duty.curve.points] == [
        (one.label, one.value) for one in quarters.points[-6:]
    ]
    assert card.count("<line") == 6, "five joints of six quarters, and the target"
    assert 'class="goal"' in card
    assert "从 2024 Q3 的 0.0 到 2025 Q4" in card
    assert [float(one) for one in re.findall(r'class="num">([\d.]+)<', row)] == [
        pytest.approx(float(one.value), abs=0.05) for one in quarters.points[-6:] if one.value is not None
    ]
    assert "≥100" in row


def test_too_few_to_show_are_a_gap_in_the_curve_too(network: Network) -> None:
    HalfDay.objects.exclude(pk__in=HalfDay.objects.order_by("pk").values("pk")[:9]).delete()
    bureau = sit(network.organizations["bureau"], "bureau_officer")
    found = queries.board(bureau, queries.period_of(2025, date(2026, 1, 20)))
    visits = next(one for one in found.figures if one.card.key == "visits_per_half_day")

    assert visits.curve is not None
    assert {one.value for one in visits.curve.points} == {None}
    page = signed_in(bureau).get(address("list")).content.decode()
    card = page.split(f'href="{reverse("indicators-detail", args=("visits_per_half_day",))}?year=2025"')[1]
    assert 'class="spark"' not in card.split("</a>")[0]


def test_board_counts_everything_in_one_statement(network: Network) -> None:
    bureau = sit(network.organizations["bureau"], "bureau_officer")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        queries.board(bureau, queries.period_of(2025, date(2026, 1, 20)))

    assert len([one for one in asked.captured_queries if "fact_encounter" in one["sql"]]) == 1


def test_several_at_once_are_what_each_is_alone(network: Network) -> None:
    spans = [(date(2025, 1, 1), date(2025, 2, 1)), (date(2025, 1, 1), date(2026, 1, 1))]
    together = queries.measure_many(list(rules.cards()), spans)

    assert together == {key: [queries.measure_all(key, *span) for span in spans] for key in rules.cards()}
    assert together[DUTY][0] != together[DUTY][1]
    assert together[DUTY][0]


def resident_of(network: Network, centre: str) -> Resident:
    return Resident.objects.create(
        name="林惊蛰", sex="male", birth_date=date(1964, 3, 5), identifier="x1", centre=network.organizations[centre]
    )


@pytest.mark.clause("XH23-5.1.2a")
def test_of_a_thousand_planned_visits_the_shares_booked_and_through_centres_are_shown(network: Network) -> None:
    hospital = network.organizations["people1"]
    ways = {("walk_in", False): 180, ("booking", False): 520, ("gp", False): 200, ("referral", False): 100}
    ways[("walk_in", True)] = 50  # emergencies count on neither side
    came(
        resident_of(network, "gongbei"), hospital, [way for way, count in ways.items() for _ in range(count)],
        datetime(2025, 1, 10, 4, 0, tzinfo=UTC),
    )  # fmt: skip
    client = signed_in(sit(hospital, "hospital_director"))

    for indicator, shown in (("visits_by_appointment", ("82", "820")), ("visits_through_centre", ("30", "300"))):
        page = re.sub(r"<[^>]+>|\s", " ", client.get(address("detail", indicator)).content.decode())
        assert all(re.search(rf"\b{one}\b", page) for one in (*shown, "1,000")), page


@pytest.mark.clause("ZH-4.4a")
def test_of_ten_hospital_visits_six_without_a_referral_count_as_past_the_centre(network: Network) -> None:
    ways = [("referral", False)] * 4 + [("walk_in", False)] * 4 + [("booking", False)] * 2 + [("walk_in", True)]
    noon = datetime(2025, 1, 10, 4, 0, tzinfo=UTC)
    came(resident_of(network, "gongbei"), network.organizations["people1"], ways, noon)
    client = signed_in(sit(network.organizations["gongbei"], "centre_manager"))

    page = re.sub(r"<[^>]+>|\s", " ", client.get(address("detail", "visits_past_centre")).content.decode())
    rows = client.get(address("rows", "visits_past_centre", network.organizations["gongbei"].pk)).content.decode()

    assert all(re.search(rf"\b{one}\b", page) for one in ("60", "6", "10")), page
    assert rows.count("people1") == 6 + 10  # of each side
