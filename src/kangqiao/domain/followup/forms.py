"""What people type about plans, surveys, invitations and groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.templatetags.kq import called
from kangqiao.domain.contracting.models import TeamMember
from kangqiao.domain.followup.models import GroupChannel, Invitation
from kangqiao.domain.followup.parameters import Questionnaire

MOST_PEOPLE = 100_000


class AssessForm(forms.Form):
    """The doctor's own goals, where the class's do not fit."""

    goals = forms.CharField(
        label=_("目标"), max_length=600, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("不写就按分类给出的目标；写了以您写的为准，居民看得到。"),
    )  # fmt: skip


class DoneForm(forms.Form):
    """What was done."""

    note = forms.CharField(
        label=_("结果"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("例如：血压平稳，继续原药。"),
    )  # fmt: skip


class TaskForm(forms.Form):
    """What was done and found."""

    note = forms.CharField(
        label=_("做了什么、结果怎样"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("例如：已上门，无咳嗽，约了胸片。"),
    )  # fmt: skip


class SurveyForm(forms.Form):
    """One tap for each question, and words if one likes."""

    def __init__(self, *args: Any, asked: Questionnaire, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in asked.questions:
            choices = [(each.key, called(each)) for each in one.choices]
            self.fields[one.key] = forms.ChoiceField(label=called(one), choices=choices, widget=forms.RadioSelect)
        self.fields["words"] = forms.CharField(
            label=_("还想告诉医生的"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
        )

    def told(self) -> dict[str, Any]:
        """The answers by question, and the words."""
        answers = {key: value for key, value in self.cleaned_data.items() if key != "words"}
        return {"answers": answers, "words": self.cleaned_data["words"]}


class ReadForm(forms.Form):
    """What was done about an answer; needed where it worries."""

    reason = forms.CharField(
        label=_("怎么处理的"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("例如：电话里嘱咐停药，明天来看。"),
        error_messages={"required": _("这份回答要留意，请写怎么处理的。")},
    )  # fmt: skip

    def __init__(self, *args: Any, is_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = is_needed


class InviteForm(forms.Form):
    """How somebody was asked, and what they said."""

    way = forms.ChoiceField(label=_("怎样联系"), choices=Invitation.Way, widget=forms.RadioSelect, initial="phone")
    outcome = forms.ChoiceField(label=_("结果"), choices=Invitation.Outcome, widget=forms.RadioSelect)
    again_on = forms.DateField(
        label=_("哪天再联系"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("“再想想”和“没联系上”要写。"),
    )  # fmt: skip


class ChannelForm(forms.Form):
    """A group on another platform."""

    zh = forms.CharField(label=_("群名称"), max_length=60)
    kind = forms.ChoiceField(label=_("种类"), choices=GroupChannel.Kind)
    platform = forms.CharField(label=_("在哪里"), max_length=30, help_text=_("例如：微信。"))
    owner_id = forms.TypedChoiceField(label=_("谁负责"), coerce=int)
    people = forms.IntegerField(label=_("人数"), min_value=0, max_value=MOST_PEOPLE)

    def __init__(self, *args: Any, owners: Iterable[TeamMember], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one.pk, f"{one.practitioner.name} · {one.get_kind_display()}") for one in owners]
        self.fields["owner_id"].choices = [("", _("请选成员")), *named]  # type: ignore[attr-defined]


class CountForm(forms.Form):
    """How a group stands now."""

    people = forms.IntegerField(label=_("现在人数"), min_value=0, max_value=MOST_PEOPLE)
    posts = forms.IntegerField(label=_("本月发了几条"), min_value=0, max_value=MOST_PEOPLE)
    is_ended = forms.BooleanField(label=_("这个群已解散"), required=False)
