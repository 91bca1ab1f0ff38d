"""Valid forms of teams, packages and contracts; see `probes`."""

from __future__ import annotations

from datetime import timedelta

from tests.access_matrix.probes import BUREAUS, CENTRE, Given, Probe
from tests.access_matrix.world import Side

MANAGER = ("centre_manager",)
BUREAU = ("bureau_officer",)


def _stands(status: str) -> Given:
    """The contract stands there, with a term only where there is one."""
    return {"contract": {"status": status, "starts_on": None, "ends_on": None}}


def _step(
    step: str,
    who: tuple[str, ...],
    body: dict[str, str] | None = None,
    status: str = "",
    *,
    alone: tuple[str, ...] = (),
) -> Probe:  # fmt: skip
    """A step of a contract; for `alone`, who sign on their own screen, no name in the form counts."""
    return Probe(
        "contracting-step", body or {}, given=lambda side: _stands(status) if status else {}, step=step,
        words={"action": step}, writes={"own": who, "their form": alone},
    )  # fmt: skip


REASON = {"reason": "有变化"}
SIGNED = {"way": "paper", "where": "home", "signed_by": "{resident.name}", "filed_as": "1"}
BOTH = (*CENTRE, "resident")
ITEMS = {"item-TOTAL_FORMS": "6", "item-INITIAL_FORMS": "0", "item-0-act": "visit", "item-0-zh": "上门"}
PACKAGE = {"zh": "演示包", "code": "demo", "group": "everyone", "starts_on": "{today}", "reason": "按价目"}


def _free(side: Side) -> Given:
    """Nobody is signed, and the team is empty."""
    return {**_stands("withdrawn"), "team": {"taken": 0}}


def _asks(side: Side) -> Given:
    """The centre is a private house where the paper asks for an approval, and was refused once."""
    return {
        "place": {"code": "310104"}, "centre": {"ownership": "private"},
        "approval": {"status": "refused", "answer": "演示"},
    }  # fmt: skip


def _found(side: Side) -> Given:
    """Something was found in what was drawn."""
    told = {"status": "found", "how": "phone", "findings": ["no_plan"], "due_on": side.today, "checked_at": side.at}
    return {"sampled_item": told}


def _corrected(side: Side) -> Given:
    """The centre has put it right."""
    return {"sampled_item": _found(side)["sampled_item"] | {"status": "corrected", "answer": "演示"}}


def _approved(side: Side) -> Given:
    """The approval holds."""
    return {"approval": {"status": "granted", "answer": "同意", "starts_on": side.today}}


def _no_pilot(side: Side) -> Given:
    """The pilot of the centre is over."""
    return {"pilot": {"ends_on": side.today - timedelta(days=1)}}


UNDONE = {"done_at": None, "by_name": "", "source": ""}


def _to_do(side: Side) -> Given:
    """The step is not done yet."""
    return {"one_stop_step": UNDONE}


def _nobody_comes(side: Side) -> Given:
    """The visit was called off, the person is of the group, and one member may do every step."""
    return {
        "one_stop": {"status": "cancelled"}, "one_stop_step": {"is_off": True, **UNDONE}, "pilot": {"ends_on": None},
        "key_person": {"group": "elderly", "until": None},
    }  # fmt: skip


