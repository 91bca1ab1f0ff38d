"""The verifier names the first bad place of an export, whatever was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kangqiao.engines.audit.verify import Report, heads_kept, verify
from kangqiao.kernel.sealing import START, head_statement, link_hash
from kangqiao.kernel.signatures import Ed25519Signer

Lines = list[dict[str, Any]]
SIGNER = Ed25519Signer.fresh()
ORGANIZATION = 7


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": number, "action": "residents.open", "at": f"2026-05-11T02:00:{number:02}.000000Z", **fields}


def links(events: list[dict[str, Any] | None], before: str = START, first: int = 1, chain: int = ORGANIZATION) -> Lines:
    rows = []
    for sequence, one in enumerate(events, first):
        sealed_at = f"2026-05-11T02:01:{sequence:02}.000000Z"
        before = link_hash(before, organization=chain, sequence=sequence, sealed_at=sealed_at, event=one or {})
        rows.append({"sequence": sequence, "sealed_at": sealed_at, "hash": before, "event": one})
    return rows


def head(row: dict[str, Any], signer: Ed25519Signer = SIGNER, **fields: Any) -> dict[str, Any]:
    told = {
        "organization": ORGANIZATION, "sequence": row["sequence"], "hash": row["hash"], "key_id": signer.key_id,
        "signed_at": f"2026-05-11T02:02:{row['sequence']:02}.000000Z", "algorithm": signer.algorithm, **fields,
    }  # fmt: skip
    return told | {"signature": signer.sign(head_statement(told))}


def export(rows: Lines, heads: Lines = (), *, first: int = 1, before: str = START, **told: Any) -> Lines:  # type: ignore[assignment]
    return [
        {"chain": {"export": "kangqiao-audit", "version": 1, "hash": "SHA-256", "organization": ORGANIZATION,
                   "first": first, "before": before, "since": None, "until": None, **told}},
        *({"head": one} for one in heads),
        *rows,
        {"end": {"last": rows[-1]["sequence"] if rows else first - 1}},
    ]  # fmt: skip


def check(lines: Lines, **more: Any) -> Report:
    return verify((json.dumps(line) + "\n" for line in lines), **more)


ROWS = links([event(number) for number in range(1, 11)])


def test_sound_export_is_sound() -> None:
    report = check(export(ROWS, [head(ROWS[4]), head(ROWS[9])]), keys=[SIGNER.public_pem])

    assert report.is_sound
    assert (report.chains, report.rows, report.heads, report.remarks) == (1, 10, 2, [])


def altered(rows: Lines) -> Lines:
    return [*rows[:5], rows[5] | {"event": event(6, action="other")}, *rows[6:]]


def deleted(rows: Lines) -> Lines:
    return [*rows[:5], *rows[6:]]


def gone(rows: Lines) -> Lines:
    return [*rows[:5], rows[5] | {"event": None}, *rows[6:]]


def swapped_lines(rows: Lines) -> Lines:
    return [*rows[:5], rows[6], rows[5], *rows[7:]]


def swapped_events(rows: Lines) -> Lines:
    a, b = rows[5], rows[6]
    return [*rows[:5], a | {"event": b["event"]}, b | {"event": a["event"]}, *rows[7:]]


def slipped_in(rows: Lines) -> Lines:
    return [*rows[:5], rows[5] | {"event": event(99)}, *({**r, "sequence": r["sequence"] + 1} for r in rows[5:])]


def doubled(rows: Lines) -> Lines:
    return [*rows[:5], rows[4], *rows[5:]]


def moved_in_time(rows: Lines) -> Lines:
    return [*rows[:5], rows[5] | {"sealed_at": "2026-05-11T02:00:00.000000Z"}, *rows[6:]]


@pytest.mark.parametrize(
    "harm", [altered, deleted, gone, swapped_lines, swapped_events, slipped_in, doubled, moved_in_time]
)
def test_first_bad_row_is_named(harm: Callable[[Lines], Lines]) -> None:
    report = check(export(harm(ROWS)))

    assert report.first is not None
    assert (report.first.organization, report.first.sequence) == (ORGANIZATION, 6)
    assert len(report.problems) == 1


def test_cut_tail_is_found_against_a_head() -> None:
    kept = [head(ROWS[9])]

    assert check(export(ROWS[:7])).is_sound
    report = check(export(ROWS[:7]), heads=kept, keys=[SIGNER.public_pem])
    assert report.first is not None
    assert report.first.sequence == 8
    assert "tail is cut" in report.first.what


def test_rewind_is_bracketed_by_the_last_head_that_fits() -> None:
    anew = [*ROWS[:5], *links([event(number, action="other") for number in range(6, 11)], ROWS[4]["hash"], 6)]

    assert check(export(anew)).is_sound
    report = check(export(anew), heads=[head(ROWS[3]), head(ROWS[7])], keys=[SIGNER.public_pem])
    assert report.first is not None
    assert report.first.sequence == 5
    assert "rewound" in report.first.what
    assert "after 4" in report.first.what


def test_chain_of_another_organisation_does_not_fit() -> None:
    report = check(export(links([event(1)], chain=8)))

    assert report.first is not None
    assert report.first.sequence == 1


def test_head_of_another_key_is_refused() -> None:
    stranger = Ed25519Signer.fresh()
    pretending = head(ROWS[9], stranger) | {"key_id": SIGNER.key_id}
    bent = head(ROWS[9]) | {"signed_at": "2026-05-12T00:00:00.000000Z"}

    for one in (head(ROWS[9], stranger), pretending, bent, head(ROWS[9]) | {"algorithm": "none"}):
        report = check(export(ROWS, [one]), keys=[SIGNER.public_pem])
        assert [problem.sequence for problem in report.problems] == [10]


@pytest.mark.parametrize(
    ("lines", "sequence"),
    [
        (export(ROWS)[:-1], 11),
        (export(ROWS)[:6], 6),
        (export(ROWS)[1:], 0),
        ([], 0),
        ([*export(ROWS), ROWS[0]], 1),
        ([{"chain": {"export": "other"}}], 0),
        ([*export(ROWS), *export(ROWS)], 11),
    ],
)
def test_broken_file_is_never_sound(lines: Lines, sequence: int) -> None:
    report = check(lines)

    assert report.first is not None
    assert report.first.sequence == sequence


def test_line_that_is_no_json_is_named() -> None:
    report = verify([json.dumps(export(ROWS)[0]), json.dumps(ROWS[0]), "{", json.dumps(ROWS[2])])

    assert report.first is not None
    assert (report.first.sequence, "line 3" in report.first.what) == (2, True)


def test_part_of_a_chain_says_what_it_does_not_show() -> None:
    part = export(ROWS[3:7], first=4, before=ROWS[2]["hash"], until="2026-05-11T02:02:08.500000Z")

    assert check(part, heads=[head(ROWS[9])]).is_sound
    assert "begins at sequence 4" in check(part).remarks[0]
    cut = check(part, heads=[head(ROWS[7])])
    assert cut.first is not None
    assert cut.first.sequence == 8


def test_heads_are_read_from_the_public_page_and_from_another_organisations_export() -> None:
    kept = head(ROWS[9])
    page = json.dumps({"heads": [kept]}, indent=2)
    witness = links([event(1), event(2, action="audit.witness", detail=kept)], chain=8)

    assert list(heads_kept(page.splitlines(keepends=True))) == [kept]
    assert list(heads_kept(json.dumps(line) + "\n" for line in export(witness))) == [kept]


def test_restore_is_told_beside_the_problem() -> None:
    note = event(6, action="audit.restored", detail={"reason": "演练"})
    anew = [*ROWS[:5], *links([note, event(7)], ROWS[4]["hash"], 6)]

    report = check(export(anew), heads=[head(ROWS[9])])

    assert not report.is_sound
    assert any("演练" in remark for remark in report.remarks)
