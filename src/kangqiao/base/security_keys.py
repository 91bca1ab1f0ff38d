"""Security keys (WebAuthn): what the browser is asked, and whether its answer is right.

A key is bound to one host and answers no other, so a page that looks like ours gets nothing from it. The origin must be
exactly the one the request came to; attestation is not asked for: which make of key somebody has is not our business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)


class Refused(Exception):
    """The answer is not that of the key, the challenge, the host or the origin that was asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser gets (`options`, JSON as text) and what the server remembers until it answers (`state`)."""

    options: str
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Party:
    """The host a key answers to and the origin it must name."""

    host: str
    origin: str

    @property
    def _server(self) -> Fido2Server:
        party = PublicKeyCredentialRpEntity(name="Kangqiao", id=self.host)
        return Fido2Server(party, verify_origin=lambda told: told == self.origin)

    def ask_to_register(self, user_id: int, username: str, name: str, known: Sequence[bytes]) -> Asked:
        """Asks for a new key; those in `known` (credential data) are not taken twice."""
        user = PublicKeyCredentialUserEntity(id=str(user_id).encode(), name=username, display_name=name)
        credentials = [AttestedCredentialData(one) for one in known]
        preferred = UserVerificationRequirement.PREFERRED
        options, state = self._server.register_begin(user, credentials, user_verification=preferred)
        return Asked(json.dumps(dict(options)), dict(state))

    def registered(self, state: dict[str, Any], answer: dict[str, Any]) -> bytes:
        """The credential data of the key that answered. Raises Refused."""
        try:
            told = self._server.register_complete(state, RegistrationResponse.from_dict(answer))
        except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
            raise Refused(str(error)) from error
        if told.credential_data is None:
            raise Refused("no credential in the answer")
        return bytes(told.credential_data)

    def ask_to_sign(self, known: Sequence[bytes]) -> Asked:
        """Asks one of the known keys to sign a fresh challenge."""
        options, state = self._server.authenticate_begin(
            [AttestedCredentialData(one) for one in known], user_verification=UserVerificationRequirement.PREFERRED
        )
        return Asked(json.dumps(dict(options)), dict(state))

    def signed(self, state: dict[str, Any], known: Sequence[bytes], answer: dict[str, Any]) -> tuple[bytes, int]:
        """Which key signed, and its count of signatures. Raises Refused."""
        try:
            told = AuthenticationResponse.from_dict(answer)
            credentials = [AttestedCredentialData(one) for one in known]
            found = self._server.authenticate_complete(state, credentials, told)
        except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
            raise Refused(str(error)) from error
        return bytes(found), told.response.authenticator_data.counter
