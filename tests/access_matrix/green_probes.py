"""Valid forms of the window for referred patients; see `probes`."""

from __future__ import annotations

from datetime import timedelta

from tests.access_matrix.probes import CENTRE, DESK, Given, Probe, _referral
from tests.access_matrix.world import Side


def _ct_now(side: Side) -> Given:
    """The letter is accepted, and the CT was for half an hour ago."""
    times = {"starts_at": side.at - timedelta(minutes=30), "ends_at": side.at + timedelta(minutes=30)}
    return {"referral": {"status": "accepted"}, "ct_slot": times, "ct_booking": {"status": "booked"}}


PROBES = (
    Probe(
        "referral-receive", given=_referral("accepted", urgency="emergency"), writes={"own": DESK, "partner": DESK}
    ),
    Probe("referral-attach"),
    Probe("referral-attachment-take-back", {"reason": "另一位居民的"}, writes={"own": CENTRE}),
    Probe(
        "referral-part", given=_ct_now, words={"part": "ct"},
        writes={"own": (*DESK, "expert"), "partner": (*DESK, "expert")},
    ),
)  # fmt: skip
