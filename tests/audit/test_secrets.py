"""T-AUD-3: no password, token, identifier or word of a note in the audit or the log, and no line slipped in."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.test import Client
from django.urls import reverse

from kangqiao.base.bulk import copy_rows
from kangqiao.base.lines import OneLine, escaped
from kangqiao.base.models import AuditEvent, Job
from kangqiao.base.writes import guarded
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.tests.factories import centre
from kangqiao.domain.residents.models import Resident
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration.load import LOADER
from tests.access_matrix.record_rows import BOUND
from tests.access_matrix.world import marked_fields, two_sides

pytestmark = [pytest.mark.django_db, pytest.mark.trust("T-AUD-3")]
SHORTEST = 5  # what is shorter says nothing about one person
REFERENCE = re.compile(r"[a-z_]+:\d+")  # which row a basis came from, by its id
AUDIT = ("base.auditevent", "base.auditlink", "base.audithead")
DAY = date(2026, 5, 11)


def audit_text(**where: object) -> str:
    """Everything the audit says but the names of those who act, which belong there."""
    rows = AuditEvent.objects.filter(**where).defer("by_name").values()  # type: ignore[misc]
    return "\n".join(
        json.dumps({k: v for k, v in row.items() if k != "by_name"}, cls=DjangoJSONEncoder, ensure_ascii=False)
        for row in rows
    )


def texts(model: type[models.Model]) -> Iterator[models.Field[object, object]]:
    """The free texts of a model that say something about a person or a case, by its `Privacy`."""
    for field in model._meta.local_fields:
        is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
        if is_text and field.name in marked_fields(model):
            yield field


def test_no_marked_word_of_any_model_reaches_the_audit(measured: Callable[[str], None]) -> None:
    ours, theirs = two_sides()
    checked = 0
    for model in guarded():
        names = {field.name for field in texts(model)} - BOUND.get(model._meta.label, set())
        for row in model._default_manager.all():
            for name in names:
                room = model._meta.get_field(name).max_length or 99
                setattr(row, name, f"{row.pk}{ours.mark('secret')}{name}"[:room])
            if isinstance(row, Job):
                row.finished_at = row.started_at  # what failed is over
            if names:
                row.save()
                checked += len(names)
        if names:
            model._default_manager.update(**{min(names): models.F(min(names))})

    text = audit_text()
    assert checked > 10
    assert AuditEvent.objects.filter(kind="write", action="update").exists()
    assert f"§{ours.key}·" not in text
    assert f"§{theirs.key}·" not in text
    measured(f"0 of {checked} marked texts in {AuditEvent.objects.count()} events")


def test_copy_leaves_no_value_either() -> None:
    own = centre()
    columns = ("name", "sex", "birth_date", "identifier", "phone", "address", "centre", "insurance", "is_demo", "keys")
    row = (
        "§甲A1C9§",
        "male",
        DAY,
        "110101194912310022",
        "13800138000",
        "§甲A1C9§路1号",
        own.pk,
        "",
        True,
        ["§甲A1C9§"],
    )
    copy_rows(Resident, columns, [row])

    text = audit_text(subject_type="residents.resident")
    assert AuditEvent.objects.get(subject_type="residents.resident").resident_id == Resident.objects.get().pk
    assert not [value for value in ("§甲A1C9§", "110101194912310022", "13800138000") if value in text]


def test_a_whole_region_says_nothing_about_anybody(
    caplog: pytest.LogCaptureFixture, measured: Callable[[str], None]
) -> None:
    caplog.set_level(logging.INFO)
    demonstration.load_region("zhuhai", today=DAY, residents=150)

    said = audit_text() + caplog.text
    secret: set[str] = set()
    for model in apps.get_models():
        if model._meta.label_lower in AUDIT or not model._meta.managed:
            continue
        for field in texts(model):
            values = model._default_manager.values_list(field.name, flat=True).distinct()
            secret |= {str(value) for value in values if value and len(str(value)) >= SHORTEST}
    secret |= set(User.objects.values_list("password", flat=True)) | {demonstration.PASSWORD}
    secret -= {LOADER.name}  # who wrote the values down
    found = sorted(value for value in secret if value in said and not REFERENCE.fullmatch(value))

    assert len(secret) > 300
    assert found == []
    measured(f"0 of {len(secret)} texts and secrets of the demonstration")


def test_password_and_session_stay_out_and_no_line_is_slipped_in(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    seat("gp", centre(), user("gp-1", "bamboo-rain-9"))
    caplog.set_level(logging.DEBUG)
    forged = "gp-1\r\n2026-05-11 10:00:00 WARNING kangqiao forged\u2028"

    for name, password in ((forged, "wrong-secret-7"), ("gp-1", "wrong-secret-7"), ("gp-1", "bamboo-rain-9")):
        client.post(reverse("sign-in"), {"username": name, "password": password})
    client.get("/\r\nX-Forged: 1")

    said = audit_text() + caplog.text
    cookies = [cookie.value for cookie in client.cookies.values() if len(cookie.value) > 8]
    assert cookies
    assert not [one for one in ("wrong-secret-7", "bamboo-rain-9", "forged", *cookies) if one in said]
    assert AuditEvent.objects.filter(action="accounts.refuse_sign_in").exists()


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1b[2J", "\x85", "\u2028", "\u2029", "\u202e"])
def test_a_record_is_one_line(end: str) -> None:
    formatter = OneLine("%(levelname)s %(name)s %(message)s")
    record = logging.LogRecord("x", logging.WARNING, "", 0, "name %s", (f"a{end}WARNING x forged",), None)

    line = formatter.format(record)

    assert len(line.splitlines()) == 1
    assert "forged" in line
    assert end not in line
    assert escaped("中文\t好") == "中文\t好"


def test_a_traceback_cannot_pass_for_a_record() -> None:
    try:
        raise ValueError("a\nWARNING x forged")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "broke", (), (type(error), error, error.__traceback__))

    lines = OneLine("%(levelname)s %(message)s").format(record).splitlines()
    assert lines[0] == "ERROR broke"
    assert all(line.startswith("| ") for line in lines[1:])
