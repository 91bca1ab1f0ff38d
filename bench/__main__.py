"""Run every benchmark of this folder, or those named, and print one table: `python -m bench [NAME ...]`.

A benchmark is a module with `run() -> list[Row]`. One that cannot run says why and the others go on; the exit code then
is 1.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback

import bench
from bench.table import Row, written


def main(names: list[str]) -> int:
    """Run the benchmarks and print their rows; 0 when all of them ran."""
    known = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__")
    unknown = set(names) - set(known)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    failed = []
    for name in names or known:
        module = importlib.import_module(f"bench.{name}")
        if not hasattr(module, "run"):
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            rows += module.run()
        except Exception:
            failed.append(name)
            traceback.print_exc()
    print(written(rows))
    if failed:
        print(f"did not run: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
