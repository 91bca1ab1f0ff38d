"""Who may open, withdraw, book and check in, and whose bookings a seat sees."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.domain.scheduling.models import Appeal, Booking, Displaced, Session, Waiting
from kangqiao.domain.scheduling.rules import Circle
from kangqiao.kernel.decision import YES, Decision, no
from kangqiao.policy import covers

# Those who plan time with a doctor; the roster publishes as a dispatcher.
PLANNERS = (Role.DISPATCHER, Role.CENTRE_MANAGER, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR, Role.REFERRAL_DESK)
# Those who deal with residents at a place.
DESK = (Role.CENTRE_MANAGER, Role.GP, Role.REFERRAL_DESK)
CLINICAL = (*DESK, Role.EXPERT)
# Those who stand for a region.
REGIONAL = (Role.DISPATCHER, Role.BUREAU_OFFICER)


def can_open(by: Actor, organization_ids: Collection[int]) -> Decision:
    """Planners open sessions of their own house, dispatchers of their region; jobs of the system of all."""
    if by.is_system:
        return YES
    if by.role == Role.DISPATCHER:
        houses = Organization.objects.select_related("place").filter(pk__in=organization_ids)
        return YES if all(_plans_for(by, one) for one in houses) else no(_("只能开放本地区的号源。"))
    if by.role in PLANNERS and set(organization_ids) <= {by.organization_id}:
        return YES
    return no(_("只能开放本机构的号源，由负责排诊的岗位开放。"))


def can_withdraw(by: Actor, session: Session) -> Decision:
    """The place of the session and the dispatcher of its region may withdraw it."""
    if by.is_system or (by.role == Role.DISPATCHER and _plans_for(by, session.organization)):
        return YES
    if by.role in PLANNERS and by.organization_id == session.organization_id:
        return YES
    return no(_("只有出诊机构或本地的排班员可以停诊。"))


def _plans_for(by: Actor, organization: Organization) -> bool:
    """Whether an organisation lies in the place the actor's own organisation stands for."""
    own = Organization.objects.select_related("place").filter(pk=by.organization_id or 0).first()
    return own is not None and covers(own.place.code, organization.place.code)


def asks_for_basis(by: Actor, resident: Resident) -> bool:
    """Whether a booking by this actor rests on a basis that must be looked up.

    For staff outside the home centre, and for somebody who books for a child or in another person's name.
    """
    if by.role == Role.RESIDENT:
        return resident.user_id is None or resident.user_id != user_id_of(by)
    return by.role in CLINICAL and resident.centre_id != by.organization_id


def can_book(
    by: Actor, resident: Resident, *, has_basis: bool, channel: str, as_partner_centre_id: int | None
) -> Decision:
    """Residents book for themselves and whom they act for, staff for people their organisation has a basis to see.

    Partner places are for the centre's own doctors, never for a resident's own booking (SZ16-2.2b).
    """
    if by.is_system:
        return YES
    if by.role == Role.RESIDENT:
        own = resident.user_id is not None and resident.user_id == user_id_of(by)
        if not own and not has_basis:
            return no(_("只能为本人、您监护的孩子或请您代办的人预约。"))
        if channel != Booking.Channel.SELF or as_partner_centre_id is not None:
            return no(_("这些号源留给协作中心的家庭医生。"), "SZ16-2.2b")
        return YES
    if by.role not in CLINICAL:
        return no(_("您的岗位不能为居民预约。"))
    if not has_basis and resident.centre_id != by.organization_id:
        return no(_("这位居民不在您的服务范围。"))
    if (
        as_partner_centre_id is not None
        and by.role != Role.REFERRAL_DESK
        and as_partner_centre_id != by.organization_id
    ):
        return no(_("只能以本中心的名义使用协作号源。"), "SZ16-2.2b")
    return YES


def may_name(seat: Seat, session: Session) -> bool:
    """Whether the seat sees who was affected by a withdrawal: the clinical staff of the place, to phone them."""
    return seat.role in CLINICAL and seat.organization_id == session.organization_id


def channel_of(seat: Seat) -> str:
    """How a booking made from this seat is kept."""
    return Booking.Channel.SELF if seat.role == Role.RESIDENT else Booking.Channel.GP


