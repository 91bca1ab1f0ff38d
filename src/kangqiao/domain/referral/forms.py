"""The typed signatures of the referral actions a person fills in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.contracting.models import Community
from kangqiao.domain.referral.actions import ITEMS
from kangqiao.domain.referral.models import Part, Referral, SchoolCase
from kangqiao.domain.referral.queries import Choice
from kangqiao.domain.referral.rules import LONGEST, LONGEST_ALLERGIES
from kangqiao.domain.residents.models import Resident

URGENCIES = [
    (Referral.Urgency.ROUTINE.value, _("常规")),
    (Referral.Urgency.URGENT.value, _("加急")),
    (Referral.Urgency.EMERGENCY.value, _("急诊")),
]
# What a letter that is open already keeps, whatever is added to it.
KEPT_WHEN_JOINED = ("to_organization", "specialty")
# Items of the data set that a person types.
OBLIGED = ("diagnosis", "reason_code", "history", "examination", "medicines", "allergies", "has_consent")
PLAN = _("【用药】\n\n【监测】\n\n【危险信号，出现即上转】\n\n【复诊】\n")


def text(label: Any, rows: int = 2, *, required: bool = True, most: int = 2000, hint: Any = "") -> forms.CharField:
    """A field of several lines."""
    area = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, max_length=most, required=required, widget=area, help_text=hint)


def travelling(*, required: bool, label: Any, hint: Any = "") -> forms.FileField:
    """One file that travels with a letter; an empty one is refused by the door, in words."""
    kinds = {"accept": ".pdf,.jpg,.jpeg,.png"}
    return forms.FileField(
        label=label, required=required, help_text=hint, max_length=255, allow_empty_file=True,
        # A page that comes back with its faults keeps the file that was chosen.
        widget=forms.FileInput(attrs=kinds if required else {**kinds, "hx-preserve": "true"}),
        error_messages={
            "required": _("还没有选文件。"), "max_length": _("文件名太长，请改短再上传。"),
        },
    )  # fmt: skip


def place() -> forms.IntegerField:
    """The number of a slot, or none."""
    return forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)


# A list that changed since the page came.
GONE_HOSPITAL = {"invalid_choice": _("这家医院已经不在可转的名单里，请另选一家。")}
GONE_SPECIALTY = {"invalid_choice": _("这个专科已经不在名单里，请另选一个。")}


class UpForm(forms.Form):
    """A letter up: where to, what the matter is, and the eight items. What is missing the action names."""

    to_organization = forms.TypedChoiceField(label=_("转到哪家医院"), coerce=int, error_messages=GONE_HOSPITAL)
    specialty = forms.ChoiceField(
        label=_("哪个专科"), widget=forms.Select(attrs={"data-focus": ""}), error_messages=GONE_SPECIALTY
    )
    urgency = forms.ChoiceField(label=_("缓急"), choices=URGENCIES, initial="routine", widget=forms.RadioSelect)
    diagnosis = forms.CharField(label=_("诊断"), max_length=100)
    reason_code = forms.ChoiceField(label=_("符合的转诊条件"))
    reason = forms.CharField(label=_("转诊原因"), max_length=500, required=False)
    history = text(_("病史摘要"), 4)
    examination = text(_("查体和检查"), 4)
    medicines = text(_("现用药"), hint=_("没有用药请写“无”"))
    allergies = forms.CharField(label=_("过敏史"), max_length=200, help_text=_("没有也请写“无”"))
    question = text(_("希望医院解决"), required=False)
    has_consent = forms.BooleanField(label=_("居民同意转诊，并同意把这些资料给接诊医院"), required=False)
    attachment = travelling(
        required=False, label=_("附件（PDF、JPG 或 PNG）"), hint=_("随单子送去；发出以后还可以再加。")
    )
    slot = place()
    origin_encounter = place()

    def __init__(
        self, *args: Any, hospitals: Iterable[Choice], reasons: Iterable[Choice],
        specialties: Iterable[tuple[str, Iterable[Choice]]], **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields |= {f"part_{kind}": place() for kind in Part.Kind.values}
        self.fields["to_organization"].choices = [(one.value, one.label) for one in hospitals]  # type: ignore[attr-defined]
        self.fields["specialty"].choices = [  # type: ignore[attr-defined]
            ("", _("请选专科")),
            *((group, [(one.value, one.label) for one in choices]) for group, choices in specialties),
        ]
        self.fields["reason_code"].choices = [("", _("请选一条")), *((one.value, one.label) for one in reasons)]  # type: ignore[attr-defined]

    def full_clean(self) -> None:
        """As always; then the items look obliged again, though it is the action that names what is missing first.

        What is joined to an open letter asks for no hospital and no specialty.
        """
        loose = (*OBLIGED, *KEPT_WHEN_JOINED) if self.data.get("join") else OBLIGED
        for name in loose:
            self.fields[name].required = False
        super().full_clean()
        for name in loose:
            self.fields[name].required = True

    def letter(self) -> dict[str, Any]:
        """What the action takes, without the resident."""
        data = dict(self.cleaned_data)
        data.pop("attachment")
        taken = {kind: data.pop(f"part_{kind}") for kind in Part.Kind.values}
        data["parts"] = {kind: slot for kind, slot in taken.items() if slot}
        names = {"to_organization": "to_organization_id", "slot": "slot_id", "origin_encounter": "origin_encounter_id"}
        return {names.get(name, name): value for name, value in data.items()}


class DownForm(forms.Form):
    """A hand-over to a centre: the criterion met, medicines and the plan."""

    to_organization = forms.TypedChoiceField(label=_("交给哪家中心"), coerce=int)
    specialty = forms.ChoiceField(label=_("哪个专科"))
    diagnosis = forms.CharField(label=_("诊断"), max_length=100)
    reason_code = forms.ChoiceField(label=_("符合的下转条件"), widget=forms.RadioSelect)
    medicines = text(_("带回去的用药"), 3)
    plan = text(_("康复与随访计划"), 9, most=4000, hint=_("写清楚看什么、什么时候看、出现什么就再上转。"))
    urgency = forms.ChoiceField(label=_("缓急"), choices=URGENCIES[:2], initial="routine", widget=forms.RadioSelect)
    has_consent = forms.BooleanField(label=_("居民同意回社区随访"), required=False)
    attachment = travelling(
        required=False, label=_("附件（PDF、JPG 或 PNG）"), hint=_("随单子送去；发出以后还可以再加。")
    )
    origin = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, centres: Iterable[Choice], specialties: Iterable[Choice], reasons: Iterable[Choice],
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["to_organization"].choices = [(one.value, one.label) for one in centres]  # type: ignore[attr-defined]
        self.fields["specialty"].choices = [(one.value, one.label) for one in specialties]  # type: ignore[attr-defined]
        self.fields["reason_code"].choices = [(one.value, one.label) for one in reasons]  # type: ignore[attr-defined]
        self.fields["plan"].initial = PLAN

    def letter(self) -> dict[str, Any]:
        """What the action takes, without the resident."""
        names = {"to_organization": "to_organization_id", "origin": "origin_id"}
        told = {name: value for name, value in self.cleaned_data.items() if name != "attachment"}
        return {names.get(name, name): value for name, value in told.items()}


class StepForm(forms.Form):
    """A step that needs nothing but the press of a button; `seen_status` is the state the person saw."""

    seen_status = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)


class SlotForm(StepForm):
    """Which place the patient gets; none keeps the one the GP took."""

    slot_id = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)


class RebookForm(StepForm):
    """The new place."""

    slot_id = forms.IntegerField(
        min_value=1, max_value=2**62, widget=forms.HiddenInput, error_messages={"required": _("请先选一个号。")}
    )


class ReasonForm(StepForm):
    """Why, in words the other side reads."""

    reason = text(_("原因"), 4, most=500, hint=_("对方会看到这句话，也会留在记录里。"))


class RedirectForm(StepForm):
    """Which house can take the patient instead, and that they know."""

    to_organization_id = forms.TypedChoiceField(label=_("改投哪家医院"), coerce=int, widget=forms.RadioSelect)
    specialty = forms.ChoiceField(label=_("哪个专科"))
    reason = text(_("为什么改投"), 2, most=500, hint=_("新的医院、转出医生和居民都会看到。"))
    is_agreed = forms.BooleanField(
        label=_("已和居民或转出医生说好"), error_messages={"required": _("请先打电话说好，再勾选。")}
    )

    def __init__(self, *args: Any, hospitals: Iterable[Choice], specialties: Iterable[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_organization_id"].choices = [(one.value, one.label) for one in hospitals]  # type: ignore[attr-defined]
        self.fields["specialty"].choices = [(one.value, one.label) for one in specialties]  # type: ignore[attr-defined]


class AdviceForm(StepForm):
    """What the hospital advises instead of a visit."""

    reply = text(_("给社区医生的建议"), 8, most=4000, hint=_("写明怎么用药、怎么查、什么情况再转上来。"))


class ResendForm(StepForm):
    """What is added to a returned letter."""

    history = text(_("病史摘要"), 3, most=LONGEST)
    examination = text(_("查体和检查"), 3, most=LONGEST)
    medicines = text(_("现用药"), most=LONGEST)
    allergies = forms.CharField(label=_("过敏史"), max_length=LONGEST_ALLERGIES)
    question = text(_("希望医院解决"), required=False, most=LONGEST)


class SummaryForm(StepForm):
    """The hospital's letter back."""

    reply = text(_("就诊小结"), 10, most=4000, hint=_("写明诊断、做了什么检查、用药怎么调、社区接下来做什么。"))


