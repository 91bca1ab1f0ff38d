"""Signatures by name of their algorithm, so that a site can bring SM2 in a later version of this table.

Ed25519 (RFC 8032) is computed by `cryptography`; no cipher is written here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Signer(Protocol):
    """Something that signs: a key in a file, or a device that never gives its key away."""

    @property
    def algorithm(self) -> str: ...
    @property
    def key_id(self) -> str: ...
    @property
    def public_pem(self) -> str: ...
    def sign(self, statement: bytes) -> str: ...


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """An Ed25519 key held in memory; `sign` answers Base64."""

    key: Ed25519PrivateKey
    algorithm: str = "Ed25519"

    @classmethod
    def fresh(cls) -> Ed25519Signer:
        """A new key of this machine's random numbers."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: bytes) -> Ed25519Signer:
        """The key of a PKCS #8 file. Raises ValueError when it holds none or another kind."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"not an Ed25519 key: {type(key).__name__}")
        return cls(key)

    @property
    def key_id(self) -> str:
        """The first half of the digest of the public key: short enough to be read out."""
        return key_id(self.public_pem)

    @property
    def public_pem(self) -> str:
        """The public key, to be handed to whoever checks."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def private_pem(self) -> bytes:
        """The key as it is kept in its file."""
        form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, none)

    def sign(self, statement: bytes) -> str:
        """The signature of these bytes."""
        return b64encode(self.key.sign(statement)).decode()


def key_id(public_pem: str) -> str:
    """32 hexadecimal digits that name a public key. Raises ValueError when the text holds none."""
    key = serialization.load_pem_public_key(public_pem.encode())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()[:32]


def _ed25519(public_pem: str, statement: bytes, signature: str) -> bool:
    key = serialization.load_pem_public_key(public_pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(b64decode(signature, validate=True), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


VERIFIERS: Mapping[str, Callable[[str, bytes, str], bool]] = {"Ed25519": _ed25519}


def is_signed(algorithm: str, public_pem: str, statement: bytes, signature: str) -> bool:
    """Whether the holder of this key signed these bytes; an unknown algorithm counts as not signed."""
    check = VERIFIERS.get(algorithm)
    return check is not None and check(public_pem, statement, signature)
