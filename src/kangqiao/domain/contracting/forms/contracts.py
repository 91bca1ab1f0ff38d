"""What people type about teams, packages and contracts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.base.fields import DayField
from kangqiao.base.signatures import SignatureField
from kangqiao.domain.contracting.models import (
    UNPROMISED,
    Act,
    Community,
    Contract,
    Group,
    Helper,
    ServicePackage,
    Team,
    TeamDuty,
    TeamMember,
    Zone,
)
from kangqiao.domain.contracting.parameters import ItemTerm
from kangqiao.domain.contracting.queries import SHOWN
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.workforce.models import Practitioner

FEN = 100
ITEM_ROWS = 6


class TeamForm(forms.Form):
    """A new team."""

    zh = forms.CharField(label=_("名称"), max_length=60, help_text=_("例如“香湾第三家庭医生团队”"))
    ceiling = forms.IntegerField(
        label=_("名额"), min_value=1, max_value=100_000, required=False, help_text=_("不填就按本地规定的上限。")
    )
    phone = forms.CharField(label=_("联系电话"), max_length=40, required=False)


class MemberForm(forms.Form):
    """Somebody who joins."""

    practitioner = forms.TypedChoiceField(label=_("人员"), coerce=int)
    kind = forms.ChoiceField(label=_("成员类别"), choices=TeamMember.Kind)
    is_lead = forms.BooleanField(label=_("由他牵头"), required=False)

    def __init__(self, *args: Any, people: Iterable[Practitioner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one.pk, f"{one.name} · {one.organization.short_zh}") for one in people]
        self.fields["practitioner"].choices = [("", _("请选人员")), *named]  # type: ignore[attr-defined]

    def keywords(self) -> dict[str, Any]:
        """What the action takes."""
        data = dict(self.cleaned_data)
        return {"practitioner_id": data.pop("practitioner"), **data}


class HelperForm(forms.Form):
    """Somebody without a licence who helps."""

    user_id = forms.TypedChoiceField(label=_("人员"), coerce=int, help_text=_("先请系统管理员开通“团队协助人员”账号。"))
    kind = forms.ChoiceField(label=_("类别"), choices=Helper.Kind)

    def __init__(self, *args: Any, people: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_id"].choices = [("", _("请选人员")), *people]  # type: ignore[attr-defined]


class HealthWorkerForm(forms.Form):
    """Whose account reports for a school."""

    user_id = forms.TypedChoiceField(
        label=_("人员"), coerce=int, help_text=_("先请系统管理员在本中心开通“校医或保健老师”账号。")
    )

    def __init__(self, *args: Any, people: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_id"].choices = [("", _("请选人员")), *people]  # type: ignore[attr-defined]


class VisitForm(forms.Form):
    """Who of the helpers goes to a resident, for what and when."""

    helper_id = forms.TypedChoiceField(label=_("谁去"), coerce=int)
    act = forms.ChoiceField(label=_("去做什么"), choices=Act, initial=Act.HOME_VISIT)
    on = DayField(label=_("哪天"))

    def __init__(self, *args: Any, helpers: Iterable[Helper], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one.pk, f"{one.user.name} · {one.get_kind_display()}") for one in helpers]
        self.fields["helper_id"].choices = [("", _("请选人员")), *named]  # type: ignore[attr-defined]


class ZoneForm(forms.Form):
    """House numbers of a street."""

    zh = forms.CharField(label=_("片区名称"), max_length=60)
    kind = forms.ChoiceField(label=_("种类"), choices=Zone.Kind)
    street = forms.CharField(label=_("街路"), max_length=120, help_text=_("和居民地址的写法一致，到门牌号为止。"))
    first = forms.IntegerField(label=_("门牌从"), min_value=1, max_value=999_999)
    last = forms.IntegerField(label=_("到"), min_value=1, max_value=999_999)


class DutyForm(forms.Form):
    """What one kind of member does."""

    kind = forms.ChoiceField(choices=TeamDuty._meta.get_field("kind").flatchoices, widget=forms.HiddenInput)
    duties = forms.CharField(label=_("职责"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    standard = forms.CharField(label=_("标准"), max_length=500, required=False)
    scope = forms.MultipleChoiceField(
        label=_("可以做的服务"), choices=Act, required=False, widget=forms.CheckboxSelectMultiple
    )


class ApplyForm(forms.Form):
    """Which team, which packages, and who of the family with them."""

    team = forms.TypedChoiceField(label=_("家庭医生团队"), coerce=int, widget=forms.RadioSelect)
    packages = forms.TypedMultipleChoiceField(
        label=_("服务包"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("不选就是免费的基础包。"),
    )  # fmt: skip
    family = forms.TypedMultipleChoiceField(
        label=_("一起签约的家人"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    has_consent = forms.BooleanField(label=_("一起签约的成年家人都已同意"), required=False)

    def __init__(
        self, *args: Any, resident: Resident, teams: Sequence[Team], packages: Sequence[ServicePackage],
        family: Sequence[Resident], **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.resident = resident
        self._offer("team", [(one.pk, _named_team(one)) for one in teams])
        self._offer("packages", [(one.pk, _named_package(one)) for one in packages])
        self._offer("family", [(one.pk, f"{one.name} {one.birth_date:%Y-%m-%d}") for one in family])
        if not family:
            del self.fields["family"], self.fields["has_consent"]

    def _offer(self, name: str, choices: list[tuple[int, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def keywords(self) -> dict[str, Any]:
        """What the action takes."""
        data = self.cleaned_data
        return {
            "team_id": data["team"],
            "resident_ids": [self.resident.pk, *data.get("family", ())],
            "package_ids": data["packages"],
            "has_consent": data.get("has_consent", False),
        }


class StepForm(forms.Form):
    """A step that needs nothing but the press of its button."""


class ReasonForm(StepForm):
    """A step with its reason."""

    reason = forms.CharField(label=_("原因"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class EndForm(ReasonForm):
    """The end before the term is over."""

    # What the calendar ends by itself is nobody's choice.
    why = forms.ChoiceField(
        label=_("为什么解约"), choices=[one for one in Contract.Why.choices if one[0] != Contract.Why.UNAPPROVED],
        initial=Contract.Why.WISH,
    )  # fmt: skip
    field_order = ("why", "reason")


class SignForm(StepForm):
    """How somebody signs at the desk; a resident on the own screen just presses."""

    way = forms.ChoiceField(label=_("怎样签"), choices=Contract.Way, widget=forms.RadioSelect, initial="paper")
    where = forms.ChoiceField(label=_("在哪里签"), choices=Contract.Where, initial="centre")
    community_id = forms.TypedChoiceField(
        label=_("单位"), coerce=int, required=False, empty_value=None,
        help_text=_("本人在那里工作、上学或居住时选：签约地点按它记，名册上还没有的会加上。"),
    )  # fmt: skip
    signed_by = forms.CharField(
        label=_("签署人姓名"), max_length=60, required=False, help_text=_("本人或户主；孩子由监护人签。")
    )
    filed_as = forms.CharField(label=_("纸质归档编号"), max_length=60, required=False, help_text=_("纸质签署时填写。"))
    code = forms.CharField(
        label=_("签约码"), max_length=10, required=False, help_text=_("居民在自己的“我的家庭医生”里看得到。")
    )
    signature = SignatureField(label=_("手写签名"), help_text=_("屏幕签署时，请居民在框里签名。"))

    def offer(self, places: Sequence[Community]) -> None:
        """The places the house serves; without any the question is not asked."""
        if not places:
            del self.fields["community_id"]
            return
        self.fields["community_id"].choices = _named_places(places)  # type: ignore[attr-defined]


class OwnSignForm(StepForm):
    """How a resident signs on the own screen: by pressing, and by hand where they can."""

    signature = SignatureField(label=_("手写签名"), help_text=_("不方便手写，直接按下面的按钮也算签署。"))


class RenewForm(SignForm):
    """The next term; the code belongs to a first signature."""

    code = None  # type: ignore[assignment]
    way = forms.ChoiceField(
        label=_("怎样签"), choices=[one for one in Contract.Way.choices if one[0] != "code"],
        widget=forms.RadioSelect, initial="paper",
    )  # fmt: skip


class PackageForm(forms.Form):
    """A package of one's own; up to six items below it."""

    zh = forms.CharField(label=_("名称"), max_length=60)
    code = forms.SlugField(label=_("代码"), max_length=40, help_text=_("英文小写；和已有的一样，就是它的新版本。"))
    group = forms.ChoiceField(label=_("给谁"), choices=Group)
    starts_on = DayField(label=_("从哪天起"))
    reason = forms.CharField(
        label=_("为什么这样定"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("居民和上级会看到，例如物价文件的文号。"),
    )  # fmt: skip


class ItemForm(forms.Form):
    """One item of it."""

    act = forms.ChoiceField(
        label=_("服务"), choices=[(one.value, one.label) for one in Act if one not in UNPROMISED], required=False
    )
    zh = forms.CharField(label=_("项目"), max_length=100, required=False)
    times = forms.IntegerField(label=_("每年几次"), min_value=1, max_value=366, required=False)
    yuan = forms.DecimalField(
        label=_("每次多少元"), min_value=0, max_value=100_000, max_digits=8, decimal_places=2, required=False,
        help_text=_("不填就是免费。"),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A line that is begun has its name and how often."""
        found = super().clean() or {}
        if found.get("zh") and not found.get("times"):
            self.add_error("times", _("请写每年几次。"))
        if found.get("times") and not found.get("zh"):
            self.add_error("zh", _("请写项目名称。"))
        return found


ItemForms = forms.formset_factory(ItemForm, extra=ITEM_ROWS, max_num=ITEM_ROWS, absolute_max=ITEM_ROWS)


def items_of(formset: Any) -> list[ItemTerm]:
    """The lines that were filled in; prices in fen."""
    rows = [one.cleaned_data for one in formset.forms if one.cleaned_data.get("zh")]
    return [
        ItemTerm(row["act"], row["zh"].strip(), "", row["times"], int((row["yuan"] or Decimal(0)) * FEN), ())
        for row in rows
    ]


class Narrow(forms.Form):
    """What narrows a list; an unknown value narrows nothing."""

    q = forms.CharField(label=_("姓名或拼音"), required=False, max_length=60)
    team = forms.TypedChoiceField(label=_("团队"), coerce=int, required=False, empty_value=None)

    def __init__(self, data: Any, *, teams: Sequence[Team]) -> None:
        super().__init__(data)
        self.fields["team"].choices = [("", _("全部")), *((one.pk, one.zh) for one in teams)]  # type: ignore[attr-defined]

    def wanted(self) -> dict[str, Any]:
        """The keywords of the query."""
        self.is_valid()
        return {"text": self.cleaned_data.get("q", ""), "team_id": self.cleaned_data.get("team")}


class CommunityForm(forms.Form):
    """A place of work, study or residence."""

    kind = forms.ChoiceField(label=_("种类"), choices=Community.Kind)
    zh = forms.CharField(label=_("名称"), max_length=60)
    address = forms.CharField(label=_("地址"), max_length=200, required=False)
    phone = forms.CharField(label=_("联系电话"), max_length=40, required=False)
    head_count = forms.IntegerField(
        label=_("人数"), min_value=1, max_value=1_000_000, required=False,
        help_text=_("单位自己报的人数；学校只算学生。不知道就空着，按名册算。"),
    )  # fmt: skip
    counted_on = forms.DateField(
        label=_("哪天的人数"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    counted_by = forms.CharField(
        label=_("人数的来源"), max_length=100, required=False, help_text=_("例如“学校在校生名单”。")
    )


class JoinForm(forms.Form):
    """Somebody on the list of a place."""

    name = forms.CharField(label=_("姓名"), max_length=100)
    identifier = forms.CharField(
        label=_("证件号"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("按它认人：已经建档的，档案和签约自动对上。"),
    )  # fmt: skip


class BelongForm(forms.Form):
    """Where a resident works, studies or lives."""

    community_id = forms.TypedChoiceField(label=_("单位"), coerce=int)

    def __init__(self, *args: Any, places: Sequence[Community], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["community_id"].choices = _named_places(places)  # type: ignore[attr-defined]


class CommunityVisitForm(forms.Form):
    """Which team comes to a place, and when."""

    team_id = forms.TypedChoiceField(label=_("团队"), coerce=int)
    on = DayField(label=_("哪天"))

    def __init__(self, *args: Any, teams: Sequence[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team_id"].choices = [("", _("请选团队")), *((one.pk, one.zh) for one in teams)]  # type: ignore[attr-defined]


class NarrowPlaces(forms.Form):
    """What narrows the list of places; an unknown value narrows nothing."""

    q = forms.CharField(label=_("名称或拼音"), required=False, max_length=60)
    kind = forms.ChoiceField(label=_("种类"), choices=[("", _("全部")), *Community.Kind.choices], required=False)

    def wanted(self) -> dict[str, str]:
        """The keywords of the query."""
        self.is_valid()
        return {"text": self.cleaned_data.get("q", ""), "kind": self.cleaned_data.get("kind", "")}


class NarrowPeople(forms.Form):
    """Whom a place's page lists; an unknown value is the first choice."""

    q = forms.CharField(label=_("姓名或拼音"), required=False, max_length=60)
    show = forms.ChoiceField(choices=SHOWN.items(), required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, first: str) -> None:
        super().__init__(data)
        self.first = first

    def wanted(self) -> tuple[str, str]:
        """Whom to show, and the text."""
        self.is_valid()
        return self.cleaned_data.get("show") or self.first, self.cleaned_data.get("q", "")


def today_first(on: date) -> dict[str, Any]:
    """What a new package begins with."""
    return {"starts_on": on}


def _named_places(places: Sequence[Community]) -> list[tuple[Any, Any]]:
    return [("", _("不选")), *((one.pk, f"{one.zh} · {one.get_kind_display()}") for one in places)]


def _named_team(team: Team) -> str:
    return f"{team.zh} · {team.organization.short_zh}"


def _named_package(package: ServicePackage) -> str:
    price = f"¥{Decimal(package.year_fen) / FEN:.2f}" if package.year_fen else str(_("免费"))
    return f"{package.zh} · {package.get_group_display()} · {price}"
