"""COPY behind one call, and foreign keys checked together."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from kangqiao.base.bulk import checked_together, copy_rows, count_anew
from kangqiao.domain.institutions.models import Place

COLUMNS = ("code", "zh", "en", "part_of", "is_functional_zone")


def keys_of(table: str) -> list[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY conname",
            [table],
        )
        return cursor.fetchall()


@pytest.mark.django_db
def test_checked_together_puts_the_same_keys_back() -> None:
    before = keys_of("institutions_place")
    parent = Place.objects.create(code="9901", zh="演示市")

    with transaction.atomic(), checked_together(Place):
        copy_rows(Place, COLUMNS, [("990101", "演示区", "", parent.pk, False)])

    assert before
    assert keys_of("institutions_place") == before
    assert Place.objects.get(code="990101").part_of == parent


@pytest.mark.django_db
def test_checked_together_refuses_a_row_that_points_nowhere() -> None:
    before = keys_of("institutions_place")

    with pytest.raises(IntegrityError), transaction.atomic(), checked_together(Place):
        copy_rows(Place, COLUMNS, [("990102", "演示区", "", 999_999, False)])

    assert keys_of("institutions_place") == before
    assert not Place.objects.filter(code="990102").exists()


def rows_known(table: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        (found,) = cursor.fetchone()
    return found


@pytest.mark.django_db
def test_database_knows_what_has_just_been_written_before_it_is_committed() -> None:
    there = Place.objects.count()
    for number in range(7):
        Place.objects.create(code=f"99{number}", zh=f"演示{number}")

    count_anew(Place)
    assert rows_known("institutions_place") == there + 7
    Place.objects.create(code="998", zh="演示八")
    count_anew()
    assert rows_known("institutions_place") == there + 8
