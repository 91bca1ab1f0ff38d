"""What residents allow, refuse and withdraw, and who acts for a child or in somebody's name."""

from __future__ import annotations

from datetime import date, datetime, time

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.models import User
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.residents.actions.bases import end_basis, grant_basis
from kangqiao.domain.residents.models import Basis, Consent, Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.permissions import can_decide, can_register, is_child, refusing_education, user_id_of
from kangqiao.domain.residents.queries import not_found
from kangqiao.domain.residents.rules import birthday
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def refuse_organization(*, resident_id: int, organization_id: int, by: Actor, at: datetime) -> Consent:
    """The resident keeps an organisation out of the record from the next request on, whatever basis it has.

    Only looking in an emergency comes before it. Repeating it changes nothing. Raises Denied, NotVisible.
    """
    refuse, record_ = Consent.Decision.REFUSE, Consent.Purpose.RECORD
    return _give(resident_id, refuse, record_, organization_id, None, by, at)


def permit_sensitive(
    *, resident_id: int, organization_id: int, until: date | None = None, by: Actor, at: datetime
) -> Consent:
    """The resident lets an organisation see specially protected conditions too, to the last day named.

    It opens nothing to an organisation without a basis. Raises Denied, NotVisible, RuleBroken.
    """
    permit, sensitive = Consent.Decision.PERMIT, Consent.Purpose.SENSITIVE
    return _give(resident_id, permit, sensitive, organization_id, until, by, at)


def refuse_education(*, resident_id: int, by: Actor, at: datetime) -> Consent:
    """The resident wants no health education to be sent, by no house; the own centre stands for all in the ledger.

    Repeating it changes nothing. Raises Denied, NotVisible (XH23-5.4.4g).
    """
    refuse, education = Consent.Decision.REFUSE, Consent.Purpose.EDUCATION
    return _give(resident_id, refuse, education, _resident(resident_id).centre_id, None, by, at)


@transaction.atomic
def want_education(*, resident_id: int, by: Actor, at: datetime) -> None:
    """The resident takes every such refusal back. Raises Denied, NotVisible."""
    _deciding(resident_id, by, at)
    for pk in refusing_education(at).filter(resident=resident_id).values_list("pk", flat=True):
        withdraw_consent(consent_id=pk, by=by, at=at)


@transaction.atomic
def appoint_proxy(
    *, resident_id: int, name: str, identifier: str, until: date | None = None, by: Actor, at: datetime
) -> Consent:
    """A resident lets another resident with an account book and cancel for them and follow their referrals.

    Both name and identifier must match, so that nobody is appointed by a slip. Raises Denied, RuleBroken.
    """
    resident = _deciding(resident_id, by, at)
    person = _account_of(name, identifier)
    if person.pk == resident.user_id:
        raise RuleBroken(_("代办人不能是本人。"), next_step=_("请填写家人的姓名和证件号。"))
    consent = _write(resident, Consent.Decision.PERMIT, Consent.Purpose.PROXY, None, person.pk, until, by, at)
    grant_basis(
        resident_id=resident.pk, kind=Basis.Kind.PROXY, source=f"consent:{consent.pk}", since=at, until=consent.until,
        user_id=person.pk, by=by, at=at,
    )  # fmt: skip
    return consent


@transaction.atomic
def withdraw_consent(*, consent_id: int, by: Actor, at: datetime) -> Consent:
    """What was allowed or refused no longer holds from the next request on; it stays in the ledger.

    Withdrawing twice changes nothing. Raises NotVisible for anyone who may not decide about the record.
    """
    row = Consent.objects.select_for_update().filter(pk=consent_id).first()
    resident = None if row is None else _resident(row.resident_id)
    if row is None or resident is None or not can_decide(user_id_of(by), resident, at):
        raise NotVisible(_("没有这条授权，或不归您管。"), next_step=_("请回到“我的授权”查看。"))
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by_id = max(at, row.since), user_id_of(by)
        row.save(update_fields=("withdrawn_at", "withdrawn_by"))
        end_basis(source=f"consent:{row.pk}", resident_id=row.resident_id, by=by, at=at)
        record("residents.withdraw_consent", row, by=by, at=at, resident_id=row.resident_id, purpose=row.purpose)
    return row


