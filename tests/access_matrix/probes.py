"""A valid form for every address that takes one, the rows it needs, and who may write with it on whose rows.

`writes` names, for each relation, the actors whose form leaves a trace in the data. Everybody else changes nothing:
neither by asking nor by being refused. A new form needs a probe here, or the matrix is not complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kangqiao.base.idempotency import FIELD
from kangqiao.domain.publication.rules import digest
from tests.access_matrix.cells import ACTORS, NOBODY
from tests.access_matrix.world import Side

Given = Mapping[str, Mapping[str, Any]]
CENTRE = ("gp", "centre_manager")
LEADERS = ("guidance_office", "hospital_director")
DESK = ("referral_desk", "guidance_office")
BUREAUS = ("bureau_officer", "district_bureau_officer")
ADMINS = ("system_admin", "security_admin")
PLANNER = ("dispatcher",)
CLINIC = ("gp", "centre_manager", "referral_desk", "expert")
BOOKERS = ("resident", "gp", "centre_manager", "referral_desk")
SIGNED_IN = tuple(actor for actor in ACTORS if actor not in NOBODY)
LETTER = {
    "diagnosis": "高血压", "reason_code": "htn_resistant", "history": "病史", "examination": "查体", "medicines": "无",
    "allergies": "无", "urgency": "routine", "has_consent": "on",
}  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """One valid form. Texts name rows as `{slot.pk}`; `given` changes rows; `words` and `rows` replace arguments."""

    address: str
    body: Mapping[str, str] = field(default_factory=dict)
    given: Callable[[Side], Given] = lambda side: {}
    query: str = ""
    step: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The address and the step."""
        return f"{self.address}:{self.step}" if self.step else self.address

    @property
    def names_rows(self) -> bool:
        """Whether query or form name rows, beside the address."""
        return any("." in found for found in re.findall(r"{(.*?)}", "".join((self.query, *self.body.values()))))

    def filled(self, side: Side, actor: str) -> dict[str, str]:
        """The form, with the rows of a side as they stand before the actor."""
        rows = _Rows(side, actor)
        return {name: text.format_map(rows) for name, text in self.body.items()} | {FIELD: "one-time-key"}

    def asked(self, side: Side, actor: str) -> str:
        """The query of the address, filled the same way."""
        return self.query.format_map(_Rows(side, actor))

    def prepare(self, side: Side) -> None:
        """Brings the rows into the state the form is made for."""
        for name, values in self.given(side).items():
            row = side.rows[name]
            type(row)._default_manager.filter(pk=row.pk).update(**values)


class _Rows(dict[str, Any]):
    def __init__(self, side: Side, actor: str) -> None:
        super().__init__(
            today=side.today, tomorrow=side.today + timedelta(days=1), free_day=side.rows["free_day"],
            monday=side.today + timedelta(days=7 - side.today.weekday()), year=side.today.year,
        )  # fmt: skip
        self.side, self.actor = side, actor

    def __missing__(self, name: str) -> Any:
        return self.side.row(name, self.actor)


def _status(**statuses: str) -> Callable[[Side], Given]:
    return lambda side: {name: {"status": status} for name, status in statuses.items()}


def _today(side: Side) -> Given:
    """The half-day is today and has begun."""
    return {"half_day": {"day": side.today, "half": "am", "status": "confirmed", "session": None}}


def _free(side: Side) -> Given:
    """The resident holds no place."""
    names = [name for name in side.rows if name.startswith("booking")]
    return {name: {"status": "cancelled"} for name in names}


def _visit_now(side: Side) -> Given:
    """The place was for half an hour ago."""
    times = {"starts_at": side.at - timedelta(minutes=30), "ends_at": side.at + timedelta(minutes=30)}
    found: dict[str, dict[str, Any]] = dict.fromkeys(("slot", "slot@hospital"), times)
    found |= {name: {"status": "booked"} for name in ("booking", "booking@hospital")}
    if side.host is not None:
        found["booking@centre"] = {"slot": side.slot}
    return found


def _referral(status: str, row: str = "referral", **values: Any) -> Callable[[Side], Given]:
    return lambda side: {**_free(side), row: {"status": status, **values}}


def _up(step: str, status: str, who: tuple[str, ...], body: Mapping[str, str] | None = None, **values: Any) -> Probe:
    """A step of a referral up; the hospital acts for partners as for its own centre."""
    partner = tuple(role for role in who if role not in CENTRE)
    return Probe(
        "referral-step", body or {}, given=_referral(status, **values), step=step, words={"action": step},
        writes={"own": who, "partner": partner},
    )  # fmt: skip


