"""When a sign-in is over, how long a wait is, what a code looks like."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from kangqiao.domain.accounts.parameters import BRAKING, LIMITS, TOTP

IDLE, TOO_LONG = "idle", "absolute"
# Digits and letters nobody mistakes for one another on paper.
PLAIN = "23456789abcdefghjkmnpqrstuvwxyz"
RECOVERY_SIGNS = 24


def new_secret() -> bytes:
    """A secret for an app, 160 random bits (RFC 4226 4 R6)."""
    return secrets.token_bytes(TOTP.secret_bytes)


def over(*, is_resident: bool, started_at: datetime, seen_at: datetime, now: datetime) -> str:
    """Why a sign-in is over (`idle`, `absolute`), or the empty string while it lasts."""
    idle, longest = lasts_until(is_resident=is_resident, started_at=started_at, seen_at=seen_at)
    if now >= longest:
        return TOO_LONG
    return IDLE if now >= idle else ""


def lasts_until(*, is_resident: bool, started_at: datetime, seen_at: datetime) -> tuple[datetime, datetime]:
    """When a sign-in ends that nobody uses any more, and when it ends at the latest."""
    longest = started_at + timedelta(hours=LIMITS.longest_hours)
    minutes = LIMITS.idle_minutes_resident if is_resident else LIMITS.idle_minutes_staff
    return min(longest, seen_at + timedelta(minutes=minutes)), longest


def wait_seconds(blocks: int) -> int:
    """How long the wait after so many earlier ones is: each twice the one before, up to the longest."""
    return int(min(BRAKING.first_wait_seconds * 2 ** min(blocks, 20), BRAKING.longest_wait_seconds))


def is_idle_long_enough_to_forget(since: datetime, now: datetime) -> bool:
    """Whether earlier waits no longer count."""
    return now - since >= timedelta(minutes=BRAKING.forgotten_after_minutes)


def step_of(moment: datetime) -> int:
    """The time step of a moment (RFC 6238 T)."""
    return int(moment.timestamp()) // TOTP.step_seconds


def code_at(secret: bytes, step: int) -> str:
    """The code an app shows in a time step."""
    return HOTP(secret, TOTP.digits, SHA1()).generate(step).decode()  # noqa: S303 as RFC 6238 and the apps have it


def matching_step(secret: bytes, typed: str, now: datetime, after: int) -> int | None:
    """The time step the typed code belongs to, later than the last one taken; None for a wrong or a used code."""
    here = step_of(now)
    steps = range(here - TOTP.steps_apart, here + TOTP.steps_apart + 1)
    found = [step for step in steps if secrets.compare_digest(code_at(secret, step), typed.zfill(TOTP.digits))]
    return next((step for step in found if step > after), None)


def provisioning_uri(secret: bytes, account: str, issuer: str) -> str:
    """What the QR code of an app says."""
    label = quote(f"{issuer}:{account}")
    asked = {"secret": spelled(secret), "issuer": issuer, "digits": TOTP.digits, "period": TOTP.step_seconds}
    return f"otpauth://totp/{label}?{urlencode(asked, quote_via=quote)}"


def spelled(secret: bytes) -> str:
    """The secret in letters, to type into an app that cannot see."""
    return base64.b32encode(secret).decode().rstrip("=")


def new_recovery_code() -> str:
    """A code for paper: 118 random bits in groups of four."""
    return _grouped(RECOVERY_SIGNS)


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code. With 112 random bits or more a plain digest is enough (ASVS 6.5.2)."""
    signs = "".join(sign for sign in code.lower() if sign in PLAIN)
    return hashlib.sha256(f"kangqiao recovery {signs}".encode()).hexdigest()


def looks_like_recovery_code(typed: str) -> bool:
    """Whether what was typed is as long as a recovery code, and no six digits."""
    return len([sign for sign in typed.lower() if sign in PLAIN]) == RECOVERY_SIGNS


def new_password() -> str:
    """A first password to hand over: 16 plain signs."""
    return _grouped(16)


def _grouped(count: int) -> str:
    signs = "".join(secrets.choice(PLAIN) for _ in range(count))
    return "-".join(signs[start : start + 4] for start in range(0, count, 4))
