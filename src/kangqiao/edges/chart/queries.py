"""Lines of other modules in the timeline of a resident: referrals and contracts the reader has a basis for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.templatetags.kq import called
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.records.queries import Event
from kangqiao.domain.referral import queries as referral
from kangqiao.domain.residents.models import Resident


def events_of(seat: Seat, resident: Resident) -> list[Event]:
    """What referrals and contracts add to the timeline."""
    return [*_referrals(seat, resident), *_contracts(seat, resident)]


def _referrals(seat: Seat, resident: Resident) -> Iterator[Event]:
    for one in referral.steps_of_resident(seat, resident.pk):
        state = referral.state_of(one)
        title = f"{one.get_direction_display()} {one.to_organization.short_zh}"
        yield Event(one.sent_at, _("转诊"), "transfer", title, "", state.look.value, called(state))


def _contracts(seat: Seat, resident: Resident) -> Iterator[Event]:
    for one in contracting.terms_of_resident(seat, resident.pk):
        if one.starts_on is not None:
            at = datetime.combine(one.starts_on, time(), tzinfo=timezone.get_current_timezone())
            more = one.team.organization.short_zh
            yield Event(at, _("签约"), "signature", one.team.zh, more, one.state.look.value, called(one.state))
