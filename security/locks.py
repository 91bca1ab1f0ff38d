"""What is locked, read from `requirements/*.lock` and `package-lock.json`: version, licence, who needs whom."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ROOT / "security" / "floors.toml"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*(.*?))?\s*\\?$")
HASH = re.compile(r"^ {4}--hash=sha256:([0-9a-f]{64})(?: \\)?$")
NEEDED_BY = re.compile(r"^ {4}# +(?:via )?(?!via$)([A-Za-z0-9][A-Za-z0-9._-]*)(?= \(|:|$)")
# How packages call the licences of our list in their metadata.
CALLED = {
    "3-clause bsd license": "BSD-3-Clause", "apache 2.0": "Apache-2.0", "apache license": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0", "apache software license": "Apache-2.0",
    "artistic license": "Artistic-1.0", "bsd": "BSD-3-Clause", "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD-3-Clause", "isc license (iscl)": "ISC", "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0", "the unlicense (unlicense)": "Unlicense",
}  # fmt: skip


@dataclass(frozen=True)
class Pin:
    """One line of a lock: `lock` is its file; `needed_by` the packages that brought it in."""

    lock: str
    name: str
    version: str
    hashes: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    licence: str = ""
    is_shipped: bool = True
    # Locked for machines that are not this one: its marker says so.
    is_elsewhere: bool = False

    @property
    def key(self) -> str:
        """What names it in the bill of materials."""
        return f"{self.name}@{self.version}"


def normal(name: str) -> str:
    """A package's name as the locks write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def floors(path: Path = FLOORS) -> dict[str, Any]:
    """`security/floors.toml`."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def python_pins(root: Path = ROOT) -> Iterator[Pin]:
    """Every Python package of every lock; one that stands in two locks comes twice."""
    for path in sorted((root / "requirements").glob("*.lock")):
        yield from pins_of(str(path.relative_to(root)), path.read_text(encoding="utf-8"))


def pins_of(lock: str, text: str) -> Iterator[Pin]:
    """The packages of one lock."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
    for head, *rest in blocks:
        matched = PIN.match(head)
        name, version = (normal(matched[1]), matched[2]) if matched else (head.strip(" \\"), "")
        yield Pin(
            lock, name, version,
            hashes=tuple(found[1] for line in rest if (found := HASH.match(line))),
            needed_by=tuple(found[1] for line in rest if (found := NEEDED_BY.match(line))),
            licence=licence_of(name), is_shipped=lock.endswith("/base.lock"),
            is_elsewhere=bool(matched and matched[3] and not Marker(matched[3]).evaluate()),
        )  # fmt: skip


def licence_of(name: str) -> str:
    """The licence as an SPDX expression, from the installed package or from `stated`; empty where nobody says."""
    stated = floors()["licences"]["stated"].get(name)
    if stated:
        return str(stated)
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    if metadata.get("License-Expression"):
        return str(metadata["License-Expression"])
    classified = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if "License ::" in line]
    for said in [str(metadata.get("License") or "").strip(), *classified]:
        found = CALLED.get(said.lower(), said if said in licences_known() else "")
        if found:
            return found
    return ""


def licences_known() -> frozenset[str]:
    """The licences our list names."""
    return frozenset(floors()["licences"]["allowed"])


def npm_pins(path: Path = ROOT / "package-lock.json") -> Iterator[Pin]:
    """Every package of `package-lock.json`; `needed_by` is read from the dependencies of the others."""
    packages: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["packages"]
    for place, entry in packages.items():
        if place:
            name = place.rpartition("node_modules/")[2]
            by = [
                other.rpartition("node_modules/")[2] or "kangqiao"
                for other, it in packages.items()
                if name in _needs(it)
            ]
            yield Pin(
                path.name, name, entry["version"], hashes=(entry["integrity"],) if "integrity" in entry else (),
                needed_by=tuple(sorted(other or "kangqiao" for other in by)), licence=str(entry.get("license", "")),
                is_shipped=not entry.get("dev", False),
            )  # fmt: skip


def _needs(entry: Mapping[str, Any]) -> set[str]:
    return {*entry.get("dependencies", {}), *entry.get("devDependencies", {})}


def floor_faults(rules: Mapping[str, Any], pins: Iterable[Pin], installed: Mapping[str, str]) -> Iterator[str]:
    """Versions below their floor, locked or installed, and floors of packages that nobody locks."""
    pinned = list(pins)
    for name, floor in rules["python"].items():
        lowest = Version(floor["at_least"])
        mine = [pin for pin in pinned if pin.name == name]
        if not mine:
            yield f"security/floors.toml: {name} has a floor and is in no lock"
        if not str(floor.get("why", "")).strip():
            yield f"security/floors.toml: {name} has a floor and no reason"
        for pin in mine:
            if Version(pin.version) < lowest:
                yield f"{pin.lock}: {name} {pin.version} is below its floor {lowest}"
        if name in installed and Version(installed[name]) < lowest:
            yield f"installed: {name} {installed[name]} is below its floor {lowest}"


def licence_faults(rules: Mapping[str, Any], pins: Iterable[Pin]) -> Iterator[str]:
    """Packages whose licence is not on the list, and exceptions nobody needs."""
    allowed, excepted = frozenset(rules["licences"]["allowed"]), dict(rules["licences"]["except"])
    pinned = {(pin.lock, pin.name): pin for pin in pins}
    for pin in pinned.values():
        mine = excepted.get(pin.name, "").partition(":")[0]
        if not pin.licence:
            yield f"{pin.lock}: {pin.name} {pin.version} does not say its licence"
        elif pin.licence != mine and not is_allowed(pin.licence, allowed):
            yield f"{pin.lock}: {pin.name} {pin.version} has a licence that is not on the list: {pin.licence}"
    names = {name for _, name in pinned}
    for name in (*excepted, *rules["licences"]["stated"]):
        if name not in names:
            yield f"security/floors.toml: {name} is in no lock"


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether an expression can be kept: one side of each OR, both sides of each AND."""
    choices = re.split(r"\s+OR\s+", expression.strip().strip("()"))
    return any(all(part.strip("() ") in allowed for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


def hash_faults(pins: Iterable[Pin]) -> Iterator[str]:
    """Packages that are not pinned to one version, or whose files are not pinned by a hash."""
    for pin in pins:
        if not pin.version:
            yield f"{pin.lock}: {pin.name} is not pinned to one version"
        elif not pin.hashes:
            yield f"{pin.lock}: {pin.name} {pin.version} has no hash"


def installed() -> dict[str, str]:
    """What is installed beside us, and in which version."""
    return {normal(found.metadata["Name"]): found.version for found in importlib.metadata.distributions()}
