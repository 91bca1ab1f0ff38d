"""What somebody wants to take along."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

SHEET, BUNDLE = "sheet", "bundle"
FORMS = ((SHEET, _("给人看的一份（网页）")), (BUNDLE, _("给别的系统读的一份（FHIR R4）")))


class WantedForm(forms.Form):
    """A sheet to read, or a bundle for other systems."""

    wanted = forms.ChoiceField(label=_("要哪一种"), choices=FORMS, widget=forms.RadioSelect, initial=SHEET)
