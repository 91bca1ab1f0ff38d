"""What a house and the bureau type about an approval to contract."""

from __future__ import annotations

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.kernel.period import in_calendar


class ApprovalForm(forms.Form):
    """What a house says when it asks whether it may contract."""

    said = forms.CharField(
        label=_("由谁、为哪些人、提供哪些服务"), max_length=500, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("例如“本园区医务室，2 名全科医生、1 名护士，为园区 800 名职工提供基本服务包”"),
    )  # fmt: skip


class GrantForm(forms.Form):
    """From when until when the bureau approves, and its words."""

    starts_on = forms.DateField(label=_("从哪天起"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_day = forms.DateField(
        label=_("最后一天"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("不填就一直有效，直到收回。"),
    )  # fmt: skip
    answer = forms.CharField(
        label=_("批准的内容和条件"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("机构看得到这段话。"),
    )  # fmt: skip

    def clean_starts_on(self) -> date:
        """A day that has neighbours."""
        return shown(self.cleaned_data["starts_on"])

    def clean_last_day(self) -> date | None:
        """The same, where there is one."""
        day = self.cleaned_data["last_day"]
        return None if day is None else shown(day)


def shown(day: date) -> date:
    """The day when a page can show it. Raises ValidationError."""
    if in_calendar(day) is None:
        raise forms.ValidationError(_("这个日期太远了，请核对年份。"))
    return day
