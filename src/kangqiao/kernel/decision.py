"""A yes or no that can explain itself; one value serves the button and the guard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, why not, and the clause that says so.

    `needs_reason` marks an in-principle rule: allowed when the person gives a reason.
    """

    allowed: bool
    reason: str = ""
    clause: str = ""
    needs_reason: bool = False

    def __bool__(self) -> bool:
        return self.allowed


YES = Decision(True)


def no(reason: str, clause: str = "") -> Decision:
    """A refusal with its reason and, where a paper says so, its clause."""
    return Decision(False, reason, clause)
