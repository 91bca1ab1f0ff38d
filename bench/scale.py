"""What pages cost as the register grows: CPU of web server and database together, over HTTP, under row security.

A site of the Zhuhai network is loaded with so many invented residents, their visits, values and contracts, and with
five thousand open referrals at one hospital. What is measured is what a person waits for at the desk. The sizes come
from KANGQIAO_BENCH_RESIDENTS, such as `100000,1000000`; the last is held against the targets, and against the first.
"""

from __future__ import annotations

import http.client
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.booking import SOURCE, family, seconds, signed_in, wait_for
from bench.startup import free_port
from bench.table import Row, row

SIZES = os.environ.get("KANGQIAO_BENCH_RESIDENTS", "12000,100000")
OPEN_REFERRALS = 5_000
# What each person measured at home in the weeks before: twenty values, of five evenings.
EVENINGS = 5
MEASURED = (("systolic", 118, "mmHg"), ("diastolic", 74, "mmHg"), ("pulse", 68, "次/分"), ("weight", 63, "kg"))
WARM, ASKED = 5, 40
# What is asked, who asks, and the CPU milliseconds it may take.
PAGES = (
    ("person by initials", "gp-xiangwan-1", "/find/?q={initials}", 15),
    ("person by the end of the id", "gp-xiangwan-1", "/find/?q={tail}", 15),
    ("resident's page", "gp-xiangwan-1", "/residents/{resident}/", 60),
    ("panel of a team", "gp-xiangwan-1", "/teams/{team}/unserved/", 30),
    ("worklist of a doctor", "gp-xiangwan-1", "/", 20),
    ("worklist with 5,000 open referrals", "desk-zh_people1", "/?list=desk", 20),
    ("desk with 5,000 open referrals", "desk-zh_people1", "/referrals/desk/", 20),
)


def run() -> list[Row]:
    """One site after the other, the smallest first."""
    sizes = [int(one) for one in SIZES.split(",")]
    found = [_measured(size) for size in sizes]
    rows = []
    for name, _who, _where, target in PAGES:
        last, first = found[-1][name], found[0][name]
        rows.append(row(name, last, target, "ms CPU", f"against the target; {sizes[-1]:,} residents"))
        if len(sizes) > 1:
            rows.append(row(name, last, first, "ms CPU", f"{sizes[-1]:,} residents against {sizes[0]:,}"))
    return rows


def _measured(residents: int) -> dict[str, float]:
    """Each page's CPU milliseconds on a site of that size; it is made in a process of its own."""
    command = [sys.executable, "-c", f"from bench.scale import told; told({residents})"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    return {name: float(figure) for name, figure in lines}


def told(residents: int) -> None:
    """Makes a site of that size and prints what each page cost, one line each."""
    from bench.booking import _server

    with _server() as environment:
        os.environ.update(environment)
        import django

        django.setup()
        began = time.monotonic()
        words = _filled(residents)
        print(f"{residents:,} residents in {time.monotonic() - began:.0f} s", file=sys.stderr)
        with _site(environment) as site:
            for name, who, where, _target in PAGES:
                cost = site.cost(where.format(**words), words["cookies"][who])
                print(f"{name}\t{cost}", flush=True)


def _filled(residents: int) -> dict[str, Any]:
    """The network with its people and work; what the addresses name, and signed-in cookies."""
    from django.db import connection
    from django.utils import timezone

    from kangqiao.base.search import search_keys
    from kangqiao.domain.accounts.models import User
    from kangqiao.domain.contracting.models import Contract
    from kangqiao.domain.institutions.models import Organization
    from kangqiao.domain.residents.models import Resident
    from kangqiao.pathways.demonstration import load_region

    load_region("zhuhai", today=timezone.localdate(), residents=residents)
    centre = Organization.objects.get(code="c_xiangwan")
    contract = Contract.objects.filter(status="active", team__organization=centre).select_related("resident").first()
    assert contract is not None
    one: Resident = contract.resident
    _send_letters(centre)
    _measure_at_home()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    people = User.objects.in_bulk([who for _name, who, _where, _target in PAGES], field_name="username")
    initials = min((key for key in search_keys(one.name) if key.isascii()), key=len)
    return {
        "initials": initials, "tail": one.identifier[-6:], "resident": one.pk, "team": contract.team_id,
        "cookies": {name: signed_in(user) for name, user in people.items()},
    }  # fmt: skip


def _measure_at_home() -> None:
    """Values of everybody, as the portal keeps them; written by the database itself, for there are millions."""
    from contextlib import ExitStack

    from django.db import connection

    from kangqiao.base.acting import as_system
    from kangqiao.base.bulk import checked_together, indexed_afterwards
    from kangqiao.domain.records.models import Observation

    with ExitStack() as until_written, as_system("bench"), connection.cursor() as cursor:
        until_written.enter_context(checked_together(Observation))
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'records_observation' AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint WHERE conrelid = 'records_observation'::regclass)"
        )
        for (name,) in cursor.fetchall():
            until_written.enter_context(indexed_afterwards(Observation, name))
        for number, (code, usual, unit) in enumerate(MEASURED):
            cursor.execute(
                "INSERT INTO records_observation (resident_id, code, value, text, unit, taken_at, source,"
                " is_confirmed, recorded_by, recorded_at, reason, is_void)"
                " SELECT one.id, %s, %s + (one.id + day) %% 17, '', %s, at, 'home', true, '演示', at, '', false"
                " FROM residents_resident one, generate_series(1, %s) day,"
                " LATERAL (SELECT now() - day * interval '6 days' - one.id %% 86400 * interval '1 s') AS evening (at)",
                [code, usual + number, unit, EVENINGS],
            )
            print(f"{cursor.rowcount:,} of {code}", file=sys.stderr)


