"""What a second letter for the same problem would have said goes into the one that is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.actions.parts import _held, _tell
from kangqiao.domain.referral.actions.steps import resend_referral
from kangqiao.domain.referral.models import Referral
from kangqiao.kernel.errors import Denied, RuleBroken

# What stands in a letter as text, in the order of its page.
JOINED = ("history", "examination", "medicines", "allergies", "question", "reason")


@transaction.atomic
def join_letter(
    *, referral_id: int, words: Mapping[str, str], diagnosis: str = "", urgency: str = "", by: Actor, at: datetime
) -> Referral:
    """The sender adds to a letter that is open, below what it says; the desk is told, a returned one is sent again.

    A place, a hospital or a specialty is not changed by it; another diagnosis and more haste stand in the history.
    Raises Denied for the other side, NotVisible, RuleBroken for a letter that is past joining or words it has already.
    """
    letter, sides = _held(referral_id, by)
    if not sides & permissions.sender_sides(letter):
        raise Denied(_("转诊单由发出的一方补充。"), next_step=_("请打电话告诉发出转诊单的中心。"))
    if letter.status not in queries.TWIN:
        raise RuleBroken(_("这张转诊单已经不能补充。"), next_step=_("请写新的转诊单。"))
    told = {name: words.get(name, "") for name in JOINED}
    told["history"] = "\n".join(filter(None, (_new_facts(letter, diagnosis, urgency), told["history"].strip())))
    head = _("【补充 %(when)s %(name)s】") % {"when": date_format(localtime(at), "m-d H:i"), "name": by.name}
    whole = {name: rules.joined(getattr(letter, name), text, head) for name, text in told.items()}
    changed = {name: text for name, text in whole.items() if text != getattr(letter, name)}
    if not changed:
        raise RuleBroken(_("这些内容那张转诊单里都有了。"), next_step=_("请打开它看走到哪一步。"))
    if letter.status == "returned":
        return resend_referral(referral_id=letter.pk, by=by, at=at, **changed)
    for name, text in changed.items():
        setattr(letter, name, text)
    letter.save(update_fields=sorted(changed))
    up = letter.direction == Referral.Direction.UP
    said = _("%(centre)s补充了转诊单的内容") if up else _("%(hospital)s补充了转诊单的内容")
    _tell(letter, "joined", letter.to_organization, Role.REFERRAL_DESK if up else Role.GP, said, by, at)
    audit.record("referral.join_letter", letter, by=by, at=at, resident_id=letter.resident_id, items=sorted(changed))
    return letter


def _new_facts(letter: Referral, diagnosis: str, urgency: str) -> str:
    """Another diagnosis and more haste, in words: neither changes the letter's own line."""
    facts = []
    if diagnosis.strip() and diagnosis.strip() != letter.diagnosis:
        facts.append(_("诊断：%(diagnosis)s") % {"diagnosis": diagnosis.strip()})
    if urgency in rules.MORE_URGENT.get(letter.urgency, ()):
        facts.append(_("缓急：%(urgency)s") % {"urgency": Referral.Urgency(urgency).label})
    return _("；").join(facts)
