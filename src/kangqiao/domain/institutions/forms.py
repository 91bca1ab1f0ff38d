"""What the network is kept with."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.institutions.rules import Fault

SAID = {
    Fault.MISSING: _("没有填"),
    Fault.FORM: _("写法不对"),
    Fault.UNKNOWN: _("没有这个代码或名称"),
    Fault.IMPOSSIBLE: _("不可能是这个数"),
    Fault.TOO_LONG: _("太长"),
    Fault.UNSEEN: _("里面有看不见的字符"),
    Fault.UNUSUAL: _("少见，请核对"),
    Fault.TWICE: _("已经有了"),
    Fault.OF_OTHERS: _("不在您管理的地区"),
}


class ListForm(forms.Form):
    """A list of institutions as a table."""

    table = forms.FileField(label=_("机构名单"), help_text=_("Excel（.xlsx）或 CSV，第一行是列名，最多 2 万行。"))
    is_sure = forms.BooleanField(label=_("少见的数我已核对，照此登记"), required=False)
