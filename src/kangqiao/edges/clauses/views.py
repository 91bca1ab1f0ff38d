"""The clauses, open to everybody: no personal data is in them. Who is signed in reads them in the staff frame."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao import policy
from kangqiao.base.access import access
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.base.sheets import sheet
from kangqiao.edges.clauses import catalogue
from kangqiao.edges.public.site import site


@require_safe
@access("public")
def clause_list(request: HttpRequest) -> HttpResponse:
    """The clauses that the filters leave, with one of them opened."""
    found, wanted = catalogue.read(), _wanted(request)
    rows = catalogue.narrowed(found, **wanted)
    whole = catalogue.narrowed(found, **{**wanted, "state": ""})
    context = {
        **_frame(request),
        "rows": rows,
        "wanted": wanted,
        "address": request.GET.urlencode(),
        "packs": catalogue.by_pack(found),
        "counts": found.counts(shown.row for shown in whole),
        "states": [(key, label) for key, (_look, label) in catalogue.STATES.items()],
        "priorities": catalogue.PRIORITIES.items(),
        "register": found,
        **(_opened(request, rows[0]) if rows else {}),
    }
    return render(request, "clauses/list.html", context)


@require_safe
@access("public")
def detail(request: HttpRequest, clause_id: str) -> HttpResponse:
    """One clause: its words, the numbers in force, its place in the product, its tests. HTMX gets the pane alone."""
    shown = catalogue.get(catalogue.read(), clause_id)
    part = request.headers.get("HX-Target") == "clause"
    template = "clauses/_clause.html" if part else "clauses/detail.html"
    return render(request, template, {**_frame(request), **_opened(request, shown)})


@require_safe
@access("public")
def export(request: HttpRequest) -> HttpResponse:
    """The clauses that the filters leave as a workbook."""
    heads = [
        _("编号"), _("章节"), _("原文"), _("效力"), _("分量"), _("模块"), _("产品位置"), _("测试"), _("通过"), _("状态"),
    ]  # fmt: skip
    rows = catalogue.as_table(catalogue.narrowed(catalogue.read(), **_wanted(request)))
    return sheet(_("政策条款"), heads, rows, file_name="clauses.xlsx")


def _wanted(request: HttpRequest) -> dict[str, str]:
    names = {"pack": "pack", "state": "state", "priority": "priority", "text": "q"}
    return {name: request.GET.get(key, "")[:60] for name, key in names.items()}


def _frame(request: HttpRequest) -> dict[str, Any]:
    layout, seat = PART if wants_part(request) else WHOLE, request.seat  # type: ignore[attr-defined]
    is_staff = seat is not None and seat.role != "resident"
    return {"frame_template": layout.staff if is_staff else layout.public, "site": site("clauses-list")}


def _opened(request: HttpRequest, shown: catalogue.Shown) -> dict[str, Any]:
    seat = request.seat  # type: ignore[attr-defined]
    found = catalogue.read()
    return {
        "shown": shown,
        "clause": shown.row.clause,
        "pack": policy.default().pack(shown.row.clause.pack),
        "numbers": catalogue.numbers(shown, seat.place_code if seat else "", timezone.localdate()),
        "ran_at": catalogue.ran_at(found),
    }
