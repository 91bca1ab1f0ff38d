"""Who sees an agreement, and who may draft, sign, end or decide one."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.decision import YES, Decision, no

Who = Seat | Actor

READERS = (
    Role.GP, Role.EXPERT, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.DISPATCHER,
    Role.HOSPITAL_DIRECTOR, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER,
)  # fmt: skip
DRAFTERS = (Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR, Role.BUREAU_OFFICER)
# Who signs for which side: the head of the organisation, or the authority's officer.
SIGNERS: dict[str, Role] = {
    Party.Side.HOSPITAL: Role.HOSPITAL_DIRECTOR,
    Party.Side.HOST_HOSPITAL: Role.HOSPITAL_DIRECTOR,
    Party.Side.CENTRE: Role.CENTRE_MANAGER,
    Party.Side.AUTHORITY: Role.BUREAU_OFFICER,
}
ENDERS = (Role.HOSPITAL_DIRECTOR, Role.GUIDANCE_OFFICE, Role.CENTRE_MANAGER)

_OVERSEERS = (Organization.Kind.HEALTH_BUREAU, Organization.Kind.HOSPITAL_AUTHORITY, Organization.Kind.FINANCE_BUREAU)
_UNITS = (Organization.Kind.DEPARTMENT, Organization.Kind.GUIDANCE_OFFICE, Organization.Kind.STATION)


def visible_to(seat: Seat) -> Q:
    """The agreements a seat may open.

    A party sees its own, its offices and departments with it. A bureau sees those of the centres in its place and
    the places under it, so a district never sees another district's centre of the same hospital (ZH-A2b). The
    dispatcher sees the region. Everybody else sees nothing but what is published.
    """
    if seat.role not in READERS:
        return Q(pk__in=())
    mine = Q(pk__in=Party.objects.filter(organization_id__in=home_ids(seat)).values("agreement_id"))
    if seat.role == Role.DISPATCHER:
        return mine | _lies_in(region_code(seat.place_id))
    return mine | _lies_in(seat.place_code) if is_overseer(seat) else mine


def home_ids(who: Who) -> set[int]:
    """The organisation of the seat and, when it is only a unit of one, the bodies it is a unit of."""
    found: set[int] = set()
    row = Organization.objects.filter(pk=who.organization_id).first() if who.organization_id else None
    while row is not None:
        found.add(row.pk)
        row = row.part_of if row.kind in _UNITS else None
    return found


def region_code(place_id: int) -> str:
    """The division code of the city a place lies in: the outermost place that is not a whole province."""
    chain = institutions.place_chain(place_id)
    cities = [place.code for place in chain if len(place.code.split("-")[0]) > 2]
    return cities[-1] if cities else chain[-1].code


def is_overseer(seat: Seat) -> bool:
    """Whether a seat looks after a place: an officer of a bureau, or the dispatcher of the region."""
    return seat.role == Role.DISPATCHER or (seat.role in READERS and seat.organization_kind in _OVERSEERS)


def can_draft(by: Who, hospital: Organization, centre: Organization) -> Decision:
    """A hospital drafts its own agreements; the authority of the centre's place may do it for it."""
    if _is_job(by):
        return YES
    if by.role in (Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR) and hospital.pk in home_ids(by):
        return YES
    if by.role == Role.BUREAU_OFFICER and _oversees(by, centre.place_id):
        return YES
    return no(_("协议由责任医院的院长或社区指导科起草，或由卫生局科员代拟。"))


def can_propose(by: Who, agreement: Agreement) -> Decision:
    """Who may draft an agreement may also send it for signature or discard it."""
    return can_draft(by, agreement.hospital, agreement.centre)


def can_sign(by: Who, party: Party | None) -> Decision:
    """Only the organisation named as party signs, through the person who heads it; nobody signs for another."""
    if party is None:
        return no(_("您所在的单位不是这份协议的签署方，不能代签。"))
    if _is_job(by) or by.role == SIGNERS[party.side]:
        return YES
    return no(_("协议由%(role)s签署。") % {"role": SIGNERS[party.side].label})


def can_request_end(by: Who, agreement: Agreement) -> Decision:
    """The hospital or the centre asks for an early end; neither can end it alone (ZH-1b)."""
    sides = {agreement.hospital_id, agreement.centre_id}
    if sides & home_ids(by) and (_is_job(by) or by.role in ENDERS):
        return YES
    return no(_("只有协议的医院或中心可以申请终止。"), "ZH-1b")


def can_decide_end(by: Who, approver: Organization | None) -> Decision:
    """Only the office the pack names decides an early end."""
    if approver is None:
        return no(_("本地区还没有登记审批终止的卫生行政部门。"))
    if approver.pk in home_ids(by) and (_is_job(by) or by.role == Role.BUREAU_OFFICER):
        return YES
    return no(_("提前终止由%(office)s审批。") % {"office": approver.zh}, "ZH-1b")


def can_justify(by: Who, agreement: Agreement) -> Decision:
    """The hospital writes why it stays below an in-principle figure."""
    if agreement.hospital_id in home_ids(by) and (_is_job(by) or by.role in DRAFTERS):
        return YES
    return no(_("未达原则性要求的说明由医院填写。"))


def _is_job(by: Who) -> bool:
    return isinstance(by, Actor) and by.is_system


def _lies_in(place_code: str) -> Q:
    return Q(centre__place__in=institutions.place_ids_under(place_code))


def _oversees(by: Who, place_id: int) -> bool:
    bureau = (
        Organization.objects.select_related("place").filter(pk=by.organization_id or 0, kind__in=_OVERSEERS).first()
    )
    return bureau is not None and place_id in institutions.place_ids_under(bureau.place.code)
