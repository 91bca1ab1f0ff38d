"""What is typed about samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.fields import DayField
from kangqiao.base.templatetags.kq import called
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.quality.actions import MOST
from kangqiao.domain.quality.models import SampledItem
from kangqiao.domain.quality.parameters import FindingKind
from kangqiao.domain.quality.rules import SEEDS


class DrawForm(forms.Form):
    """Of which centre and which time, how many per team, and the seed where the same is to be drawn again."""

    centre_id = forms.TypedChoiceField(label=_("社区中心"), coerce=int)
    starts_on = DayField(label=_("从哪天"))
    ends_on = DayField(label=_("到哪天"), help_text=_("这段时间有效的签约和做过的服务都可能抽到。"))
    size = forms.IntegerField(label=_("每队签约、服务各抽几份"), min_value=1, max_value=MOST)
    seed = forms.IntegerField(
        label=_("种子"), min_value=0, max_value=SEEDS - 1, required=False,
        help_text=_("空着由系统随机给；填上次的种子，同样的名册抽出同样的件。"),
    )  # fmt: skip

    def __init__(self, *args: Any, centres: Sequence[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["centre_id"].choices = [  # type: ignore[attr-defined]
            ("", _("请选中心")), *((one.pk, called(one)) for one in centres)
        ]  # fmt: skip


class CheckForm(forms.Form):
    """How an item was checked and what was found; nothing ticked means that nothing was."""

    how = forms.ChoiceField(label=_("怎么核查的"), choices=SampledItem.How.choices, widget=forms.RadioSelect)
    findings = forms.MultipleChoiceField(
        label=_("发现的问题"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("没有问题就都不勾。")
    )
    note = forms.CharField(
        label=_("说明"), max_length=300, required=False, widget=forms.Textarea({"rows": 2}),
        help_text=_("写核查的经过，不写病情。"),
    )  # fmt: skip
    due_on = DayField(label=_("最晚哪天整改好"), required=False, help_text=_("有问题时用；空着按设定的天数。"))

    def __init__(self, *args: Any, kinds: Sequence[FindingKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["findings"].choices = [(one.key, called(one)) for one in kinds]  # type: ignore[attr-defined]
