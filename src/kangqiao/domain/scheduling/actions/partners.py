"""One paired centre gets so many reserved places of each session at least, and no more than so many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.actions.parts import _allow
from kangqiao.domain.scheduling.models import PartnerCount, PartnerRule, Session, Slot
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def set_partner_rule(
    *, organization_id: int, centre_id: int, specialty: str = "", since: date, least: int, most: int | None,
    reason: str, by: Actor, at: datetime,
) -> tuple[PartnerRule, int]:  # fmt: skip
    """A hospital or department keeps so many reserved places of each session for a centre, and gives it no more than.

    Coming clinics follow at once; a place that was taken stays taken, so that a centre may have more than it may take
    now. Returns the rule and how many clinics follow. Raises Denied, RuleBroken for a centre that is not paired, or a
    minimum above the maximum.
    """
    house = organization_by_id(organization_id)
    _allow(permissions.can_share_out(by, house))
    if most is not None and most < least:
        raise RuleBroken(_("最多不能少于最少。"), next_step=_("请改其中一个数，或把最多空着。"))
    if centre_id not in {one.pk for one in queries.paired_centres(house, localtime(at).date())}:
        raise RuleBroken(_("这家中心和本院没有协议，没有留给它的号。"), next_step=_("请从有协议的中心里选。"))
    rule = PartnerRule.objects.create(
        organization=house, centre_id=centre_id, specialty=specialty, since=since, least=least, most=most,
        reason=reason, set_by=by.name, set_at=at,
    )  # fmt: skip
    sessions = queries.limited_sessions(rule, at)
    _limit(sessions)
    audit.record(
        "set_partner_rule", rule, by=by, at=at, organization_id=house.pk, centre_id=centre_id, sessions=len(sessions)
    )
    return rule, len(sessions)


def _limit(sessions: Sequence[Session]) -> None:
    """Places of these sessions are kept for the centres, and how many each may take is written beside what it took.

    They are locked: nobody books in them meanwhile.
    """
    known = queries.partner_rules_of({one.organization_id for one in sessions}) if sessions else []
    if not known:
        return
    queries.lock_sessions(sessions)
    taken, changed, counts = queries.taken_by_centres(sessions), [], []
    slots: dict[int, list[Slot]] = {session.pk: [] for session in sessions}
    for slot in Slot.objects.filter(session__in=sessions).order_by("starts_at", "pk"):
        slots[slot.session_id].append(slot)
    for session in sessions:
        day = localtime(session.starts_at).date()
        fitting = queries.partner_rules_for(known, session.organization_id, session.specialty, day)
        own = slots[session.pk]
        has = {centre: taken.get((session.pk, centre), 0) for centre in fitting}
        places = [(one.starts_at, one.release_at or one.starts_at, one.capacity * _can_be_kept(one)) for one in own]
        least = {pk: one.least for pk, one in fitting.items() if one.least}
        for slot, centre in zip(own, rules.keep_least(places, least, has), strict=True):
            # A place somebody has stays kept for its centre, for when it is given back.
            wanted = slot.kept_for_id if slot.kept_for_id in least and not _can_be_kept(slot) else centre
            if slot.kept_for_id != wanted:
                slot.kept_for_id = wanted
                changed.append(slot)
        for centre, rule in fitting.items():
            most = None if rule.most is None else max(rule.most, has[centre])
            counts.append(PartnerCount(session=session, centre_id=centre, most=most, taken=has[centre]))
    Slot.objects.bulk_update(changed, ("kept_for",), batch_size=500)
    PartnerCount.objects.bulk_create(
        counts, update_conflicts=True, update_fields=("most",), unique_fields=("session", "centre")
    )


def _can_be_kept(slot: Slot) -> bool:
    """A place that begins with the paired centres, and that nobody has."""
    return slot.pool == Slot.Pool.PARTNER and not slot.taken and not slot.held