def partner_centre(seat: Seat) -> int | None:
    """The centre in whose name the seat may use partner places; none for residents."""
    return seat.organization_id if seat.role in DESK and seat.organization_kind == "centre" else None


def circle_of(role: str, channel: str) -> Circle:
    """In which circle somebody stands who speaks for a paired centre: a team books, the centre refers (SZ16-2.2b)."""
    return Circle.TEAM if role == Role.GP and channel != Booking.Channel.REFERRAL else Circle.PARTNER


def sees_pools(by: Actor, organization: Organization) -> bool:
    """Who decides on the sharing out of a hospital, its director, and the bureau of its region."""
    if by.role == Role.BUREAU_OFFICER:
        return _plans_for(by, organization)
    return bool(can_share_out(by, organization))


def can_share_out(by: Actor, organization: Organization) -> Decision:
    """The hospital itself, and the dispatcher of its region, decide how its places are shared out."""
    if by.is_system or (by.role == Role.DISPATCHER and _plans_for(by, organization)):
        return YES
    if by.role in PLANNERS and by.organization_id == organization.pk:
        return YES
    return no(_("只有医院自己或本地的排班员可以改放号规则。"))


def can_plan_week(by: Actor, organization: Organization) -> Decision:
    """The hospital itself, and the dispatcher of its region, keep the templates its clinics are opened from."""
    if by.is_system or (by.role == Role.DISPATCHER and _plans_for(by, organization)):
        return YES
    if by.role in PLANNERS and by.organization_id == organization.pk:
        return YES
    return no(_("只有医院自己或本地的排班员可以排出诊模板。"))


# Whose own seat may use a right to add somebody beyond the places.
ADDING = (Role.REFERRAL_DESK, Role.EXPERT)


def can_name_right(by: Actor, organization: Organization) -> Decision:
    """The hospital's director and its guidance office name who may add patients; nobody names themselves."""
    if by.role in (Role.HOSPITAL_DIRECTOR, Role.GUIDANCE_OFFICE) and by.organization_id == organization.pk:
        return YES
    return no(_("加号权由医院院长或社区指导科来定。"))


def can_add_beyond(by: Actor, session: Session, *, has_right: bool) -> Decision:
    """Who was named; a doctor in the own session, the desk in any of the house."""
    if by.role not in ADDING or by.organization_id != session.organization_id or not has_right:
        return no(_("您没有这家医院的加号权。"))
    if by.role == Role.EXPERT and session.practitioner.user_id != user_id_of(by):
        return no(_("只能在自己的门诊里加号。"))
    return YES


def can_name_day(by: Actor, *, organization: Organization | None, place: Place) -> Decision:
    """A hospital names days for itself, the bureau and the dispatcher of a place for all hospitals in it."""
    if by.is_system or (organization is not None and can_plan_week(by, organization)):
        return YES
    own = Organization.objects.filter(pk=by.organization_id or 0).first()
    if organization is None and by.role in REGIONAL and own is not None and own.place_id == place.pk:
        return YES
    return no(_("只有医院自己、本地的卫生局或排班员可以定哪天算什么。"))


def parties(by: Actor, booking: Booking) -> set[str]:
    """Which parties of the booking's state table the actor is; `booking` with session, practitioner and resident."""
    if by.is_system:
        return {"system"}
    found: set[str] = set()
    user_id = user_id_of(by)
    if by.role == Role.RESIDENT and _acts_for(user_id, booking.resident):
        found.add("resident")
    if by.role in CLINICAL and by.organization_id == booking.session.organization_id:
        found.add("desk")
    if by.role == Role.EXPERT and booking.session.practitioner.user_id == user_id:
        found.add("practitioner")
    if by.role in DESK and by.organization_id == booking.resident.centre_id:
        found.add("centre")
    return found


def _acts_for(user_id: int | None, resident: Resident) -> bool:
    if resident.user_id is not None and resident.user_id == user_id:
        return True
    # reads the clock: a right to act is a right now
    return residents.may_act_for(user_id, resident.pk, timezone.now())


def can_step(by: Actor, booking: Booking, allowed: tuple[str, ...]) -> Decision:
    """Whether the actor is one of the parties a step of the table allows; the resident's centre may cancel for them."""
    own = parties(by, booking)
    if "centre" in own and booking.channel != Booking.Channel.SELF:
        own.add("resident")
    return YES if own.intersection(allowed) else no(_("这一步由预约人或出诊机构来做。"))


