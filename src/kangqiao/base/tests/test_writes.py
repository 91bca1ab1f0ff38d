"""The database itself traces every write, whoever makes it and however, and keeps what is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import ProgrammingError, connection, models, transaction

from kangqiao.base import writes
from kangqiao.base.bulk import copy_rows
from kangqiao.base.models import AuditEvent
from kangqiao.domain.institutions.models import Place

pytestmark = pytest.mark.django_db


def run(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def written(model: type[models.Model] = Place) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(kind="write", subject_type=model._meta.label_lower).order_by("id"))


def place(code: str = "9901", **fields: str) -> Place:
    return Place.objects.create(code=code, zh="演示市", **fields)


def places(count: int, prefix: str = "99") -> Iterator[tuple[object, ...]]:
    return ((f"{prefix}{number:04}", "演示区", "", None, False) for number in range(count))


COLUMNS = ("code", "zh", "en", "part_of", "is_functional_zone")


class TestWhatIsSeen:
    def test_insert_names_the_row_and_no_value(self) -> None:
        one = place()

        (event,) = written()
        assert (event.action, event.subject_id, event.detail, event.resident_id) == ("insert", one.pk, {}, None)
        assert (event.outcome, event.basis, event.policy_ref) == ("success", "", "")

    def test_update_names_the_columns_that_changed(self) -> None:
        one = place()
        Place.objects.filter(pk=one.pk).update(en="Demo", zh="演示市")

        assert (written()[-1].action, written()[-1].subject_id) == ("update", one.pk)
        assert written()[-1].detail == {"columns": ["en"]}

    def test_update_that_changes_nothing_leaves_nothing(self) -> None:
        one = place()
        one.save()

        assert [event.action for event in written()] == ["insert"]

    def test_delete_is_seen(self) -> None:
        one = place()
        gone = one.pk
        one.delete()

        assert [(event.action, event.subject_id) for event in written()] == [("insert", gone), ("delete", gone)]

    def test_raw_sql_is_seen(self) -> None:
        one, other = place("9901"), place("9902")
        run("UPDATE institutions_place SET code = code || '0' WHERE code LIKE '99%%'")
        run("DELETE FROM institutions_place WHERE code = '99010'")

        assert [(event.action, event.subject_id) for event in written()[2:]] == [
            ("update", one.pk), ("update", other.pk), ("delete", one.pk),
        ]  # fmt: skip

    def test_truncate_is_seen(self) -> None:
        run('TRUNCATE "auth_group" CASCADE')

        assert [event.action for event in written(Group)] == ["truncate"]


class TestManyRows:
    def test_up_to_the_limit_each_row_has_its_event(self) -> None:
        copy_rows(Place, COLUMNS, places(writes.ROWS_ONE_BY_ONE))

        assert len(written()) == writes.ROWS_ONE_BY_ONE
        assert {event.subject_id for event in written()} == set(Place.objects.values_list("pk", flat=True))

    def test_above_the_limit_one_event_pins_which_rows(self) -> None:
        copy_rows(Place, COLUMNS, places(writes.ROWS_ONE_BY_ONE + 1))

        ids = sorted(Place.objects.values_list("pk", flat=True))
        (event,) = written()
        assert (event.action, event.subject_id) == ("insert", None)
        assert event.detail == {
            "rows": len(ids),
            "first": ids[0],
            "last": ids[-1],
            "ids_sha256": sha256(",".join(map(str, ids)).encode()).hexdigest(),
        }

    def test_many_updates_name_their_columns_too(self) -> None:
        copy_rows(Place, COLUMNS, places(writes.ROWS_ONE_BY_ONE + 1))
        Place.objects.update(en="x", zh="演示区")
        Place.objects.update(en="x")

        assert [event.action for event in written()] == ["insert", "update"]
        assert written()[-1].detail["columns"] == ["en"]
        assert written()[-1].detail["rows"] == writes.ROWS_ONE_BY_ONE + 1

    def test_many_deletes_are_one_event(self) -> None:
        copy_rows(Place, COLUMNS, places(writes.ROWS_ONE_BY_ONE + 1))
        run("DELETE FROM institutions_place")

        assert [event.action for event in written()] == ["insert", "delete"]
        assert written()[0].detail == written()[1].detail


class TestWho:
    def test_settings_of_the_transaction_say_who(self) -> None:
        for name, value in (("actor", "user:12"), ("organization", "7"), ("request", "ab12")):
            run("SELECT set_config(%s, %s, true)", f"kangqiao.{name}", value)
        place()

        (event,) = written()
        assert (event.by_id, event.organization_id, event.request) == ("user:12", 7, "ab12")

    def test_without_settings_the_role_of_the_database_is_named(self) -> None:
        place()

        with connection.cursor() as cursor:
            cursor.execute("SELECT session_user")
            role = cursor.fetchone()[0]
        (event,) = written()
        assert (event.by_id, event.organization_id, event.request) == (f"db:{role}", None, "")


class TestWhichTables:
    def test_every_table_is_guarded_or_exempt_with_a_reason(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'kangqiao_audit%'")
            found = {(table.strip('"'), name) for table, name in cursor.fetchall()}
        guarded = {model._meta.db_table for model in writes.guarded()}
        exempt = {
            model._meta.label_lower
            for model in apps.get_models(include_auto_created=True)
            if model._meta.db_table not in guarded and model._meta.app_label not in writes.EXEMPT_APPS
        }

        assert found == {(table, f"kangqiao_audit_{verb}") for table in guarded for verb in writes.SEEN}
        assert exempt == set(writes.EXEMPT)
        assert all(reason.strip() for reason in (*writes.EXEMPT.values(), *writes.EXEMPT_APPS.values()))

    def test_whatever_holds_a_person_is_guarded(self) -> None:
        exempt = [apps.get_model(label) for label in writes.EXEMPT if label not in writes.APPEND_ONLY]

        named = [
            model._meta.label_lower for model in exempt if getattr(getattr(model, "Privacy", None), "identifying", ())
        ]
        assert named == []

    def test_rows_about_a_resident_name_them(self) -> None:
        about = {model._meta.label_lower for model in writes.guarded() if writes._resident(model)}

        assert {"residents.resident", "residents.basis", "records.encounter", "scheduling.booking"} <= about


class TestWrittenOnce:
    @pytest.mark.parametrize("label", writes.APPEND_ONLY)
    @pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
    def test_even_the_owner_is_refused(self, label: str, statement: str) -> None:
        table = apps.get_model(label)._meta.db_table

        with pytest.raises(ProgrammingError, match="written once"), transaction.atomic():
            run(statement.format(table))

    def test_the_orm_is_refused_too(self) -> None:
        place()

        with pytest.raises(ProgrammingError, match="written once"), transaction.atomic():
            AuditEvent.objects.update(by_id="user:1")
        assert re.match("db:", written()[0].by_id)
