"""Who may see which resident: one ledger answers, and a refusal of the resident comes before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
)
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.base.rows import ROLE, Contribution
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat, any_seat, quoted, told_of
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organizations_in
from kangqiao.domain.residents.models import Basis, Consent, Question, Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.rules import birthday
from kangqiao.kernel.decision import YES, Decision, no

# Roles that treat. All others work with counts: bureau, finance, insurer, dispatcher, director, administrator.
TREATING = frozenset(
    {Role.GP, Role.EXPERT, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.PHARMACIST}
)
# Bases of a resident's seat: they open a person's own pages, never anything at work.
PERSONAL: tuple[Basis.Kind, ...] = (Basis.Kind.OWN, Basis.Kind.GUARDIAN, Basis.Kind.PROXY)
# Who decides about a record: the person, or the guardian of a child. A proxy runs errands and decides nothing.
DECIDING = (Basis.Kind.OWN, Basis.Kind.GUARDIAN)
# Roles that may have a basis at all.
SEEING = (*TREATING, Role.RESIDENT)


def valid_at(moment: datetime | Told) -> QuerySet[Basis]:
    """The bases that hold at a moment."""
    return Basis.objects.filter(Q(until__isnull=True) | Q(until__gt=moment), since__lte=moment)


def consents_at(moment: datetime | Told) -> QuerySet[Consent]:
    """What residents allowed or refused and had not withdrawn at a moment."""
    is_open = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=moment)
    return Consent.objects.filter(is_open, Q(until__isnull=True) | Q(until__gt=moment), since__lte=moment)


def refusals_at(moment: datetime | Told) -> QuerySet[Consent]:
    """The organisations residents keep out of their record at a moment."""
    return consents_at(moment).filter(decision=Consent.Decision.REFUSE, purpose=Consent.Purpose.RECORD)


def refusing_education(moment: datetime) -> QuerySet[Consent]:
    """Who wanted no health education to be sent, whichever house stands in the ledger."""
    return consents_at(moment).filter(decision=Consent.Decision.REFUSE, purpose=Consent.Purpose.EDUCATION)


def bases_of(seat: Seat, at: datetime | None = None) -> QuerySet[Basis]:
    """The bases on which this seat may see someone at a moment (now, unless told).

    A resident has the basis of being that person, a child's guardian, or somebody's proxy. Treating staff have those of
    their organisation and their own, as far as the resident has not refused the organisation; looking in an emergency
    comes before a refusal. The rest have none. A right to see is a right now, so this reads the clock itself.
    """
    moment = at or seat.moment
    valid = valid_at(moment)
    if seat.role == Role.RESIDENT:
        return valid.filter(kind__in=PERSONAL, user=seat.user_id)
    if seat.role not in TREATING:
        return valid.none()
    # The kind is asked inside, so that the database joins the refusals once instead of looking for each row.
    refused = (
        refusals_at(moment)
        .filter(resident_id=OuterRef("resident_id"), organization_id__in=houses_of(seat.organization_id))
        .annotate(of_kind=ExpressionWrapper(OuterRef("kind"), output_field=CharField()))
        .exclude(of_kind=Basis.Kind.EMERGENCY)
    )
    return valid.filter(_held_by(seat), ~Exists(refused))


def _held_by(seat: Seat) -> Q:
    return Q(organization=seat.organization_id) | (Q(user=seat.user_id) & ~Q(kind__in=PERSONAL))


@Prepared
def _seen(role: str) -> QuerySet[Basis, Any]:
    return bases_of(any_seat(role)).order_by().values("resident_id")


@Prepared
def _bases_for(role: str) -> QuerySet[Basis, Any]:
    return bases_of(any_seat(role)).filter(among("resident_id", "people")).values_list("resident_id", "kind")


def kinds_of_bases(seat: Seat, resident_ids: Collection[int]) -> list[tuple[int, str]]:
    """The kinds of bases on which the seat may see these residents now, as pairs of resident and kind."""
    if seat.role not in SEEING:
        return []
    return _bases_for.ask(seat.role, people=list(resident_ids), **told_of(seat))


def houses_of(organization_id: int | Told | None) -> QuerySet[Organization, int]:
    """The ids of an organisation and, for a guidance office, the hospital it works for: refused together."""
    office_of = Q(parts=organization_id, parts__kind=Organization.Kind.GUIDANCE_OFFICE)
    return Organization.objects.filter(Q(pk=organization_id) | office_of).order_by().values_list("pk", flat=True)


def is_refused(resident_id: int, organization_id: int | None, at: datetime) -> bool:
    """Whether the resident keeps this organisation out at a moment."""
    return bool(_is_refused.ask(resident=resident_id, organization=organization_id, at=at))


@Prepared
def _is_refused() -> QuerySet[Consent, Any]:
    refused = refusals_at(Told("at", DateTimeField())).filter(resident_id=Told("resident", BigIntegerField()))
    refused = refused.filter(organization_id__in=houses_of(Told("organization", BigIntegerField())))
    return refused.order_by().values_list("pk")[:1]


@Prepared
def _refusing(role: str) -> QuerySet[Consent, Any]:
    seat = any_seat(role)
    looked = valid_at(seat.moment).filter(kind=Basis.Kind.EMERGENCY, resident_id=OuterRef("resident_id"))
    refused = refusals_at(seat.moment).filter(organization_id__in=houses_of(seat.organization_id))
    return refused.exclude(Exists(looked.filter(_held_by(seat)))).order_by().values("resident_id")


def not_refusing(seat: Seat, *, field: str) -> Q:
    """Rows of residents who do not keep the seat's house out: the scope where the row itself gives the house a basis.

    For lists of thousands, in which the ledger is not asked for each row. `field` names the resident's id.
    """
    return ~Q(**{f"{field}__in": _refusing.inside(seat.role, **told_of(seat))})


def visible_to(seat: Seat, *, field: str = "pk", at: datetime | None = None) -> Q:
    """The scope of a seat: rows of the residents it may see. `field` names the resident's id on another table."""
    if seat.role not in SEEING:
        return Q(**{f"{field}__in": ()})
    told = told_of(seat)
    return Q(**{f"{field}__in": _seen.inside(seat.role, **(told if at is None else told | {"moment": at}))})


