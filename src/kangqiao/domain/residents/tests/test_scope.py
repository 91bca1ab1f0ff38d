"""Who may see whom, and finding them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital
from kangqiao.domain.residents import actions, queries
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.residents.permissions import TREATING, visible_to
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_the_own_centre_sees_its_residents_and_another_does_not() -> None:
    own, other = centre("a"), centre("b")
    row = resident(own)

    assert queries.get_resident(seat("gp", own), row.pk) == row
    with pytest.raises(NotVisible) as hidden:
        queries.get_resident(seat("gp", other), row.pk)
    with pytest.raises(NotVisible) as missing:
        queries.get_resident(seat("centre_manager", other), row.pk + 1)
    assert str(hidden.value) == str(missing.value)


@pytest.mark.parametrize("role", sorted(set(Role) - TREATING - {Role.RESIDENT}))
def test_roles_that_do_not_treat_see_nobody_even_at_the_place_that_may(role: str) -> None:
    own = centre()
    resident(own)

    assert not queries.residents_of(seat(role, own)).exists()


def test_a_resident_sees_only_themselves() -> None:
    own = centre()
    me = user("me")
    mine, other = resident(own, user_id=me.pk), resident(own)
    mine_seat = seat("resident", own, me)

    assert list(queries.residents_of(mine_seat)) == [mine]
    assert queries.resident_of(me.pk) == mine
    with pytest.raises(NotVisible):
        queries.get_resident(mine_seat, other.pk)


def test_the_basis_of_being_oneself_does_not_open_the_record_at_work() -> None:
    own, elsewhere, me = centre("a"), hospital("b"), user("me")
    resident(own, user_id=me.pk)

    assert not queries.residents_of(seat("expert", elsewhere, me)).exists()


@pytest.mark.parametrize(
    ("since", "until", "sees"),
    [(-2, None, True), (-2, 1, True), (-2, -1, False), (1, None, False)],
)
def test_a_basis_opens_the_record_only_while_it_holds(since: int, until: int | None, sees: bool) -> None:
    row, own = resident(centre()), hospital()
    now = timezone.now()
    actions.grant_basis(
        resident_id=row.pk,
        kind="referral",
        source="referral:1",
        since=now + since * DAY,
        until=None if until is None else now + until * DAY,
        organization_id=own.pk,
        by=TESTER,
        at=NOW,
    )

    assert queries.residents_of(seat("referral_desk", own)).exists() is sees


def test_a_basis_of_a_person_opens_the_record_to_that_person_alone() -> None:
    row, own = resident(centre()), hospital()
    named, colleague = seat("expert", own, user("named")), seat("expert", own, user("colleague"))
    actions.grant_basis(
        resident_id=row.pk, kind="booking", source="booking:1", since=NOW, user_id=named.user_id, by=TESTER, at=NOW
    )

    assert list(queries.residents_of(named)) == [row]
    assert not queries.residents_of(colleague).exists()


def test_an_ended_basis_closes_the_record_and_granting_it_again_opens_it() -> None:
    row, own = resident(centre()), hospital()
    desk = seat("referral_desk", own)

    def grant() -> None:
        actions.grant_basis(
            resident_id=row.pk, kind="referral", source="referral:1", since=NOW, organization_id=own.pk, by=TESTER,
            at=NOW,
        )  # fmt: skip

    grant()
    ended = actions.end_basis(source="referral:1", by=TESTER, at=timezone.now())
    closed = queries.residents_of(desk).exists()
    grant()

    assert ended == 1
    assert closed is False
    assert list(queries.residents_of(desk)) == [row]
    assert actions.end_basis(source="referral:9", by=TESTER, at=NOW) == 0


def test_a_basis_names_one_holder_and_runs_forwards() -> None:
    row, own = resident(centre()), hospital()

    def grant(**more: object) -> None:
        actions.grant_basis(
            resident_id=row.pk,
            kind="booking",
            source="booking:1",
            since=NOW,
            by=TESTER,
            at=NOW,
            **more,  # type: ignore[arg-type]
        )

    with pytest.raises(RuleBroken):
        grant()
    with pytest.raises(RuleBroken):
        grant(organization_id=own.pk, user_id=user().pk)
    with pytest.raises(RuleBroken):
        grant(organization_id=own.pk, until=NOW - DAY)


def test_the_scope_filters_rows_of_other_tables_by_the_resident_they_name() -> None:
    own, other = centre("a"), centre("b")
    row = resident(own)
    resident(other)

    found = Basis.objects.filter(visible_to(seat("gp", own), field="resident_id"))

    assert {basis.resident_id for basis in found} == {row.pk}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("单雄信", "sxx"),
        ("单雄信", "shanxiongxin"),
        ("曾国藩", "zgf"),
        ("解小满", "xiexiaoman"),
        ("仇白露", "qiubailu"),
        ("任处暑", "rcs"),
        ("林惊蛰", "林惊"),
        ("林惊蛰", "惊蛰"),
        ("林惊蛰", "linj"),
        ("张䶮", "张䶮"),
        ("王𬭚", "𬭚"),
        ("阿依古丽·热合曼", "阿依古丽•热合曼"),
        ("阿依古丽·热合曼", "ayg"),
    ],
)
def test_a_name_is_found_as_a_desk_types_it(name: str, typed: str) -> None:
    own = centre()
    wanted = resident(own, name)
    resident(own, "周谷雨")

    assert queries.search_residents(seat("gp", own), typed, 5) == [wanted]


def test_the_tail_of_an_id_and_a_phone_are_found_from_four_digits_on() -> None:
    own = centre()
    wanted = resident(own, identifier="47040419640305121X", phone="15400000427")
    resident(own, identifier="470404196403051224", phone="15400000555")
    gp = seat("gp", own)

    assert queries.search_residents(gp, "121x", 5) == [wanted]
    assert queries.search_residents(gp, "0427", 5) == [wanted]
    assert queries.search_residents(gp, "154 0000 0427", 5) == [wanted]
    assert queries.search_residents(gp, "427", 5) == []


def test_whole_matches_come_first_and_the_list_stops_at_its_limit() -> None:
    own = centre()
    longer, inside, whole = resident(own, "林立秋水"), resident(own, "小林立秋"), resident(own, "林立秋")
    gp = seat("gp", own)

    assert queries.search_residents(gp, "林立秋", 5) == [whole, longer, inside]
    assert queries.search_residents(gp, "林立秋", 1) == [whole]


def test_search_stays_in_scope_and_nothing_typed_finds_nobody() -> None:
    own, other = centre("a"), centre("b")
    resident(own)

    assert queries.search_residents(seat("gp", other), "林惊蛰", 5) == []
    assert queries.search_residents(seat("gp", own), " ", 5) == []


def test_an_identifier_is_registered_once_and_a_birth_lies_in_the_past() -> None:
    own = centre()
    resident(own, identifier="47040419640305121X")

    with pytest.raises(RuleBroken):
        resident(own, identifier="47040419640305121X")
    with pytest.raises(RuleBroken):
        resident(own, birth_date=NOW.date() + DAY)


def test_a_centre_registers_at_itself_only() -> None:
    own, other = centre("a"), centre("b")
    gp = seat("gp", own).actor
    values = {"sex": "female", "birth_date": NOW.date(), "name": "白露", "by": gp, "at": NOW}

    row = actions.register_resident(identifier="x1", centre_id=own.pk, **values)  # type: ignore[arg-type]
    with pytest.raises(Denied):
        actions.register_resident(identifier="x2", centre_id=other.pk, **values)  # type: ignore[arg-type]

    assert row.bases.get().kind == "registered"


def test_a_register_is_read_in_with_keys_bases_and_one_line_of_audit() -> None:
    own = centre()
    rows = [
        Resident(name=name, sex="female", birth_date=NOW.date(), identifier=f"x{number}", centre=own, is_demo=True)
        for number, name in enumerate(("曾白露", "林小满", "曾白露"))
    ]

    gp = seat("gp", own)

    actions.import_residents(residents=rows, since=NOW - DAY, by=TESTER, at=NOW)

    assert [row.name for row in queries.search_residents(gp, "zbl", 5)] == ["曾白露", "曾白露"]
    assert AuditEvent.objects.filter(action="residents.import_residents").count() == 1
    with pytest.raises(Denied):
        actions.import_residents(residents=[], since=NOW, by=gp.actor, at=NOW)


def test_the_resident_reads_who_may_see_them_and_nobody_else_does() -> None:
    own, place, me = centre("a"), hospital("b"), user("me")
    row = resident(own, user_id=me.pk)
    actions.grant_basis(
        resident_id=row.pk, kind="booking", source="booking:1", since=NOW - DAY, until=NOW, organization_id=place.pk,
        by=TESTER, at=NOW,
    )  # fmt: skip

    shown = queries.who_may_see(row.pk, seat("resident", own, me))

    assert {basis.kind for basis in shown} == {"own", "registered"}
    with pytest.raises(NotVisible):
        queries.who_may_see(row.pk, seat("gp", own))
