"""What somebody fills in when a session is called off, given to another doctor, or a lost place is answered for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.scheduling.models import Session


class WithdrawForm(forms.Form):
    """Why a session is called off: which kind of reason, and in words."""

    why = forms.ChoiceField(label=_("哪一类原因"), choices=Session.Why.choices, initial=Session.Why.ILLNESS)
    reason = forms.CharField(label=_("停诊原因"), min_length=2, max_length=500)


class SubstituteForm(forms.Form):
    """Who takes the session over, and why."""

    practitioner = forms.TypedChoiceField(label=_("由谁替诊"), coerce=int, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("替诊原因"), min_length=2, max_length=500)

    def __init__(self, *args: Any, doctors: Iterable[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["practitioner"] = forms.TypedChoiceField(
            label=_("由谁替诊"), coerce=int, choices=list(doctors), widget=forms.RadioSelect
        )


class AnswerForm(forms.Form):
    """Another place, or none needed; a desk writes what was said on the phone."""

    step = forms.ChoiceField(choices=[(step, step) for step in ("place", "let_go")])
    slot = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    reason = forms.CharField(label=_("怎么说的"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        """Another place is named."""
        given = super().clean() or {}
        if given.get("step") == "place" and not given.get("slot"):
            raise forms.ValidationError(_("还没有选改到哪个时间。请点一个空号。"))
        return given
