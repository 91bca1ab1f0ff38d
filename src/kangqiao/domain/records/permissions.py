"""Who writes the record."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Immunization, Observation
from kangqiao.domain.residents.models import Basis, Consent
from kangqiao.domain.residents.permissions import consents_at, user_id_of, valid_at
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.decision import YES, Decision, no

WRITERS = frozenset({Role.GP, Role.EXPERT, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE})


def can_import(by: Actor) -> Decision:
    """A job of the system carries over what another system recorded; no person writes for many houses at once."""
    return YES if by.is_system else no(_("批量导入由系统任务做。"))


def _treats(by: Actor) -> Decision:
    """Treating staff write the record, of what and whom says the rest."""
    return YES if by.is_system or by.role in WRITERS else no(_("健康档案由接诊机构的医务人员书写。"))


def can_write_for(by: Actor, organization_id: int, practitioner_id: int | None = None) -> Decision:
    """Staff write in the name of their own house; a hospital's guidance office in the hospital's.

    A posted expert writes the visit that is the expert's own at whichever centre it was.
    """
    allowed = _treats(by)
    if not allowed or by.is_system or by.organization_id == organization_id:
        return allowed
    office = Organization.objects.filter(
        pk=by.organization_id or 0, part_of=organization_id, kind=Organization.Kind.GUIDANCE_OFFICE
    )
    if office.exists():
        return YES
    own = Practitioner.objects.filter(pk=practitioner_id or 0, user_id=user_id_of(by) or 0)
    if by.role == Role.EXPERT and own.exists():
        return YES
    return no(_("只能以接诊机构的名义书写健康档案。"))


def can_write_about(by: Actor, resident_id: int, at: datetime) -> Decision:
    """What belongs to no visit is written by treating staff whose organisation may see the resident."""
    allowed = _treats(by)
    held = valid_at(at).filter(resident_id=resident_id, organization_id=by.organization_id or 0)
    if not allowed or by.is_system or held.exists():
        return allowed
    return no(_("这位居民不在您的服务范围。"))


def can_measure_at_home(by: Actor, resident_id: int, at: datetime) -> Decision:
    """At home people measure themselves, and guardians the child."""
    return YES if reads_as_oneself(user_id_of(by), resident_id, at) else no(_("自测由居民本人或监护人填写。"))


def can_correct(by: Actor, former: Observation, at: datetime) -> Decision:
    """A value is corrected where it was written: by the house, or at home by the one who measures there."""
    if former.organization_id is None:
        return can_measure_at_home(by, former.resident_id, at)
    if by.organization_id != former.organization_id:
        return no(_("这个值由记录它的机构更正。"))
    return can_write_about(by, former.resident_id, at)


def can_correct_immunization(by: Actor, former: Immunization, at: datetime) -> Decision:
    """A vaccination is corrected by the house that wrote it."""
    if by.organization_id != former.organization_id:
        return no(_("接种记录由写下它的机构更正。"))
    return can_write_about(by, former.resident_id, at)


def reads_as_oneself(user_id: int | None, resident_id: int, at: datetime) -> bool:
    """Whether somebody is that resident, or a child's guardian; who only books for somebody reads no record."""
    own = Q(user=user_id or 0, kind__in=(Basis.Kind.OWN, Basis.Kind.GUARDIAN))
    return valid_at(at).filter(own, resident_id=resident_id).exists()


def sees_sensitive(seat: Seat, resident_id: int, at: datetime) -> bool:
    """Whether the resident lets this reader see specially protected conditions: oneself, the guardian, by consent."""
    if seat.role == Role.RESIDENT:
        return reads_as_oneself(seat.user_id, resident_id, at)
    return is_allowed_sensitive(seat.organization_id, resident_id, at)


def is_allowed_sensitive(organization_id: int, resident_id: int, at: datetime) -> bool:
    """Whether a consent of the resident names this house for specially protected conditions."""
    permitted = consents_at(at).filter(
        resident_id=resident_id, decision=Consent.Decision.PERMIT, purpose=Consent.Purpose.SENSITIVE,
        organization_id=organization_id,
    )  # fmt: skip
    return permitted.exists()
