"""Sessions, slots, bookings, and the templates sessions are opened from; no place is given twice."""

from kangqiao.domain.scheduling.models.bookings import (
    CHECK_IN,
    Appeal,
    Booking,
    Displaced,
    Hold,
    OverbookRight,
    Waiting,
)
from kangqiao.domain.scheduling.models.partners import (
    PartnerCount,
    PartnerRule,
)
from kangqiao.domain.scheduling.models.sessions import InstantRange, PoolRule, Session, Slot
from kangqiao.domain.scheduling.models.weekly import (
    CalendarDay,
    ClinicException,
    ClinicTemplate,
    ClockRange,
    DayRange,
    OpeningNote,
    Weekday,
)

__all__ = [
    "CHECK_IN",
    "Appeal",
    "Booking",
    "CalendarDay",
    "ClinicException",
    "ClinicTemplate",
    "ClockRange",
    "DayRange",
    "Displaced",
    "Hold",
    "InstantRange",
    "OpeningNote",
    "OverbookRight",
    "PartnerCount",
    "PartnerRule",
    "PoolRule",
    "Session",
    "Slot",
    "Waiting",
    "Weekday",
]
