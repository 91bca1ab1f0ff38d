"""The locks against the public advisories: `make audit-deps`, for whoever has a network.

pip-audit by itself ends well when it could ask about nothing. Here a package that was skipped, or is missing from the
answer, is a fault like a known hole. pip-audit is not locked with the project: install it where you like, on the PATH.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from security.locks import ROOT, Pin, normal, python_pins


def faults(answer: Mapping[str, Any], pins: Iterable[Pin]) -> Iterator[str]:
    """Known holes, packages that were skipped, packages nobody was asked about."""
    entries: dict[str, dict[str, Any]] = {normal(entry["name"]): entry for entry in answer.get("dependencies", [])}
    for name in sorted({pin.name for pin in pins}):
        entry = entries.get(name)
        if entry is None:
            yield f"{name}: not in the answer"
        elif "skip_reason" in entry or "vulns" not in entry:
            yield f"{name}: skipped: {entry.get('skip_reason', 'no reason said')}"
        else:
            for hole in entry["vulns"]:
                mended = ", ".join(hole["fix_versions"]) or "-"
                yield f"{name} {entry.get('version', '')}: {hole['id']}, mended in {mended}"


def main() -> int:
    """Ask about each lock; 1 when anything was found or could not be asked, 2 when pip-audit is not here."""
    program = shutil.which("pip-audit")
    if program is None:
        print("pip-audit is not on the PATH; install it and try again. Nothing was audited.", file=sys.stderr)
        return 2
    found: list[str] = []
    pins = list(python_pins())
    for lock in sorted({pin.lock for pin in pins}):
        command = [program, "--requirement", lock, "--no-deps", "--disable-pip", "--format", "json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = {}
        # Another system's packages (a line with a marker) are left out of the answer by pip-audit itself.
        mine = [pin for pin in pins if pin.lock == lock and not pin.is_elsewhere]
        found += [f"{lock}: {fault}" for fault in faults(answer, mine)]
    print("\n".join(found) or f"{len(pins)} locked packages: no known hole, none skipped")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
