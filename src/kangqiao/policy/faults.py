"""Telling what is wrong with a pack folder, and where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kangqiao.policy.nodes import Problem, Table


class Faults:
    """The complaints about one pack folder; readers of its files share it."""

    def __init__(self, folder: Path, root: Path, problems: list[Problem]) -> None:
        self.folder = folder
        self.problems = problems
        self._shown = root.name

    def file(self, name: str) -> str:
        """A file of the pack as people see it: `packs/zhuhai-lianjian/roster.yaml`."""
        return f"{self._shown}/{self.folder.name}/{name}"

    def say(self, name: str, line: int, message: str) -> None:
        """Note one fault."""
        self.problems.append(Problem(self.file(name), line, message))

    def keys(self, name: str, table: Table, required: set[str], optional: set[str], what: str) -> bool:
        """Complain about unknown and missing keys; whether all required ones are there."""
        for key in table:
            if key not in required and key not in optional:
                self.say(name, table.line_of(key), f"unknown key '{key}' in {what}")
        missing = sorted(required - set(table))
        if missing:
            self.say(name, table.line, f"{what} lacks {', '.join(missing)}")
        return not missing

    def date(self, name: str, table: Table, key: str) -> date | None:
        """The date under a key, or None with a complaint."""
        value = table[key]
        if isinstance(value, date):
            return value
        self.say(name, table.line_of(key), f"'{key}' must be a date such as 2016-01-01, not {value!r}")
        return None


def frozen(value: Any) -> Any:
    """The same content as tuples and read-only mappings."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    return value
