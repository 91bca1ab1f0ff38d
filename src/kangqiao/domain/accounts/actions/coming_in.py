"""Proving who one is: with a password, through a single sign-on service, or with a click in a demonstration."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import authenticate
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.actions.braking import count_attempt, count_second, note_failure, note_success
from kangqiao.domain.accounts.models import OutsideIdentity, User
from kangqiao.domain.accounts.queries import NO_PAGE, current_memberships, demo_person
from kangqiao.kernel.errors import NotVisible, RuleBroken


# no actor: nobody is known yet; the refusal and the entry are written by the system or the person found
def sign_in(*, username: str, password: str, demo: str, address: str | None = None, at: datetime) -> User:
    """A person proves with a password who they are; a second factor may be asked for next.

    A wrong password, an unknown name and a closed account get the same sentence after the same time, so that nobody
    learns which names exist. Invented people, whose password is published, may sign in only where `demo` (the site's
    setting) shows them. Raises RuleBroken, or TooOften after too many failures; the refusal is written down without
    the typed name, which may be a password.
    """
    counted = count_attempt(username=username, address=address, at=at)
    found = authenticate(username=username, password=password)
    if not isinstance(found, User) or (found.is_demo and demo == "none"):
        note_failure(counted=counted, at=at)
        record("accounts.refuse_sign_in", User(), by=Actor.system("sign-in"), at=at, why="password")
        raise RuleBroken(_("登录名或密码不对。"), next_step=_("请再试一次；忘了密码请联系本机构管理员。"))
    note_success(counted=counted, at=at)
    return _proven(found, at, "password")


# no actor: nobody is known yet
def sign_in_as_demo(*, user_id: int, demo: str, at: datetime) -> User:
    """A visitor steps into an invented person; exists only where a demonstration region is shown.

    `demo` is the site's setting. Raises NotVisible outside the demonstration and for every real account.
    """
    found = demo_person(user_id) if demo != "none" else None
    if found is None:
        raise NotVisible(str(NO_PAGE))
    return _proven(found, at, "demo")


# no actor: nobody is known yet
def sign_in_by_subject(*, issuer: str, subject: str, at: datetime) -> User:
    """A person whom a single sign-on service has verified comes in, if this id is bound to an account.

    Names and e-mail addresses bind nobody. Raises RuleBroken for an id that is not bound and for a closed account.
    """
    bound = OutsideIdentity.objects.select_related("user").filter(issuer=issuer, subject=subject).first()
    if bound is None or not bound.user.is_active:
        record("accounts.refuse_sign_in", User(), by=Actor.system("sign-in"), at=at, why="subject")
        raise RuleBroken(
            _("单点登录认得您，但这个身份还没有绑定康桥账号。"),
            next_step=_("请先用登录名和密码登录一次，在“我的登录”里绑定。"),
        )
    return _proven(bound.user, at, "sso")


# no actor: the person is known by a first proof and proves it again
def prove_password(*, user: User, password: str, at: datetime) -> None:
    """A person who is in proves once more who they are. Raises RuleBroken, TooOften."""
    counted = count_second(user=user, at=at)
    who = Actor(f"user:{user.pk}", user.name)
    if not user.check_password(password):
        note_failure(counted=counted, at=at)
        record("accounts.refuse_proof", user, by=who, at=at, way="password")
        raise RuleBroken(_("密码不对。"), next_step=_("请再试一次。"))
    note_success(counted=counted, at=at)
    record("accounts.prove", user, by=who, at=at, way="password")


def _proven(user: User, at: datetime, way: str) -> User:
    if not current_memberships(user, localtime(at).date()):
        raise RuleBroken(_("这个账号现在没有岗位。"), next_step=_("请联系本机构管理员。"))
    record("accounts.sign_in", user, by=Actor(f"user:{user.pk}", user.name), at=at, way=way)
    return user
