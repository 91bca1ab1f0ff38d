"""What a house and the bureau type about an approval to contract."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.fields import DayField


class ApprovalForm(forms.Form):
    """What a house says when it asks whether it may contract."""

    said = forms.CharField(
        label=_("由谁、为哪些人、提供哪些服务"), max_length=500, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("例如“本园区医务室，2 名全科医生、1 名护士，为园区 800 名职工提供基本服务包”"),
    )  # fmt: skip


class GrantForm(forms.Form):
    """From when until when the bureau approves, and its words."""

    starts_on = DayField(label=_("从哪天起"))
    last_day = DayField(label=_("最后一天"), required=False, help_text=_("不填就一直有效，直到收回。"))
    answer = forms.CharField(
        label=_("批准的内容和条件"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("机构看得到这段话。"),
    )  # fmt: skip
