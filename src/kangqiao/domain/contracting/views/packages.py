"""Packages: what is offered, taken over from the policy packs or made here."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.kernel.errors import RuleBroken


@require_safe
@access("role", roles=permissions.READERS)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """Every package with its items, prices and where the figures come from."""
    seat, on = request.seat, timezone.localdate()
    may_keep = seat.role in permissions.PACKERS
    context = {
        "packages": queries.package_list(seat),
        "known": queries.pack_known_at(seat, on) if may_keep else [],
        "may_keep": may_keep,
        "today": on,
    }
    return render(request, "contracting/packages.html", context)


@require_POST
@access("role", roles=permissions.PACKERS)
@idempotent
def adopt(request: SeatedRequest) -> HttpResponse:
    """The packages of the policy packs are offered here from today."""
    seat, at, codes = request.seat, timezone.now(), request.POST.getlist("code")
    if not codes:
        raise RuleBroken(_("没有选服务包。"), next_step=_("请至少勾选一个再提交。"))
    made = actions.adopt_packages(
        organization_id=seat.organization_id, codes=codes, starts_on=timezone.localdate(at), by=request.actor, at=at
    )
    messages.success(request, _("从今天起提供 %(count)s 个服务包。") % {"count": len(made)})
    return redirect("contracting-packages")


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.PACKERS)
@idempotent
def new(request: SeatedRequest) -> HttpResponse:
    """A package of the house's own, item by item; also the next version of one."""
    form = forms.PackageForm(request.POST or None, initial={"starts_on": timezone.localdate()})
    lines = forms.ItemForms(request.POST or None, prefix="item")
    if request.method == "POST" and form.is_valid() and lines.is_valid():
        by, at = request.actor, timezone.now()
        said = {**form.cleaned_data, "items": forms.items_of(lines)}
        try:
            actions.add_package(organization_id=request.seat.organization_id, **said, by=by, at=at)
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("服务包已写好，%(day)s 起可以签。") % {"day": said["starts_on"]})
            return redirect("contracting-packages")
    status = 422 if request.method == "POST" else 200
    return render(request, "contracting/package_new.html", {"form": form, "lines": lines}, status=status)


@require_POST
@access("role", roles=permissions.PACKERS)
@idempotent
def end(request: SeatedRequest, package_id: int) -> HttpResponse:
    """A package is no longer offered."""
    package = queries.get_package(request.seat, package_id)
    actions.end_package(package_id=package.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("%(name)s今天起不再提供，已签的继续有效。") % {"name": package.zh})
    return redirect("contracting-packages")
