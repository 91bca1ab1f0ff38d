"""What the policy papers say about agreements: parties, term, duties, and who may or must hold one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kangqiao.policy import Policy, Value

TOPIC = "agreements"
# Keys of the duties that the system counts; the other duties are kept in words.
HALF_DAYS, EXPERTS, CENTRES, OFFICE = "half_days_per_week", "posted_experts", "centres_per_hospital", "guidance_office"
_TERM_KEY = {"target": "target_agreement_term_years"}


@dataclass(frozen=True, slots=True)
class DutyTerm:
    """One duty as the pack words it on a day, with its figure; `target` is None where the paper asks for no number.

    The figure's own clause, force and setting mark go with it, since a city may set what the paper leaves open.
    """

    side: str
    measure: str
    zh: str
    en: str
    target: Decimal | None
    unit: str
    clause: str
    force: str
    is_setting: bool
    policy_ref: str


@dataclass(frozen=True, slots=True)
class AgreementParameters:
    """What an agreement of one kind must look like under one policy.

    `parties` are the sides that sign, `ending_approver` the office that decides an early end. Raises NoPolicyInForce
    on reading where the region's papers know no agreement of this kind.
    """

    kind: str
    parties: tuple[str, ...]
    parties_clause: str
    term_years: int
    forms: tuple[str, ...]
    ending_approver: str
    duties: tuple[DutyTerm, ...]
    policy_ref: str

    @classmethod
    def read(cls, policy: Policy, kind: str) -> AgreementParameters:
        """The parameters for one kind of agreement. Raises NoPolicyInForce."""
        parties = policy.value(TOPIC, f"parties_{kind}")
        return cls(
            kind=kind,
            parties=tuple(str(side) for side in parties.list_()),
            parties_clause=parties.clause,
            term_years=policy.integer(TOPIC, _TERM_KEY.get(kind, "agreement_term_years")),
            forms=tuple(str(form) for form in policy.list_(TOPIC, "forms_of_cooperation")),
            ending_approver=policy.text(TOPIC, "ending_approver"),
            duties=tuple(_duties(policy, kind)),
            policy_ref=str(policy.ref),
        )


@dataclass(frozen=True, slots=True)
class ResponsibleHospitalRule:
    """Which hospitals may be responsible for centres, and how many for one centre (ZH-1a, ZH-2a)."""

    min_level: int
    min_level_clause: str
    hospitals_per_centre: int
    hospitals_per_centre_clause: str

    @classmethod
    def read(cls, policy: Policy) -> ResponsibleHospitalRule:
        """The rule in force. Raises NoPolicyInForce."""
        level = policy.value(TOPIC, "min_hospital_level")
        share = policy.value(TOPIC, "responsible_hospitals_per_centre")
        return cls(level.integer(), level.clause, share.integer(), share.clause)


@dataclass(frozen=True, slots=True)
class PairingScope:
    """Which hospitals must hold pairing agreements, and with how many centres (SZ16-1a, SZ16-1b, SZ16-1f)."""

    exempt_years_open: int
    exempt_clause: str
    centres_min: int
    own_centres_count: bool
    centres_clause: str
    centres_force: str

    @classmethod
    def read(cls, policy: Policy) -> PairingScope:
        """The scope in force. Raises NoPolicyInForce."""
        exempt = policy.value(TOPIC, "exempt_years_open")
        centres = policy.value(TOPIC, "centres_per_hospital_min")
        own = policy.flag(TOPIC, "own_centres_count")
        return cls(exempt.integer(), exempt.clause, centres.integer(), own, centres.clause, centres.force)


def _duties(policy: Policy, kind: str) -> list[DutyTerm]:
    found = [value for value in policy.values("duties") if kind in _content(value)["kinds"]]
    return [_term(policy, value) for value in sorted(found, key=lambda value: (value.clause, value.key))]


def _content(value: Value) -> Mapping[str, tuple[str, ...]]:
    content: Mapping[str, tuple[str, ...]] = value.value
    return content


def _term(policy: Policy, duty: Value) -> DutyTerm:
    content = duty.value
    topic, _, key = str(content.get("figure", "")).partition(".")
    figure = policy.value(topic, key) if key else None
    return DutyTerm(
        side=str(content["side"]),
        measure=duty.key,
        zh=str(content["zh"]),
        en=str(content["en"]),
        target=_decimal(figure.fraction()) if figure else None,
        unit=figure.unit if figure else "",
        clause=(figure.clause if figure else "") or duty.clause,
        force=figure.force if figure else duty.force,
        is_setting=(figure or duty).setting,
        policy_ref=str((figure or duty).ref),
    )


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)
