"""Values as they are typed, corrections, what a resident lives with, vaccinations, and a whole visit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.fields import DayField
from kangqiao.base.templatetags.kq import called, is_english
from kangqiao.domain.records.actions import Measured, Told
from kangqiao.domain.records.actions.immunizing import HERE
from kangqiao.domain.records.models import Allergy, Encounter
from kangqiao.domain.records.parameters import (
    Measure,
    allergens,
    drugs,
    measures,
    next_visit,
    programme,
    targets,
    topics,
)
from kangqiao.domain.records.queries import Jab, Odd
from kangqiao.domain.records.rules import Fault, Reading, days_to_next, fits_together, read_value

Words = str | Promise
AT_VISIT = (
    "systolic", "diastolic", "pulse", "temperature", "weight", "height", "waist", "glucose_fasting", "glucose", "spo2",
)  # fmt: skip
AT_HOME = ("systolic", "diastolic", "pulse", "glucose_fasting", "glucose", "weight")
LINES = 2


@dataclass(frozen=True, slots=True)
class Question:
    """An uncommon value that was typed, and what is asked about it; `mark` says yes to exactly this value."""

    mark: str
    words: str


class MeasuresForm(forms.Form):
    """Values as typed: an impossible one is refused, an uncommon one asked about, and what is said is kept."""

    codes: tuple[str, ...] = AT_VISIT
    # Enter goes through these fields in turn; after the pulse to `after`.
    after = ""
    turn: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions: list[Question] = []
        self.read: dict[str, Reading] = {}
        for code in self.codes:
            one = measures()[code]
            digits = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
            label = f"{called(one)} {one.unit}"
            self.fields[code] = forms.CharField(label=label, max_length=24, required=False, widget=digits)

    def clean(self) -> dict[str, Any]:
        """Every value against its limits, then the blood pressure as a whole."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        for code in self.codes:
            if text := told.get(code, ""):
                self._read(measures()[code], text)
        is_refused = any(one.fault is not None and not one.fault.is_asked for one in self.read.values())
        if not is_refused and not fits_together({code: one.value for code, one in self.read.items()}):
            self.add_error("systolic", _("血压要有收缩压和舒张压，收缩压在前、较高。请核对是不是写反或漏了。"))
        return told

    def _read(self, measure: Measure, text: str) -> None:
        found, mark = read_value(measure, text), f"{measure.code}={text}"
        self.read[measure.code] = found
        if found.fault is None or (found.fault.is_asked and mark in self._sure()):
            return
        words = _asked(measure, found, text)
        if found.fault.is_asked:
            self.questions.append(Question(mark, words))
        self.add_error(measure.code, words)

    def _sure(self) -> list[str]:
        return list(getattr(self.data, "getlist", lambda _name: [])("sure"))

    @property
    def is_bp_odd(self) -> str:
        """How the row of the blood pressure looks: barred, asked about, or plain."""
        faults = [self.read[code].fault for code in ("systolic", "diastolic", "pulse") if code in self.read]
        odd = [fault for fault in faults if fault is not None]
        if not odd and "systolic" not in self.errors:
            return ""
        return "wait" if odd and all(fault.is_asked for fault in odd) else "back"

    def measured(self) -> list[Measured]:
        """What the action takes."""
        return [Measured(code, one.value, is_sure=one.fault is not None) for code, one in self.read.items()]


def _asked(measure: Measure, found: Reading, text: str) -> str:
    bounds = measure.bounds
    name = {
        "name": called(measure), "text": text, "unit": measure.unit, "value": found.value, "other": found.unit,
        "least": bounds.least, "most": bounds.most, "common_least": bounds.usual_least,
        "common_most": bounds.usual_most,
    }  # fmt: skip
    match found.fault:
        case Fault.NO_NUMBER:
            return _("“%(text)s”不是数。请只写数字，需要时带上单位。") % name
        case Fault.UNIT:
            return _("“%(text)s”的单位不认识，%(name)s用 %(unit)s。") % name
        case Fault.IMPOSSIBLE:
            return _("%(name)s %(text)s 不可能，能收的是 %(least)s—%(most)s %(unit)s。请核对后重写。") % name
        case Fault.OTHER_UNIT:
            return _("%(name)s %(text)s 像是 %(other)s，合 %(value)s %(unit)s。是就勾选，不是请重写。") % name
        case _:
            return (
                _("%(name)s %(value)s %(unit)s 少见（一般 %(common_least)s—%(common_most)s）。核对无误请勾选。") % name
            )


