"""When a message goes out, and what it says outside: who writes and that there is something to read, never what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.messaging.parameters import DeliveryParameters

PLAIN = "message"
SMS = "sms"
# By kind of notice. Only these words and these values go outside: the house that writes, time and place of a visit.
TEMPLATES: Mapping[str, str | Promise] = {
    PLAIN: _("【%(house)s】您有一条新消息，请登录康桥查看。"),
    "session_withdrawn": _("【%(house)s】%(when)s在%(where)s的预约因停诊取消，请登录康桥改约。"),
    "session_restored": _("【%(house)s】%(when)s在%(where)s的预约照旧，刚才的停诊消息发错了。"),
    "session_substituted": _("【%(house)s】%(when)s在%(where)s的预约换了医生，时间不变，详情请登录康桥查看。"),
    "place_offered": _("【%(house)s】您候补的号来了：%(when)s在%(where)s。号只留一会儿，请登录康桥答复。"),
}
_MOBILE = re.compile(r"(?:\+?86)?(1\d{10})")
_OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}")


@dataclass(frozen=True, slots=True)
class Visit:
    """When and in which house the visit is that a notice speaks of."""

    starts_at: datetime
    organization_id: int


@dataclass(frozen=True, slots=True)
class Wording:
    """What goes out: the words, the template they were made of, and the values put into it."""

    text: str
    template: str
    values: dict[str, str]


def outside(kind: str, *, house: str, when: str = "", where: str = "", time: str = "") -> Wording:
    """The words for outside, in the language that is on; a kind without its visit is told in the plain ones.

    `time` is `when` in full, for templates of others that ask for it.
    """
    template = kind if kind in TEMPLATES and when and where else PLAIN
    values = {"house": house} if template == PLAIN else {"house": house, "when": when, "where": where, "time": time}
    return Wording(str(TEMPLATES[template]) % values, template, values)


def due(moment: datetime, terms: DeliveryParameters, visit_at: datetime | None = None) -> datetime:
    """When a message may go out: now, or in the morning where it is night (`moment` in local time).

    A visit that would be over or too near by the morning does not wait: nobody shall set out in vain.
    """
    if terms.quiet_until <= moment.hour < terms.quiet_from:
        return moment
    day = moment.date() + timedelta(days=moment.hour >= terms.quiet_from)
    morning = datetime.combine(day, time(terms.quiet_until), moment.tzinfo)
    is_near = visit_at is not None and visit_at <= morning + timedelta(hours=terms.visit_hours)
    return moment if is_near else morning


def next_try(
    moment: datetime, tries: int, terms: DeliveryParameters, visit_at: datetime | None = None
) -> datetime | None:
    """When to try again after so many tries, each time twice as long; None when it was tried often enough."""
    if tries >= terms.tries:
        return None
    return due(moment + timedelta(minutes=terms.retry_minutes * 2 ** (tries - 1)), terms, visit_at)


def next_question(moment: datetime, sent_at: datetime, terms: DeliveryParameters) -> datetime | None:
    """When to ask the next time what became of a message; None when it was asked for long enough."""
    waited = max(moment - sent_at, timedelta(minutes=terms.retry_minutes))
    return None if moment - sent_at >= timedelta(hours=terms.report_hours) else moment + waited


def address(channel: str, told: str) -> str:
    """What a channel reaches somebody by: a mobile number, or an id of a service account; empty for anything else."""
    return mobile(told) if channel == SMS else told if _OPENID.fullmatch(told) else ""


def mobile(number: str) -> str:
    """The eleven digits of a mobile telephone of the mainland; empty for anything else."""
    found = _MOBILE.fullmatch(re.sub(r"[\s()\-－—]", "", number))
    return found[1] if found else ""
