"""`make check`: every check runs, each with one line, and all faults are shown at the end. Nothing is changed.

python -m tests.check [NAME …]
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.executable).parent

# They run the plugins of pytest: parts of `make test`, and neither looks at the repository.
NOT_ITSELF = [f"--ignore=tests/repository/test_{name}_plugin.py" for name in ("clause", "trust")]

CHECKS: dict[str, tuple[str, list[str]]] = {
    "format": ("the code is formatted (make fix)", ["ruff", "format", "--check", "--quiet", "."]),
    "lint": ("ruff finds nothing", ["ruff", "check", "--quiet", "."]),
    "types": ("types fit", ["mypy"]),
    "imports": ("packages, modules and files import downwards", ["lint-imports", "--no-cache"]),
    "packs": ("policy packs are valid", ["python", "-m", "kangqiao", "policy", "check"]),
    "clauses": ("docs/clauses.md is fresh", ["python", "-m", "kangqiao", "clauses", "--check-docs", "docs/clauses.md"]),
    "states": ("docs/states is fresh", ["python", "-m", "kangqiao", "states", "--check", "docs/states"]),
    "access": (
        "docs/access-matrix.xlsx is fresh",
        ["python", "-m", "kangqiao", "access", "--check", "docs/access-matrix.xlsx"],
    ),
    "repository": (
        "migrations, translations, foreign keys, privacy, glossary, actions, views, no policy number in Python, "
        "dependency floors and licences",
        ["python", "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "tests/repository", *NOT_ITSELF],
    ),
}


def main(names: list[str]) -> int:
    """Run the checks named, or all; the number of those that found something."""
    faults = []
    for name in names or CHECKS:
        title, command = CHECKS[name]
        began = time.monotonic()
        done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, text=True, capture_output=True)
        mark = "✗" if done.returncode else "✓"
        print(f"{mark} {name:<10} {title} ({time.monotonic() - began:.1f} s)", flush=True)
        if done.returncode:
            faults.append((name, done.stdout + done.stderr))
    for name, text in faults:
        print(f"\n── {name} {'─' * 60}\n{text.strip()}", flush=True)
    return len(faults)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
