"""Single sign-on against a provider that runs: its own keys, codes and tokens, on the loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import OutsideIdentity, SignIn, User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD, enrol, phone
from kangqiao.domain.institutions.tests.factories import NOW, centre

pytestmark = pytest.mark.django_db
NOTICES = "/notices/"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _turn in range(2))


class Authority:
    """A provider of OpenID Connect: discovery, keys, and tokens for codes it has given out."""

    def __init__(self) -> None:
        self.codes: dict[str, dict[str, str]] = {}
        self.subject = "employee-7"
        self.changed: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(
            claims, KEY, "RS256", headers={"kid": "k1"}
        )
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(authority.page(self.path))

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(authority.token({name: values[0] for name, values in parse_qs(sent).items()}))

            def answer(self, told: dict[str, Any] | None) -> None:
                body = json.dumps(told).encode()
                self.send_response(200 if told else 400)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path: str) -> dict[str, Any] | None:
        if path == "/keys":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            return {"keys": [key | {"kid": "k1", "alg": "RS256", "use": "sig"}]}
        names = {"authorization_endpoint": "/ask", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {name: self.issuer + place for name, place in names.items()} | {"issuer": self.issuer}

    def agree(self, address: str) -> str:
        """The person agrees at the provider; what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"?code={code}&state={asked['state']}"

    def token(self, sent: dict[str, str]) -> dict[str, Any] | None:
        asked = self.codes.pop(sent.get("code", ""), None)  # a code is good once
        if asked is None or sent["client_secret"] != "our secret" or sent["redirect_uri"] != asked["redirect_uri"]:
            return None
        proof = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).decode().rstrip("=")
        if proof != asked["code_challenge"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "kangqiao", "sub": self.subject, "nonce": asked["nonce"]}
        claims |= {"iat": now, "exp": now + 300} | self.changed
        return {"id_token": self.sign(claims), "access_token": "x", "token_type": "Bearer"}


@pytest.fixture
def authority(settings: Settings) -> Iterator[Authority]:
    one = Authority()
    settings.SSO = {"issuer": one.issuer, "client": "kangqiao", "secret": "our secret"}
    yield one
    one.server.shutdown()
    one.server.server_close()


def resident(name: str = "li") -> User:
    who = user(name, PASSWORD, is_demo=False)
    seat("resident", centre(f"of-{name}"), who)
    return who


def visit(client: Client, authority: Authority, address: str = "/sign-in/sso/?next=/notices/") -> HttpResponse:
    """There and back again."""
    sent = client.get(address)
    return client.get("/sign-in/sso/back/" + authority.agree(sent.headers["Location"]))  # type: ignore[return-value]


def bound(authority: Authority, name: str = "li") -> User:
    who = resident(name)
    OutsideIdentity.objects.create(user=who, issuer=authority.issuer, subject=authority.subject, bound_at=NOW)
    return who


@pytest.mark.trust("T-AUTH-4")
def test_a_verified_id_that_is_bound_comes_in(authority: Authority, measured: Callable[[str], None]) -> None:
    who, client = bound(authority), Client()

    answer = visit(client, authority)

    assert answer.headers["Location"] == NOTICES
    assert client.get(NOTICES).status_code == 200
    assert SignIn.objects.get(user=who).way == "sso"
    measured("code + PKCE + signed token from a running provider: in")


@pytest.mark.trust("T-AUTH-4")
def test_an_unknown_id_is_refused_whatever_name_and_mail_it_brings(
    authority: Authority, measured: Callable[[str], None]
) -> None:
    who, client = resident(), Client()
    authority.changed = {"email": "li@example.cn", "name": who.name, "preferred_username": who.username}

    answer = visit(client, authority)

    assert answer.status_code == 422
    assert "还没有绑定康桥账号" in answer.content.decode()
    assert client.get(NOTICES).status_code == 302
    assert AuditEvent.objects.filter(action="accounts.refuse_sign_in", detail__why="subject").count() == 1
    measured("unbound id with name and mail of an account: refused")


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, "none", headers={"kid": "k1"})


