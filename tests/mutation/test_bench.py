"""A flip that is put in place is seen by everybody who holds what it is about; the source as it is changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from kangqiao.kernel.errors import Denied
from tests.mutation.bench import NoStart, put_in

SOURCE = """
from django.http import HttpResponse
from django.views.decorators.http import require_safe
from kangqiao.base.access import access

ROLES = ("gp", "expert")

def may(role):
    return role in ROLES

class Seat:
    @property
    def treats(self):
        return True

@require_safe
@access("role", roles=ROLES)
def page(request):
    return HttpResponse("page")
"""


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("kangqiao.policy_of_a_test")
    exec(SOURCE, made.__dict__)
    copier = ModuleType("kangqiao.copier_of_a_test")
    copier.ROLES = made.ROLES  # type: ignore[attr-defined]
    for one in (made, copier):
        monkeypatch.setitem(sys.modules, one.__name__, one)
    return made


def _put_in(policy: ModuleType, old: str = "", new: str = "") -> None:
    put_in(compile(SOURCE.replace(old, new) if old else SOURCE, "policy", "exec"), policy)


def _is_refused(page: Callable[[HttpRequest], object], role: str) -> bool:
    request = RequestFactory().get("/")
    request.seat = SimpleNamespace(role=role)  # type: ignore[attr-defined]
    try:
        page(request)
    except Denied:
        return True
    except AttributeError:
        pass  # let in: what comes next wants a whole seat
    return False


@pytest.mark.django_db
def test_a_flip_is_seen_by_everybody_who_holds_what_it_is_about(policy: ModuleType) -> None:
    may, page, seat = policy.may, policy.page, policy.Seat()

    _put_in(policy, '("gp", "expert")', '("gp",)')
    assert (may("gp"), may("expert")) == (True, False)
    assert sys.modules["kangqiao.copier_of_a_test"].ROLES == ("gp",)  # type: ignore[attr-defined]
    assert page.access.roles == {"gp"}
    assert (_is_refused(page, "gp"), _is_refused(page, "expert")) == (False, True)

    _put_in(policy, "return True", "return False")
    assert seat.treats is False

    _put_in(policy, '"role", roles=ROLES', '"signed_in"')
    assert page.access.admits("insurer")

    _put_in(policy)
    assert (may("expert"), seat.treats, page.access.admits("insurer")) == (True, True, False)
    assert policy.page is page


def test_a_source_nobody_can_start_with_is_told_apart(policy: ModuleType) -> None:
    with pytest.raises(NoStart):
        _put_in(policy, "roles=ROLES", "roles=()")
