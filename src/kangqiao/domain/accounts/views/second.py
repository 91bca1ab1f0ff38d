"""The second factor: shown on the way in, and set up; and a first password of one's own."""

from __future__ import annotations

import base64
import io

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kangqiao.base import sealed
from kangqiao.base.access import access
from kangqiao.base.acting import beyond
from kangqiao.base.security_keys import Refused
from kangqiao.domain.accounts import actions, queries, rules
from kangqiao.domain.accounts.forms import AppForm, CodeForm, KeyForm, NewPasswordForm
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.parameters import LIMITS
from kangqiao.domain.accounts.views.parts import (
    KEY,
    PENDING,
    SECRET,
    admit,
    ask_for_proof,
    key_question,
    next_step,
    oneself,
    party_of,
    pending,
    proves,
    refuse,
    signed_in,
)
from kangqiao.kernel.errors import NotVisible, RuleBroken, TooOften


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("public")
@beyond("accounts.door")
def second_step(request: HttpRequest) -> HttpResponse:
    """The second factor of somebody who has shown the first: a code, or a security key."""
    user = pending(request)
    if user is None:
        return redirect("sign-in")
    form = CodeForm(request.POST if "code" in request.POST else None)
    page = {"form": form, "has_key": bool(queries.keys_of(user.pk, party_of(request).host))}
    if request.method == "POST":
        try:
            if proves(request, user, form, "code"):
                return admit(request, user)
        except (RuleBroken, TooOften) as refused:
            return refuse(request, form, refused, "accounts/second.html", page | key_question(request, user))
    page |= key_question(request, user)
    return render(request, "accounts/second.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("public")
@beyond("accounts.door")
# twice is once: the second time nobody is half-way in any more
def first_password(request: HttpRequest) -> HttpResponse:
    """A password of one's own, in place of the one the administrator handed over."""
    user = pending(request)
    if user is None or not user.has_temporary_password:
        return redirect("sign-in")
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        new = form.cleaned_data["new"]
        try:
            user = actions.change_password(user_id=user.pk, old=None, new=new, by=oneself(user), at=timezone.now())
        except RuleBroken as refused:
            form.add_error("new", str(refused))
        else:
            return next_step(request, user)
    page = {"form": form, "least": LIMITS.shortest_password_staff}
    return render(request, "accounts/first_password.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("public")
@beyond("accounts.door")
# twice is once: a code is good once
def add_app(request: HttpRequest) -> HttpResponse:
    """An app that shows codes is added; staff who come in for the first time cannot pass without."""
    user = pending(request, may_enrol=True) or signed_in(request)
    if user is None:
        return redirect("sign-in")
    question = None if pending(request) else ask_for_proof(request)
    if question is not None:
        return question
    form = AppForm(request.POST or None)
    secret = _new_secret(request)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"].strip()
        try:
            codes = actions.add_app(user=user, secret=secret, code=code, by=oneself(user), at=timezone.now())
        except RuleBroken as refused:
            form.add_error("code", str(refused))
        else:
            return _added(request, user, codes)
    page = {"form": form, "spelled": rules.spelled(secret), "is_forced": pending(request) is not None}
    return render(request, "accounts/add_app.html", page, status=422 if form.errors else 200)


@require_safe
@never_cache
@access("public")
@beyond("accounts.door")
def app_picture(request: HttpRequest) -> HttpResponse:
    """The secret of the app being added, as a QR code to photograph."""
    user = pending(request) or signed_in(request)
    if user is None or SECRET not in request.session:
        raise NotVisible(str(queries.NO_PAGE))
    uri = rules.provisioning_uri(_new_secret(request), user.username, _("康桥"))
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
    return HttpResponse(drawn.getvalue(), content_type="image/svg+xml")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("public")
@beyond("accounts.door")
# twice is once: what the key was asked is asked once
def add_key(request: HttpRequest) -> HttpResponse:
    """A security key is added."""
    user = pending(request, may_enrol=True) or signed_in(request)
    if user is None:
        return redirect("sign-in")
    question = None if pending(request) else ask_for_proof(request)
    if question is not None:
        return question
    party, form = party_of(request), KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            credential = party.registered(request.session.pop(KEY, {}), form.cleaned_data["key"])
            by, at = oneself(user), timezone.now()
            codes = actions.add_key(user=user, credential=credential, host=party.host, by=by, at=at)
            return _added(request, user, codes)
        except (RuleBroken, Refused):
            form.add_error(None, _("没有登记成功：这把钥匙没有答对，或已经登记过。"))
    known = [bytes(row.credential) for row in queries.keys_of(user.pk, party.host)]
    asked = party.ask_to_register(user.pk, user.username, user.name, known)
    request.session[KEY] = asked.state
    page = {"form": form, "options": asked.options, "is_forced": pending(request) is not None}
    return render(request, "accounts/add_key.html", page, status=422 if form.errors else 200)


def _new_secret(request: HttpRequest) -> bytes:
    """The secret of the app being added: made once, kept sealed until the app has shown its first code."""
    if SECRET not in request.session:
        request.session[SECRET] = base64.b64encode(sealed.seal(rules.new_secret())).decode()
    return sealed.unseal(base64.b64decode(request.session[SECRET]))


def _added(request: HttpRequest, user: User, codes: list[str]) -> HttpResponse:
    """A second factor was added: the person comes in, and sees the recovery codes this one time."""
    for name in (SECRET, KEY):
        request.session.pop(name, None)
    answer = admit(request, user) if PENDING in request.session else redirect("own-sign-ins")
    if not codes:
        return answer
    page = render(request, "accounts/recovery_codes.html", {"codes": codes, "onward": answer.headers["Location"]})
    page.cookies.update(answer.cookies)
    return page
