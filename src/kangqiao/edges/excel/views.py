"""A table comes in: uploaded, looked through, mended, entered, taken back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from procrastinate.contrib.django import app as jobs

from kangqiao.base import imports
from kangqiao.base.access import access
from kangqiao.base.exports import page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.sheets import download
from kangqiao.base.uploads import read_sheet
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.edges.excel import files, forms
from kangqiao.edges.excel.kinds import KINDS, ROLES, kind_for
from kangqiao.edges.excel.preview import preview
from kangqiao.kernel.errors import RuleBroken

PER_PAGE = 50
LISTED = 20


@require_safe
@access("role", roles=ROLES)
def index(request: SeatedRequest) -> HttpResponse:
    """What this seat can read in, and what it has read in lately."""
    kinds = [kind for kind in KINDS.values() if request.seat.role in kind.roles]
    batches = [(one, KINDS[one.kind], imports.counts_of(one)) for one in imports.batches_of(request.actor)[:LISTED]]
    return render(request, "excel/index.html", {"kinds": kinds, "batches": batches})


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=ROLES)
@idempotent
def upload(request: SeatedRequest, kind: str) -> HttpResponse:
    """A filled-in table is uploaded and looked through; nothing is entered yet."""
    wanted, form = kind_for(kind, request.actor), forms.UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            rows = read_sheet(form.cleaned_data["table"], wanted.heads)
            batch = imports.read_batch(kind=wanted, rows=rows, by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error("table", str(refused))
        else:
            return redirect("imports-batch", batch.pk)
    page = {"kind": wanted, "form": form}
    return render(request, "excel/upload.html", page, status=422 if form.errors else 200)


@require_safe
@access("role", roles=ROLES)
def empty(request: SeatedRequest, kind: str) -> HttpResponse:
    """The table to fill in, or to change where something is there already."""
    wanted = kind_for(kind, request.actor)
    lines = wanted.now(request.actor, timezone.now()) if wanted.now else ()
    return download(files.template(wanted, lines), file_name=f"{kind}.xlsx")


@require_safe
@access("role", roles=ROLES)
def batch(request: SeatedRequest, batch_id: int) -> HttpResponse:
    """A batch row by row, in its three colours; HTMX asks for the list alone."""
    return _shown(request, batch_id)


@require_POST
@access("role", roles=ROLES)
@idempotent
def mend(request: SeatedRequest, batch_id: int, row_id: int) -> HttpResponse:
    """A row is corrected in place and judged anew; the answer leads back, for a kept page would hold names."""
    kind = kind_for(imports.get_batch(request.actor, batch_id).kind, request.actor)
    cells = {head: request.POST.get(f"c{number}", "") for number, head in enumerate(kind.heads)}
    imports.mend_row(kind=kind, batch_id=batch_id, row_id=row_id, cells=cells, by=request.actor, at=timezone.now())
    return HttpResponseRedirect(_back(request, batch_id))


@require_POST
@access("role", roles=ROLES)
@idempotent
def enter(request: SeatedRequest, batch_id: int) -> HttpResponse:
    """The good rows are put into the queue; with faulty ones left out only as the person has decided."""
    found = imports.get_batch(request.actor, batch_id)
    kind = kind_for(found.kind, request.actor)
    form = forms.SendForm(request.POST)
    seen = form.cleaned_data["seen_bad"] if form.is_valid() else None
    url = reverse("imports-batch", args=(batch_id,))
    label = _("导入%(what)s") % {"what": kind.title}
    sent = imports.send_batch(
        kind=kind, batch_id=batch_id, seen_bad=seen, label=label, url=url, by=request.actor, at=timezone.now()
    )
    jobs.configure_task("imports.enter").defer(batch_id=sent.pk, by=asdict(request.actor))
    return HttpResponseRedirect(url)


@require_POST
@access("role", roles=ROLES)
@idempotent
def undo(request: SeatedRequest, batch_id: int) -> HttpResponse:
    """The whole batch is taken back; rows that something stands on stay and say why."""
    kind = kind_for(imports.get_batch(request.actor, batch_id).kind, request.actor)
    gone, stay = imports.undo_batch(kind=kind, batch_id=batch_id, by=request.actor, at=timezone.now())
    text = _("已撤回 %(gone)s 行。") % {"gone": gone}
    messages.success(request, text + (_("有 %(stay)s 行已经用到，留下了。") % {"stay": stay} if stay else ""))
    return HttpResponseRedirect(reverse("imports-batch", args=(batch_id,)))


@require_POST
@access("role", roles=ROLES)
@idempotent
def drop(request: SeatedRequest, batch_id: int) -> HttpResponse:
    """What was uploaded is thrown away."""
    imports.drop_batch(batch_id=batch_id, by=request.actor, at=timezone.now())
    messages.success(request, _("这一批已丢弃，什么也没有写入。"))
    return redirect("imports-index")


@require_safe
@access("role", roles=ROLES, step_up=True)
def sheet(request: SeatedRequest, batch_id: int) -> HttpResponse:
    """The batch as it stands, with its mends, as a table that can be uploaded again."""
    found = imports.get_batch(request.actor, batch_id)
    kind = kind_for(found.kind, request.actor)
    return download(files.as_sheet(kind, found.rows.all()), file_name=f"{kind.key}-{found.pk}.xlsx")


def _shown(request: SeatedRequest, batch_id: int) -> HttpResponse:
    found = imports.get_batch(request.actor, batch_id)
    kind = kind_for(found.kind, request.actor)
    counts = imports.counts_of(found)
    show, edit = forms.ViewForm(request.GET).asked()
    rows = found.rows.all() if show == forms.ALL else found.rows.filter(mark=show)
    page: dict[str, Any] = {
        "batch": found,
        "kind": kind,
        "counts": counts | {"ready": counts["good"] + counts["warn"]},
        "show": show,
        "page_obj": page_of(request, rows, PER_PAGE),
        "url": reverse("imports-batch", args=(batch_id,)),
        "here": request.GET.get("page", "1"),
    }
    page["lines"] = preview(kind, page["page_obj"], edit if found.sent_at is None else None)
    is_list = request.headers.get("HX-Target", "").endswith("import-list")
    return render(request, "excel/_list.html" if is_list else "excel/batch.html", page)


def _back(request: HttpRequest, batch_id: int) -> str:
    query = request.GET.copy()
    query.pop("edit", None)
    return reverse("imports-batch", args=(batch_id,)) + (f"?{query.urlencode()}" if query else "")
