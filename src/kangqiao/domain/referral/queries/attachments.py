"""Files that travel with a letter, for the house that sent it and the one that has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.sealed import unseal
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.referral.models import Attachment, Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.referral.permissions import parties, sender_sides, visible_to
from kangqiao.domain.referral.queries.cases import state_of
from kangqiao.domain.residents.queries import note_read
from kangqiao.kernel.errors import NotVisible

MIMES = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}
# The letter is the sender's again, or nobody's: the other house reads its files no more.
NOT_HELD = ("returned", "declined", "withdrawn", "not_attended")


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a letter as a seat sees them, and whether it may add one or take one back."""

    rows: list[Attachment]
    may_attach: bool
    may_take_back: bool


def no_attachment() -> NotVisible:
    """For what is not there, not for this reader, or taken back."""
    return NotVisible(_("没有这份附件，或已经收回。"), next_step=_("请从转诊单打开。"))


def files_of(seat: Seat, referral: Referral) -> Files:
    """The files of a letter, also those taken back, without what is in them; and what the seat may do with them."""
    sides = _sides(seat, referral)
    is_sender = bool(sides & sender_sides(referral))
    rows = Attachment.objects.filter(referral=referral).defer("content") if _reads(sides, referral) else []
    return Files(list(rows), is_sender and not state_of(referral).final, is_sender)


def most_bytes(referral: Referral, at: datetime) -> int:
    """How large a file of this letter may be."""
    house = referral.from_organization
    return ReferralParameters.read(policy.at(house.place.code, localtime(at).date())).attachment_bytes


def get_attachment(seat: Seat, attachment_id: int) -> Attachment:
    """A file of a letter the seat's house sent or has; the log of reads says whose it was. Raises NotVisible."""
    rows = Attachment.objects.select_related("referral").filter(pk=attachment_id, taken_back_at__isnull=True)
    found = rows.filter(referral__in=Referral.objects.filter(visible_to(seat))).first()
    if found is None or not _reads(_sides(seat, found.referral), found.referral):
        raise no_attachment()
    note_read(seat, [found.referral.resident_id])
    return found


def opened(attachment: Attachment) -> tuple[bytes, str, str]:
    """What is in a file, a name of ours in plain letters, and its kind for the browser."""
    name = f"{attachment.referral.number}-{attachment.pk}.{attachment.kind}"
    return unseal(attachment.content), name, MIMES[attachment.kind]


def _sides(seat: Seat, referral: Referral) -> set[str]:
    return parties(seat.actor, referral, seat.bodies)


def _reads(sides: set[str], referral: Referral) -> bool:
    """The sender always, the other house while the letter is with it."""
    return bool(sides if referral.status not in NOT_HELD else sides & sender_sides(referral))
