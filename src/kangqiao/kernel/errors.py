"""What can go wrong, said once.

Each error carries a sentence for the person (what happened, why, what to do next). The edge turns the class into
an HTTP status: NotVisible 404, Denied 403, RuleBroken 422, Taken and AlreadyMoved 409, TooOften 429.
"""

from __future__ import annotations


class KangqiaoError(Exception):
    """A refusal with a sentence a person can act on.

    `message` says what happened and why, `next_step` what to do, `clause` the clause id that asks for it.
    """

    def __init__(self, message: str, *, next_step: str = "", clause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.clause = clause

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.next_step) if part)


class NotVisible(KangqiaoError):
    """The object does not exist for this reader; whether it exists at all is not told."""


class Denied(KangqiaoError):
    """The reader may see the object but not do this to it."""


class RuleBroken(KangqiaoError):
    """A rule of the field or of a policy paper forbids it."""


class Taken(KangqiaoError):
    """Someone else was faster: the scarce thing is gone, finally. `alternatives` holds what is still free."""

    def __init__(
        self, message: str, *, next_step: str = "", clause: str = "", alternatives: tuple[object, ...] = ()
    ) -> None:
        super().__init__(message, next_step=next_step, clause=clause)
        self.alternatives = alternatives


class AlreadyMoved(Taken):
    """The object left the expected state meanwhile; says who moved it and when."""


class TooOften(KangqiaoError):
    """Tried too often: nothing was looked at, and nothing will be before `retry_after_seconds` have passed.

    Where `is_lifted_by_proof`, a fresh proof of who is there does as well as waiting.
    """

    def __init__(
        self,
        message: str,
        *,
        next_step: str = "",
        clause: str = "",
        retry_after_seconds: int,
        is_lifted_by_proof: bool = False,
    ) -> None:
        super().__init__(message, next_step=next_step, clause=clause)
        self.retry_after_seconds = retry_after_seconds
        self.is_lifted_by_proof = is_lifted_by_proof


class NoPolicyInForce(KangqiaoError):
    """No policy value holds for this place on this date; never replaced by a default."""


class PolicyError(KangqiaoError):
    """A policy pack is wrong; names file and line."""
