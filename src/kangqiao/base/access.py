"""Who may open a page, declared on the page itself; a URL without a declaration stops the start-up."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from kangqiao.base import acting, drafts, reads
from kangqiao.base.actor import Actor
from kangqiao.kernel.errors import Denied

View = TypeVar("View", bound=Callable[..., HttpResponse])

PUBLIC, SIGNED_IN, ROLE = "public", "signed_in", "role"


@dataclass(frozen=True, slots=True)
class Access:
    """The declaration a view carries: its policy, for `role` which roles, and whether it asks for a fresh proof."""

    policy: str
    roles: frozenset[str] = frozenset()
    step_up: bool = False

    def admits(self, role: str | None) -> bool:
        """Whether a person acting in this role (None: not signed in) may call the view at all."""
        if self.policy == PUBLIC:
            return True
        return role is not None and (self.policy == SIGNED_IN or role in self.roles)


def access(policy: str, *, roles: tuple[str, ...] = (), step_up: bool = False) -> Callable[[View], View]:
    """Declares and enforces who may call a view, before the view runs a query, and tells the database who acts.

    `policy` is `public`, `signed_in` or `role`; what the person may then see is decided by the module's scope.
    `step_up` asks somebody who has not lately proven who they are to do so first; then the same form goes through with
    what was typed. The setting `PROOF` names what asks: it answers None, or the page.
    Raises ValueError at import for an unknown policy, a role policy without roles, and a public page with `step_up`.
    """
    if policy not in (PUBLIC, SIGNED_IN, ROLE) or (policy == ROLE) != bool(roles):
        raise ValueError(f"unknown access policy: {policy} {roles}")
    if step_up and policy == PUBLIC:
        raise ValueError("nobody unknown can prove again who they are")
    declared = Access(policy, frozenset(roles), step_up)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            seat = getattr(request, "seat", None)
            role = getattr(seat, "role", None)
            if not declared.admits(role):
                if role is None:
                    note_refusal(request, kwargs)
                    return to_sign_in(request)
                raise Denied(_("您现在的岗位不能打开这一页。"), next_step=_("请切换岗位，或联系本机构管理员。"))
            # Outside a transaction runs only a view that says so itself, and that only for a reader without a seat.
            if seat is None and not connection.in_atomic_block:
                return view(request, *args, **kwargs)
            with nullcontext() if connection.in_atomic_block else transaction.atomic():
                acting.as_seat(seat, request=getattr(request, "number", ""))
                with reads.collected() as found:
                    request.reads = found  # type: ignore[attr-defined]
                    question = import_string(settings.PROOF)(request) if step_up else None
                    response = question or view(request, *args, **kwargs)
                reads.write_reads(found, call_of(request))
                return response

        guarded.access = declared  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def call_of(request: HttpRequest) -> reads.Call:
    """Who calls what, as the log of reads keeps it; a person without a seat by account or as unknown."""
    user = getattr(request, "user", None)
    stranger = Actor(acting.ANONYMOUS, _("未登录的人"))
    account = Actor(f"user:{user.pk}", str(user)) if user is not None and user.is_authenticated else stranger
    match = request.resolver_match
    return reads.Call(
        by=getattr(request, "actor", None) or account,
        at=timezone.now(),  # reads the clock: this layer around a view is an edge
        action=(match.view_name if match else "") or "",
        path=request.path,
        method=request.method or "",
        number=getattr(request, "number", ""),
    )


def note_refusal(request: HttpRequest, arguments: Mapping[str, Any]) -> None:
    """Writes down that a call was refused, in a transaction of its own: the call's is rolled back.

    Somebody without a seat who asks for no resident's row is no news: nothing of anybody's was refused.
    """
    found = getattr(request, "reads", None) or reads.Reads()
    if getattr(request, "seat", None) is None and not reads.named_by(arguments):
        return
    with acting.as_system("reads"):
        reads.write_refusals(found.missed or reads.named_by(arguments) or found.shown, call_of(request))


def note_failure(request: HttpRequest) -> None:
    """Writes down whose data a call looked at that was rolled back for another reason."""
    with acting.as_system("reads"):
        reads.write_failed_reads(getattr(request, "reads", None) or reads.Reads(), call_of(request))


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Sends a person without a session to the sign-in page and back; a fragment call leaves the whole page.

    What a form held is kept and stands in it again afterwards.
    """
    drafts.keep(request)
    is_whole = request.method == "GET" and not request.headers.get("HX-Request")
    wanted = request.get_full_path() if is_whole else drafts.page_of(request)
    over = getattr(request, "session_over", "")
    target = resolve_url("sign-in") + "?" + urlencode({"next": wanted} | ({"why": over} if over else {}))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)