class PlanForm(StepForm):
    """A better plan after the centre declined."""

    medicines = text(_("带回去的用药"), 3)
    plan = text(_("康复与随访计划"), 9, most=4000)


class ContactForm(StepForm):
    """What the first contact found."""

    note = text(_("首次随访的情况"), 4, hint=_("电话、上门或来中心都可以，写一两句。"))


@dataclass(frozen=True, slots=True)
class Whole:
    """The data set while it is written: every item by its name and whether it is there."""

    rows: list[tuple[str, bool]]

    @property
    def given(self) -> int:
        """How many items are there."""
        return sum(has for _label, has in self.rows)

    @property
    def total(self) -> int:
        """How many items there are."""
        return len(self.rows)

    @property
    def share(self) -> float:
        """How much is there, 0 to 1."""
        return self.given / self.total

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.given == self.total


def items_given(data: Mapping[str, Any], *, has_identity: bool) -> Whole:
    """How whole the letter is, for the meter beside the form; the action decides (ZH-4.4c)."""
    filled = {name: bool(str(data.get(name, "")).strip()) for name in ITEMS}
    filled |= {
        "patient_identity": has_identity,
        "reason": filled["reason"] or bool(data.get("reason_code")),
        "consent": bool(data.get("has_consent")),
    }
    return Whole([(gettext(label), filled[item]) for item, label in ITEMS.items()])


