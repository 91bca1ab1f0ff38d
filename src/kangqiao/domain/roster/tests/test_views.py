"""The pages: who may open them, what they answer, how a refusal looks."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
import time_machine
from django.urls import reverse
from procrastinate import JobContext
from procrastinate.contrib.django import app as procrastinate_app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.roster import actions, queries
from kangqiao.domain.roster.models import Activity, HalfDay, Posting, Roster
from kangqiao.domain.roster.tests.factories import (
    AT,
    MONDAY,
    SYSTEM,
    day,
    instant,
    make_network,
    staffed_network,
)
from kangqiao.edges.jobs import roster as jobs

pytestmark = pytest.mark.django_db
PAGES = ("roster-board", "roster-postings", "roster-attendance", "roster-mine", "roster-export")


@pytest.fixture(autouse=True)
def _frozen():
    with time_machine.travel(AT, tick=False):
        yield


def sign_in(client, network, role: Role, organization: str):
    seat = network.seat(role, organization)
    client.force_login(User.objects.get(pk=seat.user_id))
    return seat


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_sent_to_sign_in(client, name: str) -> None:
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert "sign-in" in response.url


@pytest.mark.parametrize(
    ("role", "organization", "open_pages"),
    [
        (Role.DISPATCHER, "集团", {"roster-board", "roster-postings", "roster-export"}),
        (Role.GUIDANCE_OFFICE, "市一", {"roster-board", "roster-postings", "roster-attendance", "roster-export"}),
        (Role.CENTRE_MANAGER, "香湾", {"roster-board", "roster-postings", "roster-attendance", "roster-export"}),
        (Role.EXPERT, "市一", {"roster-attendance", "roster-mine"}),
        (Role.RESIDENT, "香湾", set()),
        (Role.FINANCE_OFFICER, "卫健局", set()),
    ],
)
def test_each_role_opens_its_own_pages(client, role: Role, organization: str, open_pages: set[str]) -> None:
    network = staffed_network()
    sign_in(client, network, role, organization)

    answers = {name: client.get(reverse(name)).status_code for name in PAGES}

    assert answers == {name: 200 if name in open_pages else 403 for name in PAGES}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_board_shows_the_week_with_its_clause(client, language: str) -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)
    sign_in(client, network, Role.DISPATCHER, "集团")
    client.cookies["kq-language"] = language

    text = client.get(reverse("roster-board"), {"week": str(MONDAY)}).content.decode()

    assert "甲" in text
    assert "ZH-3.2.1a" in text
    assert ("发布排班" in text) is (language == "zh-hans")


def test_board_answers_htmx_with_the_part_alone(client) -> None:
    network = staffed_network()
    sign_in(client, network, Role.DISPATCHER, "集团")

    text = client.get(reverse("roster-board"), headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in text
    assert 'id="board"' in text


def context_of(job: ProcrastinateJob) -> JobContext:
    """What the worker hands to a job."""
    row = Job(id=job.pk, queue=job.queue_name, lock=None, queueing_lock=None, task_name=job.task_name)
    return JobContext(app=procrastinate_app, job=row, start_timestamp=0, abort_reason=lambda: None)


def test_planning_is_begun_once_and_done_in_the_background(client) -> None:
    network = staffed_network()
    sign_in(client, network, Role.DISPATCHER, "集团")
    form = {"starts_on": str(MONDAY), "weeks": 1}

    first = client.post(reverse("roster-plan"), form)
    going = client.get(first.url).content.decode()
    job = ProcrastinateJob.objects.get(task_name="roster.plan")
    begun_anew = [jobs.plan(context_of(job), **job.args) for _ in range(2)]

    assert first.status_code == 302
    assert "正在排班" in going
    assert Roster.objects.get().half_days.count() == 9
    assert begun_anew == [Roster.objects.get().pk, 0]
    assert job.args["by"]["organization"] == network.organizations["集团"].zh


@pytest.mark.parametrize("form", [{"starts_on": str(day(1)), "weeks": 1}, {"starts_on": "x", "weeks": 1}, {}])
def test_planning_a_bad_horizon_is_refused_at_once(client, form: dict[str, object]) -> None:
    network = staffed_network()
    sign_in(client, network, Role.DISPATCHER, "集团")

    assert client.post(reverse("roster-plan"), form).status_code == 422
    assert not ProcrastinateJob.objects.exists()


def test_publishing_twice_answers_409_and_a_resent_form_the_first_answer(client) -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    sign_in(client, network, Role.DISPATCHER, "集团")
    address = reverse("roster-publish", args=(row.roster_id,))

    answers = [client.post(address, {"idempotency_key": key}) for key in ("one", "one", "two")]

    assert [each.status_code for each in answers] == [302, 302, 409]
    assert queries.opened_in(row.roster_id) == 1


def test_only_the_dispatcher_publishes(client) -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    sign_in(client, network, Role.GUIDANCE_OFFICE, "市一")

    assert client.post(reverse("roster-publish", args=(row.roster_id,))).status_code == 403


def test_a_move_onto_a_clash_answers_422_with_the_reason(client) -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)
    row = network.sit("甲", "狮山", 1)
    sign_in(client, network, Role.DISPATCHER, "集团")
    target = f"{network.organizations['狮山'].pk}.{day(0)}.am"

    refused = client.post(reverse("roster-move", args=(row.pk,)), {"target": target}, headers={"HX-Request": "true"})
    moved = client.post(reverse("roster-move", args=(row.pk,)), {"target": target.replace("am", "pm")})

    assert refused.status_code == 422
    assert "不能同时在两处" in refused.content.decode()
    assert refused.headers["HX-Retarget"] == "#problem"
    assert moved.status_code == 302
    row.refresh_from_db()
    assert (row.day, row.half) == (day(0), "pm")


def test_a_move_is_taken_back_from_its_message(client) -> None:
    network = staffed_network()
    row = network.sit("甲", "狮山", 1)
    sign_in(client, network, Role.DISPATCHER, "集团")
    target = f"{network.organizations['狮山'].pk}.{day(0)}.pm"

    page = client.post(reverse("roster-move", args=(row.pk,)), {"target": target}, follow=True).content.decode()
    undo = re.search(r'action="(/roster/half-days/\d+/move/\?[^"]+)"', page)
    assert undo is not None
    client.post(undo[1].replace("&amp;", "&"), {"step": "undo"})

    was = (row.day, row.half)
    row.refresh_from_db()
    assert (row.day, row.half) == was


@pytest.mark.parametrize("target", ["", "x", "1.2026-05-18.night"])
def test_a_place_that_is_not_in_the_grid_is_refused(client, target: str) -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    sign_in(client, network, Role.DISPATCHER, "集团")

    assert client.post(reverse("roster-move", args=(row.pk,)), {"target": target}).status_code == 422


def test_adding_by_hand_and_cancelling_with_a_reason(client) -> None:
    network = staffed_network()
    sign_in(client, network, Role.DISPATCHER, "集团")
    form = {
        "target": f"{network.organizations['香湾'].pk}.{MONDAY}.am", "posting": network.postings["甲", "香湾"].pk,
    }  # fmt: skip

    assert client.post(reverse("roster-add"), form).status_code == 302
    row = HalfDay.objects.get()
    step = reverse("roster-step", args=(row.pk,))
    assert client.post(step, {"step": "cancel", "reason": ""}).status_code == 422
    assert client.post(step, {"step": "cancel", "reason": "专家开会"}).status_code == 302
    assert client.post(step, {"step": "explode"}).status_code == 422
    row.refresh_from_db()
    assert row.status == "cancelled"


def test_another_hospitals_half_day_is_not_there(client) -> None:
    network = staffed_network()
    row = network.sit("丙", "拱北", 0)
    sign_in(client, network, Role.GUIDANCE_OFFICE, "市一")

    assert client.post(reverse("roster-step", args=(row.pk,)), {"step": "confirm"}).status_code == 404


@pytest.mark.clause("SZ16-1c")
def test_nominating_someone_below_the_title_rule_says_why_beside_the_name(client) -> None:
    network = make_network()
    network.expert("主治", "市一", title_grade="attending")
    network.expert("副高", "市一")
    sign_in(client, network, Role.GUIDANCE_OFFICE, "市一")
    form = {"centre": network.organizations["香湾"].pk, "starts_on": "2026-06-01"}

    refused = client.post(reverse("roster-nominate"), {**form, "practitioner": network.experts["主治"].pk})
    named = client.post(reverse("roster-nominate"), {**form, "practitioner": network.experts["副高"].pk})

    assert refused.status_code == 422
    assert "没有达到派驻专家要求的职称" in refused.content.decode()
    assert named.status_code == 302
    posting = Posting.objects.get()
    for step, state in (("approve", "approved"), ("undo", "nominated"), ("approve", "approved"), ("post", "posted")):
        client.post(reverse("roster-posting-step", args=(posting.pk,)), {"step": step})
        posting.refresh_from_db()
        assert posting.status == state
    posting.refresh_from_db()
    assert posting.status == "posted"


def test_the_centre_attests_and_writes_down_the_work(client) -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    sign_in(client, network, Role.CENTRE_MANAGER, "香湾")
    page = f"{reverse('roster-attendance')}?week={MONDAY}"

    with time_machine.travel(instant(day(0), 12), tick=False):
        client.force_login(User.objects.get(username="centre_manager-香湾"))
        done = client.post(reverse("roster-step", args=(row.pk,)), {"step": "complete", "back": page})
        client.post(reverse("roster-record", args=(row.pk,)), {"kind": "clinic", "people": 12, "back": page})
        text = client.get(page).content.decode()
        elsewhere = client.post(
            reverse("roster-record", args=(row.pk,)), {"kind": "lecture", "people": 9, "back": "https://example.org/"}
        )

    assert done.url == page
    assert "门诊服务" in text
    assert "12 人" in text
    assert elsewhere.url == reverse("roster-attendance")
    assert Activity.objects.count() == 2


def test_export_holds_the_week_as_shown(client) -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)
    sign_in(client, network, Role.DISPATCHER, "集团")

    response = client.get(reverse("roster-export"), {"week": str(MONDAY)})
    rows = list(openpyxl.load_workbook(io.BytesIO(response.content)).active.values)

    assert rows[0][:3] == ("社区中心", "责任医院", "05-18 上午")
    (line,) = [row for row in rows if row[0] == "香湾"]
    assert line[2].startswith("甲")
    assert line[-2:] == ("1/3", "1/2")


def test_jobs_close_the_week_and_the_postings_that_are_over() -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)

    with time_machine.travel(instant(day(7), 2), tick=False):
        assert jobs.close_week(0) == 3
        assert jobs.close_week(0) == 0
        assert jobs.end_postings(0) == 0


@pytest.mark.parametrize("week", ["9999-12-31", "0001-01-01", "x"])
def test_a_week_without_neighbours_shows_the_present_one(client, week: str) -> None:
    sign_in(client, make_network(), Role.DISPATCHER, "集团")

    assert client.get(reverse("roster-board"), {"week": week}).context["board"].span.start == AT.date()


def test_the_board_opened_on_a_sunday_shows_the_coming_week(client) -> None:
    network = make_network()
    with time_machine.travel(instant(day(-1), 12), tick=False):
        sign_in(client, network, Role.DISPATCHER, "集团")

        assert client.get(reverse("roster-board")).context["board"].span.start == MONDAY
