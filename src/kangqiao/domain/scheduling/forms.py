"""The typed signatures of the scheduling actions a person fills in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.codes import number_of
from kangqiao.base.fields import DayField
from kangqiao.domain.scheduling.models import CHECK_IN, Weekday
from kangqiao.domain.scheduling.queries import has_calendar
from kangqiao.domain.scheduling.rules import Weekly
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
    since = DayField(label=_("从哪天的出诊起"))
    reason = forms.CharField(label=_("为什么这样定"), min_length=2, max_length=500)

    def __init__(self, *args: Any, specialties: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["specialty"] = forms.ChoiceField(
            label=_("哪个科室"), required=False, choices=[("", _("全院")), *specialties]
        )


def _clock() -> forms.TimeInput:
    return forms.TimeInput({"type": "time"}, "%H:%M")


class TemplateForm(forms.Form):
    """A clinic a doctor holds each week."""

    practitioner = forms.TypedChoiceField(label=_("医生"), coerce=int)
    specialty = forms.ChoiceField(label=_("科室"), required=False, help_text=_("不选就是医生自己的专科。"))
    weekday = forms.TypedChoiceField(label=_("周几"), coerce=int, choices=Weekday.choices)
    room = forms.CharField(label=_("诊室"), required=False, max_length=60, help_text=_("例如“门诊楼3层305”。"))
    starts = forms.TimeField(label=_("几点开始"), widget=_clock())
    ends = forms.TimeField(label=_("几点结束"), widget=_clock())
    slot_minutes = forms.IntegerField(label=_("每个时段几分钟"), min_value=1, max_value=720)
    capacity = forms.IntegerField(label=_("每个时段几个号"), min_value=1, max_value=9999)
    walk_in_percent = forms.IntegerField(
        label=_("当天号（%）"), min_value=0, max_value=100, help_text=_("这些时段到就诊当天零点才放，留给当天来的人。")
    )
    since = DayField(label=_("从哪天起"))
    last_day = DayField(label=_("到哪天为止"), required=False, help_text=_("含这一天；不填就一直有效。"))

    def __init__(
        self, *args: Any, doctors: Iterable[tuple[int, str]], specialties: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, first, rest in (
            ("practitioner", _("请选医生"), doctors),
            ("specialty", _("医生的专科"), specialties),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", first), *rest]

    def clean(self) -> dict[str, Any]:
        """What can be said beside its own field."""
        given = super().clean() or self.cleaned_data
        if given.get("starts") and given.get("ends") and given["ends"] <= given["starts"]:
            self.add_error("ends", _("结束时间不在开始时间之后。"))
        if given.get("since") and given.get("last_day") and given["last_day"] < given["since"]:
            self.add_error("last_day", _("最后一天早于第一天。"))
        return given

    def weekly(self, own_specialty: str) -> Weekly:
        """The plain values, as the rules take them; `own_specialty` where none was chosen."""
        given = self.cleaned_data
        return Weekly(
            given["practitioner"], given["specialty"] or own_specialty, given["room"], given["weekday"],
            given["starts"], given["ends"], given["slot_minutes"], given["capacity"], given["walk_in_percent"],
            given["since"], given["last_day"] + timedelta(days=1) if given["last_day"] else None,
        )  # fmt: skip


class SeenForm(forms.Form):
    """How many clinics somebody was told would be touched, when they said yes to it."""

    seen = forms.IntegerField(required=False, min_value=0, max_value=100_000)


class ExceptForm(forms.Form):
    """A single day without the clinic, and why."""

    day = DayField(label=_("哪一天"))
    reason = forms.CharField(label=_("为什么"), min_length=2, max_length=200, help_text=_("例如“外出开会”。"))


class RestoreForm(forms.Form):
    """Which day is no exception any more."""

    day = forms.DateField()


class OpeningForm(forms.Form):
    """How many weeks are opened, and whether days of a year nobody announced yet go with them."""

    weeks = forms.IntegerField(label=_("开几周"), min_value=1, max_value=520)
    unannounced = forms.BooleanField(label=_("放假安排还没公布的日子也先开"), required=False)

    def wanted(self, usual: int) -> tuple[int, bool]:
        """How many weeks, and whether unannounced days go with them; what is usual where nothing good was said."""
        given = self.cleaned_data if self.is_valid() else {}
        return int(given.get("weeks", usual)), bool(given.get("unannounced", False))


class NameDaysForm(forms.Form):
    """What some days count as, and why."""

    first = DayField(label=_("从哪天"))
    last = DayField(label=_("到哪天"), required=False, help_text=_("只有一天就不用填。"))
    counts = forms.ChoiceField(
        label=_("算什么"), choices=[("closed", _("不出诊")), (_("按这一天的模板出诊"), Weekday.choices)]
    )
    reason = forms.CharField(label=_("为什么"), min_length=2, max_length=200, help_text=_("例如“国办放假通知”“院庆”。"))

    def clean_first(self) -> date:
        """A day the calendar shows, else a sentence."""
        return _shown(self.cleaned_data["first"])

    def clean_last(self) -> date | None:
        """The same, where it is given."""
        last = self.cleaned_data.get("last")
        return last and _shown(last)

    def days(self) -> dict[str, Any]:
        """The signature of the action."""
        given = self.cleaned_data
        works_as = None if given["counts"] == "closed" else int(given["counts"])
        return {"first": given["first"], "last": given["last"] or given["first"], "works_as": works_as,
                "reason": given["reason"]}  # fmt: skip


class DayStepForm(forms.Form):
    """What is done with one day of the calendar: no longer named, or its empty clinics called off and why."""

    step = forms.ChoiceField(choices=[("clear", "clear"), ("call_off", "call_off")])
    reason = forms.CharField(label=_("停诊的原因"), required=False, max_length=200)


class RightForm(forms.Form):
    """Who may add patients beyond the places, from when until when, and why."""

    user = forms.TypedChoiceField(label=_("谁"), coerce=int)
    since = DayField(label=_("从哪天起"))
    last_day = DayField(label=_("到哪天为止"), help_text=_("含这一天。"))
    reason = forms.CharField(label=_("为什么"), min_length=2, max_length=200, help_text=_("例如“只此一人看这个病”。"))

    def __init__(self, *args: Any, people: Iterable[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].choices = [("", _("请选一个人")), *people]  # type: ignore[attr-defined] # a field of choices

    def signed(self) -> dict[str, Any]:
        """The signature of the action; the first day without the right is the one after the last."""
        given = self.cleaned_data
        until = given["last_day"] + timedelta(days=1)
        return {"user_id": given["user"], "since": given["since"], "until": until, "reason": given["reason"]}


class PartnerRuleForm(forms.Form):
    """How many reserved places of each session a paired centre gets at least and at most."""

    centre = forms.TypedChoiceField(label=_("哪家中心"), coerce=int)
    specialty = forms.ChoiceField(label=_("哪个科室"), required=False)
    least = forms.IntegerField(
        label=_("每场最少留几个"),
        min_value=0,
        max_value=999,
        help_text=_("先只留给它，到放给签约居民时没用完的一起放。"),
    )
    most = forms.IntegerField(
        label=_("每场最多用几个"), required=False, min_value=0, max_value=999, help_text=_("空着就是不限。")
    )
    since = DayField(label=_("从哪天的出诊起"))
    reason = forms.CharField(label=_("为什么这样定"), min_length=2, max_length=500)

    def __init__(
        self, *args: Any, centres: Iterable[tuple[int, str]] = (), specialties: Iterable[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **{"auto_id": "id_partner_%s", **kwargs})
        for name, first, rest in (("centre", _("请选中心"), centres), ("specialty", _("全院"), specialties)):
            self.fields[name].choices = [("", first), *rest]  # type: ignore[attr-defined] # fields of choices

    def signed(self) -> dict[str, Any]:
        """The signature of the action."""
        given = dict(self.cleaned_data)
        return {"centre_id": given.pop("centre"), **given}


class BeyondForm(forms.Form):
    """Who is added beyond the places, and why."""

    resident = forms.IntegerField(min_value=1, max_value=2**62, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("为什么加号"), min_length=2, max_length=200, help_text=_("会记进预约和操作记录。"))


class PickForm(forms.Form):
    """Whom somebody looks for, or has found."""

    q = forms.CharField(label=_("找居民"), required=False, max_length=40, help_text=_("姓名、拼音首字母或电话。"))
    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def wanted(self) -> tuple[str, int | None]:
        """What was typed, and who was picked."""
        given = self.cleaned_data if self.is_valid() else {}
        return str(given.get("q", "")), given.get("resident")


def _shown(day: date) -> date:
    if not has_calendar(day):
        raise forms.ValidationError(_("这一天不在日历里，请另选一天。"))
    return day
