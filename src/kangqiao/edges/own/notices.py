"""How somebody wants to be told: in the product always, by text message if they say so."""

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

from kangqiao.base import carriers
from kangqiao.base.access import access
from kangqiao.base.pages import PART, WHOLE, wants_part
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.messaging import actions, queries, rules
from kangqiao.domain.messaging.models import Channel
from kangqiao.domain.messaging.parameters import delivery_at
from kangqiao.domain.residents.queries import telephone_of
from kangqiao.kernel.errors import NoPolicyInForce

YES, NO = "yes", "no"


class NoticesForm(forms.Form):
    """Whether text messages are wanted; only with a number they can go to."""

    is_on = forms.TypedChoiceField(
        label=gettext_lazy("有消息时"),
        choices=((NO, gettext_lazy("只在康桥里看")), (YES, gettext_lazy("也发短信提醒我"))),
        coerce=lambda said: said == YES,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, mobile: str, **kwargs: Any) -> None:
        """`mobile` is the number on file; empty where there is none."""
        super().__init__(*args, **kwargs)
        self.mobile = mobile

    def clean_is_on(self) -> bool:
        """Without a number nothing could arrive."""
        is_on = bool(self.cleaned_data["is_on"])
        if is_on and not self.mobile:
            raise forms.ValidationError(_("档案里没有能收短信的手机号。请让登记的社区中心补上，再来打开。"))
        return is_on


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("role", roles=(Role.RESIDENT.value,))
# twice is once: on is on
def notices(request: SeatedRequest) -> HttpResponse:
    """The person's channels, what a text message says, and at which hours none comes."""
    user_id, channel = request.seat.user_id, Channel.SMS.value
    mobile = rules.mobile(telephone_of(user_id))
    sent = request.POST if request.method == "POST" else None
    form = NoticesForm(sent, mobile=mobile, initial={"is_on": YES if queries.is_wanted(user_id, channel) else NO})
    if form.is_valid():
        is_on = form.cleaned_data["is_on"]
        actions.choose_channel(user_id=user_id, channel=channel, is_on=is_on, by=request.actor, at=timezone.now())
        messages.success(request, _("短信提醒已打开。") if is_on else _("短信提醒已关闭，消息仍在康桥里。"))
        return redirect("own-notices")
    layout = PART if wants_part(request) else WHOLE
    context = {
        "form": form,
        "frame_template": layout.resident,
        "tail": mobile[-4:],
        "has_carrier": bool(carriers.name()),
        "terms": _terms(request.seat.place_code),
        "sample": rules.outside(rules.PLAIN, house=request.seat.organization_name).text,
    }
    return render(request, "own/notices.html", context, status=422 if form.errors else 200)


def _terms(place_code: str) -> Any:
    try:
        return delivery_at(place_code, timezone.localdate())
    except NoPolicyInForce:
        return None
