"""A form sent twice has one effect: hidden one-time key, stored answer, replay."""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.models import IdempotencyKey
from kangqiao.base.prepared import change, insert
from kangqiao.kernel.errors import RuleBroken, Taken

View = TypeVar("View", bound=Callable[..., HttpResponse])
FIELD = "idempotency_key"
KEPT_FOR = timedelta(days=2)
LONGEST = 80  # the column's width: a longer key cut short could be another's


def new_key() -> str:
    """A fresh one-time key for a form."""
    return secrets.token_urlsafe(18)


def idempotent(view: View) -> View:
    """Runs a POST once per key and person, and answers a repeat with the first answer.

    The key comes from the hidden field `idempotency_key` or the header `Idempotency-Key`; a POST without one, or the
    same key with another body, raises RuleBroken. Key, effect and answer are one transaction, the request's own: a
    repeat that comes while the first runs waits for it and gets its answer, and when the first fails or is killed
    nothing of it stays and the repeat takes its place. A refused call (4xx) frees its key.
    """

    @functools.wraps(view)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        key = _key_of(request)
        by_id = _sender(request)
        mark = _fingerprint(request)
        with nullcontext() if connection.in_atomic_block else transaction.atomic():
            row = _taken(by_id, key, request.path, mark)
            if row is None:
                return _replay(IdempotencyKey.objects.get(by_id=by_id, key=key), mark)
            response = view(request, *args, **kwargs)
            if response.status_code >= 400:
                row.delete()
            else:
                _keep(row, response)
        return response

    once.idempotent = True  # type: ignore[attr-defined]
    return once  # type: ignore[return-value]


def _taken(by_id: str, key: str, path: str, mark: str) -> IdempotencyKey | None:
    """The key written down, or None if another call has it; waits for one that has not ended yet."""
    at = timezone.now()  # reads the clock: this layer around a view is an edge
    row = IdempotencyKey(key=key, by_id=by_id, path=path, fingerprint=mark, created_at=at)
    return row if insert(row, unless_there=True) else None


def is_first_run(job: str, *, at: datetime) -> bool:
    """Whether a named run of a job has no effect yet; says so once, in the transaction of that effect.

    A worker killed after the effect and before its job is noted as done leaves a job that is run again.
    """
    noted = {"path": "", "fingerprint": "", "created_at": at, "status_code": 200}
    _row, is_new = IdempotencyKey.objects.get_or_create(by_id="system:jobs", key=job, defaults=noted)
    return is_new


def forget_answers(*, at: datetime) -> int:
    """Answers older than two days go: they may hold a page about a person, and no browser repeats a form so late.

    A form whose key is forgotten still meets the states and constraints of what it wrote. Returns how many went.
    """
    count, _rows = IdempotencyKey.objects.filter(created_at__lt=at - KEPT_FOR).delete()
    return count


def attempt_of(request: HttpRequest) -> str:
    """What names this attempt wherever an action keeps it: the same for each repeat, another for everybody else."""
    return hashlib.sha256(f"{_sender(request)}\n{_key_of(request)}".encode()).hexdigest()


def was_sent(request: HttpRequest) -> bool:
    """Whether the form that carries this key has come through: what is typed into it later is no draft any more."""
    key = request.POST.get(FIELD, "")
    return bool(key) and IdempotencyKey.objects.filter(by_id=_sender(request), key=key[:LONGEST]).exists()


def _sender(request: HttpRequest) -> str:
    """The person at this seat: an answer given at one seat is not repeated at another."""
    actor = getattr(request, "actor", None)
    if actor is None:
        return str(request.session.session_key or "anonymous")
    return f"{actor.id}@{actor.organization_id or ''}:{actor.role}"


def _key_of(request: HttpRequest) -> str:
    """The key of this form. Without one a lost answer could not be asked for again, so nothing is done."""
    key = request.POST.get(FIELD) or request.headers.get("Idempotency-Key", "")
    if not key or len(key) > LONGEST:
        raise RuleBroken(_("这张表单没有带上防重复的编号，所以没有提交。"), next_step=_("请刷新页面后重新填写。"))
    return key


def _fingerprint(request: HttpRequest) -> str:
    """What was sent, whatever its order: the address with its query, every field, the content of every file."""
    pairs = sorted((name, value) for name in request.POST for value in request.POST.getlist(name))
    body = repr([pair for pair in pairs if pair[0] != "csrfmiddlewaretoken"])
    digest = hashlib.sha256(f"{request.get_full_path()}\n{body}".encode())
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            digest.update(f"\n{name} {file.name}\n".encode())
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.hexdigest()


def _keep(row: IdempotencyKey, response: HttpResponse) -> None:
    row.status_code = response.status_code
    row.location = response.headers.get("Location", "") or response.headers.get("HX-Redirect", "")
    row.body = response.content.decode() if not row.location else ""
    change(row, "status_code", "location", "body")


def _replay(row: IdempotencyKey, mark: str) -> HttpResponse:
    if row.fingerprint != mark:
        raise RuleBroken(_("这张表单已经提交过，内容却不一样。"), next_step=_("请刷新页面后重新填写。"))
    if row.status_code is None:
        raise Taken(_("同一张表单正在处理。"), next_step=_("请稍候几秒再看结果。"))
    response = HttpResponse(row.body, status=row.status_code)
    if row.location:
        response.headers["HX-Redirect" if row.status_code < 300 else "Location"] = row.location
    response.headers["Idempotent-Replay"] = "true"
    return response
