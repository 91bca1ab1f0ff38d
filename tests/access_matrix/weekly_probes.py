"""Valid forms of the week of a hospital and of its calendar; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import BUREAUS, LEADERS, PLANNER, Given, Probe, _free
from tests.access_matrix.world import Side

PLANNED = {"own": (*PLANNER, *LEADERS, "referral_desk"), "partner": PLANNER}
# Whoever keeps a calendar names days of their own: whichever side is asked about, it is theirs that is written.
NAMING = (*PLANNER, *BUREAUS, *LEADERS, "referral_desk")
EVENING = {
    "practitioner": "{weekly_doctor.pk}", "specialty": "", "weekday": "3", "room": "305", "starts": "20:30",
    "ends": "21:30", "slot_minutes": "30", "capacity": "2", "walk_in_percent": "0", "since": "{tomorrow}",
    "last_day": "",
}  # fmt: skip
LATER = {"user": "{overbook_right.user_id}", "since": "{tomorrow}", "last_day": "{tomorrow}", "reason": "会诊"}


def _full(side: Side) -> Given:
    """The clinic of the hospital has no place left, and the resident has none in it."""
    return {**_free(side), "slot@hospital": {"capacity": 1, "taken": 1, "held": []}}


PROBES = (
    Probe("slots-template-new", EVENING, writes=PLANNED),
    Probe("slots-template", EVENING, writes=PLANNED),
    Probe("slots-template-end", writes=PLANNED),
    Probe("slots-template-except", {"day": "{tomorrow}", "reason": "开会"}, writes=PLANNED),
    Probe("slots-template-restore", {"day": "{free_day}"}, writes=PLANNED),
    Probe(
        "slots-partner-share",
        {"centre": "{centre.pk}", "specialty": "", "least": "1", "most": "5", "since": "{today}", "reason": "按协议"},
        writes={"own": PLANNED["own"]},  # the partner's centre is paired with our hospital, not with its own
    ),
    Probe("slots-rights-of", LATER, writes={"own": LEADERS}),
    Probe("slots-right-end", writes={"own": LEADERS}),
    Probe(
        "slots-beyond", {"resident": "{resident.pk}", "reason": "复诊"}, given=_full,
        writes={"own": ("referral_desk",), "partner": ("referral_desk",)},
    ),
    Probe("slots-opening", {"weeks": "1", "seen": "1"}, writes=PLANNED),
    Probe(
        "slots-calendar", {"first": "{tomorrow}", "last": "", "counts": "closed", "reason": "院庆"},
        writes={"own": NAMING},
    ),
    Probe(
        "slots-calendar-day", {"step": "clear", "day": "{tomorrow}"},
        writes={"own": (*LEADERS, "referral_desk")},
    ),
)  # fmt: skip
