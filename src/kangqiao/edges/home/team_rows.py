"""Rows of the family doctor teams' worklists: contracts, questions, plans, answers after a visit."""

from __future__ import annotations

from datetime import datetime, time

from django.urls import reverse
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.pages import Verb, verb_of
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.states import CONTRACT
from kangqiao.domain.followup import queries as followup
from kangqiao.domain.followup.models import Survey
from kangqiao.domain.portal import queries as portal
from kangqiao.domain.quality import queries as quality
from kangqiao.domain.stations import queries as stations
from kangqiao.edges.home.rows import MOST, Row, look_at
from kangqiao.kernel.states import Look


def of_contracts(seat: Seat, now: datetime, *, key: str) -> list[Row]:
    """Contracts to accept, to sign or to renew."""
    on = localtime(now).date()
    return [
        Row(
            key=f"k{one.pk}", title=one.resident.name, url=reverse("contracting-detail", args=(one.pk,)),
            look=one.state, note=one.team.zh, lead=called(one.state), rest=contracting.sentence(one, on),
            since=one.applied_at if key != "due" else None, is_demo=one.resident.is_demo, part=True,
            verbs=_contract_verbs(one, key),
        )
        for one in contracting.waiting_rows(seat, key, now, MOST)
    ]  # fmt: skip


def _contract_verbs(one: Contract, key: str) -> tuple[Verb, ...]:
    shown = {"applied": ("accept", "refuse"), "accepted": ("sign", "withdraw"), "due": ("renew",)}[key]
    found = []
    for action in shown:
        step, url = CONTRACT.step(action), reverse("contracting-step", args=(one.pk, action))
        opens = action in ("sign", "renew")
        found.append(Verb(called(step), url, opens=True, primary=True) if opens else verb_of(step, url))
    return tuple(found)


def of_approvals(seat: Seat, now: datetime) -> list[Row]:
    """Houses that ask whether they may contract, the longest waiting first."""
    return [
        Row(
            key=f"a{one.pk}", title=called(one.organization), look=one.state, lead=called(one.state), rest=one.said,
            url=(url := reverse("contracting-approval", args=(one.pk,))), since=one.asked_at, is_demo=one.is_demo,
            note=str(one.organization.get_ownership_display()), verbs=look_at(_("决定"), url),
        )
        for one in contracting.approval_rows(seat, MOST)
    ]  # fmt: skip


def of_quality(seat: Seat, now: datetime) -> list[Row]:
    """What was drawn by lot and waits for this side: to check, to put right, to look at again."""
    return [
        Row(
            key=f"q{one.pk}", title=one.number, look=one.state, lead=called(one.state),
            rest=str(one.get_kind_display()), url=(url := reverse("quality-item", args=(one.pk,))),
            since=one.checked_at or one.sampling.drawn_at, note=f"{called(one.sampling.centre)} · {one.team.zh}",
            is_demo=one.sampling.is_demo, verbs=look_at(_("处理"), url),
        )
        for one in quality.waiting_rows(seat, MOST)
    ]  # fmt: skip


def of_enquiries(seat: Seat, now: datetime) -> list[Row]:
    """Questions of contracted residents: urgent ones first, then what is due longest."""
    found = portal.waiting_rows(seat, MOST)
    return [
        Row(
            key=f"z{one.pk}", title=one.resident.name, url=(url := reverse("portal-enquiry", args=(one.pk,))),
            look=Look.BACK if one.is_urgent else one.state, note=one.contract.team.zh,
            lead=_("急：%(words)s") % {"words": "、".join(one.red_flags)} if one.is_urgent else called(one.state),
            rest=portal.sentence(one, now), since=one.asked_at, due=one.due_at, is_demo=one.resident.is_demo,
            verbs=look_at(_("回复"), url),
        )
        for one in found
    ]  # fmt: skip


def of_plans(seat: Seat, now: datetime) -> list[Row]:
    """What is due of plans of care, the longest overdue first."""
    found = followup.waiting_rows(seat, now, MOST)
    return [
        Row(
            key=f"i{one.pk}", title=one.plan.resident.name, note=called(one.plan.assessment), look=Look.WAIT,
            url=(url := reverse("followup-plan", args=(one.plan.resident_id,))), lead=called(one),
            rest=_("%(day)s 到期。") % {"day": one.due_on}, is_demo=one.plan.resident.is_demo,
            since=make_aware(datetime.combine(one.due_on, time())),
            verbs=(Verb(_("记一次"), reverse("followup-done", args=(one.pk,)), opens=True, primary=True),
                   Verb(_("看方案"), url, opens=True)),
        )
        for one in found
    ]  # fmt: skip


