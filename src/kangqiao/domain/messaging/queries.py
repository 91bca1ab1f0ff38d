"""Reading the inbox of a seat."""

from __future__ import annotations

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.messaging.permissions import visible_to


def inbox(seat: Seat) -> QuerySet[Notice]:
    """The seat's notices: unread first, then the latest first."""
    is_read = ExpressionWrapper(Q(read_at__isnull=False), output_field=BooleanField())
    return Notice.objects.filter(visible_to(seat)).order_by(is_read, "-created_at", "-pk")


def unread_count(seat: Seat) -> int:
    """How many notices wait to be read."""
    return Notice.objects.filter(visible_to(seat), read_at__isnull=True).count()
