"""Every read of health education: the library with how much is read, what somebody was sent, who is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, Group
from kangqiao.domain.contracting.queries import groups_held
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.education.models import Material, Sending
from kangqiao.domain.education.parameters import EducationParameters, education_at
from kangqiao.domain.education.permissions import visible_to
from kangqiao.domain.records.models import Condition
from kangqiao.domain.residents.permissions import refusing_education
from kangqiao.domain.residents.queries import accounts_deciding, note_read
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible


def no_material() -> NotVisible:
    """The one answer for a material that does not exist and one that is not one's own."""
    return NotVisible(_("没有这篇科普，或没有推送给您。"), next_step=_("请从“健康科普”里打开。"))


def library(wanted: str = "") -> QuerySet[Material]:
    """Everything any centre wrote, what is sent first; `wanted` is looked for in titles, texts and names of centres."""
    rows = Material.objects.select_related("organization").order_by("until", "-written_at", "-pk")
    words = Q(title__icontains=wanted) | Q(text__icontains=wanted) | Q(organization__zh__icontains=wanted)
    return rows.filter(words) if wanted else rows


def sent_now() -> QuerySet[Material]:
    """What is sent today, the latest first; of each no more than the choice and the notice need."""
    return Material.objects.filter(until__isnull=True).only("title", "audience").order_by("-written_at", "-pk")


def get_material(material_id: int) -> Material:
    """One material. Raises NotVisible."""
    found = library().filter(pk=material_id).first()
    if found is None:
        raise no_material()
    return found


@dataclass(frozen=True, slots=True)
class Reading:
    """How many were sent a material, and how many of them opened it."""

    sent: int = 0
    opened: int = 0

    @property
    def percent(self) -> int | None:
        """The share that opened it."""
        return round(100 * self.opened / self.sent) if self.sent else None


@beyond("education.readings")
def readings(material_ids: Iterable[int], desk_id: int | None) -> dict[int, Reading]:
    """How each material is read by the contracted residents of a centre, or of all; counts alone, nobody is named."""
    rows = Sending.objects.filter(material__in=list(material_ids)).order_by()
    ours = rows if desk_id is None else rows.filter(desk=desk_id)
    counted = ours.values_list("material").annotate(sent=Count("pk"), opened=Count("opened_at"))
    return {pk: Reading(sent, opened) for pk, sent, opened in counted}


def subjects_of(place_code: str, at: datetime) -> list[tuple[str, str]]:
    """Whom one can write for: the key groups, then the problems the pack lists. Raises NoPolicyInForce."""
    groups = [(str(one.value), str(one.label)) for one in Group if one != Group.EVERYONE]
    problems = education_at(place_code, localdate(at)).subjects.values()
    return groups + [(one.key, called(one)) for one in problems]


def audience_named(material: Material, subjects: Iterable[tuple[str, str]]) -> list[str]:
    """Whom a material is for, in words; a key no longer in the pack stands as it is."""
    names = dict(subjects)
    return [names.get(key, key) for key in material.audience] or [_("所有签约居民")]


# --- the resident's own ---------------------------------------------------------------------------------------


def received(seat: Seat, resident_id: int) -> QuerySet[Sending]:
    """What somebody was sent, the latest first."""
    rows = Sending.objects.select_related("material__organization").filter(visible_to(seat), resident=resident_id)
    return rows


def unread(seat: Seat, resident_id: int) -> int:
    """How many of them were never opened."""
    return received(seat, resident_id).filter(opened_at__isnull=True).count()


def get_sending(seat: Seat, sending_id: int) -> Sending:
    """One thing that was sent to oneself or one's child. Raises NotVisible."""
    rows = Sending.objects.select_related("material__organization", "resident").filter(visible_to(seat))
    found = rows.filter(pk=sending_id).first()
    if found is None:
        raise no_material()
    note_read(seat, [found.resident_id])
    return found


def has_refused(resident_id: int, at: datetime) -> bool:
    """Whether somebody wants nothing to be sent."""
    return refusing_education(at).filter(resident=resident_id).exists()


# --- for the job ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reader:
    """A contracted resident: which house answers for them, what they live with, what they were sent, when last."""

    resident_id: int
    desk_id: int
    place_code: str
    accounts: list[int]
    needs: set[str]
    had: set[int] = field(default_factory=set)
    last: datetime | None = None


def readers_after(resident_id: int, most: int, at: datetime) -> list[Reader]:
    """The next contracted residents by number who live, did not refuse, and have an account that reads for them."""
    refused = refusing_education(at).filter(resident=OuterRef("resident_id"))
    rows = Contract.objects.filter(~Exists(refused), status__in=RUNNING, resident__deceased_on__isnull=True)
    next_ones = rows.filter(resident_id__gt=resident_id).order_by("resident_id").distinct("resident_id")
    names = ("resident_id", "team__organization_id", "team__organization__place__code")
    found = list(next_ones.values_list(*names)[:most])
    ids = [resident for resident, _desk, _place in found]
    accounts, needs = accounts_deciding(ids, at), _needs(ids)
    readers = {
        resident: Reader(resident, desk or 0, place, accounts.get(resident, []), needs[resident])
        for resident, desk, place in found
    }
    for resident, material, sent_at in Sending.objects.filter(resident__in=ids).values_list(
        "resident_id", "material_id", "sent_at"
    ).order_by("sent_at"):  # fmt: skip
        readers[resident].had.add(material)
        readers[resident].last = sent_at
    return list(readers.values())


def terms_by_place(codes: Iterable[str], at: datetime) -> dict[str, EducationParameters]:
    """The parameters of these places; a place without any is left out, and nothing is sent there."""
    found: dict[str, EducationParameters] = {}
    for code in set(codes):
        try:
            found[code] = education_at(code, localtime(at).date())
        except NoPolicyInForce:
            continue
    return found


def _needs(resident_ids: Sequence[int]) -> dict[int, set[str]]:
    found = groups_held(resident_ids)
    lived = Condition.objects.filter(resident__in=resident_ids, abated_on__isnull=True)
    for resident, code in lived.values_list("resident_id", "code"):
        found[resident].add(code.partition(".")[0])
    return found
