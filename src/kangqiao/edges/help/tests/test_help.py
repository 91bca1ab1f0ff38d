"""Help, the tours, and what makes the portal installable."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from kangqiao.base.pages import Display
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.tests.factories import centre
from kangqiao.edges.help.tours import PLACES, tour_of
from kangqiao.edges.home.rail import RAILS

HANZI = re.compile("[\u4e00-\u9fff]")


def test_every_place_of_every_rail_is_told_about() -> None:
    assert {entry.url_name for rail in RAILS.values() for entry in rail} == set(PLACES)


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_a_tour_tells_each_place_of_the_rail_in_its_order_and_in_english_too(role: Role) -> None:
    with translation.override("en"):
        stops = tour_of(role)

    places = [reverse(entry.url_name) for entry in RAILS[role]]
    assert [stop["at"] for stop in stops if "a:not(.brand)" in stop["at"]] == [
        f'{".app-bar" if role == Role.RESIDENT else ".rail"} a:not(.brand)[href="{place}"]' for place in places
    ]
    assert all(stop["title"] and stop["text"] for stop in stops)
    assert [stop for stop in stops if HANZI.search(stop["title"] + stop["text"])] == []


@pytest.mark.django_db
def test_the_tour_is_for_somebody_signed_in(client: Client) -> None:
    who = seat("gp", centre())

    refused = client.get("/help/tour/")
    client.force_login(User.objects.get(pk=who.user_id))
    told = client.get("/help/tour/").json()

    assert refused.headers["Location"].startswith("/sign-in/")
    assert told["stops"] == tour_of("gp")


@pytest.mark.django_db
@pytest.mark.parametrize("role", [None, "gp", "resident"])
@pytest.mark.parametrize("address", ["/help/", "/accessibility/", "/mode/"])
def test_help_stands_in_the_readers_own_frame(client: Client, role: str | None, address: str) -> None:
    if role:
        client.force_login(User.objects.get(pk=seat(role, centre()).user_id))

    page = client.get(address).content.decode()

    assert ('class="rail"' in page) == (role == "gp")
    assert ('class="app-bar"' in page) == (role == "resident")
    assert 'class="help-at"' in page


@pytest.mark.django_db
def test_the_app_is_described_and_its_worker_keeps_files_of_the_shell_alone(client: Client) -> None:
    told = client.get("/app.webmanifest")
    worker = client.get("/sw.js")
    script = worker.content.decode()

    assert told.headers["Content-Type"] == "application/manifest+json"
    assert told.json()["display"] == "standalone"
    assert {one["sizes"] for one in told.json()["icons"]} == {"192x192", "512x512"}
    assert worker.headers["Content-Type"].startswith("text/javascript")
    # Every path it keeps from the start is a file of the product, or the page for no network.
    shell = re.search(r"const SHELL = \[(.*)\];", script)
    assert shell is not None
    kept = re.findall(r'"(.*?)"', shell.group(1))
    assert len(kept) >= 4
    assert all(path.startswith("/static/") for path in kept)
    assert "OFFLINE" in shell.group(1)


@pytest.mark.django_db
def test_the_page_for_no_network_says_nothing_of_anybody(client: Client) -> None:
    who = seat("resident", centre())
    client.force_login(User.objects.get(pk=who.user_id))

    page = client.get("/offline/").content.decode()

    assert "没有网络" in page
    assert who.user_name not in page


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ("", Display()),
        ("plain", Display()),
        ("elder", Display(is_elder=True)),
        ("elder-200.contrast.nokeys", Display(True, 200, True, False)),
        ("elder-999.<b>", Display()),
        ("plain.contrast", Display(has_contrast=True)),
    ],
)
def test_a_display_is_read_as_it_is_written(text: str, display: Display) -> None:
    assert Display.read(text) == display
    assert Display.read(str(display)) == display
