"""A process as data: which party may move what from where to where, and what clock runs meanwhile.

One table yields the guard, the buttons, the history rows, the worklists, the overdue escalation and the printed
diagram in `docs/states/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Look(Enum):
    """The five looks a state may have on a page; each is an icon and a word, never colour alone."""

    WAIT = "wait"
    GO = "go"
    DONE = "done"
    BACK = "back"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class State:
    """One state: its stored key, its names, its look, and whether the process ends there.

    `clock` names the setting of the policy pack that limits the stay (hours or days as the setting says) and
    `owner` the party everybody waits for.
    """

    key: str
    zh: str
    en: str
    look: Look = Look.WAIT
    final: bool = False
    owner: str = ""
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One move: from which states, by which party, to which state, under which verb.

    `needs_reason` makes the person write why. `danger` marks what cannot be undone, `undo` what its doer may take back
    within the moment. `primary` is the filled button.
    """

    action: str
    zh: str
    en: str
    sources: tuple[str, ...]
    target: str
    parties: tuple[str, ...]
    needs_reason: bool = False
    danger: bool = False
    primary: bool = False
    undo: bool = False


@dataclass(frozen=True)
class StateTable:
    """The whole process. Raises ValueError when a step names an unknown state or a state is stranded."""

    name: str
    zh: str
    initial: str
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    _by_key: dict[str, State] = field(init=False, repr=False, compare=False)
    _by_action: dict[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {state.key: state for state in self.states}
        by_action = {step.action: step for step in self.steps}
        if len(by_key) != len(self.states) or len(by_action) != len(self.steps):
            raise ValueError(f"{self.name}: a state or step is named twice")
        for step in self.steps:
            for key in (*step.sources, step.target):
                if key not in by_key:
                    raise ValueError(f"{self.name}: step {step.action} names unknown state {key}")
            for source in step.sources:
                if by_key[source].final:
                    raise ValueError(f"{self.name}: step {step.action} leaves final state {source}")
        reached = {self.initial} | {step.target for step in self.steps}
        left = {source for step in self.steps for source in step.sources}
        for key, state in by_key.items():
            if key not in reached:
                raise ValueError(f"{self.name}: no step reaches state {key}")
            if not state.final and key not in left:
                raise ValueError(f"{self.name}: no step leaves state {key}, yet it is not final")
        object.__setattr__(self, "_by_key", by_key)
        object.__setattr__(self, "_by_action", by_action)

    def state(self, key: str) -> State:
        """The state of that key. Raises KeyError."""
        return self._by_key[key]

    def step(self, action: str) -> Step:
        """The step of that action. Raises KeyError."""
        return self._by_action[action]

    def steps_from(self, status: str, parties: set[str]) -> list[Step]:
        """The moves these parties may make from here, in table order: the buttons of the page."""
        return [s for s in self.steps if status in s.sources and parties.intersection(s.parties)]

    def choices(self) -> list[tuple[str, str]]:
        """Key and Chinese name of every state, for a column's choices."""
        return [(state.key, state.zh) for state in self.states]

    def open_keys(self) -> list[str]:
        """Keys of the states in which the process has not ended."""
        return [state.key for state in self.states if not state.final]

    def diagram(self) -> str:
        """The process as a Mermaid state diagram, printed in `docs/states/`."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for state in self.states:
            lines.append(f'    state "{state.zh} {state.key}" as {state.key}')
        for step in self.steps:
            who = "/".join(step.parties)
            back = "，可即时撤销" if step.undo else ""
            lines.extend(f"    {source} --> {step.target}: {step.zh} ({who}){back}" for source in step.sources)
        lines.extend(f"    {state.key} --> [*]" for state in self.states if state.final)
        return "\n".join(lines) + "\n"
