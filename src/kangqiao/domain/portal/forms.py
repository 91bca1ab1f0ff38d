"""What people type to each other, how they rate, and what a centre offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.contracting.models import TeamMember
from kangqiao.domain.portal.rules import STARS

LONGEST = 1000
STAR_WORDS = (_("很不满意"), _("不满意"), _("一般"), _("满意"), _("非常满意"))


class AskForm(forms.Form):
    """A question; `resident` where it is asked for somebody else."""

    text = forms.CharField(
        label=_("想问什么"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("写清楚哪里不舒服、多久了、在吃什么药。胸痛、喘不上气、说不出话等急症请直接打急救电话。"),
    )  # fmt: skip


class WriteForm(forms.Form):
    """The next thing written in a question; `seen` is the last one on the screen while it was written."""

    text = forms.CharField(label=_("写给对方"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 4}))
    seen = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def shows(self, message_id: int) -> None:
        """The page shows everything up to this message now."""
        self.initial["seen"] = message_id
        if self.is_bound:
            self.data = {**self.data.dict(), "seen": message_id}  # type: ignore[attr-defined]


class HandOverForm(forms.Form):
    """Who takes it, and why."""

    member_id = forms.TypedChoiceField(label=_("转给谁"), coerce=int)
    reason = forms.CharField(label=_("交代一句"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, members: Iterable[TeamMember], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one.pk, f"{one.practitioner.name} · {one.get_kind_display()}") for one in members]
        self.fields["member_id"].choices = [("", _("请选同事")), *named]  # type: ignore[attr-defined]


class RatingForm(forms.Form):
    """One to five, and words if one likes."""

    stars = forms.TypedChoiceField(
        label=_("您满意吗"), coerce=int, widget=forms.RadioSelect,
        choices=[(number, word) for number, word in zip(STARS, STAR_WORDS, strict=True)][::-1],
    )  # fmt: skip
    words = forms.CharField(
        label=_("想说的话"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("团队看得到内容，看不到是谁写的。"),
    )  # fmt: skip


class OfferForm(forms.Form):
    """A service of the centre; a featured one with its hospital and specialty."""

    zh = forms.CharField(label=_("服务"), max_length=60)
    en = forms.CharField(label=_("英文名"), max_length=100, required=False)
    times = forms.CharField(label=_("时间"), max_length=120, help_text=_("例如：周一到周五 8:00–12:00。"))
    since = forms.DateField(label=_("从哪天起"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    supporter_id = forms.TypedChoiceField(label=_("支持的医院"), coerce=int, empty_value=None, required=False)
    specialty = forms.ChoiceField(
        label=_("按哪个专科计就诊"), required=False, help_text=_("只有特色服务要选医院和专科；就诊次数从登记那天起数。")
    )

    def __init__(
        self, *args: Any, supporters: list[tuple[int, str]], specialties: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["supporter_id"].choices = [("", _("不是特色服务")), *supporters]  # type: ignore[attr-defined]
        self.fields["specialty"].choices = [("", "—"), *specialties]  # type: ignore[attr-defined]


class ChangeForm(forms.Form):
    """Other times, or the day it ends."""

    times = forms.CharField(label=_("时间"), max_length=120)
    until = forms.DateField(
        label=_("从哪天起停止"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
