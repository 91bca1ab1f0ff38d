"""Assessments, plans and surveys as both sides see them, what is due, invitations, and the register of groups."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import PART, WHOLE, came_from, number_in, wants_part
from kangqiao.base.transition import told
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.followup import actions, forms, queries
from kangqiao.domain.followup.models import Survey
from kangqiao.domain.followup.permissions import READERS
from kangqiao.domain.followup.states import SURVEY
from kangqiao.domain.residents import queries as residents
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken

PAGE = 40
BOTH = (*READERS, Role.RESIDENT)
DESK: dict[str, tuple[Any, Any]] = {
    "items": (gettext_lazy("到期的随访"), queries.due_items),
    "tasks": (gettext_lazy("团队分工"), queries.team_tasks),
    "assess": (gettext_lazy("要评估的"), queries.to_assess),
}


@require_safe
@access("role", roles=CENTRE)
@exports
def desk(request: SeatedRequest) -> HttpResponse:
    """What is due of all plans of the house, tasks of its teams, or who is to be assessed: not yet, or again."""
    seat, on, wanted = request.seat, timezone.localdate(), request.GET.get("tab", "items")
    tab = wanted if wanted in DESK else "items"
    page = page_of(request, DESK[tab][1](seat, on), PAGE)
    people = [one.plan.resident_id if tab == "items" else one.resident_id for one in page]
    residents.note_read(seat, people, listed=True)
    counts = [(key, words, rows(seat, on).count()) for key, (words, rows) in DESK.items()]
    context = {"tab": tab, "tabs": counts, "page_obj": page, "today": on}
    return render(request, "followup/desk.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def plan(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """The plan of a resident; posting assesses anew."""
    one = residents.get_resident(request.seat, resident_id)
    contract = queries.contract_of(request.seat, one.pk)
    form = forms.AssessForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if contract is None:
            raise NotVisible(_("这位居民没有和本中心签约。"), next_step=_("请先登记签约申请。"))
        try:
            actions.assess(contract_id=contract.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已评估，方案和到期日已排好。"))
            return redirect("followup-plan", one.pk)
    page = _plan(request, one.pk) | {"resident": one, "contract": contract, "form": form}
    return render(request, "followup/plan.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def done(request: SeatedRequest, item_id: int) -> HttpResponse:
    """Something of a plan was done."""
    item = queries.get_item(request.seat, item_id)
    form = forms.DoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.finish_item(item_id=item.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已记下，下一次的日期已排好。"))
        return redirect(came_from(request) or reverse("followup-plan", args=(item.plan.resident_id,)))
    return render(request, "followup/done.html", {"item": item, "form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def task(request: SeatedRequest, task_id: int) -> HttpResponse:
    """A task of the team was done."""
    one = queries.get_task(request.seat, task_id)
    form = forms.TaskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.finish_task(task_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已记下，这一项做完了。"))
        return redirect(came_from(request) or f"{reverse('followup-desk')}?tab=tasks")
    return render(request, "followup/task.html", {"one": one, "form": form}, status=422 if form.errors else 200)


@require_safe
@access("role", roles=(Role.RESIDENT,))
def mine(request: SeatedRequest) -> HttpResponse:
    """My plan in plain words, or my child's: goals, what is due when, what was done."""
    wanted = request.GET.get("resident", "")
    person = residents.person_for(request.seat, number_in(wanted))
    page = _plan(request, person.pk) | {"resident": person, "is_other": bool(wanted)}
    page |= {"surveys": queries.open_surveys(request.seat, person.pk)}
    return render(request, "followup/mine.html", page | {"answered": queries.past_surveys(request.seat, person.pk)})


