"""One definition, two engines, the same answer, and the answer counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import ibis
import pytest
from django.db import connection

from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.contracting.models import Contract, KeyPerson, PackageItem, Service, ServicePackage, Team
from kangqiao.domain.indicators import queries, rules
from kangqiao.domain.indicators.tests.factories import Network, add_hospital, add_pairing, came, make_network
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.workforce.models import Practitioner

pytestmark = pytest.mark.django_db
START, END = date(2025, 1, 6), date(2025, 2, 3)
NOON = datetime(2025, 1, 10, 4, 0, tzinfo=UTC)


def half_days(network: Network, agreement: Agreement, days: list[date]) -> Practitioner:
    hospital = agreement.hospital
    expert = Practitioner.objects.create(
        name="沈青黛", sex="female", licence_number=f"L{agreement.pk}", title_kind="physician", title_grade="senior",
        organization=hospital,
    )  # fmt: skip
    posting = Posting.objects.create(
        practitioner=expert, centre=agreement.centre, agreement=agreement, starts_on=date(2025, 1, 1),
        ends_on=date(2026, 1, 1), status="posted", policy_ref="x",
    )  # fmt: skip
    roster = Roster.objects.create(
        place=network.city, starts_on=START, ends_on=END, version=agreement.pk % 1000, policy_ref="x", planned_at=NOON
    )
    for index, day in enumerate(days):
        HalfDay.objects.create(
            roster=roster, posting=posting, practitioner=expert, centre=agreement.centre, day=day,
            half="am" if index % 2 else "pm", status="done",
        )  # fmt: skip
    return expert


@pytest.fixture
def network() -> Network:
    """Two hospitals; the first did 2, 5, 3 and 0 of 3 half-days in four weeks, the second nothing."""
    network = make_network()
    add_hospital(network, "people1", "municipal")
    add_hospital(network, "people2", "municipal")
    first = add_pairing(network, "people1", "xiangwan", "xiangzhou", half_days=3)
    add_pairing(network, "people2", "gongbei", "xiangzhou", half_days=3)
    weeks = [(0, 2), (1, 5), (2, 3)]
    days = [START + timedelta(weeks=week, days=index // 2) for week, count in weeks for index in range(count)]
    expert = half_days(network, first, days)
    resident = Resident.objects.create(
        name="林惊蛰", sex="male", birth_date=date(1964, 3, 5), identifier="x1", centre=first.centre
    )
    for origin, posted in (("booking", True), ("walk_in", True), ("walk_in", False)):
        Encounter.objects.create(
            resident=resident, organization=first.centre, practitioner=expert if posted else None, started_at=NOON,
            origin=origin, is_posted_expert=posted,
        )  # fmt: skip
    hospital, centre = first.hospital, first.centre
    ways = [("walk_in", False), ("walk_in", True), ("booking", False), ("gp", False), ("referral", False)]
    came(resident, hospital, ways, NOON)
    refer(resident, centre, hospital, "up", "closed", answered=1)
    refer(resident, centre, hospital, "up", "withdrawn", answered=30)
    refer(resident, hospital, centre, "down", "followed_up", answered=1)
    sign(resident, centre)
    return network


def sign(resident: Resident, centre: Organization) -> None:
    """Two are registered, the first is of a key group, signed after a renewal and served once."""
    other = Resident.objects.create(name="白露", sex="female", birth_date=START, identifier="x2", centre=centre)
    for one in (resident, other):
        Basis.objects.create(resident=one, organization=centre, kind="registered", source="centre", since=NOON)
    KeyPerson.objects.create(resident=resident, group="hypertension", since=START, evidence="record")
    team = Team.objects.create(organization=centre, zh="演示团队", ceiling=9, policy_ref="x")
    held = {"resident": resident, "team": team, "applied_at": NOON, "policy_ref": "x"}
    turn = date(2025, 1, 15)
    old = Contract.objects.create(number="1", status="expired", starts_on=date(2024, 1, 15), ends_on=turn, **held)
    new = Contract.objects.create(
        number="2", status="active", starts_on=turn, ends_on=date(2026, 1, 15), previous=old, **held
    )
    package = ServicePackage.objects.create(organization=centre, code="x", zh="演示", group="everyone", starts_on=START)
    item = PackageItem.objects.create(package=package, act="visit", zh="诊疗", times=4)
    for number in (1, 2):
        Service.objects.create(contract=new, item=item, on=turn, source=f"encounter:{number}")


def refer(
    resident: Resident, sender: Organization, receiver: Organization, direction: str, status: str, answered: int
) -> None:
    Referral.objects.create(
        number=f"R{Referral.objects.count()}", direction=direction, resident=resident, from_organization=sender,
        to_organization=receiver, specialty="cardiology", diagnosis="I10", reason="血压不达标", status=status,
        sent_at=NOON, clock_from=NOON, answer_by=NOON + timedelta(hours=24),
        answered_at=NOON + timedelta(hours=answered), policy_ref="x",
    )  # fmt: skip


EXPECTED = {
    "duty_compliance": {"people1": (8, 12), "people2": (0, 12)},
    "visits_per_half_day": {"people1": (2, 10)},
    "up_referral_in_time": {"people1": (1, 2)},
    "down_referral_ratio": {"people1": (1, 2)},
    "community_visit_share": {"xiangwan": (3, 3), "people1": (0, 5)},
    "visits_by_appointment": {"people1": (3, 4)},
    "visits_through_centre": {"people1": (2, 4)},
    "visits_past_centre": {"xiangwan": (2, 4)},
    "signed_share": {"xiangwan": (1, 2)},
    "key_group_signed_share": {"xiangwan": (1, 1)},
    "contract_served_share": {"xiangwan": (1, 1)},
    "contract_renewal_rate": {"xiangwan": (1, 1)},
}


@pytest.mark.parametrize("indicator", sorted(rules.DEFINITIONS))
def test_postgresql_counts_as_by_hand(network: Network, indicator: str) -> None:
    found = queries.measure_all(indicator, START, END)
    expected = {network.organizations[code].pk: pair for code, pair in EXPECTED[indicator].items()}
    assert {pk: (m.numerator, m.denominator) for pk, m in found.items()} == expected


@pytest.mark.parametrize("indicator", sorted(rules.DEFINITIONS))
def test_duckdb_gives_the_same_answer(network: Network, indicator: str) -> None:
    duck = duckdb.connect()
    facts = {}
    for name, table in queries.fact_tables().items():
        with connection.cursor() as cursor:
            cursor.execute(table.sql)
            rows = cursor.fetchall()
        schema = ibis.schema({column: spec.type for column, spec in table.columns.items()})
        facts[name] = ibis.table(schema, name=f"fact_{name}")
        columns = ", ".join(column.sql(dialect="duckdb") for column in schema.to_sqlglot_column_defs("duckdb"))
        duck.execute(f"CREATE TABLE fact_{name} ({columns})")
        if rows:
            duck.executemany(f"INSERT INTO fact_{name} VALUES ({', '.join('?' * len(table.columns))})", rows)
    found = duck.execute(str(ibis.to_sql(rules.DEFINITIONS[indicator](facts, START, END), dialect="duckdb")))
    names = [column[0] for column in found.description]
    answer = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    ours = queries.measure_all(indicator, START, END)
    assert {row["organization_id"]: Decimal(str(row["numerator"])) for row in answer} == {
        pk: measured.numerator for pk, measured in ours.items()
    }
    assert {row["organization_id"]: Decimal(str(row["denominator"])) for row in answer} == {
        pk: measured.denominator for pk, measured in ours.items()
    }


def test_a_target_agreement_that_restates_the_duty_does_not_double_it(network: Network) -> None:
    relation = network.agreements["xiangwan"]
    target = Agreement.objects.create(
        kind=Agreement.Kind.TARGET, number="MB-1", hospital=relation.hospital, centre=relation.centre,
        starts_on=date(2025, 1, 1), ends_on=date(2026, 1, 1), status="in_force", policy_ref="x",
    )  # fmt: skip
    Duty.objects.create(
        agreement=target, side="hospital", measure="half_days_per_week", zh="坐诊", target=3, unit="half_day/week",
        clause="ZH-3.2.1a", policy_ref="x",
    )  # fmt: skip
    found = queries.measure_all("duty_compliance", START, END)[relation.hospital_id]
    assert (found.numerator, found.denominator) == EXPECTED["duty_compliance"]["people1"]


def test_every_definition_has_a_card_and_every_card_its_facts() -> None:
    assert set(rules.cards()) == set(rules.DEFINITIONS)
    for card in rules.cards().values():
        assert set(card.facts) <= set(queries.fact_tables())


def test_period_before_everything_has_no_figures(network: Network) -> None:
    assert queries.measure_all("up_referral_in_time", date(2001, 1, 1), date(2002, 1, 1)) == {}


def test_value_of_nothing_is_unknown_not_zero() -> None:
    assert rules.value_of(Decimal(0), Decimal(0), "percent") is None
    assert rules.value_of(Decimal(2), Decimal(3), "percent") == Decimal("66.666667")
