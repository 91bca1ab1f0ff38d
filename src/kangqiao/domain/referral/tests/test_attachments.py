"""Files that travel with a letter: who adds, who reads, who no longer does, and what stays when one is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from kangqiao.base.models import AuditEvent
from kangqiao.base.sealed import unseal
from kangqiao.base.tests.test_kept_files import pdf, png
from kangqiao.base.uploads import Looked
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Attachment, Referral
from kangqiao.domain.referral.tests import factories as f
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
LATER = f.AT + timedelta(hours=1)
FILE = Looked("心电图.pdf", "pdf", pdf())


@pytest.fixture
def c() -> f.Cast:
    return f.cast()


def attach(letter: Referral, by: Seat, file: Looked = FILE) -> Attachment:
    """A file is added an hour later."""
    return actions.attach_file(referral_id=letter.pk, file=file, by=by.actor, at=LATER)


def reads(seat: Seat, row: Attachment) -> bool:
    """Whether a seat opens a file."""
    try:
        return queries.opened(queries.get_attachment(seat, row.pk))[0] == FILE.content
    except NotVisible:
        return False


def browser(seat: Seat) -> Client:
    """Somebody signed in."""
    client = Client()
    client.force_login(User.objects.get(pk=seat.user_id))
    return client


def test_both_houses_of_a_letter_read_its_file_and_nobody_else(c: f.Cast) -> None:
    letter = c.up()
    row = attach(letter, c.gp)

    readers = (c.gp, c.desk, c.office_seat, c.specialist, c.far_gp, f.seat("resident", c.centre, "someone"))
    assert [reads(one, row) for one in readers] == [True, True, True, True, False, False]
    assert row.content != FILE.content
    assert unseal(row.content) == FILE.content
    assert queries.opened(row)[1:] == (f"{letter.number}-{row.pk}.pdf", "application/pdf")
    assert queries.files_of(c.far_gp, letter).rows == []


def test_the_receiver_reads_no_more_once_the_letter_is_back_with_the_sender(c: f.Cast) -> None:
    letter = c.up()
    row = attach(letter, c.gp)
    actions.return_referral(referral_id=letter.pk, reason="缺心电图", by=c.desk.actor, at=LATER)
    back = reads(c.desk, row), reads(c.gp, row)
    letter.refresh_from_db()
    shown = queries.files_of(c.desk, letter).rows
    told = {name: getattr(letter, name) for name in ("history", "examination", "medicines", "allergies")}
    actions.resend_referral(referral_id=letter.pk, by=c.gp.actor, at=LATER, **told)

    assert back == (False, True)
    assert shown == []
    assert reads(c.desk, row)
    actions.withdraw_referral(referral_id=letter.pk, reason="改去别处", by=c.gp.actor, at=LATER)
    assert not reads(c.desk, row)
    with pytest.raises(RuleBroken, match="已经结束"):
        attach(letter, c.gp, Looked("b.png", "png", png()))


def test_only_the_sender_adds_and_takes_back(c: f.Cast) -> None:
    up, down = c.up(), c.down()
    row = attach(up, c.gp)
    for act in (lambda: attach(up, c.desk), lambda: attach(down, c.gp), lambda: _take(row, c.desk)):
        with pytest.raises(Denied, match="发出转诊单的一方"):
            act()
    with pytest.raises(NotVisible):
        attach(up, c.far_gp)

    assert attach(down, c.specialist).referral_id == down.pk
    assert [queries.files_of(one, up).may_attach for one in (c.gp, c.desk)] == [True, False]
    assert [queries.files_of(one, down).may_take_back for one in (c.gp, c.desk)] == [False, True]


def _take(row: Attachment, by: Seat, reason: str = "另一位居民的报告") -> Attachment:
    return actions.take_back_file(attachment_id=row.pk, reason=reason, by=by.actor, at=LATER)


def test_a_file_of_another_person_is_taken_back_and_what_happened_stays(c: f.Cast) -> None:
    letter = c.up()
    row = attach(letter, c.gp)
    digest = row.sha256
    with pytest.raises(RuleBroken, match="为什么收回"):
        _take(row, c.gp, " ")
    _take(row, c.gp)

    row.refresh_from_db()
    assert (bytes(row.content), row.taken_back_why, row.sha256) == (b"", "另一位居民的报告", digest)
    assert [reads(one, row) for one in (c.gp, c.desk)] == [False, False]
    assert Notice.objects.filter(organization=c.hospital, subject__contains="收回了一份附件").exists()
    kept = AuditEvent.objects.get(action="referral.take_back_file")
    assert kept.detail["sha256"] == digest
    assert kept.resident_id == letter.resident_id
    with pytest.raises(RuleBroken, match="已经收回"):
        _take(row, c.gp)
    assert attach(letter, c.gp).pk != row.pk


def test_no_more_files_than_set_and_none_twice(c: f.Cast) -> None:
    letter = c.up()
    attach(letter, c.gp)
    with pytest.raises(RuleBroken, match="已经在单子里"):
        attach(letter, c.gp)
    for number in range(5):
        attach(letter, c.gp, Looked(f"{number}.png", "png", png() + bytes([number])))
    with pytest.raises(RuleBroken, match="最多带 6 份"):
        attach(letter, c.gp, Looked("7.png", "png", png() + b"7"))
    twin = Attachment.objects.first()
    assert twin is not None
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_the_pages_add_read_and_take_back(c: f.Cast) -> None:
    letter = c.up()
    gp, desk = browser(c.gp), browser(c.desk)
    to = f"/referrals/{letter.pk}/attach/"
    for content, said in ((b"MZ exe", "这是程序"), (b"", "空的"), (b"%PDF-" + b"0" * 11_000_000, "不超过 10 MB")):
        bad = gp.post(to, {"file": SimpleUploadedFile("a.pdf", content), "idempotency_key": said})
        assert bad.status_code == 422, said
        assert said in bad.content.decode()
    none = gp.post(to, {"idempotency_key": "none"})
    assert none.status_code == 422
    sent = gp.post(to, {"file": SimpleUploadedFile("<b>心电图.pdf", pdf()), "idempotency_key": "k"})
    row = Attachment.objects.get()
    assert (sent.status_code, row.name) == (302, "b心电图.pdf")
    assert "b心电图.pdf" in desk.get(f"/referrals/{letter.pk}/").content.decode()
    file = desk.get(f"/referrals/attachments/{row.pk}/")
    assert file.content == pdf()
    assert file["Content-Disposition"] == f'attachment; filename="{letter.number}-{row.pk}.pdf"'
    assert (file["Content-Type"], file["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    read = AuditEvent.objects.get(kind="read", action="referral-attachment")
    assert (read.resident_id, read.detail["path"]) == (letter.resident_id, f"/referrals/attachments/{row.pk}/")
    taken = gp.post(f"/referrals/attachments/{row.pk}/take-back/", {"reason": "拿错了", "idempotency_key": "t"})
    assert taken.status_code == 302
    assert desk.get(f"/referrals/attachments/{row.pk}/").status_code == 404
    assert "拿错了" in desk.get(f"/referrals/{letter.pk}/").content.decode()


def test_a_file_goes_with_the_letter_or_neither_goes(c: f.Cast) -> None:
    said: dict[str, Any] = f.LETTER | {
        "to_organization": c.hospital.pk, "specialty": "cardiology", "urgency": "routine", "has_consent": "on",
    }  # fmt: skip
    gp, to = browser(c.gp), f"/referrals/new/?resident={c.resident.pk}"
    bad = gp.post(to, said | {"attachment": SimpleUploadedFile("a.pdf", b"PK\x03\x04"), "idempotency_key": "a"})
    assert bad.status_code == 422
    assert "可能有宏" in bad.content.decode()
    assert not Referral.objects.exists()
    sent = gp.post(to, said | {"attachment": SimpleUploadedFile("a.pdf", pdf()), "idempotency_key": "b"})
    assert sent.status_code == 302
    assert Referral.objects.get().attachments.get().name == "a.pdf"
