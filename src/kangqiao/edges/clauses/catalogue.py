"""The clause register as pages read it: filtered, counted, and with the numbers in force at a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao import policy
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible
from kangqiao.policy import Pack, Value, register
from kangqiao.policy.register import Register, Row

STATES = {
    register.VERIFIED: ("done", gettext_lazy("已验证")),
    register.BUILT: ("go", gettext_lazy("已做，缺通过的测试")),
    register.OPEN: ("wait", gettext_lazy("未开始")),
}
FORCES = {
    "binding": gettext_lazy("必须"),
    "in_principle": gettext_lazy("原则上"),
    "encouraged": gettext_lazy("鼓励"),
    "plan": gettext_lazy("计划"),
    "reported": gettext_lazy("事实"),
}
PRIORITIES = {
    "core": gettext_lazy("核心"),
    "important": gettext_lazy("重要"),
    "supporting": gettext_lazy("辅助"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One clause as the list and the detail show it."""

    row: Row

    @property
    def look(self) -> str:
        """The look of its state."""
        return STATES[self.row.state][0]

    @property
    def state(self) -> str:
        """Its state in words."""
        return str(STATES[self.row.state][1])

    @property
    def force(self) -> str:
        """How strongly it binds, in words."""
        return str(FORCES[self.row.clause.force])

    @property
    def priority(self) -> str:
        """How central it is to the product, in words."""
        return str(PRIORITIES[self.row.clause.priority])

    @property
    def tests(self) -> list[str]:
        """What its tests say, as sentences."""
        return [test.split("::")[-1].removeprefix("test_").replace("_", " ") for test in self.row.tests]


@dataclass(frozen=True, slots=True)
class PackCount:
    """One paper with how many of its clauses stand how."""

    pack: Pack
    total: int
    counts: Mapping[str, int]

    @property
    def share(self) -> float:
        """How much of it is verified."""
        return self.counts[register.VERIFIED] / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Number:
    """One value that carries a clause out: what it is, how much, and whether the paper says so."""

    value: Value

    @property
    def shown(self) -> str:
        """The value as a reader reads it."""
        return f"{self.value.op} {plain(self.value.value)}".strip()


def read() -> Register:
    """The register of this product. Sources are read once; a new full test run is noticed by its file."""
    path = register.results_file(register.source_root())
    return _read(path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=2)
def _read(_stamp: int) -> Register:
    return register.read_tree(register.source_root(), policy.default())


def ran_at(found: Register) -> datetime | None:
    """When the last full test run that counts was kept."""
    path = register.results_file(register.source_root())
    if not found.current or not path.exists():
        return None
    return datetime.fromtimestamp(path.stat().st_mtime, tz=get_current_timezone())


def narrowed(found: Register, *, pack: str, state: str, priority: str, text: str) -> list[Shown]:
    """The clauses that every given word fits, in the order of the papers."""
    rows: Iterable[Row] = found.of_pack(pack) if pack else found.rows
    wanted = text.strip().lower()
    return [
        Shown(row)
        for row in rows
        if state in ("", row.state) and priority in ("", row.clause.priority) and (not wanted or _holds(row, wanted))
    ]


def _holds(row: Row, wanted: str) -> bool:
    clause = row.clause
    place = (row.place.zh, row.place.module) if row.place else ()
    return any(wanted in words.lower() for words in (clause.id, clause.zh, clause.requirement, clause.module, *place))


def by_pack(found: Register) -> list[PackCount]:
    """Every paper that has clauses, with its counts."""
    packs = ((pack, found.of_pack(pack.id)) for pack in policy.default().packs.values())
    return [PackCount(pack, len(rows), found.counts(rows)) for pack, rows in packs if rows]


def get(found: Register, clause_id: str) -> Shown:
    """One clause. Raises NotVisible."""
    row = next((row for row in found.rows if row.clause.id == clause_id), None)
    if row is None:
        raise NotVisible(_("没有编号为 %(id)s 的条款。") % {"id": clause_id}, next_step=_("请从条款一览里查找。"))
    return Shown(row)


def numbers(shown: Shown, place_code: str, day: date) -> list[Number]:
    """The values in force that cite the clause: at the reader's place, else where the paper itself holds."""
    clause = shown.row.clause
    try:
        here = policy.at(place=place_code, date=day) if place_code else None
        found = [value for value in here.values() if value.clause == clause.id] if here else []
        own = found or [v for v in policy.default().of_pack(clause.pack, day).values() if v.clause == clause.id]
    except NoPolicyInForce:
        own = []
    return [Number(value) for value in own]


def plain(value: Any) -> str:
    """A value of a pack in one line: lists by 、, tables by their keys, fractions as printed."""
    match value:
        case bool():
            return _("是") if value else _("否")
        case Mapping():
            return "，".join(f"{key} {plain(part)}" for key, part in value.items())
        case list() | tuple():
            return "、".join(plain(part) for part in value)
        case Decimal() | Fraction() | int():
            return str(value)
        case _:
            return str(value)


def as_table(rows: list[Shown]) -> list[tuple[object, ...]]:
    """The list for a workbook."""
    return [
        (
            shown.row.clause.id,
            shown.row.clause.section,
            shown.row.clause.zh,
            shown.force,
            shown.priority,
            shown.row.clause.module,
            shown.row.place.zh if shown.row.place else "",
            len(shown.row.tests),
            shown.row.passed,
            shown.state,
        )
        for shown in rows
    ]
