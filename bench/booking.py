"""Bookings a second through the product, against pgbench running the very statements the product sends.

Both sides use two processes on the same test server and book places nobody else wants, so that neither waits for a
lock: what is compared is the cost of a booking, not of a queue. Through HTTP the web server has two processes and the
load comes from this machine, too.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from bench.rush import RUSHING, rush, week_of_a_department
from bench.table import Row, row

PROCESSES = 2
RESIDENTS, SESSIONS = 100, 37
EACH = 600  # bookings of one process in one measurement
HTTP_EACH = 150
# Bookings before the count by each client: a process and its connections have written and planned all they need.
HTTP_WARM = 60
# Milliseconds of CPU a booking, and the free slots of a department's week, may take.
MOST_OF_BOOKING, MOST_OF_WEEK = 6, 4
SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"


def run() -> list[Row]:
    """Makes a server of its own, books through the action, through HTTP and through pgbench, and drops it all."""
    with _server() as environment:
        os.environ.update(environment)
        import django

        django.setup()
        slots, residents, instant, cookies = _people()
        lanes = [slots[i * EACH : (i + 1) * EACH] for i in range(3 * PROCESSES)]
        database = database_of(environment)
        by_action, cost = _through_action(lanes[:PROCESSES], residents, instant, database)
        by_http, http_cost = _through_http(lanes[PROCESSES : 2 * PROCESSES], cookies, environment, database)
        won, lost = rush(residents, instant)
        week, week_cost = week_of_a_department(instant, database)
        script, statements = _statements(slots[-1], residents[(len(slots) - 1) % RESIDENTS], instant)
        first = slots.index(lanes[2 * PROCESSES][0])
        ceiling = _through_pgbench(script, slots[first], residents[first % RESIDENTS], environment)
    return [
        row(
            "bookings by the action",
            by_action,
            ceiling,
            "per s",
            f"pgbench, the same {statements} statements, parsed anew",
        ),
        row("bookings over HTTP", by_http, ceiling, "per s", "same ceiling; sessions, one-time keys, load beside it"),
        row("a booking by the action", cost, MOST_OF_BOOKING, "ms CPU", "product and database together"),
        row("a booking over HTTP", http_cost, MOST_OF_BOOKING, "ms CPU", "web server and database together"),
        row("free slots of a department's week", week_cost, MOST_OF_WEEK, "ms CPU", f"{week} slots, with the database"),
        row("p95 of who loses a rush", lost, won, "ms", f"against who wins; {RUSHING} at once for each place"),
    ]


@contextmanager
def _server() -> Iterator[dict[str, str]]:
    from kangqiao.base.server.folder import DataFolder
    from kangqiao.base.server.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="kangqiao-bench-") as home:
        os.chmod(home, 0o755)  # the database may run as another user
        server = EmbeddedPostgres(DataFolder(pathlib.Path(home)), for_tests=True)
        server.folder.create()
        environment = {
            "DATABASE_URL": server.start(),
            "DJANGO_SETTINGS_MODULE": "kangqiao.config.settings",
            "KANGQIAO_DATA": home,
            "KANGQIAO_SECRET_KEY": secrets.token_hex(16),
            "PYTHONPATH": str(SOURCE),
        }
        try:
            migrate = [sys.executable, "-m", "django", "migrate", "--no-input", "-v", "0"]
            subprocess.run(migrate, env={**os.environ, **environment}, check=True)
            yield environment
        finally:
            server.stop()


def _people() -> tuple[list[int], list[int], datetime, list[str]]:
    """Slots in order, residents in order (slot i is for resident i modulo their number), now, and signed-in cookies."""
    from fractions import Fraction

    from django.utils import timezone

    from kangqiao import policy
    from kangqiao.base.actor import Actor
    from kangqiao.domain.accounts.models import Membership, Role, User
    from kangqiao.domain.institutions.models import Organization, Place
    from kangqiao.domain.residents.models import Basis, Resident
    from kangqiao.domain.scheduling.actions import open_session
    from kangqiao.domain.scheduling.models import Session, Slot
    from kangqiao.domain.scheduling.parameters import SlotParameters
    from kangqiao.domain.workforce.models import Practitioner

    now = timezone.now()
    place = Place.objects.create(code="440402", zh="香洲区")
    centre = Organization.objects.create(code="c", kind="centre", zh="演示中心", short_zh="演示", place=place)
    users = User.objects.bulk_create(User(username=f"r{n}", name=f"演示{n}") for n in range(RESIDENTS))
    Membership.objects.bulk_create(
        Membership(user=user, organization=centre, role=Role.RESIDENT, since=date(2020, 1, 1)) for user in users
    )
    residents = Resident.objects.bulk_create(
        Resident(
            user=user,
            name=user.name,
            sex="female",
            birth_date=date(1960, 1, 1),
            identifier=user.username,
            centre=centre,
        )
        for user in users
    )
    Basis.objects.bulk_create(
        Basis(resident=one, user_id=one.user_id, kind="own", source="own", since=now) for one in residents
    )
    read = SlotParameters.read(policy.at("440402", timezone.localdate()))
    from dataclasses import replace

    wide = replace(read, slots_per_session=RESIDENTS, reserved_share=Fraction(0), head_start_days=0)
    starts = now + timedelta(days=1)
    for number in range(SESSIONS):
        doctor = Practitioner.objects.create(
            name=f"演示医生{number}",
            sex="male",
            licence_number=str(number),
            title_kind="physician",
            title_grade="senior",
            organization=centre,
        )
        open_session(
            organization_id=centre.pk,
            practitioner_id=doctor.pk,
            specialty="cardiology",
            kind=Session.Kind.POSTED_EXPERT,
            starts_at=starts,
            ends_at=starts + timedelta(minutes=read.slot_minutes * RESIDENTS),
            source=f"bench:{number}",
            parameters=wide,
            by=Actor.system("bench"),
            at=now,
        )
    slots = list(Slot.objects.order_by("pk").values_list("pk", flat=True))
    return slots, [one.pk for one in residents], now, [signed_in(user) for user in users]


def signed_in(user: Any) -> str:
    """The cookie of somebody who is in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from kangqiao.base.sessions import SessionStore

    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "kangqiao.config.backends.AccountBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def _book(slot: int, resident: int, instant: datetime) -> None:
    from kangqiao.base.actor import Actor
    from kangqiao.domain.scheduling.actions import book

    actor = Actor(id=f"user:{_USERS[resident]}", name="演示", role="resident")
    book(slot_id=slot, resident_id=resident, channel="self", attempt=f"bench-{slot}", by=actor, at=instant)


