"""The clauses, open to everybody: no personal data is in them. Who is signed in reads them in the staff frame."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao import policy
from kangqiao.base.access import access
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.base.sheets import sheet
from kangqiao.edges.clauses import catalogue
from kangqiao.edges.clauses.numbers import numbers
from kangqiao.edges.public.site import VisitorRequest, site
from kangqiao.policy.register import Register


@require_safe
@transaction.non_atomic_requests  # the papers are files: a reader without a seat asks the database nothing
@access("public")
def clause_list(request: VisitorRequest) -> HttpResponse:
    """The clauses of a paper that the filters leave, the first one opened beside them."""
    found = catalogue.read()
    context = _listed(request, found, _pack(request))
    if wants_part(request) and request.headers.get("HX-Target") == "clause-rows":
        return render(request, "clauses/_rows.html", {**context, "is_part": True})
    opened = _opened(request, found, context["rows"][0]) if context["rows"] else {}
    return render(
        request, "clauses/list.html", {**_frame(request), **context, **opened, "proof": catalogue.proof(found)}
    )


@require_safe
@transaction.non_atomic_requests
@access("public")
def detail(request: VisitorRequest, clause_id: str) -> HttpResponse:
    """One clause beside the clauses of its paper. HTMX gets the pane alone."""
    found = catalogue.read()
    opened = {**_opened(request, found, catalogue.get(found, clause_id)), "is_open": True}
    if wants_part(request) and request.headers.get("HX-Target") == "clause":
        return render(request, "clauses/_clause.html", opened)
    context = _listed(request, found, opened["pack"].id)
    return render(request, "clauses/list.html", {**_frame(request), **context, **opened})


@require_safe
@transaction.non_atomic_requests
@access("public")
def export(request: VisitorRequest) -> HttpResponse:
    """The clauses that the filters leave as a workbook."""
    heads = [
        _("编号"), _("章节"), _("原文"), _("效力"), _("分量"), _("模块"), _("产品位置"), _("网址"), _("测试"),
        _("通过"), _("状态"),
    ]  # fmt: skip
    rows = _listed(request, catalogue.read(), _pack(request))["rows"]
    return sheet(_("政策条款"), heads, catalogue.as_table(rows), file_name="clauses.xlsx")


def _pack(request: VisitorRequest) -> str:
    """The paper asked for; else the one that binds the reader's place most closely, else all of them."""
    known, asked = policy.default().packs, request.GET.get("pack", "")
    if asked == catalogue.ALL or asked in known:
        return asked
    code = request.seat.place_code if request.seat else ""
    near = [pack for pack in known.values() if pack.clauses and code and pack.specificity(code)]
    return max(near, key=lambda pack: pack.specificity(code)).id if near else catalogue.ALL


def _listed(request: VisitorRequest, found: Register, pack: str) -> dict[str, Any]:
    state, priority = request.GET.get("state", ""), request.GET.get("priority", "")
    text = request.GET.get("q", "")[:60]
    every = catalogue.narrowed(found, pack=pack, priority=priority, text=text)
    return {
        "rows": [row for row in every if state in ("", row.state)],
        "wanted": {"pack": pack, "state": state, "priority": priority, "q": text},
        "stack": catalogue.stacked(every),
        "whole": catalogue.stacked(catalogue.shown(found, found.rows)),
        "papers": catalogue.papers(found),
        "priorities": catalogue.PRIORITIES.items(),
        "address": request.GET.urlencode(),
    }


def _frame(request: VisitorRequest) -> dict[str, Any]:
    layout, seat = PART if wants_part(request) else WHOLE, request.seat
    is_staff = seat is not None and seat.role != "resident"
    return {"frame_template": layout.staff if is_staff else layout.public, "site": site("clauses-list")}


def _opened(request: VisitorRequest, found: Register, one: catalogue.Shown) -> dict[str, Any]:
    seat, clause = request.seat, one.row.clause
    pack = policy.default().pack(clause.pack)
    return {
        "shown": one,
        "clause": clause,
        "pack": pack,
        "numbers": numbers(clause, pack, seat.place_code if seat else "", timezone.localdate()),
        "position": pack.clauses.index(clause) + 1,
        "proof": catalogue.proof(found),
    }
