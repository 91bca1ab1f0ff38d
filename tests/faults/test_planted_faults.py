"""`make check` fails for a planted fault, and names the file: shown on a copy of the project, by its own commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repository.sources import ROOT, files

pytestmark = pytest.mark.xdist_group("planted faults")

DOMAIN = "src/kangqiao/domain"


@dataclass(frozen=True)
class Fault:
    """One fault: where `new` is planted (added, or in the place of `old`), which check finds it, by which words."""

    path: str
    new: str
    check: str
    said: str
    old: str = ""


FAULTS = {
    "upward import": Fault(
        f"{DOMAIN}/messaging/queries.py",
        "\nfrom kangqiao.domain.residents import rules as planted_rules\n",
        "imports",
        "kangqiao.domain.messaging.queries -> kangqiao.domain.residents.rules",
    ),
    "a file called services.py": Fault(
        f"{DOMAIN}/terminology/services.py", '"""Planted."""\n', "imports", "kangqiao.domain.terminology.services"
    ),
    "string foreign key upwards": Fault(
        f"{DOMAIN}/institutions/models.py",
        '    planted = models.ForeignKey("scheduling.Booking", models.PROTECT, null=True, related_name="+")\n\n'
        "    class Meta:\n        constraints = (\n            models.CheckConstraint(\n"
        "                condition=models.Q(level__isnull=True)",
        "repository",
        "institutions.Organization.planted: institutions does not stand above scheduling",
        old="    class Meta:\n        constraints = (\n            models.CheckConstraint(\n"
        "                condition=models.Q(level__isnull=True)",
    ),
    "a model that says nothing of a field": Fault(
        f"{DOMAIN}/terminology/models.py",
        'operational = ("system", "zh",',
        "repository",
        "terminology.Concept.Privacy does not list code",
        old='operational = ("system", "code", "zh",',
    ),
    "a model whose name is no word": Fault(
        f"{DOMAIN}/terminology/models.py",
        '\n\nclass PlantedThing(BaseModel):\n    """Planted."""\n\n    class Privacy:\n        operational = ()\n',
        "repository",
        "PlantedThing is no word of GLOSSARY.md",
    ),
    "a model without its migration": Fault(
        f"{DOMAIN}/workforce/models.py",
        "    profile = models.CharField(max_length=9, blank=True)\n",
        "repository",
        "test_migrations_fit_the_models",
        old="    profile = models.TextField(blank=True)\n",
    ),
    "a policy number in Python": Fault(
        f"{DOMAIN}/finance/rules.py", "\ncity_rate = 0.12\n", "repository", f"{DOMAIN}/finance/rules.py:"
    ),
    "an uncited value in a pack": Fault(
        "packs/zhuhai-lianjian/finance.yaml",
        "  planted_rate:\n    - {from: 2016-01-01, value: 7, unit: percent}\n",
        "packs",
        "zhuhai-lianjian/finance.yaml:",
    ),
    "an untranslated string": Fault(
        f"{DOMAIN}/accounts/views/door.py",
        '\nPLANTED = "没有译文的话"\n',
        "repository",
        f"{DOMAIN}/accounts/views/door.py:",
    ),
    "a stale diagram": Fault(
        "docs/states/booking.md", "取消约定", "states", "stale in docs/states: booking.md", old="取消预约"
    ),
    "a stale clause page": Fault("docs/clauses.md", "planted\n", "clauses", "docs/clauses.md is stale"),
    "a view that declares no access": Fault(
        f"{DOMAIN}/messaging/views.py",
        "\n\ndef planted(request: HttpRequest) -> HttpResponse:\n    return HttpResponse()\n",
        "repository",
        "planted declares no access",
    ),
    "an action without an actor": Fault(
        f"{DOMAIN}/messaging/actions.py",
        "\n\ndef planted(*, at: datetime) -> None:\n    ...\n",
        "repository",
        "planted does not end with by, at",
    ),
    "a version below its floor": Fault(
        "requirements/base.lock", "\ndjango==4", "repository", "requirements/base.lock: django 4.", old="\ndjango==5"
    ),
    "a licence that is not on the list": Fault(
        "package-lock.json",
        '"license": "GPL-3.0-only"',
        "repository",
        "a licence that is not on the list: GPL-3.0-only",
        old='"license": "0BSD"',
    ),
    "a status written past its table": Fault(
        f"{DOMAIN}/appraisal/actions.py",
        "\n\ndef _planted(appraisal: Appraisal) -> None:\n    appraisal.status = 'closed'\n",
        "repository",
        f"{DOMAIN}/appraisal/actions.py:",
    ),
}


@dataclass(frozen=True)
class Answer:
    """What `python -m tests.check` said of the copy."""

    code: int
    text: str

    def of(self, check: str) -> str:
        """The part of one check, or nothing if it passed."""
        _, found, rest = self.text.partition(f"\n── {check} ─")
        return rest.partition("\n── ")[0] if found else ""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    """One copy, and two runs: a pack that cannot be read stops all else, so its fault goes before the others come.

    The others lie in places of their own and each is found by its own words.
    """
    copy = tmp_path_factory.mktemp("planted") / "kangqiao"
    for path in files():
        there = copy / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
    first = FAULTS["an uncited value in a pack"]
    whole = (copy / first.path).read_text(encoding="utf-8")
    plant(first, copy / first.path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DJANGO", "KANGQIAO_"))}
    kept |= {"PYTHONPATH": str(copy / "src")}
    if "KANGQIAO_TEST_DATABASE_URL" in os.environ:
        kept["KANGQIAO_TEST_DATABASE_URL"] = os.environ["KANGQIAO_TEST_DATABASE_URL"]
    packs = run(copy, kept, [first.check])
    (copy / first.path).write_text(whole, encoding="utf-8")
    others = [fault for fault in FAULTS.values() if fault is not first]
    for fault in others:
        plant(fault, copy / fault.path)
    rest = run(copy, kept, sorted({fault.check for fault in others}))
    yield Answer(min(packs.code, rest.code), packs.text + rest.text)
    shutil.rmtree(copy)


def run(copy: Path, environment: dict[str, str], checks: list[str]) -> Answer:
    """These checks of `make check`, on the copy."""
    command = [sys.executable, "-m", "tests.check", *checks]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    return Answer(done.returncode, done.stdout + done.stderr)


def plant(fault: Fault, path: Path) -> None:
    """Writes one fault; fails when its place is no longer there."""
    if not fault.old:
        path.write_text((path.read_text(encoding="utf-8") if path.exists() else "") + fault.new, encoding="utf-8")
        return
    before = path.read_text(encoding="utf-8")
    assert fault.old in before, f"{path} has changed: plant the fault elsewhere"
    path.write_text(before.replace(fault.old, fault.new), encoding="utf-8")


@pytest.mark.parametrize("name", FAULTS)
def test_make_check_finds(name: str, answer: Answer) -> None:
    fault = FAULTS[name]

    assert answer.code != 0
    assert fault.said in answer.of(fault.check)
