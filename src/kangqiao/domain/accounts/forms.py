"""What a person fills in to come in, and what they set for themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.pages import Display


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


class CodeForm(forms.Form):
    """Six digits of an app, or a recovery code from paper."""

    code = forms.RegexField(
        r"^\s*([0-9]{6}|[0-9A-Za-z]{4}(-?[0-9A-Za-z]{4}){5})\s*$",
        label=_("验证码"),
        max_length=40,
        error_messages={"invalid": _("请输入六位数字，或纸上的恢复码。")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none"}),
    )


class AppForm(forms.Form):
    """The first code of a new app, and a name for it."""

    code = forms.RegexField(
        r"^\s*[0-9]{6}\s*$",
        label=_("应用里显示的六位数字"),
        error_messages={"invalid": _("请输入六位数字。")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )


class KeyAnswerField(forms.JSONField):
    """JSON of the size an answer has, not nested without end."""

    def to_python(self, value: Any) -> Any:
        """The value read. Raises ValidationError."""
        if isinstance(value, str) and len(value) > 20_000:
            raise forms.ValidationError(_("安全密钥没有回答。"))
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise forms.ValidationError(_("安全密钥没有回答。")) from error


class KeyForm(forms.Form):
    """What a security key answered, as JSON."""

    key = KeyAnswerField()

    def clean_key(self) -> dict[str, object]:
        """A JSON object and nothing else."""
        answer = self.cleaned_data["key"]
        if not isinstance(answer, dict):
            raise forms.ValidationError(_("安全密钥没有回答。"))
        return answer


class ProofForm(forms.Form):
    """The password once more, of somebody who has no second factor."""

    proof_password = forms.CharField(
        label=_("密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class ProofCodeForm(CodeForm):
    """A code once more; its name meets none of the form that waits behind it."""

    proof_code = CodeForm.base_fields["code"]
    code = None  # type: ignore[assignment]


class NewPasswordForm(forms.Form):
    """A password of one's own, typed twice."""

    new = forms.CharField(
        label=_("新密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再输一遍"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, str]:
        """The two must be the same."""
        if self.cleaned_data.get("new") != self.cleaned_data.get("again"):
            self.add_error("again", _("两次输入的不一样。"))
        return self.cleaned_data


class PasswordForm(NewPasswordForm):
    """The password so far and the new one."""

    old = forms.CharField(
        label=_("原来的密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    field_order = ("old", "new", "again")


class SeatForm(forms.Form):
    """The seat a person wants to act from."""

    seat = forms.IntegerField(min_value=1, max_value=2**62)


class LanguageForm(forms.Form):
    """The language of the pages."""

    language = forms.ChoiceField(choices=(("zh-hans", "中文"), ("en", "English")))  # untranslated: named in itself


class DisplayForm(forms.Form):
    """How somebody wants to read."""

    size = forms.ChoiceField(
        label=_("字的大小"),
        widget=forms.RadioSelect,
        choices=(
            ("standard", _("标准版")),
            ("elder", _("长辈版：大字、大按钮")),
            ("elder-125", _("长辈版，再大四分之一（125%）")),
            ("elder-150", _("长辈版，再大一半（150%）")),
            ("elder-200", _("长辈版，大一倍（200%）")),
        ),
    )
    has_contrast = forms.BooleanField(label=_("高对比度：黑字白底，线条加深"), required=False)
    has_single_keys = forms.BooleanField(label=_("单个字母可以当快捷键"), required=False)

    @staticmethod
    def said(display: Display) -> dict[str, Any]:
        """What is chosen now, as the form shows it."""
        size = str(display).split(".")[0]
        return {
            "size": "standard" if size == "plain" else size,
            "has_contrast": display.has_contrast,
            "has_single_keys": display.has_single_keys,
        }

    @property
    def chosen(self) -> Display:
        """What the valid form chooses."""
        given = self.cleaned_data
        size = Display.read(given["size"])
        return Display(size.is_elder, size.scale, given["has_contrast"], given["has_single_keys"])
