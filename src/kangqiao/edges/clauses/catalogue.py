"""The clause register as pages read it: filtered, counted, and with the tests of each clause.

Sources are read again only when a file of the product, or the record of the last full test run, has changed.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao import policy
from kangqiao.kernel.errors import NotVisible
from kangqiao.policy import Pack, register
from kangqiao.policy.marks import source_folders
from kangqiao.policy.register import Register, Row

REPORTED, ALL = "reported", "all"
STATES = {
    register.VERIFIED: ("done", gettext_lazy("已验证")),
    register.BUILT: ("go", gettext_lazy("已做，缺当次验证")),
    register.OPEN: ("wait", gettext_lazy("未开始")),
    REPORTED: ("gone", gettext_lazy("仅展示")),
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
OUTCOMES = {
    "passed": ("done", gettext_lazy("通过")),
    "failed": ("back", gettext_lazy("未过")),
    "error": ("back", gettext_lazy("未过")),
    "": ("wait", gettext_lazy("这一版没有记录")),
}
LOOK_AGAIN_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Test:
    """One test marked with the clause: what it says, where it stands, how it ended on these sources."""

    name: str
    outcome: str

    @property
    def sentence(self) -> str:
        """Its name as a sentence."""
        return self.name.split("::")[-1].removeprefix("test_").replace("_", " ")

    @property
    def file(self) -> str:
        """The file it stands in."""
        return self.name.split("::")[0]

    @property
    def look(self) -> str:
        """The look of its outcome."""
        return OUTCOMES.get(self.outcome, OUTCOMES[""])[0]

    @property
    def word(self) -> str:
        """Its outcome in words."""
        return str(OUTCOMES.get(self.outcome, OUTCOMES[""])[1])


@dataclass(frozen=True, slots=True)
class Shown:
    """One clause as the list and the pane show it.

    A paper's mere fact (force `reported`) that the product shows is 仅展示, unless a test has verified it; so the
    verified and open ones are those `kangqiao clauses` counts.
    """

    row: Row
    outcomes: Mapping[str, str]

    @property
    def state(self) -> str:
        """verified, built, open or reported."""
        is_fact = self.row.clause.force == REPORTED and self.row.state == register.BUILT
        return REPORTED if is_fact else self.row.state

    @property
    def is_broken(self) -> bool:
        """Whether one of its tests failed on these very sources."""
        return any(self.outcomes.get(test) in ("failed", "error") for test in self.row.tests)

    @property
    def look(self) -> str:
        """The look of its state."""
        return "back" if self.is_broken else STATES[self.state][0]

    @property
    def word(self) -> str:
        """Its state in words."""
        return _("测试未过") if self.is_broken else str(STATES[self.state][1])

    @property
    def force(self) -> str:
        """How strongly it binds, in words."""
        return str(FORCES[self.row.clause.force])

    @property
    def priority(self) -> str:
        """How central it is to the product, in words."""
        return str(PRIORITIES[self.row.clause.priority])

    @property
    def tests(self) -> list[Test]:
        """Its tests with their outcomes."""
        return [Test(name, self.outcomes.get(name, "")) for name in self.row.tests]


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a stacked bar, in percent of its width."""

    state: str
    word: str
    count: int
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class Stack:
    """How many clauses stand how, as numbers and as one bar."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def share(self) -> float:
        """How many are verified."""
        return self.counts[register.VERIFIED] / self.total if self.total else 0.0

    @property
    def segments(self) -> list[Segment]:
        """The parts of the bar from left to right."""
        found, start = [], 0.0
        for state, (_look, word) in STATES.items():
            width = 100 * self.counts[state] / self.total if self.total else 0.0
            found.append(Segment(state, str(word), self.counts[state], f"{start:.2f}%", f"{width:.2f}%"))
            start += width
        return found

    @property
    def words(self) -> str:
        """The bar read aloud."""
        return "，".join(f"{part.word} {part.count}" for part in self.segments)


@dataclass(frozen=True, slots=True)
class Paper:
    """One pack with its stack."""

    pack: Pack
    stack: Stack


def read() -> Register:
    """The register of this product, as its files stand."""
    return _read(_stamp(int(time.monotonic() // LOOK_AGAIN_SECONDS)))


@lru_cache(maxsize=1)
def _stamp(_moment: int) -> tuple[int, int]:
    """How many files the sources have, and when one of them last changed."""
    root = register.source_root()
    times = [stamp for folder in source_folders(root) for stamp in _times(folder)]
    results = register.results_file(root)
    if results.exists():
        times.append(results.stat().st_mtime_ns)
    return len(times), max(times, default=0)


def _times(folder: Path) -> Iterable[int]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("__pycache__", "vendor", "locale")]
        for name in files:
            yield os.stat(os.path.join(place, name)).st_mtime_ns


@lru_cache(maxsize=1)
def _read(_stamp: tuple[int, int]) -> Register:
    return register.read_tree(register.source_root(), policy.default())


def proof(found: Register) -> str:
    """One sentence on the last full test run, and what it proves of this version."""
    root = register.source_root()
    path = register.results_file(root)
    if found.current and path.exists():
        at = datetime.fromtimestamp(path.stat().st_mtime, tz=get_current_timezone())
        return _("最近一次完整测试 %(at)s，正是这一版。") % {"at": f"{at:%Y-%m-%d %H:%M}"}
    if found.results.sources:
        return _("最近一次完整测试之后程序改过，所以这一版不算已验证。")
    if not (root / "src").is_dir():
        return _("本安装不含测试记录，所以不算已验证。")
    return _("这一版还没有完整跑过测试，所以不算已验证。")


def shown(found: Register, rows: Iterable[Row]) -> list[Shown]:
    """The rows with the outcomes of their tests, where the last full run speaks of these sources."""
    outcomes = found.results.outcomes if found.current else {}
    return [Shown(row, outcomes.get(row.clause.id, {})) for row in rows]


def narrowed(found: Register, *, pack: str, priority: str, text: str) -> list[Shown]:
    """The clauses of a paper (or of all) that the words fit, in the order of the papers."""
    rows: Iterable[Row] = found.rows if pack == ALL else found.of_pack(pack)
    wanted = text.strip().lower()
    fitting = (row for row in rows if priority in ("", row.clause.priority) and (not wanted or _holds(row, wanted)))
    return shown(found, fitting)


def _holds(row: Row, wanted: str) -> bool:
    clause = row.clause
    place = (row.place.zh, row.place.module) if row.place else ()
    return any(wanted in words.lower() for words in (clause.id, clause.zh, clause.requirement, clause.module, *place))


def stacked(rows: Iterable[Shown]) -> Stack:
    """How many of the rows stand how."""
    return Stack(Counter(row.state for row in rows))


def papers(found: Register) -> list[Paper]:
    """Every paper, the one all others build on first; that one holds no clauses of its own."""
    packs = sorted(policy.default().packs.values(), key=lambda pack: bool(pack.clauses))
    return [Paper(pack, stacked(shown(found, found.of_pack(pack.id)))) for pack in packs]


def get(found: Register, clause_id: str) -> Shown:
    """One clause. Raises NotVisible."""
    row = next((row for row in found.rows if row.clause.id == clause_id), None)
    if row is None:
        raise NotVisible(_("没有编号为 %(id)s 的条款。") % {"id": clause_id}, next_step=_("请从条款一览里查找。"))
    return shown(found, [row])[0]


def as_table(rows: Iterable[Shown]) -> list[tuple[object, ...]]:
    """The list for a workbook."""
    return [
        (
            one.row.clause.id,
            one.row.clause.section,
            one.row.clause.zh,
            one.force,
            one.priority,
            one.row.clause.module,
            one.row.place.zh if one.row.place else "",
            one.row.place.url if one.row.place else "",
            len(one.row.tests),
            one.row.passed,
            one.word,
        )
        for one in rows
    ]
