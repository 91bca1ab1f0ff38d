"""The pages of the audit: reading it, taking it along, and the heads that everybody may keep."""

from __future__ import annotations

import json
import tempfile
from datetime import date, timedelta

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from kangqiao.base import sealing
from kangqiao.base.access import access
from kangqiao.base.acting import beyond
from kangqiao.base.exports import exports, page_of
from kangqiao.base.models import AuditEvent
from kangqiao.base.pages import number_in
from kangqiao.base.signing import signer
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.edges.audit import exporting, fhir, queries
from kangqiao.edges.public.site import VisitorRequest, site
from kangqiao.kernel.period import in_calendar

PER_PAGE = 50


@require_safe
@access("role", roles=queries.READERS, step_up=True)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """The events of the organisations this seat answers for, and how their chains stand; reading is an event too."""
    wanted = _wanted(request)
    chain = request.seat.organization_id if wanted.chain is None else wanted.chain
    page = page_of(request, queries.events(request.seat, wanted), PER_PAGE)
    context = {
        "wanted": wanted,
        "chains": queries.scope(request.seat),
        "kinds": AuditEvent.Kind.choices,
        "page_obj": page,
        "names": queries.names_of(list(page)),
        "standing": queries.standing(request.seat, chain),
    }
    exporting.note_reading(wanted, page.number, by=request.actor, at=timezone.now())
    return render(request, "audit/index.html", context)


@require_safe
@access("role", roles=queries.READERS, step_up=True)
def export(request: SeatedRequest, chain: int, form: str) -> HttpResponse:
    """One chain as a file for `kangqiao audit verify`, or as FHIR AuditEvents; asking for it is an event of it."""
    queries.chain_in_scope(request.seat, chain)
    at = timezone.now()
    exporting.note_export(chain, by=request.actor, at=at, form=form)
    file = tempfile.TemporaryFile()  # noqa: SIM115 the answer closes it
    # A row hidden from this seat would look like one that was deleted.
    with beyond("audit.export"):
        lines = sealing.export(chain, at=at)
        for line in fhir.ndjson(lines, site=request.get_host()) if form == "fhir" else lines:
            file.write(line.encode())
    file.seek(0)
    name = f"kangqiao-audit-{chain}-{timezone.localtime(at):%Y%m%d-%H%M}.{form}.ndjson"
    answer = FileResponse(file, as_attachment=True, filename=name, content_type="application/x-ndjson")
    return answer  # type: ignore[return-value]


@require_safe
@access("public")
def heads(request: VisitorRequest) -> HttpResponse:
    """The signed ends of all chains of a day, for whoever wants to keep them."""
    day = _day(request, "day") or timezone.localdate()
    context = {
        "site": site("audit-heads", request.seat is not None),
        "day": day,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1) if day < timezone.localdate() else None,
        "heads": queries.heads_of(day),
        "key": signer(),
    }
    return render(request, "audit/heads.html", context)


@require_safe
@access("public")
def heads_file(request: HttpRequest) -> HttpResponse:
    """The same as a file that the verifier reads."""
    day = _day(request, "day") or timezone.localdate()
    key = signer()
    told = {
        "day": day.isoformat(), "key_id": key.key_id, "public_key": key.public_pem, "heads": queries.heads_of(day)
    }  # fmt: skip
    response = HttpResponse(json.dumps(told, ensure_ascii=False, indent=1), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="kangqiao-heads-{day}.json"'
    return response


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return in_calendar(parse_date(request.GET.get(name, "")[:10]))
    except ValueError:
        return None


def _number(request: HttpRequest, name: str) -> int | None:
    return number_in(request.GET.get(name, ""))


def _wanted(request: HttpRequest) -> queries.Wanted:
    last = _day(request, "last") or timezone.localdate()
    kind = request.GET.get("kind", "")
    return queries.Wanted(
        first=min(_day(request, "first") or last - timedelta(days=queries.DEFAULT_DAYS - 1), last),
        last=last,
        chain=_number(request, "chain"),
        kind=kind if kind in AuditEvent.Kind.values else "",
        who=request.GET.get("who", "").strip()[:40],
        request=request.GET.get("request", "")[:64],
        resident_id=_number(request, "resident"),
    )
