"""Who may see and who may judge: the authority of the place judges, the judged one reads."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.indicators.permissions import within
from kangqiao.kernel.decision import YES, Decision, no

READERS = (Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)
JUDGED = (Role.HOSPITAL_DIRECTOR, Role.GUIDANCE_OFFICE)
ALLOWED = tuple(role.value for role in (*READERS, *JUDGED))


def visible_to(seat: Seat | None) -> Q:
    """Appraisals of the seat's place for bureau and finance, of the own hospital for its leaders."""
    if seat is None:
        return Q(pk__in=())
    if seat.role in READERS:
        return within(seat, "subject") | Q(authority_id=seat.organization_id)
    if seat.role in JUDGED:
        return Q(subject_id=seat.organization_id) | Q(subject__parts__id=seat.organization_id)
    return Q(pk__in=())


def can_judge(seat: Seat | None, appraisal: Appraisal) -> Decision:
    """Only an officer of the authority that judges may score and close (ZH-2b)."""
    if seat is None or seat.role != Role.BUREAU_OFFICER:
        return no(_("考核由卫生行政部门评定，您的岗位只能查看。"), "ZH-2b")
    if seat.organization_id != appraisal.authority_id:
        return no(_("这家机构由%(authority)s考核。") % {"authority": appraisal.authority.zh}, "ZH-4.7a")
    return YES


def may_judge(by: Actor, authority_id: int) -> Decision:
    """Whether the actor may open, score and close for that authority (ZH-4.7a)."""
    if by.is_system or (by.role == Role.BUREAU_OFFICER and by.organization_id == authority_id):
        return YES
    return no(_("考核由负责的卫生行政部门评定。"), "ZH-4.7a")


def parties(seat: Seat | None, appraisal: Appraisal) -> set[str]:
    """Which parties of the state table the seat may act for."""
    return {"bureau"} if can_judge(seat, appraisal) else set()
