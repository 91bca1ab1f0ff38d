"""Valid forms of tables that come in and of papers; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import BUREAUS, CLINIC, DESK, LEADERS, PLANNER, Given, Probe
from tests.access_matrix.work import WEEK_PLANNERS
from tests.access_matrix.world import Side

FINANCE = ("finance_officer", "district_finance_officer")
IMPORTERS = ("centre_manager", "system_admin", *WEEK_PLANNERS)


def _entered(side: Side) -> Given:
    """The batches were entered."""
    times = {"sent_at": side.at, "entered_at": side.at}
    return {name: times for name in side.rows if name.startswith("import_batch@")}


PROBES: tuple[Probe, ...] = (
    # Papers: whoever sees the row may hand out its paper.
    Probe("papers-referral", writes={"own": (*CLINIC, "guidance_office"), "partner": (*DESK, "expert")}),
    Probe(
        "papers-agreement",
        writes={
            "own": (*CLINIC, *LEADERS, *PLANNER, *BUREAUS, *FINANCE),
            "partner": (*LEADERS, *PLANNER, "expert", "referral_desk", "bureau_officer", "finance_officer"),
            "former": (*LEADERS, "expert", "referral_desk"),
        },
    ),
    Probe(
        "papers-settlement",
        writes={
            "own": (*LEADERS, *BUREAUS, *FINANCE), "partner": (*LEADERS, "bureau_officer", "finance_officer"),
            "former": LEADERS,
        },
    ),
    Probe("papers-publication", writes={"own": (*LEADERS, *BUREAUS), "partner": ("bureau_officer",)}),
    Probe("papers-upload", words={"paper": "referral"}),
    Probe("papers-revert", words={"paper": "referral"}),
    # Tables that come in.
    Probe("imports-upload"),
    Probe("imports-mend", {"c0": "新名"}, writes={"own": IMPORTERS}),
    Probe("imports-enter", writes={"own": IMPORTERS}),
    Probe("imports-undo", given=_entered, writes={"own": IMPORTERS}),
    Probe("imports-drop", writes={"own": IMPORTERS}),
    Probe("work-anew", {"job": "1"}),
    Probe("institutions-office", writes={
        "own": (*LEADERS, *BUREAUS, "system_admin"), "partner": ("bureau_officer", "system_admin")}),
    Probe("referral-undo", {"step": "undo"}),
)  # fmt: skip
WITHOUT_TRACE = {
    "imports-upload": "without a file",
    "papers-upload": "without a file",
    "referral-attach": "without a file",
    "work-anew": "no work failed here",
    "referral-undo": "nobody has just taken a step of theirs",
    "papers-revert": "the product's own template is in use already",
}
