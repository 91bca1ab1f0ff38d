"""Nothing below its floor, no foreign licence, every file pinned by a hash, and a bill of materials that is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from security import audit, locks, sbom

from tests.repository.sources import none

RULES: dict[str, Any] = {
    "python": {"django": {"at_least": "5.2.17", "why": "a reason"}},
    "licences": {"allowed": ["MIT", "Apache-2.0", "BSD-3-Clause"], "except": {}, "stated": {}},
}


@pytest.fixture(scope="module")
def pins() -> list[locks.Pin]:
    """Every locked package."""
    return [*locks.python_pins(), *locks.npm_pins()]


@pytest.fixture(scope="module")
def bill(pins: list[locks.Pin]) -> dict[str, Any]:
    """The bill of materials, read back."""
    return dict(json.loads(sbom.written(sbom.bill(pins))))


@pytest.mark.trust("T-DEP")
def test_no_version_is_below_its_floor(measured: Callable[[str], None]) -> None:
    pins, rules = list(locks.python_pins()), locks.floors()

    assert len(pins) > 50
    none(locks.floor_faults(rules, pins, locks.installed()))
    measured(f"{len(rules['python'])} floors, 0 below")


@pytest.mark.trust("T-DEP")
def test_every_licence_is_on_the_list(pins: list[locks.Pin], measured: Callable[[str], None]) -> None:
    none(locks.licence_faults(locks.floors(), pins))
    measured(f"{len({pin.name for pin in pins})} packages, 0 unlisted")


def test_every_locked_file_has_a_hash() -> None:
    none(locks.hash_faults([*locks.python_pins(), *locks.npm_pins()]))


@pytest.mark.parametrize(
    ("locked", "installed", "said"),
    [
        ("5.2.16", "5.2.19", ["requirements/base.lock: django 5.2.16 is below its floor 5.2.17"]),
        ("5.2.19", "5.2.9", ["installed: django 5.2.9 is below its floor 5.2.17"]),
        ("5.2.17", "5.2.17", []),
        ("5.2.100", "5.2.100", []),
    ],
)
def test_floor_faults_compares_what_is_locked_and_what_is_installed(
    locked: str, installed: str, said: list[str]
) -> None:
    pins = [locks.Pin("requirements/base.lock", "django", locked)]

    assert list(locks.floor_faults(RULES, pins, {"django": installed})) == said


def test_floor_faults_reports_a_floor_nobody_needs_and_one_without_reason() -> None:
    rules = RULES | {"python": {"gone": {"at_least": "1"}}}

    assert list(locks.floor_faults(rules, [], {})) == [
        "security/floors.toml: gone has a floor and is in no lock",
        "security/floors.toml: gone has a floor and no reason",
    ]


@pytest.mark.parametrize(
    ("licence", "is_fine"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("(Apache-2.0 AND BSD-3-Clause)", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-only", False),
        ("", False),
    ],
)
def test_licence_faults_lets_in_what_is_listed(licence: str, is_fine: bool) -> None:
    faults = list(locks.licence_faults(RULES, [locks.Pin("requirements/base.lock", "x", "1", licence=licence)]))

    assert (faults == []) is is_fine


def test_licence_faults_reports_an_exception_nobody_needs() -> None:
    rules = RULES | {"licences": RULES["licences"] | {"except": {"gone": "GPL-3.0-only: once"}}}

    assert list(locks.licence_faults(rules, [])) == ["security/floors.toml: gone is in no lock"]


def test_hash_faults_finds_loose_lines() -> None:
    text = f"good==1 \\\n    --hash=sha256:{'0' * 64}\n    # via other\nbare==2\nloose>=3\n"

    pins = list(locks.pins_of("requirements/base.lock", text))

    assert [(pin.name, pin.needed_by) for pin in pins] == [("good", ("other",)), ("bare", ()), ("loose>=3", ())]
    assert list(locks.hash_faults(pins)) == [
        "requirements/base.lock: bare 2 has no hash",
        "requirements/base.lock: loose>=3 is not pinned to one version",
    ]


def test_bill_of_materials_is_valid(pins: list[locks.Pin]) -> None:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.written(sbom.bill(pins)))

    assert error is None


@pytest.mark.trust("T-DEP")
def test_bill_of_materials_lists_each_locked_package_once(
    pins: list[locks.Pin], bill: dict[str, Any], measured: Callable[[str], None]
) -> None:
    listed = [part["bom-ref"] for part in bill["components"]]

    assert len(listed) == len(set(listed))
    assert set(listed) == {pin.key for pin in pins}
    measured(f"{len(listed)} in the bill, as in the locks")


def test_bill_of_materials_tells_what_is_shipped_from_what_only_tests_need(bill: dict[str, Any]) -> None:
    scope = {part["name"]: part["scope"] for part in bill["components"]}

    assert scope["django"] == scope["htmx.org"] == "required"
    assert scope["pytest"] == scope["axe-core"] == scope["uv"] == "excluded"


def test_bill_of_materials_reaches_each_package_from_the_product(bill: dict[str, Any]) -> None:
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    reached, waiting = set(), ["kangqiao"]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs.get(ref, [])
    shipped = {part["bom-ref"] for part in bill["components"] if part["scope"] == "required"}

    assert shipped - reached == set()


def test_bill_of_materials_is_the_same_twice_and_names_no_server(pins: list[locks.Pin]) -> None:
    once, again = sbom.written(sbom.bill(pins)), sbom.written(sbom.bill(list(reversed(pins))))

    assert once == again
    # The two addresses of the format itself: its schema and nothing else.
    assert set(re.findall(r"https?://[^\s\"]+", once)) <= {"http://cyclonedx.org/schema/bom-1.6.schema.json"}
    assert "timestamp" not in once


def test_audit_faults_takes_a_skipped_package_for_a_fault() -> None:
    hole = {"id": "CVE-2020-14343", "fix_versions": ["5.4"]}
    answer = {
        "dependencies": [
            {"name": "PyYAML", "version": "5.3", "vulns": [hole]},
            {"name": "django", "skip_reason": "not found"},
            {"name": "click", "version": "8.5.1", "vulns": []},
        ]
    }
    pins = [locks.Pin("requirements/base.lock", name, "1") for name in ("pyyaml", "django", "click", "numpy")]

    assert list(audit.faults(answer, pins)) == [
        "django: skipped: not found",
        "numpy: not in the answer",
        "pyyaml 5.3: CVE-2020-14343, mended in 5.4",
    ]
