"""Writing notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import Trace, record, record_all
from kangqiao.base.prepared import insert
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.messaging.actions.sending import queue
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.messaging.permissions import visible_to
from kangqiao.domain.messaging.rules import Visit
from kangqiao.kernel.errors import NotVisible, RuleBroken


@beyond("messaging.notify")
def notify(
    *,
    cause: str,
    kind: str,
    subject: str,
    body: str = "",
    url: str = "",
    organization_id: int | None = None,
    role: str = "",
    user_id: int | None = None,
    clause: str = "",
    visit: Visit | None = None,
    by: Actor,
    at: datetime,
) -> Notice | None:
    """A seat or a person is told something once per cause; None when this cause was told already.

    `cause` names what happened (`shortfall:7:2026-W21`), so a job that finds it again stays silent. A person who wants
    that is told outside too, where the time and place of `visit` may be said. Raises RuleBroken without an addressee.
    """
    if user_id is None and organization_id is None:
        raise RuleBroken(_("消息要写明发给谁。"))
    # Whoever calls has a transaction already, and nothing in here is caught: no savepoint of its own is needed.
    with transaction.atomic(savepoint=False):
        row = Notice(
            cause=cause, kind=kind, subject=subject, body=body, url=url, organization_id=organization_id, role=role,
            user_id=user_id, clause=clause, created_at=at,
        )  # fmt: skip
        is_new = insert(row, unless_there=True)
        if is_new:
            record("messaging.notify", row, by=by, at=at, kind=kind, cause=cause)
            queue(notices=[row], visit=visit, by=by, at=at)
    return row if is_new else None


@beyond("messaging.notify")
def notify_all(*, notices: Sequence[Notice], by: Actor, at: datetime) -> list[Notice]:
    """Several seats or people are told at once, each once per cause; see `notify`. Returns the notices that are new.

    The rows come unsaved, with everything but the time.
    """
    causes = [row.cause for row in notices]
    told = set(Notice.objects.filter(cause__in=causes).values_list("cause", flat=True))
    fresh = [row for row in notices if row.cause not in told]
    for row in fresh:
        row.created_at = at
    if any(row.user_id is None and row.organization_id is None for row in fresh):
        raise RuleBroken(_("消息要写明发给谁。"))
    try:
        with transaction.atomic():
            Notice.objects.bulk_create(fresh)
            traces = [Trace(row, {"kind": row.kind, "cause": row.cause}) for row in fresh]
            record_all("messaging.notify", traces, by=by, at=at)
            queue(notices=fresh, by=by, at=at)
    except IntegrityError:
        if not Notice.objects.filter(cause__in=[row.cause for row in fresh]).exists():
            raise
        # Somebody told one of these causes in this very moment: the rest is left to tell.
        for row in fresh:
            row.pk = None
        return notify_all(notices=fresh, by=by, at=at)
    return fresh


def mark_read(*, notice_id: int, seat: Seat, by: Actor, at: datetime) -> Notice:
    """Somebody at the seat has read the notice; it counts as read for the whole seat. Raises NotVisible."""
    with transaction.atomic():
        row = Notice.objects.select_for_update().filter(visible_to(seat), pk=notice_id).first()
        if row is None:
            raise NotVisible(_("没有这条消息，或不是发给您的。"))
        if row.read_at is None:
            row.read_at, row.read_by = at, by.name
            row.save(update_fields=("read_at", "read_by"))
            record("messaging.mark_read", row, by=by, at=at)
    return row


def mark_unread(*, notice_id: int, seat: Seat, by: Actor, at: datetime) -> Notice:
    """Reading is taken back: the notice waits again for the whole seat. Raises NotVisible."""
    with transaction.atomic():
        row = Notice.objects.select_for_update().filter(visible_to(seat), pk=notice_id).first()
        if row is None:
            raise NotVisible(_("没有这条消息，或不是发给您的。"))
        if row.read_at is not None:
            row.read_at, row.read_by = None, ""
            row.save(update_fields=("read_at", "read_by"))
            record("messaging.mark_unread", row, by=by, at=at)
    return row


def mark_all_read(*, seat: Seat, by: Actor, at: datetime) -> int:
    """Every notice of the seat counts as read. Returns how many were unread."""
    with transaction.atomic():
        count = Notice.objects.filter(visible_to(seat), read_at__isnull=True).update(read_at=at, read_by=by.name)
        if count:
            record("messaging.mark_all_read", Notice(), by=by, at=at, rows=count)
    return count
