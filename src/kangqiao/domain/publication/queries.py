"""Lists as drafted from live data, and lists as published."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.models import StatusChange
from kangqiao.base.transition import history
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.publication import rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.parameters import PublicationParameters
from kangqiao.domain.publication.permissions import parties, visible_to
from kangqiao.domain.publication.states import PUBLICATION
from kangqiao.domain.roster.models import Posting
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step


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
    own = parties(seat.actor, publication, own_bodies(seat.organization_id), approver_of(publication.organization))
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


def history_of(publication: Publication) -> list[StatusChange]:
    """Every step the list took."""
    return list(history(publication))


def hospitals_without_list(place_code: str, year: int) -> list[Organization]:
    """Hospitals with agreements in force that have not published a list for the year."""
    bound = Agreement.objects.filter(status="in_force", hospital__place__code__startswith=place_code[:4])
    done = Publication.objects.filter(year=year, status="published").values("organization_id")
    found = Organization.objects.filter(pk__in=bound.values("hospital_id")).exclude(pk__in=done)
    return list(found.order_by("code"))


def _centre_row(agreement: Agreement) -> dict[str, str]:
    return {
        "centre": agreement.centre.zh,
        "agreement": agreement.number,
        "starts_on": agreement.starts_on.isoformat(),
        "ends_on": agreement.ends_on.isoformat(),
    }


def _expert_row(posting: Posting) -> dict[str, str]:
    expert = posting.practitioner
    return {
        "name": expert.name,
        "title": str(expert.get_title_grade_display()),
        "specialty": expert.specialty.zh if expert.specialty else "",
        "place": posting.centre.zh,
        "starts_on": posting.starts_on.isoformat(),
        "ends_on": posting.ends_on.isoformat(),
    }
