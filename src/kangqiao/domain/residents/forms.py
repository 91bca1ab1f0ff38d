"""What residents, centres and administrators fill in about access."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

DECISIONS = (("refuse", _("不让它看我的档案")), ("sensitive", _("让它看特殊保护的病情")))


class PersonForm(forms.Form):
    """About whom a page is, when not about the person at the screen."""

    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)


class DecisionForm(PersonForm):
    """What is decided about an organisation."""

    organization = forms.IntegerField(min_value=1, max_value=2**62, widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=DECISIONS)


class IdentityForm(forms.Form):
    """Somebody named as their papers say."""

    name = forms.CharField(label=_("姓名"), max_length=100)
    identifier = forms.CharField(label=_("证件号"), max_length=40, help_text=_("和身份证上的完全一样。"))


class ProxyForm(PersonForm, IdentityForm):
    """Whom a resident lets act, and to which day."""

    until = forms.DateField(
        label=_("到哪天为止"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("不填就一直有效，随时可以撤回。"),
    )  # fmt: skip
    field_order = ("name", "identifier", "until", "resident")


class EmergencyForm(IdentityForm):
    """Whose record is opened in an emergency, and why."""

    reason = forms.CharField(
        label=_("为什么要紧急查阅"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("写病情和地点，例如“昏迷送院，需查过敏史”。居民和安全管理员会看到。"),
    )  # fmt: skip


class TextForm(forms.Form):
    """A question or an answer in words; the label comes with the page."""

    text = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = label


class EventForm(PersonForm):
    """Which look a question is about."""

    event = forms.IntegerField(min_value=1, max_value=2**62, widget=forms.HiddenInput)
