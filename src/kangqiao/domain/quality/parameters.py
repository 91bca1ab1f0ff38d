"""What the packs say about samples of contract service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kangqiao.policy import Value, at

TOPIC, FINDINGS = "quality", "quality_findings"


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One thing that may be found: about a contract or a service, and whether that makes it no real one."""

    key: str
    zh: str
    en: str
    about: str
    is_unreal: bool
    rank: int


@dataclass(frozen=True, slots=True)
class QualityTerms:
    """How many items of a kind are drawn per team, and in how many days what is found has to be put right."""

    items_per_team: Value
    correct_within_days: Value
    ref: str


def terms_at(place_code: str, on: date) -> QualityTerms:
    """What holds in a place on a day (XH23-5.2.4a). Raises NoPolicyInForce."""
    policy = at(place_code, on)
    return QualityTerms(
        policy.value(TOPIC, "items_per_team"), policy.value(TOPIC, "correct_within_days"), str(policy.ref)
    )


def findings_at(place_code: str, on: date) -> list[FindingKind]:
    """What may be found, in order. Raises NoPolicyInForce."""
    return sorted((_finding(value) for value in at(place_code, on).values(FINDINGS)), key=lambda one: one.rank)


def _finding(value: Value) -> FindingKind:
    said: Mapping[str, Any] = value.value
    return FindingKind(value.key, said["zh"], said["en"], said["about"], said["unreal"], said["rank"])
