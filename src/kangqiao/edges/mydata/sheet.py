"""What is kept about a person as one page to read and print; it needs no network and no other file."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.translation import get_language

from kangqiao.domain.records import queries as records
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.domain.terminology import queries as terminology
from kangqiao.pathways.own_data import Kept

LOOK = """body{font:16px/1.6 sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1b2733}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #98a4b0;padding:.3rem .5rem;text-align:left;
vertical-align:top}th{background:#eef2f5}pre{white-space:pre-wrap;font:inherit;margin:0}
td,th{min-width:4em}@media(max-width:40rem){table{display:block;overflow-x:auto}}"""


def written(kept: Kept) -> bytes:
    """The page as a file, in the language of the moment."""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    diagnoses = terminology.labels("diagnosis", language)
    page = render_to_string(
        "mydata/sheet.html",
        {
            "kept": kept,
            "one": kept.resident,
            "lang": "en" if language == "en" else "zh-Hans",
            "visits": [(row, diagnoses.get(row.diagnosis, row.diagnosis)) for row in kept.encounters],
            "values": records.shown(kept.observations),
            "jabs": records.shown_jabs(kept.immunizations),
            "bookings": [(row, BOOKING.state(row.status)) for row in kept.bookings],
            "referrals": [(row, (UP if row.direction == "up" else DOWN).state(row.status)) for row in kept.referrals],
        },
    )
    return page.replace("</head>", f"<style>{LOOK}</style></head>", 1).encode()
