"""The public site: published lists, with the file to check them by."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.sheets import sheet
from kangqiao.domain.publication import queries, rules
from kangqiao.edges.public.site import find, site


@require_safe
@access("public")
def index(request: HttpRequest) -> HttpResponse:
    """The latest published lists by year and hospital; found by expert, place or hospital, pinyin too."""
    asked, text = request.GET.get("year", ""), request.GET.get("q", "")[:60]
    everything = queries.published()
    years = sorted({row.year for row in everything}, reverse=True)
    year = int(asked) if asked.isdecimal() and int(asked) in years else (years[0] if years else None)
    shown = [row for row in everything if row.year == year]
    context = {"site": site("public-index"), "years": years, "year": year, "text": text, "found": find(shown, text)}
    return render(request, "public/index.html", context)


@require_safe
@access("public")
def publication(request: HttpRequest, pk: int) -> HttpResponse:
    """One published list, frozen, with its digest and what changed since the last one."""
    found = queries.get_published(pk)
    context = {
        "site": site(""),
        "publication": found,
        "content": found.content,
        "changes": queries.changes(found),
        "is_intact": rules.digest(found.content) == found.sha256,
        "newer": queries.newer(found),
    }
    return render(request, "public/publication.html", context)


@require_safe
@access("public")
def file_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The very bytes the digest was taken of."""
    found = queries.get_published(pk)
    response = HttpResponse(rules.canonical(found.content), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="list-{found.year}-{found.pk}.json"'
    return response


@require_safe
@access("public")
def file_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """The experts of the list as a workbook."""
    found = queries.get_published(pk)
    heads = [_("类别"), _("专家"), _("职称"), _("专科"), _("地点"), _("起"), _("止")]
    return sheet(_("公示名单"), heads, queries.as_table(found), file_name=f"list-{found.year}-{found.pk}.xlsx")
