"""Whether the counts of places are what the rows say: for the job of every night, which should find nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True)
class Fault:
    """A place that is not counted as it is used: what is wrong, of which row, what is counted and what there is."""

    what: str
    row: int
    counted: int
    found: int


# Each names the row, what is counted there, and what the rows it counts say.
CHECKS = {
    "slot.taken": """
        SELECT slot.id, slot.taken, count(booking.id) FROM scheduling_slot slot
        LEFT JOIN scheduling_booking booking
          ON booking.slot_id = slot.id AND booking.status <> 'cancelled' AND booking.right_id IS NULL
        GROUP BY slot.id HAVING slot.taken <> count(booking.id)""",
    "slot.extra": """
        SELECT slot.id, slot.extra, count(booking.id) FROM scheduling_slot slot
        LEFT JOIN scheduling_booking booking
          ON booking.slot_id = slot.id AND booking.status <> 'cancelled' AND booking.right_id IS NOT NULL
        GROUP BY slot.id HAVING slot.extra <> count(booking.id)""",
    "slot.capacity": """
        SELECT id, capacity, taken FROM scheduling_slot WHERE taken > capacity""",
    "slot.held": """
        SELECT slot.id, held.n, coalesce(running.n, 0) FROM scheduling_slot slot
        CROSS JOIN LATERAL (
            SELECT count(*) AS n, array_agg(until ORDER BY until) AS ends FROM unnest(slot.held) AS until
            WHERE until > %(now)s
        ) held
        LEFT JOIN (
            SELECT slot_id, count(*) AS n, array_agg(until ORDER BY until) AS ends FROM scheduling_hold
            WHERE since <= %(now)s AND until > %(now)s GROUP BY slot_id
        ) running ON running.slot_id = slot.id
        WHERE (cardinality(slot.held) > 0 OR running.n > 0) AND held.ends IS DISTINCT FROM running.ends""",
    "partner_count.taken": """
        SELECT share.id, share.taken, count(booking.id) FROM scheduling_partnercount share
        LEFT JOIN scheduling_booking booking
          ON booking.session_id = share.session_id AND booking.centre_id = share.centre_id
         AND booking.status <> 'cancelled'
        GROUP BY share.id HAVING share.taken <> count(booking.id)""",
    "session.withdrawn": """
        SELECT session.id, 0, count(*) FROM scheduling_session session
        JOIN scheduling_booking booking ON booking.session_id = session.id AND booking.status = 'booked'
        WHERE session.status = 'withdrawn' GROUP BY session.id""",
    "displaced.again": """
        SELECT displaced.id, 0, 1 FROM scheduling_displaced displaced
        JOIN scheduling_booking booking ON booking.id = displaced.booking_id
        WHERE displaced.status = 'open' AND booking.status <> 'cancelled'""",
}


def faults(now: datetime) -> list[Fault]:
    """Every place that is not counted as it is used, one statement for each way to be wrong; none is right.

    Asked outside anybody's seat. A booking or hold made meanwhile is seen whole or not at all.
    """
    found = []
    with connection.cursor() as cursor:
        for what, check in CHECKS.items():
            cursor.execute(check, {"now": now} if "%(now)s" in check else None)
            found += [Fault(what, *row) for row in cursor.fetchall()]
    return found
