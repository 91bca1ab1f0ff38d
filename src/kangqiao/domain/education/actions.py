"""Every write of health education: writing, taking back, sending, opening, wanting no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import Trace, record, record_all
from kangqiao.base.bulk import reserve_ids
from kangqiao.domain.education import permissions, queries, rules
from kangqiao.domain.education.models import Material, Sending
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.messaging.actions import notify_all
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents.actions import refuse_education, want_education
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

# Residents looked at in one transaction of the job.
PIECE = 500


def write_material(
    *, organization_id: int, title: str, text: str, source: str, audience: Sequence[str] = (), is_demo: bool = False,
    by: Actor, at: datetime,
) -> Material:  # fmt: skip
    """A centre writes something for residents; from now on every centre's contracted residents it fits are sent it.

    Raises Denied, RuleBroken when a part is missing or the audience is not in the pack, Taken for a title used twice.
    """
    _allow(by, organization_id)
    if not (title.strip() and text.strip() and source.strip()):
        raise RuleBroken(_("标题、正文和依据都要写。"), next_step=_("请补上空着的一项。"))
    known = {key for key, _label in queries.subjects_of(organization_by_id(organization_id).place.code, at)}
    if strange := sorted(set(audience) - known):
        raise RuleBroken(
            _("不能写给“%(who)s”：不在可以推送的人群和病种里。") % {"who": "、".join(strange)},
            next_step=_("受特殊保护的病情不推送；请另选，或写给所有人。"),
        )
    row = Material(
        organization_id=organization_id, title=title.strip(), text=text.strip(), source=source.strip(),
        audience=list(dict.fromkeys(audience)), written_at=at, by_name=by.name, is_demo=is_demo,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save()
            record("education.write_material", row, by=by, at=at, title=row.title, audience=row.audience)
    except IntegrityError as error:
        raise Taken(_("本中心已有一篇同名的科普。"), next_step=_("请换个标题，或先停止推送那一篇。")) from error
    return row


def retire_material(*, material_id: int, by: Actor, at: datetime) -> Material:
    """Nobody is sent it any more; who got it still reads it. Doing it twice changes nothing. Raises Denied."""
    return _until(material_id, is_over=True, by=by, at=at)


def resume_material(*, material_id: int, by: Actor, at: datetime) -> Material:
    """It is sent again, to those who never had it. Raises Denied, Taken when another has its title now."""
    try:
        return _until(material_id, is_over=False, by=by, at=at)
    except IntegrityError as error:
        raise Taken(_("已有一篇同名的科普在推送。"), next_step=_("请先停止推送那一篇。")) from error


def send_materials(*, after: int, by: Actor, at: datetime) -> tuple[int, int | None]:
    """The next residents who are due each get the next thing that fits; XH23-5.4.4g.

    `after` is the number of the last resident looked at. Returns how many were sent something, and where to go on;
    None when everybody was looked at. Raises Denied to anybody but a job.
    """
    if not by.is_system:
        raise Denied(_("由系统任务做。"))
    with transaction.atomic():
        readers = queries.readers_after(after, PIECE, at)
        terms = queries.terms_by_place((one.place_code for one in readers), at)
        materials, on = list(queries.sent_now()), localdate(at)
        chosen: list[tuple[queries.Reader, Material]] = []
        for one in readers:
            last = None if one.last is None else localdate(one.last)
            if not one.accounts or one.place_code not in terms:
                continue
            if not rules.is_due(last, terms[one.place_code].every_days.integer(), on):
                continue
            if (next_one := rules.next_for(materials, one.needs, one.had)) is not None:
                chosen.append((one, next_one))
        sent = _send(chosen, by=by, at=at)
    return sent, readers[-1].resident_id if readers else None


def open_sending(*, sending: Sending, by: Actor, at: datetime) -> bool:
    """Somebody says they have read it; saying it again changes nothing. Returns whether it was the first time."""
    is_first = Sending.objects.filter(pk=sending.pk, opened_at__isnull=True).update(opened_at=at) > 0
    if is_first:
        sending.opened_at = at
        record("education.open_sending", sending, by=by, at=at, resident_id=sending.resident_id)
    return is_first


def choose_education(*, resident_id: int, is_wanted: bool, by: Actor, at: datetime) -> None:
    """Somebody wants nothing more to be sent, or wants it again; it stands in the ledger of consents. Raises Denied."""
    change = want_education if is_wanted else refuse_education
    change(resident_id=resident_id, by=by, at=at)


# --- inside ---------------------------------------------------------------------------------------------------


def _allow(by: Actor, organization_id: int) -> None:
    allowed = permissions.can_write(by, organization_id)
    if not allowed:
        raise Denied(allowed.reason)


def _until(material_id: int, *, is_over: bool, by: Actor, at: datetime) -> Material:
    with transaction.atomic():
        row = Material.objects.select_for_update().filter(pk=material_id).first()
        if row is None:
            raise queries.no_material()
        _allow(by, row.organization_id)
        if (row.until is not None) != is_over:
            row.until = localdate(at) if is_over else None
            row.save(update_fields=("until",))
            record("education.retire_material" if is_over else "education.resume_material", row, by=by, at=at)
    return row


def _send(chosen: list[tuple[queries.Reader, Material]], *, by: Actor, at: datetime) -> int:
    ids = reserve_ids(Sending, len(chosen))
    Sending.objects.bulk_create(
        (
            Sending(pk=pk, resident_id=reader.resident_id, material=material, desk_id=reader.desk_id, sent_at=at)
            for pk, (reader, material) in zip(ids, chosen, strict=True)
        ),
        ignore_conflicts=True,
    )
    accounts = {reader.resident_id: reader.accounts for reader, _material in chosen}
    made = list(Sending.objects.select_related("material").filter(pk__in=ids).order_by("pk"))
    notices = [
        Notice(
            cause=f"education:{one.pk}:{user_id}", kind="education", user_id=user_id,
            subject=_("健康科普：%(title)s") % {"title": one.material.title},
            url=reverse("education-read", args=(one.pk,)),
        )
        for one in made
        for user_id in accounts[one.resident_id]
    ]  # fmt: skip
    notify_all(notices=notices, by=by, at=at)
    record_all("education.send", [Trace(one, {}, one.resident_id) for one in made], by=by, at=at)
    return len(made)
