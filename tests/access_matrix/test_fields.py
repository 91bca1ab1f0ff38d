"""Mass assignment: a form with every field name of every model added writes what it writes without them (T-ACL-4)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.forms.forms import BaseForm
from django.test import Client

from tests.access_matrix.cells import TRACES, Address, signed_in
from tests.access_matrix.probes import Probe
from tests.access_matrix.test_matrix import Measured, Sides, probed
from tests.access_matrix.world import Side

# What somebody would want to smuggle in: another house, another person, another state, another amount.
TEXT, NUMBER = "published", "31337"
PRIVILEGES = frozenset(
    {"is_staff", "is_superuser", "is_active", "roles", "groups", "user_permissions", "approved_by", "price", "org"}
)
# Drawn anew each time.
RANDOM = ("password", "digest", "hash", "code_hash", "token")


def names() -> frozenset[str]:
    """Every field and column name of every model of ours, and the words of privilege other systems know."""
    ours = [model for model in apps.get_models() if model.__module__.startswith("kangqiao")]
    fields = [field for model in ours for field in model._meta.local_fields]
    return PRIVILEGES | {name for field in fields for name in (field.name, field.attname)}


def smuggled(stranger: Side, known: set[str]) -> dict[str, str]:
    """Every name the form does not know, with such a value."""
    rows = {
        "organization": stranger.hospital, "centre": stranger.centre, "hospital": stranger.hospital,
        "resident": stranger.resident, "user": stranger.users["gp"], "practitioner": stranger.expert,
        "agreement": stranger.agreement, "place": stranger.place, "session": stranger.session, "slot": stranger.slot,
    }  # fmt: skip
    values = {}
    for name in names() - known:
        row = rows.get(name.removesuffix("_id"))
        values[name] = str(row.pk) if row is not None else TEXT if name in ("status", "role", "kind") else NUMBER
    return values


def state() -> dict[str, list[str]]:
    """Every row of every table this test has touched, as text."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0")
        for (table,) in cursor.fetchall():
            if table not in TRACES:
                cursor.execute(f'SELECT to_jsonb(t) - %s::text[] FROM "{table}" t', [list(RANDOM)])
                found[table] = sorted(str(row) for (row,) in cursor.fetchall())
    return found


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The fields of the forms that are judged meanwhile."""
    seen: set[str] = set()
    judge = BaseForm.full_clean

    def full_clean(form: Any) -> None:
        seen.update(form.fields)
        judge(form)

    with monkeypatch.context() as patch:
        patch.setattr(BaseForm, "full_clean", full_clean)
        yield seen


def sent(
    client: Client, probe: Probe, address: Address, actor: str, side: Side, extra: dict[str, str], first: int
) -> Any:
    """The answer's status and what stands in the tables after a form was sent; everything is taken back."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        with connection.cursor() as cursor:  # new rows get the same numbers each time
            cursor.execute("SELECT setval(oid::regclass, %s) FROM pg_class WHERE relkind = 'S'", [first])
        probe.prepare(side)
        url = address.on(side, actor, probe.words, probe.rows) + probe.asked(side, actor)
        answer = client.post(url, extra | probe.filled(side, actor))
        after = state()
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer.status_code, after


@pytest.mark.trust("T-ACL-4")
def test_no_form_writes_a_field_it_does_not_show(
    sides: Sides, monkeypatch: pytest.MonkeyPatch, measured: Measured, nth: int
) -> None:
    ours, found, added, forms = sides["own"], [], 0, 0

    for probe, address in probed()[::nth]:
        for actor in probe.writes.get("own", ())[:1]:
            client, first = signed_in(ours, actor), 1_000_000 * (forms + 1)
            with noted(monkeypatch) as shown:
                status, plain = sent(client, probe, address, actor, ours, {}, first)
                extra = smuggled(sides["stranger"], shown | set(probe.body))
                sent(client, probe, address, actor, ours, extra, first)  # a field may bring a form of its own
                extra = smuggled(sides["stranger"], shown | set(probe.body))
            again, laden = sent(client, probe, address, actor, ours, extra, first)
            forms, added = forms + 1, added + len(extra)
            changed = [table for table in plain.keys() | laden.keys() if plain.get(table, laden[table]) != laden[table]]
            if changed or status != again:
                found.append(f"{probe.name}: {status} and {again}, other rows in {changed}")

    assert not found, "\n".join(("", *found))
    measured(f"{forms} forms with {added} fields added, 0 written")


def test_a_form_that_takes_everything_is_found(sides: Sides) -> None:
    notice = sides["own"].rows["notice@centre"]

    def write(values: dict[str, str]) -> dict[str, list[str]]:
        with transaction.atomic():
            kept = {name: value for name, value in values.items() if name in ("subject", "kind")}
            type(notice).objects.filter(pk=notice.pk).update(subject="plain", **kept)
            after = state()
            transaction.set_rollback(True)
        return after

    assert write({}) != write(smuggled(sides["stranger"], {"subject"}))
