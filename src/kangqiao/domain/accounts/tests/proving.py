"""Ways through the door for tests: an app on a phone, and a security key made of software."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import Client
from django.utils import timezone
from fido2 import cbor
from fido2.cose import ES256

from kangqiao.base import sealed
from kangqiao.domain.accounts import rules
from kangqiao.domain.accounts.models import SecondFactor, User

PASSWORD = "bamboo rain at noon"


def phone(secret: bytes, later_steps: int = 0) -> str:
    """What the app shows now, or some time steps later."""
    return rules.code_at(secret, rules.step_of(timezone.now()) + later_steps)


def enrolled(client: Client) -> bytes:
    """The secret of the app somebody is asked to set up, who stands half-way in; the app is then added."""
    client.get("/sign-in/app/")
    secret = sealed.unseal(base64.b64decode(client.session["new_secret"]))
    client.post("/sign-in/app/", {"code": phone(secret)})
    return secret


def enrol(user: User) -> bytes:
    """An app added to an account without pages; its first code is still unused."""
    secret = rules.new_secret()
    now = timezone.now()
    SecondFactor.objects.create(user=user, kind="totp", name="app", sealed_secret=sealed.seal(secret), added_at=now)
    return secret


def text(raw: bytes) -> str:
    """Base64url as browsers write it."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class SoftKey:
    """A security key of software: P-256, a count of signatures, bound to one host as a real one is."""

    def __init__(self, host: str = "testserver", origin: str = "http://testserver") -> None:
        self.host, self.origin = host, origin
        self.id, self.count = b"soft-key-0123456", 0
        self.secret = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: str) -> str:
        """The answer to `navigator.credentials.create`."""
        asked = json.loads(options)["publicKey"]
        assert asked["rp"]["id"] == self.host
        public = cbor.encode(dict(ES256.from_cryptography_key(self.secret.public_key())))
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(0x41) + credential}
        response = {
            "clientDataJSON": text(self._client("webauthn.create", asked["challenge"])),
            "attestationObject": text(cbor.encode(attestation)),
        }
        return self._answer(response)

    def sign(self, options: str) -> str:
        """The answer to `navigator.credentials.get`."""
        self.count += 1
        told = self._client("webauthn.get", json.loads(options)["publicKey"]["challenge"])
        data = self._data(0x01)
        signature = self.secret.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self._answer({
            "clientDataJSON": text(told), "authenticatorData": text(data), "signature": text(signature),
        })  # fmt: skip

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        return json.dumps({
            "id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response,
            "clientExtensionResults": {},
        })  # fmt: skip