class SchoolCaseForm(forms.Form):
    """A student's emergency as it is reported from a telephone: what happened first, whom to call last."""

    community_id = forms.TypedChoiceField(label=_("学校"), coerce=int)
    what = text(_("出了什么事"), 2, most=500, hint=_("一句话就够，例如：操场摔倒，右手腕肿。"))
    consciousness = forms.ChoiceField(
        label=_("神志"), choices=SchoolCase.Consciousness.choices, widget=forms.RadioSelect
    )
    breathing = forms.ChoiceField(label=_("呼吸"), choices=SchoolCase.Breathing.choices, widget=forms.RadioSelect)
    signs = forms.MultipleChoiceField(
        label=_("看到的"), choices=SchoolCase.Sign.choices, widget=forms.CheckboxSelectMultiple, required=False
    )
    temperature = forms.DecimalField(
        label=_("体温（℃）"), required=False, min_value=Decimal(30), max_value=Decimal(45), decimal_places=1,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.1"}),
    )  # fmt: skip
    findings = text(_("别的情况"), required=False, most=1000, hint=_("伤在哪里、吃了什么、以前有没有过。"))
    is_ambulance_called = forms.BooleanField(label=_("急救车已叫"), required=False)
    identifier = forms.CharField(
        label=_("学生的证件号"), max_length=40, required=False, help_text=_("名册上的号码；不知道就空着。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    student = forms.CharField(
        label=_("学生姓名"), max_length=100, required=False, help_text=_("写了证件号的可以不写。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    grade = forms.CharField(label=_("班级"), max_length=40, required=False)
    contact = forms.CharField(label=_("谁能接电话"), max_length=60)
    contact_phone = forms.CharField(
        label=_("联系电话"), max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    happened_at = forms.DateTimeField(
        label=_("什么时候发生的"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, schools: Iterable[Community], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(one.pk, one.zh) for one in schools]
        self.fields["community_id"].choices = known  # type: ignore[attr-defined]
        if len(known) == 1:
            self.fields["community_id"].widget = forms.HiddenInput()
            self.fields["community_id"].initial = known[0][0]


class SchoolAnswerForm(forms.Form):
    """What the school is to do."""

    kind = forms.ChoiceField(label=_("怎么办"), choices=SchoolCase.Answer.choices, widget=forms.RadioSelect)
    words = text(_("告诉学校"), 3, most=500, hint=_("观察什么、什么时候再报、带什么来。"))


class SchoolForwardForm(forms.Form):
    """Which hospital takes the student; most of it is there already from the school's report."""

    to_organization_id = forms.TypedChoiceField(label=_("转到哪家医院"), coerce=int)
    specialty = forms.ChoiceField(label=_("哪个专科"))
    diagnosis = forms.CharField(label=_("初步判断"), max_length=100)
    student = forms.CharField(label=_("学生姓名"), max_length=100)
    identifier = forms.CharField(
        label=_("证件号"), max_length=40, required=False,
        help_text=_("有档案的按证件号认出；没有证件号的空着，先按没有证件建档，之后再合并。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    sex = forms.ChoiceField(
        label=_("性别"), choices=[("", "—"), *Resident.Sex.choices], required=False, help_text=_("没有档案的要写。")
    )
    birth_date = forms.DateField(
        label=_("出生日期"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("没有档案、证件号也看不出来的要写。"),
    )  # fmt: skip
    allergies = forms.CharField(label=_("过敏史"), max_length=200, required=False, help_text=_("问不到就空着。"))
    medicines = text(_("现用药"), required=False, hint=_("问不到就空着。"))
    has_consent = forms.BooleanField(label=_("家长已同意转诊"), required=False)
    is_ambulance_called = forms.BooleanField(label=_("急救车已叫"), required=False)

    def __init__(self, *args: Any, hospitals: Iterable[Choice], specialties: Iterable[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_organization_id"].choices = [(one.value, one.label) for one in hospitals]  # type: ignore[attr-defined]
        self.fields["specialty"].choices = [  # type: ignore[attr-defined]
            ("", _("请选专科")),
            *((one.value, one.label) for one in specialties),
        ]


class AttachmentForm(forms.Form):
    """One file that travels with a letter."""

    file = travelling(required=True, label=_("附件"))
