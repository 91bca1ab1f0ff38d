"""Valid forms of places, holds and visits; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import (
    AT_ONES_DESK,
    BOOKERS,
    CENTRE,
    LEADERS,
    PLANNER,
    REASON,
    Given,
    Probe,
    _free,
    _status,
    _visit_now,
)
from tests.access_matrix.world import Side


def _not_held(side: Side) -> Given:
    """The resident neither holds nor has a place."""
    return {**_free(side), **{name: {"until": side.hold.since} for name in ("hold", "hold@hospital")}}


SHARED = {
    "partner_percent": "50", "team_percent": "0", "contracted_percent": "0", "team_hours": "96",
    "contracted_hours": "48", "release_hours": "24", "since": "{today}", "reason": "按协议",
}  # fmt: skip
PROBES = (
    Probe(
        "slots-share",
        SHARED,
        writes={
            "own": (*PLANNER, *LEADERS, "referral_desk"),
            "partner": PLANNER,
        },
    ),
    # Places and visits. A resident books any public place; of staff, those of the place or with a basis.
    Probe(
        "slots-book",
        {"resident": "{resident.pk}"},
        given=_free,
        writes={
            "own": BOOKERS,
            "partner": (*CENTRE, "referral_desk"),
            "their address": BOOKERS,
        },
    ),
    Probe(
        "slots-hold",
        {"resident": "{resident.pk}"},
        given=_not_held,
        writes={"own": BOOKERS, "partner": (*CENTRE, "referral_desk"), "their address": BOOKERS},
    ),
    Probe(
        "slots-release",
        {"resident": "{resident.pk}"},
        given=_free,
        writes={"own": BOOKERS, "partner": (*CENTRE, "referral_desk")},
    ),
    Probe(
        "slots-move",
        {"slot": "{other_slot.pk}"},
        given=_status(booking="booked"),
        writes={"own": BOOKERS, "partner": (*CENTRE, "referral_desk"), "their form": BOOKERS},
    ),
    Probe(
        "slots-cancel",
        REASON,
        given=_status(booking="booked"),
        writes={"own": BOOKERS, "partner": (*CENTRE, "referral_desk")},
    ),
    Probe("slots-step", {"step": "check_in"}, given=_visit_now, step="check_in", writes=AT_ONES_DESK),
    Probe("slots-scan", {"code": "{booking.code}"}, given=_visit_now, writes=AT_ONES_DESK),
    Probe("slots-step", {"step": "miss"}, given=_visit_now, step="miss", writes=AT_ONES_DESK),
    Probe("slots-step", {"step": "cancel"}, given=_status(booking="booked"), step="cancel", writes=AT_ONES_DESK),
    Probe("slots-visit", {"diagnosis": "I10", "summary": "平稳"}, given=_visit_now, writes=AT_ONES_DESK),
)
