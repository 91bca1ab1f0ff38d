"""The dated values of one key: each with unit and citation, dates ascending, no date twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from kangqiao.policy.faults import Faults, frozen
from kangqiao.policy.nodes import Rows, Table
from kangqiao.policy.values import FORCES, Value

_ENTRY_REQUIRED = {"from", "value", "unit"}
_ENTRY_OPTIONAL = {
    "until", "clause", "parameter", "force", "setting", "reason", "op", "by", "as_of", "basis", "source", "note",
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class EntryReader:
    """Reads the values of one pack. `force` gives the force of every clause that may be cited, by clause id."""

    def __init__(self, faults: Faults, version: str, force: dict[str, str]) -> None:
        self.faults = faults
        self.version = version
        self.force = force

    def read(self, name: str, key: str, rows: Any, line: int, pack_since: date) -> Iterator[Value]:
        """The values of one key in the topic file `name`; what is wrong with them is said, the rest still read."""
        if not _NAME.fullmatch(key):
            self.faults.say(name, line, f"key '{key}' must be lower-case words joined by underscores")
        if not isinstance(rows, Rows) or not rows:
            self.faults.say(
                name, line, f"{key} must be a list of dated values: - {{from: …, value: …, unit: …, clause: …}}"
            )
            return
        last: Value | None = None
        for entry_line, row in zip(rows.lines, rows, strict=True):
            value = self._entry(name, key, row, entry_line)
            if value is None:
                continue
            if value.since < pack_since:
                self.faults.say(
                    name, entry_line, f"{key} starts {value.since}, before the pack is in force ({pack_since})"
                )
            if last is not None and value.since == last.since:
                self.faults.say(name, entry_line, f"duplicate date {value.since} for {key}")
            elif last is not None and value.since < last.since:
                self.faults.say(name, entry_line, f"dates of {key} must ascend: {value.since} follows {last.since}")
            elif last is not None and last.until is not None and last.until >= value.since:
                self.faults.say(
                    name, entry_line, f"{key} from {value.since} overlaps the value that runs to {last.until}"
                )
            last = value
            yield value

    def _entry(self, name: str, key: str, row: Any, line: int) -> Value | None:
        if not isinstance(row, Table):
            self.faults.say(
                name, line, f"a value of {key} must be a table such as {{from: …, value: …, unit: …, clause: …}}"
            )
            return None
        if not self.faults.keys(name, row, _ENTRY_REQUIRED, _ENTRY_OPTIONAL, key):
            return None
        since = self.faults.date(name, row, "from")
        until = self.faults.date(name, row, "until") if "until" in row else None
        if since is None:
            return None
        if until is not None and until < since:
            self.faults.say(name, line, f"{key} ends {until}, before it starts {since}")
        if row["value"] is None:
            self.faults.say(
                name, row.line_of("value"), f"{key} has no value: where the paper is silent choose a setting"
            )
        if not isinstance(row["unit"], str) or not row["unit"]:
            self.faults.say(name, row.line_of("unit"), f"unit of {key} must be a word")
        for text in sorted((_ENTRY_OPTIONAL - {"until", "setting"}) & set(row)):
            if not isinstance(row[text], str) or not row[text].strip():
                self.faults.say(
                    name, row.line_of(text), f"{text} of {key} must be a text; put numbers and dates in quotes"
                )
        self._check_citation(name, key, row, line)
        clause = str(row.get("clause") or "")
        return Value(
            value=frozen(row["value"]),
            unit=str(row["unit"]),
            clause=clause,
            force=str(row.get("force") or self.force.get(clause, "binding")),
            setting=row.get("setting") is True,
            reason=str(row.get("reason") or ""),
            since=since,
            until=until,
            pack=self.faults.folder.name,
            version=self.version,
            topic=name.removesuffix(".yaml"),
            key=key,
            asked=since,
            parameter=str(row.get("parameter") or (key if clause else "")),
            **{text: str(row.get(text) or "") for text in ("op", "by", "as_of", "basis", "source", "note")},
        )

    def _check_citation(self, name: str, key: str, row: Table, line: int) -> None:
        clause, setting = row.get("clause"), row.get("setting", False)
        if not isinstance(setting, bool):
            self.faults.say(name, row.line_of("setting"), f"setting of {key} must be true or false")
        if setting is True and not row.get("reason"):
            self.faults.say(name, line, f"{key} is a setting without a reason: say why this value was chosen")
        if setting is not True and not clause:
            self.faults.say(name, line, f"{key} is uncited: name its clause, or mark it 'setting: true' with a reason")
        if clause and clause not in self.force:
            self.faults.say(name, row.line_of("clause"), f"{key} cites unknown clause '{clause}'")
        force = row.get("force")
        if force is not None and force not in FORCES:
            self.faults.say(name, row.line_of("force"), f"force must be one of {', '.join(FORCES)}, not '{force}'")
        elif force and setting is not True and clause in self.force and force != self.force[clause]:
            self.faults.say(name, row.line_of("force"), f"{key} says {force}, clause {clause} is {self.force[clause]}")
