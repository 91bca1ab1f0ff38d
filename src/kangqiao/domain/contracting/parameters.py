"""What the packs say about teams, packages and contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from kangqiao.kernel.errors import NoPolicyInForce
from kangqiao.policy import Policy, Value, at

TOPIC = "contracting"


@dataclass(frozen=True, slots=True)
class ContractingParameters:
    """Kinds a team must have, places in a panel, days and years of a contract, ages and ICD-10 of the key groups.

    `alert_percent` is of the panel, `coverage` and `key_coverage` are targets in percent.
    """

    member_kinds: Value
    panel: Value
    alert_percent: Value
    term_years: Value
    sign_within_days: Value
    renew_before_days: Value
    renew_remind_days: Value
    renew_after_days: Value
    unserved_months: Value
    unserved_grace_days: Value
    elderly_from_years: Value
    child_below_years: Value
    conditions: Mapping[str, tuple[str, ...]]
    coverage: Value
    key_coverage: Value
    ref: str

    @classmethod
    def read(cls, policy: Policy) -> ContractingParameters:
        """The parameters of a place on a day. Raises NoPolicyInForce."""

        def value(key: str) -> Value:
            return policy.value(TOPIC, key)

        return cls(
            member_kinds=value("team_member_kinds"),
            panel=value("residents_per_team_max"),
            alert_percent=value("panel_alert_percent"),
            term_years=value("contract_term_years_min"),
            sign_within_days=value("sign_within_days"),
            renew_before_days=value("renew_before_days"),
            renew_remind_days=value("renew_remind_days"),
            renew_after_days=value("renew_after_days"),
            unserved_months=value("unserved_months"),
            unserved_grace_days=value("unserved_grace_days"),
            elderly_from_years=value("elderly_from_years"),
            child_below_years=value("child_below_years"),
            conditions=value("key_group_conditions").value,
            coverage=value("resident_coverage_percent"),
            key_coverage=value("key_group_coverage_percent"),
            ref=str(policy.ref),
        )


@dataclass(frozen=True, slots=True)
class ApprovalTerms:
    """Which ownerships of a house need an approval to contract, and whether contracts run on when it ends."""

    ownerships: Value
    when_over: Value
    ref: str

    @property
    def runs_on(self) -> bool:
        """Whether contracts go on to the end of their term."""
        return bool(self.when_over.value == "run_on")


@dataclass(frozen=True, slots=True)
class ItemTerm:
    """One item of a package as the pack words it: which act, how often a year, what it costs each time in fen."""

    act: str
    zh: str
    en: str
    times: int
    fen: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageTerm:
    """One package of the pack; `clause` is empty and `reason` says why where it is chosen here."""

    code: str
    zh: str
    en: str
    group: str
    items: tuple[ItemTerm, ...]
    clause: str
    is_setting: bool
    reason: str
    policy_ref: str


@dataclass(frozen=True, slots=True)
class DutyTerm:
    """What one kind of member does, by which standard, and which acts lie within its scope (FT18-2.4d)."""

    kind: str
    zh: str
    standard: str
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActKind:
    """One kind of service of a team, how it is told in words, and what of the record belongs to it.

    `visits` are beginnings of ICD-10 codes, the longest that fits counts, an empty one fits every visit.
    """

    key: str
    zh: str
    en: str
    rank: int
    how: Mapping[str, str]
    visits: tuple[str, ...]
    values: tuple[str, ...]
    letters: tuple[str, ...]
    acts: tuple[str, ...]
    entries: tuple[str, ...]
    is_setting: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Way:
    """How a resident asks for one kind of service, in words, and which page it leads to."""

    zh: str
    en: str
    link: str


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step of a visit with all of a team: which kind of member, what, how many minutes are kept for it."""

    kind: str
    zh: str
    en: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Which steps people of a key group go through at one stop, in order (FT18-3.1a)."""

    key: str
    zh: str
    en: str
    group: str
    rank: int
    steps: tuple[FlowStep, ...]
    is_setting: bool
    reason: str


def contracting_at(place_code: str, on: date) -> ContractingParameters:
    """The parameters of a place on a day. Raises NoPolicyInForce."""
    return ContractingParameters.read(at(place_code, on))


def coverage_target_at(place_code: str, on: date) -> Value:
    """How much of the register shall be signed, in percent (XH23-5.2.1f, XH23-5.2.1g). Raises NoPolicyInForce."""
    return at(place_code, on).value(TOPIC, "resident_coverage_percent")


def approval_terms_at(place_code: str, on: date) -> ApprovalTerms | None:
    """Who needs an approval to contract (XH23-5.2.3c); None where no paper in force asks for one."""
    try:
        policy = at(place_code, on)
        needed = policy.value(TOPIC, "approval_needed_ownerships")
    except NoPolicyInForce:
        return None
    return ApprovalTerms(needed, policy.value(TOPIC, "contracts_when_approval_ends"), str(policy.ref))


def flows_at(place_code: str, on: date) -> list[Flow]:
    """The flows of a place on a day, in order. Raises NoPolicyInForce."""
    return sorted((_flow(one) for one in at(place_code, on).values("one_stop")), key=lambda one: one.rank)


def one_stop_hours_at(place_code: str, on: date) -> tuple[time, time]:
    """From when until when the steps of one stop lie in a day. Raises NoPolicyInForce."""
    begins, until = at(place_code, on).value(TOPIC, "one_stop_hours").list_()
    return time.fromisoformat(begins), time.fromisoformat(until)


def packages_at(place_code: str, on: date) -> list[PackageTerm]:
    """The packages the packs of a place know on a day."""
    return [_package(value) for value in at(place_code, on).values("packages")]


def duties_at(place_code: str, on: date) -> dict[str, DutyTerm]:
    """The duties of each kind of member, by kind."""
    found = {}
    for value in at(place_code, on).values("team_duties"):
        said = value.value
        found[value.key] = DutyTerm(value.key, str(said["zh"]), str(said["standard"]), tuple(said["scope"]))
    return found


def ways_at(place_code: str, on: date) -> dict[str, Way]:
    """How residents ask for each kind of service, by act (SZ17-B9.c). Raises NoPolicyInForce."""
    found: dict[str, Mapping[str, Any]] = {one.key: one.value for one in at(place_code, on).values("service_ways")}
    return {act: Way(said["zh"], said["en"], said["link"]) for act, said in found.items()}


def act_kinds_at(place_code: str, on: date) -> list[ActKind]:
    """The kinds of service a team is counted by, in order (ZH-4.5d). Raises NoPolicyInForce."""
    found = [_act_kind(value) for value in at(place_code, on).values("team_acts")]
    return sorted(found, key=lambda one: one.rank)


def _flow(value: Value) -> Flow:
    said: Mapping[str, Any] = value.value
    steps = tuple(FlowStep(one["member"], one["zh"], one["en"], one["minutes"]) for one in said["steps"])
    return Flow(value.key, said["zh"], said["en"], said["group"], said["rank"], steps, value.setting, value.reason)


def _act_kind(value: Value) -> ActKind:
    said: Mapping[str, Any] = value.value
    how = {"zh": said["how_zh"], "en": said["how_en"]}
    return ActKind(
        value.key, said["zh"], said["en"], said["rank"], how, tuple(said["visits"]), tuple(said["values"]),
        tuple(said["letters"]), tuple(said["acts"]), tuple(said["entries"]), value.setting, value.reason,
    )  # fmt: skip


def _package(value: Value) -> PackageTerm:
    said: Mapping[str, Any] = value.value
    items = tuple(
        ItemTerm(str(one["act"]), str(one["zh"]), str(one["en"]), one["times"], one["fen"], tuple(one["codes"]))
        for one in said["items"]
    )
    return PackageTerm(
        value.key, str(said["zh"]), str(said["en"]), str(said["group"]), items, value.clause, value.setting,
        value.reason, str(value.ref),
    )  # fmt: skip
