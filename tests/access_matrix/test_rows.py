"""The second lock: with every scope of Python left out, the database itself gives nobody a foreign row.

Each table that holds a person is read whole, as each role of our side, by the application's own role. What comes back
is compared with the scopes of Python: nothing may be there that they would not show, and of what the ledger of bases
opens nothing may be missing either. Writing what is out of reach changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, models, transaction

from kangqiao.base import acting, rows
from kangqiao.base.checks import every_model_declares_its_rows
from kangqiao.base.models import AuditEvent, Draft, IdempotencyKey, PaperTemplate, StatusChange
from kangqiao.domain.accounts.models import FailureCount, RecoveryCode, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.residents.models import Basis, Consent, Resident
from tests.access_matrix.row_scopes import EXACT, SCOPES
from tests.access_matrix.world import DISTRICT, SEATS, Side
from tests.application_plugin import as_application

Measured = Callable[[str], None]
Sides = dict[str, Side]
ACTORS = (*(role.value for role in SEATS), *DISTRICT)
# The key of a row that is not there yet.
NEW = 10**12
QUICK = ("resident", "gp", "expert", "bureau_officer", "security_admin")


@pytest.fixture
def world(sides: Sides) -> Sides:
    """The four sides, each with a row more of every table that the matrix has none of."""
    for side in sides.values():
        one = side.users[Role.RESIDENT]
        actor = f"user:{one.pk}"
        RecoveryCode.objects.create(user=one, digest=f"digest-{side.key}")
        FailureCount.objects.create(scope="account", key=side.key, user=one, failures=1, since=side.at)
        IdempotencyKey.objects.create(
            key=side.key, by_id=f"{actor}@1:resident", path="/", fingerprint="", created_at=side.at
        )
        Draft.objects.create(owner_id=one.pk, action="/", page="/", sealed=b"", at=side.at)
        PaperTemplate.objects.create(
            kind=side.key, content=b"", by_id=actor, by_name="", uploaded_at=side.at, retired_at=side.at
        )
        AuditEvent.objects.create(
            kind="read", at=side.at, by_id=f"user:{side.users[Role.GP].pk}", by_name="", action="a",
            organization_id=side.centre.pk, subject_type="residents.resident", resident_id=side.resident.pk,
        )  # fmt: skip
        for subject in (side.booking, side.referral, side.question, side.agreement):
            StatusChange.objects.create(
                subject_type=subject._meta.label_lower, subject_id=subject.pk, process="p", action="a", to_status="x",
                by_id=actor, by_name="", at=side.at, reason=side.mark("resident"),
            )  # fmt: skip
    return sides


@contextmanager
def seated(seat: Seat | None) -> Iterator[None]:
    """The database is asked by the application's role, from a seat; nothing stays."""
    with as_application(), transaction.atomic():
        acting.as_seat(seat, request="the-rows-test")
        yield
        transaction.set_rollback(True)


def seat(side: Side, actor: str) -> Seat:
    """The seat of somebody of a side."""
    found = seat_of(side.users[actor], None)
    assert found is not None
    return found


def ids(model: type[models.Model], statement: str) -> set[int]:
    """The keys a statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(table=f'"{model._meta.db_table}"', key=f'"{model._meta.pk.column}"'))
        return {row[0] for row in cursor.fetchall()}


def in_reach(model: type[models.Model], who: Seat) -> set[int]:
    """The keys Python's own scope allows, as the owner reads them."""
    return set(model._default_manager.filter(SCOPES[model._meta.label](who)).order_by().values_list("pk", flat=True))


def reads(world: Sides, actor: str) -> tuple[int, list[str]]:
    """How many foreign rows there are, and what is wrong: one that is seen, or an own one that is not."""
    who, foreign, found = seat(world["own"], actor), 0, []
    for model in rows.protected():
        label = model._meta.label
        everybodys, allowed = ids(model, "SELECT {key} FROM {table}"), in_reach(model, who)
        with seated(who):
            seen = ids(model, "SELECT {key} FROM {table}")
        foreign += len(everybodys - allowed)
        found += [f"{actor} sees {len(seen - allowed)} foreign rows of {label}"] if seen - allowed else []
        if label in EXACT and allowed - seen:
            found.append(f"{actor} misses {len(allowed - seen)} rows of {label}")
    return foreign, found


