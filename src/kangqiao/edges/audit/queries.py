"""What an audit administrator may read, and how the chains stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base import sealing
from kangqiao.base.models import AuditEvent, AuditHead, AuditLink
from kangqiao.base.rows import HOUSE, ROLE, Contribution
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat, quoted
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import place_ids_under
from kangqiao.edges.audit.checking import CHECKED
from kangqiao.kernel.errors import NotVisible

READERS = (Role.AUDIT_ADMIN,)
# Bodies that answer for a place read the chains of all in it, and what the system did by itself.
SUPERVISORS = frozenset({Organization.Kind.HEALTH_BUREAU, Organization.Kind.HOSPITAL_AUTHORITY})
DEFAULT_DAYS = 7
# Every night, with an hour or two for a check that takes long.
CHECKED_EVERY = timedelta(hours=26)

# The same for the database: `scope` over the organisation an event belongs to.
_CHAINS = f"""
CREATE OR REPLACE FUNCTION kangqiao_chains() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT coalesce(array_agg(o.id), '{{}}') FROM institutions_organization o
   WHERE kangqiao_role() = '{Role.AUDIT_ADMIN.value}'
     AND (o.id = kangqiao_house() OR ((SELECT kangqiao_supervises()) AND o.place_id = ANY (kangqiao_places())))
$body$"""  # noqa: S608 (constant text)
_SUPERVISES = f"""
CREATE OR REPLACE FUNCTION kangqiao_supervises() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT EXISTS (SELECT FROM institutions_organization o
                  WHERE o.id = kangqiao_house() AND o.kind IN ({quoted(sorted(SUPERVISORS))}))
$body$"""  # noqa: S608 (constant text)
_READABLE = (
    f"{ROLE} = '{Role.AUDIT_ADMIN.value}' AND (organization_id = {HOUSE}"
    " OR organization_id = ANY ((SELECT kangqiao_chains())::bigint[])"
    " OR (organization_id IS NULL AND (SELECT kangqiao_supervises())))"
)
ROWS = Contribution((_SUPERVISES, _CHAINS), {"base.auditevent": _READABLE})


def scope(seat: Seat) -> dict[int, str]:
    """The chains this seat may read, by id with their names; the site's own is `sealing.SITE`."""
    rows = Organization.objects.filter(pk=seat.organization_id)
    if seat.organization_kind in SUPERVISORS:
        rows = Organization.objects.filter(Q(place__in=place_ids_under(seat.place_code)) | Q(pk=seat.organization_id))
    found = dict(rows.order_by("place", "kind", "code").values_list("pk", "zh"))
    return found | ({sealing.SITE: _("系统自身")} if seat.organization_kind in SUPERVISORS else {})


def chain_in_scope(seat: Seat, chain: int) -> str:
    """The name of a chain this seat may read. Raises NotVisible."""
    found = scope(seat).get(chain)
    if found is None:
        raise NotVisible(_("没有这个机构的审计记录。"))
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the audit is asked for; days include the last."""

    first: date
    last: date
    chain: int | None = None
    kind: str = ""
    who: str = ""
    request: str = ""
    resident_id: int | None = None


def events(seat: Seat, wanted: Wanted) -> QuerySet[AuditEvent]:
    """The events a seat asked for and may read, the newest first."""
    chains = scope(seat) if wanted.chain is None else {wanted.chain: chain_in_scope(seat, wanted.chain)}
    mine = Q(organization_id__in=[chain for chain in chains if chain != sealing.SITE])
    if sealing.SITE in chains:
        mine |= Q(organization_id=None)
    bounds = (timezone.make_aware(datetime.combine(day, time())) for day in (wanted.first, wanted.last))
    since, last = bounds
    rows = AuditEvent.objects.filter(mine, at__gte=since, at__lt=last + timedelta(days=1))
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.request:
        rows = rows.filter(request=wanted.request)
    if wanted.resident_id is not None:
        rows = rows.filter(resident_id=wanted.resident_id)
    if wanted.who:
        users = User.objects.filter(name__icontains=wanted.who).values_list("pk", flat=True)[:200]
        rows = rows.filter(Q(by_name__icontains=wanted.who) | Q(by_id__in=[f"user:{pk}" for pk in users]))
    return rows.order_by("-id")


def names_of(rows: list[AuditEvent]) -> dict[str, str]:
    """Who the events of triggers, which know only ids, are by."""
    ids = {row.by_id.removeprefix("user:") for row in rows if not row.by_name and row.by_id.startswith("user:")}
    found = User.objects.filter(pk__in=[one for one in ids if one.isdigit()]).values_list("pk", "name")
    return {f"user:{pk}": name for pk, name in found}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one chain stands: its end, its newest head with who keeps it, and the last check."""

    chain: int
    name: str
    link: AuditLink | None
    head: AuditHead | None
    keeper: str
    check: AuditEvent | None

    @property
    def is_sound(self) -> bool | None:
        """What the last check found; None when there was none."""
        return None if self.check is None else not self.check.detail.get("problems")


def standing(seat: Seat, chain: int) -> Standing:
    """One chain. Raises NotVisible."""
    name = chain_in_scope(seat, chain)
    head = AuditHead.objects.filter(organization_id=chain).order_by("-sequence", "-id").first()
    checks = AuditEvent.objects.filter(action=CHECKED, organization_id=chain or None)
    kept_by = (head.witness_id if head else None) or 0
    keeper = Organization.objects.filter(pk=kept_by).values_list("zh", flat=True).first()
    link = AuditLink.objects.filter(organization_id=chain).order_by("-sequence").first()
    return Standing(chain, name, link, head, keeper or "", checks.order_by("-id").first())


def last_checks(seat: Seat) -> list[Standing]:
    """The chains of this seat that hold anything, each with its last check; in three statements, without their ends."""
    names = scope(seat)
    held = [chain for chain in sealing.chains() if chain in names]
    rows = AuditEvent.objects.filter(Q(organization_id__in=held) | Q(organization_id=None), action=CHECKED)
    checks = {
        row.organization_id or sealing.SITE: row
        for row in rows.order_by("organization_id", "-id").distinct("organization_id")
    }
    return [Standing(chain, names[chain], None, None, "", checks.get(chain)) for chain in held]


def unsound(seat: Seat, now: datetime) -> list[Standing]:
    """Of those the ones whose last check found something, or is missing though a night has passed."""
    due = now - CHECKED_EVERY
    old = set(AuditLink.objects.filter(sequence=1, sealed_at__lt=due).values_list("organization_id", flat=True))
    return [
        one for one in last_checks(seat)
        if one.is_sound is False or (one.chain in old and (one.check is None or one.check.at < due))
    ]  # fmt: skip


def heads_of(day: date) -> list[dict[str, Any]]:
    """The last head of each chain signed on a day, as they are published, with the name of the organisation."""
    since = timezone.make_aware(datetime.combine(day, time()))
    rows = AuditHead.objects.filter(signed_at__gte=since, signed_at__lt=since + timedelta(days=1))
    newest = {head.organization_id: head for head in rows.order_by("sequence", "id")}
    names = dict(Organization.objects.filter(pk__in=newest).values_list("pk", "zh"))
    return [{"name": names.get(chain, _("系统自身")), **sealing.told(head)} for chain, head in sorted(newest.items())]
