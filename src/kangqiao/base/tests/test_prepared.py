"""Questions written once: the same rows as Django's own, other values each time, one text."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.db.models import BigIntegerField, CharField, F, Value
from django.test.utils import CaptureQueriesContext

from kangqiao.base import prepared
from kangqiao.base.models import AuditEvent, IdempotencyKey
from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster.models import Roster

pytestmark = pytest.mark.django_db
AT, LATER = datetime(2026, 5, 4, 1, 0, tzinfo=UTC), datetime(2026, 5, 5, 1, 0, tzinfo=UTC)


@pytest.fixture
def places() -> tuple[Place, Place]:
    prepared.forget()
    city = Place.objects.create(code="4404", zh="演示市")
    return city, Place.objects.create(code="440402", zh="演示区 100%", part_of=city)


def test_words_are_written_once_and_values_change(places: tuple[Place, Place]) -> None:
    city, district = places
    made = []

    @Prepared
    def parts(word: str):
        made.append(word)
        found = Place.objects.filter(part_of=Told("city", BigIntegerField()))
        return found.annotate(word=Value(word, CharField())).values_list("code", "word")

    assert parts.ask("100%", city=city.pk) == [("440402", "100%")]
    assert parts.ask("100%", city=district.pk) == []
    assert made == ["100%"]
    assert parts.ask("other", city=city.pk) == [("440402", "other")]
    prepared.forget()
    parts.ask("100%", city=city.pk)
    assert made == ["100%", "other", "100%"]


def test_value_that_was_not_told_is_an_error(places: tuple[Place, Place]) -> None:
    @Prepared
    def parts():
        return Place.objects.filter(part_of=Told("city", BigIntegerField())).values_list("pk")

    with pytest.raises(KeyError, match="city"):
        parts.ask()


@pytest.mark.parametrize("huge", [2**63, 10**20, -(10**20)])
def test_number_that_no_row_can_have_finds_nothing(places: tuple[Place, Place], huge: int) -> None:
    @Prepared
    def parts():
        return Place.objects.filter(part_of=Told("city", BigIntegerField())).values_list("code")

    @Prepared
    def named():
        return Place.objects.filter(among("id", "places")).values_list("code")

    assert parts.ask(city=huge) == []
    assert named.ask(places=[huge, places[1].pk]) == [("440402",)]


def test_shape_that_finds_nothing_asks_nothing(places: tuple[Place, Place]) -> None:
    @Prepared
    def parts(word: str):
        found = Place.objects.filter(part_of=Told("city", BigIntegerField()))
        return found if word == "all" else found.filter(pk__in=())

    with CaptureQueriesContext(connection) as asked:
        assert parts.models("none", city=places[0].pk) == []
    assert not asked.captured_queries
    assert parts.models("all", city=places[0].pk) == [places[1]]


def test_row_is_changed_and_says_whether_it_was_there(places: tuple[Place, Place]) -> None:
    city, district = places
    district.zh, district.code = "演示新区", "440499"

    assert prepared.change(district, "zh") is True
    assert Place.objects.get(pk=district.pk).zh == "演示新区"
    assert Place.objects.get(pk=district.pk).code == "440402", "what is not named stays"
    assert prepared.change(Place(pk=city.pk + 1000, zh="没有"), "zh") is False
    assert Place.objects.get(pk=city.pk).zh == "演示市"


def test_a_row_moves_only_from_the_status_that_was_seen(places: tuple[Place, Place]) -> None:
    city, district = places
    days = {"starts_on": date(2026, 3, 2), "ends_on": date(2026, 3, 9)}
    row = Roster.objects.create(place=city, policy_ref="x", planned_at=AT, **days)

    assert prepared.move(row, "draft", {"status": "published", "place": district, "planned_at": LATER}) is True
    assert prepared.move(row, "draft", {"status": "superseded"}) is False
    assert Roster.objects.values_list("status", "place", "planned_at").get() == ("published", district.pk, LATER)


def test_row_that_is_there_is_no_error_where_that_was_expected() -> None:
    told = {"key": "k", "path": "/", "fingerprint": "", "created_at": AT}
    first, again = IdempotencyKey(by_id="a", **told), IdempotencyKey(by_id="a", **told)

    assert prepared.insert(first, unless_there=True) is True
    assert prepared.insert(again, unless_there=True) is False
    assert again.pk is None
    assert list(IdempotencyKey.objects.all()) == [first]


def test_database_keeps_the_plan_of_a_question_with_the_connection(places: tuple[Place, Place]) -> None:
    @Prepared
    def parts():
        return Place.objects.filter(part_of=Told("city", BigIntegerField())).order_by("-code").values_list("pk")

    for place in places:
        parts.ask(city=place.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s", ['%"part_of_id" = ($1)%']
        )
        assert len(cursor.fetchall()) == 1


def test_models_are_those_of_django_with_what_is_selected_along(places: tuple[Place, Place]) -> None:
    city, district = places
    for code in ("b", "a", "c"):
        Organization.objects.create(code=code, kind="centre", zh=code, place=district)
    numbers = list(Organization.objects.exclude(code="c").values_list("pk", flat=True))

    @Prepared
    def houses():
        return Organization.objects.filter(among("id", "rows")).select_related("place__part_of").order_by("code")

    found = houses.models(rows=numbers)
    assert found == list(Organization.objects.filter(pk__in=numbers).order_by("code"))
    assert [vars(one)["keys"] for one in found] == [one.keys for one in Organization.objects.filter(pk__in=numbers)]
    with CaptureQueriesContext(connection) as asked:
        assert {one.place.part_of for one in found} == {city}
    assert len(asked) == 0
    assert houses.models(rows=[]) == []


def test_part_of_another_question_finds_the_same_rows(places: tuple[Place, Place]) -> None:
    city, district = places
    Organization.objects.create(code="a", kind="centre", zh="甲", place=district)

    @Prepared
    def parts():
        return Place.objects.filter(part_of=Told("city", BigIntegerField())).values("pk")

    assert Organization.objects.filter(place__in=parts.inside(city=city.pk)).count() == 1
    assert Organization.objects.filter(place__in=parts.inside(city=district.pk)).count() == 0
    assert Organization.objects.exclude(place__in=parts.inside(city=city.pk)).count() == 0


def test_log_of_statements_shows_the_values(places: tuple[Place, Place]) -> None:
    @Prepared
    def parts():
        return Place.objects.filter(part_of=Told("city", BigIntegerField())).values_list("pk")

    with CaptureQueriesContext(connection) as asked:
        parts.ask(city=4711)
    assert "4711" in asked[0]["sql"]


def test_percent_sign_lives_through_a_question_inside_another(places: tuple[Place, Place]) -> None:
    _city, district = places
    Organization.objects.create(code="a", kind="centre", zh="甲", place=district)

    @Prepared
    def named():
        return Place.objects.annotate(word=Value("演示区 100%", CharField())).filter(zh=F("word")).values("pk")

    @Prepared
    def houses():
        found = Organization.objects.filter(place__in=named.inside(), kind=Told("kind", CharField()))
        return found.annotate(word=Value("50%", CharField())).values_list("code", "word")

    assert houses.ask(kind="centre") == [("a", "50%")]


def test_a_row_is_written_as_django_writes_it(places: tuple[Place, Place]) -> None:
    """With what the database fills in, and what is JSON; small and large numbers need one plan."""
    prepared._INSERTS.clear()
    ids = []
    for number in (1, 70_000, 5_000_000_000):
        event = AuditEvent(
            at=AT, by_id="system:x", by_name="演示", action="x", subject_type="x", subject_id=number,
            organization_id=None, detail={"n": number, "words": "100%"},
        )  # fmt: skip
        prepared.insert(event)
        ids.append(event.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ['INSERT INTO "base_auditevent"%']
        )
        (plans,) = cursor.fetchone()

    rows = list(AuditEvent.objects.filter(pk__in=ids).order_by("pk"))
    assert [row.pk for row in rows] == ids
    assert [(row.subject_id, row.detail["n"], row.at) for row in rows] == [
        (n, n, AT) for n in (1, 70_000, 5_000_000_000)
    ]
    assert not event._state.adding
    assert plans == 1


def test_rows_of_a_statement_are_models_with_what_it_returns_besides(places: tuple[Place, Place]) -> None:
    city, district = places
    text = "SELECT length(code) AS digits, place.* FROM institutions_place place WHERE id = ANY(%(ids)s) ORDER BY id"

    found = prepared.rows_of(Place, text, {"ids": [city.pk, district.pk]})

    assert found == [city, district]
    assert [(one.zh, one.part_of_id, one.digits) for one in found] == [
        ("演示市", None, 4), ("演示区 100%", city.pk, 6)
    ]  # fmt: skip
    assert prepared.rows_of(Place, text, {"ids": []}) == []


def test_what_a_question_works_out_comes_with_its_models(places: tuple[Place, Place]) -> None:
    @Prepared
    def parts():
        found = Place.objects.filter(part_of=Told("city", BigIntegerField())).select_related("part_of")
        return found.annotate(word=Value("x", CharField()))

    (one,) = parts.models(city=places[0].pk)

    assert (one.code, one.part_of, one.word) == ("440402", places[0], "x")
