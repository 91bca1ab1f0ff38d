"""The packs together: which paper answers for a place on a day, and with which value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from datetime import date as calendar_date
from datetime import time as time_of_day
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from kangqiao.kernel.errors import NoPolicyInForce, PolicyError
from kangqiao.policy.loading import load_packs
from kangqiao.policy.nodes import Problem
from kangqiao.policy.values import Clause, Pack, PolicyRef, Value


@dataclass(frozen=True, eq=False)
class PackSet:
    """All packs of one folder. `clauses()` lists every clause of every paper in pack and paper order."""

    root: Path
    packs: dict[str, Pack]

    def pack(self, pack_id: str) -> Pack:
        """The pack of that id. Raises PolicyError."""
        if pack_id not in self.packs:
            raise PolicyError(f"there is no policy pack '{pack_id}'; there are {', '.join(self.packs)}")
        return self.packs[pack_id]

    def clauses(self) -> list[Clause]:
        """Every clause of every pack."""
        return [clause for pack in self.packs.values() for clause in pack.clauses]

    def clause(self, clause_id: str) -> Clause:
        """The clause of that id. Raises PolicyError."""
        for pack in self.packs.values():
            for clause in pack.clauses:
                if clause.id == clause_id:
                    return clause
        raise PolicyError(f"there is no clause '{clause_id}' in the catalogue")

    def at(self, place: str, day: date) -> Policy:
        """The policy for a place on a day. Raises NoPolicyInForce when no pack covers the place then."""
        covering = [pack for pack in self.packs.values() if pack.specificity(place)]
        if not covering:
            known = ", ".join(own.code for pack in self.packs.values() for own in pack.places)
            raise NoPolicyInForce(
                f"No policy pack covers place {place}; packs exist for {known}.",
                next_step="Bind a pack to this place in its pack.yaml.",
            )
        held = [pack for pack in covering if pack.in_force(day)]
        if not held:
            spans = ", ".join(f"{pack.id} ({pack.since} to {pack.until or 'open'})" for pack in covering)
            raise NoPolicyInForce(f"No policy is in force for place {place} on {day}: {spans}.")
        held.sort(key=lambda pack: (-pack.specificity(place), -pack.since.toordinal(), pack.id))
        return Policy(self, place, day, tuple(held))

    def of_pack(self, pack_id: str, day: date) -> Policy:
        """The policy of one pack alone with the pack it extends, whatever place asks; for comparing packs."""
        pack = self.pack(pack_id)
        if not pack.in_force(day):
            raise NoPolicyInForce(f"Pack {pack_id} is not in force on {day} ({pack.since} to {pack.until or 'open'}).")
        return Policy(self, pack.places[0].code if pack.places else "", day, (pack,))


@dataclass(frozen=True)
class Policy:
    """What holds in one place on one day.

    Several papers may cover the place. For each key the value comes from the most closely bound pack that holds it
    that day; among equally close ones a paper's value comes before a setting, then the one with the latest date, then
    the later paper. The pack they extend answers last. See docs/adr/0003-policy-packs.md.
    """

    packs: PackSet
    place: str
    date: calendar_date
    local: tuple[Pack, ...]
    # Packs never change, so neither does an answer; decisions about many rows ask the same few keys.
    _answers: dict[tuple[str, str], Value | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _topics: dict[str | None, tuple[Value, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def ref(self) -> PolicyRef:
        """The most closely bound pack as a reference: what a decision under this policy keeps."""
        return PolicyRef(self.local[0].id, self.local[0].version, self.date)

    @property
    def looked_at(self) -> tuple[Pack, ...]:
        """The packs that are asked, nearest first, each base once at the end."""
        bases = dict.fromkeys(pack.extends for pack in self.local if pack.extends)
        return self.local + tuple(self.packs.packs[base] for base in bases if base in self.packs.packs)

    def value(self, topic: str, key: str) -> Value:
        """The value in force. Raises NoPolicyInForce, never falls back to a number of its own."""
        found = self.get(topic, key)
        if found is None:
            raise self._none(topic, key)
        return found

    def get(self, topic: str, key: str) -> Value | None:
        """The value in force, or None where none is: for pages that show what exists."""
        names = (topic, key)
        if names not in self._answers:
            self._answers[names] = self._nearest(topic, key)
        return self._answers[names]

    def number(self, topic: str, key: str) -> int | Fraction:
        """The value as an exact number. Raises NoPolicyInForce, PolicyError on another kind."""
        return self.value(topic, key).number()

    def integer(self, topic: str, key: str) -> int:
        """The value as a whole number."""
        return self.value(topic, key).integer()

    def fraction(self, topic: str, key: str) -> Fraction:
        """The value as an exact fraction."""
        return self.value(topic, key).fraction()

    def text(self, topic: str, key: str) -> str:
        """The value as a word or sentence."""
        return self.value(topic, key).text()

    def flag(self, topic: str, key: str) -> bool:
        """The value as yes or no."""
        return self.value(topic, key).flag()

    def day(self, topic: str, key: str) -> calendar_date:
        """The value as a date."""
        return self.value(topic, key).day()

    def time(self, topic: str, key: str) -> time_of_day:
        """The value as a time of day."""
        return self.value(topic, key).time()

    def list_(self, topic: str, key: str) -> tuple[Any, ...]:
        """The value as a fixed sequence."""
        return self.value(topic, key).list_()

    def day_in_year(self, topic: str, key: str, year: int) -> calendar_date:
        """The yearly day the value names, in that year."""
        return self.value(topic, key).day_in_year(year)

    def topics(self) -> list[str]:
        """The topics that hold a value today."""
        return sorted({topic for topic, _ in self._keys()})

    def values(self, topic: str | None = None) -> list[Value]:
        """Every value in force, of one topic or of all, by topic and key."""
        if topic not in self._topics:
            found = (self.get(*names) for names in sorted(self._keys()) if topic in (None, names[0]))
            self._topics[topic] = tuple(value for value in found if value is not None)
        return list(self._topics[topic])

    def _nearest(self, topic: str, key: str) -> Value | None:
        found = [value for pack in self.looked_at for value in pack.entries.get((topic, key), ()) if self._holds(value)]
        return replace(min(found, key=self._rank), asked=self.date, place=self.place) if found else None

    def _keys(self) -> set[tuple[str, str]]:
        return {
            names
            for pack in self.looked_at
            for names, values in pack.entries.items()
            if any(self._holds(value) for value in values)
        }

    def _holds(self, value: Value) -> bool:
        pack = self.packs.packs[value.pack]
        if not pack.in_force(self.date) or value.since > self.date:
            return False
        later = any(other.since > value.since and other.since <= self.date for other in self._siblings(value))
        return not later and (value.until is None or self.date <= value.until)

    def _siblings(self, value: Value) -> tuple[Value, ...]:
        return self.packs.packs[value.pack].entries[value.topic, value.key]

    def _rank(self, value: Value) -> tuple[int, bool, int, int, str]:
        pack = self.packs.packs[value.pack]
        return (
            -pack.specificity(self.place),
            value.setting,
            -value.since.toordinal(),
            -pack.since.toordinal(),
            pack.id,
        )

    def _none(self, topic: str, key: str) -> NoPolicyInForce:
        parts = []
        for pack in self.looked_at:
            spans = [f"{v.since} to {v.until or 'open'}" for v in pack.entries.get((topic, key), ())]
            parts.append(f"{pack.id} ({'; '.join(spans) if spans else 'does not name it'})")
        return NoPolicyInForce(
            f"No policy value {topic}.{key} for place {self.place} on {self.date}. Looked at: {', '.join(parts)}.",
            next_step="Add the value with its clause, or a setting with its reason, to a pack of this place.",
        )


@cache
def load(path: Path | str) -> PackSet:
    """The packs of a folder, read once for each path. Raises PolicyError that lists every fault by file and line."""
    packs, problems = load_packs(Path(path).resolve())
    if problems:
        raise PolicyError("Policy packs are faulty:\n" + "\n".join(str(problem) for problem in problems))
    return PackSet(Path(path).resolve(), packs)


def default_path() -> Path:
    """Where the packs are: `KANGQIAO_PACKS`, else beside the source tree, else inside the installed package."""
    named = os.environ.get("KANGQIAO_PACKS")
    if named:
        return Path(named)
    package = Path(__file__).resolve().parent.parent
    beside = package.parent.parent / "packs"
    return beside if beside.is_dir() else package / "packs"


def default() -> PackSet:
    """The packs of this installation."""
    return load(default_path())


def at(place: str, date: date, packs: PackSet | None = None) -> Policy:
    """The policy for a place (GB/T 2260 code or the region's extension of one) on a day. Raises NoPolicyInForce."""
    return _at(packs or default(), place, date)


# A region's papers on a day are asked thousands of times in a planning run; two years of days for a few places fit.
@lru_cache(maxsize=4096)
def _at(packs: PackSet, place: str, day: date) -> Policy:
    return packs.at(place, day)


@dataclass(frozen=True, slots=True)
class Difference:
    """One key on which two policies differ; a side that does not hold the key is None."""

    topic: str
    key: str
    a: Value | None
    b: Value | None


def diff(a: str | Policy, b: str | Policy, on: date, packs: PackSet | None = None) -> list[Difference]:
    """Where two policies differ on a day. A side is a pack id, a place code, a pack folder, or a Policy."""
    return list(_differences(_side(a, on, packs), _side(b, on, packs)))


def _differences(a: Policy, b: Policy) -> Iterator[Difference]:
    values = [{(value.topic, value.key): value for value in side.values()} for side in (a, b)]
    for names in sorted(set(values[0]) | set(values[1])):
        left, right = values[0].get(names), values[1].get(names)
        if (
            left is None
            or right is None
            or (left.value, left.unit, left.force) != (right.value, right.unit, right.force)
        ):
            yield Difference(*names, left, right)


def _side(side: str | Policy, on: date, packs: PackSet | None) -> Policy:
    if isinstance(side, Policy):
        return side
    if "/" in side and (Path(side) / "pack.yaml").is_file():
        folder = Path(side).resolve()
        return load(folder.parent).of_pack(folder.name, on)
    packs = packs or default()
    return packs.at(side, on) if side[:1].isdigit() else packs.of_pack(side, on)


def check(path: Path | str) -> list[Problem]:
    """Everything that is wrong with the packs of a folder, by file and line; empty when they may be used."""
    return load_packs(Path(path).resolve())[1]
