"""Reading the inbox of a seat."""

from __future__ import annotations

from datetime import datetime

from django.db.models import BooleanField, Count, ExpressionWrapper, Min, Q, QuerySet

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.messaging.permissions import visible_to


def inbox(seat: Seat) -> QuerySet[Notice]:
    """The seat's notices: unread first, then the latest first."""
    is_read = ExpressionWrapper(Q(read_at__isnull=False), output_field=BooleanField())
    return Notice.objects.filter(visible_to(seat)).order_by(is_read, "-created_at", "-pk")


def unread(seat: Seat) -> QuerySet[Notice]:
    """What nobody at the seat has read, the latest first."""
    return inbox(seat).filter(read_at__isnull=True)


def unread_count(seat: Seat) -> int:
    """How many notices wait to be read."""
    return Notice.objects.filter(visible_to(seat), read_at__isnull=True).count()


def waiting(seat: Seat) -> tuple[int, datetime | None]:
    """How many notices are unread, and since when the oldest waits."""
    unread = Notice.objects.filter(visible_to(seat), read_at__isnull=True)
    row = unread.order_by().aggregate(count=Count("pk"), oldest=Min("created_at"))
    return row["count"], row["oldest"]
