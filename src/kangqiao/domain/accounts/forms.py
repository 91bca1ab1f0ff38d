"""What a person fills in to come in, and what they set for themselves."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("登录名"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SeatForm(forms.Form):
    """The seat a person wants to act from."""

    seat = forms.IntegerField(min_value=1)


class LanguageForm(forms.Form):
    """The language of the pages."""

    language = forms.ChoiceField(choices=(("zh-hans", "中文"), ("en", "English")))  # untranslated: named in itself


class ModeForm(forms.Form):
    """Large and plain pages, or ordinary ones."""

    mode = forms.ChoiceField(choices=(("elder", _("长辈版")), ("plain", _("标准版"))))
