"""What a centre writes for residents."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class MaterialForm(forms.Form):
    """A title, the text, what it rests on, and whom it is for."""

    title = forms.CharField(label=_("标题"), max_length=60, help_text=_("例如：慢阻肺，这样吸药才有效。"))
    text = forms.CharField(
        label=_("正文"), max_length=3000, widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("写给没有学过医的人看：短句，一件事一段。"),
    )  # fmt: skip
    source = forms.CharField(label=_("依据的指南"), max_length=200, help_text=_("哪份指南或规范，哪一年；居民看得到。"))
    audience = forms.MultipleChoiceField(
        label=_("写给谁"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("不选就是所有签约居民。受特殊保护的病情不推送。"),
    )  # fmt: skip

    def __init__(self, *args: Any, subjects: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["audience"].choices = subjects  # type: ignore[attr-defined]
