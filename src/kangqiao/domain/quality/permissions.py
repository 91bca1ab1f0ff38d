"""Who draws and checks, and who puts right."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organization_by_id, place_ids_under
from kangqiao.domain.quality.models import SampledItem
from kangqiao.kernel.decision import YES, Decision, no

BUREAU = (Role.BUREAU_OFFICER,)
CENTRE = (Role.CENTRE_MANAGER,)
READERS = (*BUREAU, *CENTRE)


def samplings_visible_to(seat: Seat) -> Q:
    """What the own house drew, or what was drawn of it."""
    if seat.role in BUREAU:
        return Q(bureau=seat.organization_id)
    return Q(centre=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def can_draw(by: Actor, centre: Organization) -> Decision:
    """A bureau draws of the centres of its place; each level has a quality control centre (XH23-5.2.4a)."""
    if by.is_system:
        return YES
    if by.role not in BUREAU or centre.kind != Organization.Kind.CENTRE:
        return no(_("抽查由卫生行政部门的质控中心做，抽的是社区中心。"), "XH23-5.2.4a")
    place = organization_by_id(by.organization_id or 0).place
    return YES if centre.place_id in place_ids_under(place.code) else no(_("这个中心不在您的辖区。"), "XH23-5.2.4a")


def parties_of(by: Actor, item: SampledItem) -> set[str]:
    """As what somebody may move an item."""
    if by.role in BUREAU and by.organization_id == item.sampling.bureau_id:
        return {"bureau"}
    return {"centre"} if by.role in CENTRE and by.organization_id == item.sampling.centre_id else set()


def can_step(by: Actor, item: SampledItem, parties: tuple[str, ...]) -> Decision:
    """The bureau that drew it checks and closes, the centre's manager puts right."""
    if by.is_system or parties_of(by, item) & set(parties):
        return YES
    return no(_("抽查由抽样的质控中心核查和销案，由中心负责人整改。"), "XH23-5.2.4a")
