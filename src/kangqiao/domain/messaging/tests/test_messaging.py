"""Telling, and reading what was told."""

from datetime import timedelta

import pytest
from django.test import Client

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital
from kangqiao.domain.messaging import actions, queries
from kangqiao.domain.messaging.models import Notice
from kangqiao.kernel.errors import NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def _tell(to: Organization, cause: str, role: str = "gp", hours: int = 0, url: str = "/roster/") -> Notice | None:
    return actions.notify(
        cause=cause, kind="shortfall", subject=f"缺口 {cause}", url=url, organization_id=to.pk, role=role,
        clause="ZH-4.1a", by=TESTER, at=NOW + hours * HOUR,
    )  # fmt: skip


def test_the_same_cause_is_told_once() -> None:
    own = centre()

    assert _tell(own, "c1") is not None
    assert _tell(own, "c1") is None
    assert Notice.objects.count() == 1


def test_a_notice_reaches_its_role_its_organisation_or_its_person_and_nobody_else() -> None:
    own, other = centre(), hospital()
    who = user("who")
    _tell(own, "role")
    _tell(own, "all", role="")
    actions.notify(cause="me", kind="answer", subject="给您", user_id=who.pk, by=TESTER, at=NOW)
    actions.notify(
        cause="me here", kind="answer", subject="给您", user_id=who.pk, organization_id=own.pk, by=TESTER, at=NOW
    )

    def told(role: str, where: Organization, person: User | None = None) -> set[str]:
        return {notice.cause for notice in queries.inbox(seat(role, where, person))}

    assert told("gp", own, who) == {"role", "all", "me", "me here"}
    assert told("gp", own) == {"role", "all"}
    assert told("centre_manager", own) == {"all"}
    assert told("gp", other) == set()


def test_a_notice_without_addressee_is_refused() -> None:
    with pytest.raises(RuleBroken):
        actions.notify(cause="c", kind="k", subject="s", by=TESTER, at=NOW)


def test_unread_come_first_and_then_the_latest() -> None:
    own = centre()
    for number in range(3):
        _tell(own, f"c{number}", hours=number)
    gp = seat("gp", own)
    latest = queries.inbox(gp)[0]

    actions.mark_read(notice_id=latest.pk, seat=gp, by=gp.actor, at=NOW)

    assert [notice.cause for notice in queries.inbox(gp)] == ["c1", "c0", "c2"]
    assert queries.unread_count(gp) == 2


def test_the_first_reader_is_kept_and_only_the_addressee_reads() -> None:
    own = centre()
    notice = _tell(own, "c")
    assert notice is not None
    first, second = seat("gp", own, user("first")), seat("gp", own, user("second"))

    for reader in (first, second):
        actions.mark_read(notice_id=notice.pk, seat=reader, by=reader.actor, at=NOW)
    stranger = seat("gp", hospital())
    with pytest.raises(NotVisible):
        actions.mark_read(notice_id=notice.pk, seat=stranger, by=stranger.actor, at=NOW)

    assert Notice.objects.get().read_by == "first"


def test_the_inbox_opens_a_notice_as_read_and_leads_to_its_page(client: Client) -> None:
    own = centre()
    notice, abroad = _tell(own, "here"), _tell(own, "abroad", url="//elsewhere.example/")
    assert notice is not None
    assert abroad is not None
    gp = seat("gp", own)
    client.force_login(User.objects.get(pk=gp.user_id))

    page = client.get("/notices/").content.decode()
    opened = client.post(f"/notices/{notice.pk}/")
    elsewhere = client.post(f"/notices/{abroad.pk}/")

    assert "缺口 here" in page
    assert "ZH-4.1a" in page
    assert opened.headers["Location"] == "/roster/"
    assert elsewhere.headers["Location"] == "/notices/"
    assert queries.unread_count(gp) == 0


def test_a_notice_of_others_cannot_be_opened_and_strangers_sign_in_first(client: Client) -> None:
    notice = _tell(centre(), "c")
    assert notice is not None
    client.force_login(User.objects.get(pk=seat("gp", hospital()).user_id))

    assert client.post(f"/notices/{notice.pk}/").status_code == 404
    assert client.get(f"/notices/{notice.pk}/").status_code == 405
    assert Client().get("/notices/").headers["Location"].startswith("/sign-in/")


def test_all_are_marked_read_at_once_for_the_own_seat_only(client: Client) -> None:
    own, other = centre(), hospital()
    _tell(own, "a")
    _tell(own, "b")
    _tell(other, "c")
    client.force_login(User.objects.get(pk=seat("gp", own).user_id))

    client.post("/notices/read/")

    assert list(Notice.objects.filter(read_at__isnull=True).values_list("cause", flat=True)) == ["c"]


def test_a_resident_reads_their_inbox_in_the_resident_frame(client: Client) -> None:
    own = centre()
    client.force_login(User.objects.get(pk=seat("resident", own).user_id))

    page = client.get("/notices/").content.decode()

    assert "没有消息" in page
    assert 'class="app"' in page
