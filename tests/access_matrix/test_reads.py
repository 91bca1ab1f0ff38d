"""The log of reads over the matrix: whoever looks at a resident, or is refused, leaves exactly one row (T-AUD-1).

The row says who, when, from where, what, on which basis, about whom and with what result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.residents.permissions import TREATING
from kangqiao.domain.residents.queries.oversight import OVERSIGHT
from tests.access_matrix.cells import NOBODY, Address, addresses, body
from tests.access_matrix.world import SEATS, Side

# Rows of a side that are about its resident.
PERSONAL = {"booking", "consent", "document", "emergency", "referral", "resident"}
KINDS = (AuditEvent.Kind.READ, AuditEvent.Kind.REFUSED)
BASES = {*Basis.Kind.values, OVERSIGHT}
ACTORS = (*(role.value for role in SEATS), *NOBODY)


@dataclass(frozen=True)
class Trace:
    """One request: what came back, and the rows it left about the side's resident."""

    status: int
    location: str
    text: str
    rows: tuple[AuditEvent, ...]


def ask(client: Client, method: str, url: str, side: Side) -> Trace:
    """One request whose effects are taken back after its rows are read."""
    last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with transaction.atomic():
        response: Any = client.generic(method, url, headers={"Idempotency-Key": f"{method}{url}"[-80:]})
        rows = AuditEvent.objects.filter(id__gt=last, kind__in=KINDS, resident_id=side.resident.pk)
        trace = Trace(response.status_code, response.headers.get("Location", ""), body(response), tuple(rows))
        transaction.set_rollback(True)
    return trace


def touches(method: str, trace: Trace) -> bool:
    """Whether the request reached the resident's row: not by a wrong method, nor when sent on before it was opened."""
    is_sent_on = method == "GET" and trace.status == 302 and not trace.location.startswith("/sign-in/")
    return trace.status != 405 and not is_sent_on


def faults(trace: Trace, address: Address, side: Side, actor: str, organization_id: int | None) -> list[str]:
    """What is wrong with the rows of one cell."""
    if len(trace.rows) != 1:
        return [f"{len(trace.rows)} rows, not one"]
    row, found = trace.rows[0], []
    who = "anonymous" if actor in ("anonymous", "disabled") else f"user:{side.users[actor].pk}"
    is_refused = trace.status in (302, 403, 404)
    wanted = (who, organization_id, address.name, is_refused)
    said = (row.by_id, row.organization_id, row.action, row.kind == AuditEvent.Kind.REFUSED)
    if said != wanted:
        found.append(f"{said}, not {wanted}")
    if not row.by_name or row.detail["path"][0] != "/" or abs((timezone.now() - row.at).total_seconds()) > 60:
        found.append("no name, address or time")
    if not is_refused and not set(row.basis.split(",")) <= BASES:
        found.append(f"no basis: {row.basis!r}")
    if (row.outcome == "refused") != is_refused:
        found.append(f"outcome {row.outcome}")
    return found


@pytest.mark.trust("T-AUD-1")
@pytest.mark.parametrize("actor", ACTORS)
def test_whoever_touches_a_resident_leaves_one_row(
    actor: str, sides: dict[str, Side], measured: Callable[[str], None], nth: int
) -> None:
    ours, foreign = sides["own"], sides["stranger"]
    client = Client(raise_request_exception=False)
    if actor != "anonymous":
        client.force_login(ours.users[actor])
    place = None if actor in NOBODY else ours.rows[SEATS[Role(actor)]].pk
    found, cells, turn = [], 0, ACTORS.index(actor)

    for address in [one for one in addresses() if one.rows & PERSONAL][turn % nth :: nth]:
        for method, side in (("GET", ours), ("GET", foreign), ("POST", foreign)):
            trace = ask(client, method, address.on(side), side)
            if not touches(method, trace):
                continue
            cells += 1
            wrong = faults(trace, address, ours, actor, place)
            found += [f"{actor} {method} {address.on(side)} → {trace.status}: {words}" for words in wrong]

    assert not found, "\n".join(("", *found))
    assert cells >= 10 // nth
    measured(f"{cells} cells, 1 row each")


@pytest.mark.trust("T-AUD-1")
@pytest.mark.parametrize("actor", [Role.RESIDENT.value, *sorted(role.value for role in TREATING)])
def test_whoever_reads_the_name_has_it_in_the_log(actor: str, sides: dict[str, Side], nth: int) -> None:
    ours = sides["own"]
    client = Client(raise_request_exception=False)
    client.force_login(ours.users[actor])
    found, named = [], 0

    for address in addresses()[ACTORS.index(actor) % nth :: nth]:
        trace = ask(client, "GET", address.on(ours), ours)
        if ours.resident.name not in trace.text:
            continue
        named += 1
        if [row.kind for row in trace.rows] != [AuditEvent.Kind.READ]:
            found.append(f"{actor} {address.on(ours)} → {trace.status}: names the resident, rows {trace.rows}")

    assert not found, "\n".join(("", *found))
    assert named or actor == Role.PHARMACIST or nth > 1
