"""The sign-in page and the switches."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.tests.factories import centre, hospital

pytestmark = pytest.mark.django_db
NOTICES = "/notices/"


def test_signing_in_leads_back_to_the_page_wanted_with_a_new_session(client: Client) -> None:
    seat("resident", centre(), user("gp-1", "bamboo-rain", is_demo=False))
    asked = client.get(NOTICES)
    client.cookies["sessionid"] = "planted-by-somebody"

    answer = client.post("/sign-in/", {"username": "gp-1", "password": "bamboo-rain", "next": NOTICES})

    assert asked.headers["Location"] == "/sign-in/?next=%2Fnotices%2F"
    assert answer.headers["Location"] == NOTICES
    assert client.cookies["sessionid"].value != "planted-by-somebody"
    assert client.get(NOTICES).status_code == 200


def test_a_wrong_password_and_an_unknown_name_show_the_same_page(client: Client) -> None:
    seat("resident", centre(), user("gp-1", "bamboo-rain", is_demo=False))

    pages = [client.post("/sign-in/", {"username": name, "password": "wrong"}) for name in ("gp-1", "gp-9")]

    assert [page.status_code for page in pages] == [422, 422]
    texts = [page.content.decode().replace("gp-9", "gp-1") for page in pages]
    said = [text[text.index('role="alert"') : text.index("</ul>", text.index('role="alert"'))] for text in texts]
    assert said[0] == said[1]
    assert "登录名或密码不对" in said[0]
    assert client.get(NOTICES).status_code == 302


@pytest.mark.parametrize("wanted", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client: Client, wanted: str) -> None:
    seat("resident", centre(), user("gp-1", "bamboo-rain", is_demo=False))

    answer = client.post("/sign-in/", {"username": "gp-1", "password": "bamboo-rain", "next": wanted})

    assert answer.headers["Location"] == "/"


def test_the_demonstration_lists_invented_people_by_role_with_one_click(client: Client, settings: Settings) -> None:
    settings.DEMO = "zhuhai"
    invented = seat("gp", centre(), user("gp-1", name="周玉竹"))
    seat("expert", hospital(), user("real", name="真名医生", is_demo=False))

    page = client.get("/sign-in/").content.decode()
    answer = client.post("/sign-in/demo/", {"seat": invented.membership_id})

    assert "周玉竹" in page
    assert "演示" in page
    assert "真名医生" not in page
    assert answer.status_code == 302
    assert client.get(NOTICES).status_code == 200


def test_outside_a_demonstration_there_is_no_list_and_no_click(client: Client, settings: Settings) -> None:
    settings.DEMO = "none"
    invented = seat("gp", centre(), user("gp-1", name="周玉竹"))

    assert "周玉竹" not in client.get("/sign-in/").content.decode()
    assert client.post("/sign-in/demo/", {"seat": invented.membership_id}).status_code == 404


def test_a_real_account_cannot_be_clicked_into(client: Client, settings: Settings) -> None:
    settings.DEMO = "zhuhai"
    real = seat("gp", centre(), user("real", is_demo=False))

    assert client.post("/sign-in/demo/", {"seat": real.membership_id}).status_code == 404
    assert client.post("/sign-in/demo/", {"seat": "x"}).status_code == 404


def test_one_click_needs_the_page_it_stands_on(settings: Settings) -> None:
    settings.DEMO = "zhuhai"
    invented = seat("gp", centre(), user("gp-1"))

    answer = Client(enforce_csrf_checks=True).post("/sign-in/demo/", {"seat": invented.membership_id})

    assert answer.status_code == 403


def test_switching_takes_only_an_own_seat(client: Client) -> None:
    who, own, other = user("both"), centre(), hospital()
    seat("gp", own, who)
    second, foreign = seat("expert", other, who), seat("hospital_director", other)
    client.force_login(who)

    refused = client.post("/seat/", {"seat": foreign.membership_id})
    client.post("/seat/", {"seat": second.membership_id})

    assert refused.status_code == 404
    assert client.session["membership"] == second.membership_id


def test_signing_out_ends_the_session(client: Client) -> None:
    who = user("gp-1")
    seat("gp", centre(), who)
    client.force_login(who)

    answer = client.post("/sign-out/")

    assert answer.headers["Location"] == "/sign-in/"
    assert client.get(NOTICES).status_code == 302


def test_language_and_size_are_kept_with_the_account_and_the_browser(client: Client) -> None:
    who = user("gp-1")
    seat("gp", centre(), who)
    client.force_login(who)

    client.post("/language/", {"language": "en", "next": NOTICES})
    client.post("/mode/", {"size": "elder-150", "has_contrast": "on", "has_single_keys": "on"})
    client.post("/language/", {"language": "xx"})

    kept = User.objects.get(pk=who.pk)
    assert (kept.language, kept.display) == ("en", "elder-150.contrast")
    assert client.cookies["kq-language"].value == "en"
    assert client.cookies["kq_mode"].value == "elder-150.contrast"


def test_a_browser_that_changes_hands_does_not_keep_the_seat(client: Client, settings: Settings) -> None:
    settings.DEMO, settings.DEMO_WITHOUT_SECOND_FACTOR = "zhuhai", True
    who = user("both", "bamboo-rain")
    seat("gp", centre(), who)
    second = seat("expert", hospital(), who)
    client.post("/sign-in/demo/", {"seat": second.membership_id})

    client.post("/sign-in/", {"username": "both", "password": "bamboo-rain"})

    assert "membership" not in client.session