def visible_to(seat: Seat | None) -> Q:
    """A resident's own bookings and those of whom they act for; for clinical staff those at their place.

    Or of their centre; always where a basis is valid.
    """
    if seat is None:
        return Q(pk__in=())
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    if seat.role not in CLINICAL:
        return Q(pk__in=())
    near = (
        Q(session__organization_id=seat.organization_id)
        | Q(resident__centre_id=seat.organization_id)
        | Q(session__practitioner__user_id=seat.user_id)
    )
    return near & residents.visible_to(seat, field="resident_id")


def can_step_in_line(by: Actor, waiting: Waiting) -> Decision:
    """The resident and who acts for them, their centre, and the centre that put them in line."""
    if by.is_system:
        return YES
    if by.role == Role.RESIDENT and _acts_for(user_id_of(by), waiting.resident):
        return YES
    if by.role in DESK and by.organization_id in (waiting.centre_id, waiting.resident.centre_id):
        return YES
    return no(_("候补由本人或替他排队的中心来办。"))


def waits_visible_to(seat: Seat | None) -> Q:
    """A resident's own lines and those of whom they act for; for a centre those of its people and that it began."""
    if seat is None:
        return Q(pk__in=())
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    if seat.role not in DESK:
        return Q(pk__in=())
    near = Q(centre_id=seat.organization_id) | Q(resident__centre_id=seat.organization_id)
    return near & residents.visible_to(seat, field="resident_id")


# Who answers for the desk of a house: never whose patient it is.
ANSWERING = (Role.CENTRE_MANAGER, Role.REFERRAL_DESK)


def can_appeal(by: Actor, booking: Booking) -> Decision:
    """The resident and who acts for them."""
    own = by.role == Role.RESIDENT and _acts_for(user_id_of(by), booking.resident)
    return YES if own else no(_("申诉由本人来提。"))


def can_decide_appeal(by: Actor, appeal: Appeal) -> Decision:
    """The desk of the place where the resident was awaited."""
    own = by.role in ANSWERING and by.organization_id == appeal.organization_id
    return YES if own else no(_("申诉由出诊机构的窗口答复。"))


def appeals_to_decide(seat: Seat | None) -> Q:
    """The appeals a seat's house answers."""
    if seat is None or seat.role not in ANSWERING:
        return Q(pk__in=())
    return Q(organization_id=seat.organization_id) & residents.visible_to(seat, field="resident_id")


def can_answer(by: Actor, displaced: Displaced) -> Decision:
    """The resident and who acts for them, their centre, and the desk of the house that called the session off."""
    if by.is_system:
        return YES
    if by.role == Role.RESIDENT and _acts_for(user_id_of(by), displaced.resident):
        return YES
    if by.role in DESK and by.organization_id == displaced.resident.centre_id:
        return YES
    if by.role in ANSWERING and by.organization_id == displaced.organization_id:
        return YES
    return no(_("停诊以后的改约由本人、他的中心或出诊机构来办。"))


def centre_named(by: Actor | Seat, booking: Booking) -> int | None:
    """In whose name somebody may take another place for one that was lost: the centre it was booked through.

    A desk of a hospital speaks for the resident's centre where this, or a letter, had booked; a centre for itself.
    """
    if by.role == Role.REFERRAL_DESK:
        return None if booking.channel == Booking.Channel.SELF else booking.resident.centre_id
    return by.organization_id if by.role in DESK else None


def displaced_visible_to(seat: Seat | None) -> Q:
    """A resident's own and those of whom they act for; of staff, the desk of the house and the resident's centre."""
    if seat is None:
        return Q(pk__in=())
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    near = Q(pk__in=())
    if seat.role in DESK:
        near |= Q(resident__centre_id=seat.organization_id)
    if seat.role in ANSWERING:
        near |= Q(organization_id=seat.organization_id)
    return near & residents.visible_to(seat, field="resident_id")


def displaced_owed_by(seat: Seat | None) -> Q:
    """Those whom a seat's house owes another place."""
    if seat is None or seat.role not in ANSWERING:
        return Q(pk__in=())
    return Q(organization_id=seat.organization_id) & residents.visible_to(seat, field="resident_id")