_USERS: dict[int, int] = {}


def _lane(slots: list[int], residents: list[int], instant: datetime, gate: Any, told: Any) -> None:
    """One process: connects, waits for the others, books its slots, tells when it began and ended."""
    import django

    django.setup()
    from kangqiao.domain.residents.models import Resident

    _USERS.update(Resident.objects.values_list("pk", "user_id"))
    offset = slots[0] % RESIDENTS
    gate.wait()
    began, cpu_began = time.monotonic(), time.process_time()
    for number, slot in enumerate(slots):
        _book(slot, residents[(number + offset - 1) % RESIDENTS], instant)
    told.put((began, time.monotonic(), time.process_time() - cpu_began))


def _through_action(
    lanes: list[list[int]], residents: list[int], instant: datetime, database: Callable[[], float]
) -> tuple[float, float]:
    """Bookings a second by the wall clock, and what each takes: CPU milliseconds of product and database."""
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(len(lanes) + 1), context.Queue()
    workers = [context.Process(target=_lane, args=(lane, residents, instant, gate, told)) for lane in lanes]
    for worker in workers:
        worker.start()
    gate.wait()
    before = database()
    spans = [told.get(timeout=300) for _ in workers]
    spent = database() - before + sum(cpu for _, _, cpu in spans)
    for worker in workers:
        worker.join()
    count = sum(map(len, lanes))
    wall = max(end for _, end, _ in spans) - min(began for began, _, _ in spans)
    return count / wall, spent * 1000 / count


def database_of(environment: dict[str, str]) -> Callable[[], float]:
    """The CPU seconds of a database server and all its processes so far."""
    postmaster = postmaster_of(environment)
    return lambda: sum(map(seconds, family(postmaster)))