class HomeForm(MeasuresForm):
    """What somebody measured at home, and when."""

    codes = AT_HOME

    taken_at = forms.DateTimeField(
        label=gettext_lazy("什么时候测的"), input_formats=("%Y-%m-%dT%H:%M",),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """As always, and at least one value."""
        told = super().clean()
        if not self.errors and not self.read:
            self.add_error("systolic", _("还没有填数。"))
        return told


class CorrectionForm(forms.Form):
    """The right value, or that there is none, and why."""

    value = forms.CharField(
        label=gettext_lazy("正确的值"), max_length=24, required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=gettext_lazy("空着就是作废这个值。"),
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("为什么更正"), max_length=200, help_text=gettext_lazy("原来的值会和这句话一起留着。")
    )
    is_sure = forms.BooleanField(label=gettext_lazy("值少见，已核对"), required=False)

    def __init__(self, *args: Any, measure: Measure | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.measure = measure

    def clean_value(self) -> Decimal | None:
        """The value in the unit of its measure."""
        text = self.cleaned_data["value"]
        if not text or self.measure is None:
            return None
        found = read_value(self.measure, text)
        is_said = found.fault is not None and found.fault.is_asked and bool(self.data.get("is_sure"))
        if found.fault is not None and not is_said:
            raise forms.ValidationError(_asked(self.measure, found, text))
        return found.value


class KeepForm(forms.Form):
    """One thing a resident lives with: what kind, its name or row, and what is said about it."""

    STEPS = ("problem", "allergy", "none_known", "medicine", "end", "refute", "stop")

    step = forms.ChoiceField(choices=[(one, one) for one in STEPS], widget=forms.HiddenInput)
    row = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    name = forms.CharField(max_length=60, required=False)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    words = forms.CharField(max_length=200, required=False)
    severity = forms.ChoiceField(choices=Allergy.Severity.choices, required=False)
    is_sure = forms.BooleanField(required=False)


class JabForm(forms.Form):
    """A vaccination: what the vaccine's box says where it was given here, what its certificate says where elsewhere."""

    OWN, ELSEWHERE = "here", "elsewhere"

    vaccine = forms.ChoiceField(label=gettext_lazy("疫苗"))
    dose = forms.TypedChoiceField(
        label=gettext_lazy("第几剂"), required=False, coerce=int, help_text=gettext_lazy("空着就是下一剂。")
    )
    given_on = DayField(label=gettext_lazy("哪天接种"))
    given = forms.ChoiceField(
        label=gettext_lazy("在哪里接种"), initial=OWN, widget=forms.RadioSelect,
        choices=((OWN, gettext_lazy("本机构")), (ELSEWHERE, gettext_lazy("别处，照接种证补记"))),
    )  # fmt: skip
    place = forms.CharField(
        label=gettext_lazy("别处的名称"), max_length=60, required=False, help_text=gettext_lazy("照接种证上的章写。")
    )
    performer = forms.CharField(label=gettext_lazy("谁接种的"), max_length=60, required=False)
    manufacturer = forms.CharField(label=gettext_lazy("上市许可持有人"), max_length=60, required=False)
    lot = forms.CharField(
        label=gettext_lazy("批号"), max_length=40, required=False, widget=forms.TextInput({"autocomplete": "off"})
    )
    expires_on = DayField(label=gettext_lazy("有效期至"), required=False)
    route = forms.ChoiceField(label=gettext_lazy("途径"), required=False)
    site = forms.ChoiceField(label=gettext_lazy("部位"), required=False)
    reaction = forms.CharField(
        label=gettext_lazy("不良反应"), max_length=200, required=False,
        help_text=gettext_lazy("留观时或以后出现的；没有就空着。"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules, spot = programme(), 2 if is_english() else 1
        self.questions: list[Question] = []
        planned = {key for one in rules.series for dose in one.doses for key in dose.vaccines}
        rows = [(one.key in planned, one.key, called(one)) for one in rules.vaccines.values()]
        is_elsewhere = self.data.get("given") == self.ELSEWHERE or bool(self.data.get("is_void"))
        for name in HERE:
            self.fields[name].required = not is_elsewhere
        self._offer("vaccine", [
            ("", _("请选疫苗")),
            (_("免疫规划"), [(key, name) for is_planned, key, name in rows if is_planned]),
            (_("其他疫苗"), [(key, name) for is_planned, key, name in rows if not is_planned]),
        ])  # fmt: skip
        most = max(len(one.doses) for one in rules.series)
        self._offer("dose", [("", "—"), *((n, _("第 %(n)s 剂") % {"n": n}) for n in range(1, most + 1))])
        self._offer("route", [("", "—"), *((one[0], one[spot]) for one in rules.routes)])
        self._offer("site", [("", "—"), *((one[0], one[spot]) for one in rules.sites)])

    def _offer(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def jab(self) -> Jab:
        """What the action takes."""
        told = {name: self.cleaned_data[name] for name in Jab.__dataclass_fields__ if name != "is_here"}
        return Jab(**told | {"dose": told["dose"] or 0}, is_here=self.cleaned_data["given"] == self.OWN)

    def mark_of(self, code: str) -> str:
        """What a tick says yes to: this code about exactly this vaccine, dose, day and place."""
        return "=".join((code, *(str(self.cleaned_data[name]) for name in ("vaccine", "dose", "given_on", "given"))))

    def ask(self, odd: Iterable[Odd]) -> None:
        """What is odd becomes a question each."""
        self.questions = [Question(self.mark_of(one.code), one.words) for one in odd if one.is_asked]

    def sure(self) -> set[str]:
        """The codes that were ticked for what stands in the form now."""
        ticked = list(getattr(self.data, "getlist", lambda _name: [])("sure"))
        return {code for code in (one.partition("=")[0] for one in ticked) if self.mark_of(code) in ticked}


class JabCorrectionForm(JabForm):
    """The right vaccination, or that there was none, and why."""

    is_void = forms.BooleanField(label=gettext_lazy("作废：没有这次接种，或记错了人"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("为什么更正"), max_length=200, help_text=gettext_lazy("原来的记录会和这句话一起留着。")
    )


class VisitForm(MeasuresForm):
    """A visit on one page; whoever follows the keys writes a routine one without the pointer."""

    after = "#id_weight"
    turn = (
        "weight", "glucose_fasting", "diagnosis", "differential", "summary", "medicine_1", "dose_1", "medicine_2",
        "dose_2", "allergy", "education",
    )  # fmt: skip

    reason = forms.CharField(
        label=gettext_lazy("就诊原因"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True})
    )
    diagnosis = forms.ChoiceField(label=gettext_lazy("诊断"))
    differential = forms.CharField(label=gettext_lazy("鉴别"), max_length=200, required=False)
    is_problem = forms.BooleanField(label=gettext_lazy("列入长期问题"), required=False)
    allergy = forms.CharField(label=gettext_lazy("新发现的过敏"), max_length=60, required=False)
    no_allergy = forms.BooleanField(label=gettext_lazy("问过，无已知过敏"), required=False)
    education = forms.CharField(label=gettext_lazy("健康教育"), max_length=200, required=False)
    summary = forms.CharField(
        label=gettext_lazy("处理和医嘱"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    outcome = forms.ChoiceField(
        label=gettext_lazy("结果"), choices=Encounter.Outcome.choices, initial=Encounter.Outcome.TREATED,
        widget=forms.RadioSelect,
    )  # fmt: skip
    next_visit = forms.ChoiceField(label=gettext_lazy("下次复诊"), initial="auto")
    is_sure = forms.BooleanField(label=gettext_lazy("用药和过敏已核对，仍用这种药"), required=False)

    def __init__(self, *args: Any, diagnoses: Iterable[tuple[str, Iterable[tuple[str, str]]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["diagnosis"].choices = [("", _("请选诊断")), *diagnoses]  # type: ignore[attr-defined]
        terms = next_visit()
        self.fields["next_visit"].choices = [  # type: ignore[attr-defined]
            ("auto", _("按测得的结果")),
            *((str(days), _("%(days)s 天后") % {"days": days}) for days in (terms.adjust, 28, terms.routine)),
            ("none", _("不用复诊")),
        ]
        for code in ("smoking", "drinking"):
            topic = topics()[code]
            answers = [(answer, en if is_english() else zh) for answer, zh, en in topic.answers]
            self.fields[code] = forms.ChoiceField(label=called(topic), choices=[("", "—"), *answers], required=False)
        self.fields["family_history"] = forms.CharField(
            label=called(topics()["family_history"]), max_length=200, required=False
        )
        for number in range(1, LINES + 1):
            self.fields[f"medicine_{number}"] = forms.CharField(
                label=_("加药"), max_length=60, required=False,
                widget=forms.TextInput(attrs={"list": "drugs", "autocomplete": "off"}),
            )  # fmt: skip
            self.fields[f"dose_{number}"] = forms.CharField(label=_("用法"), max_length=60, required=False)
        self.fields["allergy"].widget.attrs |= {"list": "allergens", "autocomplete": "off"}
        for name, after in pairwise(self.turn):
            self.fields[name].widget.attrs["data-next"] = f"#id_{after}"
        self.fields["reason"].widget.attrs["data-next"] = "#bp-systolic"

    def told(self, age: int, today: date) -> Told:
        """What the action takes, for somebody of that age."""
        given = self.cleaned_data
        said = [Measured(code, text=given[code]) for code in topics() if given.get(code)]
        lines = [(given[f"medicine_{n}"], given[f"dose_{n}"]) for n in range(1, LINES + 1) if given[f"medicine_{n}"]]
        return Told(
            reason=given["reason"],
            outcome=given["outcome"],
            diagnosis=given["diagnosis"],
            problem=given["diagnosis"] if given["is_problem"] else "",
            differential=given["differential"],
            summary=given["summary"],
            measured=[*self.measured(), *said],
            medicines=lines,
            allergy=given["allergy"] or ("" if given["no_allergy"] else None),
            next_visit_on=self._next(given["next_visit"], age, today),
            is_sure=given["is_sure"],
        )

    def _next(self, choice: str, age: int, today: date) -> date | None:
        if choice == "none":
            return None
        values = {code: one.value for code, one in self.read.items()}
        days = days_to_next(values, targets(), age, next_visit()) if choice == "auto" else int(choice)
        return today + timedelta(days=days)


def names_of(known: Iterable[Any]) -> list[str]:
    """Names in the reader's language, for a list to pick from."""
    return [called(one) for one in known]


def pick_lists() -> dict[str, list[str]]:
    """What can be picked while medicines and allergies are typed."""
    return {"drugs": names_of(drugs()), "allergens": names_of(allergens())}
