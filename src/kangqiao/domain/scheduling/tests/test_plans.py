"""How the database answers the hot questions when it plans once for all values, as it does after a few of them."""

from __future__ import annotations

import re

import pytest
from django.db import connection

from kangqiao.domain.residents.actions import bases
from kangqiao.domain.scheduling.queries.places import FREE_BETWEEN

pytestmark = pytest.mark.django_db
NAMED = re.compile(r"%\((\w+)\)s")


def plan(text: str, kinds: dict[str, str]) -> str:
    """The plan for any values, on tables so large that nobody reads them whole."""
    names = list(dict.fromkeys(NAMED.findall(text)))
    numbered = NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", text)
    typed = ", ".join(kinds.get(name, "timestamptz") for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE asked ({typed}) AS {numbered}")
        cursor.execute(f"EXPLAIN EXECUTE asked ({', '.join(['NULL'] * len(names))})")
        found = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("DEALLOCATE asked")
    return found


def test_free_places_are_looked_for_in_the_sessions_of_the_house() -> None:
    lists = dict.fromkeys(("houses", "partner", "team", "contracted", "given_back"), "bigint[]")

    found = plan(FREE_BETWEEN, lists | {"specialty": "text", "centre": "bigint"})

    assert re.search(r"Index Cond: \(+session_id = scheduling_session\.id", found), found
    assert "slot_by_time" not in found, "the slots of every house at that time"


def test_what_ends_with_a_booking_is_found_by_it() -> None:
    question = bases._open.build("source")
    text, _told = question.query.sql_with_params()

    found = plan(text.replace("%s", "%(at)s", 1).replace("%s", "%(source)s", 1), {"source": "text"})

    assert "basis_by_source" in found
