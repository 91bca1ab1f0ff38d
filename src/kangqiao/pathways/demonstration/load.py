"""Which steps a region takes, and which it has taken already."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from functools import partial

from django.db import connection, connections
from django.utils import timezone

from kangqiao import policy
from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditEvent
from kangqiao.base.search import search_keys
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.queries import demo_people
from kangqiao.pathways.demonstration import (
    agreements,
    asks,
    communities,
    contracts,
    network,
    one_stop,
    people,
    quality,
    results,
    staff,
    stations,
    vaccinations,
    work,
)
from kangqiao.pathways.demonstration.run import PASSWORD, Run

LOADER = Actor.system("demonstration")
RESIDENTS = 12_000
"""How many people are invented for Zhuhai: enough for every list and count, few enough to load in seconds."""

# Names, with a step, the lock under which two loaders cannot take it at once.
_LOCK = 7_402_016


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of a region: its mark, what it is called, what it does (it returns how many rows it made).

    Steps `beside` under one name need nothing of those between them and the first that is `after` them: a second
    process takes them meanwhile.
    """

    key: str
    zh: str
    run: Callable[[Run], int]
    beside: str = ""
    after: bool = False


STEPS: list[Step] = [
    Step("concepts", "术语", network.load_concepts),
    Step("zhuhai-network", "珠海：地区、医院与中心", network.load_zhuhai),
    Step("zhuhai-staff", "珠海：人员与账号", staff.load_zhuhai),
    Step("zhuhai-residents", "珠海：居民", people.load_residents, beside="people"),
    Step("zhuhai-cast", "珠海：可登录的居民", people.load_cast, beside="people"),
    Step("zhuhai-history", "珠海：去年以来的就诊", people.load_history, beside="people"),
    Step("zhuhai-vaccinations", "珠海：孩子的预防接种", vaccinations.load_vaccinations, beside="people"),
    Step("zhuhai-teams", "珠海：家庭医生团队与服务包", contracts.load_teams, beside="people"),
    Step("zhuhai-contracts", "珠海：签约", contracts.load_contracts, beside="people"),
    Step("zhuhai-communities", "珠海：单位与名册", communities.load_communities, beside="people"),
    Step("zhuhai-one-stop", "珠海：一站式试点", one_stop.load_one_stop, beside="people"),
    Step("zhuhai-stations", "珠海：服务站与月报", stations.load_stations, beside="people"),
    Step("zhuhai-quality", "珠海：质控抽查", quality.load_quality, beside="people"),
    Step("zhuhai-questions", "珠海：居民问团队", asks.load_questions, beside="people"),
    Step("zhuhai-agreements", "珠海：联建关系与目标协议", agreements.load_zhuhai),
    Step("zhuhai-postings", "珠海：派驻", work.load_postings),
    Step("zhuhai-half-days", "珠海：去年以来的坐诊", work.load_past_half_days),
    Step("zhuhai-weeks", "珠海：今后的排班与号源", work.load_weeks_ahead),
    Step("zhuhai-clinics", "珠海：医院门诊", work.load_clinics),
    Step("zhuhai-expert-visits", "珠海：专家坐诊的接诊", work.load_expert_visits, after=True),
    Step("zhuhai-referrals", "珠海：在办的转诊", results.load_open_referrals, beside="letters"),
    Step("zhuhai-publications", "珠海：公示", results.load_publications, beside="letters"),
    Step("zhuhai-past-referrals", "珠海：去年以来的转诊", results.load_past_referrals),
    Step("zhuhai-figures", "珠海：经费依据", results.load_figures),
    Step("zhuhai-appraisals", "珠海：去年的考核与经费", results.load_appraisals),
]
MORE_STEPS: list[Step] = [
    Step("luohu-network", "罗湖医院集团", network.load_luohu),
    Step("futian-network", "福田区域社康机构", network.load_futian),
    Step("xuhui-network", "徐汇社区卫生服务中心", network.load_xuhui),
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a call did in its own process: the steps it took with their rows and seconds, and those it found taken."""

    region: str
    taken: list[tuple[str, int, float]]
    there: list[str]


def steps_of(region: str) -> list[Step]:
    """The steps of `none` (code lists alone), `zhuhai` or `all`, in order. Raises KeyError."""
    match region:
        case "none":
            return STEPS[:1]
        case "zhuhai":
            return list(STEPS)
        case "all":
            return [*STEPS, *MORE_STEPS]
        case _:
            raise KeyError(region)


def load_region(
    region: str,
    *,
    today: date,
    progress: Callable[[str], None] | None = None,
    residents: int = RESIDENTS,
    in_two: bool = False,
) -> Loaded:
    """A demonstration region comes into being, as of the morning of `today`; what is there already stays.

    `progress` gets one line per step taken. `residents` is the number of people to invent. `in_two` lets a second
    process take the steps that may be taken beside: for a caller with a process and a database of its own. Raises
    KeyError for a region nobody knows, RuntimeError when the second process failed.
    """
    start = datetime.combine(today, time_of_day(), tzinfo=timezone.get_default_timezone())
    run = Run(today=today, at=start, by=LOADER, residents=residents)
    done = Loaded(region, [], [])
    steps = steps_of(region)
    with ExitStack() as until_joined:
        for step in steps:
            if step.after:
                until_joined.close()
            aside = [one for one in steps if in_two and step.beside and one.beside == step.beside]
            if not aside:
                _take(step, run, done, progress)
            elif step is aside[0]:
                until_joined.enter_context(second_process(partial(_take_all, aside, run, done, progress)))
    return done


def warm_up() -> None:
    """Reads what the steps will need and no database: the packs, the solver, how names are read."""
    policy.default()
    search_keys("康桥")
    importlib.import_module("kangqiao.engines.planning.model")
    # What is loaded by now stays to the end; neither a collection nor the exit looks through it again.
    gc.freeze()


@contextmanager
def second_process(work: Callable[[], object]) -> Iterator[None]:
    """Does the work in a fork of this process; at the end it is waited for, and after an error ended.

    Raises RuntimeError when the work failed.
    """
    connections.close_all()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            # What a fork inherits stays its parent's. Closing all does not reach those of another context: a loop that
            # runs in this thread has its own, and no loop runs in a fork.
            for inherited in connections.all(initialized_only=True):
                del connections[inherited.alias]
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    try:
        yield
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("the second process of the loader failed; see what it printed")


def _take_all(steps: Sequence[Step], run: Run, done: Loaded, progress: Callable[[str], None] | None) -> None:
    for step in steps:
        _take(step, run, done, progress)


def _take(step: Step, run: Run, done: Loaded, progress: Callable[[str], None] | None) -> None:
    """Takes a step that was not taken before; the mark commits with the rows or not at all."""
    mark, began = f"demonstration.{step.key}", time.perf_counter()
    with as_system("demonstration"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, step.key])
            # A plan kept from when a table was empty would be used until it is full (base/prepared.py).
            cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        if AuditEvent.objects.filter(action=mark, by_id=LOADER.id).exists():
            done.there.append(step.key)
            return
        rows = step.run(run)
        record(mark, User(), by=LOADER, at=run.at, rows=rows, residents=run.residents)
    done.taken.append((step.key, rows, time.perf_counter() - began))
    if progress is not None:
        progress(f"{step.zh}：{rows} 行，{done.taken[-1][2]:.1f} 秒")


def accounts() -> list[dict[str, str]]:
    """Everybody one can sign in as, by role: role, role_name, name, username, password, organization, address."""
    return [
        {
            "role": group.role,
            "role_name": group.name,
            "name": one.user.name,
            "username": one.user.username,
            "password": PASSWORD,
            "organization": one.organization.zh,
            "address": "/sign-in/",
        }
        # reads the clock: lists who can be stepped into today, for the command line
        for group in demo_people(timezone.localdate())
        for one in group.people
    ]
