"""Reading residents, always through the scope of a seat."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, CharField, DateTimeField, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.base.search import search_keys
from kangqiao.domain.accounts import queries as accounts
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.residents.models import Basis, Merge, Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.permissions import bases_of, is_refused, kinds_of_bases, user_id_of, valid_at, visible_to
from kangqiao.domain.residents.rules import age_on, read_search
from kangqiao.kernel.errors import NotVisible, TooOften

MOST_ALIKE = 8
# What people are held against each other by.
ALIKE_BY = ("name", "birth_date", "identifier", "phone")


def not_found() -> NotVisible:
    """The one answer for somebody who does not exist and somebody out of reach."""
    return NotVisible(
        _("未找到，或不在您的服务范围。"), next_step=_("请核对姓名、证件号或电话；居民可到登记中心建档。")
    )


def residents_of(seat: Seat) -> QuerySet[Resident]:
    """Every resident the seat may see; who was merged into another is found as that one."""
    went = Merge.objects.filter(gone=OuterRef("pk"), undone_at__isnull=True)
    return Resident.objects.select_related("centre__place").filter(visible_to(seat), ~Exists(went))


def note_read(seat: Seat, resident_ids: Iterable[int], *, listed: bool = False) -> None:
    """Puts into the log of reads that this seat is shown these residents, with the bases it stands on.

    `listed` tells lines of a worklist from somebody opened or searched for. One statement for all that are new in the
    running call; none outside a call.
    """
    fresh = reads.unsaid(resident_ids, listed=listed)
    if not fresh:
        return
    if not listed and seat.role != Role.RESIDENT:
        stop_wide_reading(seat.actor, seat.place_code, fresh, timezone.now())  # reads the clock: lately is before now
    kinds: dict[int, set[str]] = {one: set() for one in fresh}
    for resident_id, kind in kinds_of_bases(seat, fresh):
        kinds[resident_id].add(kind)
    reads.saw({one: ",".join(sorted(found)) for one, found in kinds.items()}, listed=listed)


def stop_wide_reading(by: Actor, place_code: str, fresh: set[int], now: datetime) -> None:
    """Counts the different residents somebody opened lately, with those about to be opened.

    More than a consulting room sees are noted for the security administrators; more than anybody can look at are
    refused, until time has passed or the reader has shown a second factor since: then they are counted from there.
    Lines of worklists do not count. Raises TooOften.
    """
    terms = access_at(place_code, localtime(now).date())
    span = timedelta(minutes=terms.wide_minutes)
    people = len(read_lately(by, now - span) | fresh)
    if people > terms.wide_alert:
        reads.note_wide(people, terms.wide_minutes)
    if people <= terms.wide_block:
        return
    proven_at = accounts.proven_by_factor(by, now - span)
    if proven_at is None or len(read_lately(by, proven_at) | fresh) > terms.wide_block:
        can_prove = accounts.has_factor(user_id_of(by) or 0)
        ways = (
            _("请用第二重验证证明是您本人，然后继续；或过几分钟再试。"),
            _("过几分钟再试；确有需要请联系安全管理员。"),
        )
        raise TooOften(
            _("短时间内打开的居民太多，先停一停。"), next_step=ways[0 if can_prove else 1],
            retry_after_seconds=int(span.total_seconds()), is_lifted_by_proof=can_prove,
        )  # fmt: skip


def read_lately(by: Actor, since: datetime) -> set[int]:
    """The residents whose records somebody opened since a moment; lines of worklists do not count."""
    return {one for (one,) in _opened.ask(by=by.id, since=since) if one is not None}


@Prepared
def _opened() -> QuerySet[AuditEvent, Any]:
    by, since = Told("by", CharField()), Told("since", DateTimeField())
    rows = AuditEvent.objects.filter(by_id=by, kind=AuditEvent.Kind.READ, at__gt=since)
    return rows.exclude(detail__has_key="listed").order_by().values_list("resident_id").distinct()


def get_resident(seat: Seat, resident_id: int) -> Resident:
    """The resident of that id. Raises NotVisible, whether there is none or the seat has no basis."""
    found: list[Resident] = _found.models(seat.role, people=[resident_id], **told_of(seat))
    if not found:
        reads.missed("residents.resident", resident_id)
        raise not_found()
    note_read(seat, [resident_id])
    return found[0]


def resident_of(user_id: int) -> Resident | None:
    """The resident a user is, if the user is one."""
    found: list[Resident] = _of_user.models(user=user_id)
    if not found:
        return None
    reads.saw({found[0].pk: Basis.Kind.OWN.value})
    return found[0]


@Prepared
def _of_user() -> QuerySet[Resident]:
    """Asked with nearly every page of a resident."""
    return Resident.objects.select_related("centre__place").filter(user=Told("user", BigIntegerField())).order_by("pk")


def telephone_of(user_id: int) -> str:
    """The telephone a living resident left with the centre; empty where the user is none, or left none."""
    rows = Resident.objects.filter(user=user_id, deceased_on__isnull=True)
    return rows.values_list("phone", flat=True).first() or ""


def has_died(user_id: int) -> bool:
    """Whether the account is of a resident who has died."""
    return Resident.objects.filter(user=user_id, deceased_on__isnull=False).exists()


def search_residents(seat: Seat, text: str, limit: int) -> list[Resident]:
    """Residents in scope by initials, full pinyin, characters, tail of the id (4 or more) or phone, best first.

    A whole match of name or initials comes before one that only begins so, and that before one inside. Whoever is
    found counts as opened in the log of reads: searching is how a register would be copied.
    """
    found = _search(seat, text, limit)
    note_read(seat, [one.pk for one in found])
    return found


def _search(seat: Seat, text: str, limit: int) -> list[Resident]:
    wanted = read_search(text)
    if wanted.is_empty:
        return []
    with connection.cursor() as cursor:
        if wanted.tail:
            cursor.execute("SELECT kangqiao_ending(%s, %s)", [wanted.tail, limit])
        else:
            cursor.execute("SELECT kangqiao_called(%s, %s)", [wanted.key, limit])
        (ids,) = cursor.fetchone()
    found = {one.pk: one for one in _found.models(seat.role, people=ids, **told_of(seat))}
    return [found[one] for one in ids if one in found]


@Prepared
def _found(role: str) -> QuerySet[Resident]:
    return residents_of(any_seat(role)).filter(among("id", "people"))


def bases_shown(seat: Seat, resident: Resident) -> list[Basis]:
    """Why this seat may see this resident now: the lines of "为什么能看"."""
    return _bases.models(seat.role, resident=resident.pk, **told_of(seat))


@Prepared
def _bases(role: str) -> QuerySet[Basis]:
    rows = bases_of(any_seat(role)).filter(resident=Told("resident", BigIntegerField()))
    return rows.select_related("organization", "user").order_by("since")


def who_may_see(resident_id: int, seat: Seat) -> list[Basis]:
    """Everybody who may see the resident now, for the resident's own page. Raises NotVisible for anyone else."""
    found = get_resident(seat, resident_id)
    if found.user_id != seat.user_id:
        raise not_found()
    # reads the clock: who may see me is a question about now
    rows = valid_at(timezone.now()).filter(resident=found).select_related("organization", "user")
    return list(rows.order_by("since"))


