"""YAML read so that every value still knows its line: errors in a pack name file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a pack, and where: file as shown to people, line counted from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Table(dict[str, Any]):
    """A YAML mapping that knows its own line and the line of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """The line of a key, or of the table where the key is absent."""
        return self.lines.get(key, self.line)


class Rows(list[Any]):
    """A YAML sequence that knows its own line and the line of each item."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def read(path: Path, file: str, problems: list[Problem]) -> Any:
    """The content of one YAML file as tables, rows and exact scalars; what is wrong goes to `problems`.

    Stricter than YAML: a key may stand once, aliases and merge keys are refused, decimals stay exact (Decimal), and
    the scalars that YAML 1.1 reads in surprising ways (`on`, `14:00`, `010`) must be quoted. Returns None for a file
    that cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problems.append(Problem(file, 1, f"cannot be read: {error.strerror}"))
        return None
    except UnicodeDecodeError:
        problems.append(Problem(file, 1, "is not UTF-8"))
        return None
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.append(Problem(file, mark.line + 1 if mark else 1, f"not valid YAML: {error.problem}"))
        return None
    except yaml.YAMLError as error:
        problems.append(Problem(file, 1, f"not valid YAML: {error}"))
        return None
    if node is None:
        problems.append(Problem(file, 1, "is empty"))
        return None
    return _Builder(file, problems).build(node)


def plain(value: Any) -> Any:
    """The same content as ordinary dicts and lists, for readers who need no lines."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


class _Builder:
    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems
        self._seen: set[int] = set()

    def build(self, node: Any) -> Any:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        if id(node) in self._seen:
            self._say(line, "aliases are not allowed: write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            rows = Rows(line)
            for item in node.value:
                rows.lines.append(item.start_mark.line + 1)
                rows.append(self.build(item))
            return rows
        table = Table(line)
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._say(key_line, "a key must be a plain word")
            elif key_node.value in table:
                self._say(key_line, f"duplicate key '{key_node.value}', first on line {table.lines[key_node.value]}")
            else:
                table.lines[key_node.value] = key_line
                table[key_node.value] = self.build(value_node)
        return table

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text, tag = node.value, node.tag.removeprefix(_TAG)
        if tag == "str":
            return text
        if tag == "null":
            return None
        if tag == "bool" and text in ("true", "false"):
            return text == "true"
        if tag == "int" and _INTEGER.fullmatch(text):
            return int(text)
        if tag == "float" and _DECIMAL.fullmatch(text):
            return Decimal(text)
        if tag == "timestamp" and _DATE.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                self._say(line, f"there is no date {text}")
                return None
        self._say(line, f"write '{text}' in quotes, or as a plain number or date: as it stands YAML reads it as {tag}")
        return None

    def _say(self, line: int, message: str) -> None:
        self._problems.append(Problem(self._file, line, message))
