"""Computing, submitting and paying the joint-building fund."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.appraisal import queries as appraisals
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.finance import queries, rules
from kangqiao.domain.finance.models import BudgetFigure, Settlement, SettlementLine
from kangqiao.domain.finance.parameters import FundParameters
from kangqiao.domain.finance.permissions import computed_by, may_act, may_record
from kangqiao.domain.finance.states import LINE, SETTLEMENT
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

CLAUSES = {
    rules.CITY: ("ZH-4.2a", "ZH-4.2d"),
    rules.DISTRICT_OF_CENTRE: ("ZH-4.2b", "ZH-4.2e"),
    rules.DISTRICT_HOSPITAL: ("ZH-4.2c", "ZH-4.2e"),
}


@transaction.atomic
def record_figure(
    *,
    kind: str,
    place_id: int,
    year: int,
    source: str,
    organization_id: int | None = None,
    amount_fen: int | None = None,
    quantity: int | None = None,
    verified: bool = False,
    is_demo: bool = False,
    by: Actor,
    at: datetime,
) -> BudgetFigure:
    """Records an input of the money rules with its source; a new figure replaces the old one and is audited.

    Raises Denied for anybody but finance of the place or one above it, RuleBroken on a negative figure, a figure
    without a source, or both money and count given.
    """
    _check(may_record(by, queries.places_of_actor(by), place_id))
    given = [number for number in (amount_fen, quantity) if number is not None]
    if len(given) != 1 or given[0] < 0 or not source.strip():
        raise RuleBroken(_("经费依据要有一个不小于零的数，并写明来源。"), next_step=_("请补齐数额和来源。"))
    organization = None if organization_id is None else Organization.objects.get(pk=organization_id)
    row, _created = BudgetFigure.objects.update_or_create(
        kind=kind,
        place_id=place_id,
        organization=organization,
        year=year,
        defaults={
            "amount_fen": amount_fen,
            "quantity": quantity,
            "source": source,
            "verified_by": by.name if verified else "",
            "verified_at": at if verified else None,
            "is_demo": is_demo,
        },
    )
    audit.record("finance.record_figure", row, by=by, at=at, kind=kind, year=year, number=given[0])
    return row


@transaction.atomic
def verify_figure(*, figure_id: int, by: Actor, at: datetime) -> BudgetFigure:
    """Somebody of finance puts their name to a recorded figure; only verified figures are computed with.

    Raises NotVisible for an unknown figure, AlreadyMoved when it was verified already, with who and when.
    """
    row = BudgetFigure.objects.select_for_update(of=("self",)).filter(pk=figure_id).first()
    if row is None:
        raise NotVisible(_("没有这一条经费依据。"))
    _check(may_record(by, queries.places_of_actor(by), row.place_id))
    if row.verified_at is not None:
        raise AlreadyMoved(
            _("已由%(who)s于%(when)s核实。")
            % {"who": row.verified_by, "when": date_format(localtime(row.verified_at), "m-d H:i")},
            next_step=_("数字有变，请重新录入。"),
        )
    row.verified_by, row.verified_at = by.name, at
    row.save(update_fields=("verified_by", "verified_at"))
    audit.record("finance.verify_figure", row, by=by, at=at, kind=row.kind, year=row.year)
    return row


@transaction.atomic
def compute_settlement(*, place_id: int, year: int, reason: str = "", by: Actor, at: datetime) -> Settlement:
    """Computes a city's joint-building fund of a year, pairing by pairing, and freezes inputs and rules (ZH-4.2).

    A settlement that exists is corrected by a new version, with a reason; a paid one cannot be. Lines of hospitals
    whose appraisal is closed are payable at once, the others held. Raises RuleBroken when an input is missing or
    not verified (naming it), NoPolicyInForce where no paper sets up the fund.
    """
    place = Place.objects.select_for_update().get(pk=place_id)
    _check(may_act(by, queries.place_of_actor(by), place_id))
    parameters = FundParameters.read(policy.at(place=place.code, date=date(year, 12, 31)))
    _check(computed_by(place.pk, queries.fund_place(place, year).pk))
    previous = _superseded(place_id, year, reason, by, at)
    pairings = queries.pairings(place, year)
    if not pairings:
        raise RuleBroken(
            _("%(place)s %(year)s年末没有生效的联建协管协议，没有经费可算。") % {"place": place.zh, "year": year},
            next_step=_("请先签署协议。"),
        )
    drafts = _lines(pairings, place, year, parameters)
    frozen = [{"agreement": a.number, "inputs": draft["inputs"], "base_fen": draft["base_fen"]} for a, draft in drafts]
    inputs = {"year": year, "place": place.code, "policy": parameters.ref, "lines": frozen}
    settlement = Settlement.objects.create(
        place=place,
        year=year,
        version=previous.version + 1 if previous else 1,
        previous=previous,
        total_fen=sum(draft["base_fen"] for _agreement, draft in drafts),
        inputs=inputs,
        sha256=hashlib.sha256(json.dumps(inputs, sort_keys=True, ensure_ascii=False).encode()).hexdigest(),
        policy_ref=parameters.ref,
        computed_at=at,
    )
    begin(settlement, SETTLEMENT, by=by, at=at, reason=reason)
    for agreement, draft in drafts:
        line = SettlementLine.objects.create(
            settlement=settlement, agreement=agreement, hospital=agreement.hospital, centre=agreement.centre, **draft
        )
        begin(line, LINE, by=by, at=at)
    closed = appraisals.closed_of(year, [agreement.hospital_id for agreement in pairings])
    for appraisal in closed.values():
        _release(settlement, appraisal, by, at)
    audit.record("finance.compute", settlement, by=by, at=at, policy_ref=parameters.ref, total_fen=settlement.total_fen)
    return settlement


@transaction.atomic
def release_lines(*, appraisal: Appraisal, by: Actor, at: datetime) -> int:
    """Makes the held lines of an appraised hospital payable by its pay share; returns how many (SZ16-4.1.1b).

    Raises RuleBroken while the appraisal is not closed: no appraisal, no money.
    """
    if appraisal.status != "closed":
        raise RuleBroken(_("考核定案前，经费不能拨付。"), next_step=_("请先完成年度考核。"), clause="SZ16-4.1.1b")
    # The places first, as a computation does: one that runs now either sees the closed appraisal or is seen here.
    owed = SettlementLine.objects.filter(settlement__year=appraisal.year, hospital_id=appraisal.subject_id)
    list(Place.objects.select_for_update().filter(pk__in=owed.values("settlement__place_id")).order_by("pk"))
    current = Settlement.objects.select_for_update().filter(year=appraisal.year).exclude(status="superseded")
    return sum(_release(settlement, appraisal, by, at) for settlement in current)


@transaction.atomic
def submit_settlement(*, settlement_id: int, by: Actor, at: datetime) -> Settlement:
    """Submits a computed settlement for payment."""
    settlement = Settlement.objects.select_for_update().get(pk=settlement_id)
    _check(may_act(by, queries.place_of_actor(by), settlement.place_id))
    transition(settlement, SETTLEMENT, "submit", by=by, at=at)
    audit.record("finance.submit", settlement, by=by, at=at, total_fen=settlement.total_fen)
    return settlement


@transaction.atomic
def pay_lines(*, settlement_id: int, payer_id: int, by: Actor, at: datetime) -> list[SettlementLine]:
    """Records that a payer paid all its payable lines; the settlement is paid when no line is left (ZH-4.2).

    Raises RuleBroken when the settlement is not submitted, or nothing of this payer is payable, telling how many
    lines still wait for an appraisal.
    """
    settlement = Settlement.objects.select_for_update().get(pk=settlement_id)
    _check(may_act(by, queries.place_of_actor(by), payer_id))
    if settlement.status == "paid":
        transition(settlement, SETTLEMENT, "pay", by=by, at=at)  # refused, saying who paid and when
    if settlement.status != "submitted":
        raise RuleBroken(_("测算还没有提交，不能登记拨付。"), next_step=_("请市财政先提交测算。"))
    own = SettlementLine.objects.select_for_update(of=("self",)).filter(settlement=settlement, payer_id=payer_id)
    payable = list(own.filter(status="payable"))
    if not payable:
        held = own.filter(status="held").count()
        raise RuleBroken(
            _("没有可以拨付的经费：%(held)s 笔待考核定案。") % {"held": held},
            next_step=_("考核定案后，这些经费会自动转为可拨付。"),
            clause="ZH-4.7a",
        )
    for line in payable:
        transition(line, LINE, "pay", by=by, at=at)
    if not SettlementLine.objects.filter(settlement=settlement).exclude(status="paid").exists():
        transition(settlement, SETTLEMENT, "pay", by=by, at=at)
    paid = sum(line.amount_fen or 0 for line in payable)
    audit.record("finance.pay", settlement, by=by, at=at, payer_id=payer_id, lines=len(payable), amount_fen=paid)
    return payable


def _superseded(place_id: int, year: int, reason: str, by: Actor, at: datetime) -> Settlement | None:
    # Locked, so that a payment under way is either seen here or finds its settlement superseded.
    rows = Settlement.objects.select_for_update().filter(place_id=place_id, year=year)
    current = rows.exclude(status="superseded").first()
    if current is None:
        return None
    if current.status == "paid" or current.lines.filter(status="paid").exists():
        raise RuleBroken(_("本年度经费已有拨付，不能重算。"), next_step=_("差额请在下一年度更正。"))
    transition(current, SETTLEMENT, "supersede", by=by, at=at, reason=reason)
    return current


def _lines(
    pairings: list[Agreement], place: Place, year: int, parameters: FundParameters
) -> list[tuple[Agreement, dict[str, Any]]]:
    city_class = frozenset(parameters.city_class_ownerships.list_())
    division = parameters.city_paid_division.text()
    served = {agreement.pk: _population(year, agreement) for agreement in pairings}
    known = {
        agreement.pk: rules.Pairing(
            agreement_id=agreement.pk,
            ownership=agreement.hospital.ownership,
            centre_place=agreement.centre.place.code,
            population=served[agreement.pk].quantity or 0,
        )
        for agreement in pairings
    }
    rule_of = {pk: rules.payer_rule(pairing, city_class, division) for pk, pairing in known.items()}
    by_city = [pairing for pk, pairing in known.items() if rule_of[pk] == rules.CITY]
    city: dict[int, tuple[int, dict[str, Any]]] = {}
    if by_city:
        city = _city_lines(by_city, division, year, parameters)
    rate = parameters.district_rate_yuan_per_person.fraction()
    lines: list[tuple[Agreement, dict[str, Any]]] = []
    for agreement in pairings:
        pairing, rule = known[agreement.pk], rule_of[agreement.pk]
        if rule == rules.CITY:
            base, inputs = city[agreement.pk]
            payer, formula = place, "area_fund × city_rate_percent × population / city_paid_population"
        else:
            base = rules.district_amount(pairing.population, rate)
            inputs = {"population": pairing.population, "rate_yuan": str(rate)}
            payer = agreement.centre.place if rule == rules.DISTRICT_OF_CENTRE else agreement.hospital.place
            formula = "population × district_rate_yuan_per_person"
        draft = {
            "payer": payer, "rule": rule, "formula": formula, "base_fen": base, "clause": CLAUSES[rule][1],
            "inputs": {
                **inputs,
                "population_source": served[agreement.pk].source,
                "payer_clause": CLAUSES[rule][0],
                "amount_clause": CLAUSES[rule][1],
            },
        }  # fmt: skip
        lines.append((agreement, draft))
    return lines


def _city_lines(
    by_city: list[rules.Pairing], division: str, year: int, parameters: FundParameters
) -> dict[int, tuple[int, dict[str, Any]]]:
    area = Place.objects.get(code=division)
    fund = queries.figure("basic_public_health_fund", year, place=area)
    if fund is None or fund.amount_fen is None or fund.verified_at is None:
        raise _missing(_("%(place)s基本公共卫生服务经费总额") % {"place": area.zh}, year, fund is not None)
    rate = parameters.city_rate_percent.fraction()
    total = rules.city_total(fund.amount_fen, rate)
    shares = rules.city_shares(total, by_city)
    served = sum(pairing.population for pairing in by_city)
    return {
        pairing.agreement_id: (
            share,
            {
                "area": area.code,
                "area_fund_fen": fund.amount_fen,
                "area_fund_source": fund.source,
                "rate_percent": str(rate),
                "city_total_fen": total,
                "population": pairing.population,
                "city_paid_population": served,
                "split_key": parameters.split_key.text(),
            },
        )
        for pairing, share in zip(by_city, shares, strict=True)
    }


def _population(year: int, agreement: Agreement) -> BudgetFigure:
    row = queries.figure("population_served", year, organization_id=agreement.centre_id)
    if row is None or row.quantity is None or row.verified_at is None:
        raise _missing(_("%(centre)s的服务人口") % {"centre": agreement.centre.zh}, year, row is not None)
    return row


def _check(allowed: Decision) -> None:
    if not allowed:
        raise Denied(allowed.reason, clause=allowed.clause)


def _missing(what: str, year: int, is_unverified: bool) -> RuleBroken:
    state = _("还没有核实") if is_unverified else _("还没有录入")
    return RuleBroken(
        _("%(what)s（%(year)s年）%(state)s，经费不能测算。") % {"what": what, "year": year, "state": state},
        next_step=_("请录入并核实后再算。"),
    )


def _release(settlement: Settlement, appraisal: Appraisal, by: Actor, at: datetime) -> int:
    share = appraisal.pay_percent
    if share is None:
        raise Denied(_("考核没有给出拨付比例。"))
    held = SettlementLine.objects.filter(settlement=settlement, hospital_id=appraisal.subject_id, status="held")
    lines = list(held.select_for_update())
    for line in lines:
        amount = rules.released(line.base_fen, Fraction(Decimal(share)))
        transition(
            line, LINE, "release", by=by, at=at, reason=_("考核定案，得分 %(score)s") % {"score": appraisal.score},
            pay_percent=share, amount_fen=amount, appraisal_number=f"{appraisal.subject.code}-{appraisal.year}",
        )  # fmt: skip
    return len(lines)
