"""What a second letter for the same problem would have said goes into the one that is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.actions.parts import _held, _parameters, _tell
from kangqiao.domain.referral.actions.reserving import _points_of
from kangqiao.domain.referral.actions.steps import resend_referral
from kangqiao.domain.referral.models import Referral
from kangqiao.kernel.errors import Denied, RuleBroken

# What stands in a letter as text, in the order of its page.
JOINED = ("history", "examination", "medicines", "question", "reason")


@transaction.atomic
def join_letter(
    *, referral_id: int, words: Mapping[str, str], diagnosis: str = "", urgency: str = "", by: Actor, at: datetime
) -> Referral:
    """The sender adds to a letter up that is open, below what it says; the desk is told, a returned one is sent again.

    A place, a hospital or a specialty is not changed by it; another diagnosis stands in the history. More haste is
    the letter's from now on: its points, and while it waits for the desk the shorter limit. Raises Denied for the
    other side, NotVisible, RuleBroken for a letter that is past joining, words it has already or more than it holds.
    """
    letter, sides = _held(referral_id, by)
    if letter.direction != Referral.Direction.UP or not sides & permissions.sender_sides(letter):
        raise Denied(_("转诊单由发出的一方补充。"), next_step=_("请打电话告诉发出转诊单的中心。"))
    if letter.status not in queries.TWIN:
        raise RuleBroken(_("这张转诊单已经不能补充。"), next_step=_("请写新的转诊单。"))
    changed = _changed(letter, words, diagnosis, urgency, by, at)
    if not changed:
        raise RuleBroken(_("这些内容那张转诊单里都有了。"), next_step=_("请打开它看走到哪一步。"))
    if any(len(text) > rules.LONGEST_OF.get(name, rules.LONGEST) for name, text in changed.items()):
        raise RuleBroken(_("补上以后太长了，那张转诊单放不下。"), next_step=_("请写短一些，或把报告当附件加上。"))
    fields = changed | _hurried(letter, urgency, at)
    for name, value in fields.items():
        setattr(letter, name, value)
    letter.save(update_fields=sorted(fields))
    audit.record("referral.join_letter", letter, by=by, at=at, resident_id=letter.resident_id, items=sorted(changed))
    if letter.status == "returned":
        return resend_referral(referral_id=letter.pk, by=by, at=at)
    _tell(
        letter, "joined", letter.to_organization, Role.REFERRAL_DESK, _("%(centre)s补充了转诊单的内容"), by, at,
        _("缓急：%(urgency)s") % {"urgency": letter.get_urgency_display()},
    )  # fmt: skip
    return letter


def _changed(
    letter: Referral, words: Mapping[str, str], diagnosis: str, urgency: str, by: Actor, at: datetime
) -> dict[str, str]:
    """The texts of the letter that are other than before, whole."""
    allergies = rules.joined_allergies(letter.allergies, words.get("allergies", ""))
    told = {name: words.get(name, "") for name in JOINED}
    facts = _new_facts(letter, diagnosis, urgency, allergies)
    told["history"] = "\n".join(filter(None, (facts, told["history"].strip())))
    head = _("【补充 %(when)s %(name)s】") % {"when": date_format(localtime(at), "m-d H:i"), "name": by.name}
    whole = {name: rules.joined(getattr(letter, name), text, head) for name, text in told.items()}
    return {name: text for name, text in {**whole, "allergies": allergies}.items() if text != getattr(letter, name)}


def _new_facts(letter: Referral, diagnosis: str, urgency: str, allergies: str) -> str:
    """What was another word before, or stands in one line of the letter: with both words, so that nothing is lost."""
    facts = []
    if diagnosis.strip() and diagnosis.strip() != letter.diagnosis:
        facts.append(_("诊断：%(diagnosis)s") % {"diagnosis": diagnosis.strip()})
    if urgency in rules.MORE_URGENT.get(letter.urgency, ()):
        facts.append(_("缓急：%(urgency)s") % {"urgency": Referral.Urgency(urgency).label})
    if allergies != letter.allergies:
        facts.append(_("过敏史：%(now)s（原写“%(before)s”）") % {"now": allergies, "before": letter.allergies})
    return _("；").join(facts)


def _hurried(letter: Referral, urgency: str, at: datetime) -> dict[str, Any]:
    """What more haste changes; while the desk has not answered, also until when it has to."""
    if urgency not in rules.MORE_URGENT.get(letter.urgency, ()):
        return {}
    parameters = _parameters(letter.from_organization, at)
    points = _points_of(letter.resident, urgency, letter.reason_code, parameters, at)
    found: dict[str, Any] = {"urgency": urgency, "points": points}
    due = at + parameters.accept_limit(urgency)
    if letter.status == "sent" and letter.due_at is not None and due < letter.due_at:
        found |= {"clock_from": at, "due_at": due, "answer_by": due}
    return found
