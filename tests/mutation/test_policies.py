"""Every line that decides who may do or see something is flipped, and some test is red for each.

KANGQIAO_MUTANTS="referral 1/4" narrows to files whose path holds a word, and to one part of several;
KANGQIAO_MUTANTS_TESTS="src/kangqiao/domain/referral" to the tests of some folders; KANGQIAO_MUTANTS_RECORD keeps which
test comes by which line for the next run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import conninfo

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.trust("T-ACL-8")
def test_each_flip_of_a_policy_turns_a_test_red(tmp_path: Path, measured: Callable[[str], None]) -> None:
    words = os.environ.get("KANGQIAO_MUTANTS", "").split()
    shards = [word for word in words if word.replace("/", "").isdigit()]
    only, shard = next((word for word in words if word not in shards), ""), next(iter(shards), "1/1")
    url = conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=f"mutants_{os.getpid()}")
    environment = os.environ | {"KANGQIAO_TEST_DATABASE_URL": url, "TMPDIR": str(tmp_path), "PYTHONPATH": "src"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    report, kept = tmp_path / "report.json", os.environ.get("KANGQIAO_MUTANTS_RECORD")
    record = ["--record", kept] if kept else []
    if tests := os.environ.get("KANGQIAO_MUTANTS_TESTS"):
        record += ["--tests", *tests.split()]

    command = [sys.executable, "-m", "tests.mutation.run", "--only", only, "--shard", shard, "--report", str(report)]
    subprocess.run([*command, *record], cwd=ROOT, env=environment, check=False)
    found = json.loads(report.read_text())

    assert not found["survivors"], "\n".join(("", *found["survivors"]))
    measured(f"{found['killed']} of {found['tried']} flips found, {found['equal']} equal, {found['minutes']} minutes")
