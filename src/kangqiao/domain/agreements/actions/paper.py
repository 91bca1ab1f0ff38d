"""Agreements that were signed on paper before the site knew them: a whole network at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import Trace, record_all
from kangqiao.base.transition import transition_all
from kangqiao.domain.agreements import queries
from kangqiao.domain.agreements.actions.steps import _addressees, _day, _notice, _taken
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.messaging.actions import notify_all
from kangqiao.kernel.errors import Denied

Parties = dict[Agreement, list[Party]]


def import_signed(
    *, drafts: Sequence[Agreement], signer: Callable[[Party], Actor], by: Actor, at: datetime
) -> list[Agreement]:
    """Drafts whose paper bears every signature are read in as signed, and in force if their first day has come.

    `signer` names who signed for a party. Each agreement has the signatures, history, notices and events that
    proposing and signing one by one would have left, in a few statements for all; what overlaps is refused by the
    table's constraints. Raises Denied to anybody but a named job, AlreadyMoved for what is no draft, Taken.
    """
    if not by.is_system:
        raise Denied(_("过去签署的协议只能由导入任务写入。"))
    whole: Parties = {agreement: [] for agreement in drafts}
    own = {agreement.pk: agreement for agreement in drafts}
    for party in queries.parties_of_all(own):
        whole[own[party.agreement_id]].append(party)
    try:
        with transaction.atomic():
            transition_all(drafts, AGREEMENT, "propose", by=by, at=at)
            traces = [Trace(one, {}, policy_ref=one.policy_ref) for one in drafts]
            record_all("agreement.propose", traces, by=by, at=at)
            _tell_all(whole, "propose", _("请签署：%(title)s"), taken=2, by=by, at=at)
            _sign_all(whole, signer, at)
            last: dict[Actor, Parties] = defaultdict(dict)
            for agreement, parties in whole.items():
                last[signer(parties[-1])][agreement] = parties
            for person, theirs in last.items():
                _complete_all(theirs, by=person, at=at)
    except IntegrityError as clash:
        raise _taken(drafts[0]) from clash
    return list(drafts)


def _sign_all(whole: Parties, signer: Callable[[Party], Actor], at: datetime) -> None:
    """Every party signs: one event for each signature, in the name of the one who gave it."""
    given: dict[Actor, list[Trace]] = defaultdict(list)
    for agreement, parties in whole.items():
        for party in parties:
            by = signer(party)
            party.signed_at, party.signed_by = at, by.name
            given[by].append(Trace(agreement, {"side": party.side, "organization": party.organization.code}))
    Party.objects.bulk_update([one for parties in whole.values() for one in parties], ("signed_at", "signed_by"))
    for by, traces in given.items():
        record_all("agreement.sign", traces, by=by, at=at)


def _complete_all(whole: Parties, *, by: Actor, at: datetime) -> None:
    """The last signature makes them whole; those whose first day has come are in force."""
    transition_all(list(whole), AGREEMENT, "complete", by=by, at=at)
    _tell_all(whole, "complete", _("各方已签署：%(title)s"), taken=3, by=by, at=at)
    due = [agreement for agreement in whole if agreement.starts_on <= _day(at)]
    transition_all(due, AGREEMENT, "take_effect", by=by, at=at)


def _tell_all(whole: Parties, step: str, subject: str, *, taken: int, by: Actor, at: datetime) -> None:
    """A notice to each party of each; `taken` is how many steps it has taken, the first of them its beginning."""
    notices = [
        _notice(agreement, step, subject, organization, role, taken)
        for agreement, parties in whole.items()
        for organization, role in _addressees(agreement, parties)
    ]
    notify_all(notices=notices, by=by, at=at)
