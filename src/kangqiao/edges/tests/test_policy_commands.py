"""The commands answer in plain text or JSON, and refuse with a sentence and a code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kangqiao import policy as packs_api
from kangqiao.edges.commands.clauses import clauses
from kangqiao.edges.commands.policy import policy


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, list(arguments))


def test_check_says_how_much_is_right() -> None:
    result = run("check")

    assert result.exit_code == 0
    assert "399 clauses: all right" in result.output


def test_check_names_file_and_line_of_a_fault(tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    shutil.copytree(packs_api.default_path(), packs)
    roster = packs / "zhuhai-lianjian/roster.yaml"
    lines = roster.read_text(encoding="utf-8").splitlines()
    number = next(index for index, line in enumerate(lines) if "  visit_length_days:" in line) + 1
    lines[number] = lines[number].replace("clause: ZH-3.2.1a, ", "")
    roster.write_text("\n".join(lines), encoding="utf-8")

    result = run("check", "--packs", str(packs))

    assert result.exit_code == 1
    assert f"packs/zhuhai-lianjian/roster.yaml:{number + 1}: visit_length_days is uncited" in result.output


def test_show_tells_settings_from_the_paper() -> None:
    lines = run("show", "440402-HQ", "2026-01-01", "roster").output.splitlines()

    visits = next(line for line in lines if "roster.visits_per_week_min" in line)
    experts = next(line for line in lines if "roster.experts_per_centre_min" in line)
    assert "ZH-3.2.1a" in visits
    assert "文件" in visits
    assert "设定" in experts


def test_show_as_json_carries_the_reference() -> None:
    shown = json.loads(run("show", "440402", "2026-01-01", "finance", "--format", "json").output)

    rate = next(value for value in shown if value["key"] == "city_rate_percent")
    assert (rate["value"], rate["clause"], rate["ref"]) == (12, "ZH-4.2d", "zhuhai-lianjian@1.0.0#2026-01-01")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "110000", "2026-01-01"), "No policy pack covers place 110000"),
        (("show", "4404", "1999-01-01"), "No policy is in force for place 4404 on 1999-01-01"),
        (("show", "4404", "2026-01-01", "weather"), "No topic 'weather'"),
        (("diff", "zhuhai-lianjian", "nowhere", "--on", "2026-01-01"), "no policy pack 'nowhere'"),
    ],
)
def test_refusal_is_a_sentence_and_a_code(arguments: tuple[str, ...], sentence: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert sentence in result.output


def test_diff_counts_the_differences() -> None:
    result = run("diff", "shenzhen-2016-experts", "zhuhai-lianjian", "--on", "2018-01-01")

    assert result.exit_code == 0
    assert "agreements.centres_per_hospital_min" in result.output
    assert "difference(s) on 2018-01-01" in result.output


def test_clauses_lists_all_of_them_as_json() -> None:
    result = CliRunner().invoke(clauses, ["--format", "json"])

    rows = json.loads(result.output)
    assert len(rows) == 399
    assert {row["state"] for row in rows} <= {"verified", "built", "open"}


def test_clauses_of_one_pack_and_of_none() -> None:
    assert "60 clauses:" in CliRunner().invoke(clauses, ["--pack", "ZH"]).output
    assert CliRunner().invoke(clauses, ["--pack", "nowhere"]).exit_code == 1


def test_results_written_by_hand_do_not_verify(tmp_path: Path) -> None:
    forged = tmp_path / "results.json"
    test = "src/kangqiao/policy/tests/test_packs.py::test_zhuhai_network_is_the_printed_table"
    content = {"sources": "0" * 64, "commit": "f" * 40, "dirty": False, "clauses": {"ZH-A2a": {test: "passed"}}}
    forged.write_text(json.dumps(content))

    result = CliRunner().invoke(clauses, ["--pack", "ZH", "--results", str(forged)])

    assert "0 verified" in result.output
    assert "not of these sources" in result.output


def test_docs_page_is_written_and_then_found_stale(tmp_path: Path) -> None:
    page = tmp_path / "clauses.md"
    assert CliRunner().invoke(clauses, ["--write-docs", str(page)]).exit_code == 0
    assert CliRunner().invoke(clauses, ["--check-docs", str(page)]).exit_code == 0

    page.write_text(page.read_text(encoding="utf-8").replace("ZH-2a", "ZH-2b"), encoding="utf-8")

    stale = CliRunner().invoke(clauses, ["--check-docs", str(page)])
    assert stale.exit_code == 1
    assert "is stale" in stale.output