def sees(by: Actor, resident_id: int, at: datetime) -> bool:
    """Whether somebody at work may see a resident at a moment, through their organisation or in person."""
    held = Q(organization_id=by.organization_id or 0) | (Q(user_id=user_id_of(by) or 0) & ~Q(kind__in=PERSONAL))
    bases = valid_at(at).filter(held, resident_id=resident_id)
    if is_refused(resident_id, by.organization_id, at):
        bases = bases.filter(kind=Basis.Kind.EMERGENCY)
    return bases.exists()


def may_act_for(user_id: int | None, resident_id: int, at: datetime) -> bool:
    """Whether a person may book and cancel for a resident: as that person, guardian or proxy."""
    return valid_at(at).filter(resident_id=resident_id, user_id=user_id or 0, kind__in=PERSONAL).exists()


def is_child(resident: Resident, at: datetime) -> bool:
    """Whether a guardian decides for the resident at a moment; `resident` with centre and place."""
    on = localtime(at).date()
    years = access_at(resident.centre.place.code, on).guardian_until_years
    return on < birthday(resident.birth_date, years)


def can_decide(user_id: int | None, resident: Resident, at: datetime) -> Decision:
    """The resident decides who sees the record; for a child the guardian does, alone (PIPL 31)."""
    young = is_child(resident, at)
    kinds = (Basis.Kind.GUARDIAN,) if young else (Basis.Kind.OWN,)
    if valid_at(at).filter(resident=resident, user_id=user_id or 0, kind__in=kinds).exists():
        return YES
    if young:
        return no(_("孩子还小，由监护人决定谁能看档案。"))
    return no(_("只有本人能决定谁能看自己的档案。"))


