"""A hospital of Shenzhen with two paired centres, one expert of last year and one planned."""

from __future__ import annotations

from datetime import UTC, date, datetime

from kangqiao.base.actor import Actor
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.publication import actions
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.roster.models import Posting
from kangqiao.domain.workforce.models import Practitioner

JANUARY = datetime(2016, 1, 20, 2, 0, tzinfo=UTC)


class Region:
    """A hospital of Shenzhen with two paired centres, one expert of last year and one planned."""

    def __init__(self) -> None:
        self.city = Place.objects.create(code="4403", zh="深圳市")
        self.bureau = self.organization("bureau", Organization.Kind.HEALTH_BUREAU)
        self.hospital = self.organization("hospital", Organization.Kind.HOSPITAL)
        self.office = self.organization("office", Organization.Kind.GUIDANCE_OFFICE, part_of=self.hospital)
        self.other = self.organization("other", Organization.Kind.HOSPITAL)
        self.guide = Actor("user:1", "江半夏", self.office.pk, "指导科", "guidance_office")
        self.officer = Actor("user:2", "韩景天", self.bureau.pk, "卫生局", "bureau_officer")
        self.stranger = Actor("user:3", "顾白芷", self.other.pk, "别院", "guidance_office")
        self.agreements = [self.agreement(f"centre{number}") for number in (1, 2)]
        self.posting("沈青黛", self.agreements[0], date(2015, 8, 1), date(2016, 1, 1))
        self.posting("方海桐", self.agreements[1], date(2016, 1, 1), date(2017, 1, 1))

    def organization(self, code: str, kind: str, **fields: object) -> Organization:
        return Organization.objects.create(code=code, kind=kind, zh=code, short_zh=code, place=self.city, **fields)

    def agreement(self, code: str) -> Agreement:
        return Agreement.objects.create(
            kind=Agreement.Kind.PAIRING, number=f"DX-{code}", hospital=self.hospital,
            centre=self.organization(code, Organization.Kind.CENTRE), starts_on=date(2015, 8, 1),
            ends_on=date(2018, 8, 1), status="in_force", policy_ref="x",
        )  # fmt: skip

    def posting(self, name: str, agreement: Agreement, starts_on: date, ends_on: date) -> Posting:
        expert = Practitioner.objects.create(
            name=name, sex="female", licence_number=f"执业-{name}", title_kind="physician",
            title_grade="associate_senior", organization=self.hospital,
        )  # fmt: skip
        return Posting.objects.create(
            practitioner=expert, centre=agreement.centre, agreement=agreement, starts_on=starts_on, ends_on=ends_on,
            status="posted", policy_ref="x",
        )  # fmt: skip

    def draft(self) -> Publication:
        return actions.draft_publication(organization_id=self.hospital.pk, year=2016, by=self.guide, at=JANUARY)

    def approved(self) -> Publication:
        pk = self.draft().pk
        actions.submit_publication(publication_id=pk, by=self.guide, at=JANUARY)
        return actions.approve_publication(publication_id=pk, by=self.officer, at=JANUARY)
