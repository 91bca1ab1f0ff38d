"""What people type about agreements."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.bounds import Verdict, terms

FORM_NAMES = {
    "posting": _("专家坐诊"),
    "priority_referral": _("优先转诊"),
    "technical_support": _("技术支持"),
    "training": _("进修培训"),
    "two_way_referral": _("双向转诊"),
    "supervision": _("监管考核"),
}


class DayInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class Filter(forms.Form):
    """What narrows the list; an unknown value narrows nothing."""

    hospital = forms.TypedChoiceField(label=_("医院"), coerce=int, required=False, empty_value=None)
    centre = forms.TypedChoiceField(label=_("中心"), coerce=int, required=False, empty_value=None)
    kind = forms.ChoiceField(label=_("种类"), required=False)
    status = forms.ChoiceField(label=_("状态"), required=False)

    def __init__(self, data: Any, *, seat: Seat, on: date) -> None:
        super().__init__(data)
        choices = queries.filter_choices(seat)
        every = [("", _("全部"))]
        self.fields["hospital"].choices = every + [(row.pk, row.short_zh) for row in choices.hospitals]  # type: ignore[attr-defined]
        self.fields["centre"].choices = every + [(row.pk, row.short_zh) for row in choices.centres]  # type: ignore[attr-defined]
        self.fields["kind"].choices = every + queries.kinds_known(seat, on)  # type: ignore[attr-defined]
        self.fields["status"].choices = every + AGREEMENT.choices()  # type: ignore[attr-defined]

    def wanted(self) -> dict[str, Any]:
        """The keywords of the query."""
        self.is_valid()
        found = self.cleaned_data
        return {
            "hospital_id": found.get("hospital"),
            "centre_id": found.get("centre"),
            "kind": found.get("kind", ""),
            "status": found.get("status", ""),
        }


class Draft(forms.Form):
    """A new agreement; without a last day the region's usual term is taken."""

    kind = forms.ChoiceField(label=_("种类"))
    hospital = forms.ModelChoiceField(Organization.objects.none(), label=_("医院"))
    centre = forms.ModelChoiceField(Organization.objects.none(), label=_("社区卫生服务中心"))
    starts_on = forms.DateField(label=_("第一天"), widget=DayInput())
    last_day = forms.DateField(
        label=_("最后一天"), required=False, widget=DayInput(), help_text=_("不填就按本地规定的期限。")
    )
    ways = forms.MultipleChoiceField(
        label=_("合作形式"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("不选就是全部。")
    )
    justification = forms.CharField(
        label=_("说明"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("达不到原则上的要求时，写明原因。"),
    )
    # Shown only once there is something to be sure about.
    is_sure = forms.BooleanField(label=_("日期我已核对"), required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, seat: Seat, on: date, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.usual = terms(on)
        choices = queries.draft_choices(seat)
        self.fields["kind"].choices = queries.kinds_known(seat, on)  # type: ignore[attr-defined]
        self.fields["hospital"].queryset = choices.hospitals  # type: ignore[attr-defined]
        self.fields["centre"].queryset = choices.centres  # type: ignore[attr-defined]
        names = [(form, FORM_NAMES.get(form, form)) for form in queries.forms_known(seat, on)]
        self.fields["ways"].choices = names  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A day that cannot be is refused; an unusual one is asked about once."""
        found = super().clean() or {}
        for name in ("starts_on", "last_day"):
            verdict = self.usual.judge(found[name]) if found.get(name) else Verdict.FINE
            if verdict is Verdict.IMPOSSIBLE:
                self.add_error(name, _("这一天不可能。"))
            elif verdict is Verdict.UNUSUAL:
                self.fields["is_sure"].widget = forms.CheckboxInput()
                if self.data.get("is_sure") != "on":
                    self.add_error(name, _("有的日期少见，请核对；确实如此就勾选“日期我已核对”。"))
        return found

    def keywords(self) -> dict[str, Any]:
        """The keywords of the action. Raises NoPolicyInForce where the region has no usual term on that day."""
        found = self.cleaned_data
        last = found["last_day"]
        ends_on = (
            last + timedelta(days=1) if last else queries.usual_end(found["kind"], found["centre"], found["starts_on"])
        )
        return {
            "kind": found["kind"],
            "hospital_id": found["hospital"].pk,
            "centre_id": found["centre"].pk,
            "starts_on": found["starts_on"],
            "ends_on": ends_on,
            "forms": found["ways"],
            "justification": found["justification"],
        }