def can_register(by: Actor, centre_id: int) -> Decision:
    """A centre registers its own residents."""
    if by.is_system or (by.role in (Role.GP, Role.CENTRE_MANAGER) and by.organization_id == centre_id):
        return YES
    return no(_("居民由登记中心建档。"))


def can_import(by: Actor, centre_ids: Iterable[int] = ()) -> Decision:
    """Whole registers are read in by the system administrator or a job; a centre's manager reads in its own."""
    if by.is_system or by.role == Role.SYSTEM_ADMIN:
        return YES
    own = {by.organization_id}
    if by.role == Role.CENTRE_MANAGER and own >= set(centre_ids):
        return YES
    return no(_("批量导入由系统管理员做；中心负责人只导入本中心的居民。"))


# Who may open a record in an emergency: doctors, with the patient before them.
EMERGENCY_ROLES = (Role.GP, Role.EXPERT)


def can_break_glass(by: Actor) -> Decision:
    """Doctors open a record in an emergency; desks, offices and administrators never."""
    return YES if by.role in EMERGENCY_ROLES else no(_("紧急查阅由在岗的医生做。"))


def overseen_by(seat: Seat, field: str = "organization") -> Q:
    """Rows of the organisations a security administrator watches over: the own one; a bureau's, all of its place."""
    if seat.role != Role.SECURITY_ADMIN:
        return Q(pk__in=())
    if seat.organization_kind != Organization.Kind.HEALTH_BUREAU:
        return Q(**{f"{field}_id": seat.organization_id})
    # A bureau lies in its place itself.
    return Q(**{f"{field}__in": organizations_in(seat.place_code).order_by().values("pk")})


def questions_visible_to(seat: Seat) -> Q:
    """Questions one asked or has to answer oneself, those about oneself or one's child, and those one watches over."""
    asked = Q(asked_by=seat.user_id)
    if seat.role == Role.RESIDENT:
        return asked | (Q(kind=Question.Kind.RESIDENT) & visible_to(seat, field="resident_id"))
    return asked | Q(kind=Question.Kind.REVIEW, reader=seat.user_id) | overseen_by(seat)


def can_question(seat: Seat) -> Decision:
    """The security administrator asks about looks in an emergency."""
    return YES if seat.role == Role.SECURITY_ADMIN else no(_("紧急查阅由安全管理员核查。"))


def can_answer(seat: Seat, question: Question) -> Decision:
    """Residents are answered by the security administrator, the security administrator by whoever looked."""
    if question.kind == Question.Kind.REVIEW:
        return YES if question.reader_id == seat.user_id else no(_("请由查看的人自己说明。"))
    return YES if seat.role == Role.SECURITY_ADMIN else no(_("居民的疑问由安全管理员答复。"))


def user_id_of(by: Actor) -> int | None:
    """The user behind an actor; None for a job."""
    kind, _colon, number = by.id.partition(":")
    return int(number) if kind == "user" and number.isdigit() else None


# The same scopes as the database asks them, row by row; the owner's functions look past the policies of what they read.
# A basis that ends in this transaction holds to its end, and one that begins in it holds at once: the clock is the
# database's as of the beginning, and nobody writes a basis before it begins.
_HEAD = "LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 1000 SET search_path = public, pg_temp AS $body$"
_OPEN = "({row}.until IS NULL OR {row}.until > kangqiao_moment())"
_TREATS = f"""
CREATE OR REPLACE FUNCTION kangqiao_treats() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT kangqiao_role() IN ({quoted(sorted(TREATING))})
$body$"""
# A basis in one's own name holds at the seat it was made for: personal ones at a resident's, others at work.
_HOLDS = f"""
CREATE OR REPLACE FUNCTION kangqiao_holds(kind text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT CASE WHEN kangqiao_role() = '{Role.RESIDENT.value}' THEN kind IN ({quoted(PERSONAL)})
              ELSE kangqiao_treats() AND kind NOT IN ({quoted(PERSONAL)}) END
$body$"""
# `bases_of`, with the refusals of `houses_of`. Asked row by row, so the first question settles it for most rows.
# A CASE, so that the few bases of one resident are read by one index and not looked for by two.
_HELD = f"""b.resident_id = wanted AND {_OPEN.format(row="b")}
     AND CASE WHEN b.organization_id = house THEN true
              ELSE b.user_id = me AND b.kind NOT IN ({quoted(PERSONAL)}) END"""