def of_tasks(seat: Seat, now: datetime) -> list[Row]:
    """What visits gave members of the teams to do: one's own first, then what is due longest."""
    found = followup.task_rows(seat, now, MOST)
    return [
        Row(
            key=f"t{one.pk}", title=one.resident.name, url=(url := reverse("followup-task", args=(one.pk,))),
            look=Look.WAIT, lead=called(one), note=one.member.practitioner.name if one.member else "",
            rest=_("最晚 %(day)s。") % {"day": one.due_on}, is_demo=one.resident.is_demo,
            since=make_aware(datetime.combine(one.since, time())), verbs=look_at(_("做好了"), url),
        )
        for one in found
    ]  # fmt: skip


def of_stations(seat: Seat, now: datetime) -> list[Row]:
    """Stations whose report of last month is missing, and by how many days."""
    return [
        Row(
            key=f"m{line.station.pk}", title=line.station.zh, look=Look(line.look), lead=f"{one.month:%Y-%m}",
            url=(url := reverse("stations-report", args=(line.station.pk,)) + f"?month={one.month:%Y-%m}"),
            rest=_("已过 %(n)s 天。") % {"n": line.days} if line.days else _("最晚 %(day)s。") % {"day": one.due},
            since=make_aware(datetime.combine(one.due, time())) if line.days else None, is_demo=line.station.is_demo,
            verbs=(Verb(_("填月报"), url, opens=True, primary=True),),
        )
        for line, one in stations.missing(seat, localtime(now).date())[:MOST]
    ]  # fmt: skip


def of_one_stops(seat: Seat, now: datetime) -> list[Row]:
    """The steps of today's visits with all of a team that are not done: one's own first, then in order."""
    day = reverse("contracting-one-stop-day")
    return [
        Row(
            key=f"o{one.pk}", title=one.visit.resident.name, url=day, look=Look.WAIT,
            lead=f"{localtime(one.starts_at):%H:%M} {called(one)}",
            rest=f"{one.get_kind_display()} {one.practitioner.name}", since=one.starts_at,
            note=called(one.visit), is_demo=one.visit.resident.is_demo,
            verbs=(Verb(_("做好了"), reverse("contracting-one-stop-done", args=(one.pk,)), primary=True),
                   Verb(_("看全部"), day, opens=True)),
        )
        for one in contracting.open_steps(seat, now, MOST)
    ]  # fmt: skip


def of_visits(seat: Seat, now: datetime) -> list[Row]:
    """A helper's visits: the day, whom and where; nothing that concerns health."""
    found = contracting.visit_lines(seat, list(contracting.home_visits(seat)[:MOST]))
    return [
        Row(
            key=f"v{line.visit.pk}", title=line.contact.name, note=str(line.visit.get_act_display()),
            url=reverse("contracting-helped-person", args=(line.visit.resident_id,)), look=line.visit.state,
            lead=line.visit.on.isoformat(), rest=f"{line.contact.address} {line.contact.phone}",
            since=make_aware(datetime.combine(line.visit.on, time())), is_demo=line.contact.is_demo,
            verbs=tuple(
                verb_of(step, reverse("contracting-visit-step", args=(line.visit.pk,))) for step in line.steps
            ),
        )
        for line in found
    ]  # fmt: skip


def of_surveys(seat: Seat, now: datetime) -> list[Row]:
    """Answers after a visit that nobody has read: what worries first, and what it is."""
    found = followup.survey_rows(seat, MOST)
    return [
        Row(
            key=f"s{one.pk}", title=one.resident.name, url=(url := reverse("followup-survey", args=(one.pk,))),
            look=Look.BACK if one.is_worrying else one.state, note=str(one.get_kind_display()),
            lead=_worry(one) or called(one.state),
            rest=one.organization.short_zh, since=one.answered_at, is_demo=one.resident.is_demo,
            verbs=look_at(_("看回答"), url),
        )
        for one in found
    ]  # fmt: skip


def _worry(one: Survey) -> str:
    said = "；".join(called(each.said) for each in one.answers.all() if each.is_worrying)
    return _("要留意：%(words)s") % {"words": said} if said else ""
