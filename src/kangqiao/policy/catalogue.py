"""The catalogue of a paper: `clauses.yaml` of a pack, one row for each clause."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from kangqiao.policy.faults import Faults, frozen
from kangqiao.policy.nodes import Rows, Table, read
from kangqiao.policy.values import FORCES, PRIORITIES, Clause

_CLAUSE_REQUIRED = {
    "id", "section", "zh", "requirement", "actors", "module", "parameters", "acceptance", "priority", "force",
}  # fmt: skip
_CLAUSE_OPTIONAL = {"notes", "tasks"}
_PARAMETER_KEYS = {"value", "unit", "op", "from", "to", "by", "as_of", "basis", "recurs", "own_chcs_count"}


class CatalogueReader:
    """Reads the clauses of one pack; `clauses` holds them in paper order."""

    def __init__(self, faults: Faults, code: str) -> None:
        self.faults = faults
        self.code = code
        self.clauses: list[Clause] = []

    def read(self, force_by_id: dict[str, str]) -> None:
        """Read `clauses.yaml`; adds each clause id with its force to `force_by_id`."""
        if not (self.faults.folder / "clauses.yaml").exists():
            return
        content = read(self.faults.folder / "clauses.yaml", self.faults.file("clauses.yaml"), self.faults.problems)
        rows = content.get("clauses") if isinstance(content, Table) else None
        if not isinstance(content, Table) or not isinstance(rows, Rows):
            self.faults.say("clauses.yaml", 1, "must hold a list under 'clauses'")
            return
        self.faults.keys("clauses.yaml", content, {"clauses"}, {"source"}, "clauses.yaml")
        for line, row in zip(rows.lines, rows, strict=True):
            clause = self._clause(row, line)
            if clause is None:
                continue
            if clause.id in force_by_id:
                self.faults.say("clauses.yaml", line, f"clause {clause.id} stands twice")
            force_by_id[clause.id] = clause.force
            self.clauses.append(clause)

    def _clause(self, row: Any, line: int) -> Clause | None:
        if not isinstance(row, Table):
            self.faults.say("clauses.yaml", line, "a clause must be a table of keys")
            return None
        name = "clauses.yaml"
        if not self.faults.keys(name, row, _CLAUSE_REQUIRED, _CLAUSE_OPTIONAL, f"clause {row.get('id', '')}".strip()):
            return None
        for key, allowed in (("priority", PRIORITIES), ("force", FORCES)):
            if row[key] not in allowed:
                self.faults.say(name, row.line_of(key), f"{key} must be one of {', '.join(allowed)}, not '{row[key]}'")
        code = self.code
        if not str(row["id"]).startswith(f"{code}-"):
            self.faults.say(
                name, row.line_of("id"), f"clause id '{row['id']}' must start with the pack's code '{code}-'"
            )
        for key, kind in (("actors", Rows), ("parameters", Table)):
            if not isinstance(row[key], kind):
                self.faults.say(
                    name,
                    row.line_of(key),
                    f"{key} of {row['id']} must be a {'list' if kind is Rows else 'table of keys'}",
                )
                return None
        parameters: dict[str, Any] = {}
        for key, parameter in row["parameters"].items():
            if isinstance(parameter, Table):
                self.faults.keys(name, parameter, {"value", "unit"}, _PARAMETER_KEYS, f"parameter {key}")
                parameters[key] = MappingProxyType({k: frozen(v) for k, v in parameter.items()})
        return Clause(
            id=str(row["id"]),
            pack=self.faults.folder.name,
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
