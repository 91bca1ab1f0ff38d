"""Lists as drafted from live data, and lists as published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao import policy
from kangqiao.base.models import StatusChange
from kangqiao.base.pages import Difference
from kangqiao.base.transition import Told, told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.publication import rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.parameters import PublicationParameters
from kangqiao.domain.publication.permissions import HOSPITAL, of_seat, parties, visible_to
from kangqiao.domain.publication.states import PUBLICATION
from kangqiao.domain.roster.models import Posting
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State, Step

YEARS_BACK = 3


def publications(seat: Seat | None, year: int | None = None) -> QuerySet[Publication]:
    """The lists the reader may see, newest first; nobody signed in sees the published ones."""
    found = Publication.objects.filter(visible_to(seat)).select_related("organization__place", "previous").distinct()
    return found.filter(year=year) if year else found


def get_publication(seat: Seat | None, publication_id: int) -> Publication:
    """One list. Raises NotVisible."""
    found = publications(seat).filter(pk=publication_id).first()
    if found is None:
        raise NotVisible(_("没有这份公示，或还没有公开。"), next_step=_("请回到公示列表查看。"))
    return found


def published(year: int | None = None) -> list[Publication]:
    """The latest published version per hospital and year, for the public page."""
    rows = Publication.objects.filter(status="published").select_related("organization__place")
    rows = rows.filter(year=year) if year else rows
    latest: dict[tuple[int, int], Publication] = {}
    for row in rows.order_by("version"):
        latest[row.organization_id, row.year] = row
    return sorted(latest.values(), key=lambda row: (-row.year, row.organization.code))


def get_published(publication_id: int) -> Publication:
    """One published list, for everybody. Raises NotVisible for any other."""
    return get_publication(None, publication_id)


def newer(publication: Publication) -> Publication | None:
    """A later published version of the same list, if there is one."""
    found = Publication.objects.filter(
        organization_id=publication.organization_id, year=publication.year, status="published"
    )
    return found.filter(version__gt=publication.version).order_by("-version").first()


def as_table(publication: Publication) -> list[tuple[str, ...]]:
    """The list for a workbook: centres first, then experts planned and completed."""
    content = publication.content
    lines: list[tuple[str, ...]] = [
        (_("对口机构"), "", "", "", row["centre"], row["starts_on"], row["ends_on"]) for row in content["chc_list"]
    ]
    for part, label in (("experts_planned", _("拟派驻")), ("experts_completed", _("已派驻过"))):
        lines += [
            (label, row["name"], row["title"], row["specialty"], row["place"], row["starts_on"], row["ends_on"])
            for row in content[part]
        ]
    return lines


def current(organization_id: int, year: int) -> Publication | None:
    """The newest version of a hospital's list for a year."""
    return Publication.objects.filter(organization_id=organization_id, year=year).order_by("-version").first()


def last_published(organization_id: int) -> Publication | None:
    """The list the public reads now, of whatever year."""
    found = Publication.objects.filter(organization_id=organization_id, status="published")
    return found.order_by("-year", "-version").first()


def parameters_for(organization: Organization, year: int) -> PublicationParameters:
    """The rules for a hospital's list of a year. Raises NoPolicyInForce."""
    return PublicationParameters.read(policy.at(place=organization.place.code, date=date(year, 1, 1)))


def live_content(organization: Organization, year: int, on: date) -> dict[str, Any]:
    """The list as the live data have it on a day: centres with agreements, experts posted before and planned.

    Completed are the postings that began in an earlier year, planned those that serve in the year. Nothing about a
    person beyond name, title, specialty, place and term (SZ16-4.3c).
    """
    agreements = Agreement.objects.filter(hospital=organization, status__in=("signed", "in_force", "ending_requested"))
    agreements = agreements.exclude(kind=Agreement.Kind.TARGET).select_related("centre").order_by("number")
    postings = Posting.objects.filter(agreement__hospital=organization).exclude(status__in=("nominated", "refused"))
    postings = postings.select_related("practitioner__specialty", "centre").order_by("centre__code", "starts_on", "id")
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    return {
        "hospital": organization.zh,
        "year": year,
        "as_of": on.isoformat(),
        "chc_list": [_centre_row(agreement) for agreement in agreements],
        "experts_completed": [_expert_row(row) for row in postings if row.starts_on < first],
        "experts_planned": [_expert_row(row) for row in postings if row.starts_on < after and row.ends_on > first],
    }


def available_steps(seat: Seat, publication: Publication) -> list[Step]:
    """The buttons of the page."""
    own = parties(seat.actor, publication, seat.bodies, approver_of(publication.organization))
    return PUBLICATION.steps_from(publication.status, own)


def own_bodies(organization_id: int | None) -> frozenset[int]:
    """An organisation and the body it is part of."""
    row = Organization.objects.filter(pk=organization_id or 0).values_list("pk", "part_of_id").first()
    return frozenset(pk for pk in row or () if pk is not None)


def approver_of(organization: Organization) -> int | None:
    """The health bureau that approves: of the city for its hospitals, whoever owns them."""
    place: Place | None = organization.place
    bureau: int | None = None
    while place is not None:
        found = Organization.objects.filter(kind=Organization.Kind.HEALTH_BUREAU, place=place).order_by("id").first()
        bureau = found.pk if found else bureau
        place = place.part_of
    return bureau


def changes(publication: Publication) -> list[rules.Change]:
    """What differs from the list before."""
    return rules.difference(publication.previous.content if publication.previous else {}, publication.content)


