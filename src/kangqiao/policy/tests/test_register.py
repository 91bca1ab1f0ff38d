"""The register tells open, built and verified apart, and nobody can write verified down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kangqiao import policy
from kangqiao.policy import register
from kangqiao.policy.marks import Mark, collect, marks_in
from kangqiao.policy.register import BUILT, OPEN, VERIFIED, ClausePlace, Results

PACKS = policy.default()
MARK = Mark("ZH-2a", "src/test_a.py::test_one", "src/test_a.py", 1)
PLACE = {"ZH-2a": ClausePlace("协议", "/agreements/", "kangqiao.domain.agreements")}


def state_of(clause: str, **given: object) -> str:
    arguments = {"marks": (), "places": {}, "results": Results(), "sources": "abc"} | given
    built = register.build(PACKS, **arguments)  # type: ignore[arg-type]
    return {row.clause.id: row.state for row in built.rows}[clause]


def run(outcome: str, sources: str = "abc") -> Results:
    return Results(sources, "c0ffee", False, {"ZH-2a": {MARK.test: outcome}})


def test_clause_without_place_or_test_is_open() -> None:
    assert state_of("ZH-2a") == OPEN


def test_place_or_mark_alone_is_built() -> None:
    assert state_of("ZH-2a", places=PLACE) == BUILT
    assert state_of("ZH-2a", marks=[MARK]) == BUILT


def test_passed_test_on_these_sources_is_verified() -> None:
    assert state_of("ZH-2a", marks=[MARK], results=run("passed")) == VERIFIED


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped"])
def test_test_that_did_not_pass_is_only_built(outcome: str) -> None:
    assert state_of("ZH-2a", marks=[MARK], results=run(outcome)) == BUILT


def test_one_failing_test_among_passing_ones_unverifies() -> None:
    other = Mark("ZH-2a", "src/test_a.py::test_two", "src/test_a.py", 9)
    results = Results("abc", "", False, {"ZH-2a": {MARK.test: "passed", other.test: "failed"}})

    assert state_of("ZH-2a", marks=[MARK, other], results=results) == BUILT


def test_outcome_on_other_sources_does_not_count() -> None:
    assert state_of("ZH-2a", marks=[MARK], results=run("passed", sources="older")) == BUILT


def test_outcome_of_a_test_that_is_no_longer_marked_does_not_count() -> None:
    assert state_of("ZH-2a", places=PLACE, results=run("passed")) == BUILT


def test_marks_are_read_from_functions_classes_modules_and_parameters() -> None:
    source = """
import pytest
pytestmark = pytest.mark.clause("ZH-0b")

@pytest.mark.clause("ZH-1a", "ZH-2a")
def test_one(): ...

@pytest.mark.clause("SZ16-1a")
class TestThings:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.clause("SZ16-1b"))])
    async def test_two(self, x): ...

def helper(): ...
"""

    found = {(mark.clause, mark.test) for mark in marks_in(source, "t.py")}

    assert found == {
        ("ZH-0b", "t.py::test_one"),
        ("ZH-1a", "t.py::test_one"),
        ("ZH-2a", "t.py::test_one"),
        ("ZH-0b", "t.py::TestThings::test_two"),
        ("SZ16-1a", "t.py::TestThings::test_two"),
        ("SZ16-1b", "t.py::TestThings::test_two"),
    }


def test_mark_that_is_not_written_out_is_refused() -> None:
    with pytest.raises(policy.PolicyError, match=r"t.py:2: a clause mark takes clause ids"):
        list(marks_in("X = 1\n@pytest.mark.clause(X)\ndef test_a(): ...\n".replace("X = 1\n", "\n", 1), "t.py"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_a.py").write_text('import pytest\n\n@pytest.mark.clause("ZH-2a")\ndef test_one():\n    pass\n')
    (tmp_path / "src/kangqiao/config").mkdir(parents=True)
    return tmp_path


def states(tree: Path) -> dict[str, str]:
    return {row.clause.id: row.state for row in register.read_tree(tree, PACKS).rows}


def test_editing_a_source_takes_verified_away(tree: Path) -> None:
    test = collect(tree)[0].test
    register.write_results(register.results_file(tree), tree, {"ZH-2a": {test: "passed"}}, merge=False)
    assert states(tree)["ZH-2a"] == VERIFIED

    (tree / "tests/test_a.py").write_text((tree / "tests/test_a.py").read_text() + "\n# changed\n")

    assert states(tree)["ZH-2a"] == BUILT


def test_parts_of_one_run_add_up_and_older_sources_are_dropped(tree: Path) -> None:
    path = register.results_file(tree)
    register.write_results(path, tree, {"ZH-2a": {"a": "passed"}}, merge=True)
    register.write_results(path, tree, {"ZH-1a": {"b": "passed"}}, merge=True)
    assert set(json.loads(path.read_text())["clauses"]) == {"ZH-2a", "ZH-1a"}

    (tree / "src/kangqiao/new.py").write_text("x = 1\n")
    register.write_results(path, tree, {"ZH-0b": {"c": "passed"}}, merge=True)

    assert set(json.loads(path.read_text())["clauses"]) == {"ZH-0b"}


def test_unreadable_results_are_no_results(tree: Path) -> None:
    path = register.results_file(tree)
    path.parent.mkdir(parents=True)
    path.write_text('{"sources": ')

    assert register.read_results(path) == Results()


def test_mark_of_an_unknown_clause_names_file_and_line(tree: Path) -> None:
    (tree / "tests/test_b.py").write_text('import pytest\n\n@pytest.mark.clause("ZH-99")\ndef test_two():\n    pass\n')

    with pytest.raises(policy.PolicyError, match=r"tests/test_b.py:4: there is no clause 'ZH-99'"):
        register.read_tree(tree, PACKS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\nZH-99: {zh: a, url: /, module: b}\n", "clause_places.yaml:2: there is no clause 'ZH-99'"),
        ("ZH-2a: {zh: a, url: /}\n", "clause_places.yaml:1: ZH-2a needs exactly zh, url and module"),
    ],
)
def test_faulty_place_names_file_and_line(tree: Path, content: str, message: str) -> None:
    (tree / "src/kangqiao/config/clause_places.yaml").write_text(content)

    with pytest.raises(policy.PolicyError) as caught:
        register.read_tree(tree, PACKS)

    assert message in str(caught.value)


def test_page_lists_every_clause_and_no_outcome(tree: Path) -> None:
    before = register.docs_page(PACKS, register.read_tree(tree, PACKS))
    register.write_results(register.results_file(tree), tree, {"ZH-2a": {collect(tree)[0].test: "passed"}}, merge=False)

    after = register.docs_page(PACKS, register.read_tree(tree, PACKS))

    assert before == after
    assert all(f"| {clause.id} |" in after for clause in PACKS.clauses())
    assert "`tests/test_a.py::test_one`" in after


def test_every_declared_place_of_the_product_names_a_known_clause() -> None:
    path = Path(policy.__file__).parents[1] / "config/clause_places.yaml"

    places, problems = register.read_places(path, {clause.id for clause in PACKS.clauses()})

    assert problems == []
    assert "ZH-3.2.1a" in places
