"""What the system administrator fills in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts import queries
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization


class OrganizationField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An organisation by its name."""

    def label_from_instance(self, obj: Any) -> str:
        """Its whole name."""
        return str(obj.zh)


class RoleForm(forms.Form):
    """A role at an organisation, from a day and perhaps to a day."""

    organization = OrganizationField(label=_("机构"), queryset=Organization.objects.none())
    role = forms.ChoiceField(label=_("岗位"), choices=Role.choices)
    since = forms.DateField(label=_("从哪天起"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    until = forms.DateField(
        label=_("到哪天止（不含当天）"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        """Offers the organisations this administrator answers for."""
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = queries.organizations_in_reach(by)


class AccountForm(RoleForm):
    """A new account and the role it is for."""

    name = forms.CharField(label=_("姓名"), max_length=100, widget=forms.TextInput(attrs={"autofocus": True}))
    username = forms.RegexField(
        r"^[\w.@-]+$",
        label=_("登录名"),
        max_length=60,
        help_text=_("字母、数字、点、横线，以后不能改。"),
        error_messages={"invalid": _("登录名只用字母、数字、点、横线。")},
    )
    field_order = ("name", "username", "organization", "role", "since", "until")


class EndForm(forms.Form):
    """The day a role ends."""

    until = forms.DateField(
        label=_("到哪天止（不含当天）"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
