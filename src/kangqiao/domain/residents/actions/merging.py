"""Two registrations of one person become one, and two again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.residents.models import Merge, Resident, naming_residents
from kangqiao.domain.residents.permissions import can_register
from kangqiao.kernel.errors import Denied, RuleBroken, Taken


@beyond("residents.register")
def merge_residents(
    *, kept_id: int, gone_id: int, reason: str, is_sure: bool = False, by: Actor, at: datetime
) -> Merge:
    """What belongs to the registration that goes belongs to the one kept from now on; nothing is deleted.

    A row that the one kept has in the same form already stays where it was. Raises Denied, or RuleBroken without a
    reason, for two accounts, and for people of different sex or birth date unless `is_sure`.
    """
    with transaction.atomic():
        kept, gone = _both(kept_id, gone_id, by)
        if not reason.strip():
            raise RuleBroken(_("没有写合并的原因。"), next_step=_("请写一句凭什么是同一个人。"))
        if kept.user_id is not None and gone.user_id is not None:
            raise RuleBroken(_("两份档案各有自己的账号，不能合并。"), next_step=_("请先停用其中一个账号。"))
        # One step from any number to the person: what was kept once stays the one that is kept.
        if Merge.objects.filter(kept=gone, undone_at__isnull=True).exists():
            raise RuleBroken(
                _("要并掉的那份里已经并入过别的档案。"), next_step=_("请反过来，保留那一份；或先把那次合并分开。")
            )
        if (kept.sex, kept.birth_date) != (gone.sex, gone.birth_date) and not is_sure:
            raise RuleBroken(
                _("两份档案的性别或出生日期不同。"), next_step=_("请对着证件核对；确是同一个人，请勾选“已核对”。")
            )
        moved = {key: pks for key, pks in ((_key(one), _move(one, gone, kept)) for one in _relations()) if pks}
        if gone.user_id is not None:
            moved["user"] = [gone.user_id]
            _hand_over(gone, kept)
        row = Merge.objects.create(
            kept=kept, gone=gone, moved=moved, reason=reason.strip(), merged_by=by.name, merged_at=at
        )
        record("residents.merge_residents", row, by=by, at=at, resident_id=kept.pk, gone=gone.pk)
    return row


@beyond("residents.register")
def undo_merge(*, merge_id: int, why: str, by: Actor, at: datetime) -> Merge:
    """They are two people after all: every row that was moved goes back, what came since stays with the one kept.

    Raises Denied, RuleBroken without a reason, Taken where it was undone before.
    """
    with transaction.atomic():
        row = Merge.objects.select_for_update().get(pk=merge_id)
        kept, gone = _both(row.kept_id, row.gone_id, by, is_undone=True)
        if not why.strip():
            raise RuleBroken(_("没有写分开的原因。"), next_step=_("请写一句凭什么不是同一个人。"))
        if row.undone_at is not None:
            raise Taken(_("%(who)s已经把这两份档案分开了。") % {"who": row.undone_by}, next_step=_("请刷新后再看。"))
        for one in _relations():
            pks = row.moved.get(_key(one), [])
            one.related_model._base_manager.filter(pk__in=pks).update(**{one.field.name: gone})
        if "user" in row.moved:
            _hand_over(kept, gone)
        row.undone_at, row.undone_by, row.undone_why = at, by.name, why.strip()
        row.save(update_fields=("undone_at", "undone_by", "undone_why"))
        record("residents.undo_merge", row, by=by, at=at, resident_id=kept.pk, gone=gone.pk)
    return row


def _both(kept_id: int, gone_id: int, by: Actor, *, is_undone: bool = False) -> tuple[Resident, Resident]:
    """Both registrations, locked in one order; somebody who went before is not merged again."""
    found = {
        row.pk: row for row in Resident.objects.select_for_update().filter(pk__in=(kept_id, gone_id)).order_by("pk")
    }
    if len(found) < 2:
        raise RuleBroken(_("要选两份不同的档案。"), next_step=_("请核对证件号。"))
    for one in found.values():
        allowed = can_register(by, one.centre_id)
        if not allowed:
            raise Denied(allowed.reason)
    if not is_undone and Merge.objects.filter(gone__in=found, undone_at__isnull=True).exists():
        raise Taken(_("其中一份档案已经合并过。"), next_step=_("请先把那次合并分开。"))
    return found[kept_id], found[gone_id]


def _relations() -> Iterable[Any]:
    """Every table that names a resident, but the merges themselves."""
    return (one for one in naming_residents() if one.related_model not in (Merge, Resident))


def _key(relation: Any) -> str:
    return f"{relation.related_model._meta.label_lower}.{relation.field.name}"


def _move(relation: Any, gone: Resident, kept: Resident) -> list[int]:
    """Moves the rows of one table, and answers which; together where nothing stands in the way, else one by one."""
    rows = relation.related_model._base_manager.filter(**{relation.field.name: gone})
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    if not pks or _moves(rows, relation, kept):
        return pks
    model: type[models.Model] = relation.related_model
    return [pk for pk in pks if _moves(model._base_manager.filter(pk=pk), relation, kept)]


def _moves(rows: models.QuerySet[Any], relation: Any, kept: Resident) -> bool:
    try:
        with transaction.atomic():
            rows.update(**{relation.field.name: kept})
            # Constraints that wait for the end of the transaction are asked now.
            transaction.get_connection().check_constraints()
    except IntegrityError:
        return False
    return True


def _hand_over(one: Resident, other: Resident) -> None:
    """The account goes from one registration to the other."""
    user_id, one.user_id = one.user_id, None
    one.save(update_fields=("user",))
    other.user_id = user_id
    other.save(update_fields=("user",))