PART_NAMES = {
    "chc_list": gettext_lazy("对口机构"), "experts_completed": gettext_lazy("已派驻过"),
    "experts_planned": gettext_lazy("拟派驻"),
}  # fmt: skip
COLUMNS = {
    "agreement": gettext_lazy("协议编号"), "title": gettext_lazy("职称"), "specialty": gettext_lazy("专科"),
    "starts_on": gettext_lazy("起"), "ends_on": gettext_lazy("止"),
}  # fmt: skip


def differences(publication: Publication) -> list[Difference]:
    """The same as the page tells it: who or which centre, where and for how long, and what became of each column."""
    return [
        Difference(
            change.kind, change.row.get("name") or change.row.get("centre", ""),
            " · ".join(filter(None, (str(PART_NAMES[change.part]), change.row.get("place", "")))),
            f"{change.row['starts_on']} – {change.row['ends_on']}",
            tuple(
                (label, change.before.get(name, ""), change.row.get(name, ""))
                for name, label in COLUMNS.items() if change.before and change.before.get(name) != change.row.get(name)
            ),
            is_person="name" in change.row,
        )
        for change in changes(publication)
    ]  # fmt: skip


def hospitals_without_list(place_code: str, year: int) -> list[Organization]:
    """Hospitals of a place with agreements in force that have not published a list for the year."""
    places = institutions.place_ids_under(place_code)
    bound = Agreement.objects.filter(status="in_force", hospital__place__in=places)
    done = Publication.objects.filter(year=year, status="published").values("organization_id")
    found = Organization.objects.filter(pk__in=bound.values("hospital_id")).exclude(pk__in=done)
    return list(found.select_related("place").order_by("code"))


@dataclass(frozen=True, slots=True)
class ListRow:
    """One list with its state, and how many days are left to its last day (negative when it has passed)."""

    publication: Publication
    state: State
    days_left: int


def listed(seat: Seat, year: int, today: date) -> list[ListRow]:
    """The newest version of each list of a year that the seat works with, by hospital."""
    rows = publications(seat, year).filter(of_seat(seat)).order_by("organization__code", "-version")
    newest: dict[int, Publication] = {}
    for row in rows:
        newest.setdefault(row.organization_id, row)
    return [ListRow(row, PUBLICATION.state(row.status), (row.due_on - today).days) for row in newest.values()]


def years(today: date) -> list[int]:
    """The years a reader may choose, the running one first."""
    return list(range(today.year, today.year - YEARS_BACK - 1, -1))


def owed(seat: Seat, year: int) -> list[Organization]:
    """The hospitals the seat answers for that still owe a list of the year and have not begun one."""
    begun = Publication.objects.filter(year=year).values_list("organization_id", flat=True)
    found = [row for row in hospitals_without_list(seat.place_code, year) if row.pk not in set(begun)]
    if seat.role == Role.BUREAU_OFFICER:
        return found
    own = seat.bodies
    return [row for row in found if row.pk in own]


def hospital_of(seat: Seat) -> Organization | None:
    """The hospital the seat prepares lists for, if it does."""
    if seat.role not in HOSPITAL:
        return None
    return Organization.objects.filter(pk__in=seat.bodies, kind=Organization.Kind.HOSPITAL).first()


def state_of(publication: Publication) -> State:
    """The state of the list as a page draws it."""
    return PUBLICATION.state(publication.status)


def story_of(publication: Publication) -> list[Told]:
    """Every step the list took, in words."""
    return told(publication, PUBLICATION)


def to_prepare(seat: Seat) -> tuple[int, datetime | None]:
    """How many lists of the seat's hospital wait for it: drafts, returned and approved ones; since when."""
    hospital = hospital_of(seat)
    if hospital is None:
        return 0, None
    waiting = Publication.objects.filter(organization=hospital, status__in=("draft", "returned", "approved"))
    return _counted(list(waiting.values_list("pk", flat=True)))


def to_approve(seat: Seat) -> tuple[int, datetime | None]:
    """How many submitted lists wait for the seat's approval, and since when the oldest."""
    if seat.role != Role.BUREAU_OFFICER:
        return 0, None
    waiting = publications(seat).filter(status="submitted")
    return _counted([row.pk for row in waiting if approver_of(row.organization) == seat.organization_id])


def waiting_rows(seat: Seat, statuses: tuple[str, ...]) -> list[Publication]:
    """What `to_prepare` and `to_approve` count, the one due first above."""
    found = publications(seat).filter(of_seat(seat), status__in=statuses).order_by("due_on", "pk")
    if seat.role in HOSPITAL:
        return list(found)
    approvers: dict[int, int | None] = {}
    for row in found:
        if row.organization.place_id not in approvers:
            approvers[row.organization.place_id] = approver_of(row.organization)
    return [row for row in found if approvers[row.organization.place_id] == seat.organization_id]


def _counted(ids: list[int]) -> tuple[int, datetime | None]:
    latest: dict[int, datetime] = {}
    for row in StatusChange.objects.filter(subject_type=Publication._meta.label_lower, subject_id__in=ids):
        latest[row.subject_id] = row.at
    return len(ids), min(latest.values(), default=None)


def _centre_row(agreement: Agreement) -> dict[str, str]:
    return {
        "centre": agreement.centre.zh,
        "agreement": agreement.number,
        "starts_on": agreement.starts_on.isoformat(),
        "ends_on": agreement.last_day.isoformat(),
    }


def _expert_row(posting: Posting) -> dict[str, str]:
    expert = posting.practitioner
    return {
        "name": expert.name,
        "title": str(expert.get_title_grade_display()),
        "specialty": expert.specialty.zh if expert.specialty else "",
        "place": posting.centre.zh,
        "starts_on": posting.starts_on.isoformat(),
        "ends_on": posting.last_day.isoformat(),
    }
