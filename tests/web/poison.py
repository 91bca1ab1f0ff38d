"""Fills every text a person could have written with hostile words: which fields those are, the models say themselves.

A new model or field is poisoned without a line here; only a word of the program (a code, a digest, an address) is named
below, with its model, and a test holds the list against the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models

from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin
from kangqiao.domain.agreements.models import Party
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.appraisal.states import APPRAISAL
from kangqiao.domain.finance.states import SETTLEMENT
from kangqiao.domain.publication import queries as publications
from kangqiao.domain.publication import rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.states import PUBLICATION
from kangqiao.domain.referral.states import UP
from kangqiao.domain.roster.states import HALF_DAY, POSTING
from kangqiao.domain.scheduling.states import BOOKING
from tests.access_matrix.record_rows import BOUND
from tests.access_matrix.world import Side

# Words of the program, which nobody types; some decide how a page is made and would break it.
PROGRAM = {
    "accounts.FailureCount": {"scope", "key"},
    "accounts.OutsideIdentity": {"issuer", "subject"},
    "accounts.RecoveryCode": {"digest"},
    "accounts.RoleChange": {"proposed_by"},
    "accounts.SecondFactor": {"host"},
    "accounts.SignIn": {"session_key", "way", "ended_why"},
    "accounts.User": {"password", "username", "language"},
    "agreements.Agreement": {"policy_ref", "forms"},
    "agreements.Duty": {"measure", "clause", "force", "policy_ref"},
    "appraisal.Appraisal": {"policy_ref"},
    "appraisal.AppraisalItem": {"indicator", "clause"},
    "finance.Settlement": {"inputs", "sha256", "policy_ref"},
    "finance.SettlementLine": {"rule", "inputs", "clause"},
    "indicators.MeasureReport": {"indicator", "unit", "inputs", "sha256", "policy_ref"},
    "institutions.Organization": {"code"},
    "institutions.Place": {"code"},
    "messaging.Notice": {"kind", "url", "clause", "cause"},
    "portal.CentreService": {"specialty"},
    "publication.Publication": {"content", "sha256", "policy_ref"},
    "records.Encounter": {"specialty"},
    "referral.Referral": {"specialty", "reason_code", "policy_ref", "summary_sha256"},
    "referral.Attachment": {"sha256", "by_id"},
    "referral.SchoolCase": {"policy_ref"},
    "residents.Basis": {"source"},
    "roster.Posting": {"policy_ref"},
    "roster.Roster": {"unmet", "policy_ref"},
    "scheduling.Booking": {"attempt"},
    "scheduling.ClinicTemplate": {"specialty"},
    "scheduling.Session": {"specialty", "source", "policy_ref"},
    "terminology.Concept": {"code"},
    "workforce.Practitioner": {"sex"},
}
# Tables of the plumbing; of them a page shows the history of a status, which is written with hostile words below.
PLUMBING = "base"
HISTORIES = {
    "agreement": AGREEMENT, "appraisal": APPRAISAL, "booking": BOOKING, "half_day": HALF_DAY, "posting": POSTING,
    "publication": PUBLICATION, "referral": UP, "settlement": SETTLEMENT,
}  # fmt: skip


def written_fields() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every field with text of people."""
    for model in apps.get_models():
        if not model.__module__.startswith("kangqiao.") or model._meta.app_label == PLUMBING:
            continue
        label = model._meta.label
        for column in model._meta.local_fields:
            is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
            if is_text and column.name not in PROGRAM.get(label, set()) | BOUND.get(label, set()):
                yield model, column


def poison(side: Side, payloads: tuple[str, ...]) -> int:
    """Every such field of every row holds one of the payloads it has room for, in turn; how many were filled."""
    count = 0
    Party.objects.update(signed_by="x", signed_at=side.at)  # a name stands beside the time of a signature only
    for model, column in written_fields():
        for row in model._default_manager.all():
            end = f"-{row.pk}" if column.unique else ""
            room = (column.max_length or 10_000) - len(end)
            fitting = [one for one in payloads if len(one) <= room]
            if fitting:
                model._base_manager.filter(pk=row.pk).update(**{column.name: fitting[count % len(fitting)] + end})
                count += 1
    hostile = max((one for one in payloads if len(one) <= 100), key=len)
    somebody = Actor(id="user:1", name=hostile, organization_id=None, organization=hostile)
    for name, table in HISTORIES.items():
        begin(side.rows[name], table, by=somebody, at=side.at, reason=hostile)
    return count


def publish(side: Side) -> Publication:
    """The side's list as the public reads it, made of the poisoned rows."""
    row: Publication = side.rows["publication"]
    content = publications.live_content(row.organization, row.year, side.at.date())
    digest = rules.digest(content)
    Publication.objects.filter(pk=row.pk).update(
        status="published", content=content, sha256=digest, published_at=side.at, days_late=0
    )
    return row
