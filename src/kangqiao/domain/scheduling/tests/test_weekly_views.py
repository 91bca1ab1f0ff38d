"""The pages of a hospital's week and of its calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client

from kangqiao.base.idempotency import FIELD
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.scheduling.models import CalendarDay, ClinicTemplate, Session
from kangqiao.domain.scheduling.tests.factories import Cast, cast, organization
from kangqiao.domain.scheduling.tests.test_weekly import AT, book, opened, template

pytestmark = pytest.mark.django_db
FORM = {
    "specialty": "", "weekday": "4", "room": "305", "starts": "09:00", "ends": "11:00", "slot_minutes": "30",
    "capacity": "1", "walk_in_percent": "0", "since": "2026-09-18", "last_day": "",
}  # fmt: skip


@pytest.fixture
def people() -> Cast:
    """Hospital, centre, two cardiologists."""
    return cast(AT)


@pytest.fixture
def desk(people: Cast, client: Client) -> Client:
    """The desk of the hospital at its screen."""
    seat = people.staff(Role.REFERRAL_DESK, people.hospital)
    client.force_login(User.objects.get(pk=seat.user_id))
    return client


@pytest.fixture(autouse=True)
def _then():
    with time_machine.travel(AT, tick=False):
        yield


def form(people: Cast, key: str = "k1", **changes: str) -> dict[str, str]:
    return FORM | {"practitioner": str(people.expert.pk), FIELD: key} | changes


def test_a_template_is_written_looked_at_and_opened(people: Cast, desk: Client) -> None:
    house = people.hospital.pk
    assert "还没有出诊模板" in desk.get(f"/slots/templates/at/{house}/").content.decode()

    assert desk.post(f"/slots/templates/at/{house}/new/", form(people)).status_code == 302
    preview = desk.get(f"/slots/templates/at/{house}/opening/").content.decode()
    assert "国庆节" in preview
    assert "3 场门诊，12 个号" in preview
    assert (
        desk.post(f"/slots/templates/at/{house}/opening/", {"weeks": "4", "seen": "3", FIELD: "k2"}).status_code == 302
    )

    assert Session.objects.filter(room="305").count() == 3
    assert "沈青黛" in desk.get(f"/slots/templates/at/{house}/").content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slot_minutes": "0"}, "slot_minutes"),
        ({"ends": "08:00"}, "结束时间不在开始时间之后"),
        ({"capacity": "0"}, "capacity"),
        ({"capacity": "500"}, "每个时段要有1到20个号"),
        ({"last_day": "2026-09-01"}, "最后一天早于第一天"),
        ({"since": "2026-02-30"}, "since"),
        ({"since": "2026-09-01"}, "第一天已经过去"),
        ({"since": "0001-01-01"}, "这一天不在日历里"),
        ({"practitioner": "999999"}, "practitioner"),
    ],
)
def test_bad_words_are_said_beside_what_was_typed(
    people: Cast, desk: Client, changes: dict[str, str], said: str
) -> None:
    answer = desk.post(f"/slots/templates/at/{people.hospital.pk}/new/", form(people, **changes))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert (said in page) if not said.isascii() else f'id="id_{said}_error"' in page
    assert 'value="305"' in page
    assert not ClinicTemplate.objects.exists()


def test_a_change_is_looked_at_before_it_is_made(people: Cast, desk: Client) -> None:
    kept = template(people)
    first, *_rest = opened(people)
    book(people, first)
    address = f"/slots/templates/{kept.pk}/"

    look = desk.post(address, form(people, capacity="2")).content.decode()
    assert "有人约，不动" in look
    assert ClinicTemplate.objects.get().capacity == 1
    assert desk.post(address, form(people, "k2", capacity="2", seen="3")).status_code == 302

    assert ClinicTemplate.objects.get().capacity == 2
    assert Session.objects.get(pk=first.pk).status == "open"


def test_a_change_that_meanwhile_touches_others_is_looked_at_again(people: Cast, desk: Client) -> None:
    kept = template(people)
    opened(people)

    answer = desk.post(f"/slots/templates/{kept.pk}/", form(people, capacity="2", seen="1"))

    assert answer.status_code == 422
    assert "现在有3场不一样" in answer.content.decode()


def test_an_exception_with_people_leads_to_calling_off(people: Cast, desk: Client) -> None:
    kept = template(people)
    first, *_rest = opened(people)
    book(people, first)
    address = f"/slots/templates/{kept.pk}/except/"

    answer = desk.post(address, {"day": "2026-09-24", "reason": "开会", FIELD: "k1"})
    wrong = desk.post(address, {"day": "2026-02-30", "reason": "开会", FIELD: "k2"})

    assert answer.headers["Location"] == f"/slots/sessions/{first.pk}/withdraw/"
    assert wrong.status_code == 422


def test_a_named_day_shows_who_is_booked_on_it(people: Cast, desk: Client) -> None:
    template(people)
    first, *_rest = opened(people)
    book(people, first)
    given = {"first": "2026-09-24", "last": "", "counts": "closed", "reason": "院庆", FIELD: "k1"}

    answer = desk.post("/slots/calendar/", given)
    day = desk.get(answer.headers["Location"]).content.decode()

    assert "还有 1 场门诊开着，约了 1 人" in day
    assert f"/slots/sessions/{first.pk}/withdraw/" in day
    assert "还有 1 场门诊没停" in desk.get(f"/slots/templates/at/{people.hospital.pk}/").content.decode()
    assert desk.get("/slots/calendar/day/?day=2026-02-30").status_code == 404
    assert desk.get("/slots/calendar/day/?day=2026-09-24").status_code == 200


def test_a_year_nobody_announced_says_so(people: Cast, desk: Client) -> None:
    known, unknown = (desk.get(f"/slots/calendar/?year={year}").content.decode() for year in (2026, 2027))

    assert "还没有公布" not in known
    assert "春节" in known
    assert "2027 年的放假和调休安排还没有公布" in unknown
    assert "春节" not in unknown
    assert desk.get("/slots/calendar/?year=0").status_code == 200


def test_a_bureau_names_days_for_every_hospital_of_its_place(people: Cast, client: Client) -> None:
    bureau = organization("b1", "bureau", "演示区卫生局", people.hospital.place)
    client.force_login(User.objects.get(pk=people.staff(Role.BUREAU_OFFICER, bureau).user_id))
    template(people)
    first, *_rest = opened(people)
    given = {"first": "2026-09-24", "last": "", "counts": "closed", "reason": "台风", FIELD: "k1"}

    day = client.get(client.post("/slots/calendar/", given).headers["Location"]).content.decode()

    assert CalendarDay.objects.get().place == people.hospital.place
    assert "沈青黛" in day
    assert f"/slots/sessions/{first.pk}/withdraw/" not in day
    answer = client.post("/slots/calendar/day/", {"step": "call_off", "day": "2026-09-24", FIELD: "k2"})
    assert answer.status_code == 422
    assert Session.objects.get(pk=first.pk).status == "open"
    assert CalendarDay.objects.get().day == date(2026, 9, 24)


def test_a_day_no_page_shows_is_not_named(desk: Client) -> None:
    given = {"first": "2100-12-31", "last": "2101-01-01", "counts": "closed", "reason": "院庆", FIELD: "k1"}

    assert desk.post("/slots/calendar/", given).status_code == 422
    assert desk.post("/slots/calendar/", given | {"first": "2101-01-01", "last": "", FIELD: "k2"}).status_code == 422
    assert not CalendarDay.objects.exists()


def test_a_year_of_many_closed_days_is_a_light_page(people: Cast, desk: Client) -> None:
    weekends = [day for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365)) if day.isoweekday() > 5]
    CalendarDay.objects.bulk_create(
        CalendarDay(organization=people.hospital, day=day, reason="周末不开门诊", set_by="演示", set_at=AT)
        for day in weekends
    )

    answer = desk.get("/slots/calendar/?year=2026", headers={"HX-Request": "true"})
    page = answer.content.decode()

    assert len(answer.content) < 29 * 1024
    assert '<a href="day/?day=20260919" class="off">19<sup>休</sup></a>' in page
    assert '<a href="day/?day=20260917">17</a>' in page
    assert "09-19–09-20" in page
    assert desk.get("/slots/calendar/day/?day=20260919").status_code == 200
