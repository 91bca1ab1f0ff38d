"""What every step of a demonstration is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from django.utils import timezone

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.parameters import DEMO_PASSWORD

PASSWORD = DEMO_PASSWORD


@dataclass(frozen=True, slots=True)
class Run:
    """The day the region is as of, its first moment, who loads, and how many residents to invent."""

    today: date
    at: datetime
    by: Actor
    residents: int

    @property
    def start(self) -> date:
        """The first day of last year: staff and registrations hold from then, visits are told from then."""
        return date(self.today.year - 1, 1, 1)

    @property
    def start_at(self) -> datetime:
        """The first moment of that day."""
        return datetime.combine(self.start, time(), tzinfo=timezone.get_default_timezone())
