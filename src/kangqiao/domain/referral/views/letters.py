"""Pages of referral: the hospital's desk, one referral, a centre's list and letter, the patient's own way."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kangqiao.base.access import access
from kangqiao.base.actor import Actor
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from, number_in, undo_tag, wants_drawer
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.referral import actions, forms, permissions, queries, rules
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import NotVisible, RuleBroken

STAFF = (*permissions.CENTRE_ROLES, *permissions.HOSPITAL_ROLES)


class Request(HttpRequest):
    """A request past the seat middleware."""

    seat: Seat
    actor: Actor


# Each step of the tables: its action, what a person fills in, and what to say afterwards.
STEPS: dict[str, tuple[Any, type[forms.StepForm], Any]] = {
    "accept": (actions.accept_referral, forms.SlotForm, gettext_lazy("已接收并占号，居民和转出医生会收到通知。")),
    "rebook": (actions.rebook_referral, forms.RebookForm, gettext_lazy("已改期，居民和转出医生会收到通知。")),
    "defer": (
        actions.defer_referral,
        forms.ReasonForm,
        gettext_lazy("已收下，找号的时限开始计；居民和转出医生会收到通知。"),
    ),
    "redirect": (actions.redirect_referral, forms.RedirectForm, gettext_lazy("已改投，新的医院会收到；占的号已放回。")),
    "advise": (actions.advise_referral, forms.AdviceForm, gettext_lazy("建议已发给转出医生，居民暂不用来院。")),
    "return": (actions.return_referral, forms.ReasonForm, gettext_lazy("已退回，转出医生会看到您写的原因。")),
    "resend": (actions.resend_referral, forms.ResendForm, gettext_lazy("已再次发出，等医院接收。")),
    "withdraw": (actions.withdraw_referral, forms.ReasonForm, gettext_lazy("已撤回，对方会收到通知。")),
    "see": (actions.confirm_visit, forms.StepForm, gettext_lazy("已确认就诊，请在时限内写小结。")),
    "not_attend": (actions.mark_not_attended, forms.ReasonForm, gettext_lazy("已记为未到诊，转出中心会收到通知。")),
    "summarise": (actions.return_summary, forms.SummaryForm, gettext_lazy("小结已回传，并写进健康档案。")),
    "close": (actions.close_referral, forms.StepForm, gettext_lazy("已结案。")),
    "take_over": (actions.take_over, forms.StepForm, gettext_lazy("已接收，请在时限内完成首次随访。")),
    "decline": (actions.decline_down, forms.ReasonForm, gettext_lazy("已退回医院，对方会看到您写的原因。")),
    "propose_again": (actions.propose_again, forms.PlanForm, gettext_lazy("已再次发出，等中心接收。")),
    "follow_up": (actions.record_first_contact, forms.ContactForm, gettext_lazy("首次随访已写进健康档案，下转完成。")),
}


@access("role", roles=permissions.DESK_ROLES)
@require_GET
def desk(request: Request) -> HttpResponse:
    """The hospital's one desk: the queue, the letter, what the record tells, and the places to give."""
    now = timezone.now()
    queue = queries.desk_lines(request.seat, now)
    wanted = _number(request, "open")
    shown = (*queue.own, *queue.elsewhere)
    opened = next((line for line in shown if line.referral.pk == wanted), next(iter(queue.own), None))
    accepted, returned = queries.desk_day(request.seat, now)
    page: dict[str, Any] = {"queue": queue, "accepted": accepted, "returned": returned, "late": queue.late}
    if opened is not None:
        one = opened.referral
        page |= _letter(request, one)
        page["places"] = queries.places(
            one.to_organization, one.from_organization, one.specialty, now, _number(request, "slot"), one.booking
        )
    return render(request, "referral/desk.html", page)


@access("role", roles=(*STAFF, Role.RESIDENT))
@require_GET
def detail(request: Request, referral_id: int) -> HttpResponse:
    """One referral for both sides, as a page or in the drawer of a worklist; the patient reads it on their own page."""
    if request.seat.role == Role.RESIDENT:
        return redirect(f"{reverse('referral-mine')}#r{referral_id}")
    one = queries.get_referral(request.seat, referral_id)
    if wants_drawer(request):
        return render(request, "referral/glance.html", _glance(request, one))
    return render(request, "referral/detail.html", _letter(request, one))


@access("role", roles=STAFF)
@require_GET
def sheet(request: Request, referral_id: int) -> HttpResponse:
    """The official two-way referral form, for print."""
    one = queries.get_referral(request.seat, referral_id)
    return render(request, "referral/print.html", _letter(request, one))


@access("role", roles=STAFF)
@require_http_methods(["GET", "POST"])
@idempotent
def step(request: Request, referral_id: int, action: str) -> HttpResponse:
    """One step of the table: a page where more than a press is needed, and the step itself."""
    one = queries.get_referral(request.seat, referral_id)
    act, form_class, words = _step(action)
    form = form_class(request.POST or None, initial=_initial(one), **_choosing(one, action))
    if request.method == "POST" and form.is_valid():
        try:
            act(referral_id=one.pk, by=request.actor, at=timezone.now(), **form.cleaned_data)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, words, extra_tags=_way_back(request, one, action))
            return _after(request, one, is_gone=action == "redirect")
    page = _letter(request, one) | {"form": form, "step": queries.table_of(one).step(action)}
    return render(request, "referral/step.html", page, status=422 if form.errors else 200)


