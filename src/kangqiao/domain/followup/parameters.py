"""What the packs say about assessments and the plans that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kangqiao.policy import Policy, Value, at

TOPIC = "followup"


@dataclass(frozen=True, slots=True)
class FollowupParameters:
    """Days to assess a new contract in, months a value counts, days ahead an item shows, ICD-10 of long-term problems;
    days after a visit until the resident is asked, and days to answer in.

    What is specially protected is not among the problems, so that a class tells nothing of it.
    """

    assess_days: Value
    facts_months: Value
    ahead_days: Value
    problems: tuple[str, ...]
    survey_after: Value
    survey_within: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> FollowupParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""

        def value(key: str) -> Value:
            return policy.value(TOPIC, key)

        return cls(
            assess_days=value("assess_within_days"),
            facts_months=value("facts_count_months"),
            ahead_days=value("item_shown_days_ahead"),
            problems=tuple(value("long_term_problems").value),
            survey_after=value("survey_after_days"),
            survey_within=value("survey_answer_days"),
            ref=str(policy.ref),
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """One fact that puts somebody into a class: from which figure on, and how to say it."""

    fact: str
    at_least: Decimal
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Task:
    """One thing of a plan: which act, and every how many days."""

    act: str
    zh: str
    en: str
    every_days: int


@dataclass(frozen=True, slots=True)
class Split:
    """Which diagnoses of a visit make a task, for which kind of member, and within how many days."""

    key: str
    zh: str
    en: str
    diagnoses: frozenset[str]
    member: str
    within_days: int


@dataclass(frozen=True, slots=True)
class HealthClass:
    """A class as the pack words it; of those that fit the lowest rank counts. Without grounds everybody fits."""

    key: str
    zh: str
    en: str
    rank: int
    review_days: int
    goals_zh: str
    goals_en: str
    grounds: tuple[Ground, ...]
    tasks: tuple[Task, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer somebody may choose, and whether a doctor should hear of it at once."""

    key: str
    zh: str
    en: str
    is_worrying: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One question of a questionnaire with its answers."""

    key: str
    zh: str
    en: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """What is asked after one kind of visit, and what somebody is told whose answer worries."""

    key: str
    zh: str
    en: str
    advice: Mapping[str, str]
    questions: tuple[Query, ...]


def followup_at(place_code: str, on: date) -> FollowupParameters:
    """The parameters of a place on a day. Raises NoPolicyInForce."""
    return FollowupParameters.read(at(place_code, on))


def classes_at(place_code: str, on: date) -> list[HealthClass]:
    """The classes of a place on a day, the closest care first."""
    return sorted((_class(one) for one in at(place_code, on).values("health_classes")), key=lambda one: one.rank)


def splits_at(place_code: str, on: date) -> list[Split]:
    """How the work of a team is split in a place on a day; empty where its packs say nothing of it."""
    return [
        Split(
            one.key, one.value["zh"], one.value["en"], frozenset(one.value["diagnoses"]), one.value["member"],
            one.value["within_days"],
        )
        for one in at(place_code, on).values("team_tasks")
    ]  # fmt: skip


def questionnaires_at(place_code: str, on: date) -> dict[str, Questionnaire]:
    """The questionnaires of a place on a day, by the kind of visit. Raises NoPolicyInForce."""
    return {one.key: _questionnaire(one) for one in at(place_code, on).values("surveys")}


def _questionnaire(value: Value) -> Questionnaire:
    said: Mapping[str, Any] = value.value
    questions = tuple(
        Query(
            one["key"], one["zh"], one["en"],
            tuple(Choice(each["key"], each["zh"], each["en"], each.get("worries", False)) for each in one["choices"]),
        )
        for one in said["questions"]
    )  # fmt: skip
    advice = {"zh": said["advice_zh"], "en": said["advice_en"]}
    return Questionnaire(value.key, said["zh"], said["en"], advice, questions)


def _class(value: Value) -> HealthClass:
    said: Mapping[str, Any] = value.value
    grounds = (Ground(one["fact"], Decimal(str(one["at_least"])), one["zh"], one["en"]) for one in said["any"])
    tasks = (Task(one["act"], one["zh"], one["en"], one["every_days"]) for one in said["plan"])
    return HealthClass(
        value.key, said["zh"], said["en"], said["rank"], said["review_days"], said["goals_zh"], said["goals_en"],
        tuple(grounds), tuple(tasks), value.reason,
    )  # fmt: skip
