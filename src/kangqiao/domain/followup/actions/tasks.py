"""What a visit gives other members of the team to do: made when the visit is written, done by whom it was given to."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.models import Contract, TeamMember
from kangqiao.domain.contracting.queries import members_of, running_of
from kangqiao.domain.followup import permissions, queries
from kangqiao.domain.followup.models import TeamTask
from kangqiao.domain.followup.parameters import Split, splits_at
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.records.models import Encounter
from kangqiao.kernel.errors import AlreadyMoved, Denied, RuleBroken
from kangqiao.policy import at as policy_at


def split_visit(*, encounter_id: int, by: Actor, at: datetime) -> list[TeamTask]:
    """The diagnosis of a visit gives the members of the contracted team their tasks, once each; XH23-5.2.3a.

    Nothing without a running contract. Who is to do it is told, or the house where the team lacks that kind of member.
    Raises Denied to anybody but a job.
    """
    if not by.is_system:
        raise Denied(_("由系统任务做。"))
    with transaction.atomic():
        visit = Encounter.objects.get(pk=encounter_id)
        contract = running_of([visit.resident_id]).get(visit.resident_id)
        if contract is None:
            return []
        place, on = contract.team.organization.place.code, localtime(at).date()
        wanted = [one for one in splits_at(place, on) if visit.diagnosis in one.diagnoses]
        ref = str(policy_at(place, on).ref) if wanted else ""
        made = [_make(visit, contract, one, ref, on) for one in wanted]
        for row, is_new in made:
            if is_new:
                record("followup.split_visit", row, by=by, at=at, resident_id=row.resident_id, policy_ref=ref)
                _tell(row, by=by, at=at)
    return [row for row, is_new in made if is_new]


def finish_task(*, task_id: int, note: str, by: Actor, at: datetime) -> TeamTask:
    """Somebody of the house did it and says what was found. Raises Denied, NotVisible, AlreadyMoved, RuleBroken."""
    if not note.strip():
        raise RuleBroken(_("请写做了什么、结果怎样。"), next_step=_("例如：已上门，无咳嗽，约了胸片。"))
    with transaction.atomic():
        rows = TeamTask.objects.select_for_update(of=("self",)).select_related("contract__team")
        row = rows.filter(pk=task_id).first()
        if row is None:
            raise queries.no_plan()
        allowed = permissions.can_plan(by, row.contract.team, row.resident_id, at)
        if not allowed:
            raise Denied(allowed.reason)
        if row.done_on is not None:
            raise AlreadyMoved(_("%(who)s已经做了这一项。") % {"who": row.by_name}, next_step=_("请看下一项。"))
        row.done_on, row.note, row.by_name = max(localtime(at).date(), row.since), note.strip(), by.name
        row.save(update_fields=("done_on", "note", "by_name"))
        record("followup.finish_task", row, by=by, at=at, resident_id=row.resident_id)
    return row


def _make(visit: Encounter, contract: Contract, split: Split, ref: str, on: date) -> tuple[TeamTask, bool]:
    serving = members_of([contract.team_id], on)
    member = next((one for one in serving if one.kind == split.member), None)
    return TeamTask.objects.get_or_create(
        source=f"encounter:{visit.pk}:{split.key}",
        defaults={
            "resident_id": visit.resident_id, "contract": contract, "kind": TeamMember.Kind(split.member).value,
            "member": member, "zh": split.zh, "en": split.en, "since": on,
            "due_on": on + timedelta(days=split.within_days), "policy_ref": ref,
        },
    )  # fmt: skip


def _tell(row: TeamTask, *, by: Actor, at: datetime) -> None:
    user_id = row.member.practitioner.user_id if row.member else None
    house = {"organization_id": row.contract.team.organization_id, "role": Role.GP}
    notify(
        cause=f"team_task:{row.pk}", kind="team_task", subject=_("团队分给您一项随访"),
        url=reverse("followup-task", args=(row.pk,)), **({"user_id": user_id} if user_id else house), by=by, at=at,
    )  # fmt: skip
