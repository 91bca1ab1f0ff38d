"""How somebody wants to be told: in the product always, by text message or WeChat if they say so."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kangqiao.base import carriers, visitor, wechat
from kangqiao.base.access import access
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.accounts.queries import identity_of
from kangqiao.domain.messaging import actions, queries, rules
from kangqiao.domain.messaging.models import Channel
from kangqiao.domain.messaging.parameters import delivery_at
from kangqiao.domain.residents.queries import telephone_of
from kangqiao.kernel.errors import NoPolicyInForce, RuleBroken

YES, NO = "yes", "no"
WANT = {Channel.SMS: gettext_lazy("也发短信提醒我"), Channel.WECHAT: gettext_lazy("也用微信提醒我")}
UNREACHED = {
    Channel.SMS: gettext_lazy("档案里没有能收短信的手机号。请让登记的社区中心补上，再来打开。"),
    Channel.WECHAT: gettext_lazy("还没有关联微信，发不到。请先点“关联微信”。"),
}
SAID = {
    (Channel.SMS, True): gettext_lazy("短信提醒已打开。"),
    (Channel.SMS, False): gettext_lazy("短信提醒已关闭，消息仍在康桥里。"),
    (Channel.WECHAT, True): gettext_lazy("微信提醒已打开。"),
    (Channel.WECHAT, False): gettext_lazy("微信提醒已关闭，消息仍在康桥里。"),
}


class NoticesForm(forms.Form):
    """Whether a channel is wanted; only where it can reach the person."""

    channel = forms.ChoiceField(choices=Channel, required=False, widget=forms.HiddenInput)
    is_on = forms.TypedChoiceField(
        label=gettext_lazy("有消息时"), coerce=lambda said: said == YES, widget=forms.RadioSelect
    )

    def __init__(self, data: Any, *, channel: Channel, is_on: bool, is_reached: bool) -> None:
        """`is_reached`: there is a number, or a WeChat, to send to. Two of these stand on one page."""
        mine = data if data is not None and data.get("channel", Channel.SMS) == channel else None
        first = {"channel": channel.value, "is_on": YES if is_on else NO}
        super().__init__(mine, auto_id=f"id_{channel}_%s", initial=first)
        self.way, self.is_reached = channel, is_reached
        self.fields["is_on"].choices = ((NO, _("只在康桥里看")), (YES, WANT[channel]))  # type: ignore[attr-defined]

    def clean_is_on(self) -> bool:
        """Without an address nothing could arrive."""
        is_on = bool(self.cleaned_data["is_on"])
        if is_on and not self.is_reached:
            raise forms.ValidationError(str(UNREACHED[self.way]))
        return is_on


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("role", roles=(Role.RESIDENT.value,))
# twice is once: on is on
def notices(request: SeatedRequest) -> HttpResponse:
    """The person's channels, what a message says, and at which hours none comes."""
    user_id, sent = request.seat.user_id, request.POST if request.method == "POST" else None
    if sent is not None and sent.get("channel", Channel.SMS) not in Channel.values:
        raise RuleBroken(_("没有这种提醒方式。"), next_step=_("请重新打开这一页再选。"))
    mobile, linked = rules.mobile(telephone_of(user_id)), identity_of(user_id, wechat.issuer())
    reached = {Channel.SMS: bool(mobile), Channel.WECHAT: linked is not None}
    ways = {
        one: NoticesForm(sent, channel=one, is_on=queries.is_wanted(user_id, one), is_reached=reached[one])
        for one in Channel
    }
    chosen = next((form for form in ways.values() if form.is_valid()), None)
    if chosen is not None:
        channel, is_on = chosen.way, chosen.cleaned_data["is_on"]
        actions.choose_channel(user_id=user_id, channel=channel, is_on=is_on, by=request.actor, at=timezone.now())
        messages.success(request, str(SAID[channel, is_on]))
        return redirect("own-notices")
    context = {
        "sms": ways[Channel.SMS],
        "wechat": ways[Channel.WECHAT],
        "linked": linked,
        "can_link": wechat.can_link(),
        "in_wechat": "WeChat" in visitor.device(request),
        "frame_template": (PART if wants_part(request) else WHOLE).resident,
        "tail": mobile[-4:],
        "carried": {one.value: bool(carriers.name(one)) for one in Channel},
        "terms": _terms(request.seat.place_code),
        "sample": rules.outside(rules.PLAIN, house=request.seat.organization_name).text,
    }
    return render(request, "own/notices.html", context, status=422 if sent is not None else 200)


def _terms(place_code: str) -> Any:
    try:
        return delivery_at(place_code, timezone.localdate())
    except NoPolicyInForce:
        return None
