"""Agreements, appraisals, money, lists and role changes are worked from the worklist: drawer, verb, back to it."""

from __future__ import annotations

import pkgutil
import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django import app
from tests.access_matrix.more_probes import PROBES as MORE
from tests.access_matrix.probes import PROBES
from tests.access_matrix.world import Side, two_sides

from kangqiao.base import sealing
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditEvent, AuditLink
from kangqiao.edges import jobs
from kangqiao.edges.audit.checking import CHECKED
from kangqiao.edges.work.queries import TASKS

DRAWER = {"HX-Request": "true", "HX-Target": "drawer-host"}
PART = {"HX-Request": "true", "HX-Target": "queue"}
GIVEN = {probe.name: probe for probe in (*PROBES, *MORE)}


@pytest.fixture
def side(db: None) -> Side:
    """One city with one row of every kind."""
    return two_sides()[0]


def client(side: Side, role: str) -> Client:
    found = Client()
    found.force_login(side.users[role])
    return found


def rows(page: str) -> list[str]:
    return re.findall(r'<tr class="[^"]*" id="(\w+)" data-item', page)


@pytest.mark.parametrize(
    ("role", "key", "probe", "step"),
    [
        ("hospital_director", "signatures", "agreements-sign", ""),
        ("bureau_officer", "endings", "agreements-step:refuse_end", "refuse_end"),
        ("bureau_officer", "close", "appraisal-close", ""),
        ("finance_officer", "submit", "finance-submit", "submit"),
        ("guidance_office", "prepare", "publication-step:submit", "submit"),
        ("bureau_officer", "approve", "publication-step:approve", "approve"),
    ],
)
def test_row_is_read_in_the_drawer_and_worked_from_there(
    side: Side, role: str, key: str, probe: str, step: str
) -> None:
    browser, given = client(side, role), GIVEN[probe]
    given.prepare(side)
    page = browser.get(f"/?list={key}").content.decode()
    (row,) = rows(page)
    address = re.search(r'data-open href="[^"]+" hx-get="([^"]+)" hx-target="#drawer-host"', page)
    assert address is not None

    drawer = browser.get(address[1].replace("&amp;", "&"), headers=DRAWER).content.decode()
    asked = r'(?:hx-post|data-address)="([^"]+)"' + (
        rf'[^>]*(?:data-step="{step}"|>(?:(?!</form>).)*name="step" value="{step}")' if step else ""
    )
    target = re.search(asked, drawer, re.DOTALL)
    assert target is not None, drawer
    answer = browser.post(target[1], {"back": f"/?list={key}", "step": step, "reason": "有变化"}, headers=PART)
    after = browser.get(answer.headers["Location"], headers=PART).content.decode()

    assert "<html" not in drawer
    assert 'class="drawer"' in drawer
    assert 'data-key="1"' in drawer
    assert answer.headers["Location"] == f"/?list={key}"
    assert row not in rows(after)


def test_role_change_is_decided_on_its_row(side: Side) -> None:
    browser = client(side, "security_admin")
    page = browser.get("/?list=roles").content.decode()
    (row,) = rows(page)
    target = re.search(r'formaction="([^"]+)"[^>]*name="step" value="approve"', page)
    assert target is not None

    answer = browser.post(target[1], {"back": "/?list=roles", "step": "approve"}, headers=PART)

    assert answer.headers["Location"] == "/?list=roles"
    assert row not in rows(browser.get("/?list=roles", headers=PART).content.decode())


def test_failed_work_has_a_tile_and_is_begun_anew(side: Side) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args, attempts)"
            " VALUES ('default', 'roster.plan', 'failed', '{}', 3) RETURNING id"
        )
        (job,) = cursor.fetchone()
    browser = client(side, "system_admin")
    page = browser.get("/?list=failed").content.decode()

    told = browser.post(reverse("work-anew"), {"job": job, "back": "/?list=failed"}, headers=PART)
    again = browser.post(reverse("work-anew"), {"job": job}, headers=PART)
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [job])
        (status,) = cursor.fetchone()

    assert f"w{job}" in rows(page)
    assert "试了 3 次" in page
    assert (told.status_code, again.status_code, status) == (302, 422, "todo")
    assert AuditEvent.objects.filter(action="work.begin_anew", subject_id=job).count() == 1
    assert f"w{job}" not in rows(browser.get("/?list=failed").content.decode())


def test_every_task_of_the_queue_has_a_name_in_words() -> None:
    for module in pkgutil.iter_modules(jobs.__path__):
        import_module(f"{jobs.__name__}.{module.name}")

    assert {name for name, task in app.tasks.items() if task.func.__module__.startswith(jobs.__name__)} == set(TASKS)


def test_chain_with_a_finding_has_a_tile_that_says_when_it_was_checked(side: Side) -> None:
    now, house = timezone.now(), side.users["audit_admin"].memberships.get().organization
    by = Actor("system:audit-check", "check", house.pk)
    record("t", side.agreement, by=by, at=now - timedelta(hours=2))
    sealing.seal(at=now, everything=True)
    browser = client(side, "audit_admin")
    fresh = browser.get("/?list=chains").content.decode()
    record(CHECKED, AuditLink(), by=by, at=now - timedelta(hours=3), rows=5, problems=2)

    found = browser.get("/?list=chains").content.decode()
    record(CHECKED, AuditLink(), by=by, at=now - timedelta(hours=1), rows=5, problems=0)
    sound = browser.get("/?list=chains").content.decode()

    assert f"k{house.pk}" not in rows(fresh)
    assert f"k{house.pk}" in rows(found)
    assert "2 处不符" in found
    assert "上次校验 3 小时前" in found
    assert f"k{house.pk}" not in rows(sound)
    assert "上次校验 1 小时前" in sound
