"""Sessions of the product behave as Django's own do."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DjangoSessions
from django.contrib.sessions.models import Session
from django.utils import timezone

from kangqiao.base.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    store = SessionStore()
    store["seat"] = 7
    store.create()
    return str(store.session_key)


def test_what_was_kept_is_read_by_both(key: str) -> None:
    changed = SessionStore(key)
    changed["seat"] = 8
    changed["新"] = "演示"
    changed.save()

    for kind in (SessionStore, DjangoSessions):
        assert dict(kind(key).items()) == {"seat": 8, "新": "演示"}
    assert Session.objects.count() == 1


def test_session_that_is_over_is_none_and_loses_its_key(key: str) -> None:
    Session.objects.update(expire_date=timezone.now())
    late, unknown = SessionStore(key), SessionStore("unknown-session-key")

    assert dict(late.items()) == {}
    assert late.session_key is None
    assert dict(unknown.items()) == {}
    assert unknown.session_key is None


def test_session_ended_meanwhile_is_not_brought_back(key: str) -> None:
    open_page = SessionStore(key)
    open_page["seat"] = 9
    SessionStore(key).delete()

    with pytest.raises(UpdateError):
        open_page.save()
    assert not Session.objects.exists()


def test_new_session_gets_a_key_of_its_own() -> None:
    store = SessionStore()
    store["seat"] = 7
    store.save()

    assert store.session_key
    assert dict(SessionStore(store.session_key).items()) == {"seat": 7}


def test_cookie_that_can_be_no_key_is_a_new_visitor() -> None:
    store = SessionStore("abcdefgh\x00x")

    assert store.session_key is None
    assert dict(store.items()) == {}
