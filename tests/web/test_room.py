"""A disk that is nearly full takes no forms, and says so; what is full all the same is told apart from other errors."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from psycopg.errors import DiskFull

from kangqiao.config.room import failed, is_full
from kangqiao.domain.accounts.models import Role
from tests.access_matrix.world import Side, two_sides

SAID = "服务器的磁盘满了，这次提交没有保存"
MORE_THAN_ANY_DISK_MB = 10**12


@pytest.fixture
def side(db: None) -> Side:
    """One city."""
    return two_sides()[0]


def test_form_is_refused_and_pages_open_while_there_is_little_room(side: Side, settings: Any) -> None:
    settings.ROOM_MB = MORE_THAN_ANY_DISK_MB
    client = Client()
    client.force_login(side.users[Role.GUIDANCE_OFFICE])

    whole, part = (client.post("/agreements/new/", headers=more) for more in ({}, {"HX-Request": "true"}))
    page, door = client.get("/agreements/"), Client().post("/sign-in/", {"username": "nobody"})

    assert (whole.status_code, part.status_code, whole.headers["Retry-After"]) == (503, 503, "60")
    assert SAID in whole.content.decode()
    assert part.headers["HX-Retarget"] == "#problem"
    assert (page.status_code, door.status_code) == (200, 422)


def wrapped() -> Exception:
    """The database's error as Django raises it."""
    try:
        try:
            raise DiskFull("could not extend file")
        except DiskFull as error:
            raise OperationalError("could not extend file") from error
    except OperationalError as error:
        return error


@pytest.mark.parametrize(
    ("error", "is_disk"),
    [
        (wrapped(), True), (OSError(errno.ENOSPC, "no space"), True), (OSError(errno.EDQUOT, "quota"), True),
        (OSError(errno.EACCES, "not allowed"), False), (OperationalError("gone"), False), (None, False),
    ],
)  # fmt: skip
def test_full_disk_is_told_apart(error: Exception | None, is_disk: bool) -> None:
    assert is_full(error) is is_disk


@pytest.mark.parametrize(("raised", "status"), [(wrapped, 503), (lambda: ValueError("else"), 500)])
def test_page_of_an_unforeseen_error_says_when_it_was_the_disk(
    rf: RequestFactory, raised: Callable[[], Exception], status: int
) -> None:
    try:
        raise raised()
    except (OperationalError, ValueError):
        answer = failed(rf.get("/"))

    assert answer.status_code == status
    assert (SAID in answer.content.decode()) is (status == 503)
