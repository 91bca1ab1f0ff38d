"""Why a demand stays unmet and what would help: computed from supply, never guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kangqiao.engines.planning.checks import eligible_pairs, posting_points, shortfalls
from kangqiao.engines.planning.problem import (
    Cell,
    ParamValue,
    Reason,
    Remedy,
    RemedyKind,
    RosterProblem,
    Shortfall,
    Unmet,
    What,
)
from kangqiao.engines.planning.supply import Supply, WeekSupply, seated_together, spare_half_day

_SUGGESTIONS_MAX = 3
"""Suggestions of one kind per unmet demand: enough to choose from, few enough to read."""


class Explainer:
    """Explains the unmet demands of one part of a roster.

    `part` is the part, `whole` the network it was cut from (for lending), `cells` the whole plan; `searched_out` says
    that the solver proved that no plan of the part misses less.
    """

    def __init__(self, part: RosterProblem, whole: RosterProblem, cells: Collection[Cell], searched_out: bool) -> None:
        self.part, self.whole, self.cells, self.searched_out = part, whole, cells, searched_out
        self.experts = {expert.id: expert for expert in whole.experts}
        self.centres = {centre.id: centre for centre in whole.centres}
        self.serving: dict[str, list[str]] = {centre.id: [] for centre in part.centres}
        for expert_id, centre_id in eligible_pairs(part):
            self.serving[centre_id].append(expert_id)

    def explain(self) -> list[Unmet]:
        """Every unmet demand of the part with its reason."""
        here = [cell for cell in self.cells if cell.centre_id in self.serving]
        return [self._unmet(shortfall) for shortfall in shortfalls(self.part, here)]

    def _unmet(self, short: Shortfall) -> Unmet:
        candidates = self._candidates(short)
        if not candidates:
            hospital_id = self.centres[short.centre_id].hospital_id
            params: dict[str, ParamValue] = {"hospital_id": hospital_id, "specialty": short.specialty}
            missing = short.needed if self._counts_people(short) else 1
            help_ = (*self._lend(short), Remedy(RemedyKind.ADD_EXPERT, {"hospital_id": hospital_id, "count": missing}))
            return Unmet(short, Reason.NO_EXPERT, params, help_)
        slots = self._slots(short)
        seats = self.part.experts_per_half_day_max
        if len(slots) * seats < short.needed:
            return Unmet(short, Reason.TOO_FEW_HALF_DAYS, {"half_days": len(slots), "seats": seats})
        if self._counts_people(short):
            return self._too_few_people(short, candidates, slots)
        return self._too_few_half_days(short, candidates)

    def _counts_people(self, short: Shortfall) -> bool:
        return short.what in (What.EXPERT_PER_WEEK, What.EXPERT_OVER_HORIZON)

    def _candidates(self, short: Shortfall) -> list[str]:
        """Who may serve the centre towards this demand."""
        return [
            expert_id
            for expert_id in self.serving[short.centre_id]
            if short.specialty in ("", self.experts[expert_id].specialty)
            and (self.experts[expert_id].counts_as_expert or not self._counts_people(short))
        ]

    def _slots(self, short: Shortfall) -> list[int]:
        return [s for s, half_day in enumerate(self.part.half_days) if short.week in (None, half_day.week)]

    def _available(self, expert_id: str, slot: int) -> bool:
        half_day = self.part.half_days[slot]
        return (half_day.day, half_day.half) not in self.experts[expert_id].unavailable

    def _too_few_people(self, short: Shortfall, candidates: list[str], slots: list[int]) -> Unmet:
        hospital_id = self.centres[short.centre_id].hospital_id
        if len(candidates) < short.needed:
            params: dict[str, ParamValue] = {"eligible": len(candidates), "needed": short.needed}
            count = short.needed - len(candidates)
            add = Remedy(RemedyKind.ADD_EXPERT, {"hospital_id": hospital_id, "count": count})
            return Unmet(short, Reason.TOO_FEW_EXPERTS, params, (*self._lend(short), add))
        together = seated_together(self.part, candidates, slots)
        if together < short.needed:
            free = _some(
                Remedy(RemedyKind.FREE_HALF_DAY, {"expert_id": expert_id, "slot": slot})
                for expert_id in candidates
                for slot in slots
                if not self._available(expert_id, slot)
                and seated_together(self.part, candidates, slots, (expert_id, slot)) > together
            )
            params = {"eligible": len(candidates), "present": together}
            return Unmet(short, Reason.EXPERTS_ABSENT, params, (*free, *self._lend(short)))
        return self._shared(short, frozenset(self.serving), candidates)

    def _too_few_half_days(self, short: Shortfall, candidates: list[str]) -> Unmet:
        assert short.week is not None, "half-days are owed by the week"
        pool = self._pool(short)
        open_supply = WeekSupply(self.part, short.week, self._wanted(short), pool, kept=False)
        supply = open_supply.solve()
        if short.centre_id in supply.scarce:
            experts = self._experts_of(supply.scarce, pool)
            params: dict[str, ParamValue] = {
                "week": short.week,
                "centres": tuple(sorted(supply.scarce)),
                "experts": experts,
                "demanded": supply.scarce_wanted,
                "supply": supply.scarce_given,
            }
            return Unmet(short, Reason.SUPPLY_SHORT, params, self._more_supply(short, open_supply, supply, experts))
        held = WeekSupply(self.part, short.week, self._wanted(short), pool, kept=True)
        if short.centre_id in held.solve().scarce:
            return Unmet(short, Reason.KEPT_POSTINGS, {"kept": len(held.posted), "week": short.week})
        return self._shared(short, frozenset(self._wanted(short)), candidates)

    def _shared(self, short: Shortfall, centres: frozenset[str], candidates: list[str]) -> Unmet:
        if not self.searched_out:
            return Unmet(short, Reason.NOT_SEARCHED_OUT, {}, (Remedy(RemedyKind.MORE_TIME, {}),))
        params: dict[str, ParamValue] = {
            "centres": tuple(sorted(centres)),
            "experts": tuple(sorted(candidates)),
            "kept": len(self.part.kept),
        }
        return Unmet(short, Reason.NEEDED_ELSEWHERE, params, tuple(self._lend(short)))

    def _pool(self, short: Shortfall) -> frozenset[str]:
        return frozenset(e.id for e in self.part.experts if short.specialty in ("", e.specialty))

    def _wanted(self, short: Shortfall) -> Mapping[str, int]:
        if short.what is What.SPECIALTY_HALF_DAY:
            return {d.centre_id: d.specialty_half_days_per_week.get(short.specialty, 0) for d in self.part.demands}
        return {demand.centre_id: demand.half_days_per_week for demand in self.part.demands}

    def _experts_of(self, centres: Collection[str], pool: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted({e for centre_id in centres for e in self.serving[centre_id] if e in pool}))

    def _more_supply(
        self, short: Shortfall, week_supply: WeekSupply, supply: Supply, experts: tuple[str, ...]
    ) -> tuple[Remedy, ...]:
        raised = (
            Remedy(RemedyKind.RAISE_LIMIT, {"expert_id": expert_id, "week": short.week or 0})
            for expert_id in experts
            if week_supply.solve(raised=expert_id).given > supply.given
        )
        freed = (
            Remedy(RemedyKind.FREE_HALF_DAY, {"expert_id": expert_id, "slot": slot})
            for expert_id in experts
            for slot in week_supply.slots
            if (expert_id, slot) not in week_supply.free
            and week_supply.solve(freed=(expert_id, slot)).given > supply.given
        )
        each = max(1, *(self.experts[expert_id].max_half_days_per_week for expert_id in experts), 1)
        missing = supply.wanted - supply.given
        hospital_id = self.centres[short.centre_id].hospital_id
        add = Remedy(
            RemedyKind.ADD_EXPERT,
            {"hospital_id": hospital_id, "count": -(-missing // each), "half_days_per_week": each},
        )
        return (*_some(raised), *_some(freed), *self._lend(short), add)

    def _lend(self, short: Shortfall) -> tuple[Remedy, ...]:
        """Experts of other hospitals who have a half-day to spare in the plan while the centre has a seat."""
        weeks = sorted({self.part.half_days[slot].week for slot in self._slots(short)})
        centre = self.centres[short.centre_id]
        strangers = [
            expert
            for expert in self.whole.experts
            if expert.id not in self.serving[centre.id]
            and short.specialty in ("", expert.specialty)
            and (expert.counts_as_expert or not self._counts_people(short))
        ]
        strangers.sort(key=lambda expert: (sum(posting_points(self.whole.wishes, expert, centre)), expert.id))
        return _some(
            Remedy(RemedyKind.LEND_EXPERT, {"expert_id": expert.id, "hospital_id": expert.hospital_id})
            for expert in strangers
            if any(spare_half_day(self.whole, self.cells, expert.id, centre.id, week) for week in weeks)
        )


def _some(remedies: Iterator[Remedy]) -> tuple[Remedy, ...]:
    return tuple(remedy for remedy, _ in zip(remedies, range(_SUGGESTIONS_MAX), strict=False))
