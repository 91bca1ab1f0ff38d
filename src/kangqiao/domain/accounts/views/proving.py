"""Proving again who one is before a dangerous step, without losing what was typed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kangqiao.base.access import access
from kangqiao.domain.accounts.views.parts import (
    STAMPS,
    own_address,
    proof_form,
    proof_page,
    proves,
    refuse,
    user_of,
)
from kangqiao.kernel.errors import RuleBroken, TooOften


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("signed_in")
def prove(request: HttpRequest) -> HttpResponse:
    """Somebody who is in proves again who they are, and goes on with what they were about to do."""
    user, form = user_of(request), proof_form(request)
    if request.method == "POST":
        try:
            if proves(request, user, form, "proof_code"):
                request.session[STAMPS] |= {"proven": timezone.now().isoformat()}
                request.session.modified = True
                wanted = own_address(request, request.POST.get("proof_next", ""))
                return HttpResponseRedirect(wanted, preserve_request=request.POST.get("proof_method") == "post")
        except (RuleBroken, TooOften) as refused:
            return refuse(request, form, refused, "accounts/prove.html", proof_page(request, form))
    return render(request, "accounts/prove.html", proof_page(request, form), status=422 if form.errors else 200)
