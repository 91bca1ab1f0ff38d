"""The public site: published lists, with the file to check them by. No sign-in; nothing here writes."""

from __future__ import annotations

from base64 import b64encode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.sheets import sheet
from kangqiao.domain.publication import queries, rules
from kangqiao.edges.public.site import VisitorRequest, by_year, find, matches, site

MOST_SHOWN = 200


@require_safe
@access("public")
def index(request: VisitorRequest) -> HttpResponse:
    """The latest lists by year and hospital; with words, the experts and centres they name, pinyin too."""
    year, hospital, text = (request.GET.get(name, "")[:60] for name in ("year", "hospital", "q"))
    every = queries.published()
    lists = [row for row in every if year in ("", str(row.year)) and hospital in ("", row.organization.code)]
    found = find(lists, text)
    context = {
        "site": site("public-index", request.seat is not None),
        "wanted": {"year": year, "hospital": hospital, "q": text.strip()},
        "years": [number for number, _rows in by_year(every)],
        "hospitals": dict.fromkeys((row.organization.code, row.organization.zh) for row in every),
        "by_year": by_year(lists),
        "found": found[:MOST_SHOWN],
        "count": len(found),
        "named": [row for row in lists if text.strip() and matches(row.organization.zh, text.strip().lower())],
    }
    return render(request, "public/index.html", context)


@require_safe
@access("public")
def publication(request: VisitorRequest, pk: int) -> HttpResponse:
    """One published list, frozen, with its digest and what changed since the last one."""
    found = queries.get_published(pk)
    context = {
        "site": site("public-index", request.seat is not None),
        "publication": found,
        "content": found.content,
        "changes": queries.differences(found),
        "is_intact": rules.digest(found.content) == found.sha256,
        "newer": queries.newer(found),
        "last_day": queries.parameters_for(found.organization, found.year).publish_by,
    }
    return render(request, "public/publication.html", context)


@require_safe
@access("public")
def file_json(request: VisitorRequest, pk: int) -> HttpResponse:
    """The very bytes the digest was taken of."""
    found = queries.get_published(pk)
    response = HttpResponse(rules.canonical(found.content), content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="kangqiao-{found.year}-{found.pk}.json"'
    response.headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(found.sha256)).decode()}:"
    return response


@require_safe
@access("public")
def file_sheet(request: VisitorRequest, pk: int) -> HttpResponse:
    """The centres and experts of the list as a workbook; every cell is text."""
    found = queries.get_published(pk)
    heads = [_("类别"), _("专家"), _("职称"), _("专科"), _("地点"), _("起"), _("止"), _("协议编号")]
    agreements = [row["agreement"] for row in found.content["chc_list"]]
    lines = queries.as_table(found)
    rows = [(*line, agreements[place] if place < len(agreements) else "") for place, line in enumerate(lines)]
    return sheet(_("公示名单"), heads, rows, file_name=f"kangqiao-{found.year}-{found.pk}.xlsx")
