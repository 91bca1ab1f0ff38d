"""Packs from a folder: strict, complete, every complaint with file and line.

A pack is a folder with `pack.yaml`, `clauses.yaml`, one file per topic, the data files `pack.yaml` declares, and
`cases/`. A file that is none of these is an error, so nothing can be put into a pack and be silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kangqiao.policy.nodes import Problem, Rows, Table, read
from kangqiao.policy.values import FORCES, PRIORITIES, Clause, Pack, Place, Value

_PACK_REQUIRED = {"id", "code", "version", "title", "in_force"}
_PACK_OPTIONAL = {"issuer", "doc_no", "places", "extends", "data", "notes"}
_ENTRY_REQUIRED = {"from", "value", "unit"}
_ENTRY_OPTIONAL = {
    "until", "clause", "parameter", "force", "setting", "reason", "op", "by", "as_of", "basis", "source", "note",
}  # fmt: skip
_CLAUSE_REQUIRED = {
    "id", "section", "zh", "requirement", "actors", "module", "parameters", "acceptance", "priority", "force",
}  # fmt: skip
_CLAUSE_OPTIONAL = {"notes", "tasks"}
_PARAMETER_KEYS = {
    "value",
    "unit",
    "op",
    "from",
    "to",
    "by",
    "as_of",
    "basis",
    "recurs",
    "own_chcs_count",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def load_packs(root: Path) -> tuple[dict[str, Pack], list[Problem]]:
    """Every pack below `root` by id, and all that is wrong with them; a pack with faults may be incomplete."""
    problems: list[Problem] = []
    folders = sorted(path.parent for path in root.glob("*/pack.yaml"))
    if not folders:
        problems.append(Problem(str(root), 1, "no policy packs here: no folder with a pack.yaml"))
    readers = [_PackReader(folder, root, problems) for folder in folders]
    clause_force: dict[str, str] = {}
    for reader in readers:
        reader.read_clauses(clause_force)
    packs: dict[str, Pack] = {}
    for reader in readers:
        pack = reader.build(clause_force)
        if pack is not None:
            if pack.id in packs:
                reader.say("pack.yaml", 1, f"pack id '{pack.id}' is already taken")
            packs[pack.id] = pack
    for reader in readers:
        reader.check_extends(packs)
    return packs, sorted(set(problems))


class _PackReader:
    """Reads one pack folder, in two passes: the catalogue first, since values of any pack may cite it."""

    def __init__(self, folder: Path, root: Path, problems: list[Problem]) -> None:
        self.folder = folder
        self._shown = root.name
        self._problems = problems
        content = read(folder / "pack.yaml", self._file("pack.yaml"), problems)
        self._head = content if isinstance(content, Table) else Table(1)
        if not isinstance(content, Table):
            self.say("pack.yaml", 1, "must be a table of keys")
        self._clauses: list[Clause] = []
        self._id = folder.name

    def say(self, name: str, line: int, message: str) -> None:
        self._problems.append(Problem(self._file(name), line, message))

    def _file(self, name: str) -> str:
        return f"{self._shown}/{self.folder.name}/{name}"

    # --- the catalogue ---------------------------------------------------------------------------------------

    def read_clauses(self, force_by_id: dict[str, str]) -> None:
        """Read `clauses.yaml`; adds each clause id with its force to `force_by_id`."""
        if not (self.folder / "clauses.yaml").exists():
            return
        content = read(self.folder / "clauses.yaml", self._file("clauses.yaml"), self._problems)
        rows = content.get("clauses") if isinstance(content, Table) else None
        if not isinstance(content, Table) or not isinstance(rows, Rows):
            self.say("clauses.yaml", 1, "must hold a list under 'clauses'")
            return
        self._keys("clauses.yaml", content, {"clauses"}, {"source"}, "clauses.yaml")
        for line, row in zip(rows.lines, rows, strict=True):
            clause = self._clause(row, line)
            if clause is None:
                continue
            if clause.id in force_by_id:
                self.say("clauses.yaml", line, f"clause {clause.id} stands twice")
            force_by_id[clause.id] = clause.force
            self._clauses.append(clause)

    def _clause(self, row: Any, line: int) -> Clause | None:
        if not isinstance(row, Table):
            self.say("clauses.yaml", line, "a clause must be a table of keys")
            return None
        name = "clauses.yaml"
        if not self._keys(
            name,
            row,
            _CLAUSE_REQUIRED,
            _CLAUSE_OPTIONAL,
            f"clause {row.get('id', '')}".strip(),
        ):
            return None
        for key, allowed in (("priority", PRIORITIES), ("force", FORCES)):
            if row[key] not in allowed:
                self.say(
                    name,
                    row.line_of(key),
                    f"{key} must be one of {', '.join(allowed)}, not '{row[key]}'",
                )
        code = self._head.get("code")
        if not str(row["id"]).startswith(f"{code}-"):
            self.say(
                name,
                row.line_of("id"),
                f"clause id '{row['id']}' must start with the pack's code '{code}-'",
            )
        parameters: dict[str, Any] = {}
        for key, parameter in (row["parameters"] or {}).items():
            if isinstance(parameter, Table):
                self._keys(
                    name,
                    parameter,
                    {"value", "unit"},
                    _PARAMETER_KEYS,
                    f"parameter {key}",
                )
                parameters[key] = MappingProxyType({k: _frozen(v) for k, v in parameter.items()})
        return Clause(
            id=str(row["id"]),
            pack=self._id,
            section=str(row["section"]),
            zh=str(row["zh"]),
            requirement=str(row["requirement"]).strip(),
            actors=tuple(row["actors"]),
            module=str(row["module"]),
            parameters=MappingProxyType(parameters),
            acceptance=str(row["acceptance"]).strip(),
            priority=str(row["priority"]),
            force=str(row["force"]),
            notes=str(row.get("notes") or "").strip(),
            tasks=tuple(row.get("tasks") or ()),
        )

    # --- the pack --------------------------------------------------------------------------------------------

    def build(self, clause_force: dict[str, str]) -> Pack | None:
        """The pack with its topics and data, or None when its head is too broken to name it."""
        head = self._head
        if not self._keys("pack.yaml", head, _PACK_REQUIRED, _PACK_OPTIONAL, "pack.yaml"):
            return None
        if head["id"] != self.folder.name:
            self.say(
                "pack.yaml",
                head.line_of("id"),
                f"id '{head['id']}' differs from the folder {self.folder.name}",
            )
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(head["version"])):
            self.say("pack.yaml", head.line_of("version"), "version must read like '1.0.0'")
        title = self._table(head, "title", {"zh", "en"}, set())
        period = self._table(head, "in_force", {"from"}, {"until", "note"})
        if title is None or period is None:
            return None
        since = self._date("pack.yaml", period, "from")
        until = self._date("pack.yaml", period, "until") if "until" in period else None
        if since is None:
            return None
        data_files = dict(self._read_data(head))
        entries = dict(self._topics(set((head.get("data") or {}).values()), since, clause_force))
        return Pack(
            id=self.folder.name,
            code=str(head["code"]),
            version=str(head["version"]),
            title_zh=str(title["zh"]),
            title_en=str(title["en"]),
            issuer=tuple(head.get("issuer") or ()),
            doc_no=str(head.get("doc_no") or ""),
            places=tuple(self._places(head)),
            extends=str(head.get("extends") or ""),
            since=since,
            until=until,
            notes=tuple(head.get("notes") or ()),
            entries=MappingProxyType(entries),
            clauses=tuple(self._clauses),
            data_files=MappingProxyType(data_files),
        )

    def check_extends(self, packs: dict[str, Pack]) -> None:
        """Complain about a base pack that does not exist or itself extends another: overlays are one level deep."""
        base = self._head.get("extends")
        if not base:
            return
        line = self._head.line_of("extends")
        if base not in packs:
            self.say("pack.yaml", line, f"extends '{base}', and there is no such pack")
        elif packs[base].extends:
            self.say(
                "pack.yaml",
                line,
                f"extends '{base}', which itself extends another pack",
            )
        elif not self._head.get("places"):
            self.say(
                "pack.yaml",
                self._head.line,
                "a pack that extends another must name its places",
            )

    def _places(self, head: Table) -> Iterator[Place]:
        rows = head.get("places") or Rows(1)
        for index, row in enumerate(rows):
            line = rows.lines[index]
            if not isinstance(row, Table) or not self._keys("pack.yaml", row, {"code", "zh", "en"}, set(), "place"):
                continue
            if not isinstance(row["code"], str) or not re.fullmatch(r"\d{2}(\d{2}){0,2}(-[A-Z0-9]+)?", row["code"]):
                self.say(
                    "pack.yaml",
                    line,
                    f'place code {row["code"]!r} is no quoted GB/T 2260 code such as "4404"',
                )
                continue
            yield Place(row["code"], row["zh"], row["en"])

    def _read_data(self, head: Table) -> Iterator[tuple[str, Any]]:
        declared: Table = head.get("data") or Table(1)
        for name, file_name in declared.items():
            if not (self.folder / str(file_name)).is_file():
                self.say(
                    "pack.yaml",
                    declared.line_of(name),
                    f"data file '{file_name}' does not exist",
                )
                continue
            content = read(self.folder / file_name, self._file(file_name), self._problems)
            if isinstance(content, Table):
                yield name, content
            elif content is not None:
                self.say(file_name, 1, "a data file must be a table of keys")

    # --- values ----------------------------------------------------------------------------------------------

    def _topics(
        self, data_names: set[str], since: date, clause_force: dict[str, str]
    ) -> Iterator[tuple[tuple[str, str], tuple[Value, ...]]]:
        for path in sorted(self.folder.iterdir()):
            if path.name in ("pack.yaml", "clauses.yaml", "cases", *data_names):
                continue
            if path.suffix != ".yaml" or not _NAME.fullmatch(path.stem):
                self.say(
                    path.name,
                    1,
                    "does not belong into a pack: not a topic, not declared under 'data'",
                )
                continue
            content = read(path, self._file(path.name), self._problems)
            if content is None:
                continue
            table = content.get(path.stem) if isinstance(content, Table) else None
            if not isinstance(table, Table) or len(content) != 1:
                line = content.line if isinstance(content, Table) else 1
                self.say(
                    path.name,
                    line,
                    f"must hold one table, '{path.stem}', named like the file",
                )
                continue
            for key, rows in table.items():
                values = tuple(self._entries(path.name, key, rows, table.line_of(key), since, clause_force))
                if values:
                    yield (path.stem, key), values

    def _entries(
        self,
        name: str,
        key: str,
        rows: Any,
        line: int,
        pack_since: date,
        clause_force: dict[str, str],
    ) -> Iterator[Value]:
        if not _NAME.fullmatch(key):
            self.say(
                name,
                line,
                f"key '{key}' must be lower-case words joined by underscores",
            )
        if not isinstance(rows, Rows) or not rows:
            self.say(
                name,
                line,
                f"{key} must be a list of dated values: - {{from: …, value: …, unit: …, clause: …}}",
            )
            return
        last: Value | None = None
        for entry_line, row in zip(rows.lines, rows, strict=True):
            value = self._entry(name, key, row, entry_line, clause_force)
            if value is None:
                continue
            if value.since < pack_since:
                self.say(
                    name,
                    entry_line,
                    f"{key} starts {value.since}, before the pack is in force ({pack_since})",
                )
            if last is not None and value.since == last.since:
                self.say(name, entry_line, f"duplicate date {value.since} for {key}")
            elif last is not None and value.since < last.since:
                self.say(
                    name,
                    entry_line,
                    f"dates of {key} must ascend: {value.since} follows {last.since}",
                )
            elif last is not None and last.until is not None and last.until >= value.since:
                self.say(
                    name,
                    entry_line,
                    f"{key} from {value.since} overlaps the value that runs to {last.until}",
                )
            last = value
            yield value

    def _entry(self, name: str, key: str, row: Any, line: int, clause_force: dict[str, str]) -> Value | None:
        if not isinstance(row, Table):
            self.say(
                name,
                line,
                f"a value of {key} must be a table such as {{from: …, value: …, unit: …, clause: …}}",
            )
            return None
        if not self._keys(name, row, _ENTRY_REQUIRED, _ENTRY_OPTIONAL, key):
            return None
        since = self._date(name, row, "from")
        until = self._date(name, row, "until") if "until" in row else None
        if since is None:
            return None
        if until is not None and until < since:
            self.say(name, line, f"{key} ends {until}, before it starts {since}")
        if row["value"] is None:
            self.say(
                name,
                row.line_of("value"),
                f"{key} has no value: where the paper is silent choose a setting",
            )
        if not isinstance(row["unit"], str) or not row["unit"]:
            self.say(name, row.line_of("unit"), f"unit of {key} must be a word")
        for text in sorted((_ENTRY_OPTIONAL - {"until", "setting"}) & set(row)):
            if not isinstance(row[text], str) or not row[text].strip():
                self.say(
                    name,
                    row.line_of(text),
                    f"{text} of {key} must be a text; put numbers and dates in quotes",
                )
        self._check_citation(name, key, row, line, clause_force)
        clause = str(row.get("clause") or "")
        return Value(
            value=_frozen(row["value"]),
            unit=str(row["unit"]),
            clause=clause,
            force=str(row.get("force") or clause_force.get(clause, "binding")),
            setting=row.get("setting") is True,
            reason=str(row.get("reason") or ""),
            since=since,
            until=until,
            pack=self.folder.name,
            version=str(self._head.get("version", "")),
            topic=name.removesuffix(".yaml"),
            key=key,
            asked=since,
            parameter=str(row.get("parameter") or (key if clause else "")),
            **{text: str(row.get(text) or "") for text in ("op", "by", "as_of", "basis", "source", "note")},
        )

    def _check_citation(self, name: str, key: str, row: Table, line: int, clause_force: dict[str, str]) -> None:
        clause, setting = row.get("clause"), row.get("setting", False)
        if not isinstance(setting, bool):
            self.say(name, row.line_of("setting"), f"setting of {key} must be true or false")
        if setting is True and not row.get("reason"):
            self.say(
                name,
                line,
                f"{key} is a setting without a reason: say why this value was chosen",
            )
        if setting is not True and not clause:
            self.say(
                name,
                line,
                f"{key} is uncited: name its clause, or mark it 'setting: true' with a reason",
            )
        if clause and clause not in clause_force:
            self.say(name, row.line_of("clause"), f"{key} cites unknown clause '{clause}'")
        force = row.get("force")
        if force is not None and force not in FORCES:
            self.say(
                name,
                row.line_of("force"),
                f"force must be one of {', '.join(FORCES)}, not '{force}'",
            )
        elif force and setting is not True and clause in clause_force and force != clause_force[clause]:
            self.say(
                name,
                row.line_of("force"),
                f"{key} says {force}, clause {clause} is {clause_force[clause]}",
            )

    # --- small checks ----------------------------------------------------------------------------------------

    def _keys(self, name: str, table: Table, required: set[str], optional: set[str], what: str) -> bool:
        for key in table:
            if key not in required and key not in optional:
                self.say(name, table.line_of(key), f"unknown key '{key}' in {what}")
        missing = sorted(required - set(table))
        if missing:
            self.say(name, table.line, f"{what} lacks {', '.join(missing)}")
        return not missing

    def _table(self, head: Table, key: str, required: set[str], optional: set[str]) -> Table | None:
        table = head[key]
        if not isinstance(table, Table):
            self.say("pack.yaml", head.line_of(key), f"{key} must be a table of keys")
            return None
        return table if self._keys("pack.yaml", table, required, optional, key) else None

    def _date(self, name: str, table: Table, key: str) -> date | None:
        value = table[key]
        if isinstance(value, date):
            return value
        self.say(
            name,
            table.line_of(key),
            f"'{key}' must be a date such as 2016-01-01, not {value!r}",
        )
        return None


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value
