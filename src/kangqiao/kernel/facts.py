"""What a module contributes to the fact tables: a declaration of columns, units and SQL."""

from __future__ import annotations

from dataclasses import dataclass

TYPES = ("int64", "string", "date", "boolean", "float64")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a fact table: its Ibis type, its unit or code list, and what it says."""

    type: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class FactTable:
    """One row per thing that happened, as the indicators read it.

    `sql` is one SELECT over the module's own tables that yields exactly `columns`, in that order. Facts carry ids and
    days, never a name. Raises ValueError for an unknown column type.
    """

    name: str
    grain: str
    columns: dict[str, Column]
    sql: str

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if column.type not in TYPES:
                raise ValueError(f"fact table {self.name}: column {name} has unknown type {column.type}")