@access("role", roles=STAFF)
@require_POST
@idempotent
def undo(request: Request, referral_id: int) -> HttpResponse:
    """The last step was a mistake: its doer takes it back while the moment lasts."""
    one = queries.get_referral(request.seat, referral_id)
    undone = actions.undo_step(referral_id=one.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("已撤销，现在是“%(state)s”。") % {"state": called(queries.state_of(undone))})
    if lost := queries.parts_lost(undone):
        messages.warning(request, _("%(parts)s没有留住，请和中心商量。") % {"parts": "、".join(lost)})
    return _after(request, one)


@access("role", roles=STAFF)
@require_GET
@exports
def index(request: Request) -> HttpResponse:
    """What this house sent and received, by state."""
    tabs = queries.tabs(request.seat)
    first = next((tab.key for tab in tabs if tab.number), "")
    tab, lines = queries.listed(request.seat, request.GET.get("tab", first), timezone.now())
    month = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    page = {
        "tab": tab,
        "lines": lines,
        "tabs": tabs,
        "can_send": request.seat.role in permissions.CENTRE_ROLES,
        "readers": queries.READERS,
        "link": queries.expert_link(request.seat, month, timezone.now()),
    }
    return render(request, "referral/list.html", page)


@access("role", roles=(Role.RESIDENT,))
@require_GET
def mine(request: Request) -> HttpResponse:
    """The patient's own referrals, or those of whom they act for, sentence by sentence."""
    own = _patient(request) or residents.resident_of(request.seat.user_id)
    if own is None:
        raise RuleBroken(_("您的账号还没有绑定居民档案。"), next_step=_("请带身份证到社区卫生服务中心办理。"))
    rows = queries.of_resident(request.seat, own.pk)
    now = timezone.now()
    return render(request, "referral/mine.html", {"ways": queries.ways(request.seat, rows, now), "resident": own})


def _letter(request: Request, one: Referral) -> dict[str, Any]:
    """The letter with the patient's banner and what the record tells; the desk opens it from its list."""
    now = timezone.now()
    residents.note_read(request.seat, [one.resident_id])
    return _person(one.resident) | {
        "allergies": rules.known_allergies(one.allergies),
        "letter": queries.letter(request.seat, one, now),
        "chart": queries.chart(request.seat, one.resident),
        "stays": queries.stays_of(one, now),
        "lost": queries.parts_lost(one),
        "custodian": queries.custodian(one),
        "bounced": queries.bounced(request.seat, one),
        "score": queries.score_of(one, now),
        "reasons": queries.reasons_of(one),
        "is_intact": queries.is_intact(one),
        "school": queries.school_case_of(one),
        "files": queries.files_of(request.seat, one),
        "referral": one,
    }


def _glance(request: Request, one: Referral) -> dict[str, Any]:
    """The letter beside the worklist it was opened from; whoever may accept sees the place that would be taken."""
    page = _letter(request, one) | {"back": came_from(request) or reverse("home")}
    if page["letter"].can_accept:
        ends = (one.to_organization, one.from_organization)
        page["places"] = queries.places(*ends, one.specialty, timezone.now(), None, one.booking)
    return page


def _person(one: Resident) -> dict[str, Any]:
    return {"resident": one, "age": residents.age(one, timezone.localdate())}


def _step(action: str) -> tuple[Any, type[forms.StepForm], Any]:
    if action not in STEPS:
        raise NotVisible(_("没有这一步。"), next_step=_("请回到转诊单查看能做什么。"))
    return STEPS[action]


def _initial(one: Referral) -> dict[str, Any]:
    names = ("history", "examination", "medicines", "allergies", "question", "plan", "specialty")
    return {"seen_status": one.status, **{name: getattr(one, name) for name in names}}


def _choosing(one: Referral, action: str) -> dict[str, Any]:
    """What a step lets one choose from."""
    if action != "redirect":
        return {}
    return {
        "hospitals": queries.other_hospitals(one, timezone.now()),
        "specialties": queries.specialty_choices(),
    }


def _way_back(request: Request, one: Referral, action: str) -> str:
    """How the step just taken is taken back, where its table allows it."""
    if not queries.table_of(one).step(action).undo:
        return ""
    return undo_tag("referral-undo", one.pk, back=came_from(request), **({"desk": 1} if "desk" in request.GET else {}))


def _after(request: Request, one: Referral, *, is_gone: bool = False) -> HttpResponse:
    """After a step: to the worklist it was taken from, whose part HTMX fetches, else to the desk or the referral."""
    if back := came_from(request):
        return redirect(back)
    return _go(request, reverse("referral-desk") if is_gone or "desk" in request.GET else _address(one))


def _go(request: Request, address: str) -> HttpResponse:
    """To another page: HTMX leaves the whole page too."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _address(one: Referral) -> str:
    return reverse("referral-detail", args=(one.pk,))


def _number(request: Request, name: str) -> int | None:
    return number_in(request.GET.get(name, ""))


def _patient(request: Request) -> Resident | None:
    wanted = _number(request, "resident")
    return None if wanted is None else residents.get_resident(request.seat, wanted)
