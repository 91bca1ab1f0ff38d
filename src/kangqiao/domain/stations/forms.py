"""What is typed about stations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.templatetags.kq import called
from kangqiao.domain.contracting.parameters import ActKind
from kangqiao.domain.stations.actions import MOST


class StationForm(forms.Form):
    """A station that belongs to the centre."""

    zh = forms.CharField(label=_("名称"), max_length=40, help_text=_("例如“海湾社区卫生服务站”"))
    address = forms.CharField(label=_("地址"), max_length=200, required=False)
    phone = forms.CharField(label=_("电话"), max_length=40, required=False)
    opened_on = forms.DateField(
        label=_("哪天开的"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("这天以前的月份不用报。"),
    )  # fmt: skip


class ReportForm(forms.Form):
    """A number for each kind, and why where numbers are there already."""

    why = forms.CharField(label=_("为什么更正"), max_length=200)

    def __init__(self, *args: Any, kinds: Sequence[ActKind], is_correction: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_correction:
            del self.fields["why"]
        for one in reversed(kinds):
            field = forms.IntegerField(label=called(one), min_value=0, max_value=MOST, help_text=called(one.how))
            self.fields = {one.key: field, **self.fields}
        self.keys = [one.key for one in kinds]

    def keywords(self) -> dict[str, Any]:
        """What the action takes."""
        data = self.cleaned_data
        return {"numbers": {key: data[key] for key in self.keys}, "why": data.get("why", "")}
