"""The search page."""

import pytest
from django.test import Client

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.tests.factories import seat
from kangqiao.domain.institutions.tests.factories import centre
from kangqiao.domain.residents.tests.factories import resident

pytestmark = pytest.mark.django_db


def _sign_in(client: Client, user_id: int) -> None:
    client.force_login(User.objects.get(pk=user_id))


def test_a_gp_finds_a_resident_with_masked_id_and_demo_mark(client: Client) -> None:
    own = centre()
    row = resident(own, identifier="47040419640305121X")
    _sign_in(client, seat("gp", own).user_id)

    page = client.get("/residents/", {"q": "ljz"}).content.decode()

    assert f"/residents/{row.pk}/" in page
    assert "演示" in page
    assert "47040419640305121X" not in page


def test_nobody_and_somebody_out_of_reach_read_the_same(client: Client) -> None:
    own, other = centre("a"), centre("b")
    resident(other, "林惊蛰")
    _sign_in(client, seat("gp", own).user_id)

    pages = [client.get("/residents/", {"q": name}).content.decode() for name in ("林惊蛰", "林惊热")]

    found = [page[page.index('id="found"') : page.index("</main>")] for page in pages]
    assert "未找到，或不在您的服务范围" in found[0]
    assert found[0] == found[1]


@pytest.mark.parametrize("role", ["resident", "bureau_officer", "finance_officer", "dispatcher", "insurer"])
def test_who_does_not_treat_may_not_search(client: Client, role: str) -> None:
    _sign_in(client, seat(role, centre()).user_id)

    assert client.get("/residents/").status_code == 403


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/residents/").headers["Location"].startswith("/sign-in/")
