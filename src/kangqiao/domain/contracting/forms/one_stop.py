"""What people type about a pilot of the one-stop service, and about a visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.fields import DayField
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.contracting.parameters import Flow
from kangqiao.domain.institutions.models import Organization


class PilotForm(forms.Form):
    """Where and from when the one-stop service is tried."""

    organization_id = forms.TypedChoiceField(label=_("试点机构"), coerce=int)
    starts_on = DayField(label=_("从哪天起"))
    aim = forms.CharField(
        label=_("想做到什么"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("例如“糖尿病居民每季度来一次，三步一次办完”"),
    )  # fmt: skip

    def __init__(self, *args: Any, houses: Sequence[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.houses = houses
        named = [(one.pk, f"{one.short_zh} · {one.place.zh}") for one in houses]
        many = named if len(named) == 1 else [("", _("请选机构")), *named]
        self.fields["organization_id"].choices = many  # type: ignore[attr-defined]


class OneStopForm(forms.Form):
    """When a resident comes, for which flow."""

    flow = forms.ChoiceField(label=_("流程"))
    on = DayField(label=_("哪天来"))
    begins = forms.TimeField(
        label=_("从几点起"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("不填就从最早能排的时间起。"),
    )  # fmt: skip

    def __init__(self, *args: Any, flows: Sequence[Flow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["flow"].choices = [(one.key, called(one)) for one in flows]  # type: ignore[attr-defined]
