"""What the pages of coming in share: who is half-way in, what the session remembers, and how a proof is taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.pages import MODE_COOKIE, wants_part
from kangqiao.base.security_keys import Party, Refused
from kangqiao.base.visitor import address, device
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.forms import KeyForm, ProofCodeForm, ProofForm
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.parameters import DEMO_PASSWORD, LIMITS
from kangqiao.kernel.errors import Denied, KangqiaoError, RuleBroken, TooOften

LANGUAGE_COOKIE = "kq-language"
ONE_YEAR_SECONDS = 365 * 24 * 3600
# What the session remembers: somebody half-way in; the secret of an app being added; what a key was asked; when this
# sign-in began, was last used and last proven.
PENDING, SECRET, KEY, STAMPS = "pending", "new_secret", "key_asked", "sign_in"
# Fields of the page that asks for a proof; every other field belongs to the form that waits behind it.
CARRIED_NOT = ("csrfmiddlewaretoken", "proof_next", "proof_method", "proof_password", "proof_code", "key")


def proceed(request: HttpRequest, user: User, way: str, *, wanted: str = "") -> HttpResponse:
    """What follows the first proof: the person is in, or shows a second factor, or sets one up.

    Invented people of a demonstration come in at once where the site's setting says so, which the page says too.
    """
    if user.is_demo and settings.DEMO_WITHOUT_SECOND_FACTOR:
        return come_in(request, user, way, wanted)
    started = timezone.now().isoformat()
    request.session[PENDING] = {"user": user.pk, "way": way, "next": wanted, "at": started}
    return next_step(request, user)


def begin(request: HttpRequest, user: User, way: str, at: datetime) -> None:
    """Writes down a sign-in that has just begun, in the session and in the person's list."""
    request.session.save()  # gives a new session its key
    row = actions.begin_sign_in(
        user_id=user.pk,
        session_key=request.session.session_key or "",
        way=way,
        device=device(request),
        address=address(request),
        by=oneself(user),
        at=at,
    )
    now = at.isoformat()
    request.session[STAMPS] = {"id": row.pk, "started": now, "seen": now, "proven": now}


def own_address(request: HttpRequest, wanted: str) -> str:
    """The wanted address if it is one of this site's, else the home page."""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours and wanted else "/"


def next_step(request: HttpRequest, user: User) -> HttpResponse:
    """Where somebody half-way in goes next, or in."""
    if user.has_temporary_password:
        return redirect("accounts-first-password")
    if queries.has_factor(user.pk):
        return redirect("accounts-second")
    if queries.is_staff(user, timezone.localdate()):
        return redirect("accounts-add-app")
    return admit(request, user)


def admit(request: HttpRequest, user: User) -> HttpResponse:
    """Somebody half-way in has shown all there is to show."""
    told = request.session.pop(PENDING)
    return come_in(request, user, told["way"], told["next"])


def come_in(request: HttpRequest, user: User, way: str, wanted: str, membership_id: int | None = None) -> HttpResponse:
    """The person is in, with a new session."""
    # Whoever sat here before leaves; `login` gives the session a new id, so one planted beforehand is worth nothing.
    login(request, user)
    for name in ("membership", PENDING, SECRET, KEY, STAMPS):
        request.session.pop(name, None)
    if membership_id is not None:
        request.session["membership"] = membership_id
    begin(request, user, way, timezone.now())
    answer = HttpResponseRedirect(own_address(request, wanted))
    answer.set_cookie(LANGUAGE_COOKIE, user.language, max_age=ONE_YEAR_SECONDS, samesite="Lax")
    if user.display:  # who never chose keeps what this browser was told at the door
        answer.set_cookie(MODE_COOKIE, user.display, max_age=ONE_YEAR_SECONDS, samesite="Lax")
    return answer


def pending(request: HttpRequest, *, may_enrol: bool = False) -> User | None:
    """Who is half-way in; with `may_enrol` only somebody who has no second factor to show instead."""
    told = request.session.get(PENDING)
    if told is None:
        return None
    since = datetime.fromisoformat(told["at"])
    user = queries.user_by_id(told["user"])
    is_late = timezone.now() - since >= timedelta(minutes=LIMITS.pending_minutes)
    if user is None or not user.is_active or is_late:
        del request.session[PENDING]
        return None
    if may_enrol and (user.has_temporary_password or queries.has_factor(user.pk)):
        return None
    return user


def signed_in(request: HttpRequest) -> User | None:
    """Who is in."""
    return request.user if isinstance(request.user, User) else None


def oneself(user: User) -> Actor:
    """The person as the one who acts, before there is a seat."""
    return Actor(f"user:{user.pk}", user.name)


