"""Packs from a folder: strict, complete, every complaint with file and line.

A pack is a folder with `pack.yaml`, `clauses.yaml`, one file per topic, the data files `pack.yaml` declares (in
`data/`, so that a topic may have the same name), and `cases/`. A file that is none of these is an error: nothing can
be put into a pack and be silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kangqiao.policy.catalogue import CatalogueReader
from kangqiao.policy.entries import EntryReader
from kangqiao.policy.faults import Faults
from kangqiao.policy.nodes import Problem, Rows, Table, read
from kangqiao.policy.values import Pack, Place, Value

_PACK_REQUIRED = {"id", "code", "version", "title", "in_force"}
_PACK_OPTIONAL = {"issuer", "doc_no", "places", "extends", "data", "notes"}
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
        reader.catalogue.read(clause_force)
    packs: dict[str, Pack] = {}
    for reader in readers:
        pack = reader.build(clause_force)
        if pack is not None:
            packs[pack.id] = pack
    for reader in readers:
        reader.check_extends(packs)
    return packs, sorted(set(problems))


class _PackReader:
    """Reads one pack folder, in two passes: the catalogue first, since values of any pack may cite it."""

    def __init__(self, folder: Path, root: Path, problems: list[Problem]) -> None:
        self.faults = Faults(folder, root, problems)
        content = read(folder / "pack.yaml", self.faults.file("pack.yaml"), problems)
        self._head = content if isinstance(content, Table) else Table(1)
        if content is not None and not isinstance(content, Table):
            self.faults.say("pack.yaml", 1, "must be a table of keys")
        self.catalogue = CatalogueReader(self.faults, str(self._head.get("code")))

    def build(self, clause_force: dict[str, str]) -> Pack | None:
        """The pack with its topics and data, or None when its head is too broken to name it."""
        head = self._head
        if not self.faults.keys("pack.yaml", head, _PACK_REQUIRED, _PACK_OPTIONAL, "pack.yaml"):
            return None
        if head["id"] != self.faults.folder.name:
            self.faults.say(
                "pack.yaml", head.line_of("id"), f"id '{head['id']}' differs from the folder {self.faults.folder.name}"
            )
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(head["version"])):
            self.faults.say("pack.yaml", head.line_of("version"), "version must read like '1.0.0'")
        title, period = self._table(head, "title"), self._table(head, "in_force")
        if title is None or not self.faults.keys("pack.yaml", title, {"zh", "en"}, set(), "title"):
            return None
        if period is None or not self.faults.keys("pack.yaml", period, {"from"}, {"until", "note"}, "in_force"):
            return None
        since = self.faults.date("pack.yaml", period, "from")
        until = self.faults.date("pack.yaml", period, "until") if "until" in period else None
        if since is None:
            return None
        declared = self._table(head, "data") if "data" in head else Table(1)
        if declared is None:
            return None
        data_files = dict(self._read_data(declared))
        entry_reader = EntryReader(self.faults, str(head["version"]), clause_force)
        entries = dict(self._topics({str(name) for name in declared.values()}, since, entry_reader))
        return Pack(
            id=self.faults.folder.name,
            code=str(head["code"]),
            version=str(head["version"]),
            title_zh=str(title["zh"]),
            title_en=str(title["en"]),
            issuer=tuple(map(str, self._rows(head, "issuer"))),
            doc_no=str(head.get("doc_no") or ""),
            places=tuple(self._places(head)),
            extends=str(head.get("extends") or ""),
            since=since,
            until=until,
            notes=tuple(map(str, self._rows(head, "notes"))),
            entries=MappingProxyType(entries),
            clauses=tuple(self.catalogue.clauses),
            data_files=MappingProxyType(data_files),
        )

    def check_extends(self, packs: dict[str, Pack]) -> None:
        """Complain about a base pack that does not exist or itself extends another: overlays are one level deep."""
        base = self._head.get("extends")
        if not base:
            return
        line = self._head.line_of("extends")
        if base not in packs:
            self.faults.say("pack.yaml", line, f"extends '{base}', and there is no such pack")
        elif packs[base].extends:
            self.faults.say("pack.yaml", line, f"extends '{base}', which itself extends another pack")
        elif not self._head.get("places"):
            self.faults.say("pack.yaml", self._head.line, "a pack that extends another must name its places")

    def _places(self, head: Table) -> Iterator[Place]:
        rows = self._rows(head, "places")
        for index, row in enumerate(rows):
            line = rows.lines[index]
            if not isinstance(row, Table) or not self.faults.keys(
                "pack.yaml", row, {"code", "zh", "en"}, set(), "place"
            ):
                continue
            if not isinstance(row["code"], str) or not re.fullmatch(r"\d{2}(\d{2}){0,2}(-[A-Z0-9]+)?", row["code"]):
                self.faults.say(
                    "pack.yaml", line, f'place code {row["code"]!r} is no quoted GB/T 2260 code such as "4404"'
                )
                continue
            yield Place(row["code"], row["zh"], row["en"])

    def _read_data(self, declared: Table) -> Iterator[tuple[str, Any]]:
        for name, file_name in declared.items():
            if not (self.faults.folder / str(file_name)).is_file():
                self.faults.say("pack.yaml", declared.line_of(name), f"data file '{file_name}' does not exist")
                continue
            content = read(self.faults.folder / file_name, self.faults.file(file_name), self.faults.problems)
            if isinstance(content, Table):
                yield name, content
            elif content is not None:
                self.faults.say(file_name, 1, "a data file must be a table of keys")

    def _topics(
        self, data_names: set[str], since: date, reader: EntryReader
    ) -> Iterator[tuple[tuple[str, str], tuple[Value, ...]]]:
        folder = self.faults.folder
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name in ("pack.yaml", "clauses.yaml", *data_names) or re.fullmatch(r"cases/[a-z0-9_-]+\.yaml", name):
                continue
            if path.parent != folder or path.suffix != ".yaml" or not _NAME.fullmatch(path.stem):
                self.faults.say(name, 1, "does not belong into a pack: not a topic, not declared under 'data'")
                continue
            content = read(path, self.faults.file(path.name), self.faults.problems)
            if content is None:
                continue
            table = content.get(path.stem) if isinstance(content, Table) else None
            if not isinstance(table, Table) or len(content) != 1:
                line = content.line if isinstance(content, Table) else 1
                self.faults.say(path.name, line, f"must hold one table, '{path.stem}', named like the file")
                continue
            for key, rows in table.items():
                values = tuple(reader.read(path.name, key, rows, table.line_of(key), since))
                if values:
                    yield (path.stem, key), values

    def _table(self, head: Table, key: str) -> Table | None:
        table = head[key]
        if isinstance(table, Table):
            return table
        self.faults.say("pack.yaml", head.line_of(key), f"{key} must be a table of keys")
        return None

    def _rows(self, head: Table, key: str) -> Rows:
        rows = head.get(key)
        if isinstance(rows, Rows):
            return rows
        if rows is not None:
            self.faults.say("pack.yaml", head.line_of(key), f"{key} must be a list")
        return Rows(1)
