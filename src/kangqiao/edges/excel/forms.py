"""What is uploaded, and what is decided about a batch."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import ImportRow

ALL = "all"
SHOWN = ((ALL, _("全部")), *ImportRow.Mark.choices)


class UploadForm(forms.Form):
    """One table."""

    table = forms.FileField(
        label=_("表格"),
        help_text=_("Excel（.xlsx）或 CSV（UTF-8、GB18030 都行），一次最多 2 万行。"),
        error_messages={"required": _("还没有选文件。"), "empty": _("文件是空的。")},
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
    )


class ViewForm(forms.Form):
    """Which rows of a batch are shown, and which is being mended."""

    show = forms.ChoiceField(choices=SHOWN, required=False)
    edit = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def asked(self) -> tuple[str, int | None]:
        """The colour and the row; what is odd counts as not asked."""
        self.is_valid()
        return self.cleaned_data.get("show") or ALL, self.cleaned_data.get("edit")


class SendForm(forms.Form):
    """The decision to enter the good rows, with so many faulty ones left out."""

    seen_bad = forms.IntegerField(required=False, min_value=0, max_value=10**6)