KINDS = ("common_disease", "follow_up", "record_keeping", "health_education", "mother_and_child", "disease_control")
DECIDED = {"own": BUREAUS, "partner": ("bureau_officer",)}
PROBES: tuple[Probe, ...] = (
    Probe("contracting-approval-ask", {"said": "演示服务"}, given=_asks, writes={"own": MANAGER}),
    Probe("contracting-approval-grant", {"starts_on": "{today}", "answer": "同意"}, step="grant", writes=DECIDED),
    Probe("contracting-approval-step", {"step": "take_back"}, step="take_back", writes={"own": MANAGER}),
    Probe("contracting-approval-step", {"step": "refuse", **REASON}, step="refuse", writes=DECIDED),
    Probe(
        "contracting-approval-step", {"step": "withdraw", **REASON}, given=_approved, step="withdraw", writes=DECIDED
    ),
    Probe("contracting-form-team", {"zh": "演示二队"}, writes={"own": MANAGER}),
    Probe("contracting-team-step", {"step": "close", **REASON}, given=_free, writes={"own": MANAGER}),
    Probe(
        "contracting-member-add", {"member-practitioner": "{clinician.pk}", "member-kind": "specialist"},
        writes={"own": MANAGER},
    ),
    Probe("contracting-member-end", writes={"own": MANAGER}),
    Probe(
        "contracting-zone-add",
        {"zone-zh": "二", "zone-kind": "grid", "zone-street": "演示街", "zone-first": "1", "zone-last": "2"},
        writes={"own": MANAGER},
    ),
    Probe("contracting-zone-drop", writes={"own": MANAGER}),
    Probe("contracting-duty", {"kind": "gp", "duties": "牵头"}, writes={"own": MANAGER}),
    Probe("contracting-adopt", {"code": "basic"}, writes={"own": (*MANAGER, *BUREAUS)}),
    Probe(
        "contracting-package-new", {**PACKAGE, **ITEMS, "item-0-times": "2"}, writes={"own": (*MANAGER, *BUREAUS)}
    ),
    Probe("contracting-package-end", writes={"own": (*MANAGER, "bureau_officer")}),
    Probe(
        "contracting-new", {"team": "{team.pk}"}, query="?resident={resident.pk}", given=_free,
        writes={"own": CENTRE},
    ),
    Probe(
        "contracting-apply", {"team": "{team.pk}"}, query="?resident={resident.pk}", given=_free,
        writes={"own": ("resident",)},
    ),
    _step("accept", CENTRE, status="applied"),
    _step("refuse", CENTRE, REASON, "applied"),
    _step("withdraw", BOTH, status="applied"),
    _step("sign", BOTH, SIGNED, "accepted", alone=("resident",)),
    _step("renew", BOTH, SIGNED, alone=("resident",)),
    _step("suspend", CENTRE, REASON),
    _step("end", BOTH, {"why": "wish", **REASON}),
    Probe(
        "contracting-step", given=lambda side: {"contract": {"status": "suspended"}}, step="resume",
        words={"action": "resume"}, writes={"own": CENTRE},
    ),
    Probe("papers-contract", writes={"own": CENTRE}),
    Probe(
        "contracting-pilot-begin", {"organization_id": "{centre.pk}", "starts_on": "{today}"}, given=_no_pilot,
        writes={"own": (*MANAGER, *BUREAUS), "partner": ("bureau_officer",)},
    ),
    Probe("contracting-pilot-end", writes={"own": (*MANAGER, *BUREAUS), "partner": ("bureau_officer",)}),
    Probe(
        "contracting-one-stop-new", {"flow": "elderly", "on": "{tomorrow}"}, given=_nobody_comes,
        writes={"own": CENTRE},
    ),
    Probe(
        "quality-new",
        {"centre_id": "{centre.pk}", "starts_on": "{today}", "ends_on": "{today}", "size": "1", "seed": "9"},
        writes={"own": BUREAUS, "partner": ("bureau_officer",)},
    ),
    Probe("quality-check", {"how": "phone", "findings": "no_plan"}, step="find", writes={"own": BUREAUS}),
    Probe("quality-step", {"step": "correct", **REASON}, given=_found, step="correct", writes={"own": MANAGER}),
    Probe("quality-step", {"step": "close"}, given=_corrected, step="close", writes={"own": BUREAU}),
    Probe("quality-step", {"step": "send_back", **REASON}, given=_corrected, step="send_back", writes={"own": BUREAU}),
    Probe("quality-contact"),
    Probe("stations-new", {"zh": "演示站"}, writes={"own": MANAGER}),
    Probe("stations-report", dict.fromkeys(KINDS, "1"), writes={"own": CENTRE}),
    Probe("contracting-one-stop-done", given=_to_do, writes={"own": CENTRE}),
    Probe("contracting-one-stop-cancel", {**REASON}, given=_to_do, step="cancel", writes={"own": CENTRE}),
)  # fmt: skip
