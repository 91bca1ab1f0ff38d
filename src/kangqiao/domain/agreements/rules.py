"""Who may be responsible for a centre, who must hold agreements, and whether a duty is met: from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from django.utils.translation import gettext as _

from kangqiao.kernel.decision import YES, Decision, no
from kangqiao.kernel.period import years_after


class Verdict(Enum):
    """How a duty stands: met, short, still running, or a duty in words that no number measures."""

    MET = "met"
    SHORT = "short"
    NOT_YET_DUE = "not_yet_due"
    IN_WORDS = "in_words"


def may_be_responsible_hospital(level: int | None, minimum: int, *, clause: str = "") -> Decision:
    """Whether a hospital of this level may be responsible for centres; a hospital without a level may not (ZH-1a)."""
    if level is not None and level >= minimum:
        return YES
    named = _("%(level)s级") % {"level": level} if level is not None else _("未定级")
    return no(
        _("医院是%(level)s，责任医院至少要%(minimum)s级。") % {"level": named, "minimum": minimum},
        clause,
    )


def in_scope(opened_on: date | None, on: date, exempt_years: int) -> bool:
    """Whether the duty to hold pairing agreements binds a hospital on a day (SZ16-1b).

    A newly built hospital is exempt until the anniversary that completes its exempt years; on that day it is bound.
    A hospital whose opening date nobody recorded is an old one: it is bound.
    """
    return opened_on is None or years_after(opened_on, exempt_years) <= on


def centre_is_free(present: str, *, clause: str = "") -> Decision:
    """Whether a centre may get a responsible hospital: only while it has none in that term (ZH-2a)."""
    if not present:
        return YES
    return no(_("这家中心已由%(hospital)s负责，一家中心只有一家责任医院。") % {"hospital": present}, clause)


def term_is_possible(starts_on: date, ends_on: date) -> Decision:
    """Whether a term covers at least one day; `ends_on` is the first day no longer covered."""
    return YES if starts_on < ends_on else no(_("协议的结束日期要晚于开始日期。"))


def forms_are_known(forms: tuple[str, ...], known: tuple[str, ...]) -> Decision:
    """Whether every form of cooperation is one the region knows."""
    unknown = [form for form in forms if form not in known]
    return YES if not unknown else no(_("本地没有这种合作形式：%(forms)s。") % {"forms": "、".join(unknown)})


def centres_count(paired: frozenset[int], own: frozenset[int], *, own_count: bool) -> int:
    """How many centres a hospital is paired with; where the paper says so its own ones count, each once (SZ16-1f)."""
    return len(paired | own) if own_count else len(paired)


def compliance(target: Decimal | int | None, observed: Decimal | int | None, *, is_due: bool = True) -> Verdict:
    """How a duty stands: a reached target is met at once, a missed one is short only when its time is over."""
    if target is None or observed is None:
        return Verdict.IN_WORDS
    if observed >= target:
        return Verdict.MET
    return Verdict.SHORT if is_due else Verdict.NOT_YET_DUE


def needs_justification(verdict: Verdict, force: str, justification: str) -> bool:
    """Whether a missed in-principle duty still waits for its reason (原则上: warn, do not block)."""
    return verdict is Verdict.SHORT and force == "in_principle" and not justification.strip()


@dataclass(frozen=True, slots=True)
class Promise:
    """What one side promised, in words, with its figure where it has one."""

    words: str
    target: Decimal | None


Promises = Mapping[tuple[str, str], Promise]


def changed_promises(before: Promises, after: Promises) -> list[tuple[str, Promise, Promise | None]]:
    """What differs between the promises of two agreements, by side and measure: added, changed (the new), removed."""
    found: list[tuple[str, Promise, Promise | None]] = [
        ("added", promise, None) for key, promise in after.items() if key not in before
    ]
    found += [("changed", old, after[key]) for key, old in before.items() if key in after and after[key] != old]
    return found + [("removed", old, None) for key, old in before.items() if key not in after]