def _down(step: str, status: str, who: tuple[str, ...], body: Mapping[str, str] | None = None) -> Probe:
    """A step of a referral down."""
    partner = tuple(role for role in who if role not in CENTRE)
    return Probe(
        "referral-step", body or {}, given=_referral(status, "down"), step=f"{step}-down", words={"action": step},
        rows={"referral": "down"}, writes={"own": who, "partner": partner},
    )  # fmt: skip


REASON = {"reason": "有变化"}
ELSEWHERE = {"to_organization_id": "{hospital.pk}", "specialty": "neurology", "is_agreed": "on", **REASON}
OF_BOTH = {"own": LEADERS, "partner": LEADERS}
AT_ONES_DESK = {"own": CLINIC, "partner": CLINIC}


def _agreement(step: str, status: str, writes: Mapping[str, tuple[str, ...]]) -> Probe:
    """A step of an agreement."""
    return Probe(
        "agreements-step", {"step": step, **REASON, "handover": "已交接"}, given=_status(agreement=status), step=step,
        writes=writes,
    )  # fmt: skip


def _half_day(step: str, given: Callable[[Side], Given], writes: Mapping[str, tuple[str, ...]]) -> Probe:
    """A step of a half-day."""
    return Probe("roster-step", {"step": step, **REASON}, given=given, step=step, writes=writes)


def _posting(step: str, given: Callable[[Side], Given], **former: tuple[str, ...]) -> Probe:
    """A step of a posting: the hospital that sends the expert."""
    writes = {**OF_BOTH, **former}
    return Probe("roster-posting-step", {"step": step, **REASON}, given=given, step=step, writes=writes)


def _list(step: str, given: Callable[[Side], Given], **writes: tuple[str, ...]) -> Probe:
    """A step of the public list; the city's bureau approves for every hospital in it."""
    return Probe("publication-step", {"step": step, **REASON}, given=given, step=step, writes=writes)


