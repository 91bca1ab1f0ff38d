"""T-AUD-2: whoever owns the tables can change the audit, but not so that the verifier does not name the place."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection

from kangqiao.base import sealing
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditEvent, AuditHead, AuditLink
from kangqiao.base.signing import KEY_FILE, signer
from kangqiao.engines.audit.verify import Problem, heads_kept, verify
from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.signatures import Ed25519Signer

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 11, 2, 0, tzinfo=UTC)
SIGNER = Ed25519Signer.fresh()
SYSTEM = Actor.system("audit-heads")
HOUR = timedelta(hours=1)
OURS, THEIRS = 3, 5


def trace(count: int, organization: int = OURS) -> None:
    who = Actor(f"user:{organization}", "演示 王医生", organization)
    for number in range(count):
        record("residents.open", AuditEvent(pk=number + 1), by=who, at=AT, resident_id=number, bases=["registered"])


def lines(chain: int = OURS) -> list[str]:
    return list(sealing.export(chain, at=AT))


def first(chain: int = OURS, *heads: object) -> Problem | None:
    return verify(lines(chain), heads=heads, keys=[SIGNER.public_pem]).first  # type: ignore[arg-type]


def as_owner(*statements: str) -> None:
    """What somebody who owns the tables can do: lift what guards them, change, and put it back."""
    tables = ("base_auditevent", "base_auditlink", "base_audithead")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'base_auditlink'::regclass AND contype IN ('f', 'u')"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE base_auditlink DROP CONSTRAINT "{name}"')
        for statement in statements:
            cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def event_of(sequence: int) -> str:
    return f"(SELECT event_id FROM base_auditlink WHERE organization_id = {OURS} AND sequence = {sequence})"


@pytest.fixture
def chain() -> list[dict[str, object]]:
    """Ten rows of ours and two of theirs, sealed, and heads signed at 6 and at the end."""
    trace(2, THEIRS)
    trace(6)
    sealing.seal(at=AT)
    sealing.sign_heads(signer=SIGNER, by=SYSTEM, at=AT)
    trace(4)
    sealing.seal(at=AT + HOUR)
    sealing.sign_heads(signer=SIGNER, by=SYSTEM, at=AT + HOUR)
    sealing.seal(at=AT + HOUR)
    heads = [sealing.told(head) for head in AuditHead.objects.filter(organization_id=OURS)]
    assert first() is None
    return heads


class TestSeal:
    def test_events_get_their_place_once_and_in_order(self) -> None:
        trace(3)
        trace(1, THEIRS)

        assert [sealing.seal(at=AT), sealing.seal(at=AT)] == [4, 0]
        assert list(AuditLink.objects.values_list("organization_id", "sequence")) == [
            (OURS, 1), (OURS, 2), (OURS, 3), (THEIRS, 1),
        ]  # fmt: skip
        assert sealing.chains() == [OURS, THEIRS]

    def test_what_no_seat_did_is_the_chain_of_the_site(self) -> None:
        record("x", AuditEvent(pk=1), by=Actor.system("terms"), at=AT)
        sealing.seal(at=AT)

        assert AuditLink.objects.get().organization_id == sealing.SITE

    def test_an_event_that_committed_late_is_found(self) -> None:
        trace(2)
        late = AuditEvent.objects.order_by("id").first()
        assert late is not None
        with connection.cursor() as cursor:  # sealed as if its transaction had not been there yet
            cursor.execute("ALTER TABLE base_auditevent DISABLE TRIGGER USER")
            cursor.execute("UPDATE base_auditevent SET id = id + 1000 WHERE id = %s", [late.pk])
        sealing.seal(at=AT)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO base_auditevent (id, kind, at, by_id, by_name, action, subject_type, basis, outcome,"
                " policy_ref, detail) VALUES (%s, 'action', %s, 'x', '', 'late', 'x', '', 'success', '', '{}')",
                [late.pk, AT],
            )

        assert sealing.seal(at=AT + HOUR / 2) == 1
        assert sealing.seal(at=AT + 2 * HOUR, everything=True) == 0

    def test_night_finds_what_was_open_for_hours(self) -> None:
        trace(2)
        sealing.seal(at=AT)
        as_owner(f"DELETE FROM base_auditlink WHERE event_id = {event_of(1)}")

        assert sealing.seal(at=AT + 3 * HOUR) == 0
        assert sealing.seal(at=AT + 3 * HOUR, everything=True) == 1


class TestOwnerWhoChangesTheAudit:
    @pytest.mark.parametrize(
        "harm",
        [
            lambda: [f"UPDATE base_auditevent SET resident_id = 99 WHERE id = {event_of(4)}"],
            lambda: [f"UPDATE base_auditevent SET detail = '{{}}' WHERE id = {event_of(4)}"],
            lambda: [f"UPDATE base_auditevent SET at = at + interval '1 microsecond' WHERE id = {event_of(4)}"],
            lambda: [f"DELETE FROM base_auditevent WHERE id = {event_of(4)}"],
            lambda: [
                f"DELETE FROM base_auditevent WHERE id = {event_of(4)}",
                f"DELETE FROM base_auditlink WHERE organization_id = {OURS} AND sequence = 4",
            ],
            lambda: [
                f"DELETE FROM base_auditevent WHERE id = {event_of(4)}",
                f"DELETE FROM base_auditlink WHERE organization_id = {OURS} AND sequence = 4",
                f"UPDATE base_auditlink SET sequence = sequence - 1 WHERE organization_id = {OURS} AND sequence > 4",
            ],
            lambda: [
                f"UPDATE base_auditlink SET event_id = 2 * {event_of(4)} + 1 - event_id"
                f" WHERE organization_id = {OURS} AND sequence IN (4, 5)"
            ],
            lambda: [
                f"UPDATE base_auditlink SET sequence = sequence + 1 WHERE organization_id = {OURS} AND sequence > 3",
                "INSERT INTO base_auditlink (organization_id, sequence, event_id, hash, sealed_at)"
                f" SELECT {OURS}, 4, event_id, hash, sealed_at FROM base_auditlink"
                f" WHERE organization_id = {THEIRS} AND sequence = 1",
            ],
        ],
        ids=["resident", "detail", "time", "event", "row", "row-closed-up", "swapped", "slipped-in"],
    )
    def test_first_bad_row_is_named(self, chain: object, harm: Callable[[], list[str]]) -> None:
        as_owner(*harm())

        problem = first()
        assert problem is not None
        assert (problem.organization, problem.sequence) == (OURS, 4)

    def test_cut_tail_is_found_by_the_head_in_the_table(self, chain: object) -> None:
        as_owner(f"DELETE FROM base_auditlink WHERE organization_id = {OURS} AND sequence > 8")

        problem = first()
        assert problem is not None
        assert (problem.sequence, "tail is cut" in problem.what) == (9, True)

    def test_cut_tail_with_its_heads_is_found_by_the_copy_of_another_organisation(self, chain: object) -> None:
        as_owner(
            f"DELETE FROM base_auditlink WHERE organization_id = {OURS} AND sequence > 8",
            f"DELETE FROM base_audithead WHERE organization_id = {OURS} AND sequence > 8",
        )

        assert first() is None
        problem = first(OURS, *heads_kept(lines(THEIRS)))
        assert problem is not None
        assert problem.sequence == 9

    def test_rewound_and_written_anew_is_found_by_a_head_that_was_kept(self, chain: list[object]) -> None:
        as_owner(
            f"DELETE FROM base_auditlink WHERE organization_id = {OURS} AND sequence > 8",
            f"DELETE FROM base_audithead WHERE organization_id = {OURS} AND sequence > 8",
            "DELETE FROM base_auditevent e WHERE NOT EXISTS (SELECT FROM base_auditlink l WHERE l.event_id = e.id)",
        )
        trace(9)
        sealing.seal(at=AT + 2 * HOUR)
        sealing.sign_heads(signer=SIGNER, by=SYSTEM, at=AT + 2 * HOUR)

        assert first() is None
        problem = first(OURS, *chain)
        assert problem is not None
        assert (problem.sequence, "rewound" in problem.what) == (7, True)

    def test_head_without_the_key_is_not_believed(self, chain: object) -> None:
        as_owner(
            f"DELETE FROM base_auditlink WHERE organization_id = {OURS} AND sequence > 8",
            f"UPDATE base_audithead SET sequence = 8, hash = (SELECT hash FROM base_auditlink WHERE sequence = 8"
            f" AND organization_id = {OURS}) WHERE organization_id = {OURS} AND sequence > 8",
        )

        problem = first()
        assert problem is not None
        assert "signature" in problem.what


class TestHeads:
    def test_every_head_is_with_another_organisation(self, chain: object) -> None:
        for head in AuditHead.objects.filter(organization_id__in=(OURS, THEIRS)):
            assert head.witness_id not in (None, head.organization_id, sealing.SITE)
            kept = AuditEvent.objects.get(action=sealing.WITNESS, subject_id=head.pk)
            assert (kept.organization_id, kept.detail) == (head.witness_id, sealing.told(head))

    def test_copies_of_heads_alone_make_no_head_before_a_day_is_over(self, chain: object) -> None:
        def due(at: datetime) -> int:
            return len(sealing.sign_heads(signer=SIGNER, by=SYSTEM, at=at))

        assert due(AT + 2 * HOUR) == 0
        assert due(AT + HOUR + sealing.QUIET) > 0

    def test_witness_moves_on_every_hour(self) -> None:
        everybody = [0, 1, 2, 3, 4]

        kept_by = {sealing.witness_of(2, everybody, AT + hour * HOUR) for hour in range(3)}
        assert kept_by == {1, 3, 4}
        assert sealing.witness_of(2, [0, 2], AT) is None

    def test_restore_is_noted_in_every_chain(self, chain: object) -> None:
        assert sealing.note_restore(reason="演练", by=SYSTEM, at=AT) == 2
        sealing.seal(at=AT + HOUR)

        report = verify(lines(), keys=[SIGNER.public_pem])
        assert report.is_sound
        assert any("演练" in remark for remark in report.remarks)


def test_part_of_a_chain_verifies_alone(chain: object) -> None:
    part = list(sealing.export(OURS, at=AT, span=sealing.Span(since=AT + HOUR)))

    assert json.loads(part[0])["chain"]["first"] > 1
    assert verify(part, keys=[SIGNER.public_pem]).is_sound


class TestKey:
    def test_key_is_made_once_and_only_its_owner_reads_it(self, settings: LazySettings, tmp_path: Path) -> None:
        settings.DATA = tmp_path

        assert signer().key_id == signer().key_id
        assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]

    def test_key_that_others_can_read_is_refused(self, settings: LazySettings, tmp_path: Path) -> None:
        settings.DATA = tmp_path
        signer()
        (tmp_path / KEY_FILE).chmod(0o640)

        with pytest.raises(RuleBroken, match="Others can read"):
            signer()