def written(who: Seat, model: type[models.Model], allowed: set[int], foreign: int) -> Iterator[str]:
    """What a foreign row suffers, or lets in: changes, removals, a copy of it as a row of one's own making."""
    label, table, key = model._meta.label, model._meta.db_table, model._meta.pk.column
    for verb, statement in (
        ("changes", f'UPDATE {{table}} SET "{key}" = "{key}" RETURNING {{key}}'),
        ("removes", "DELETE FROM {table} RETURNING {key}"),
    ):
        with seated(who):
            touched = _unless_refused(model, statement) - allowed
        if touched:
            yield f"{who.role} {verb} {len(touched)} foreign rows of {label}"
    if rows.declared(model).added:  # type: ignore[union-attr]
        return
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(r)::text FROM "{table}" r WHERE "{key}" = %s', [foreign])
        row = json.loads(cursor.fetchone()[0]) | {key: NEW}
    copy = json.dumps(row).replace("'", "''").replace("{", "{{").replace("}", "}}")
    copied = f"INSERT INTO {{table}} SELECT * FROM jsonb_populate_record(NULL::{{table}}, '{copy}') RETURNING {{key}}"
    with seated(who):
        if _unless_refused(model, copied):
            yield f"{who.role} puts a foreign row into {label}"


def _unless_refused(model: type[models.Model], statement: str) -> set[int]:
    """The keys a statement touches; none where policies or privileges refuse it."""
    try:
        return ids(model, statement)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            raise
        return set()


def writes(world: Sides, actor: str) -> tuple[int, list[str]]:
    """Every table with a foreign row, written to as this role."""
    who, found, tried = seat(world["own"], actor), [], 0
    for model in rows.protected():
        allowed = in_reach(model, who)
        foreign = ids(model, "SELECT {key} FROM {table}") - allowed
        if foreign:
            tried += 1
            found += written(who, model, allowed, max(foreign))
    return tried, found


@pytest.mark.trust("T-ACL-7", "0 foreign rows on every table with a person, read by a few roles")
@pytest.mark.parametrize("actor", QUICK)
def test_a_few_roles_read_no_foreign_row(actor: str, world: Sides, measured: Measured) -> None:
    foreign, found = reads(world, actor)

    assert foreign > 50
    assert not found, "\n".join(("", *found))
    measured(f"{actor}: 0 of {foreign} foreign rows")


@pytest.mark.slow
@pytest.mark.trust("T-ACL-7")
@pytest.mark.parametrize("side", ["own", "partner", "former", "stranger"])
def test_nobody_reads_or_writes_a_foreign_row(side: str, world: Sides, measured: Measured) -> None:
    world["own"], tables, total = world[side], 0, 0
    for actor in ACTORS:
        foreign, found = reads(world, actor)
        tried, wrote = writes(world, actor)
        assert not (found + wrote), "\n".join(("", *found, *wrote))
        tables, total = tables + tried, total + foreign

    measured(f"{side}, {len(ACTORS)} roles: 0 of {total} foreign rows read, 0 written in {tables} tables")


@pytest.mark.trust("T-ACL-7", "nobody set: zero rows, and nothing stays for the next transaction")
def test_who_set_nothing_sees_nothing(world: Sides, measured: Measured) -> None:
    tables = rows.protected()
    filled = {model._meta.label for model in tables if ids(model, "SELECT {key} FROM {table}")}

    with as_application(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"set_config('kangqiao.{name}', '', true)" for name in acting.NAMES))
        nobody = {model._meta.label: ids(model, "SELECT {key} FROM {table}") for model in tables}
    with seated(None):
        stranger = {model._meta.label: ids(model, "SELECT {key} FROM {table}") for model in tables}

    assert filled == {model._meta.label for model in tables}, "each of these tables must hold a row to be hidden"
    assert not any(nobody.values()), nobody
    assert {label for label, found in stranger.items() if found} == {"publication.Publication"}
    measured(f"{len(tables)} tables, 0 rows")


