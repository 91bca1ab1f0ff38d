"""What the packs say about health education that is sent out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kangqiao.policy import Policy, Value, at

TOPIC = "education"


@dataclass(frozen=True, slots=True)
class Subject:
    """A problem one can write for: its ICD-10 category, named in both languages."""

    key: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class EducationParameters:
    """Every how many days somebody is sent something, and the problems one can write for.

    What is specially protected is not among the problems, so that a title on the phone tells nothing of it.
    """

    every_days: Value
    subjects: Mapping[str, Subject]

    @classmethod
    def read(cls, policy: Policy) -> EducationParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""
        named = policy.value(TOPIC, "subjects").value
        return cls(
            every_days=policy.value(TOPIC, "send_every_days"),
            subjects={key: Subject(key, zh, en) for key, (zh, en) in named.items()},
        )


def education_at(place_code: str, on: date) -> EducationParameters:
    """The parameters of a place on a day. Raises NoPolicyInForce."""
    return EducationParameters.read(at(place_code, on))
