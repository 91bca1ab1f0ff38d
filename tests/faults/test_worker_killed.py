"""The job worker is killed in the middle of its jobs: they begin anew, and nothing is done or told twice."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta

import psycopg
import pytest
from django.utils.timezone import localdate

from kangqiao.base.actor import Actor
from tests.faults.live import LiveSite


@contextlib.contextmanager
def held(site: LiveSite, statement: str) -> Iterator[None]:
    """A lock that the job must wait for, as long as the block lasts."""
    with psycopg.connect(site.url) as connection:
        connection.execute(statement)  # type: ignore[arg-type]
        yield
        connection.rollback()


def defer(site: LiveSite, task: str, **arguments: object) -> int:
    """Puts a job into the queue, as the schedule or a page does."""
    insert = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', %s, %s) RETURNING id"
    return int(site.one(insert, task, json.dumps(arguments)))


def until(what: Callable[[], bool], seconds: float = 40) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def status(site: LiveSite, job: int) -> str:
    return str(site.one("SELECT status FROM procrastinate_jobs WHERE id = %s", job))


def waits_for_lock(site: LiveSite) -> bool:
    return bool(site.one("SELECT count(*) FROM pg_locks WHERE NOT granted"))


def kill_worker(site: LiveSite) -> None:
    """Kills it; a day later, as it were, nobody has heard of it any more."""
    victim = site.child("procrastinate")
    os.kill(victim, signal.SIGKILL)
    until(lambda: site.child("procrastinate") != victim)
    site.ask("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 day'")


def finish(site: LiveSite, job: int) -> None:
    """The minute comes round: what silent workers held begins anew, until it is done."""
    until(lambda: waits_for_lock(site) is False)
    minute = defer(site, "jobs.again", timestamp=0)
    until(lambda: status(site, minute) == "succeeded" and status(site, job) == "succeeded")


@pytest.mark.trust("T-KILL-3", "killed half-way: begins anew, nothing twice")
def test_half_a_job_is_no_job_until_it_begins_anew(site: LiveSite, measured: Callable[[str], None]) -> None:
    """The agreement is moved but not committed, and its notice waits to be written, when the worker is killed."""
    moved = "SELECT count(*) FROM base_statuschange WHERE process = 'agreement' AND to_status = 'in_force'"
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        site.ask("UPDATE agreements_agreement SET status = 'signed', starts_on = current_date - 1 WHERE number = 'A-1'")
        with held(site, "LOCK TABLE messaging_notice IN EXCLUSIVE MODE"):
            job = defer(site, "agreements.terms", timestamp=0)
            until(lambda: status(site, job) == "doing" and waits_for_lock(site))
            kill_worker(site)
            before = site.one(moved)
        finish(site, job)
        again = defer(site, "agreements.terms", timestamp=0)
        until(lambda: status(site, again) == "succeeded")
        after, told = (
            site.one(moved),
            site.one("SELECT count(*) FROM messaging_notice WHERE cause LIKE '%%take_effect%%'"),
        )
        state = site.one("SELECT status FROM agreements_agreement WHERE number = 'A-1'")
        begun = site.one("SELECT attempts FROM procrastinate_jobs WHERE id = %s", job)

    assert (before, after, state) == (0, 1, "in_force")
    assert begun == 2
    assert told > 0
    measured(f"1 kill, begun {begun} times, {after} effect, {told} notices for as many addressees")


@pytest.mark.trust("T-KILL-3", "killed when done but not noted: nothing twice")
def test_a_job_that_was_done_is_not_done_again(site: LiveSite, measured: Callable[[str], None]) -> None:
    """The new draft of a roster is committed, and the job is about to be noted as done, when the worker is killed."""
    today = localdate()
    monday = today + timedelta(days=7 - today.weekday())
    by = asdict(Actor.system("roster-plan"))
    drafts = "SELECT count(*) FROM roster_roster"
    with site.running(KANGQIAO_WEB_PROCESSES="1"):
        with held(site, "LOCK TABLE roster_roster IN EXCLUSIVE MODE"):
            job = defer(site, "roster.plan", place_id=site.city, starts_on=str(monday), weeks=1, by=by)
            until(lambda: status(site, job) == "doing" and waits_for_lock(site))
            note = psycopg.connect(site.url)
            note.execute("SELECT 1 FROM procrastinate_jobs WHERE id = %s FOR UPDATE", [job])
        with note:
            until(lambda: bool(site.one(drafts)))
            until(lambda: waits_for_lock(site))
            kill_worker(site)
        half_days = site.one("SELECT count(*) FROM roster_halfday")
        finish(site, job)
        result = (
            site.one(drafts),
            site.one("SELECT count(*) FROM roster_halfday"),
            site.one("SELECT count(*) FROM base_auditevent WHERE action = 'roster.plan_roster'"),
        )
        begun = site.one("SELECT attempts FROM procrastinate_jobs WHERE id = %s", job)

    assert begun == 2
    assert half_days > 0
    assert result == (1, half_days, 1)
    measured(f"1 kill, begun {begun} times, {result[0]} draft with {half_days} half-days")
