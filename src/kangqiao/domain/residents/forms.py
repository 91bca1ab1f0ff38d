"""What residents, centres and administrators fill in about access."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.residents.actions import NEIGHBOURHOOD
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.rules import ASKED, read_identity

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


SAID = {
    "number_missing": ("identifier", _("请写证件号；没有证件就选“没有证件”。")),
    "check_digit": ("identifier", _("身份证号不对：应为 18 位，校验位要符合。请对着证件核对。")),
    "sex_not_as_id": ("sex", _("和身份证号里的性别不一致，请核对。")),
    "born_not_as_id": ("birth_date", _("和身份证号里的出生日期不一致，请核对。")),
    "sex_missing": ("sex", _("请选性别；有身份证号的可以不选。")),
    "born_missing": ("birth_date", _("请写出生日期；有身份证号的可以不写。")),
    "ahead": ("birth_date", _("出生日期在今天之后，请核对。")),
    "too_old": ("birth_date", _("没有人活到这个年纪，请核对出生日期。")),
    "old": ("birth_date", _("年龄超过一百岁。核对无误请勾选“已核对年龄”。")),
}


class RegisterForm(forms.Form):
    """A person at the desk: papers first, which say sex and birth date themselves; without papers it goes on too."""

    identifier_kind = forms.ChoiceField(
        label=_("证件"), choices=Resident.IdentifierKind.choices, initial=Resident.IdentifierKind.CITIZEN
    )
    identifier = forms.CharField(
        label=_("证件号"), max_length=40, required=False, help_text=_("身份证号写全 18 位；没有证件的空着。"),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )  # fmt: skip
    name = forms.CharField(
        label=_("姓名"), max_length=100, help_text=_("生僻字和间隔号照证件写；新生儿未取名写“某某之子/女”。")
    )
    sex = forms.ChoiceField(label=_("性别"), choices=[("", "—"), *Resident.Sex.choices], required=False)
    birth_date = forms.DateField(
        label=_("出生日期"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("有身份证号的可以不写。"),
    )  # fmt: skip
    mother = forms.CharField(
        label=_("母亲的证件号"), max_length=40, required=False, help_text=_("新生儿填；母亲要已在本中心建档。")
    )
    phone = forms.RegexField(
        label=_("电话"),
        regex=r"^[0-9+() \-－—]{5,30}$",
        required=False,
        error_messages={"invalid": _("不像电话号码，请核对。")},
    )
    address = forms.CharField(label=_("住址"), max_length=200, required=False)
    insurance = forms.ChoiceField(
        label=_("医保"), choices=Resident.Insurance.choices, initial=Resident.Insurance.RESIDENT
    )
    neighbourhood = forms.RegexField(
        label=_("街道和居委代码"), regex=r"^[0-9]{6}$", initial=NEIGHBOURHOOD,
        help_text=_("6 位：街道 3 位、居委 3 位。"), error_messages={"invalid": _("要 6 位数字。")},
    )  # fmt: skip
    is_sure = forms.BooleanField(label=_("已核对年龄"), required=False)
    is_new = forms.BooleanField(label=_("都不是这个人，另建一份"), required=False)

    def clean_name(self) -> str:
        """The name without what cannot be seen."""
        name: str = self.cleaned_data["name"].strip()
        if any(not letter.isprintable() for letter in name):
            raise forms.ValidationError(gettext("里面有看不见的符号，请删掉重打。"))
        return name

    def clean_identifier(self) -> str:
        """The number as it is kept."""
        return str(self.cleaned_data["identifier"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        """What the papers say about sex and birth date, held against what was told."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        found = read_identity(
            told.get("identifier_kind", ""), told.get("identifier", ""), told.get("sex", ""), told.get("birth_date"),
            timezone.localdate(),  # reads the clock: an age is one of today
        )  # fmt: skip
        for fault in found.faults:
            if not (fault in ASKED and told.get("is_sure")):
                self.add_error(*SAID[fault])
        return told | {"sex": found.sex, "birth_date": found.born}


class DeathForm(forms.Form):
    """The day somebody died."""

    on = forms.DateField(label=_("去世日期"), widget=forms.DateInput(attrs={"type": "date"}))


class MergeForm(forms.Form):
    """Which registration goes into the one on the page, or which merge is undone, and why."""

    step = forms.ChoiceField(choices=[("merge", "merge"), ("undo", "undo")], widget=forms.HiddenInput, initial="merge")
    identifier = forms.CharField(
        label=_("重复那份的证件号或档案编号"), max_length=40, required=False, help_text=_("那一份的内容会并到这一份。")
    )
    merge = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("凭什么是同一个人"), max_length=200)
    is_sure = forms.BooleanField(label=_("性别或出生日期不同，已对着证件核对"), required=False)