DRAFTERS = {"own": (*LEADERS, *BUREAUS), "partner": (*LEADERS, "bureau_officer")}
PROBES: tuple[Probe, ...] = (
    # Coming in and one's own settings.
    Probe("sso-unbind", writes={"own": SIGNED_IN}),
    Probe("people-new"),
    Probe("people-step", {"step": "close"}, writes={"own": ADMINS[:1], "partner": ADMINS[:1]}),
    Probe("people-password", writes={"own": ADMINS[:1], "partner": ADMINS[:1]}),
    Probe(
        "people-role", {"organization": "{organization.pk}", "role": "pharmacist", "since": "{tomorrow}"},
        writes={"own": ADMINS[:1], "partner": ADMINS[:1]},
    ),
    Probe("people-end-role", {"until": "{today}"}, writes={"own": ADMINS[:1], "partner": ADMINS[:1]}),
    Probe("people-decide", {"step": "refuse", "reason": "无此岗位"}, writes={"own": ADMINS[1:], "partner": ADMINS[1:]}),
    Probe("csp-report"),
    Probe("drafts-keep", {"draft_action": "/x/", "draft_page": "/x/", "words": "a"}),
    Probe("drafts-drop", {"draft_action": "/x/", "draft_page": "/"}),
    Probe("sign-in", {"username": "nobody", "password": "wrong"}, writes={"own": ACTORS}),
    Probe("accounts-second", {"code": "123456"}),
    Probe("accounts-first-password", {"new": "moon over the river", "again": "moon over the river"}),
    Probe("accounts-add-app", {"code": "123456"}),
    Probe("accounts-add-key", {"key": "{{}}"}),
    Probe("accounts-prove", {"proof_password": "wrong", "proof_code": "123456"}, writes={"own": SIGNED_IN}),
    Probe("own-end-one", writes={"own": SIGNED_IN}),
    Probe("own-end-everywhere", writes={"own": SIGNED_IN}),
    Probe("own-remove-factor", writes={"own": SIGNED_IN}),
    Probe("own-recovery-codes", writes={"own": SIGNED_IN}),
    Probe("own-password", {"old": "wrong", "new": "moon over the river", "again": "moon over the river"}),
    Probe("accounts-demo", {"seat": "1"}),
    Probe("sign-out", writes={"own": (*SIGNED_IN, "ended")}),
    Probe("accounts-seat", {"seat": "1"}),
    Probe("set_language", {"language": "en"}, writes={"own": SIGNED_IN}),
    Probe("accounts-mode", {"size": "elder"}, writes={"own": SIGNED_IN}),
    Probe("messaging-read-all", writes={"own": SIGNED_IN}),
    Probe("messaging-open", writes={"own": SIGNED_IN}),
    Probe("messaging-read", writes={"own": SIGNED_IN}),
    Probe("messaging-unread"),
    # Agreements. A hospital keeps the paper of a former partner in order, nobody else's.
    Probe(
        "agreements-draft",
        {
            "kind": "target", "hospital": "{agreement.hospital_id}", "centre": "{agreement.centre_id}",
            "starts_on": "{today}",
        },
        writes=DRAFTERS,
    ),
    _agreement("propose", "draft", DRAFTERS),
    _agreement("discard", "draft", {**DRAFTERS, "former": LEADERS}),
    _agreement(
        "request_end", "in_force",
        {"own": (*LEADERS, "centre_manager"), "partner": LEADERS},
    ),
    _agreement("refuse_end", "ending_requested", {"own": ("bureau_officer",), "partner": ("bureau_officer",)}),
    _agreement("end", "ending_requested", {"own": ("bureau_officer",), "partner": ("bureau_officer",)}),
    Probe(
        "agreements-sign", given=_status(agreement="signing"),
        writes={"own": ("hospital_director", "centre_manager", "bureau_officer"), "partner": ("hospital_director",)},
    ),
    Probe("agreements-justify", REASON, writes={**OF_BOTH, "former": LEADERS}),
    # The roster: the city's dispatcher plans; hospital, centre and the centre's bureau hold the half-days.
    Probe("roster-plan", {"starts_on": "{monday}", "weeks": "1"}, writes={"own": PLANNER}),
    Probe("roster-publish", given=_status(roster="draft"), writes={"own": PLANNER, "partner": PLANNER}),
    Probe(
        "roster-add", {"target": "{organization.pk}.{free_day}.am", "posting": "{posting.pk}"},
        writes={"own": PLANNER, "partner": PLANNER},
    ),
    Probe("roster-move", {"target": "{centre.pk}.{free_day}.pm"}, writes={"own": PLANNER, "partner": PLANNER}),
    _half_day(
        "confirm",
        lambda side: {"half_day": {"status": "planned", "session": None}, "session": {"status": "withdrawn"}},
        {"own": (*PLANNER, *LEADERS), "partner": (*PLANNER, *LEADERS)},
    ),
    _half_day(
        "cancel", _status(half_day="planned"),
        {
            "own": (*PLANNER, *LEADERS, *BUREAUS, "centre_manager"),
            "partner": (*PLANNER, *LEADERS, "bureau_officer"), "former": LEADERS,
        },
    ),
    _half_day("complete", _today, {"own": (*BUREAUS, "centre_manager"), "partner": ("bureau_officer",)}),
    _half_day("miss", _today, {"own": (*BUREAUS, "centre_manager"), "partner": ("bureau_officer",)}),
    Probe(
        "roster-record", {"kind": "clinic", "people": "3"}, given=_today,
        writes={"own": ("centre_manager", "expert"), "partner": ("expert",)},
    ),
    Probe(
        "roster-nominate", {"practitioner": "{clinician.pk}", "centre": "{centre.pk}", "starts_on": "{tomorrow}"},
        writes={"own": LEADERS},
    ),
    _posting("approve", _status(posting="nominated")),
    _posting("refuse", _status(posting="nominated"), former=LEADERS),
    _posting("post", _status(posting="approved")),
    _posting("end", _status(posting="posted")),
    Probe("records-identifier"),
    # Who may look: the resident decides, the security administrator asks, a doctor opens in an emergency.
    Probe(
        "residents-decide",
        {"organization": "{hospital.pk}", "decision": "refuse", "resident": "{resident.pk}"},
        writes={"own": ("resident",)},
    ),
    Probe(
        "residents-proxy",
        {"name": "{neighbour.name}", "identifier": "{neighbour.identifier}", "resident": "{resident.pk}"},
    ),
    Probe("residents-withdraw", writes={"own": ("resident",)}),
    Probe("residents-ask", {"text": "为什么"}, query="?event={question.pk}"),
    Probe(
        "residents-emergency",
        {"name": "{resident.name}", "identifier": "{resident.identifier}", "reason": "昏迷送院，需查过敏史"},
    ),
    Probe(
        "residents-review", {"text": "请说明"}, writes={"own": ("security_admin",), "partner": ("security_admin",)}
    ),
    Probe(
        "residents-question", {"text": "已核查"},
        writes={"own": ("security_admin", "gp", "expert"), "partner": ("security_admin",)},
    ),
    Probe(
        "residents-guardian", {"name": "{neighbour.name}", "identifier": "{neighbour.identifier}"},
        given=lambda side: {"resident": {"birth_date": side.today - timedelta(days=2000)}},
    ),
    # Referrals.
    Probe(
        "referral-new", {**LETTER, "to_organization": "{agreement.hospital_id}", "specialty": "endocrinology"},
        query="?resident={resident.pk}", writes={"own": CENTRE, "partner": CENTRE},
    ),
    Probe("referral-whole", LETTER),
    Probe(
        "referral-down",
        {
            **LETTER, "to_organization": "{centre.pk}", "specialty": "surgery", "reason_code": "stable_for_community",
            "plan": "每月随访",
        },
        query="?resident={resident.pk}", writes={"own": (*DESK, "expert"), "partner": (*DESK, "expert")},
    ),
    _up("accept", "sent", DESK, {"slot_id": "{slot.pk}"}),
    _up("rebook", "accepted", DESK, {"slot_id": "{slot.pk}"}),
    *(_up(step, "sent", DESK, REASON) for step in ("return", "defer")),
    _up("redirect", "sent", DESK, ELSEWHERE),
    _up("advise", "unplaced", (*DESK, "expert"), {"reply": "先观察"}),
    _up("resend", "returned", CENTRE, LETTER),
    _up("withdraw", "sent", CENTRE, REASON),
    _up("see", "accepted", (*DESK, "expert"), urgency="emergency"),
    _up("not_attend", "accepted", DESK, REASON),
    _up("summarise", "seen", (*DESK, "expert"), {"reply": "已查"}),
    _up("close", "summarised", CENTRE),
    _down("take_over", "proposed", CENTRE),
    _down("decline", "proposed", CENTRE, REASON),
    _down("propose_again", "declined", (*DESK, "expert"), {"medicines": "无", "plan": "每月随访"}),
    _down("follow_up", "taken_over", CENTRE, {"note": "已电话随访"}),
    _down("withdraw", "proposed", (*DESK, "expert"), REASON),
    # Judging and money: the authority of the city, the finance of the payer.
    Probe(
        "appraisal-open", {"year": "{year}"}, given=lambda side: {"appraisal": {"year": 2001}},
        writes={"own": ("bureau_officer",)},
    ),
    Probe("appraisal-score", writes={"own": ("bureau_officer",), "partner": ("bureau_officer",)}),
    Probe(
        "appraisal-close",
        given=lambda side: {
            "appraisal": {"status": "scored", "year": side.today.year - 1, "score": 90, "pay_percent": 100}
        },
        writes={"own": ("bureau_officer",), "partner": ("bureau_officer",)},
    ),
    Probe(
        "finance-compute", {"year": "{year}", "reason": "更正"},
        given=lambda side: {"settlement": {"year": 2001}}, writes={"own": ("finance_officer",)},
    ),
    Probe(
        "finance-inputs",
        {
            "what": "{figure.kind}:{figure.place_id}:{figure.organization_id}", "number": "7", "source": "报表",
        },
        query="?year={year}",
        writes={"own": ("finance_officer", "district_finance_officer"), "partner": ("finance_officer",)},
    ),
    Probe(
        "finance-verify", given=lambda side: {"figure": {"verified_at": None, "verified_by": ""}},
        writes={"own": ("finance_officer", "district_finance_officer"), "partner": ("finance_officer",)},
    ),
    Probe(
        "finance-submit", given=_status(settlement="computed"),
        writes={"own": ("finance_officer",), "partner": ("finance_officer",)},
    ),
    Probe(
        "finance-pay",
        given=lambda side: {
            "settlement": {"status": "submitted"},
            "line": {"status": "payable", "amount_fen": 100, "pay_percent": 100},
        },
        writes={"own": ("district_finance_officer",)},
    ),
    # What the public reads.
    Probe("publication-draft", {"year": "{year}"}, given=lambda side: {"publication": {"year": 2001}},
          writes={"own": LEADERS}),
    _list("submit", _status(publication="draft"), own=LEADERS),
    _list("return", _status(publication="submitted"), own=("bureau_officer",), partner=("bureau_officer",)),
    _list("approve", _status(publication="submitted"), own=("bureau_officer",), partner=("bureau_officer",)),
    _list(
        "publish", lambda side: {"publication": {"status": "approved", "sha256": digest(side.publication.content)}},
        own=(*LEADERS, "bureau_officer"), partner=("bureau_officer",),
    ),
)  # fmt: skip
# Forms that change no row of a table, or none in this world; every other form proves itself valid.
WITHOUT_TRACE = {
    "csp-report": "goes to the log",
    "drafts-keep": "sealed words of one's own, gone in three days",
    "drafts-drop": "the same",
    "messaging-unread": "nothing was read before",
    "people-new": "an empty form",
    "accounts-second": "nobody is half-way in",
    "accounts-first-password": "nobody is half-way in",
    "accounts-add-app": "the code of a telephone that is not there",
    "accounts-add-key": "a key that is not there",
    "own-password": "an account without a password",
    "accounts-demo": "no demonstration",
    "accounts-seat": "chooses in the session alone",
    "records-identifier": "shows; the trace is the audit's",
    "quality-contact": "shows; the trace is the audit's",
    "residents-ask": "nobody has looked yet",
    "residents-emergency": "not for whom one may see anyway",
    "residents-proxy": "nobody here has papers to be named by",
    "residents-guardian": "nobody here has papers to be named by",
    "referral-whole": "counts what is filled",
}
