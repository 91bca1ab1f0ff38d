"""One provider of OpenID Connect: authorisation code with PKCE, and a signed id token that is checked in every part.

Only the provider the site names is called, by the one way out (`base.outbound`): over TLS, or plainly on the loopback.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

import jwt

from kangqiao.base import outbound
from kangqiao.kernel.errors import RuleBroken

# Signed with the provider's own key. `none` and the shared-secret kinds are no choice, whatever a token says of itself.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
# How far the provider's clock may be off.
LEEWAY_SECONDS = 60


class Distrusted(Exception):
    """The provider did not answer, or what it answered proves nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the browser is sent, and what the session remembers until it comes back."""

    address: str
    remembered: dict[str, str]


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider as the site's settings name it."""

    issuer: str
    client: str
    secret: str

    def ask(self, back: str) -> Asked:
        """Where to send the browser: state against forged returns, nonce for the token, PKCE for the code."""
        remembered = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(remembered["verifier"].encode()).digest()).decode()
        words = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.client,
            "redirect_uri": back,
            "state": remembered["state"],
            "nonce": remembered["nonce"],
            "code_challenge": challenge.rstrip("="),
            "code_challenge_method": "S256",
        }
        return Asked(f"{self._configuration()['authorization_endpoint']}?{urlencode(words)}", remembered)

    def subject(self, code: str, remembered: dict[str, str], back: str) -> str:
        """The verified id of the person who came back with this code. Raises Distrusted."""
        known = self._configuration()
        words = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self.client,
            "client_secret": self.secret,
            "code_verifier": remembered["verifier"],
        }
        token = str(_fetch(known["token_endpoint"], words).get("id_token", ""))
        claims = self._checked(token, _fetch(known["jwks_uri"]))
        if not secrets.compare_digest(str(claims.get("nonce", "")), remembered["nonce"]):
            raise Distrusted("the token was made for another visit")
        return str(claims["sub"])

    def _configuration(self) -> dict[str, Any]:
        known = _fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if known.get("issuer") != self.issuer:
            raise Distrusted("the provider calls itself otherwise")
        return known

    def _checked(self, token: str, published: dict[str, Any]) -> dict[str, Any]:
        """The claims of a token signed by the provider, for us, and not over. Raises Distrusted."""
        try:
            wanted = jwt.get_unverified_header(token).get("kid")
            keys = [key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_id == wanted]
            if len(keys) != 1:
                raise Distrusted("no key of the provider by that name")
            claims: dict[str, Any] = jwt.decode(
                token,
                keys[0].key,
                algorithms=[name for name in ALGORITHMS if name == keys[0].algorithm_name],
                audience=self.client,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Distrusted(str(error)) from error
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.client:
            raise Distrusted("the token is for several, and not for us first")
        if not claims["sub"]:
            raise Distrusted("the token names nobody")
        return claims


def _fetch(address: str, words: dict[str, str] | None = None) -> dict[str, Any]:
    headers = {"Accept": "application/json"}
    if words:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        answer = outbound.call(
            "POST" if words else "GET", address, body=urlencode(words).encode() if words else None, headers=headers
        )
        told = json.loads(answer.body)
    except (RuleBroken, HTTPException, OSError, ValueError) as error:
        raise Distrusted(str(error)) from error
    if answer.status != 200 or not isinstance(told, dict):
        raise Distrusted(f"status {answer.status}, or not an object")
    return told