@pytest.mark.django_db(transaction=True)
def test_settings_end_with_their_transaction() -> None:
    User.objects.create(username="somebody", name="somebody")

    with as_application():
        with acting.as_system("first"):
            first = ids(User, "SELECT {key} FROM {table}")
        with transaction.atomic():
            second = ids(User, "SELECT {key} FROM {table}")

    assert first
    assert not second


def test_a_row_cannot_be_handed_to_somebody_out_of_reach(world: Sides) -> None:
    ours, stranger = world["own"], world["stranger"]

    with seated(seat(ours, Role.GP)), connection.cursor() as cursor, pytest.raises(ProgrammingError) as refused:
        cursor.execute(
            "UPDATE records_condition SET resident_id = %s WHERE id = %s", [stranger.resident.pk, ours.condition.pk]
        )

    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_a_refusal_a_withdrawal_and_an_end_count_at_once(world: Sides) -> None:
    ours = world["own"]
    doctor = seat(ours, Role.EXPERT)
    sees = "SELECT {key} FROM {table} WHERE id = " + str(ours.resident.pk)
    refusal = ours.add(
        "refusal", Consent, decision="refuse", purpose="record", resident=ours.resident, organization=ours.hospital,
        given_by=ours.users[Role.RESIDENT], since=ours.at - timedelta(hours=1),
    )  # fmt: skip
    with seated(doctor):
        while_refused = ids(Resident, sees)
    Consent.objects.filter(pk=refusal.pk).update(
        withdrawn_at=ours.at - timedelta(minutes=1), withdrawn_by=ours.users[Role.RESIDENT]
    )
    with seated(doctor):
        after = ids(Resident, sees)
    Basis.objects.filter(organization=ours.hospital).update(until=ours.at - timedelta(minutes=1))
    with seated(doctor):
        ended = ids(Resident, sees)

    assert (while_refused, after, ended) == (set(), {ours.resident.pk}, set())


@pytest.mark.trust("T-ACL-0", "every model has one scope, or start-up fails")
def test_a_model_without_a_scope_stops_the_start(monkeypatch: pytest.MonkeyPatch, measured: Measured) -> None:
    declared = [model for model in apps.get_models() if rows.declared(model) is not None]

    assert not every_model_declares_its_rows(None)
    monkeypatch.delattr(Resident.Privacy, "rows")
    assert [error.id for error in every_model_declares_its_rows(None)] == ["kangqiao.E002"]
    measured(f"{len(declared)} models declare theirs, {len(rows.protected())} have a policy")


def test_every_table_that_names_a_person_has_a_policy_or_says_why() -> None:
    personal = {
        model._meta.label
        for model in apps.get_models()
        if getattr(model, "Privacy", None) and (model.Privacy.identifying or model.Privacy.clinical)
    }

    assert personal - {model._meta.label for model in rows.protected()} == set()
    assert {model._meta.label for model in rows.protected()} == set(SCOPES)


@pytest.mark.django_db
def test_the_role_owns_nothing_and_changes_nothing_written_once() -> None:
    with as_application(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user")
        owned = cursor.fetchone()[0]
        refused = []
        for statement in (
            "CREATE TABLE mine (n int)", "UPDATE base_auditevent SET action = ''", "DELETE FROM base_statuschange",
            "TRUNCATE residents_resident", "ALTER TABLE residents_resident DISABLE ROW LEVEL SECURITY",
            "DROP POLICY kangqiao_rows ON residents_resident", "INSERT INTO django_migrations (app) VALUES ('x')",
        ):  # fmt: skip
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(statement)
            refused.append(statement)

    assert owned == 0
    assert len(refused) == 7
