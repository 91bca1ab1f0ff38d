"""Files that travel with a letter: added by its sender, taken back with a reason."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.sealed import seal
from kangqiao.base.uploads import Looked
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.referral import permissions, queries
from kangqiao.domain.referral.actions.parts import _held, _parameters, _tell
from kangqiao.domain.referral.models import Attachment, Referral
from kangqiao.kernel.errors import Denied, RuleBroken


@transaction.atomic
def attach_file(*, referral_id: int, file: Looked, by: Actor, at: datetime) -> Attachment:
    """The sender adds a file to a letter that is still open; it is kept sealed.

    `file` has been looked into by the door for uploads. Raises Denied for the other side, NotVisible, RuleBroken for a
    letter that is over, a file that is there already, or one more than the letter may carry.
    """
    letter = _of_sender(referral_id, by)
    if queries.state_of(letter).final:
        raise RuleBroken(_("这张转诊单已经结束，不能再加附件。"), next_step=_("请写新的转诊单。"))
    most = _parameters(letter.from_organization, at).attachments_most.integer()
    if Attachment.objects.filter(referral=letter, taken_back_at__isnull=True).count() >= most:
        raise RuleBroken(_("一张转诊单最多带 %(n)s 份附件。") % {"n": most}, next_step=_("请先收回用不着的。"))
    digest = hashlib.sha256(file.content).hexdigest()
    try:
        with transaction.atomic():
            row = Attachment.objects.create(
                referral=letter, name=file.name, kind=Attachment.Kind(file.kind).value, size=len(file.content),
                sha256=digest, content=seal(file.content), by_id=by.id, by_name=by.name, added_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        if "attachment_once" not in str(error):
            raise
        raise RuleBroken(_("这份文件已经在单子里。"), next_step=_("请核对清单。")) from error
    audit.record(
        "referral.attach_file", row, by=by, at=at, resident_id=letter.resident_id, referral=letter.pk, sha256=digest
    )
    return row


@transaction.atomic
def take_back_file(*, attachment_id: int, reason: str, by: Actor, at: datetime) -> Attachment:
    """The sender takes a file back, such as one of another person: nobody reads it any more, the other side is told.

    Its bytes are gone; name, fingerprint, reason and who read it stay. Raises Denied, NotVisible, RuleBroken without a
    reason or where it was taken back already.
    """
    row = Attachment.objects.select_for_update().filter(pk=attachment_id).first()
    if row is None:
        raise queries.no_attachment()
    letter = _of_sender(row.referral_id, by)
    if not reason.strip():
        raise RuleBroken(_("请写为什么收回。"), next_step=_("例如：这是另一位居民的报告。"))
    if row.taken_back_at is not None:
        raise RuleBroken(_("这份附件已经收回。"), next_step=_("请刷新后再看。"))
    row.content, row.taken_back_at, row.taken_back_why = b"", at, reason.strip()[:500]
    row.save(update_fields=("content", "taken_back_at", "taken_back_why"))
    up = letter.direction == Referral.Direction.UP
    words = _("%(centre)s收回了一份附件") if up else _("%(hospital)s收回了一份附件")
    _tell(
        letter, f"file-{row.pk}", letter.to_organization, Role.REFERRAL_DESK if up else Role.GP, words, by, at, reason
    )
    audit.record(
        "referral.take_back_file", row, by=by, at=at, resident_id=letter.resident_id, referral=letter.pk,
        sha256=row.sha256,
    )  # fmt: skip
    return row


def _of_sender(referral_id: int, by: Actor) -> Referral:
    """The letter, locked, where the actor is of the house that sent it. Raises Denied, NotVisible."""
    letter, sides = _held(referral_id, by)
    if not sides & permissions.sender_sides(letter):
        raise Denied(_("附件由发出转诊单的一方添加和收回。"), next_step=_("请对方补充，或退回并说明缺什么。"))
    return letter
