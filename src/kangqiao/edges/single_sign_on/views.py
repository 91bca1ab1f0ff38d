"""Going to the provider, coming back with a verified id, and tying it to an account."""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.acting import beyond
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.accounts.views.parts import oneself, proceed, signed_in
from kangqiao.edges.single_sign_on.provider import Distrusted, Provider
from kangqiao.kernel.errors import NotVisible, RuleBroken

REMEMBERED = "sso"
logger = logging.getLogger(__name__)


@never_cache
@require_safe
@access("public")
def start(request: HttpRequest) -> HttpResponse:
    """Sends the browser to the provider."""
    return _go(request, wanted=request.GET.get("next", ""), user_id=0)


@never_cache
@require_safe
@access("signed_in", step_up=True)
def bind(request: SeatedRequest) -> HttpResponse:
    """Sends somebody who is in to the provider, to tie what it verifies to the account."""
    return _go(request, wanted=resolve_url("own-sign-ins"), user_id=request.seat.user_id)


@never_cache
@require_safe
@access("public")
@beyond("accounts.door")
def back(request: HttpRequest) -> HttpResponse:
    """The browser is back: in, if the provider's word stands and its id is tied to an account."""
    remembered = request.session.pop(REMEMBERED, {})
    try:
        issuer, subject = _verified(request, remembered)
        user = signed_in(request)
        if remembered["user"] and user is not None and user.pk == remembered["user"]:
            actions.bind_identity(
                user_id=user.pk,
                issuer=issuer,
                subject=subject,
                called=_("单点登录身份"),
                by=oneself(user),
                at=timezone.now(),
            )
            messages.success(request, _("单点登录已绑定，下次可以直接用它登录。"))
            return redirect("own-sign-ins")
        user = actions.sign_in_by_subject(issuer=issuer, subject=subject, at=timezone.now())
    except RuleBroken as refused:
        return render(request, "single_sign_on/refused.html", {"refused": refused}, status=422)
    return proceed(request, user, "sso", wanted=remembered["next"])


@require_POST
@access("signed_in", step_up=True)
# twice is once: what is untied is untied
def unbind(request: SeatedRequest, identity_id: int) -> HttpResponse:
    """The tie is taken off."""
    actions.unbind_identity(identity_id=identity_id, by=request.actor, at=timezone.now())
    messages.success(request, _("单点登录的绑定已解除。"))
    return redirect("own-sign-ins")


def _go(request: HttpRequest, *, wanted: str, user_id: int) -> HttpResponse:
    try:
        asked = _provider().ask(_here(request))
    except Distrusted as error:
        logger.warning("single sign-on: %s", error)
        raise RuleBroken(_("单点登录服务现在没有回答。"), next_step=_("请用登录名和密码登录。")) from error
    request.session[REMEMBERED] = asked.remembered | {"next": wanted, "user": user_id}
    return HttpResponseRedirect(asked.address)


def _verified(request: HttpRequest, remembered: dict[str, str]) -> tuple[str, str]:
    """Who the provider says this is. Raises RuleBroken with one sentence for every way it can be wrong."""
    provider = _provider()
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    try:
        if not remembered or not code or not secrets.compare_digest(state.encode(), remembered["state"].encode()):
            raise Distrusted("no visit of that state")
        return provider.issuer, provider.subject(code, remembered, _here(request))
    except Distrusted as error:
        logger.warning("single sign-on: %s", error)
        said = _("单点登录没有成功：对方的答复核对不上，或已经过期。")
        raise RuleBroken(said, next_step=_("请再试一次，或用登录名和密码登录。")) from error


def _provider() -> Provider:
    if not settings.SSO["issuer"]:
        raise NotVisible(str(queries.NO_PAGE))
    return Provider(**settings.SSO)


def _here(request: HttpRequest) -> str:
    return request.build_absolute_uri(resolve_url("sso-back"))
