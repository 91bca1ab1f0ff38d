"""The typed signatures of the scheduling actions a person fills in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.codes import number_of
from kangqiao.domain.scheduling.models import CHECK_IN
from kangqiao.kernel.period import in_calendar


class SearchForm(forms.Form):
    """What somebody looks for: a doctor or specialty in characters or pinyin, and for whom."""

    q = forms.CharField(label=_("找专家或专科"), required=False, max_length=40)
    specialty = forms.CharField(required=False, max_length=40)
    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class BookForm(forms.Form):
    """For whom a place is taken."""

    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class MoveForm(forms.Form):
    """Which time instead."""

    slot = forms.IntegerField(min_value=1, max_value=2**62)


class JoinForm(forms.Form):
    """For which places somebody waits: of this session, or all of its specialty at its house."""

    scope = forms.ChoiceField(choices=[("session", "session"), ("all", "all")])


class LineForm(forms.Form):
    """What somebody in line does."""

    step = forms.ChoiceField(choices=[(step, step) for step in ("accept", "pass", "leave")])


class AppealForm(forms.Form):
    """Why somebody did not come."""

    reason = forms.CharField(
        label=_("没来的原因"), min_length=2, max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("例如“当天急诊”“公交停运”。"),
    )  # fmt: skip


class AnswerForm(forms.Form):
    """What the desk answers to an appeal, and with what reason."""

    step = forms.ChoiceField(choices=[("grant", "grant"), ("refuse", "refuse")])
    answer = forms.CharField(
        label=_("答复"), min_length=2, max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("居民会看到这句话。"),
    )  # fmt: skip


class CancelForm(forms.Form):
    """Why a place is given back."""

    reason = forms.CharField(label=_("不去的原因"), required=False, max_length=200)


class StepForm(forms.Form):
    """What the desk does with a booking."""

    step = forms.ChoiceField(choices=[(step, step) for step in ("check_in", "miss", "cancel", "undo")])


class VisitForm(forms.Form):
    """What the visit was about, for the record."""

    diagnosis = forms.CharField(label=_("诊断"), max_length=40, help_text=_("写主要诊断，例如“高血压”。"))
    summary = forms.CharField(
        label=_("就诊小结"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5}), required=False
    )


class DayForm(forms.Form):
    """Which day is shown; today when none is named."""

    day = forms.DateField(required=False)

    def clean_day(self) -> date | None:
        """A day that has neighbours, else none."""
        return in_calendar(self.cleaned_data.get("day"))


class ScanForm(forms.Form):
    """What a scanner types: the code on a resident's phone."""

    code = forms.CharField(
        label=_("扫居民手机上的预约码签到"),
        max_length=300,
        help_text=_("点这里再扫；扫不了，可以照着手机输。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, is_awaited: bool, **kwargs: Any) -> None:
        """One code after the other: after the first the next is awaited where it was."""
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = is_awaited

    def refuse(self, why: str) -> None:
        """Why not; a whole code makes room for the next one, half a one stays to be mended."""
        if number_of(CHECK_IN, self.cleaned_data["code"]) is not None:
            self.data = {**self.data, "code": ""}
        self.add_error("code", why)


class ReplayForm(forms.Form):
    """Which share is tried on the demand of the days past, and of which session a rule is about to be set."""

    share = forms.IntegerField(required=False, min_value=0, max_value=100)
    session = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class PoolRuleForm(forms.Form):
    """How a hospital, a department or one session shares its places out."""

    specialty = forms.ChoiceField(label=_("哪个科室"), required=False)
    session = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    partner_percent = forms.IntegerField(label=_("先留给协作中心（%）"), min_value=0, max_value=100)
    team_percent = forms.IntegerField(label=_("先留给家庭医生团队（%）"), min_value=0, max_value=100)
    contracted_percent = forms.IntegerField(label=_("先留给签约居民（%）"), min_value=0, max_value=100)
    team_hours = forms.IntegerField(label=_("就诊前几小时放给团队"), min_value=0, max_value=2000)
    contracted_hours = forms.IntegerField(label=_("就诊前几小时放给签约居民"), min_value=0, max_value=2000)
    release_hours = forms.IntegerField(label=_("就诊前几小时放给所有人"), min_value=0, max_value=2000)
    since = forms.DateField(label=_("从哪天的出诊起"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    reason = forms.CharField(label=_("为什么这样定"), min_length=2, max_length=500)

    def __init__(self, *args: Any, specialties: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["specialty"] = forms.ChoiceField(
            label=_("哪个科室"), required=False, choices=[("", _("全院")), *specialties]
        )

    def clean_since(self) -> date | None:
        """A day that has neighbours, else a sentence."""
        day = in_calendar(self.cleaned_data.get("since"))
        if day is None:
            raise forms.ValidationError(_("这一天不在日历里，请另选一天。"))
        return day