_SEES = f"""
CREATE OR REPLACE FUNCTION kangqiao_sees(wanted bigint) RETURNS boolean {_HEAD}
DECLARE
  me bigint := kangqiao_me();
  house bigint := kangqiao_house();
BEGIN
  IF me IS NULL OR NOT (kangqiao_role() = '{Role.RESIDENT.value}' OR kangqiao_treats()) THEN RETURN false; END IF;
  IF kangqiao_role() = '{Role.RESIDENT.value}' THEN
    RETURN EXISTS (SELECT FROM residents_basis b WHERE b.resident_id = wanted AND b.user_id = me
                    AND b.kind IN ({quoted(PERSONAL)}) AND {_OPEN.format(row="b")});
  END IF;
  IF NOT EXISTS (SELECT FROM residents_basis b WHERE {_HELD}) THEN RETURN false; END IF;
  RETURN NOT EXISTS (
    SELECT FROM residents_consent c
     WHERE c.resident_id = wanted AND c.decision = '{Consent.Decision.REFUSE.value}'
       AND c.purpose = '{Consent.Purpose.RECORD.value}' AND {_OPEN.format(row="c")}
       AND (c.withdrawn_at IS NULL OR c.withdrawn_at > kangqiao_moment())
       AND c.organization_id = ANY (kangqiao_houses()))
    OR EXISTS (SELECT FROM residents_basis b WHERE {_HELD} AND b.kind = '{Basis.Kind.EMERGENCY.value}');
END $body$"""  # noqa: S608 (constant text)
# `houses_of`: the own house and, for a guidance office, the hospital it works for.
_HOUSES = f"""
CREATE OR REPLACE FUNCTION kangqiao_houses() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT array_agg(house) FROM institutions_organization o,
    unnest(CASE o.kind WHEN '{Organization.Kind.GUIDANCE_OFFICE.value}' THEN ARRAY[o.id, o.part_of_id]
                       ELSE ARRAY[o.id] END) house
   WHERE o.id = kangqiao_house() AND house IS NOT NULL
$body$"""  # noqa: S608 (constant text)
# Whom a policy of many rows leaves to `kangqiao_sees`: asked once for a statement, not for a row.
_REFUSED = f"""
CREATE OR REPLACE FUNCTION kangqiao_refused() RETURNS SETOF bigint {_HEAD}
BEGIN
  RETURN QUERY SELECT c.resident_id FROM residents_consent c
    WHERE c.decision = '{Consent.Decision.REFUSE.value}' AND c.purpose = '{Consent.Purpose.RECORD.value}'
      AND c.organization_id = ANY (kangqiao_houses()) AND {_OPEN.format(row="c")}
      AND (c.withdrawn_at IS NULL OR c.withdrawn_at > kangqiao_moment());
END $body$"""  # noqa: S608 (constant text)
# `overseen_by`.
_WATCHES = f"""
CREATE OR REPLACE FUNCTION kangqiao_watches(organization bigint) RETURNS boolean {_HEAD}
BEGIN
  IF kangqiao_role() <> '{Role.SECURITY_ADMIN.value}' THEN RETURN false; END IF;
  RETURN organization = kangqiao_house() OR EXISTS (
    SELECT FROM institutions_organization own, institutions_organization other
     WHERE own.id = kangqiao_house() AND own.kind = '{Organization.Kind.HEALTH_BUREAU.value}'
       AND other.id = organization AND other.place_id = ANY (kangqiao_places()));
END $body$"""
# The accounts of residents one sees and of who acts for them, and of who asked what one has to answer.
_MET = f"""
CREATE OR REPLACE FUNCTION kangqiao_met(account bigint) RETURNS boolean {_HEAD}
BEGIN
  RETURN EXISTS (SELECT FROM residents_basis b WHERE b.user_id = account AND b.kind IN ({quoted(PERSONAL)})
                  AND kangqiao_sees(b.resident_id))
      OR EXISTS (SELECT FROM residents_consent c WHERE c.given_by_id = account AND kangqiao_sees(c.resident_id))
      OR EXISTS (SELECT FROM residents_question q
                  WHERE q.asked_by_id = account AND kangqiao_watches(q.organization_id));
END $body$"""  # noqa: S608 (constant text)
# Who is called so, or whose papers or phone end so, and may be seen. A policy is asked before any condition that an
# index could answer, for each of a million residents; here the index comes first, and the same lock after it. No policy
# binds the owner of the table, here neither: `role` still says who asks.
_UNBOUND = """boolean := kangqiao_open() OR pg_has_role(
    coalesce(nullif(current_setting('role', true), 'none'), session_user::text)::name,
    (SELECT relowner FROM pg_class WHERE oid = 'residents_resident'::regclass), 'MEMBER')"""
