"""Preparing, approving and publishing a list."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit, sealing
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.publication import queries, rules
from kangqiao.domain.publication.models import Publication
from kangqiao.domain.publication.permissions import can_draft, parties
from kangqiao.domain.publication.states import PUBLICATION
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


@transaction.atomic
def draft_publication(*, organization_id: int, year: int, by: Actor, at: datetime) -> Publication:
    """Prepares a hospital's list of a year from live data; a correction of a published one is a new version.

    Raises RuleBroken when a draft is open already, or the year lies before the first one the paper orders.
    """
    organization = Organization.objects.select_related("place").get(pk=organization_id)
    allowed = can_draft(by, organization_id, queries.own_bodies(by.organization_id))
    if not allowed:
        raise Denied(allowed.reason, clause=allowed.clause)
    parameters = queries.parameters_for(organization, year)
    if year < parameters.first_year.integer():
        raise RuleBroken(
            _("%(year)s年还没有公示的要求。") % {"year": year}, clause=parameters.first_year.clause,
            next_step=_("请选 %(year)s 年或以后。") % {"year": parameters.first_year.integer()},
        )  # fmt: skip
    newest = queries.current(organization_id, year)
    if newest is not None and newest.status != "published":
        raise RuleBroken(_("%(year)s年的公示名单正在办理。") % {"year": year}, next_step=_("请打开已有的草稿继续。"))
    try:
        with transaction.atomic():
            publication = Publication.objects.create(
                organization=organization,
                year=year,
                version=newest.version + 1 if newest else 1,
                previous=newest or queries.last_published(organization_id),
                content=queries.live_content(organization, year, localtime(at).date()),
                due_on=parameters.due_on(year),
                policy_ref=parameters.ref,
            )
    except IntegrityError:
        raise RuleBroken(
            _("%(year)s年的公示名单刚刚由别人开启。") % {"year": year}, next_step=_("请打开已有的草稿继续。")
        ) from None
    begin(publication, PUBLICATION, by=by, at=at)
    audit.record("publication.draft", publication, by=by, at=at, policy_ref=parameters.ref, year=year)
    return publication


@transaction.atomic
def submit_publication(*, publication_id: int, by: Actor, at: datetime) -> Publication:
    """Rebuilds the list from live data, freezes it with its digest and sends it for approval.

    Raises RuleBroken when there is no agreement to publish.
    """
    publication = _locked(publication_id, "submit", by)
    content = queries.live_content(publication.organization, publication.year, localtime(at).date())
    if not content["chc_list"]:
        raise RuleBroken(_("没有生效的协议，名单是空的。"), next_step=_("请先签署协议。"))
    if head := sealing.newest_head(publication.organization_id):
        content["audit_head"] = head
    transition(publication, PUBLICATION, "submit", by=by, at=at, content=content, sha256=rules.digest(content))
    messaging.notify(
        cause=f"publication:{publication.pk}:submit:{at.timestamp():.0f}", kind="publication",
        subject=_("%(hospital)s %(year)s年公示名单待审核")
        % {"hospital": publication.organization.short_zh, "year": publication.year},
        url=f"/publications/{publication.pk}/", organization_id=queries.approver_of(publication.organization),
        role=Role.BUREAU_OFFICER, by=by, at=at,
    )  # fmt: skip
    audit.record("publication.submit", publication, by=by, at=at, sha256=publication.sha256)
    return publication


@transaction.atomic
def return_publication(*, publication_id: int, reason: str, by: Actor, at: datetime) -> Publication:
    """The bureau sends the list back with what to mend."""
    publication = _locked(publication_id, "return", by)
    transition(publication, PUBLICATION, "return", by=by, at=at, reason=reason)
    audit.record("publication.return", publication, by=by, at=at)
    return publication


@transaction.atomic
def approve_publication(*, publication_id: int, by: Actor, at: datetime) -> Publication:
    """The bureau approves the frozen list as it stands."""
    publication = _locked(publication_id, "approve", by)
    transition(publication, PUBLICATION, "approve", by=by, at=at)
    audit.record("publication.approve", publication, by=by, at=at, sha256=publication.sha256)
    return publication


@transaction.atomic
def publish_publication(*, publication_id: int, by: Actor, at: datetime) -> Publication:
    """The list becomes public for good, marked late when it is (SZ16-4.3b).

    Raises RuleBroken while it is not approved, or when the frozen content no longer matches its digest.
    """
    publication = _locked(publication_id, "publish", by)
    if publication.status in ("draft", "returned", "submitted"):
        raise RuleBroken(_("名单还没有经卫生行政部门批准，不能公示。"), next_step=_("请先送审并等待批准。"))
    if rules.digest(publication.content) != publication.sha256:
        raise RuleBroken(_("名单内容与送审时不一致，不能公示。"), next_step=_("请退回后重新送审。"))
    late = rules.days_late(localtime(at).date(), publication.due_on)
    transition(publication, PUBLICATION, "publish", by=by, at=at, published_at=at, days_late=late)
    audit.record("publication.publish", publication, by=by, at=at, sha256=publication.sha256, days_late=late)
    return publication


@transaction.atomic
def remind_hospitals(*, place_code: str, year: int, by: Actor, at: datetime) -> int:
    """From the month the task opens, tells every hospital that owes a list; once a month each. Returns how many."""
    today, told = localtime(at).date(), 0
    for hospital in queries.hospitals_without_list(place_code, year):
        parameters = queries.parameters_for(hospital, year)
        if today.year != year or today.month < parameters.task_opens_month.integer():
            continue
        due = parameters.due_on(year)
        notice = messaging.notify(
            cause=f"publication-due:{hospital.pk}:{today:%Y-%m}", kind="publication",
            subject=_("%(year)s年专家进社区名单须在%(due)s前公示")
            % {"year": year, "due": due.isoformat()},
            url="/publications/", organization_id=hospital.pk, role=Role.GUIDANCE_OFFICE,
            clause=parameters.publish_by.clause, by=by, at=at,
        )  # fmt: skip
        told += notice is not None
    return told


def _locked(publication_id: int, action: str, by: Actor) -> Publication:
    publication = (
        Publication.objects.select_for_update(of=("self",))
        .select_related("organization__place", "previous")
        .filter(pk=publication_id)
        .first()
    )
    if publication is None:
        raise NotVisible(_("没有这份公示名单。"))
    own = parties(
        by, publication, queries.own_bodies(by.organization_id), queries.approver_of(publication.organization)
    )
    if not own:
        raise NotVisible(_("没有这份公示名单。"))
    if not own.intersection(PUBLICATION.step(action).parties):
        raise Denied(_("“%(step)s”由对方办理。") % {"step": PUBLICATION.step(action).zh}, next_step=_("请等对方办理。"))
    return publication
