"""Reading the inbox of a seat."""

from __future__ import annotations

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from kangqiao.base.waits import Waits
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


def waiting(seat: Seat) -> Waits:
    """The unread notices, and since when they wait."""
    return Waits(Notice.objects.filter(visible_to(seat), read_at__isnull=True), "created_at")
