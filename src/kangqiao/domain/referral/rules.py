"""When a referral is whole, which criteria allow a hand-over, and how much of a clock is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

# Criteria (codes of the list `referral_reason`) under which a hospital may hand a patient back to a centre (ZH-4.4b).
DOWN_CRITERIA = ("stable_for_community", "chronic_at_target", "rehabilitation", "after_surgery", "long_term_care")


# How doctors write that a patient has no known allergy: words of the record, not of the pages.
NO_ALLERGY = frozenset(
    [
        *("无", "没有", "否认", "未发现", "无过敏", "无过敏史", "没有过敏史"),  # untranslated: what doctors type
        *("无药物过敏史", "无已知过敏", "否认过敏史", "否认药物过敏史"),  # untranslated: what doctors type
        *("none", "no", "nil", "nka", "nkda", "no known allergies", "none known"),
    ]
)


def missing_items(required: Iterable[str], given: Mapping[str, bool]) -> list[str]:
    """The required items a referral still lacks, in the order of the data set (ZH-4.4c).

    Raises KeyError when the pack asks for an item the form cannot hold.
    """
    return [item for item in required if not given[item]]


def known_allergies(words: str) -> list[str] | None:
    """The allergies a letter names; none when it says there are none, `None` when it says nothing.

    Only a plain denial counts as none: "无青霉素过敏，头孢过敏" still warns.
    """
    plain = words.strip().strip("。.；;，,")
    if not plain:
        return None
    return [] if plain.casefold() in NO_ALLERGY else [plain]


def used_percent(since: datetime, due: datetime, now: datetime) -> int:
    """How much of a time limit is used up, in full percent; more than 100 when it is overdue."""
    limit = (due - since) / timedelta(seconds=1)
    return int((now - since) / timedelta(seconds=1) * 100 // limit) if limit > 0 else 100


# Criteria (codes of the list `referral_reason`) that are danger signs.
DANGER_SIGNS = ("htn_emergency", "dm_danger")


@dataclass(frozen=True, slots=True)
class Patient:
    """What decides how soon somebody is seen."""

    urgency: str
    reason_code: str
    age: int
    is_contracted: bool
    is_key: bool


def points(patient: Patient, worth: Mapping[str, int], aged_from: int) -> dict[str, int]:
    """The points a patient brings along, by reason, the heaviest first (SZ16-2.2c)."""
    holds = {
        "emergency": patient.urgency == "emergency",
        "danger_sign": patient.reason_code in DANGER_SIGNS,
        "urgent": patient.urgency == "urgent",
        "contracted": patient.is_contracted,
        "key_group": patient.is_key,
        "aged": patient.age >= aged_from,
    }
    return {reason: worth[reason] for reason in worth if holds[reason]}


def score(own: Mapping[str, int], since: datetime, now: datetime, most: int) -> int:
    """The points now: those brought along and one for each full day of waiting, up to the most."""
    return sum(own.values()) + min(most, max((now - since).days, 0))


def queue_order(
    *, is_emergency: bool, is_green: bool, score: int, arrived_at: datetime
) -> tuple[bool, bool, int, float]:
    """Where somebody stands in a queue: emergencies, the green channel by points, everybody by arrival."""
    return (not is_emergency, not is_green, -score if is_green else 0, arrived_at.timestamp())


def custody(direction: str, status: str, *, has_arrived: bool) -> int:
    """Which end answers for the patient, 0 the sender, 1 the receiver: arrival moves that, a letter does not.

    Up, the hospital has it from arrival until its summary went back; down, the centre from taking over.
    """
    if direction == "up":
        return int(has_arrived and status in ("accepted", "seen"))
    return int(status in ("taken_over", "followed_up"))
