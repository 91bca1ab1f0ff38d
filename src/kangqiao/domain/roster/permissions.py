"""Who may post, plan, confirm and record, and whose half-days one may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster.models import HalfDay, Posting
from kangqiao.kernel.decision import YES, Decision, no
from kangqiao.policy import covers

BOARD_ROLES = ("dispatcher", "guidance_office", "hospital_director", "centre_manager", "bureau_officer")
HOSPITAL_ROLES = ("guidance_office", "hospital_director")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands towards hospitals and centres, looked up once for a whole page.

    `houses` are the own organisation and the one it is part of (a guidance office speaks for its hospital).
    """

    role: str
    organization_id: int
    houses: frozenset[int]
    place_code: str
    user_id: int
    is_system: bool = False


def standing_of(who: Seat | Actor) -> Standing:
    """The standing of a seat or of the actor of an action; a job of the system stands for every side."""
    if isinstance(who, Actor) and who.is_system:
        return Standing("", 0, frozenset(), "", 0, is_system=True)
    organization_id = who.organization_id or 0
    own = Organization.objects.select_related("place").filter(pk=organization_id).first()
    houses = {organization_id} | ({own.part_of_id} if own and own.part_of_id else set())
    user_id = who.user_id if isinstance(who, Seat) else int(who.id.rpartition(":")[2] or 0)
    code = own.place.code if own else ""
    return Standing(who.role, organization_id, frozenset(houses), code, user_id)


def is_dispatcher_of(who: Standing, place: Place) -> bool:
    """Whether this person plans rosters for a place."""
    return who.is_system or (who.role == "dispatcher" and covers(who.place_code, place.code))


def can_plan(who: Standing, place: Place) -> Decision:
    """Whether this person may plan, change and publish the rosters of a place."""
    return YES if is_dispatcher_of(who, place) else no(_("只有本地的排班员可以排班和发布。"))


def can_post(who: Standing, hospital_id: int) -> Decision:
    """Whether this person may nominate, approve, post and end postings of a hospital's experts."""
    if who.is_system or (who.role in HOSPITAL_ROLES and hospital_id in who.houses):
        return YES
    return no(_("只有派出医院的社区指导科或院长可以办理派驻。"))


def parties(who: Standing, half_day: HalfDay) -> set[str]:
    """The sides this person speaks for on a half-day, as the state table names them (SZ16-2.1b).

    For the centre speak its manager, the hospital that runs it, and the health bureau of its district.
    """
    if who.is_system:
        return {"dispatcher", "hospital", "centre", "expert"}
    centre, found = half_day.centre, set()
    if is_dispatcher_of(who, centre.place):
        found.add("dispatcher")
    if who.role in HOSPITAL_ROLES and half_day.posting.agreement.hospital_id in who.houses:
        found.add("hospital")
    if (
        (who.role == "centre_manager" and who.organization_id == centre.pk)
        or (who.role in HOSPITAL_ROLES and centre.part_of_id in who.houses)
        or (who.role == "bureau_officer" and covers(who.place_code, centre.place.code))
    ):
        found.add("centre")
    if half_day.practitioner.user_id == who.user_id:
        found.add("expert")
    return found


def can_step(who: Standing, half_day: HalfDay, allowed: Iterable[str]) -> Decision:
    """Whether this person speaks for one of the sides that may make a step on a half-day."""
    if parties(who, half_day).intersection(allowed):
        return YES
    return no(_("这个半天由派出医院、社区中心和排班员处理，您的岗位不能改。"))


def can_record(who: Standing, half_day: HalfDay) -> Decision:
    """Whether this person may write down what the expert did: the expert or the centre."""
    return can_step(who, half_day, ("expert", "centre"))


def visible_half_days(who: Standing) -> Q:
    """The half-days a person may see: planners and bureaus by place, hospital and centre their own, experts theirs."""
    if who.is_system:
        return Q()
    if who.role in ("dispatcher", "bureau_officer"):
        return Q(centre__place__in=_places(who))
    if who.role in HOSPITAL_ROLES:
        return Q(posting__agreement__hospital_id__in=who.houses) | Q(centre__part_of_id__in=who.houses)
    if who.role in ("centre_manager", "gp"):
        return Q(centre_id=who.organization_id)
    return Q(practitioner__user_id=who.user_id) if who.role == "expert" else Q(pk__in=())


def visible_postings(who: Standing) -> Q:
    """The postings a person may see, by the same sides."""
    if who.is_system:
        return Q()
    if who.role in ("dispatcher", "bureau_officer"):
        return Q(centre__place__in=_places(who))
    if who.role in HOSPITAL_ROLES:
        return Q(agreement__hospital_id__in=who.houses)
    if who.role in ("centre_manager", "gp"):
        return Q(centre_id=who.organization_id)
    return Q(practitioner__user_id=who.user_id) if who.role == "expert" else Q(pk__in=())


def _places(who: Standing) -> list[int]:
    return [pk for pk, code in Place.objects.values_list("pk", "code") if covers(who.place_code, code)]


def posting_parties(who: Standing, posting: Posting) -> set[str]:
    """The sides this person speaks for on a posting, as the state table names them."""
    return {"hospital"} if can_post(who, posting.agreement.hospital_id) else set()
