"""Secrets that the database keeps and must not know: sealed with a key that lies in the data folder.

The key comes from the site's secret key by HKDF, so a copy of the database alone opens nothing, and there is one thing
to guard. Former keys (`SECRET_KEY_FALLBACKS`) still open what they sealed.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """Sealed with another key, or changed since."""


def seal(secret: bytes) -> bytes:
    """The secret, encrypted and signed (Fernet: AES-128-CBC, HMAC-SHA256)."""
    return _keys(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).encrypt(secret)


def unseal(sealed: bytes | memoryview) -> bytes:
    """What was sealed. Raises Unreadable."""
    try:
        return _keys(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).decrypt(bytes(sealed))
    except InvalidToken as error:
        raise Unreadable("sealed with another key, or changed since") from error


@lru_cache(maxsize=4)
def _keys(*site_keys: str) -> MultiFernet:
    def derived(site_key: str) -> Fernet:
        key = HKDF(SHA256(), length=32, salt=None, info=b"kangqiao sealed 1").derive(site_key.encode())
        return Fernet(base64.urlsafe_b64encode(key))

    return MultiFernet([derived(key) for key in site_keys])
