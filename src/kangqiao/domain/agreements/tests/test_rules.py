from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from kangqiao import policy
from kangqiao.domain.agreements import rules
from kangqiao.domain.agreements.parameters import AgreementParameters, PairingScope, ResponsibleHospitalRule
from kangqiao.domain.agreements.rules import Verdict
from kangqiao.kernel.errors import NoPolicyInForce


@pytest.mark.parametrize(("level", "allowed"), [(None, False), (1, False), (2, True), (3, True)])
def test_may_be_responsible_hospital_from_the_minimum_level(level: int | None, allowed: bool) -> None:
    decision = rules.may_be_responsible_hospital(level, 2, clause="ZH-1a")

    assert decision.allowed is allowed
    assert decision.clause == ("" if allowed else "ZH-1a")


@pytest.mark.clause("SZ16-1b")
@pytest.mark.parametrize(("on", "bound"), [(date(2016, 8, 31), False), (date(2016, 9, 1), True)])
def test_in_scope_flips_on_the_fifth_anniversary(on: date, bound: bool) -> None:
    scope = PairingScope.read(policy.at("4403", on))

    assert rules.in_scope(date(2011, 9, 1), on, scope.exempt_years_open) is bound


def test_in_scope_without_an_opening_date() -> None:
    assert rules.in_scope(None, date(2016, 1, 1), 5)


@pytest.mark.parametrize(("own_count", "expected"), [(True, 4), (False, 3)])
def test_centres_count_each_centre_once(own_count: bool, expected: int) -> None:
    assert rules.centres_count(frozenset({1, 2, 3}), frozenset({3, 4}), own_count=own_count) == expected


@pytest.mark.parametrize(
    ("target", "observed", "is_due", "verdict"),
    [
        (Decimal(3), 3, False, Verdict.MET),
        (Decimal(3), 2, True, Verdict.SHORT),
        (Decimal(3), 2, False, Verdict.NOT_YET_DUE),
        (None, 2, True, Verdict.IN_WORDS),
        (Decimal(3), None, True, Verdict.IN_WORDS),
    ],
)
def test_compliance_verdicts(target: Decimal | None, observed: int | None, is_due: bool, verdict: Verdict) -> None:
    assert rules.compliance(target, observed, is_due=is_due) is verdict


@pytest.mark.parametrize(
    ("verdict", "force", "text", "asks"),
    [
        (Verdict.SHORT, "in_principle", "", True),
        (Verdict.SHORT, "in_principle", "新院区", False),
        (Verdict.SHORT, "binding", "", False),
        (Verdict.MET, "in_principle", "", False),
    ],
)
def test_needs_justification_only_for_a_missed_in_principle_figure(
    verdict: Verdict, force: str, text: str, asks: bool
) -> None:
    assert rules.needs_justification(verdict, force, text) is asks


def test_parameters_name_parties_and_duties_of_each_kind() -> None:
    zhuhai = policy.at("4404", date(2013, 3, 1))

    target = AgreementParameters.read(zhuhai, "target")
    relation = AgreementParameters.read(zhuhai, "joint_building")

    assert (target.parties, target.term_years) == (("hospital", "centre"), 1)
    assert (relation.parties, relation.term_years) == (("hospital", "centre", "authority"), 3)
    assert ResponsibleHospitalRule.read(zhuhai).min_level == 2
    assert {duty.measure for duty in relation.duties} == {
        "half_days_per_week", "posted_experts", "guidance_office", "accept_guidance",
    }  # fmt: skip


def test_parameters_of_a_kind_the_paper_does_not_know_do_not_exist() -> None:
    with pytest.raises(NoPolicyInForce):
        AgreementParameters.read(policy.at("4404", date(2013, 3, 1)), "pairing")


def test_changed_promises_tell_what_came_moved_and_went() -> None:
    kept, three, four = (
        rules.Promise(words, target) for words, target in (("a", None), ("b", Decimal(3)), ("b", Decimal(4)))
    )
    before = {("hospital", "x"): kept, ("hospital", "y"): three, ("centre", "z"): kept}
    after = {("hospital", "x"): kept, ("hospital", "y"): four, ("centre", "w"): kept}

    assert rules.changed_promises(before, after) == [
        ("added", kept, None),
        ("changed", three, four),
        ("removed", kept, None),
    ]