def proves(request: HttpRequest, user: User, form: Form, field: str) -> bool:
    """Whether the person has proven who they are, in one of the ways open to them. Raises RuleBroken, TooOften."""
    now = timezone.now()
    if "key" in request.POST:
        return _signs(request, user)
    if not form.is_valid():
        return False
    if field in form.cleaned_data:
        actions.prove_code(user=user, typed=form.cleaned_data[field].strip(), at=now)
    else:
        actions.prove_password(user=user, password=form.cleaned_data["proof_password"], at=now)
    return True


def _signs(request: HttpRequest, user: User) -> bool:
    party, form = party_of(request), KeyForm(request.POST)
    keys = {bytes(row.credential): row for row in queries.keys_of(user.pk, party.host)}
    wrong = RuleBroken(_("安全密钥没有答对。"), next_step=_("请再碰一次，或改用验证码。"))
    if not form.is_valid():
        raise wrong
    try:
        found, signatures = party.signed(request.session.pop(KEY, {}), list(keys), form.cleaned_data["key"])
    except Refused as refused:
        raise wrong from refused
    actions.prove_key(user=user, factor_id=keys[found].pk, signatures=signatures, at=timezone.now())
    return True


def party_of(request: HttpRequest) -> Party:
    """The host and origin a security key must answer to: those of the request."""
    return Party(
        request.get_host().rpartition(":")[0] or request.get_host(), f"{request.scheme}://{request.get_host()}"
    )


def key_question(request: HttpRequest, user: User) -> dict[str, Any]:
    """What the page asks the person's security keys, if there is one for this host."""
    party = party_of(request)
    known = [bytes(row.credential) for row in queries.keys_of(user.pk, party.host)]
    if not known:
        return {}
    asked = party.ask_to_sign(known)
    request.session[KEY] = asked.state
    return {"options": asked.options}


def refuse(
    request: HttpRequest, form: Form, refused: KangqiaoError, template: str, page: dict[str, Any]
) -> HttpResponse:
    """The page again with the sentence; 429 with the time to wait for somebody who tried too often."""
    if form.is_bound:
        form.add_error(None, str(refused))
    answer = render(request, template, page | {"refused": refused}, status=422)
    if isinstance(refused, TooOften):
        answer.status_code = 429
        answer["Retry-After"] = str(refused.retry_after_seconds)
    return answer


def ask_for_proof(request: HttpRequest) -> HttpResponse | None:
    """None for somebody who proved lately who they are; else the page that asks, with what was sent kept in it."""
    stamps = request.session.get(STAMPS, {})
    proven = datetime.fromisoformat(stamps["proven"]) if "proven" in stamps else None
    if proven is not None and timezone.now() - proven < timedelta(minutes=LIMITS.proof_minutes):
        return None
    if request.method in ("GET", "HEAD"):
        here = request.headers.get("HX-Current-URL", "/") if wants_part(request) else request.get_full_path()
        target = resolve_url("accounts-prove") + "?" + urlencode({"next": own_address(request, here)})
        if wants_part(request):
            return HttpResponse(status=204, headers={"HX-Redirect": target})
        return HttpResponseRedirect(target)
    template = "accounts/prove_part.html" if wants_part(request) else "accounts/prove.html"
    answer = render(request, template, proof_page(request, empty_proof_form(request)), status=403)
    if wants_part(request):
        answer["HX-Retarget"], answer["HX-Reswap"] = "#problem", "innerHTML"
    return answer


def user_of(request: HttpRequest) -> User:
    """Who is in, behind a view that lets nobody else pass."""
    user = signed_in(request)
    if user is None:
        raise Denied(_("请先登录。"))
    return user


def empty_proof_form(request: HttpRequest) -> Form:
    """What this person is asked: a code, or the password where there is no second factor."""
    return ProofCodeForm() if queries.has_factor(user_of(request).pk) else ProofForm()


def proof_form(request: HttpRequest) -> Form:
    """The same with what was sent."""
    is_sent = request.method == "POST" and "key" not in request.POST
    return type(empty_proof_form(request))(request.POST if is_sent else None)


def proof_page(request: HttpRequest, form: Form) -> dict[str, Any]:
    """The form, where to go on, and everything that was sent, to be sent again."""
    sent = request.POST if request.method == "POST" else {}
    is_first = "proof_next" not in sent
    wanted = (request.get_full_path() if sent else request.GET.get("next", "")) if is_first else sent["proof_next"]
    user = user_of(request)
    return {
        "form": form,
        "next": own_address(request, wanted),
        "method": ("post" if sent else "get") if is_first else sent.get("proof_method", "get"),
        "carried": [(name, value) for name in sent for value in request.POST.getlist(name) if name not in CARRIED_NOT],
        "minutes": LIMITS.proof_minutes,
        "published": DEMO_PASSWORD if user.is_demo and settings.DEMO != "none" else "",
        **key_question(request, user),
    }