@require_safe
@access("role", roles=READERS)
@exports
def surveys(request: SeatedRequest) -> HttpResponse:
    """What residents answered some days after a visit: what worries first, and who did not answer."""
    seat, tab = request.seat, request.GET.get("tab", "answered")
    tab = tab if tab in queries.SURVEY_TABS else "answered"
    page = page_of(request, queries.listed_surveys(seat, tab), PAGE)
    residents.note_read(seat, [one.resident_id for one in page], listed=True)
    return render(request, "followup/surveys.html", {"tabs": queries.survey_counts(seat), "tab": tab, "page_obj": page})


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=BOTH)
@idempotent
def survey(request: SeatedRequest, survey_id: int) -> HttpResponse:
    """One survey with its answers; the doctor's post says that they were read, and what was done."""
    one = queries.get_survey(request.seat, survey_id)
    form = forms.ReadForm(request.POST or None, is_needed=one.is_worrying)
    if request.method == "POST" and form.is_valid():
        actions.read_survey(survey_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已记下，这份回答不再等人看。"))
        return redirect(came_from(request) or reverse("followup-surveys"))
    page = _survey(request, one) | {"form": form}
    return render(request, "followup/survey.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=BOTH)
@idempotent
def answer(request: SeatedRequest, survey_id: int) -> HttpResponse:
    """The resident answers with some taps; the centre writes down what was said on the telephone."""
    one = queries.get_survey(request.seat, survey_id)
    page = _survey(request, one)
    if "answer" not in page["steps"]:
        return redirect("followup-survey", one.pk)
    form = forms.SurveyForm(request.POST or None, asked=page["asked"])
    if request.method == "POST" and form.is_valid():
        actions.answer_survey(survey_id=one.pk, by=request.actor, at=timezone.now(), **form.told())
        messages.success(request, _("谢谢，医生会看到您的回答。") if page["is_resident"] else _("已记下电话里的回答。"))
        return redirect("followup-survey", one.pk)
    return render(request, "followup/answer.html", page | {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def invite(request: SeatedRequest, team_id: int, resident_id: int) -> HttpResponse:
    """Somebody of a key group is asked to sign, and what they said."""
    seat = request.seat
    team, one = contracting.get_team(seat, team_id), residents.get_resident(seat, resident_id)
    form = forms.InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        group = queries.group_of(contracting.groups_held([one.pk])[one.pk])
        about: dict[str, Any] = {"team_id": team.pk, "resident_id": one.pk, "group": group}
        try:
            actions.invite(**about, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已记下这次联系。"))
            return redirect(came_from(request) or reverse("contracting-campaign", args=(team.pk,)))
    page = {"team": team, "resident": one, "form": form, "past": queries.invitations_of(seat, one.pk)}
    return render(request, "followup/invite.html", page, status=422 if form.errors else 200)


@require_safe
@access("role", roles=CENTRE)
@exports
def again(request: SeatedRequest) -> HttpResponse:
    """Whom to ask again today: invited before, still without a contract."""
    page = page_of(request, queries.to_ask_again(request.seat, timezone.localdate()), PAGE)
    residents.note_read(request.seat, [one.resident_id for one in page], listed=True)
    return render(request, "followup/again.html", {"page_obj": page})


@require_safe
@access("role", roles=CENTRE)
@exports
def channels(request: SeatedRequest) -> HttpResponse:
    """The groups the teams of the house keep on other platforms, counted by kind."""
    page = {"channels": queries.channels(request.seat), "counts": queries.channel_counts(request.seat)}
    return render(request, "followup/channels.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def new_channel(request: SeatedRequest) -> HttpResponse:
    """A group enters the register."""
    form = forms.ChannelForm(request.POST or None, owners=queries.owners(request.seat, timezone.localdate()))
    if request.method == "POST" and form.is_valid():
        try:
            actions.register_channel(by=request.actor, at=timezone.now(), **form.cleaned_data)
        except Taken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已登记，只记人数，不记群里有谁。"))
            return redirect("followup-channels")
    return render(request, "followup/channel_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=CENTRE)
@idempotent
def count(request: SeatedRequest, channel_id: int) -> HttpResponse:
    """How a group stands now."""
    one = queries.get_channel(request.seat, channel_id)
    form = forms.CountForm(request.POST or None, initial={"people": one.people, "posts": one.posts})
    if request.method == "POST" and form.is_valid():
        actions.count_channel(channel_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已更新。"))
        return redirect("followup-channels")
    return render(request, "followup/channel.html", {"one": one, "form": form}, status=422 if form.errors else 200)


def _survey(request: SeatedRequest, one: Survey) -> dict[str, Any]:
    is_resident, layout = request.seat.role == Role.RESIDENT, PART if wants_part(request) else WHOLE
    return {
        "one": one,
        "asked": queries.questionnaire_of(one),
        "answers": list(one.answers.all()),
        "steps": queries.survey_steps(request.seat, one, timezone.now()),
        "is_resident": is_resident,
        "is_own": one.resident.user_id == request.seat.user_id,
        "history": [] if is_resident else told(one, SURVEY),
        "frame_template": layout.resident if is_resident else layout.staff,
    }


def _plan(request: SeatedRequest, resident_id: int) -> dict[str, Any]:
    plan = queries.plan_of(request.seat, resident_id)
    to_do, done = queries.items_of(plan)
    past = queries.past_of(request.seat, resident_id)
    return {"plan": plan, "to_do": to_do, "done": done, "past": past, "today": timezone.localdate()}