FORGED: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], str] | None]] = {
    "nonce of another visit": ({"nonce": "another"}, None),
    "no nonce": ({"nonce": ""}, None),
    "another audience": ({"aud": "somebody-else"}, None),
    "several audiences without us first": ({"aud": ["kangqiao", "other"]}, None),
    "another issuer": ({"iss": "https://elsewhere.example"}, None),
    "expired": ({"exp": int(time.time()) - 3600}, None),
    "issued tomorrow": ({"iat": int(time.time()) + 86400}, None),
    "nobody": ({"sub": ""}, None),
    "unsigned": ({}, unsigned),
    "signed by another key": ({}, lambda claims: jwt.encode(claims, OTHER_KEY, "RS256", headers={"kid": "k1"})),
    "a key nobody published": ({}, lambda claims: jwt.encode(claims, OTHER_KEY, "RS256", headers={"kid": "k2"})),
    "signed with the client secret": (
        {}, lambda claims: jwt.encode(claims, "our secret" * 4, "HS256", headers={"kid": "k1"}),
    ),
    "no token": ({}, lambda claims: ""),
}  # fmt: skip


@pytest.mark.trust("T-AUTH-4", "forged tokens refused")
@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_token_is_refused(authority: Authority, forgery: str) -> None:
    bound(authority)
    authority.changed, sign = FORGED[forgery]
    authority.sign = sign or authority.sign
    client = Client()

    answer = visit(client, authority)

    assert answer.status_code == 422
    assert client.get(NOTICES).status_code == 302


def test_a_return_nobody_asked_for_and_a_return_twice_are_refused(authority: Authority) -> None:
    bound(authority)
    victim, attacker = Client(), Client()
    brought = authority.agree(attacker.get("/sign-in/sso/").headers["Location"])

    forged = victim.get("/sign-in/sso/back/" + brought)
    client = Client()
    back = authority.agree(client.get("/sign-in/sso/").headers["Location"])
    first = client.get("/sign-in/sso/back/" + back)
    twice = client.get("/sign-in/sso/back/" + back)

    assert (forged.status_code, first.status_code, twice.status_code) == (422, 302, 422)
    assert victim.get(NOTICES).status_code == 302


def test_staff_show_their_second_factor_after_single_sign_on_too(authority: Authority) -> None:
    who = user("gp-1", PASSWORD, is_demo=False)
    seat("gp", centre(), who)
    secret = enrol(who)
    OutsideIdentity.objects.create(user=who, issuer=authority.issuer, subject=authority.subject, bound_at=NOW)
    client = Client()

    answer = visit(client, authority)
    before = client.get(NOTICES).status_code
    client.post("/sign-in/second/", {"code": phone(secret)})

    assert (answer.headers["Location"], before) == ("/sign-in/second/", 302)
    assert client.get(NOTICES).status_code == 200


def test_an_account_is_tied_by_who_is_in_both_and_one_id_is_one_person(authority: Authority) -> None:
    first, second = resident("li"), resident("wang")
    clients = {}
    for who in (first, second):
        clients[who.username] = Client()
        clients[who.username].post("/sign-in/", {"username": who.username, "password": PASSWORD})

    tied = visit(clients["li"], authority, "/own/sso/")
    taken = visit(clients["wang"], authority, "/own/sso/")
    came = visit(Client(), authority)

    assert tied.headers["Location"] == "/own/sign-ins/"
    assert taken.status_code == 422
    assert "已经绑定了别的账号" in taken.content.decode()
    assert OutsideIdentity.objects.get().user == first
    assert came.headers["Location"] == NOTICES


def test_a_closed_account_stays_outside(authority: Authority) -> None:
    who = bound(authority)
    User.objects.filter(pk=who.pk).update(is_active=False)

    assert visit(Client(), authority).status_code == 422


def test_a_provider_that_is_silent_or_sends_elsewhere_is_not_followed(settings: Settings) -> None:
    for issuer in ("http://127.0.0.1:9", "http://192.0.2.1", "ftp://127.0.0.1"):
        settings.SSO = {"issuer": issuer, "client": "kangqiao", "secret": "x"}
        answer = Client().get("/sign-in/sso/")
        assert answer.status_code == 422
        assert "没有回答" in answer.content.decode()


def test_without_a_provider_there_is_no_such_page() -> None:
    assert Client().get("/sign-in/sso/").status_code == 404
    assert "单点登录" not in Client().get("/sign-in/").content.decode()
