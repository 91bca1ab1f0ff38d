"""Reads an export once and names the first bad row of each chain: altered, gone, slipped in, swapped, cut, rewound."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kangqiao.kernel.sealing import HEAD_FIELDS, START, head_statement, link_hash
from kangqiao.kernel.signatures import is_signed, key_id

Head = Mapping[str, Any]
EXPORT = "kangqiao-audit"
VERSION = 1
WITNESS, RESTORED = "audit.witness", "audit.restored"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was sealed: in which chain, at which place (0: none can be named), and what."""

    organization: int
    sequence: int
    what: str

    def __str__(self) -> str:
        place = f", sequence {self.sequence}" if self.sequence else ""
        return f"organisation {self.organization}{place}: {self.what}"


@dataclass
class Report:
    """What the file shows. Without problems it is as it was sealed, as far as `remarks` do not say otherwise."""

    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    chains: int = 0
    rows: int = 0
    heads: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing speaks against the file."""
        return not self.problems

    @property
    def first(self) -> Problem | None:
        """The problem to look at first."""
        return self.problems[0] if self.problems else None


@dataclass
class _Chain:
    """One chain while it is read; after its first bad row the rest of it proves nothing and is only counted."""

    organization: int
    before: str
    last: int
    until: str | None
    heads: dict[int, list[Head]] = field(default_factory=dict)
    first: int = 0
    matched: int = 0
    is_broken: bool = False
    is_ended: bool = False


def heads_kept(lines: Iterable[str]) -> Iterator[Head]:
    """The heads in a file somebody kept: the page of heads as JSON, or the export of another organisation.

    Another organisation's export holds them as rows of its own chain. Raises ValueError for a file that is neither.
    """
    text = "".join(lines)
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("heads"), list):
        yield from whole["heads"]
        return
    for line in text.splitlines():
        row = json.loads(line)
        if "head" in row:
            yield row["head"]
        elif (row.get("event") or {}).get("action") == WITNESS:
            yield row["event"]["detail"]


def verify(lines: Iterable[str], *, heads: Iterable[Head] = (), keys: Iterable[str] = ()) -> Report:
    """Checks every chain of an export against itself, the heads inside it, and heads kept elsewhere.

    `keys` are public keys (PEM). Without one, heads count as they stand: say where they come from.
    """
    return _Reading(list(heads), {key_id(pem): pem for pem in keys}).read(lines)


class _Reading:
    def __init__(self, kept: list[Head], keys: Mapping[str, str]) -> None:
        self.report = Report()
        self.keys = keys
        self.kept = kept
        self.chain: _Chain | None = None
        self.seen: set[int] = set()

    def read(self, lines: Iterable[str]) -> Report:
        number = 0
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                self._line(row)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._problem(self.chain.last + 1 if self.chain else 0, f"line {number} cannot be read ({error!r})")
                self._broken()
        self._close()
        if not self.seen:
            self._problem(0, "the file holds no chain")
        for head in self.kept:
            if head.get("organization") not in self.seen:
                self.report.remarks.append(f"a head of organisation {head.get('organization')} has no chain here")
        if not self.keys and self.report.heads:
            self.report.remarks.append("no public key was given: heads count as they stand, unchecked")
        return self.report

    def _line(self, row: Mapping[str, Any]) -> None:
        if "chain" in row:
            self._begin(row["chain"])
        elif self.chain is None:
            raise ValueError("no chain line before it")
        elif "head" in row:
            self._take_head(row["head"])
        elif "end" in row:
            self._end(row["end"])
        else:
            self._link(row)

    def _begin(self, told: Mapping[str, Any]) -> None:
        self._close()
        if told["export"] != EXPORT or told["version"] != VERSION or told["hash"] != "SHA-256":
            raise ValueError("not an export this version reads")
        organization, first = int(told["organization"]), int(told["first"])
        if organization in self.seen:
            raise ValueError(f"a second chain of organisation {organization}")
        self.chain = _Chain(organization, told["before"], first - 1, told["until"], first=first)
        self.seen.add(organization)
        self.report.chains += 1
        if first == 1 and told["before"] != START:
            self._problem(1, "the chain does not begin at the beginning")
        if first > 1:
            self.report.remarks.append(
                f"organisation {organization}: begins at sequence {first}; what was before is not shown by this file"
            )
        if told["until"]:
            self.report.remarks.append(
                f"organisation {organization}: shows only what was sealed before {told['until']}"
            )
        for head in self.kept:
            if head.get("organization") == organization:
                self._take_head(head)

    def _take_head(self, head: Head) -> None:
        assert self.chain is not None
        missing = [name for name in (*HEAD_FIELDS, "signature") if name not in head]
        if missing:
            raise ValueError(f"a head without {', '.join(missing)}")
        if head["organization"] != self.chain.organization:
            raise ValueError("a head of another chain")
        self.report.heads += 1
        if self.keys and not self._is_signed(head):
            self._problem(int(head["sequence"]), "the signature of its head is not of a given key")
            return
        self.chain.heads.setdefault(int(head["sequence"]), []).append(head)

    def _is_signed(self, head: Head) -> bool:
        pem = self.keys.get(head["key_id"])
        return pem is not None and is_signed(head["algorithm"], pem, head_statement(head), head["signature"])

    def _link(self, row: Mapping[str, Any]) -> None:
        chain = self.chain
        assert chain is not None
        self.report.rows += 1
        if chain.is_ended:
            self._problem(int(row["sequence"]), "stands after the end of its chain")
        if chain.is_broken:
            return
        sequence, wanted = int(row["sequence"]), chain.last + 1
        if sequence != wanted:
            what = "is missing" if sequence > wanted else f"is not here; {sequence} stands in its place"
            self._problem(wanted, f"{what} (the next row is {sequence})" if sequence > wanted else what)
            return self._broken()
        if row["event"] is None:
            self._problem(sequence, "its event is gone")
            return self._broken()
        found = link_hash(
            chain.before,
            organization=chain.organization,
            sequence=sequence,
            sealed_at=row["sealed_at"],
            event=row["event"],
        )
        if found != row["hash"]:
            self._problem(sequence, "is not what was sealed: altered, slipped in or moved")
            return self._broken()
        if row["event"]["action"] == RESTORED:
            self.report.remarks.append(
                f"organisation {chain.organization}, sequence {sequence}: says that the database was put back to an"
                f" earlier moment on {row['event']['at']}: {row['event']['detail'].get('reason', '')}"
            )
        chain.before, chain.last = found, sequence
        self._compare(chain.heads.pop(sequence, []), found)

    def _compare(self, heads: list[Head], found: str) -> None:
        chain = self.chain
        assert chain is not None
        for head in heads:
            if head["hash"] == found:
                chain.matched = chain.last
                continue
            since = f"after {chain.matched}, the last place a head vouches for" if chain.matched else "anywhere before"
            self._problem(
                max(chain.matched + 1, chain.first),
                f"rewound: the head signed at {head['signed_at']} knows another row {chain.last};"
                f" it was written anew from here on, {since}",
            )
            return self._broken()

    def _end(self, told: Mapping[str, Any]) -> None:
        chain = self.chain
        assert chain is not None
        chain.is_ended = True
        if not chain.is_broken and told["last"] != chain.last:
            self._problem(chain.last + 1, f"is missing: the file says it ends with {told['last']}")
            self._broken()

    def _close(self) -> None:
        chain = self.chain
        if chain is None or chain.is_broken:
            return
        if not chain.is_ended:
            self._problem(chain.last + 1, "is missing: the file breaks off")
        beyond = [
            head for sequence, heads in chain.heads.items() if sequence > chain.last for head in heads
            if chain.until is None or head["signed_at"] <= chain.until
        ]  # fmt: skip
        if beyond:
            head = max(beyond, key=lambda one: int(one["sequence"]))
            self._problem(
                chain.last + 1,
                f"is missing: the tail is cut; the head signed at {head['signed_at']} stands at {head['sequence']}",
            )
        elif not chain.matched and chain.last >= chain.first:
            self.report.remarks.append(
                f"organisation {chain.organization}: no head vouches for this chain; whoever could write the whole"
                " table could have written it anew"
            )
        elif chain.matched < chain.last:
            self.report.remarks.append(
                f"organisation {chain.organization}: rows {chain.matched + 1} to {chain.last} are younger than the"
                " last head"
            )

    def _problem(self, sequence: int, what: str) -> None:
        organization = self.chain.organization if self.chain else 0
        self.report.problems.append(Problem(organization, sequence, what))

    def _broken(self) -> None:
        if self.chain is not None:
            self.chain.is_broken = True