_IN_REACH = """(is_unbound OR kangqiao_sees(r.id))
       AND NOT EXISTS (SELECT FROM residents_merge m WHERE m.gone_id = r.id AND m.undone_at IS NULL)"""
_CALLED = f"""
CREATE OR REPLACE FUNCTION kangqiao_called(wanted text, most integer) RETURNS bigint[] {_HEAD}
DECLARE
  is_unbound {_UNBOUND};
  found bigint[];
BEGIN
  -- In order first: of the thousands with common initials only as many are asked about as make up the page.
  found := ARRAY(SELECT r.id FROM (
      SELECT id FROM residents_resident WHERE keys @> ARRAY[wanted]::varchar[]
      ORDER BY array_position(keys, wanted::varchar), id OFFSET 0
    ) r WHERE {_IN_REACH} LIMIT most);
  found := found || ARRAY(SELECT r.id FROM residents_resident r
    WHERE kangqiao_pieces(r.keys) @> ARRAY[left(wanted, 24)] AND r.id <> ALL (found)
      AND EXISTS (SELECT FROM unnest(r.keys) key WHERE starts_with(key, wanted)) AND {_IN_REACH}
    LIMIT most - cardinality(found));
  RETURN found || ARRAY(SELECT r.id FROM residents_resident r
    WHERE kangqiao_pieces(r.keys) @> ARRAY['…' || left(wanted, 4)] AND r.id <> ALL (found)
      AND EXISTS (SELECT FROM unnest(r.keys) key WHERE position(wanted IN key) > 1) AND {_IN_REACH}
    LIMIT most - cardinality(found));
END $body$"""  # noqa: S608 (constant text)
_ENDING = f"""
CREATE OR REPLACE FUNCTION kangqiao_ending(wanted text, most integer) RETURNS bigint[] {_HEAD}
DECLARE
  is_unbound {_UNBOUND};
  backwards text := reverse(wanted);
BEGIN
  RETURN ARRAY(SELECT r.id FROM residents_resident r
    WHERE ((reverse(r.identifier) COLLATE "C" >= backwards AND reverse(r.identifier) COLLATE "C" < backwards || '~')
        OR (reverse(r.phone) COLLATE "C" >= backwards AND reverse(r.phone) COLLATE "C" < backwards || '~'))
      AND {_IN_REACH} ORDER BY r.id LIMIT most);
END $body$"""  # noqa: S608 (constant text)
ROWS = Contribution(
    (_TREATS, _HOLDS, _HOUSES, _SEES, _REFUSED, _WATCHES, _MET, _CALLED, _ENDING),
    {
        "accounts.user": "kangqiao_met(id)",
        "base.auditevent": f"{ROLE} = '{Role.RESIDENT.value}' AND resident_id IS NOT NULL"
        " AND kangqiao_sees(resident_id)",
    },
)
