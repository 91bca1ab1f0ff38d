"""What limits proving who one is. No paper names these figures; each says whose advice it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Published on purpose: it opens invented people only, and only where a demonstration is shown.
DEMO_PASSWORD: Final = "kangqiao-demo"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Braking:
    """How many failures within the window are borne, and how long the first wait is; each further one doubles it.

    Five for one account from one place is what 等保三级 asks for in examinations. The account alone and the address
    alone bear more: else anybody could lock a doctor out, and a clinic behind one address would lock itself out.
    """

    pair: int = 5
    account: int = 20
    address: int = 40
    second_factor: int = 5
    window_minutes: int = 15
    first_wait_seconds: int = 60
    longest_wait_seconds: int = 15 * 60
    # After a day without a failure the waits begin anew.
    forgotten_after_minutes: int = 24 * 60


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """How long a sign-in lasts and a proof is believed (ASVS 5.0 V7.3, V7.5.3; GB/T 22239-2019 8.1.4.1)."""

    idle_minutes_staff: int = 15
    idle_minutes_resident: int = 30
    longest_hours: int = 12
    proof_minutes: int = 10
    # From the right password to the second factor.
    pending_minutes: int = 10
    # NIST SP 800-63B 3.1.1: length and a list of known bad ones, no forced change.
    shortest_password_staff: int = 12
    shortest_password_resident: int = 8


@dataclass(frozen=True, slots=True)
class Totp:
    """RFC 6238 as every app has it; one step before and after is taken, because clocks differ (RFC 6238 5.2)."""

    digits: int = 6
    step_seconds: int = 30
    steps_apart: int = 1
    secret_bytes: int = 20
    recovery_codes: int = 10


BRAKING = Braking()
LIMITS = SignInLimits()
TOTP = Totp()
