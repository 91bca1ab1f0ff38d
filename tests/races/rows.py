"""A row of any model in any state, with everything it must point to: invented, as small as its constraints allow."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any

from django.db import models

from kangqiao.domain.accounts.models import Membership, User
from kangqiao.domain.messaging.models import Delivery
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.scheduling.models import Booking
from kangqiao.kernel.states import StateTable

NUMBERS = itertools.count(1)
DAY, LATER = date(2026, 3, 2), date(2027, 3, 1)
AT, AFTER = datetime(2026, 3, 2, 1, tzinfo=UTC), datetime(2026, 3, 2, 4, tzinfo=UTC)
# What a check constraint asks of rows that are far on; it does no harm to those that are not.
WHOLE: dict[str, dict[str, Any]] = {
    "appraisal.Appraisal": {"score": 90, "pay_percent": 100, "closed_at": AT},
    "publication.Publication": {"sha256": "0" * 64, "days_late": 0, "published_at": AT},
    "referral.Referral": {"reason_code": "demo"},
    "contracting.Contract": {"starts_on": DAY, "ends_on": LATER, "signature": ""},
    "contracting.TeamMember": {"kind": "gp"},
    "contracting.Community": {"counted_by": ""},
    "messaging.Delivery": {"failure": ""},
    "referral.Attachment": {"taken_back_why": ""},
    "referral.SchoolCase": {"answer_kind": "", "answer": "", "referral": None},
}
# What a row must point to although its column may be empty.
NEEDED: dict[str, dict[str, type[models.Model]]] = {"messaging.Notice": {"user": User}}
BY_KIND: dict[type[models.Field[Any, Any]], Any] = {
    models.DateField: DAY,
    models.DateTimeField: AT,
    models.IntegerField: 1,
    models.DecimalField: 1,
    models.JSONField: {},
}


def make(model: type[models.Model], **given: Any) -> Any:
    """Writes one row; what is not given is invented, what it points to is made the same way."""
    values: dict[str, Any] = WHOLE.get(model._meta.label, {}) | given
    for name, needed in NEEDED.get(model._meta.label, {}).items():
        values.setdefault(name, make(needed))
    for field in model._meta.concrete_fields:
        if field.name in values or field.primary_key or field.null or field.has_default():
            continue
        values[field.name] = make(field.related_model) if field.is_relation else invented(field)
    return model._default_manager.create(**values)


def invented(field: models.Field[Any, Any]) -> Any:
    """A value of the field's kind; ends lie after beginnings, and texts are never the same twice."""
    if field.choices:
        return field.choices[0][0]
    if field.name in ("ends_on", "until"):
        return LATER
    if field.name == "ends_at":
        return AFTER
    for kind in type(field).__mro__:
        if kind in BY_KIND:
            return BY_KIND[kind]
    return f"{next(NUMBERS)}"


def in_state(model: type[models.Model], table: StateTable, key: str) -> Any:
    """A row of the model that stands in that state."""
    return make(model, status=key, **stays(model, key))


def stays(model: type[models.Model], key: str) -> dict[str, Any]:
    """What a row must hold to stand in a state: money to be paid has an amount, an answer words."""
    if model._meta.label == "finance.SettlementLine":
        return {"amount_fen": None, "pay_percent": None} if key == "held" else {"amount_fen": 1, "pay_percent": 100}
    if model._meta.label == "contracting.Approval":
        begun = {"starts_on": DAY, "answer": "演示"} if key in ("granted", "withdrawn") else {"starts_on": None}
        return begun | ({"answer": "演示"} if key == "refused" else {})
    if model._meta.label == "quality.SampledItem" and key not in ("to_check", "sound"):
        return {"findings": ["演示"], "due_on": LATER}
    if model._meta.label == "residents.Question" and key == "answered":
        return {"answer": "演示", "answered_at": AT}
    if model._meta.label == "portal.Enquiry":
        return {"red_flags": [], "due_at": AT if key == "asked" else None}
    if model._meta.label == "followup.Survey":
        return {"answered_at": AT, "by_name": "演示"} if key in ("answered", "read") else {"by_name": "", "words": ""}
    if model._meta.label == "messaging.Delivery":
        failed = {"failure": Delivery.Failure.NO_NUMBER, "due_at": None}
        return failed if key == "failed" else {"failure": "", "due_at": AT, "sent_at": None if key == "queued" else AT}
    if model._meta.label == "referral.SchoolCase":
        answered = {"answer_kind": "stays", "answer": "演示"} if key == "answered" else {}
        return answered | ({"referral": make(Referral)} if key == "forwarded" else {})
    if model._meta.label == "scheduling.Appeal":
        return {"answered_at": None} if key == "made" else {"answer": "演示", "answered_at": AT}
    if model._meta.label == "scheduling.Displaced" and key == "placed":
        return {"instead": make(Booking)}
    if model._meta.label == "accounts.RoleChange" and key == "approved":
        return {"membership": make(Membership)}
    return {}
