"""Issued papers and their templates: of each a fingerprint and a random mark are kept, nothing of its words."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core import signing
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import Paper, PaperTemplate
from kangqiao.kernel.errors import NotVisible

SALT = "kangqiao.papers"
LONGEST_MARK = 120


def fingerprint(facts: Mapping[str, Any]) -> str:
    """What stands on a paper, as 64 characters. Keyed, so that nobody finds out by trying what a paper says."""
    words = json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str)
    return salted_hmac(SALT, words, algorithm="sha256").hexdigest()


def issue_paper(
    *, kind: str, subject_id: int, number: str, facts: Mapping[str, Any], organization: str, by: Actor, at: datetime
) -> Paper:
    """A paper is handed out. While it would say the same, it is the same paper; else the earlier ones are corrected."""
    with transaction.atomic():
        mine = Paper.objects.filter(kind=kind, subject_id=subject_id, organization_id=by.organization_id)
        last = mine.first()
        sha256 = fingerprint(facts)
        if last is not None and last.sha256 == sha256:
            return last
        row = Paper.objects.create(
            kind=kind, subject_id=subject_id, number=number, token=secrets.token_urlsafe(18), sha256=sha256,
            issued_at=at, by_id=by.id, by_name=by.name, organization_id=by.organization_id, organization=organization,
        )  # fmt: skip
        record("base.issue_paper", row, by=by, at=at, kind=kind)
    return row


def mark_of(paper: Paper) -> str:
    """The signed mark in the address that a paper's code leads to."""
    return signing.Signer(salt=SALT).sign(paper.token)


def paper_by_mark(mark: str) -> Paper:
    """The paper behind a mark. Raises NotVisible for one we did not sign, before the database is asked."""
    refused = NotVisible(_("没有这张文书。"), next_step=_("请核对网址，或向出具单位查询。"))
    if len(mark) > LONGEST_MARK:
        raise refused
    try:
        token = signing.Signer(salt=SALT).unsign(mark)
    except signing.BadSignature:
        raise refused from None
    found = Paper.objects.filter(token=token).first()
    if found is None:
        raise refused
    return found


def get_paper(paper_id: int) -> Paper:
    """A paper that was handed out; whether somebody may see it is asked of its row. Raises NotVisible."""
    found = Paper.objects.filter(pk=paper_id).first()
    if found is None:
        raise NotVisible(_("没有这张文书。"))
    return found


def status_of(model: str, subject_id: int) -> str | None:
    """Where the row behind a paper stands; None when it is gone. Whoever calls may read every row."""
    rows = apps.get_model(model)._default_manager.filter(pk=subject_id)
    status: str | None = rows.values_list("status", flat=True).first()
    return status


def is_corrected(paper: Paper) -> bool:
    """Whether the same organisation handed out the same paper later with other words.

    Another organisation's may differ without contradicting it: each sees what is its own.
    """
    same = {"kind": paper.kind, "subject_id": paper.subject_id, "organization_id": paper.organization_id}
    later = Paper.objects.filter(pk__gt=paper.pk, **same)
    return later.exclude(sha256=paper.sha256).exists()


def template_of(kind: str) -> PaperTemplate | None:
    """The site's own template, if it has one."""
    return PaperTemplate.objects.filter(kind=kind, retired_at__isnull=True).first()


def replace_template(*, kind: str, content: bytes, by: Actor, at: datetime) -> PaperTemplate:
    """The site's own template for a kind of paper; whoever calls has looked through it."""
    with transaction.atomic():
        PaperTemplate.objects.filter(kind=kind, retired_at__isnull=True).update(retired_at=at)
        row = PaperTemplate.objects.create(kind=kind, content=content, by_id=by.id, by_name=by.name, uploaded_at=at)
        record("base.replace_template", row, by=by, at=at, kind=kind)
    return row


def revert_template(*, kind: str, by: Actor, at: datetime) -> bool:
    """The template that came with the product is used again. False when it was used already."""
    with transaction.atomic():
        row = PaperTemplate.objects.select_for_update().filter(kind=kind, retired_at__isnull=True).first()
        if row is None:
            return False
        row.retired_at = at
        row.save(update_fields=("retired_at",))
        record("base.revert_template", row, by=by, at=at, kind=kind)
    return True
