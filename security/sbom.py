"""The bill of materials: every locked Python and npm package, its licence and who brought it in, as CycloneDX JSON.

python -m security.sbom [FILE]

The same locks give the same file, byte for byte: no time of making, no random number. Packages are named by package URL
(`pkg:pypi/django@5.2.19`), which names no server. What only tests, checks and the installer need is `excluded`.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from security.locks import ROOT, Pin, npm_pins, python_pins

FILE = ROOT / "build" / "sbom.cdx.json"
PROJECT = "kangqiao"


def component(pin: Pin, locks: Iterable[str], is_shipped: bool) -> Component:
    """One package."""
    is_npm = pin.lock.endswith(".json")
    group, _, name = pin.name.rpartition("/") if is_npm else ("", "", pin.name)
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=pin.key,
        group=group or None,
        name=name,
        version=pin.version,
        purl=PackageURL("npm" if is_npm else "pypi", group or None, name, pin.version),
        licenses=[LicenseExpression(pin.licence)],
        scope=ComponentScope.REQUIRED if is_shipped else ComponentScope.EXCLUDED,
        hashes=[
            HashType(alg=HashAlgorithm.SHA_512, content=base64.b64decode(value.removeprefix("sha512-")).hex())
            for value in pin.hashes
            if is_npm
        ],
        properties=[Property(name="kangqiao:lock", value=lock) for lock in locks],
    )


def bill(pins: Iterable[Pin]) -> Bom:
    """The bill of these packages; one that stands in several locks comes once."""
    found: dict[str, list[Pin]] = {}
    for pin in pins:
        found.setdefault(pin.key, []).append(pin)
    root = Component(
        type=ComponentType.APPLICATION, bom_ref=PROJECT, name=PROJECT, licenses=[LicenseExpression("Apache-2.0")]
    )
    bom = Bom()
    bom.metadata.component = root
    components = {
        key: component(same[0], sorted({pin.lock for pin in same}), any(pin.is_shipped for pin in same))
        for key, same in found.items()
    }
    bom.components.update(components.values())
    named: dict[str, list[Component]] = {PROJECT: [root]}
    for key, same in found.items():
        named.setdefault(same[0].name, []).append(components[key])
    needs: dict[str, set[str]] = {}
    for key, same in found.items():
        for name in {name for pin in same for name in pin.needed_by}:
            needs.setdefault(name, set()).add(key)
    for name, parts in named.items():
        for part in parts:
            bom.register_dependency(part, [components[key] for key in sorted(needs.get(name, set()))])
    return bom


def written(bom: Bom) -> str:
    """The bill as JSON, the same for the same locks."""
    # Both are obligatory in the class and free in the format; with them no two bills would be alike.
    bom.serial_number = None  # type: ignore[assignment]
    bom.metadata.timestamp = None  # type: ignore[assignment]
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def main(names: list[str]) -> int:
    """Write the bill and say where."""
    file = Path(names[0]) if names else FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    bom = bill([*python_pins(), *npm_pins()])
    file.write_text(written(bom), encoding="utf-8")
    print(f"{len(bom.components)} packages in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