def _send_letters(centre: Any) -> None:
    """Open letters of the centre's people to the hospital it belongs to, each person's only one."""
    from django.utils import timezone

    from kangqiao.domain.institutions.models import Organization
    from kangqiao.domain.referral.models import Referral
    from kangqiao.domain.residents.models import Basis, Resident

    now, hospital = timezone.now(), Organization.objects.get(code="zh_people1")
    people = Resident.objects.filter(is_demo=True).order_by("pk").values_list("pk", flat=True)[:OPEN_REFERRALS]
    Basis.objects.bulk_create(
        Basis(resident_id=pk, organization=hospital, kind="referral", source=f"referral:bench-{pk}", since=now)
        for pk in people
    )
    Referral.objects.bulk_create(
        Referral(
            number=f"bench-{number}", direction="up", resident_id=pk, from_organization=centre,
            to_organization=hospital, specialty="cardiology", diagnosis="I10", reason="演示", status="sent",
            sent_at=now - timedelta(minutes=number), clock_from=now - timedelta(minutes=number),
            answer_by=now + timedelta(minutes=number), due_at=now + timedelta(minutes=number), policy_ref="bench",
        )
        for number, pk in enumerate(people)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Site:
    """A web server with one process, and the database behind it."""

    port: int
    web: int
    postmaster: int

    def cost(self, path: str, cookie: str) -> float:
        """CPU milliseconds of a page as the desk asks for it, on average."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

        def ask() -> None:
            asked = {"Cookie": f"sessionid={cookie}", "HX-Request": "true", "HX-Target": "queue"}
            connection.request("GET", path, headers=asked)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {answer.headers.get('Location', '')}")

        for _time in range(WARM):
            ask()
        before = self._cpu()
        for _time in range(ASKED):
            ask()
        return (self._cpu() - before) * 1000 / ASKED

    def _cpu(self) -> float:
        return sum(seconds(pid) for top in (self.web, self.postmaster) for pid in family(top))


@contextmanager
def _site(environment: dict[str, str]) -> Iterator[_Site]:
    """The web server, connected as the role that row security binds."""
    from kangqiao.base.server import application
    from kangqiao.base.server.folder import DataFolder
    from kangqiao.base.server.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(DataFolder(pathlib.Path(environment["KANGQIAO_DATA"])), for_tests=True)
    served = server.url(role=application.ROLE)
    application.grant(environment["DATABASE_URL"], served)
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "kangqiao.config.wsgi:application", "--interface", "wsgi",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "1",
        "--log-level", "critical",
    ]  # fmt: skip
    facts = {**os.environ, **environment, "DATABASE_URL": served, "PYTHONPATH": str(SOURCE)}
    web = subprocess.Popen(command, env=facts, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        pid = int((server.folder.postgres / "postmaster.pid").read_text().splitlines()[0])
        yield _Site(port, web.pid, pid)
    finally:
        web.terminate()
        web.wait(timeout=30)