def age(resident: Resident, on: date) -> int:
    """Full years on a day."""
    born = resident.birth_date
    return age_on((born.year, born.month, born.day), (on.year, on.month, on.day))


@dataclass(frozen=True, slots=True)
class Alike:
    """Who might be the same person: those the seat may see, and how many others there are at other centres."""

    seen: list[Resident]
    elsewhere: int


def alike(seat: Seat, *, name: str, birth_date: date, identifier: str, phone: str) -> Alike:
    """Registrations like the one that is about to be made: same papers, same birth date with a name that sounds alike.

    Of people out of reach only their number is told.
    """
    like = Q(birth_date=birth_date) & Q(keys__overlap=search_keys(name))
    like |= Q(identifier=identifier) if identifier else Q()
    like |= Q(phone=phone, birth_date=birth_date) if phone else Q()
    seen = list(residents_of(seat).filter(like).order_by("pk")[:MOST_ALIKE])
    note_read(seat, [one.pk for one in seen])
    with beyond("residents.register"):
        every = Resident.objects.filter(like).exclude(merges__undone_at__isnull=True, merges__isnull=False).count()
    return Alike(seen, max(every - len(seen), 0))


def merges_of(seat: Seat, resident: Resident) -> list[Merge]:
    """The merges into a resident, the latest first. Raises NotVisible when the seat has no basis."""
    get_resident(seat, resident.pk)
    return list(Merge.objects.filter(kept=resident).select_related("gone"))


def by_identifier(seat: Seat, identifier: str) -> Resident | None:
    """The resident in scope with exactly these papers or this record number."""
    wanted = identifier.strip().upper()
    found = residents_of(seat).filter(Q(identifier=wanted) | Q(record_number=wanted)).first() if wanted else None
    if found is not None:
        note_read(seat, [found.pk])
    return found


@beyond("residents.register")
def known_by(identifier: str) -> Resident | None:
    """Who is registered anywhere under exactly these papers or this record number, the kept one of two merged.

    For a step that makes a relation to that person; a page shows nothing of them before.
    """
    wanted = identifier.strip().upper()
    found = Resident.objects.filter(Q(identifier=wanted) | Q(record_number=wanted)).first() if wanted else None
    if found is None:
        return None
    merged = Merge.objects.select_related("kept").filter(gone=found, undone_at__isnull=True).first()
    return found if merged is None else merged.kept


@beyond("residents.register")
def keeps_out(resident_id: int, organization_id: int, at: datetime) -> bool:
    """Whether somebody registered anywhere refused this house, asked before a relation to it is made."""
    return is_refused(resident_id, organization_id, at)


@beyond("residents.register")
def known_identifiers(identifiers: Collection[str]) -> set[str]:
    """Which of these identifiers are registered already, at whatever centre; for the desk that registers."""
    return set(Resident.objects.filter(identifier__in=identifiers).values_list("identifier", flat=True))


@beyond("residents.register")
def namesakes(names: Collection[str], centre_ids: Collection[int]) -> set[tuple[str, date]]:
    """Name and birth date of those registered at these centres under one of the names."""
    found = Resident.objects.filter(name__in=names, centre__in=centre_ids)
    return set(found.values_list("name", "birth_date"))
