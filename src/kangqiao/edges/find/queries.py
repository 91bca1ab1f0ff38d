"""What one search finds. People and organisations come from their modules, through the scope of the seat alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.search import wanted_key
from kangqiao.base.templatetags.kq import masked
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import EMERGENCY_ROLES, TREATING
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.edges.find.places import deeds, is_called, pages
from kangqiao.edges.home.rail import Entry

# Fewer letters would find half the town, and ask the database for each of them.
SHORTEST = 2
MOST_OF_A_KIND = 5
BOOKERS = (Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)


@dataclass(frozen=True, slots=True)
class Hit:
    """One line: what it is called, what tells it from its like, and where it leads."""

    url: str
    icon: str
    title: str
    note: str = ""
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one kind."""

    key: str
    label: str
    hits: list[Hit]


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to one search; `is_missing` says that a person may exist who is out of reach, or not at all."""

    text: str
    groups: list[Group] = field(default_factory=list)
    is_short: bool = False
    is_missing: bool = False
    may_break_glass: bool = False


def find(seat: Seat, text: str, now: datetime) -> Found:
    """Everything in reach that is called so. Short words look for pages only; an empty one shows where one may go."""
    wanted = wanted_key(text)
    is_short = len(wanted) < SHORTEST
    rows = [] if is_short else [_people(seat, text, now), _experts(seat, text, now), _organizations(seat, text)]
    groups = [*rows, _places("deeds", _("做事"), deeds(seat.role), wanted), _pages(seat, wanted)]
    return Found(
        text=text,
        groups=[group for group in groups if group.hits],
        is_short=bool(wanted) and is_short,
        is_missing=not is_short and not any(group.hits for group in rows),
        may_break_glass=seat.role in EMERGENCY_ROLES,
    )


def _people(seat: Seat, text: str, now: datetime) -> Group:
    found = residents.search_residents(seat, text, MOST_OF_A_KIND) if seat.role in TREATING else []
    return Group("people", _("居民"), [_person(one, now) for one in found])


def _person(one: Resident, now: datetime) -> Hit:
    years = residents.age(one, localtime(now).date())
    said = (
        str(one.get_sex_display()), _("%(years)s 岁") % {"years": years}, masked(one.identifier), one.centre.short_zh,
    )  # fmt: skip
    return Hit(reverse("records-resident", args=[one.pk]), "user-circle", one.name, " · ".join(said), one.is_demo)


def _experts(seat: Seat, text: str, now: datetime) -> Group:
    if seat.role not in BOOKERS:
        return Group("experts", "", [])
    person = residents.resident_of(seat.user_id) if seat.role == Role.RESIDENT else None
    home = person.centre_id if person else seat.organization_id
    found: dict[int, Hit] = {}
    for offer in scheduling.offers(seat, home_id=home, now=now, text=text):
        who = offer.practitioner
        url = reverse("slots-expert", args=[who.pk])
        found.setdefault(who.pk, Hit(url, "stethoscope", who.name, offer.organization.zh, who.is_demo))
    return Group("experts", _("可约的专家"), list(found.values())[:MOST_OF_A_KIND])


def _organizations(seat: Seat, text: str) -> Group:
    if seat.role == Role.RESIDENT:
        return Group("organizations", "", [])
    found = institutions.search_network(seat.place_id, text, MOST_OF_A_KIND)
    page = reverse("institutions-network")
    hits = [Hit(f"{page}#o{one.pk}", "building-hospital", one.zh, one.place.zh) for one in found]
    return Group("organizations", _("机构"), hits)


def _pages(seat: Seat, wanted: str) -> Group:
    return _places("pages", _("去页面"), pages(seat.role), wanted)


def _places(key: str, label: str, entries: list[Entry], wanted: str) -> Group:
    return Group(
        key,
        label,
        [Hit(reverse(one.url_name), one.icon, str(one.label)) for one in entries if is_called(one, wanted)],
    )
