"""Finding a resident; what residents decide and who looked; looking in an emergency, and watching over it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.residents import actions, forms, queries
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import EMERGENCY_ROLES, TREATING, can_answer
from kangqiao.kernel.errors import NotVisible, RuleBroken

MOST_SHOWN = 20
REGISTRARS = (Role.GP, Role.CENTRE_MANAGER)
ANSWERERS = (Role.RESIDENT, Role.SECURITY_ADMIN, *EMERGENCY_ROLES)


@require_GET
@access("role", roles=tuple(TREATING))
def search(request: HttpRequest) -> HttpResponse:
    """The search page; HTMX asks for its list alone while the person types."""
    text = request.GET.get("q", "")
    found = queries.search_residents(request.seat, text, MOST_SHOWN)  # type: ignore[attr-defined]
    return render(request, "residents/search.html", {"text": text, "found": found, "most": MOST_SHOWN})


@access("role", roles=(Role.RESIDENT,))
@require_GET
def consents(request: SeatedRequest) -> HttpResponse:
    """Who may see me, what I allowed and refused, and whom I act for."""
    return _consents(request, forms.ProxyForm(initial={"resident": _person(request)}), 200)


@access("role", roles=(Role.RESIDENT,))
@require_POST
@idempotent
def decide(request: SeatedRequest) -> HttpResponse:
    """An organisation is kept out, or let see specially protected conditions too."""
    form = forms.DecisionForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("还没有选机构和决定。"), next_step=_("请回到“我的授权”重新选择。"))
    given = form.cleaned_data
    act = {"refuse": actions.refuse_organization, "sensitive": actions.permit_sensitive}[given["decision"]]
    person = queries.person_for(request.seat, given["resident"])
    act(resident_id=person.pk, organization_id=given["organization"], by=request.actor, at=timezone.now())
    messages.success(request, _("已生效，从下一次打开起就算数。随时可以撤回。"))
    return redirect(_about("residents-consents", given["resident"]))


@access("role", roles=(Role.RESIDENT,))
@require_POST
@idempotent
def proxy(request: SeatedRequest) -> HttpResponse:
    """Somebody is let book and cancel for me."""
    form = forms.ProxyForm(request.POST)
    if form.is_valid():
        given = dict(form.cleaned_data)
        person = queries.person_for(request.seat, given.pop("resident"))
        try:
            actions.appoint_proxy(resident_id=person.pk, by=request.actor, at=timezone.now(), **given)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已添加代办人，对方现在可以替您预约、取消和看转诊进度。"))
            return redirect(_about("residents-consents", form.cleaned_data["resident"]))
    return _consents(request, form, 422)


@access("role", roles=(Role.RESIDENT,))
@require_POST
@idempotent
def withdraw(request: SeatedRequest, consent_id: int) -> HttpResponse:
    """What I allowed or refused no longer holds."""
    gone = actions.withdraw_consent(consent_id=consent_id, by=request.actor, at=timezone.now())
    messages.success(request, _("已撤回，从下一次打开起就算数。"))
    own = queries.resident_of(request.seat.user_id)
    return redirect(_about("residents-consents", None if own and own.pk == gone.resident_id else gone.resident_id))


@access("role", roles=(Role.RESIDENT,))
@require_GET
def looked(request: SeatedRequest) -> HttpResponse:
    """Who looked at my record: day by day, who, where and why."""
    person = queries.person_for(request.seat, _person(request))
    page = {
        "person": person,
        "days": queries.looks(request.seat, person, timezone.now()),
        "questions": queries.questions_about(person),
        "asked": _person(request),
    }
    return render(request, "residents/reads.html", page)


@access("role", roles=(Role.RESIDENT,))
@require_http_methods(["GET", "POST"])
@idempotent
def ask(request: SeatedRequest) -> HttpResponse:
    """One look, and my question about it."""
    which = forms.EventForm(request.GET)
    if not which.is_valid():
        raise NotVisible(_("没有这条查看记录。"), next_step=_("请回到“谁看过我的档案”再选。"))
    event, wanted = which.cleaned_data["event"], which.cleaned_data["resident"]
    person = queries.person_for(request.seat, wanted)
    form = forms.TextForm(request.POST or None, label=_("您想问什么"))
    if request.method == "POST" and form.is_valid():
        actions.ask_about_look(
            resident_id=person.pk, event_id=event, text=form.cleaned_data["text"], seat=request.seat, by=request.actor,
            at=timezone.now(),
        )  # fmt: skip
        messages.success(request, _("已交给安全管理员，答复会发到您的消息里。"))
        return redirect(_about("residents-reads", wanted))
    page = {"form": form, "look": queries.look(request.seat, person, event), "asked": wanted}
    return render(request, "residents/ask.html", page, status=422 if form.errors else 200)


@access("role", roles=EMERGENCY_ROLES, step_up=True)
@require_http_methods(["GET", "POST"])
@idempotent
def emergency(request: SeatedRequest) -> HttpResponse:
    """Opens the record of somebody in danger, with the reason written down."""
    form = forms.EmergencyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            opened = actions.break_glass(by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已打开，到时自动关闭。居民和安全管理员已收到通知。"))
            return redirect("records-resident", opened.resident_id)
    return render(request, "residents/emergency.html", {"form": form}, status=422 if form.errors else 200)


@access("role", roles=(Role.SECURITY_ADMIN,))
@require_GET
@exports
def oversight(request: SeatedRequest) -> HttpResponse:
    """Questions of residents and looks in an emergency, for the security administrator."""
    page = {"questions": queries.questions(request.seat), "emergencies": queries.emergencies(request.seat)}
    return render(request, "residents/oversight.html", page)


@access("role", roles=(Role.SECURITY_ADMIN,))
@require_http_methods(["GET", "POST"])
@idempotent
def review(request: SeatedRequest, emergency_id: int) -> HttpResponse:
    """The security administrator asks about one look in an emergency."""
    found = queries.emergency(request.seat, emergency_id)
    form = forms.TextForm(request.POST or None, label=_("请对方说明什么"))
    if request.method == "POST" and form.is_valid():
        actions.question_emergency(
            emergency_id=found.pk, text=form.cleaned_data["text"], seat=request.seat, by=request.actor,
            at=timezone.now(),
        )  # fmt: skip
        messages.success(request, _("已请%(who)s说明，答复会回到这里。") % {"who": found.user.name})
        return redirect("residents-oversight")
    return render(request, "residents/review.html", {"form": form, "one": found}, status=422 if form.errors else 200)


@access("role", roles=ANSWERERS)
@require_http_methods(["GET", "POST"])
@idempotent
def question(request: SeatedRequest, question_id: int) -> HttpResponse:
    """One question with its answer, or the field for it."""
    found = queries.question(request.seat, question_id)
    form = forms.TextForm(request.POST or None, label=_("答复"))
    if request.method == "POST" and form.is_valid():
        actions.answer_question(
            question_id=found.pk, answer=form.cleaned_data["text"], seat=request.seat, by=request.actor,
            at=timezone.now(),
        )  # fmt: skip
        messages.success(request, _("已答复，提问的人会收到消息。"))
        return redirect("residents-question", found.pk)
    page = _question_page(request, found) | {"form": form}
    return render(request, "residents/question.html", page, status=422 if form.errors else 200)


@access("role", roles=REGISTRARS)
@require_http_methods(["GET", "POST"])
@idempotent
def register(request: SeatedRequest) -> HttpResponse:
    """A person is registered at the desk, after those who might be the same were looked at."""
    form = forms.RegisterForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        found = queries.alike(request.seat, **{key: form.cleaned_data[key] for key in queries.ALIKE_BY})
        if form.cleaned_data["is_new"] or not (found.seen or found.elsewhere):
            try:
                made = _registered(request, form.cleaned_data)
            except RuleBroken as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("已建档，档案编号 %(number)s。") % {"number": made.record_number})
                return redirect("records-resident", made.pk)
        else:
            form.add_error(None, _("可能已经建过档，请先看下面的人；都不是就勾选再存。"))
    page = {"form": form, "found": found}
    return render(request, "residents/register.html", page, status=422 if form.errors else 200)


@access("role", roles=REGISTRARS)
@require_http_methods(["GET", "POST"])
@idempotent
def merge(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """Another registration of the same person goes into this one, or comes out again."""
    one = queries.get_resident(request.seat, resident_id)
    form = forms.MergeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            words = _merged(request, one, form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, words)
            return redirect("residents-merge", one.pk)
    page = {"form": form, "resident": one, "merges": queries.merges_of(request.seat, one)}
    return render(request, "residents/merge.html", page, status=422 if form.errors else 200)


@access("role", roles=REGISTRARS)
@require_http_methods(["GET", "POST"])
@idempotent
def guardian(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """The centre writes down a child's guardian."""
    child = queries.get_resident(request.seat, resident_id)
    form = forms.IdentityForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.name_guardian(resident_id=child.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已登记监护人，孩子到法定年龄当天自动结束。"))
            return redirect("records-resident", child.pk)
    page = {"form": form, "child": child}
    return render(request, "residents/guardian.html", page, status=422 if form.errors else 200)


def _registered(request: SeatedRequest, told: dict[str, Any]) -> Any:
    given = {key: value for key, value in told.items() if key not in ("is_sure", "is_new", "mother")}
    mother = queries.by_identifier(request.seat, told["mother"])
    if told["mother"] and mother is None:
        raise RuleBroken(_("母亲没有在本中心建档。"), next_step=_("请先给母亲建档，或核对证件号。"))
    return actions.register_resident(
        **given, mother_id=mother.pk if mother else None, centre_id=request.seat.organization_id, by=request.actor,
        at=timezone.now(),
    )  # fmt: skip


def _merged(request: SeatedRequest, one: Resident, told: dict[str, Any]) -> str:
    acts: dict[str, Any] = {"by": request.actor, "at": timezone.now()}
    if told["step"] == "undo":
        held = {row.pk for row in queries.merges_of(request.seat, one)}
        if told["merge"] not in held:
            raise RuleBroken(_("没有这次合并。"), next_step=_("请刷新后再看。"))
        actions.undo_merge(merge_id=told["merge"], why=told["reason"], **acts)
        return _("已分开，各自的内容都回到原来的档案。")
    other = queries.by_identifier(request.seat, told["identifier"])
    if other is None:
        raise RuleBroken(_("未找到，或不在您的服务范围。"), next_step=_("请核对证件号或档案编号。"))
    actions.merge_residents(kept_id=one.pk, gone_id=other.pk, reason=told["reason"], is_sure=told["is_sure"], **acts)
    return _("已合并，弄错了可以随时分开。")


def _consents(request: SeatedRequest, form: forms.ProxyForm, status: int) -> HttpResponse:
    wanted = form.cleaned_data.get("resident") if form.is_bound and form.is_valid() else _person(request)
    person = queries.person_for(request.seat, wanted)
    now = timezone.now()
    page = {"ledger": queries.ledger(request.seat, person, now), "form": form, "asked": wanted}
    return render(request, "residents/consents.html", page, status=status)


def _question_page(request: SeatedRequest, found: Any) -> dict[str, Any]:
    layout = PART if wants_part(request) else WHOLE
    is_resident = request.seat.role == Role.RESIDENT
    return {
        "one": found,
        "state": queries.state_of(found),
        "may_answer": bool(can_answer(request.seat, found)) and not queries.state_of(found).final,
        "frame_template": layout.resident if is_resident else layout.staff,
    }


def _person(request: HttpRequest) -> int | None:
    form = forms.PersonForm(request.GET)
    return form.cleaned_data["resident"] if form.is_valid() else None


def _about(name: str, resident_id: int | None) -> str:
    return reverse(name) + (f"?resident={resident_id}" if resident_id else "")