@transaction.atomic
def name_guardian(*, resident_id: int, name: str, identifier: str, by: Actor, at: datetime) -> Basis:
    """The centre writes down a child's guardian, who acts and decides for it to the day it comes of the age (PIPL 31).

    The guardian is a resident with an account; the centre has seen the papers. Raises Denied, RuleBroken.
    """
    child = _resident(resident_id)
    allowed = can_register(by, child.centre_id)
    if not allowed:
        raise Denied(_("监护人由孩子登记的中心核对证件后登记。"))
    years = access_at(child.centre.place.code, localtime(at).date()).guardian_until_years
    if not is_child(child, at):
        raise RuleBroken(
            _("%(name)s已满%(years)s周岁，由本人决定。") % {"name": child.name, "years": years},
            next_step=_("需要家人代办的，请本人在“我的授权”里添加代办人。"),
        )
    person = _account_of(name, identifier)
    return grant_basis(
        resident_id=child.pk, kind=Basis.Kind.GUARDIAN, source=f"guardian:{person.pk}", since=at,
        until=_midnight(birthday(child.birth_date, years)), user_id=person.pk, by=by, at=at,
    )  # fmt: skip


def _give(
    resident_id: int, decision: str, purpose: str, organization_id: int, until: date | None, by: Actor, at: datetime
) -> Consent:
    with transaction.atomic():
        resident = _deciding(resident_id, by, at)
        organization = organization_by_id(organization_id)
        return _write(resident, decision, purpose, organization.pk, None, until, by, at)


def _write(
    resident: Resident, decision: str, purpose: str, organization_id: int | None, person_id: int | None,
    until: date | None, by: Actor, at: datetime,
) -> Consent:  # fmt: skip
    ends = None if until is None else _midnight(until, days_later=1)
    if ends is not None and ends <= at:
        raise RuleBroken(_("截止日期已经过去。"), next_step=_("请选今天或以后的日期，或不填。"))
    same = {"decision": decision, "purpose": purpose, "organization_id": organization_id, "person_id": person_id}
    row = Consent.objects.select_for_update().filter(resident=resident, withdrawn_at__isnull=True, **same).first()
    if row is None:
        giver = user_id_of(by)
        values = {"given_by_id": giver, "is_by_guardian": resident.user_id != giver, "since": at, "until": ends}
        try:
            with transaction.atomic():
                row = Consent.objects.create(resident=resident, **same, **values)
        except IntegrityError:  # the same consent was given in this very moment, by a second click
            return Consent.objects.get(resident=resident, withdrawn_at__isnull=True, **same)
    else:
        is_over = row.until is not None and row.until <= at
        row.since, row.until = at if is_over else row.since, ends
        row.save(update_fields=("since", "until"))
    record(
        "residents.give_consent", row, by=by, at=at, resident_id=resident.pk, decision=decision, purpose=purpose,
        organization=organization_id, person=person_id,
    )  # fmt: skip
    return row


def _deciding(resident_id: int, by: Actor, at: datetime) -> Resident:
    resident = _resident(resident_id)
    allowed = can_decide(user_id_of(by), resident, at)
    if not allowed:
        raise Denied(allowed.reason)
    return resident


def _resident(resident_id: int) -> Resident:
    found = Resident.objects.select_related("centre__place").filter(pk=resident_id).first()
    if found is None:
        raise not_found()
    return found


@beyond("residents.proxy")
def _account_of(name: str, identifier: str) -> User:
    """The account of the resident with exactly this name and identifier; the same refusal whatever does not match."""
    row = Resident.objects.select_related("user").filter(name=name.strip(), identifier=identifier.strip().upper())
    found = row.first()
    if found is None or found.user is None or not found.user.is_active:
        raise RuleBroken(
            _("没有找到这个人的账号：姓名和证件号要完全一致，而且本人已开通账号。"),
            next_step=_("请核对后再填；没有账号的，可带身份证到社区卫生服务中心开通。"),
        )
    return found.user


def _midnight(day: date, days_later: int = 0) -> datetime:
    return make_aware(datetime.combine(date.fromordinal(day.toordinal() + days_later), time()))
