"""Questions written once: the same rows as Django's own, other values each time, one text."""

import pytest
from django.db import connection
from django.db.models import BigIntegerField, CharField, F, Value
from django.test.utils import CaptureQueriesContext

from kangqiao.base import prepared
from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.domain.institutions.models import Organization, Place

pytestmark = pytest.mark.django_db


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