def postmaster_of(environment: dict[str, str]) -> int:
    """The process of a database server."""
    from kangqiao.base.server.folder import DataFolder
    from kangqiao.base.server.postgres import EmbeddedPostgres

    folder = EmbeddedPostgres(DataFolder(pathlib.Path(environment["KANGQIAO_DATA"])), for_tests=True).folder
    return int((folder.postgres / "postmaster.pid").read_text().splitlines()[0])


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def seconds(pid: int) -> float:
    """CPU seconds of a process and of those of its children that are gone; none for one that is gone itself."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _through_http(
    lanes: list[list[int]], cookies: list[str], environment: dict[str, str], database: Callable[[], float]
) -> tuple[float, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "kangqiao.config.wsgi:application", "--interface", "wsgi",
        "--host", "127.0.0.1", "--port", str(port), "--workers", str(PROCESSES),
        "--blocking-threads", "4", "--log-level", "critical",
    ]  # fmt: skip
    server = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        spans: list[tuple[float, float]] = []
        each = HTTP_EACH // 2 + HTTP_WARM
        parts = [part for lane in lanes for part in (lane[:each], lane[each : 2 * each])]
        _clients(port, [part[:HTTP_WARM] for part in parts], cookies, spans)
        spans.clear()
        parts = [part[HTTP_WARM:] for part in parts]
        before = database() + sum(map(seconds, family(server.pid)))
        _clients(port, parts, cookies, spans)
        count = sum(map(len, parts))
        spent = database() + sum(map(seconds, family(server.pid))) - before
        wall = max(end for _, end in spans) - min(began for began, _ in spans)
        return count / wall, spent * 1000 / count
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(port: int) -> None:
    """Until something answers there."""
    for _attempt in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web server did not start")


def _clients(port: int, parts: list[list[int]], cookies: list[str], spans: list[tuple[float, float]]) -> None:
    """All at once, each with slots of its own."""
    gate = threading.Barrier(len(parts))
    threads = [threading.Thread(target=_client, args=(port, part, cookies, gate, spans)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(spans) != len(parts):
        raise RuntimeError("a client did not finish")


def _client(port: int, slots: list[int], cookies: list[str], gate: Any, spans: list[tuple[float, float]]) -> None:
    token = secrets.token_hex(16)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(slot: int) -> int:
        headers = {
            "Cookie": f"sessionid={cookies[(slot - 1) % RESIDENTS]}; csrftoken={token}",
            "X-CSRFToken": token,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request("POST", f"/slots/{slot}/book/", f"idempotency_key=http-{slot}", headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    gate.wait()
    began = time.monotonic()
    wrong = [status for status in map(post, slots) if status != 302]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(slots)} were refused, first with {wrong[0]}")
    spans.append((began, time.monotonic()))


def _statements(slot: int, resident: int, instant: datetime) -> tuple[str, int]:
    """Books once and turns every statement the action sent into a pgbench script for :slot and :resident."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from kangqiao.domain.residents.models import Resident
    from kangqiao.domain.scheduling.models import Booking

    _USERS.update(Resident.objects.values_list("pk", "user_id"))
    with CaptureQueriesContext(connection) as sent:
        _book(slot, resident, instant)
    booking = Booking.objects.get(slot_id=slot)
    lines = []
    for query in sent.captured_queries:
        text = " ".join(query["sql"].split())
        taking = "scheduling_slot" in text and text.startswith("WITH")
        text = re.sub(rf"'bench-{slot}'", "'bench-:slot'", text)
        text = re.sub(rf"(?<![\d.:-]){slot}(?![\d.:-])", ":slot", text)
        text = re.sub(rf"(?<![\d.:-]){resident}(?![\d.:-])", ":resident", text)
        text = text.replace(f"'booking:{booking.pk}'", "'booking:' || :id")
        text = re.sub(rf"(?<![\d.:-]){booking.pk}(?![\d.:-])", ":id", text)
        lines.append(text + (" \\gset" if taking else ";"))
    head = [
        "\\set k :k + 1",
        f"\\set slot :first + :client_id * {EACH} + :k",
        f"\\set resident :resident_first + (:slot - :slot_first) % {RESIDENTS}",
    ]
    return "\n".join(head + lines) + "\n", len(lines)


def _through_pgbench(script: str, first: int, resident: int, environment: dict[str, str]) -> float:
    from psycopg.conninfo import conninfo_to_dict

    from kangqiao.base.server.postgres import binaries

    address = conninfo_to_dict(environment["DATABASE_URL"])
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                str(binaries() / "pgbench"), "-n", "-h", str(address["host"]), "-U", str(address["user"]),
                "-c", str(PROCESSES), "-j", str(PROCESSES), "-t", str(EACH), "-f", file.name,
                "-D", "k=-1", "-D", f"first={first}", "-D", f"slot_first={first}", "-D", f"resident_first={resident}",
                str(address["dbname"]),
            ],
            text=True, capture_output=True,
        )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or not found or "failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench: {json.dumps((done.stdout + done.stderr)[-1500:])}")
    return float(found[1])
