"""Who sees a referral and for which side one may act: the two ends of it, and the patient."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.rows import Contribution
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import permissions as contracting
from kangqiao.domain.contracting.models import SchoolHealthWorker
from kangqiao.domain.contracting.permissions import SCHOOL
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.models import OPEN, Referral, SchoolCase
from kangqiao.domain.residents import permissions as residents
from kangqiao.kernel.decision import YES, Decision, no

CENTRE_ROLES = (Role.GP, Role.CENTRE_MANAGER)
DESK_ROLES = (Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE)
HOSPITAL_ROLES = (*DESK_ROLES, Role.EXPERT)


def visible_to(seat: Seat | None) -> Q:
    """A resident's own referrals and those of whom they act for; for those who treat, the ones of their house.

    These come from it or go to it, and are seen as long as the person may be seen.

    A hospital's guidance office sees what its hospital sees; a centre sees its own alone, also where a hospital runs
    several.
    """
    if seat is None:
        return Q(pk__in=())
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    if seat.role not in (*CENTRE_ROLES, *HOSPITAL_ROLES):
        return Q(pk__in=())
    return (at_end("from_organization", seat) | at_end("to_organization", seat)) & residents.visible_to(
        seat, field="resident_id"
    )


def open_at_ends(seat: Seat) -> Q:
    """Of the open letters those of the seat's house, asked of thousands at once: `visible_to` for the counts of a list.

    An open letter gives both its ends a basis, so only whoever keeps the house out is looked for.
    """
    if seat.role not in (*CENTRE_ROLES, *HOSPITAL_ROLES):
        return Q(pk__in=())
    ends = at_end("from_organization", seat) | at_end("to_organization", seat)
    return Q(ends, residents.not_refusing(seat, field="resident_id"), status__in=OPEN)


def at_end(field: str, seat: Seat) -> Q:
    """Referrals of which one end is the seat's house."""
    if seat.role in CENTRE_ROLES:
        return Q(**{f"{field}_id": seat.organization_id})
    return reduce(or_, (Q(**{field: body}) for body in seat.bodies))


def of_person(end: str, seat: Seat) -> Q:
    """Of a house's referrals those of the person: the letters they wrote, or the patients booked to them."""
    doctor = "from_practitioner" if end == "from_organization" else "booking__session__practitioner"
    return Q(**{f"{doctor}__user_id": seat.user_id})


def hospital_of(referral: Referral) -> int:
    """The id of the hospital end."""
    return referral.to_organization_id if referral.direction == "up" else referral.from_organization_id


def centre_of(referral: Referral) -> int:
    """The id of the centre end."""
    return referral.from_organization_id if referral.direction == "up" else referral.to_organization_id


def parties(by: Actor, referral: Referral, own_bodies: frozenset[int]) -> set[str]:
    """Which parties of the table the actor is; `own_bodies` are the actor's organisation and the one it is part of."""
    found: set[str] = set()
    if by.role in CENTRE_ROLES and centre_of(referral) == by.organization_id:
        found.add("gp")
    if hospital_of(referral) in own_bodies:
        found |= {"desk"} if by.role in DESK_ROLES else set()
        found |= {"specialist"} if by.role == Role.EXPERT else set()
    return found


def school_cases_visible_to(seat: Seat | None) -> Q:
    """The cases of the schools one looks after; a centre's, those of the schools it serves."""
    if seat is not None and seat.role in SCHOOL:
        held = SchoolHealthWorker.objects.filter(user_id=seat.user_id, until__isnull=True)
        return Q(community__in=held.values("community"))
    if seat is not None and seat.role in CENTRE_ROLES:
        return Q(organization_id=seat.organization_id)
    return Q(pk__in=())


def school_parties(by: Actor, case: SchoolCase) -> set[str]:
    """Which parties of the table the actor is: the school that reported, the centre that serves it."""
    if by.role in CENTRE_ROLES and case.organization_id == by.organization_id:
        return {"centre"}
    return {"school"} if contracting.works_at(by, case.community_id) else set()


def sender_sides(referral: Referral) -> set[str]:
    """The parties of the house that sent a letter."""
    return {"gp"} if referral.direction == "up" else {"desk", "specialist"}


def can_send_up(by: Actor, origin: Encounter | None) -> Decision:
    """Doctors of a centre send patients up; so does a posted expert, from a visit at the centre (SZ16-3.2b)."""
    if by.role in CENTRE_ROLES or (by.role == Role.EXPERT and origin is not None and origin.is_posted_expert):
        return YES
    return no(_("上转由社区卫生服务中心的医生发出，或由下社区专家从当次门诊发出。"))


def can_send_down(by: Actor) -> Decision:
    """The hospital's desk and specialists hand patients back."""
    return YES if by.role in HOSPITAL_ROLES else no(_("下转由医院的转诊专员或接诊专家发出。"))


def at_the_desk(by: Actor, hospital: Organization) -> Actor:
    """The person at the hospital's referral desk, as scheduling and the record know it.

    The guidance office staffs that desk (ZH-3.2.4a), also where it is registered as an organisation of its own; who may
    act has been decided by `parties` before.
    """
    return replace(by, organization_id=hospital.pk, organization=hospital.zh, role=Role.REFERRAL_DESK.value)


def for_the_referral(by: Actor) -> Actor:
    """The referral itself, moved by this person: gives back the place it holds at the other house."""
    return Actor(id=Actor.system("referral").id, name=by.name, organization=by.organization)


# What a school reads of the letter that came of its case: where it went and how far it is, never what is in it.
_SCHOOL_LETTERS = f"""
CREATE OR REPLACE FUNCTION kangqiao_school_letters(wanted bigint[]) RETURNS TABLE (case_id bigint, status text,
  hospital text, sent_at timestamptz, answered_at timestamptz, arrived_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
#variable_conflict use_column
BEGIN
  IF kangqiao_role() <> '{Role.SCHOOL_HEALTH.value}' THEN RETURN; END IF;
  RETURN QUERY
    SELECT c.id, r.status::text, coalesce(nullif(o.short_zh, ''), o.zh)::text, r.sent_at, r.answered_at, r.arrived_at
      FROM referral_schoolcase c
      JOIN referral_referral r ON r.id = c.referral_id
      JOIN institutions_organization o ON o.id = r.to_organization_id
     WHERE c.id = ANY (wanted)
       AND EXISTS (SELECT FROM contracting_schoolhealthworker w
                    WHERE w.community_id = c.community_id AND w.user_id = kangqiao_me() AND w.until IS NULL);
END $body$"""  # noqa: S608 (constant text)
ROWS = Contribution((_SCHOOL_LETTERS,))
